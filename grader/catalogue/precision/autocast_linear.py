"""Task AutocastLinear."""

import torch
from torch import nn

from ...spec import Task


class AutocastLinearReference(nn.Linear):
    def forward(self, x):
        with torch.autocast(x.device.type, torch.bfloat16):
            return super().forward(x)


AutocastLinear = Task(
    "AutocastLinear",
    reference=AutocastLinearReference,
    section="precision-autocast",
    forbids=("torch.*autocast*", "torch.nn.*Linear"),
    hints=(
        "What is bfloat16 for the length of one product only, and what stays float32 for good? A cast is an operation like any other: what does its backward do?",
        "forward: cast x, self.weight and self.bias (where there is one) to bfloat16, and give them to F.linear. Casting the parameters themselves, or their .data, would lose what "
        "float32 is kept for.",
    ),
)


@AutocastLinear.probe(points=1)
def computes_in_bfloat16(AutocastLinear, bench, B=3, I=4, O=5):
    """y for x (B, I) of small whole numbers, float32 and bfloat16, each with other parameters; with a bias, and without."""
    answers = {}
    for bias in (True, False):
        layer = AutocastLinear(I, O, bias).to(bench.device)
        for dtype in (torch.float32, torch.bfloat16):
            for parameter in layer.parameters():
                parameter.data.copy_(bench.integers(-4, 5, *parameter.shape))
            answers[f"bias={bias}, x {dtype}"] = layer(bench.integers(-4, 5, B, I).to(dtype))
    return answers


@AutocastLinear.probe(points=2)
def rounds_what_it_multiplies(AutocastLinear, bench):
    """Whole numbers that bfloat16 cannot hold, in x, in weight, in bias; what they are multiplied by lets the rounding show."""
    odd = {name: 2 * bench.integers(129, 256, *shape) + 1 for name, shape in {"x": (4, 6), "weight": (5, 6), "bias": (5,)}.items()}
    signs = (1 - 2 * bench.integers(0, 2, 5, 3)).repeat_interleave(2, 1) * torch.tensor([1, -1], device=bench.device).repeat(3)
    ones, quarters = torch.ones(4, 1, device=bench.device, dtype=torch.int64), 4 * bench.integers(65, 126, 5, 1)
    cases = {"x": (odd["x"], signs, 0 * odd["bias"]), "weight": (signs[:4], odd["weight"], 0 * odd["bias"]), "bias": (ones, -quarters, odd["bias"])}
    answers = {}
    for case, (x, weight, bias) in cases.items():
        layer = AutocastLinear(weight.shape[1], 5).to(bench.device)
        layer.weight.data.copy_(weight)
        layer.bias.data.copy_(bias)
        answers[f"odd numbers above 256 in {case}"] = layer(x.float())
    return answers


@AutocastLinear.probe(points=2)
def gives_gradients_in_the_dtype_of_each(AutocastLinear, bench, I=4, O=5):
    """The gradients of x (O, I), weight and bias, for a grad_output with one number that is not 0 in each row and column; then with x (O, 1, I), bfloat16."""
    answers = {}
    for shape, dtype in {(O, I): torch.float32, (O, 1, I): torch.bfloat16}.items():
        layer = AutocastLinear(I, O).to(bench.device)
        for parameter in layer.parameters():
            parameter.data.copy_(2 * bench.integers(129, 256, *parameter.shape) + 1)
        x = (2 * bench.integers(129, 256, *shape) + 1).to(dtype).requires_grad_()
        grad_output = torch.diag(2.0 ** bench.integers(-3, 4, O))[bench.several(range(O))]
        y = layer(x)
        y.backward(grad_output.to(y.dtype).reshape(*shape[:-1], O))
        answers[f"x {shape} {dtype}"] = {"of x": x.grad, "of weight": layer.weight.grad, "of bias": layer.bias.grad}
    return answers


@AutocastLinear.probe(points=1)
def keeps_float32_parameters(AutocastLinear, bench):
    """Random sizes, with a bias and without: the parameters before and after x of one and of three dimensions; then after a step of SGD that is too small for bfloat16, and another x."""
    answers = {}
    for bias in (True, False):
        I, O = bench.size(2, 9), bench.size(10, 19)
        layer = (AutocastLinear(I, O) if bias else AutocastLinear(I, O, bias=False)).to(bench.device)
        for parameter in layer.parameters():
            parameter.data.copy_(bench.integers(65, 128, *parameter.shape))
        kinds = [[name, str(tuple(p.shape)), str(p.dtype)] for name, p in sorted(layer.named_parameters())]
        shapes = [tuple(layer(bench.randn(*shape)).shape) for shape in [(I,), (2, 3, I)]]
        optimizer = torch.optim.SGD(layer.parameters(), lr=2.0**-10)
        layer(bench.integers(1, 4, 1, I).float()).sum().backward()
        optimizer.step()
        layer(bench.randn(2, I))
        found = {"an nn.Module": isinstance(layer, nn.Module), "bias is None": layer.bias is None}
        answers[f"I={I}, O={O}, bias={bias}"] = {**found, "parameters": kinds, "shapes of y": shapes, "after a step": dict(sorted(layer.named_parameters()))}
    return answers


# fmt: off
AutocastLinear.mistake("rounds_only_the_result", {"F.linear(x.bfloat16(), self.weight.bfloat16(), bias)": "F.linear(x.float(), self.weight, self.bias).bfloat16()"},
    "You compute in float32 and round the result. autocast rounds x, weight and bias first: those are the numbers that are multiplied.")
AutocastLinear.mistake("returns_float32", {"self.weight.bfloat16(), bias)": "self.weight.bfloat16(), bias).float()"},
    "You cast the result back to float32. Under autocast y is bfloat16, and the next layer takes it as it is.")
AutocastLinear.mistake("does_not_round_x", {"F.linear(x.bfloat16(), self.weight.bfloat16(), bias)": "F.linear(x.float(), self.weight.bfloat16().float(), bias if bias is None else bias.float()).bfloat16()"},
    "You do not round x. All three are rounded to bfloat16: x, weight and bias.")
AutocastLinear.mistake("does_not_round_the_weight", {"F.linear(x.bfloat16(), self.weight.bfloat16(), bias)": "F.linear(x.bfloat16().float(), self.weight, bias if bias is None else bias.float()).bfloat16()"},
    "You do not round weight. All three are rounded to bfloat16: x, weight and bias.")
AutocastLinear.mistake("does_not_round_the_bias", {"self.bias.bfloat16()": "self.bias", "F.linear(x.bfloat16(), self.weight.bfloat16(), bias)": "(F.linear(x.bfloat16(), self.weight.bfloat16()) + (0 if bias is None else bias)).bfloat16()"},
    "You add the bias as it is, in float32. It is rounded to bfloat16, too.")
AutocastLinear.mistake("casts_only_x", {"self.weight.bfloat16()": "self.weight"},
    "A product needs both numbers in one dtype: cast weight for the product, too.", raises=RuntimeError)
AutocastLinear.mistake("casts_nothing", {"x.bfloat16(), self.weight.bfloat16(), bias": "x.float(), self.weight, self.bias"},
    "You compute in float32 throughout. x, weight and bias are cast to bfloat16 for the product.")
AutocastLinear.mistake("computes_in_float16", {"self.bias.bfloat16()": "self.bias.half()", "x.bfloat16(), self.weight.bfloat16()": "x.half(), self.weight.half()"},
    "You cast to float16. Asked is bfloat16, which has other bits: fewer of fraction, more of exponent.")
AutocastLinear.mistake("keeps_its_parameters_in_bfloat16", {"torch.empty(out_features, in_features)": "torch.empty(out_features, in_features, dtype=torch.bfloat16)",
    "torch.zeros(out_features)": "torch.zeros(out_features, dtype=torch.bfloat16)"},
    "Your parameters are bfloat16, so small steps of the optimizer vanish in them. They stay float32; forward casts a copy.")
AutocastLinear.mistake("casts_its_parameters_for_good", {"        bias = None": "        self.weight.data = self.weight.data.bfloat16().float()\n        bias = None"},
    "Your forward rounds the parameters themselves. What it multiplies is a rounded copy; the parameters keep all their bits.")
AutocastLinear.mistake("cuts_the_weight_from_the_graph", {"self.weight.bfloat16()": "self.weight.detach().bfloat16()"},
    "No gradient reaches weight (`detach`, `.data`). A plain cast lets it through, and turns it back into float32.")
AutocastLinear.mistake("cuts_the_bias_from_the_graph", {"self.bias.bfloat16()": "self.bias.data.bfloat16()"},
    "No gradient reaches bias (`detach`, `.data`). A plain cast lets it through.")
AutocastLinear.mistake("cuts_x_from_the_graph", {"x.bfloat16()": "x.detach().bfloat16()"},
    "No gradient reaches x (`detach`, `.data`): the layers before it would not learn.")
AutocastLinear.mistake("forgets_the_bias", {"self.weight.bfloat16(), bias)": "self.weight.bfloat16())"}, "You leave the bias out.")
AutocastLinear.mistake("always_has_a_bias", {" if bias else None": ""}, "bias=False still makes a bias. There is none then: self.bias is None.")
