"""Task mlp_backward."""

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import AUTOGRAD


def mlp_backward_reference(x, target, w1, b1, w2, b2):
    parameters = [parameter.detach().clone().requires_grad_() for parameter in (w1, b1, w2, b2)]
    hidden = F.linear(x, *parameters[:2]).relu()
    loss = F.cross_entropy(F.linear(hidden, *parameters[2:]), target)
    return loss.detach(), *torch.autograd.grad(loss, parameters)


mlp_backward = Task(
    "mlp_backward",
    reference=mlp_backward_reference,
    section="backward-mlp",
    forbids=AUTOGRAD,
    hints=(
        "Keep h, a and z of the forward pass, then go back through the chapter's table: every gradient has the shape of its tensor.",
        "∂L/∂z is (softmax(z) - onehot) / B. Your grad_weight, grad_bias and grad_input do both layers; between them stands "
        "the gate, * (h > 0). torch.logsumexp, or F.cross_entropy, gives the loss for scores of any size.",
    ),
)


@mlp_backward.probe(points=2)
def gives_the_loss_and_four_gradients(mlp_backward, bench, B=6, I=5, H=7, O=4, dtype=torch.float32):
    """The network I → H → O on B samples."""
    x, w1, b1, w2, b2 = (bench.randn(*shape, dtype=dtype) / 2 for shape in [(B, I), (H, I), (H,), (O, H), (O,)])
    answer = mlp_backward(x, bench.integers(0, O, B), w1, b1, w2, b2)
    return dict(zip(["loss", "grad_w1", "grad_b1", "grad_w2", "grad_b2"], answer, strict=True))


@mlp_backward.probe(points=1)
def reads_the_sizes_off_its_arguments(mlp_backward, bench):
    """Networks and batches of other sizes: the 16 → 8 → 4 of the text, a square second layer, more classes than hidden units."""
    answers = {}
    for B, I, H, O in [(bench.size(2, 9), 16, 8, 4), (5, 6, 4, 4), (9, 3, 2, 5)]:
        shapes = [(B, I), (H, I), (H,), (O, H), (O,)]
        x, w1, b1, w2, b2 = (bench.randn(*shape, dtype=torch.float64) / 2 for shape in shapes)
        answers[f"B={B}, {I} → {H} → {O}"] = list(mlp_backward(x, bench.integers(0, O, B), w1, b1, w2, b2))
    return answers


@mlp_backward.probe(points=1)
def closes_the_gate_at_zero(mlp_backward, bench):
    """A hidden unit whose weight and bias are zero, so that h = 0 exactly: nothing passes."""
    x, w1, b1, w2, b2 = (bench.randn(*shape, dtype=torch.float64) / 2 for shape in [(6, 16), (8, 16), (8,), (4, 8), (4,)])
    w1[3], b1[3] = 0, 0
    loss, grad_w1, grad_b1, *_ = mlp_backward(x, bench.integers(0, 4, 6), w1, b1, w2, b2)
    return {"grad_w1 of the silent unit": grad_w1[3], "grad_b1": grad_b1}


@mlp_backward.probe(points=2)
def stays_finite_for_large_scores(mlp_backward, bench):
    """Scores near 1000, near -1000, and from one to the other."""
    x, w1, b1, w2, b2 = (bench.randn(*shape, dtype=torch.float64) / 2 for shape in [(6, 16), (8, 16), (8,), (4, 8), (4,)])
    target = torch.tensor([0, 1, 2, 3, 0, 2], device=x.device)
    spread = torch.tensor([-1000.0, 0.0, 1000.0, 500.0], dtype=x.dtype, device=x.device)
    offsets = {"scores near 1000": b2 + 1000, "scores near -1000": b2 - 1000, "scores from -1000 to 1000": spread}
    return {case: list(mlp_backward(x, target, w1, b1, w2, offset)) for case, offset in offsets.items()}


# fmt: off
mlp_backward.mistake("sums_the_loss", {"F.cross_entropy(z, target)": 'F.cross_entropy(z, target, reduction="sum")', " / len(x)": ""},
    "Your loss is the sum over the batch, and all gradients are B times too large: take the mean.")
mlp_backward.mistake("forgets_to_divide_by_the_batch", {" / len(x)": ""}, "Your loss is a mean, but the gradients are the sum's: ∂L/∂z = (p - onehot) / B.")
mlp_backward.mistake("divides_by_the_batch_twice", {"/ len(x)": "/ len(x) / len(x)"},
    "You divide by B in ∂L/∂z and again in each layer. The mean of the loss is taken once; the layers sum.")
mlp_backward.mistake("forgets_the_gate", {" * (h > 0)": ""}, "You forget ReLU on the way back: where h was not positive, no gradient passes.")
mlp_backward.mistake("gates_by_the_gradient", {" * (h > 0)": ".relu()"},
    "Your gate looks at the sign of the gradient. It opens where the forward pass had h > 0, whatever comes back.")
mlp_backward.mistake("opens_the_gate_at_zero", {"h > 0": "h >= 0"}, "Your gate is open at h = 0. PyTorch takes 0 for ReLU's derivative there: > and not >=.")
mlp_backward.mistake("takes_h_for_the_second_input", {"grad_weight(grad_z, a)": "grad_weight(grad_z, h)"},
    "For grad_w2 you take h as the second layer's input. Its input is a, what ReLU let through.")
mlp_backward.mistake("forgets_the_onehot", {" - F.one_hot(target, len(b2))": ""},
    "Your ∂L/∂z is the softmax alone. At the right class 1 must be subtracted: p - onehot.")
mlp_backward.mistake("takes_softmax_over_the_batch", {"softmax(-1)": "softmax(0)"},
    "Your softmax runs over the batch. Each sample's probabilities sum to one: take it over the classes, the last dimension.")
mlp_backward.mistake("takes_the_softmax_twice", {"a @ w2.T + b2": "(a @ w2.T + b2).softmax(-1)"},
    "You end the forward pass with a softmax. Cross-entropy takes the softmax itself, so it is taken twice: give it the scores z as they are.")
mlp_backward.mistake("goes_back_through_the_transpose", {"grad_input(grad_z, w2)": "grad_z @ w2.T"},
    "You go back through the second layer with w2's transpose. ∂L/∂a = ∂L/∂z W₂, without one.", raises=RuntimeError)
mlp_backward.mistake("overflows", {
    "loss = F.cross_entropy(z, target)": "p = z.exp() / z.exp().sum(-1, keepdim=True)\n    loss = -p[torch.arange(len(x)), target].log().mean()", "z.softmax(-1)": "p"},
    "exp(z) overflows for large scores, and 0/0 follows for very negative ones. Take out the largest score first.")
mlp_backward.mistake("takes_the_logarithm_of_the_softmax", {"F.cross_entropy(z, target)": "-z.softmax(-1)[torch.arange(len(x)), target].log().mean()"},
    "You take the logarithm of the softmax: where the right class has probability 0 in floating point, that is -inf. Use logsumexp.")
mlp_backward.mistake("adds_a_small_number_in_the_logarithm", {"F.cross_entropy(z, target)": "-(z.softmax(-1)[torch.arange(len(x)), target] + 1e-9).log().mean()"},
    "You add a small number inside the logarithm. It caps the loss near 20, however wrong the scores are. Use logsumexp.")
