"""Task grad_bias."""

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import AUTOGRAD


def grad_bias_reference(grad_output):
    lead, out_features = grad_output.shape[:-1], grad_output.shape[-1]
    bias = grad_output.new_zeros(out_features, requires_grad=True)
    y = F.linear(grad_output.new_zeros(*lead, 1), grad_output.new_zeros(out_features, 1), bias)
    return torch.autograd.grad(y, bias, grad_output)[0]


grad_bias = Task(
    "grad_bias",
    reference=grad_bias_reference,
    section="backward-bias",
    forbids=AUTOGRAD,
    hints=(
        "b[o] is used once in every row. Which entries of grad_output belong to it?",
        "Flatten the leading dimensions into one with reshape(-1, O), and sum over it. That holds for a single row and for no row, too.",
    ),
)


@grad_bias.probe(points=1)
def sums_the_rows(grad_bias, bench, B=6, O=3, dtype=torch.float32):
    """grad_output (B, O) gives (O,) in its dtype."""
    return grad_bias(bench.randn(B, O, dtype=dtype))


@grad_bias.probe(points=1)
def sums_over_every_leading_dimension(grad_bias, bench):
    """Several, some of size 1, in any order of memory, one row for all, as the gradient of a sum is."""
    answers = {f"grad_output {(*lead, 3)}": grad_bias(bench.randn(*lead, 3)) for lead in [(2, 4), (2, 1, 3), (1, 1)]}
    views = {"transposed view (2, 4, 3)": bench.randn(3, 4, 2).permute(2, 1, 0), "an expanded row (2, 4, 3)": bench.randn(3).expand(2, 4, 3)}
    answers["float64 numbers too large for float32"] = grad_bias(1e40 * bench.randn(2, 4, 3, dtype=torch.float64))
    return answers | {name: grad_bias(view) for name, view in views.items()}


@grad_bias.probe(points=1)
def one_row_or_none(grad_bias, bench, O=3):
    """Without leading dimensions there is one row; an empty batch has none, and gives zeros."""
    return {f"grad_output {(*lead, O)}": grad_bias(bench.randn(*lead, O)) for lead in [(), (0,), (2, 0)]}


# fmt: off
grad_bias.mistake("averages_over_the_rows", {"sum(0)": "mean(0)"}, "You take the mean over the rows. If the loss is a mean, 1/B is already inside grad_output: sum.")
grad_bias.mistake("sums_over_the_first_axis_only", {".reshape(-1, grad_output.shape[-1])": ""},
    "You sum over the first axis only. Every leading dimension counts rows: sum over all but the last.")
grad_bias.mistake("sums_everything", {"sum(0)": "sum()"}, "You sum to one number. Every output has a bias of its own: keep the last dimension.")
grad_bias.mistake("sums_over_the_outputs", {"reshape(-1, grad_output.shape[-1]).sum(0)": "sum(-1)"},
    "You sum over the outputs. The bias has one entry for each output: sum over the rows instead.")
grad_bias.mistake("keeps_a_batch_dimension", {"sum(0)": "sum(0, keepdim=True)"},
    "Your gradient has a batch dimension of size 1. The bias is (O,), and so is its gradient: no keepdim.")
grad_bias.mistake("sums_over_an_empty_list_of_dimensions", {"reshape(-1, grad_output.shape[-1]).sum(0)": "sum(dim=tuple(range(grad_output.dim() - 1)))"},
    "Without leading dimensions your list of dimensions to sum over is empty, and torch reads an empty list as all of them. "
    "Flatten instead, or treat one row apart.")
grad_bias.mistake("takes_grad_output_for_ones", {"return grad_output": "return torch.ones_like(grad_output)"},
    "You count rows, as if grad_output were all ones. Sum grad_output itself.")
grad_bias.mistake("returns_none_for_an_empty_batch", {"return ": "return None if grad_output.numel() == 0 else "},
    "For an empty batch you return None. The gradient of a bias that nothing used is zeros of the bias's shape.")
grad_bias.mistake("views_out_of_order_memory", {"reshape": "view"},
    "`view` fails where memory is not in order, as in a transposed grad_output. `reshape` copies if it must.", raises=RuntimeError)
