"""Task flat_linear."""

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import TORCH_LINEAR


def flat_linear_reference(x, weight, bias):
    return F.linear(x.contiguous(), weight, bias)


flat_linear = Task(
    "flat_linear",
    reference=flat_linear_reference,
    section="source-flatten",
    forbids=TORCH_LINEAR,
    hints=(
        "addmm wants a matrix of rows. How many rows do the leading sizes make together, and how many do no leading sizes make?",
        "x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), torch.addmm(bias, rows, weight.T), then back to the leading sizes.",
    ),
)


@flat_linear.probe(points=1)
def computes_the_layer(flat_linear, bench, B=4, I=5, O=3, dtype=torch.float32):
    """y = x Wᵀ + b for one, two, several leading dimensions, whatever the sizes."""
    answers = {}
    for shape in [(B, I), (2, B, I), (2, 6, B, I)]:
        answers[f"x {shape}"] = flat_linear(*(bench.randn(*each, dtype=dtype) for each in (shape, (O, I), (O,))))
    return answers


@flat_linear.probe(points=1, zero="B I O")
def works_without_leading_dimensions_and_with_zero_sizes(flat_linear, bench, B=4, I=5, O=3, dtype=torch.float32):
    """One vector; empty batches; no input features; no outputs."""
    return {f"x {shape}": flat_linear(*(bench.randn(*each, dtype=dtype) for each in (shape, (O, I), (O,)))) for shape in [(I,), (B, I), (2, B, I)]}


@flat_linear.probe(points=1)
def takes_x_in_any_layout(flat_linear, bench):
    """x transposed, permuted, with gaps, expanded: as good as any other."""
    inputs = {
        "x (4, 2, 5) transposed to (2, 4, 5)": bench.randn(4, 2, 5).transpose(0, 1),
        "images (2, 5, 3, 4) permuted to (2, 3, 4, 5)": bench.randn(2, 5, 3, 4).permute(0, 2, 3, 1),
        "every other feature of (2, 4, 10)": bench.randn(2, 4, 10)[..., ::2],
        "one row, expanded to (2, 4, 5)": bench.randn(5).expand(2, 4, 5),
    }
    return {name: flat_linear(x, bench.randn(3, 5), bench.randn(3)) for name, x in inputs.items()}


@flat_linear.probe(points=1)
def takes_one_addmm_and_copies_nothing(flat_linear, bench):
    """What a TorchDispatchMode sees for a contiguous x (2, 4, 5): one addmm, no other product, no addition, no copy."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Log(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            owner = {x.numel(): " of x", weight.numel(): " of the weight"}.get(getattr(args[0], "numel", int)(), "")
            seen.append((func.overloadpacket.__name__, owner))
            return func(*args, **(kwargs or {}))

    seen, x, weight, bias = [], bench.randn(2, 4, 5), bench.randn(3, 5), bench.randn(3)
    with Log():
        y = flat_linear(x, weight, bias)
    products, others = [name for name, _ in seen].count("addmm"), {"mm", "bmm", "mv", "matmul", "baddbmm", "add", "add_", "clone", "copy_", "_to_copy", "mul", "sum"}
    also = sorted(name + owner for name, owner in seen if name in others)
    return {"y": y, "addmm runs": products, "what else runs": ", ".join(also) or "nothing that counts"}


@flat_linear.probe(points=1)
def lets_gradients_through(flat_linear, bench, B=4, I=5, O=3):
    """The gradients of x (2, B, I), weight and bias, for a random grad_output; also with a bias of zeros, and of one vector x (I,)."""
    answers = {}
    for case, size, scale in [("a bias", (2, B, I), 1), ("a bias of zeros", (2, B, I), 0), ("one vector", (I,), 1)]:
        inputs = [bench.randn(*shape, dtype=torch.float64) for shape in [size, (O, I), (O,)]]
        inputs[2] *= scale
        y = flat_linear(*(each.requires_grad_() for each in inputs))
        gradients = torch.autograd.grad(y, inputs, bench.randn(*y.shape, dtype=torch.float64), materialize_grads=True)
        answers[case] = dict(zip(["of x", "of weight", "of bias"], gradients))
    return answers


# fmt: off
flat_linear.mistake("guesses_the_rows", {"math.prod(lead)": "-1"},
    "You let -1 stand for the number of rows. With 0 input features any number would fit: multiply the leading sizes.", raises=RuntimeError)
flat_linear.mistake("views_the_input", {"x.reshape": "x.view"},
    "You flatten with .view, which refuses an x whose numbers do not lie in order. .reshape copies, but only where it must.", raises=RuntimeError)
flat_linear.mistake("returns_the_matrix", {".reshape(*lead, len(weight))": ""}, "You return the matrix of rows. Give y the leading dimensions of x back.")
flat_linear.mistake("needs_a_leading_dimension", {"x.reshape(math.prod(lead), in_features)": "x.flatten(0, -2)"},
    "You call flatten(0, -2), which fails for an x without leading dimensions. Such an x is one row.", raises=IndexError)
flat_linear.mistake("flattens_the_wrong_end", {"x.reshape(math.prod(lead), in_features)": "x.flatten(1)"},
    "You flatten all but the first dimension, as before a classifier. Here all but the last become rows.", raises=(RuntimeError, IndexError))
flat_linear.mistake("knows_only_three_dimensions",
    {"*lead, in": "if x.dim() == 2:\n        return torch.addmm(bias, x, weight.T)\n    first, second, in", "math.prod(lead)": "first * second", "*lead": "first, second"},
    "You handle one leading dimension or two. There may be none or many: multiply the leading sizes, however many there are.", raises=ValueError)
flat_linear.mistake("multiplies_then_adds", {"torch.addmm(bias, rows, weight.T)": "(rows @ weight.T + bias)"},
    "You multiply and then add: two operations, and a second tensor of y's size. addmm is one.")
flat_linear.mistake("copies_the_input", {"x.reshape": "x.clone().reshape"},
    "You copy x before you flatten it, even where its numbers lie in order already. reshape alone copies only where it must.")
flat_linear.mistake("copies_the_weight", {"weight.T": "weight.T.contiguous()"},
    "You copy the transposed weight. addmm takes it as it lies: weight.T alone moves no number.")
flat_linear.mistake("forgets_the_bias", {"addmm(bias": "addmm(torch.zeros_like(bias)"}, "You leave the bias out. addmm adds its first argument: let that be the bias.")
flat_linear.mistake("forgets_the_transpose", {"weight.T": "weight"},
    "You multiply by the weight as it is. Its shape is (O, I): addmm needs its transpose.", raises=RuntimeError)
flat_linear.mistake("answers_zero_sizes_with_zeros", {"return": "return x.new_zeros(*lead, len(weight)) if x.numel() == 0 else"},
    "You return zeros where x has no entries. An x without features can still have rows: each row of y is then the bias.")
