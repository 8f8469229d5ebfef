"""What torch's and NumPy's own error messages mean, said in terms of the shapes a task was asked with."""

import math
import re

READ = 2000  # characters of a message; torch says what it means before


def explain(message: str, calls: list[dict]) -> str:
    """One or two sentences about an error message, or nothing where the message speaks for itself.

    calls: the arguments of the probe's calls (asking.recorded_inputs), to say which tensor a size belongs to. A size has at most 18 digits.
    """
    shapes = {}
    for call in calls:
        for name, value in call.items():
            entries = [(f"{name}[{place}]", each) for place, each in enumerate(value)] if isinstance(value, (list, tuple)) else [(name, value)]
            for label, each in entries:
                if hasattr(each, "shape"):
                    shapes.setdefault(label, []).append(tuple(each.shape))
    for pattern, sentence in _EXPLANATIONS:
        found = re.search(pattern, message[:READ])
        if found:
            return sentence(shapes, *found.groups())
    return ""


def _matmul(shapes, a, b, c, d):
    left, right = (int(a), int(b)), (int(c), int(d))
    text = f"A matrix product needs equal inner sizes; here {b} meets {c}."
    owners = [f"({rows}, {columns}) is {owner}" for (rows, columns) in (left, right) if (owner := _owner(shapes, (rows, columns)))]
    if owners:
        text += f" In this task {' and '.join(owners)}."
    if left[1] == right[1]:
        text += " The sizes would agree if the second matrix were transposed."
    return text


def _owner(shapes, size):
    """Which argument has this 2-D shape: as it is, transposed, or with its leading dimensions flattened."""
    for name, known in shapes.items():
        for shape in known:
            if shape == size:
                return name
            if len(shape) == 2 and shape[::-1] == size:
                return f"{name} transposed"
            if len(shape) > 2 and (math.prod(shape[:-1]), shape[-1]) == size:
                return f"{name}, of shape {shape}, with its leading dimensions flattened"
    return ""


_EXPLANATIONS = (
    (r"mat1 and mat2 shapes cannot be multiplied \((\d{1,18})x(\d{1,18}) and (\d{1,18})x(\d{1,18})\)", _matmul),
    (
        r"size of tensor a \((\d{1,18})\) must match the size of tensor b \((\d{1,18})\) at non-singleton dimension (\d{1,18})",
        lambda shapes, a, b, dimension: f"Two tensors were combined entry by entry, and sizes {a} and {b} meet in dimension "
        f"{dimension} of the result: they must be equal, or one of them 1.",
    ),
    (
        r"operands could not be broadcast together with shapes (\([\d, ]*\)) (\([\d, ]*\))",
        lambda shapes, a, b: f"Two arrays were combined entry by entry, but {a} and {b} do not broadcast: "
        "compared from the right, each pair of sizes must be equal or contain a 1.",
    ),
    (
        r"size mismatch, got input \((\d{1,18})\), mat \((\d{1,18})x(\d{1,18})\), vec \((\d{1,18})\)",
        lambda shapes, i, a, b, v: f"A ({a}, {b}) matrix times a vector needs {b} entries; the vector has {v}.",
    ),
    (
        r"inconsistent tensor size, expected tensor \[(\d{1,18})\] and src \[(\d{1,18})\]",
        lambda shapes, a, b: f"A dot product needs two vectors of one length; here {a} meets {b}.",
    ),
    (
        r"expected .*same dtype, but got: (\S+) != (\S+)",
        lambda shapes, a, b: f"Tensors of two dtypes met ({a} and {b}): give what you make, a tensor or a layer, the dtype of what it meets.",
    ),
    (
        r"expected scalar type (\w+) but found (\w+)",
        lambda shapes, a, b: f"Tensors of two dtypes met ({a} and {b}): give what you make, a tensor or a layer, the dtype of what it meets.",
    ),
    (
        r"Torch not compiled with CUDA|no NVIDIA driver|No CUDA GPUs are available|CUDA driver initialization failed|Unexpected error from cudaGet",
        lambda shapes: "The inputs live on the CPU here. Name no device: what you make belongs where the input is, as in "
        "`torch.zeros(3, device=x.device)`.",
    ),
    (
        r"[Ee]xpected all tensors to be on the same device|Expected a '\w+' device type for generator",
        lambda shapes: "Tensors on two devices met: make yours where the input is, as in `torch.zeros(3, device=x.device)`.",
    ),
    (
        r"Error\(s\) in loading state_dict",
        lambda shapes: "The names under Unexpected are those asked for; those under Missing are your module's own. Sizes that "
        "do not fit are listed, too.",
    ),
    (
        r"view size is not compatible",
        lambda shapes: "`view` needs memory in order; `flatten` and `reshape` copy where they must.",
    ),
    (
        r"shape '\[(.*)\]' is invalid for input of size (\d{1,18})",
        lambda shapes, shape, size: f"A reshape must keep the number of entries: {size} do not fill [{shape}].",
    ),
    (
        r"got an unexpected keyword argument '(\w{1,40})'",
        lambda shapes, name: f"It is called with `{name}=...`: give its parameters the names that the exercise gives them, all of them.",
    ),
    (
        r"leaf Variable that requires grad is being used in an in-place",
        lambda shapes: "A tensor that asks for gradients is changed in place. A formula makes a new tensor instead; only an update of parameters, and filling "
        "them when a layer starts, are done in place, under `torch.no_grad()`.",
    ),
    (
        r"expects a tensor with <= 2 dimensions, but self is (\d{1,18})D",
        lambda shapes, dimensions: f"`t()` is for matrices; this tensor has {dimensions} dimensions. `.mT` swaps the last two.",
    ),
    (
        r"appears to not have been used in the graph",
        lambda shapes: "No gradient reaches one of the inputs: the result does not use it, or it is cut off from autograd on the "
        "way (torch.tensor(...), detach, .data, .item, NumPy).",
    ),
    (
        r"does not require grad and does not have a grad_fn",
        lambda shapes: "The result is cut off from the graph: it was made without autograd, or detached.",
    ),
)
