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


@fold_bias.probe(points=1)
def puts_the_bias_behind_the_weight(fold_bias, bench):
    """weight (3, 5) and bias (3,) give one matrix (3, 6)."""
    return fold_bias(bench.randn(3, 5), bench.randn(3))


@fold_bias.probe(points=1)
def makes_the_layer_one_product(fold_bias, bench):
    """[x, 1] times the folded weight's transpose is the whole layer, in float64, for a square weight too."""
    answers = {}
    for O, I in [(3, 5), (4, 4), (1, 2)]:
        weight, bias, x = (bench.randn(*shape, dtype=torch.float64) for shape in [(O, I), (O,), (2, I)])
        answers[f"I={I}, O={O}"] = torch.cat([x, torch.ones_like(x[:, :1])], dim=1) @ fold_bias(weight, bias).T
    return answers


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
