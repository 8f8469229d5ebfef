"""Task training_flops."""

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from ...spec import Task


def training_flops_reference(x_shape, out_features, x_needs_grad, weight_needs_grad):
    x = torch.zeros(x_shape, requires_grad=x_needs_grad)
    weight = torch.zeros(out_features, x_shape[-1], requires_grad=weight_needs_grad)
    bias = torch.zeros(out_features, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        y = F.linear(x, weight, bias)
        y.backward(torch.zeros_like(y))
    return counter.get_total_flops()


training_flops = Task(
    "training_flops",
    reference=training_flops_reference,
    section="source-cost",
    hints=(
        "How many rows has x, all leading dimensions multiplied? Each entry of y sums I terms, a multiplication and an addition "
        "each. Which matrix products does backward add, and for whom?",
        "With B rows (all leading sizes multiplied, 1 if there are none): 2BIO for forward, 2BIO more for each of the two "
        "gradients that is wanted.",
    ),
)


@training_flops.probe(points=1, zero="B")
def counts_all_three_products(training_flops, bench, B=4, I=5, O=3):
    """An inner layer that learns: x wants a gradient, weight wants one."""
    sizes = (B, I, O), [bench.size(2, 99) for _ in range(3)]
    return {f"x {(rows, inputs)} into {outputs}": training_flops((rows, inputs), outputs, True, True) for rows, inputs, outputs in sizes}


@training_flops.probe(points=1)
def counts_only_what_is_wanted(training_flops, bench):
    """A first layer (x is data), a frozen layer, and one of which only the bias learns."""
    B, I, O = bench.size(2, 99), bench.size(2, 99), bench.size(2, 99)
    cases = {"x is data": (False, True), "weight is frozen": (True, False), "only the bias learns": (False, False)}
    return {f"x {(B, I)} into {O}, {case}": training_flops((B, I), O, *wanted) for case, wanted in cases.items()}


@training_flops.probe(points=1)
def counts_every_row(training_flops, bench):
    """x without leading dimensions, with several, with an empty one."""
    lengths = [bench.size(2, 9) for _ in range(3)]
    return {f"x {(*lead, 5)} into 3": training_flops((*lead, 5), 3, True, True) for lead in [(), lengths[:2], lengths, (2, 0)]}


# fmt: off
training_flops.mistake("forgets_the_additions", {"products * 2": "products"}, "You count multiplications only. Each comes with an addition: a term costs 2 FLOPs.")
training_flops.mistake("counts_forward_only", {"1 + x_needs_grad + weight_needs_grad": "1"},
    "You count the forward pass only. Backward makes one more product for each gradient that is wanted.")
training_flops.mistake("counts_six_always", {"1 + x_needs_grad + weight_needs_grad": "3"},
    "You count 6BIO, whoever wants a gradient. One that nobody wants is not computed.")
training_flops.mistake("counts_one_product_backward", {"x_needs_grad + weight_needs_grad": "(x_needs_grad or weight_needs_grad)"},
    "You count backward as one product, as large as forward. It is two: one for x, one for weight.")
training_flops.mistake("counts_only_the_first_dimension", {"math.prod(x_shape)": "(x_shape[0] if len(x_shape) > 1 else 1) * x_shape[-1]"},
    "You take the first size for the number of rows. It is all leading sizes multiplied, and 1 if there are none.")
training_flops.mistake("unpacks_two_sizes", {"products = ": "rows, in_features = x_shape\n    products = ", "math.prod(x_shape)": "rows * in_features"},
    "You unpack exactly two sizes. There may be no leading size or many: the number of rows is all of them multiplied.", raises=ValueError)
training_flops.mistake("counts_the_bias", {"* out_features": "* out_features + math.prod(x_shape[:-1]) * out_features"},
    "You count the additions of the bias, too. Count the matrix products only, as torch's counter does.")
training_flops.mistake("counts_each_gradient_double", {"x_needs_grad + weight_needs_grad": "2 * x_needs_grad + 2 * weight_needs_grad"},
    "You count 4BIO for each wanted gradient. Each is one matrix product, as large as forward's: 2BIO.")
