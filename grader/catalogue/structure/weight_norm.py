"""Task WeightNormLinear."""

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class WeightNormLinearReference(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        layer = nn.utils.parametrizations.weight_norm(nn.Linear(in_features, out_features))
        self.weight_g, self.weight_v = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
        self.bias = layer.bias

    def forward(self, x):
        return F.linear(x, torch._weight_norm(self.weight_v, self.weight_g, 0), self.bias)


WeightNormLinear = Task(
    "WeightNormLinear",
    reference=WeightNormLinearReference,
    section="structure-weight-norm",
    forbids=("torch.nn.utils.weight_norm", "torch._weight_norm*"),
    hints=(
        "One length for each output: along which dimension of v is it measured, and which shape lets it divide v's rows? Which g makes the weight equal to v?",
        "norm(dim=1, keepdim=True) is (O, 1). In __init__ draw v first, then make weight_g an nn.Parameter of v's norms. "
        "In forward compute g · v / ‖v‖ anew each time, and F.linear.",
    ),
)


@WeightNormLinear.probe(points=1)
def starts_at_v(WeightNormLinear, bench):
    """New layers of random sizes: the parameters; weight_g beside ‖v‖; y beside that of a Linear of weight v; whether v is random; and a state
    of torch's own weight_norm, loaded."""
    answers = {}
    for number in range(1, 3):
        I, O = bench.size(2, 9), bench.size(10, 19)
        layer, other = (WeightNormLinear(I, O).to(bench.device) for _ in range(2))
        x = bench.randn(4, I)
        answers[f"{number}. WeightNormLinear({I}, {O})"] = {
            "parameters": {name: tuple(p.shape) for name, p in sorted(layer.named_parameters())},
            "weight_g": bench.pair(layer.weight_g, layer.weight_v.norm(dim=1, keepdim=True), "‖v‖", "not ‖v‖", 1e-5, 1e-6),
            "y": bench.pair(layer(x), F.linear(x, layer.weight_v, layer.bias), "a Linear's of weight v", "not a Linear's of weight v", 1e-4, 1e-4),
            "two layers' v": bench.pair(layer.weight_v, other.weight_v, "the same numbers", "others"),
        }
        torchs = nn.utils.parametrizations.weight_norm(nn.Linear(I, O, device=bench.device))
        torchs.weight = bench.randn(O, I)
        parts = torchs.parametrizations.weight
        layer.load_state_dict({"weight_g": 2 * parts.original0.detach(), "weight_v": parts.original1.detach(), "bias": bench.randn(O)})
        answers[f"{number}. y, with what was loaded"] = layer(x)
    return answers


@WeightNormLinear.probe(points=2, zero="B")
def gives_each_row_its_length(WeightNormLinear, bench, B=4, I=5, O=3, dtype=torch.float32):
    """Random weight_g, of either sign, weight_v and bias: y for x without leading dimensions, with one, with two."""
    layer = WeightNormLinear(I, O).to(bench.device, dtype)
    for p, shape in [(layer.weight_g, (O, 1)), (layer.weight_v, (O, I)), (layer.bias, (O,))]:
        p.data.copy_(bench.randn(*shape))
    return {f"x {shape}": layer(bench.randn(*shape, dtype=dtype)) for shape in [(B, I), (I,), (2, B, I)]}


@WeightNormLinear.probe(points=2)
def learns_length_and_direction(WeightNormLinear, bench, B=4, I=5, O=3):
    """The gradients of x (B, I), weight_g, weight_v and bias for a random grad_output; a step of plain SGD; then y of another x, and the parameters."""
    layer = WeightNormLinear(I, O).to(bench.device, torch.float64)
    for p, shape in [(layer.weight_g, (O, 1)), (layer.weight_v, (O, I)), (layer.bias, (O,))]:
        p.data.copy_(bench.randn(*shape))
    x, parameters = bench.randn(B, I, dtype=torch.float64).requires_grad_(), [layer.weight_g, layer.weight_v, layer.bias]
    gradients = torch.autograd.grad(layer(x), (x, *parameters), bench.randn(B, O, dtype=torch.float64))
    with torch.no_grad():
        for p, gradient in zip(parameters, gradients[1:]):
            p -= 0.1 * gradient
    y = layer(bench.randn(B, I, dtype=torch.float64))
    return {**dict(zip(["of x", "of weight_g", "of weight_v", "of bias"], gradients)), "y after the step": y, "the parameters after it": parameters}


# fmt: off
WeightNormLinear.mistake("has_one_length_for_all", {"linear.weight.detach().norm(dim=1, keepdim=True)": "linear.weight.detach().norm()",
    "self.weight_v.norm(dim=1, keepdim=True)": "self.weight_v.norm()"},
    "Your g is one number for the whole weight. Each output has its own: weight_g is (O, 1), the norms of v's rows.", raises=RuntimeError)
WeightNormLinear.mistake("divides_by_the_norm_of_all", {"self.weight_v.norm(dim=1, keepdim=True)": "self.weight_v.norm()"},
    "You divide by the norm of the whole v. Each row is divided by its own.")
WeightNormLinear.mistake("measures_the_columns", {"linear.weight.detach().norm(dim=1, keepdim=True)": "linear.weight.detach().norm(dim=0, keepdim=True)",
    "self.weight_v.norm(dim=1, keepdim=True)": "self.weight_v.norm(dim=0, keepdim=True)"},
    "You give each input a length: your weight_g is (1, I). It is the outputs, v's rows, that have one: dim=1.", raises=RuntimeError)
WeightNormLinear.mistake("divides_by_the_columns_norms", {"self.weight_v.norm(dim=1, keepdim=True)": "self.weight_v.norm(dim=0, keepdim=True)"},
    "You divide by the norms of v's columns. An output's direction is its row of v: dim=1.")
WeightNormLinear.mistake("drops_the_dimension", {"linear.weight.detach().norm(dim=1, keepdim=True)": "linear.weight.detach().norm(dim=1)",
    "self.weight_g * ": "self.weight_g[:, None] * "},
    "Your weight_g is (O,). It is (O, 1), as torch's, so that it divides row by row: keepdim=True.", raises=RuntimeError)
WeightNormLinear.mistake("starts_with_length_one", {"linear.weight.detach().norm(dim=1, keepdim=True)": "torch.ones(out_features, 1)"},
    "Your g starts at 1, so that the layer does not start with the weight drawn. g starts at ‖v‖.")
WeightNormLinear.mistake("does_not_divide", {" / self.weight_v.norm(dim=1, keepdim=True)": ""},
    "You multiply v by g and do not divide by ‖v‖: v's length counts, too, and g is not the row's length.")
WeightNormLinear.mistake("divides_by_the_square", {"self.weight_v.norm(dim=1, keepdim=True)": "self.weight_v.square().sum(1, keepdim=True)"},
    "You divide by ‖v‖². The norm is the root of the sum of the squares.")
WeightNormLinear.mistake("takes_the_sum_of_absolute_values", {"self.weight_v.norm(dim=1, keepdim=True)": "self.weight_v.norm(1, dim=1, keepdim=True)"},
    "You divide by the sum of |v|. The norm asked is the root of the sum of the squares.")
WeightNormLinear.mistake("takes_the_norm_for_a_constant", {"self.weight_v.norm(dim=1, keepdim=True)": "self.weight_v.detach().norm(dim=1, keepdim=True)"},
    "You detach the norm. It depends on v: without its part the gradient of v is not orthogonal to v.")
WeightNormLinear.mistake("keeps_the_first_norm", {"self.weight_v, self.bias = linear.weight, linear.bias":
    "self.weight_v, self.bias = linear.weight, linear.bias\n        self.first = linear.weight.detach().norm(dim=1, keepdim=True)",
    "self.weight_v.norm(dim=1, keepdim=True)": "self.first.to(x)"},
    "You divide by the norm that v had when the layer was made. v changes: take its norm in each forward.")
WeightNormLinear.mistake("takes_a_positive_length", {"self.weight_g * ": "self.weight_g.abs() * "},
    "You take |g|. g may be negative; the row then points the other way.")
WeightNormLinear.mistake("learns_the_logarithm", {"linear.weight.detach().norm(dim=1, keepdim=True)": "linear.weight.detach().norm(dim=1, keepdim=True).log()",
    "self.weight_g * ": "self.weight_g.exp() * "},
    "Your weight_g is a logarithm. g is the length itself.")
WeightNormLinear.mistake("forgets_the_bias", {", self.bias)": ")"}, "You leave the bias out.", raises=RuntimeError)
WeightNormLinear.mistake("scales_the_bias_too", {"F.linear(x, weight, self.bias)": "F.linear(x, weight, self.weight_g[:, 0] * self.bias)"},
    "You multiply the bias by g, too. g is the weight's length.")
WeightNormLinear.mistake("normalises_v_in_place", {"weight = self.": "self.weight_v.data /= self.weight_v.data.norm(dim=1, keepdim=True)\n        weight = self."},
    "forward changes weight_v: it becomes a unit vector. Divide in the product, and leave the parameter to the optimizer.")
WeightNormLinear.mistake("normalises_the_input", {"F.linear(x, weight": "F.linear(x / x.norm(dim=-1, keepdim=True), weight"},
    "You divide x by its norm, too. Only v has its length taken off.")
WeightNormLinear.mistake("freezes_g", {"nn.Parameter(linear.weight.detach().norm(dim=1, keepdim=True))":
    "nn.Parameter(linear.weight.detach().norm(dim=1, keepdim=True), requires_grad=False)"},
    "Your weight_g does not learn. Direction and length both do.", raises=RuntimeError)
