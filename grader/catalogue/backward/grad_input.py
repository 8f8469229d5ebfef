"""Task grad_input."""

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import AUTOGRAD


def grad_input_reference(grad_output, weight):
    x = weight.new_zeros(*grad_output.shape[:-1], weight.shape[1], requires_grad=True)
    return torch.autograd.grad(F.linear(x, weight), x, grad_output)[0]


grad_input = Task(
    "grad_input",
    reference=grad_input_reference,
    section="backward-input",
    forbids=AUTOGRAD,
    hints=(
        "x[r, i] touches every output of row r, each with strength weight[o, i]. Over which index do the routes add up?",
        "grad_output ends in O and weight begins with O: the product needs no transpose, and `@` keeps leading dimensions.",
    ),
)


@grad_input.probe(points=1)
def sums_over_the_outputs(grad_input, bench, B=6, I=5, O=3, dtype=torch.float32):
    """grad_output (B, O) and weight (O, I) give (B, I) in their dtype."""
    return grad_input(bench.randn(B, O, dtype=dtype), bench.randn(O, I, dtype=dtype))


@grad_input.probe(points=1)
def also_where_all_sizes_are_equal(grad_input, bench, I=4):
    """B = I = O: no shape can tell you the order of the product."""
    return grad_input(bench.randn(I, I), bench.randn(I, I))


@grad_input.probe(points=1)
def keeps_every_leading_dimension(grad_input, bench, I=5, O=3):
    """None, several, some of size 1, in any order of memory; each row has a gradient of its own."""
    leads = [(), (2, 4), (2, 1, 3), (1, 1)]
    answers = {f"grad_output {(*lead, O)}": grad_input(bench.randn(*lead, O), bench.randn(O, I)) for lead in leads}
    answers["transposed views"] = grad_input(bench.randn(O, 4, 2).permute(2, 1, 0), bench.randn(I, O).T)
    return {**answers, "float64 numbers too large for float32": grad_input(1e40 * bench.randn(2, O, dtype=torch.float64), bench.randn(O, I, dtype=torch.float64))}


@grad_input.probe(points=1)
def an_empty_batch_stays_empty(grad_input, bench):
    """No rows in, no rows out."""
    O, I = bench.size(2, 99), bench.size(2, 99)
    return {f"grad_output {(*lead, O)}": grad_input(bench.randn(*lead, O), bench.randn(O, I)) for lead in [(0,), (bench.size(2, 99), 0)]}


# fmt: off
grad_input.mistake("multiplies_by_the_transpose", {"@ weight": "@ weight.T"},
    "You multiply by weight's transpose, as the forward pass does. Going back sums over the outputs: multiply by weight itself.")
grad_input.mistake("exchanges_the_factors", {"grad_output @ weight": "weight @ grad_output"},
    "The factors are exchanged: grad_output stands on the left, so that its outputs meet weight's rows.")
grad_input.mistake("returns_the_transpose", {"grad_output @ weight": "(grad_output @ weight).mT"},
    "Your gradient is transposed, (I, B). A gradient has its tensor's shape: x is (B, I).")
grad_input.mistake("does_not_sum_over_the_outputs", {"grad_output @": "grad_output[..., None] *"},
    "You multiply but do not sum: each x[r, i] reaches the loss through all outputs, so add over o.")
grad_input.mistake("averages_over_the_outputs", {"@ weight": "@ weight / len(weight)"}, "You average over the outputs. The chain rule adds the routes.")
grad_input.mistake("sums_over_the_rows", {"grad_output @": "grad_output.reshape(-1, len(weight)).sum(0) @"},
    "You also sum over the rows. Each row has an x of its own; only weight and bias are shared by all rows.")
grad_input.mistake("takes_grad_output_for_ones", {"grad_output @": "torch.ones_like(grad_output) @"},
    "grad_output does not occur in your result: it is right only for the loss y.sum(), where grad_output is all ones.")
grad_input.mistake("loses_the_leading_dimensions", {"grad_output @": "grad_output.reshape(-1, len(weight)) @"},
    "You flatten grad_output to a matrix and return a matrix. The gradient has x's shape: give it the leading dimensions back.")
grad_input.mistake("takes_only_matrices", {"grad_output @ weight": "torch.mm(grad_output, weight)"},
    "torch.mm takes exactly two matrices, so any grad_output that is not 2-D fails. `@` keeps leading dimensions.", raises=RuntimeError)
grad_input.mistake("stacks_row_by_row", {
    "grad_output @ weight": "torch.stack([row @ weight for row in grad_output.reshape(-1, len(weight))]).reshape(*grad_output.shape[:-1], -1)"},
    "torch.stack fails on no rows at all, so an empty batch has no answer. One product does all rows at once.", raises=RuntimeError)
