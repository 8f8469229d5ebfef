"""Task grad_weight."""

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import AUTOGRAD


def grad_weight_reference(grad_output, x):
    weight = torch.zeros(grad_output.shape[-1], x.shape[-1], dtype=x.dtype, device=x.device, requires_grad=True)
    return torch.autograd.grad(F.linear(x, weight), weight, grad_output)[0]


grad_weight = Task(
    "grad_weight",
    reference=grad_weight_reference,
    section="backward-weight",
    forbids=AUTOGRAD,
    hints=(
        "The gradient has the weight's shape, (O, I). Which product of grad_output (B, O) and x (B, I) has it, and sums over B?",
        "Flatten both with reshape(-1, last size); then transpose the first and multiply: every row of every leading dimension is summed.",
    ),
)


@grad_weight.probe(points=1)
def sums_over_the_batch(grad_weight, bench, B=6, I=5, O=3):
    """grad_output (B, O) and x (B, I) give (O, I)."""
    return grad_weight(bench.randn(B, O), bench.randn(B, I))


@grad_weight.probe(points=1)
def also_where_all_sizes_are_equal(grad_weight, bench, I=4):
    """B = I = O: no shape can tell you the order of the product."""
    return grad_weight(bench.randn(I, I), bench.randn(I, I))


@grad_weight.probe(points=1)
def sums_over_every_leading_dimension(grad_weight, bench, I=5, O=3):
    """None, several, some of size 1."""
    leads = [(), (2, 4), (2, 1, 3), (1, 1)]
    return {f"x {(*lead, I)}": grad_weight(bench.randn(*lead, O), bench.randn(*lead, I)) for lead in leads}


@grad_weight.probe(points=1)
def an_empty_batch_gives_zeros(grad_weight, bench):
    """A sum of no terms: zeros of the weight's shape."""
    O, I = bench.size(2, 99), bench.size(2, 99)
    return {f"x {(*lead, I)}": grad_weight(bench.randn(*lead, O), bench.randn(*lead, I)) for lead in [(0,), (2, 0)]}


@grad_weight.probe(points=1)
def takes_any_memory_layout_and_dtype(grad_weight, bench):
    """grad_output and x may be transposed views, grad_output one row for all, as that of a sum is, and float64 stays float64."""
    return {
        "transposed views": grad_weight(bench.randn(3, 4, 2).permute(2, 1, 0), bench.randn(4, 2, 5).transpose(0, 1)),
        "an expanded row": grad_weight(bench.randn(3).expand(2, 4, 3), bench.randn(2, 4, 5)),
        "float64": grad_weight(bench.randn(6, 3, dtype=torch.float64), bench.randn(6, 5, dtype=torch.float64)),
    }


# fmt: off
grad_weight.mistake("returns_the_transpose", {"rows.T @ x.reshape(-1, x.shape[-1])": "x.reshape(-1, x.shape[-1]).T @ rows"},
    "Your gradient is transposed, (I, O). A gradient has its tensor's shape: the weight is (O, I).")
grad_weight.mistake("forgets_the_transpose", {"rows.T @ x.reshape(-1, x.shape[-1])": "grad_output @ x"},
    "You multiply grad_output as it is. The sum runs over the batch, its first index: transpose it before the product.")
grad_weight.mistake("transposes_the_wrong_factor", {"rows.T @ x.reshape(-1, x.shape[-1])": "grad_output @ x.T"},
    "You transpose x. The batch must be the inner index of the product, so grad_output, on the left, is the one to transpose.")
grad_weight.mistake("averages_over_the_rows", {"rows.T @": "rows.T / len(rows) @"},
    "You divide by the number of rows. If the loss is a mean, 1/B is already inside grad_output: sum.")
grad_weight.mistake("sums_over_the_first_axis_only", {"rows.T @ x.reshape(-1, x.shape[-1])": "(grad_output[..., :, None] * x[..., None, :]).sum(0)"},
    "You sum over the first axis only. All leading dimensions are rows of one batch: sum over every one of them.")
grad_weight.mistake("takes_only_matrices", {"rows.T @ x.reshape(-1, x.shape[-1])": "grad_output.T @ x"},
    "`.T` followed by `@` is right for matrices only. Flatten the leading dimensions into one first.", raises=RuntimeError)
grad_weight.mistake("keeps_the_first_leading_dimensions", {"rows.T @ x.reshape(-1, x.shape[-1])": "grad_output.mT @ x"},
    "You return one gradient for each leading index. There is one weight for all of them: add these gradients up.")
grad_weight.mistake("multiplies_the_sums", {"rows.T @ x.reshape(-1, x.shape[-1])": "torch.outer(rows.sum(0), x.reshape(-1, x.shape[-1]).sum(0))"},
    "You sum grad_output and x over the batch first and multiply then. Multiply within each row, then sum the products.")
grad_weight.mistake("takes_grad_output_for_ones", {"rows.T": "torch.ones_like(rows).T"},
    "grad_output does not occur in your result: it is right only for the loss y.sum(), where grad_output is all ones.")
grad_weight.mistake("returns_none_for_an_empty_batch", {"return ": "return None if x.numel() == 0 else "},
    "For an empty batch you return None. The gradient of a weight that nothing used is zeros of the weight's shape.")
grad_weight.mistake("returns_the_number_zero", {"rows.T @ x.reshape(-1, x.shape[-1])": "sum(torch.outer(g, row) for g, row in zip(rows, x.reshape(-1, x.shape[-1])))"},
    "Python's sum() over no rows is the number 0. Give the sum a tensor of zeros to start from, or use one matrix product.")
grad_weight.mistake("views_out_of_order_memory", {"grad_output.reshape": "grad_output.view", "x.reshape": "x.view"},
    "`view` fails where memory is not in order, as in a transposed x. `reshape` copies if it must.", raises=RuntimeError)
grad_weight.mistake("collects_in_float32", {
    "return ": "gradient = torch.zeros(rows.shape[-1], x.shape[-1], device=x.device)\n    gradient += ", "(-1, x.shape[-1])": "(-1, x.shape[-1])\n    return gradient"},
    "You collect the sum in torch.zeros(O, I), which is float32. Make it in the inputs' own dtype.")
