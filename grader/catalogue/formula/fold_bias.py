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


# fmt: off
fold_bias.mistake("puts_the_bias_in_front", {"[weight, bias[:, None]]": "[bias[:, None], weight]"},
    "Your bias column comes first. The 1 in [x, 1] comes last, and so must the bias.")
fold_bias.mistake("appends_ones", {"bias[:, None]": "torch.ones_like(bias)[:, None]"},
    "You append a column of ones. The 1 belongs to the input, [x, 1]; the weight gets the bias.")
fold_bias.mistake("adds_the_bias_to_the_weight", {"torch.cat([weight, bias[:, None]], dim=1)": "weight + bias[:, None]"},
    "You add the bias to the weight. Then it would be multiplied by x; it must be a column of its own.")
fold_bias.mistake("appends_a_row", {"bias[:, None]": "bias[None, :]", "dim=1": "dim=0"},
    "You join along dim 0, as a further row. The bias has one entry a row of the weight: it is a further column.", raises=RuntimeError)
fold_bias.mistake("returns_the_transpose", {"dim=1)": "dim=1).T"}, "Your result is transposed, (I + 1, O). Keep the weight's order: (O, I + 1).")
fold_bias.mistake("cuts_the_graph", {"dim=1)": "dim=1).detach()"},
    "Your result is cut off from autograd (`detach`, `.data`, NumPy or `no_grad`): no gradient reaches weight and bias.", raises=RuntimeError)
