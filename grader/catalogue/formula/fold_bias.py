"""Task fold_bias."""

import torch

from ...spec import Task


def fold_bias_reference(weight, bias):
    return torch.cat([weight, bias[:, None]], dim=1)


fold_bias = Task(
    "fold_bias",
    reference=fold_bias_reference,
    section="formula-affine",
    hints=(
        "In [x, 1] the 1 comes last. Which column of the folded weight does it meet?",
        "Turn the bias, (O,), into one column, (O, 1), and put it behind the weight's columns with torch.cat.",
    ),
)


@fold_bias.probe(points=1, zero="I")
def puts_the_bias_behind_the_weight(fold_bias, bench, O=3, I=5, dtype=torch.float32):
    """weight (O, I) and bias (O,) give one matrix (O, I + 1) in their dtype."""
    return fold_bias(bench.randn(O, I, dtype=dtype), bench.randn(O, dtype=dtype))


@fold_bias.probe(points=1)
def makes_the_layer_one_product(fold_bias, bench, B=2, I=5, O=3):
    """[x, 1] times the folded weight's transpose is the whole layer, and autograd can go back through it to weight and bias; in float64, with
    numbers too large for float32."""
    weight, bias, x = ((1e40 * bench.randn(*shape, dtype=torch.float64)).requires_grad_() for shape in [(O, I), (O,), (B, I)])
    y = torch.cat([x, x.new_ones(B, 1)], dim=1) @ fold_bias(weight, bias).T
    gradients = torch.autograd.grad(y, (weight, bias), bench.randn(B, O, dtype=torch.float64), materialize_grads=True)
    return {"y": y, "gradients of weight and bias": list(gradients)}


@fold_bias.impostor("Your bias column comes first. The 1 in [x, 1] comes last, and so must the bias.")
def puts_the_bias_in_front(weight, bias):
    return torch.cat([bias[:, None], weight], dim=1)


@fold_bias.impostor("You append a column of ones. The 1 belongs to the input, [x, 1]; the weight gets the bias.")
def appends_ones(weight, bias):
    return torch.cat([weight, torch.ones_like(bias)[:, None]], dim=1)


@fold_bias.impostor("You add the bias to the weight. Then it would be multiplied by x; it must be a column of its own.")
def adds_the_bias_to_the_weight(weight, bias):
    return weight + bias[:, None]


@fold_bias.impostor("You join along dim 0, as a further row. The bias has one entry a row of the weight: it is a further column.", raises=RuntimeError)
def appends_a_row(weight, bias):
    return torch.cat([weight, bias[None, :]], dim=0)


@fold_bias.impostor("Your result is transposed, (I + 1, O). Keep the weight's order: (O, I + 1).")
def returns_the_transpose(weight, bias):
    return torch.cat([weight, bias[:, None]], dim=1).T


@fold_bias.impostor("Your result is cut off from autograd (`detach`, `.data`, NumPy or `no_grad`): no gradient reaches weight and bias.", raises=RuntimeError)
def cuts_the_graph(weight, bias):
    return torch.cat([weight, bias[:, None]], dim=1).detach()
