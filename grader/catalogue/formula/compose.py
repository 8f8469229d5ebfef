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
def multiplies_the_weights_in_order(compose, bench, I=5, H=4, O=3, dtype=torch.float32):
    """Layers I → H → O make one weight (O, I) and one bias (O,) in their dtype."""
    return bench.sequence(compose(*(bench.randn(*shape, dtype=dtype) for shape in [(H, I), (H,), (O, H), (O,)])))


@compose.probe(points=1)
def also_for_square_layers(compose, bench, I=4):
    """Layers I → I → I, where shapes cannot tell the order; in float64."""
    return bench.sequence(compose(*(bench.randn(*shape, dtype=torch.float64) for shape in [(I, I), (I,), (I, I), (I,)])))


@compose.probe(points=1)
def is_the_two_layers_in_a_row(compose, bench, B=4, I=2, H=6, O=3):
    """The one layer gives what the two gave, and autograd can go back through it to both; in float64."""
    layers = [bench.randn(*shape, dtype=torch.float64).requires_grad_() for shape in [(H, I), (H,), (O, H), (O,)]]
    weight, bias = compose(*layers)
    y = bench.randn(B, I, dtype=torch.float64) @ weight.T + bias
    gradients = torch.autograd.grad(y, layers, bench.randn(B, O, dtype=torch.float64), materialize_grads=True)
    return {"y": y, "gradients of w1, b1, w2 and b2": list(gradients)}


# fmt: off
compose.mistake("multiplies_in_reading_order", {"w2 @ w1": "w1 @ w2"},
    "The order of the product is exchanged: the first layer acts first, so its weight stands on the right, W₂W₁.")
compose.mistake("adds_the_biases", {"w2 @ b1": "b1"},
    "You add the biases as they are. b₁ passes through the second layer and is multiplied by W₂ on the way.")
compose.mistake("loses_the_first_bias", {"w2 @ b1 + b2": "b2"}, "The first layer's bias is lost: the composed bias is W₂b₁ + b₂.")
compose.mistake("loses_the_second_bias", {" + b2": ""}, "The second layer's bias is lost: the composed bias is W₂b₁ + b₂.")
compose.mistake("returns_the_transposed_weight", {"w2 @ w1": "(w2 @ w1).T"},
    "Your weight is transposed: it must be stored (out_features, in_features) like any layer's.")
compose.mistake("cuts_the_graph", {"w2 @ w1, w2 @ b1 + b2": "(w2 @ w1).detach(), (w2 @ b1 + b2).detach()"},
    "Your result is cut off from autograd (`detach`, `.data`, NumPy or `no_grad`): no gradient reaches the two layers.", raises=RuntimeError)
