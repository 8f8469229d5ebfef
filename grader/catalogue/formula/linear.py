"""Task linear."""

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import TORCH_LINEAR


def linear_reference(x, weight, bias=None):
    return F.linear(x, weight, bias)


linear = Task(
    "linear",
    reference=linear_reference,
    section="formula-leading-dimensions",
    forbids=TORCH_LINEAR,
    hints=(
        "weight has shape (O, I), and x ends in I. What must happen to weight so that the inner sizes of the product agree?",
        "`x @ weight.T` keeps every leading dimension by itself: no reshape is needed. Add the bias only if it is not None.",
    ),
)


@linear.probe(points=2, zero="B")
def multiplies_by_the_transposed_weight(linear, bench, B=4, I=5, O=3, dtype=torch.float32):
    """x (B, I), weight (O, I) and bias (O,) give y (B, O), whatever the sizes."""
    return linear(bench.randn(B, I, dtype=dtype), bench.randn(O, I, dtype=dtype), bench.randn(O, dtype=dtype))


@linear.probe(points=1)
def works_without_a_bias(linear, bench, B=4, I=5, O=3):
    """The bias may be left out, or be None."""
    x, weight = bench.randn(B, I), bench.randn(O, I)
    return {"bias left out": linear(x, weight), "bias=None": linear(x, weight, None)}


@linear.probe(points=2)
def keeps_every_leading_dimension(linear, bench, I=5, O=3):
    """Only the last dimension changes; the others stay, however many there are: none, several, empty ones."""
    leads = [(), (1,), (2, 4), (2, 1, 3), (0,), (2, 0)]
    return {f"x {(*lead, I)}": linear(bench.randn(*lead, I), bench.randn(O, I), bench.randn(O)) for lead in leads}


@linear.probe(points=1)
def takes_any_memory_layout_and_dtype(linear, bench):
    """x and weight may be transposed views, and float64 stays float64."""
    return {
        "transposed views": linear(bench.randn(5, 2, 4).permute(2, 1, 0), bench.randn(5, 3).T, bench.randn(3)),
        "float64": linear(*(bench.randn(*shape, dtype=torch.float64) for shape in [(4, 5), (3, 5), (3,)])),
    }


@linear.probe(points=1)
def lets_gradients_through(linear, bench, B=4, I=5, O=3):
    """Autograd can go back through the result to x, weight and bias, to a bias of zeros, too."""
    answers = {}
    for case, bias in {"any bias": bench.randn(O), "a bias of zeros": 0 * bench.randn(O)}.items():
        inputs = [each.requires_grad_() for each in (bench.randn(B, I), bench.randn(O, I), bias)]
        answers[case] = list(torch.autograd.grad(linear(*inputs), inputs, bench.randn(B, O)))
    return answers


# fmt: off
linear.mistake("forgets_the_transpose", {"weight.T": "weight"},
    "You multiply by weight as it is stored, (O, I). x ends in I, so the product needs weight's transpose: x @ weight.T.", raises=RuntimeError)
linear.mistake("ignores_the_bias", {"y if bias is None else y + bias": "y"}, "The bias is not added.")
linear.mistake("always_adds_the_bias", {"y if bias is None else y + bias": "y + bias"},
    "You add the bias even when there is none: `+ None` fails. Add it only if it is not None.", raises=TypeError)
linear.mistake("asks_for_the_truth_of_the_bias", {"y if bias is None else y + bias": "y + bias if bias else y"},
    "You test `if bias:`, which asks for the truth of a whole tensor. Ask `if bias is not None`.", raises=RuntimeError)
linear.mistake("loses_the_leading_dimensions", {"x @": "x.reshape(-1, x.shape[-1]) @"},
    "You flatten x to a matrix and return a matrix: the leading dimensions are lost. Give the result x's leading shape back.")
linear.mistake("takes_only_matrices", {"x @ weight.T": "torch.mm(x, weight.t())"},
    "torch.mm takes exactly two matrices, so any x that is not 2-D fails. `@` (torch.matmul) keeps leading dimensions.", raises=RuntimeError)
linear.mistake("flattens_all_but_the_batch", {"x @": "x.flatten(1) @"},
    "`flatten(1)` merges all dimensions but the first; a linear layer acts on the last one alone.", raises=(IndexError, RuntimeError))
linear.mistake("views_out_of_order_memory", {"x @ weight.T": "(x.view(-1, x.shape[-1]) @ weight.T).view(*x.shape[:-1], weight.shape[0])"},
    "`view` fails where memory is not in order, as in a transposed x. `reshape` copies if it must; `@` needs neither.", raises=RuntimeError)
linear.mistake("casts_to_float32", {"x @ weight.T": "x.float() @ weight.float().T", "y + bias": "y + bias.float()"},
    "You cast to float32. Compute in the dtype that the inputs came in.")
linear.mistake("leaves_out_a_bias_of_zeros", {"bias is None": "bias is None or not bias.any()"},
    "You leave out a bias of zeros (`bias.any()`). Then no gradient reaches it, and it stays zero for ever. Ask `bias is not None`.", raises=RuntimeError)
linear.mistake("cuts_the_graph", {"x @ weight.T": "x.detach() @ weight.detach().T", "y + bias": "y + bias.detach()"},
    "Your result is cut off from autograd (`detach`, `.data`, NumPy or `no_grad`): no gradient reaches the inputs.", raises=RuntimeError)
