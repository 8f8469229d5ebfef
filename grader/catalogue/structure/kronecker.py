"""Task KroneckerLinear."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class KroneckerLinearReference(nn.Module):
    def __init__(self, a_in, a_out, b_in, b_out):
        super().__init__()
        self.a, self.b, self.bias = (nn.Parameter(torch.randn(*shape)) for shape in [(a_out, a_in), (b_out, b_in), (a_out * b_out,)])

    def forward(self, x):
        rows = F.linear(x.unflatten(-1, (self.a.shape[1], self.b.shape[1])), self.b)
        return F.linear(rows.mT, self.a).mT.flatten(-2) + self.bias


KroneckerLinear = Task(
    "KroneckerLinear",
    reference=KroneckerLinearReference,
    section="structure-kronecker",
    forbids=("torch.kron",),
    hints=(
        "kron(a, b)[i · b_out + k, j · b_in + l] is a[i, j] · b[k, l]. Write y[i · b_out + k] as a sum over j and l. "
        "Which matrix does x become, if its index j · b_in + l is row j, column l?",
        "X = x.unflatten(-1, (a_in, b_in)). y is a X bᵀ, of shape (a_out, b_out), with its rows one after the other; then the bias.",
    ),
)


@KroneckerLinear.probe(points=2, zero="B")
def multiplies_by_the_kronecker_product(KroneckerLinear, bench, B=3, a_in=2, a_out=3, b_in=4, b_out=5, dtype=torch.float32):
    """a (a_out, a_in), b (b_out, b_in) and bias are given: the shapes of the parameters, and y of x (B, a_in · b_in)."""
    layer = KroneckerLinear(a_in, a_out, b_in, b_out).to(bench.device, dtype)
    shapes = {name: tuple(p.shape) for name, p in sorted(layer.named_parameters())}
    for p, shape in [(layer.a, (a_out, a_in)), (layer.b, (b_out, b_in)), (layer.bias, (a_out * b_out,))]:
        p.data.copy_(bench.randn(*shape))
    return {"parameters": shapes, "y": layer(bench.randn(B, a_in * b_in, dtype=dtype))}


@KroneckerLinear.probe(points=1)
def takes_x_of_any_shape_and_layout(KroneckerLinear, bench):
    """x without leading dimensions, with several; transposed, with gaps, expanded; then a layer of one output."""
    layer = KroneckerLinear(2, 5, 3, 4).to(bench.device)
    for p, shape in [(layer.a, (5, 2)), (layer.b, (4, 3)), (layer.bias, (20,))]:
        p.data.copy_(bench.randn(*shape))
    inputs = {
        "x (6,)": bench.randn(6),
        "x (2, 3, 5, 6)": bench.randn(2, 3, 5, 6),
        "x (6, 5) transposed": bench.randn(6, 5).T,
        "images (2, 6, 3, 4) permuted to (2, 3, 4, 6)": bench.randn(2, 6, 3, 4).permute(0, 2, 3, 1),
        "every other feature of (2, 3, 12)": bench.randn(2, 3, 12)[..., ::2],
        "one row, expanded to (3, 6)": bench.randn(6).expand(3, 6),
    }
    answers, one = {name: layer(x) for name, x in inputs.items()}, KroneckerLinear(2, 1, 3, 1).to(bench.device)
    for p, shape in [(one.a, (1, 2)), (one.b, (1, 3)), (one.bias, (1,))]:
        p.data.copy_(bench.randn(*shape))
    return answers | {"one output, x (5, 6)": one(bench.randn(5, 6)), "one output, x (6,)": one(bench.randn(6))}


@KroneckerLinear.probe(points=1)
def lets_gradients_through(KroneckerLinear, bench, B=3, a_in=2, a_out=3, b_in=4, b_out=5):
    """The gradients of x (2, B, a_in · b_in), a, b and bias, for a random grad_output."""
    layer = KroneckerLinear(a_in, a_out, b_in, b_out).to(bench.device, torch.float64)
    for p, shape in [(layer.a, (a_out, a_in)), (layer.b, (b_out, b_in)), (layer.bias, (a_out * b_out,))]:
        p.data.copy_(bench.randn(*shape))
    x = bench.randn(2, B, a_in * b_in, dtype=torch.float64).requires_grad_()
    y = layer(x)
    gradients = torch.autograd.grad(y, (x, layer.a, layer.b, layer.bias), bench.randn(*y.shape, dtype=torch.float64))
    return dict(zip(["of x", "of a", "of b", "of bias"], gradients))


@KroneckerLinear.probe(points=2)
def never_makes_the_product(KroneckerLinear, bench):
    """Sizes drawn at random: the largest tensor that is made, by the constructor, forward with one row of x, or backward."""
    made, (a_in, a_out, b_in, b_out) = bench.made(), (bench.size(5, 9) for _ in range(4))
    with made:
        layer = KroneckerLinear(a_in, a_out, b_in, b_out)
    layer = layer.to(bench.device, torch.float64)
    for p, shape in [(layer.a, (a_out, a_in)), (layer.b, (b_out, b_in)), (layer.bias, (a_out * b_out,))]:
        p.data.copy_(bench.randn(*shape))
    x, grad_output = bench.randn(1, a_in * b_in, dtype=torch.float64).requires_grad_(), bench.randn(1, a_out * b_out, dtype=torch.float64)
    with made:
        y = layer(x)
        gradients = torch.autograd.grad(y, (x, layer.a, layer.b, layer.bias), grad_output)
    limit = a_in * a_out * b_in * b_out
    return {
        f"y and gradients, KroneckerLinear({a_in}, {a_out}, {b_in}, {b_out})": [y.detach(), *gradients],
        "the largest tensor made": bench.band(made.largest, {"smaller than kron(a, b)": limit, "as large as kron(a, b), or larger": math.inf}),
    }


# fmt: off
KroneckerLinear.mistake("makes_the_product", {"rows = x.unflatten(-1, (self.a.shape[1], self.b.shape[1]))":
    "full = (self.a[:, None, :, None] * self.b[:, None]).flatten(2).flatten(0, 1)", "(self.a @ rows @ self.b.T).flatten(-2)": "x @ full.T"},
    "You make the whole Kronecker product: O · I numbers. Multiply by a and by b, one after the other.")
KroneckerLinear.mistake("exchanges_a_and_b", {"(self.a.shape[1], self.b.shape[1])": "(self.b.shape[1], self.a.shape[1])", "self.a @ rows @ self.b.T": "self.b @ rows @ self.a.T"},
    "You compute with kron(b, a). In kron(a, b) each entry of a is multiplied by the whole of b: a's index is the slow one.")
KroneckerLinear.mistake("reads_x_by_columns", {"x.unflatten(-1, (self.a.shape[1], self.b.shape[1]))": "x.unflatten(-1, (self.b.shape[1], self.a.shape[1])).mT"},
    "You fill X column by column, as textbooks' vec does. Entry j · b_in + l of x is row j, column l: unflatten into (a_in, b_in).")
KroneckerLinear.mistake("writes_y_by_columns", {".flatten(-2)": ".mT.flatten(-2)"},
    "You read y off column by column. Entry i · b_out + k is row i, column k: flatten the rows one after the other.")
KroneckerLinear.mistake("leaves_b_untransposed", {"self.b.T": "self.b"},
    "You multiply by b as it is stored, (b_out, b_in). X ends in b_in, so the product needs b's transpose.", raises=RuntimeError)
KroneckerLinear.mistake("stores_them_inputs_first", {"torch.randn(a_out, a_in)": "torch.randn(a_in, a_out)", "torch.randn(b_out, b_in)": "torch.randn(b_in, b_out)",
    "(self.a.shape[1], self.b.shape[1])": "(self.a.shape[0], self.b.shape[0])", "self.a @ rows @ self.b.T": "self.a.T @ rows @ self.b"},
    "Your a and b are stored inputs first. As any Linear's weight they have the outputs first: (a_out, a_in) and (b_out, b_in).", raises=RuntimeError)
KroneckerLinear.mistake("forgets_the_bias", {" + self.bias": ""}, "You leave the bias out.")
KroneckerLinear.mistake("adds_the_bias_to_bs_outputs", {"torch.zeros(a_out * b_out)": "torch.zeros(b_out)",
    ".flatten(-2) + self.bias": ".flatten(-2) + self.bias.repeat(len(self.a))"},
    "Your bias has b_out numbers. Each of the a_out · b_out outputs has its own.", raises=RuntimeError)
KroneckerLinear.mistake("knows_matrices_only", {"x.unflatten(-1, (self.a.shape[1], self.b.shape[1]))": "x.reshape(len(x), self.a.shape[1], self.b.shape[1])"},
    "You take one leading dimension only. There may be none or many: unflatten the last dimension, and leave the others.", raises=RuntimeError)
KroneckerLinear.mistake("views_the_input", {"x.unflatten(-1, (self.a.shape[1], self.b.shape[1]))":
    "x.view(-1, self.a.shape[1], self.b.shape[1]).view(*x.shape[:-1], self.a.shape[1], self.b.shape[1])"},
    "You view x as a stack of matrices. view refuses an x whose numbers do not lie in order: unflatten the last dimension alone.", raises=RuntimeError)
KroneckerLinear.mistake("returns_the_matrix", {".flatten(-2) + self.bias": " + self.bias.unflatten(0, (len(self.a), -1))"},
    "You return y as a matrix (a_out, b_out) for each row of x. Flatten it: the last dimension is a_out · b_out.")
KroneckerLinear.mistake("detaches_a", {"self.a @": "self.a.detach() @"}, "You detach a: no gradient reaches it.", raises=RuntimeError)
