"""Task dispatch_path."""

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from ...spec import Task


class Log(TorchDispatchMode):
    """Writes down the names of the operations that run while it is active."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def dispatch_path_reference(x, weight, bias):
    with Log() as log:
        F.linear(x, weight, bias)
    if "addmm" in log.names:
        return "flatten+addmm" if "view" in log.names else "addmm"
    return "matmul+add" if {"add", "add_"} & set(log.names) else "matmul"


dispatch_path = Task(
    "dispatch_path",
    reference=dispatch_path_reference,
    section="source-roads",
    hints=(
        "The chapter's Log writes down what runs inside a `with` block. Which of its names tell the four roads apart?",
        "Run F.linear under the log; print log.names for the x of a message. addmm among the names: with view it is flatten+addmm, alone addmm. No addmm: add (or add_) "
        "tells matmul+add from matmul.",
    ),
)


@dispatch_path.probe(points=1)
def knows_the_road_of_a_matrix(dispatch_path, bench, B=4, I=5, O=3):
    """x (B, I), with and without bias, contiguous and not, in random order."""
    x, turned, weight, bias = bench.randn(B, I), bench.randn(I, B).T, bench.randn(O, I), bench.randn(O)
    cases = {
        f"x {(B, I)}": (x, weight, bias),
        f"x {(B, I)}, no bias": (x, weight, None),
        f"x {(I, B)} transposed": (turned, weight, bias),
        f"x {(I, B)} transposed, no bias": (turned, weight, None),
    }
    return {f"{number}. {case}": dispatch_path(*cases[case]) for number, case in enumerate(bench.several(cases, 16), 1)}


@dispatch_path.probe(points=1)
def knows_the_road_of_many_dimensions(dispatch_path, bench, B=4, I=5, O=3):
    """x with 1, 3 and 4 dimensions, contiguous, with and without bias, in random order."""
    cases = {}
    for shape in [(I,), (2, B, I), (2, 6, B, I)]:
        x, weight, bias = bench.randn(*shape), bench.randn(O, I), bench.randn(O)
        cases |= {f"x {shape}": (x, weight, bias), f"x {shape}, no bias": (x, weight, None)}
    return {f"{number}. {case}": dispatch_path(*cases[case]) for number, case in enumerate(bench.several(cases, 16), 1)}


@dispatch_path.probe(points=1)
def knows_the_road_of_other_layouts(dispatch_path, bench):
    """x whose numbers do not lie in order: transposed, permuted, with gaps, expanded; and one made contiguous again. In random order."""
    permuted = bench.randn(2, 5, 3, 4).permute(0, 2, 3, 1)
    weight, bias = bench.randn(3, 5), bench.randn(3)
    cases = {
        "x (4, 2, 5) transposed to (2, 4, 5)": (bench.randn(4, 2, 5).transpose(0, 1), weight, bias),
        "images (2, 5, 3, 4) permuted to (2, 3, 4, 5)": (permuted, weight, bias),
        "the same, made contiguous": (permuted.contiguous(), weight, bias),
        "every other feature of (2, 4, 10)": (bench.randn(2, 4, 10)[..., ::2], weight, bias),
        "every other feature of (10,)": (bench.randn(10)[::2], weight, bias),
        "one row, expanded to (2, 4, 5)": (bench.randn(5).expand(2, 4, 5), weight, bias),
        "x (2, 4, 5), the weight a transpose": (bench.randn(2, 4, 5), bench.randn(5, 3).T, bias),
    }
    return {f"{number}. {case}": dispatch_path(*cases[case]) for number, case in enumerate(bench.several(cases, 16), 1)}


@dispatch_path.probe(points=1)
def knows_the_road_of_odd_biases(dispatch_path, bench):
    """A bias of another shape than (3,), or not contiguous: torch adds it, but not always on the same road. In random order."""
    biases = {
        "bias (1,)": bench.randn(1), "bias ()": bench.randn(), "bias (1, 3)": bench.randn(1, 3),
        "bias (4, 3)": bench.randn(4, 3), "every other number of a bias (6,)": bench.randn(6)[::2],
        "bias (1,) expanded to (3,)": bench.randn(1).expand(3),
    }
    cases = {f"x {shape}, {name}": (bench.randn(*shape), bench.randn(3, 5), bias) for shape in [(4, 5), (2, 4, 5)] for name, bias in biases.items()}
    return {f"{number}. {case}": dispatch_path(*cases[case]) for number, case in enumerate(bench.several(cases, 16), 1)}


@dispatch_path.probe(points=1)
def knows_the_road_with_gradients_and_with_zero_sizes(dispatch_path, bench):
    """A weight that wants a gradient, with autograd on and off; an x without rows. In random order."""
    x, weight, bias = bench.randn(2, 4, 5), bench.randn(3, 5), bench.randn(3)
    turned, learning = bench.randn(4, 2, 5).transpose(0, 1), weight.clone().requires_grad_()
    cases = {
        "x (2, 4, 5), the weight learns": (x, learning, bias),
        "x (4, 2, 5) transposed, the weight learns": (turned, learning, bias),
        "x (4, 2, 5) transposed, the weight learns, no bias": (turned, learning, None),
        "x (2, 4, 5), under no_grad": (x, learning, bias),
        "x (0, 5)": (bench.randn(0, 5), weight, bias),
        "x (2, 0, 5)": (bench.randn(2, 0, 5), weight, bias),
    }
    answers = {}
    for number, case in enumerate(bench.several(cases, 16), 1):
        with torch.set_grad_enabled("no_grad" not in case):
            answers[f"{number}. {case}"] = dispatch_path(*cases[case])
    return answers


# fmt: off
dispatch_path.mistake("repeats_an_older_version", {'"flatten+addmm"': '"matmul+add"'},
    "You send every x that is not 2-D to matmul+add. Older PyTorch did; this one flattens a contiguous x and calls addmm.")
dispatch_path.mistake("repeats_the_formula", {"F.linear(x, weight, bias)": "x @ weight.T if bias is None else x @ weight.T + bias"},
    "Your roads are those of the formula x @ weight.T + bias. Watch F.linear itself run, and compare whole names: addmm contains `add`.")
dispatch_path.mistake("takes_any_product_for_addmm", {'"addmm" in log.names': 'any("mm" in name for name in log.names)'},
    "You look for `mm` inside the names. mm and bmm, matmul's own products, contain it, too: look for addmm.")
dispatch_path.mistake("takes_any_view_for_the_flat_road", {'"addmm" in log.names': '"addmm" in log.names or "view" in log.names'},
    "You take any `view` for the flattening, but matmul makes views, too. The road is flatten+addmm only where addmm runs.")


@dispatch_path.impostor("You read the road from y.grad_fn. Where nobody wants a gradient it is None and says nothing.")
def reads_a_missing_grad_fn(x, weight, bias):
    name = type(F.linear(x, weight, bias).grad_fn).__name__
    return {"AddmmBackward0": "addmm", "ViewBackward0": "flatten+addmm", "AddBackward0": "matmul+add"}.get(name, "matmul")


dispatch_path.mistake("forgets_the_layout", {'"matmul+add"': '"flatten+addmm"'},
    "You send every x with more or fewer than two dimensions to flatten+addmm. One that is not contiguous takes matmul+add.")
dispatch_path.mistake("flattens_only_three_dimensions", {'"flatten+addmm" if': '("flatten+addmm" if x.dim() == 3 else "matmul+add") if'},
    "You let only 3-D inputs be flattened. A single vector is viewed as one row, too, and four dimensions and more take the same road.")
dispatch_path.mistake("wants_contiguous_matrices", {'else "addmm"': 'else "addmm" if x.is_contiguous() else "matmul+add"'},
    "You ask whether a matrix is contiguous. With a bias every 2-D x takes addmm, however it lies in memory.")
dispatch_path.mistake("forgets_the_shape_of_the_bias", {'"matmul+add" if': '("flatten+addmm" if x.is_contiguous() else "matmul+add") if'},
    "You only look whether the bias is None. Unless x is a matrix, the bias's shape and layout count, too: (4, 3) is added after matmul.")
dispatch_path.mistake("forgets_the_layout_of_the_bias", {"F.linear(x, weight, bias)": "F.linear(x, weight, bias if bias is None else bias.contiguous())"},
    "You look at the bias's shape, but not at its layout. If it is not contiguous, it is added after matmul, unless x is a matrix.")
dispatch_path.mistake("asks_only_the_layout_of_the_bias", {'"matmul+add" if': '("flatten+addmm" if x.is_contiguous() and bias.is_contiguous() else "matmul+add") if'},
    "You look at the bias's layout, but not at its shape. (4, 3) and () are contiguous, but added after matmul, unless x is a matrix.")
dispatch_path.mistake("wants_the_usual_bias", {'"flatten+addmm" if': '("flatten+addmm" if bias.shape == weight.shape[:1] else "matmul+add") if'},
    "You send every bias of another shape than (O,) to matmul+add. Some take flatten+addmm, (1, O) for one: watch F.linear run.")
dispatch_path.mistake("forgets_the_missing_bias", {"F.linear(x, weight, bias)": "F.linear(x, weight, weight.new_zeros(len(weight)) if bias is None else bias)"},
    "You name a road with a bias where there is none. With nothing to add, the road is matmul.")
