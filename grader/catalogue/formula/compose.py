"""Task compose."""

import torch
import torch.nn.functional as F

from ...spec import Task


def compose_reference(w1, b1, w2, b2):
    """Read the composed layer off two torch layers: its bias is the image of 0, its columns those of the unit vectors."""
    unit = torch.eye(w1.shape[1], dtype=w1.dtype, device=w1.device)
    bias = F.linear(F.linear(torch.zeros_like(unit[0]), w1, b1), w2, b2)
    return F.linear(F.linear(unit, w1), w2).T, bias


compose = Task(
    "compose",
    reference=compose_reference,
    section="formula-composition",
    hints=(
        "Write W₂(W₁x + b₁) + b₂ and multiply out. What stands in front of x, and what is left over?",
        "The inner sizes decide the order of the product: (O, H) times (H, I). b₁ goes through the second layer's weight.",
    ),
)


@compose.probe(points=1)
def multiplies_the_weights_in_order(compose, bench):
    """Layers 5 → 4 → 3 make one weight (3, 5) and one bias (3,)."""
    return compose(bench.randn(4, 5), bench.randn(4), bench.randn(3, 4), bench.randn(3))


@compose.probe(points=1)
def also_for_square_layers(compose, bench):
    """Layers 4 → 4 → 4, where shapes cannot tell the order; in float64."""
    return compose(*(bench.randn(*shape, dtype=torch.float64) for shape in [(4, 4), (4,), (4, 4), (4,)]))


@compose.probe(points=1)
def is_the_two_layers_in_a_row(compose, bench):
    """The one layer gives what the two gave."""
    w1, b1, w2, b2 = (bench.randn(*shape, dtype=torch.float64) for shape in [(6, 2), (6,), (3, 6), (3,)])
    weight, bias = compose(w1, b1, w2, b2)
    return bench.randn(4, 2, dtype=torch.float64) @ weight.T + bias


@compose.impostor("The order of the product is exchanged: the first layer acts first, so its weight stands on the right, W₂W₁.")
def multiplies_in_reading_order(w1, b1, w2, b2):
    return w1 @ w2, w2 @ b1 + b2


@compose.impostor("You add the biases as they are. b₁ passes through the second layer and is multiplied by W₂ on the way.")
def adds_the_biases(w1, b1, w2, b2):
    return w2 @ w1, b1 + b2


@compose.impostor("The first layer's bias is lost: the composed bias is W₂b₁ + b₂.")
def loses_the_first_bias(w1, b1, w2, b2):
    return w2 @ w1, b2


@compose.impostor("The second layer's bias is lost: the composed bias is W₂b₁ + b₂.")
def loses_the_second_bias(w1, b1, w2, b2):
    return w2 @ w1, w2 @ b1


@compose.impostor("Your weight is transposed: it must be stored (out_features, in_features) like any layer's.")
def returns_the_transposed_weight(w1, b1, w2, b2):
    return (w2 @ w1).T, w2 @ b1 + b2
