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


@grad_weight.impostor("Your gradient is transposed, (I, O). A gradient has its tensor's shape: the weight is (O, I).")
def returns_the_transpose(grad_output, x):
    return x.reshape(-1, x.shape[-1]).T @ grad_output.reshape(-1, grad_output.shape[-1])


@grad_weight.impostor("You multiply grad_output as it is. The sum runs over the batch, its first index: transpose it before the product.")
def forgets_the_transpose(grad_output, x):
    return grad_output @ x


@grad_weight.impostor(
    "You transpose x. The batch must be the inner index of the product, so grad_output, on the left, is the one to transpose."
)
def transposes_the_wrong_factor(grad_output, x):
    return grad_output @ x.T


@grad_weight.impostor("You divide by the number of rows. If the loss is a mean, 1/B is already inside grad_output: sum.")
def averages_over_the_rows(grad_output, x):
    rows, gradient = x.shape[:-1].numel(), grad_output.reshape(-1, grad_output.shape[-1])
    return gradient.T @ x.reshape(-1, x.shape[-1]) / max(rows, 1)


@grad_weight.impostor("You sum over the first axis only. All leading dimensions are rows of one batch: sum over every one of them.")
def sums_over_the_first_axis_only(grad_output, x):
    return (grad_output[..., :, None] * x[..., None, :]).sum(0)


@grad_weight.impostor("`.T` followed by `@` is right for matrices only. Flatten the leading dimensions into one first.", raises=RuntimeError)
def takes_only_matrices(grad_output, x):
    return grad_output.T @ x


@grad_weight.impostor("You return one gradient for each leading index. There is one weight for all of them: add these gradients up.")
def keeps_the_first_leading_dimensions(grad_output, x):
    return grad_output.mT @ x


@grad_weight.impostor("You sum grad_output and x over the batch first and multiply then. Multiply within each row, then sum the products.")
def multiplies_the_sums(grad_output, x):
    return torch.outer(grad_output.reshape(-1, grad_output.shape[-1]).sum(0), x.reshape(-1, x.shape[-1]).sum(0))


@grad_weight.impostor("grad_output does not occur in your result: it is right only for the loss y.sum(), where grad_output is all ones.")
def takes_grad_output_for_ones(grad_output, x):
    return x.reshape(-1, x.shape[-1]).sum(0).expand(grad_output.shape[-1], -1)


@grad_weight.impostor("For an empty batch you return None. The gradient of a weight that nothing used is zeros of the weight's shape.")
def returns_none_for_an_empty_batch(grad_output, x):
    if x.numel() == 0:
        return None
    return grad_output.reshape(-1, grad_output.shape[-1]).T @ x.reshape(-1, x.shape[-1])


@grad_weight.impostor(
    "Python's sum() over no rows is the number 0. Give the sum a tensor of zeros to start from, or use one matrix product."
)
def returns_the_number_zero(grad_output, x):
    rows = zip(grad_output.reshape(-1, grad_output.shape[-1]), x.reshape(-1, x.shape[-1]))
    return sum(torch.outer(gradient, row) for gradient, row in rows)


@grad_weight.impostor("`view` fails where memory is not in order, as in a transposed x. `reshape` copies if it must.", raises=RuntimeError)
def views_out_of_order_memory(grad_output, x):
    return grad_output.view(-1, grad_output.shape[-1]).T @ x.view(-1, x.shape[-1])


@grad_weight.impostor("You collect the sum in torch.zeros(O, I), which is float32. Make it in the inputs' own dtype.")
def collects_in_float32(grad_output, x):
    gradient = torch.zeros(grad_output.shape[-1], x.shape[-1], device=x.device)
    for upstream, row in zip(grad_output.reshape(-1, grad_output.shape[-1]), x.reshape(-1, x.shape[-1])):
        gradient += torch.outer(upstream, row)
    return gradient
