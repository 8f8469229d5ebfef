"""Task LinearLayer."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task
from .shared import READY_MADE


class LinearLayerReference:
    def __init__(self, in_features, out_features, generator):
        draw = lambda *shape: (2 * torch.rand(shape, generator=generator, device=generator.device) - 1) / math.sqrt(in_features)
        self.weight, self.bias = draw(out_features, in_features), draw(out_features)

    def forward(self, x):
        self.x = x
        return F.linear(x, self.weight, self.bias)

    def backward(self, grad_output):
        with torch.inference_mode(False), torch.enable_grad():
            inputs = [tensor.clone().requires_grad_() for tensor in (self.x, self.weight, self.bias)]
            gradients = torch.autograd.grad(F.linear(*inputs), inputs, grad_output.clone())
        grad_input, self.grad_weight, self.grad_bias = gradients
        return grad_input


LinearLayer = Task(
    "LinearLayer",
    reference=LinearLayerReference,
    section="capstone-layers",
    forbids=READY_MADE,
    hints=(
        "Numbers of torch.rand run from 0 to 1: stretch and shift them. backward needs forward's x: keep it.",
        "forward: self.x = x, and x @ self.weight.T + self.bias. backward: flatten the leading dimensions of grad_output and "
        "self.x with reshape(-1, last size); self.grad_weight is the first's transpose times the second, self.grad_bias the "
        "first's sum over rows; return grad_output @ self.weight.",
    ),
)


@LinearLayer.probe(points=1)
def starts_with_uniform_numbers(LinearLayer, bench):
    """Weight (O, I) and bias (O,), as in nn.Linear: uniform from -1/√I to 1/√I, whatever the sizes."""
    generator, O, I = torch.Generator(bench.device).manual_seed(bench.size(0, 2**31)), bench.size(10_000, 11_000), bench.size(100, 200)
    wide, narrow = LinearLayer(4, O, generator), LinearLayer(I, 50, generator)
    return {
        f"weight of LinearLayer(4, {O})": bench.sample(wide.weight),
        f"bias of LinearLayer(4, {O})": bench.sample(wide.bias),
        f"weight of LinearLayer({I}, 50)": bench.sample(narrow.weight),
    }


@LinearLayer.probe(points=1)
def draws_from_its_generator(LinearLayer, bench):
    """The generator decides the numbers, and runs on from layer to layer. Second layers, in random order, each compared with a first one: weight
    and bias."""
    seed, answers = bench.size(0, 2**31), {}
    cases = ["from an equal generator", "from one with another seed", "next, from the same generator"]
    for number, case in enumerate(bench.several(cases, 24), 1):
        generator, same, other = (torch.Generator(bench.device).manual_seed(value) for value in (seed, seed, seed + 1))
        first, source = LinearLayer(5, 3, generator), dict(zip(cases, (same, other, generator)))[case]
        second = LinearLayer(5, 3, source)
        answers[f"{number}. a second layer, {case}"] = bench.pair([first.weight, first.bias], [second.weight, second.bias], "equal", "another")
    return answers


@LinearLayer.probe(points=1, zero="B")
def computes_the_layer(LinearLayer, bench, B=6, I=5, O=3, dtype=torch.float32):
    """y = x Wᵀ + b, with the weight and bias that the layer has now, for any leading dimensions."""
    layer, answers = LinearLayer(I, O, torch.Generator(bench.device)), {}
    for lead in [(B,), (), (2, B)]:
        layer.weight, layer.bias = bench.randn(O, I, dtype=dtype), bench.randn(O, dtype=dtype)
        answers[f"x {(*lead, I)}"] = layer.forward(bench.randn(*lead, I, dtype=dtype))
    return answers


@LinearLayer.probe(points=2, zero="B")
def gives_all_three_gradients(LinearLayer, bench, B=6, I=5, O=3, dtype=torch.float32):
    """For a random grad_output, in two layers side by side: forward in both, then backward in both."""
    layers, answers = {f"the {place} layer": LinearLayer(I, O, torch.Generator(bench.device)) for place in ("first", "second")}, {}
    for layer in layers.values():
        layer.weight, layer.bias = bench.randn(O, I, dtype=dtype), bench.randn(O, dtype=dtype)
        layer.forward(bench.randn(B, I, dtype=dtype))
    grad_inputs = [layer.backward(bench.randn(B, O, dtype=dtype)) for layer in layers.values()]
    for (name, layer), grad_input in zip(layers.items(), grad_inputs):
        answers[name] = {"grad_input": grad_input, "grad_weight": layer.grad_weight, "grad_bias": layer.grad_bias}
    return answers


@LinearLayer.probe(points=1)
def takes_any_leading_dimensions(LinearLayer, bench):
    """The gradients without leading dimensions, with several, with empty ones; then with transposed views."""
    layer, answers = LinearLayer(5, 3, torch.Generator(bench.device)), {}
    for case, lead in {"x (5,)": (), "x (2, 4, 5)": (2, 4), "x (0, 5)": (0,), "a transposed view (4, 2, 5)": (2, 4)}.items():
        layer.weight, layer.bias = bench.randn(3, 5, dtype=torch.float64), bench.randn(3, dtype=torch.float64)
        x, grad_output = (bench.randn(*lead, size, dtype=torch.float64) for size in (5, 3))
        if case.startswith("a transposed view"):
            x, grad_output = x.transpose(0, 1), grad_output.transpose(0, 1)
        layer.forward(x)
        grad_input = layer.backward(grad_output)
        answers[case] = {"grad_input": grad_input, "grad_weight": layer.grad_weight, "grad_bias": layer.grad_bias}
    return answers


@LinearLayer.probe(points=1)
def starts_afresh_with_every_batch(LinearLayer, bench):
    """A second batch of the same size, and a third one of another: its gradients replace the last ones."""
    layer, answers = LinearLayer(5, 3, torch.Generator(bench.device)), {}
    layer.weight, layer.bias = bench.randn(3, 5, dtype=torch.float64), bench.randn(3, dtype=torch.float64)
    for batch, rows in {"first batch": 6, "second batch": 6, "third batch": 2}.items():
        layer.forward(bench.randn(rows, 5, dtype=torch.float64))
        grad_input = layer.backward(bench.randn(rows, 3, dtype=torch.float64))
        answers[batch] = {"grad_input": grad_input, "grad_weight": layer.grad_weight, "grad_bias": layer.grad_bias}
    return answers


@LinearLayer.probe(points=1)
def changes_nothing_but_its_gradients(LinearLayer, bench):
    """x, grad_output, weight and bias hold after backward what they held before."""
    layer = LinearLayer(5, 3, torch.Generator(bench.device))
    layer.weight, layer.bias = bench.randn(3, 5), bench.randn(3)
    given = {"x": bench.randn(6, 5), "grad_output": bench.randn(6, 3), "weight": layer.weight, "bias": layer.bias}
    before = {name: tensor.clone() for name, tensor in given.items()}
    answers = {"y": layer.forward(given["x"]), "grad_input": layer.backward(given["grad_output"])}
    given |= {"weight": layer.weight, "bias": layer.bias}
    return answers | {name: bench.pair(now, before[name], "unchanged", "changed") for name, now in given.items()}


@LinearLayer.probe(points=1)
def has_nothing_to_do_with_autograd(LinearLayer, bench):
    """The parameters are plain tensors, and everything works in torch.inference_mode(), where autograd records nothing."""
    layer = LinearLayer(5, 3, torch.Generator(bench.device))
    tensors = {"the first weight": layer.weight, "the first bias": layer.bias, "its y": layer.forward(bench.randn(6, 5))}
    answers = {name: "requires grad" if tensor.requires_grad else "a plain tensor" for name, tensor in tensors.items()}
    with torch.inference_mode():
        layer = LinearLayer(5, 3, torch.Generator(bench.device))
        layer.weight, layer.bias = bench.randn(3, 5), bench.randn(3)
        y = layer.forward(bench.randn(6, 5))
        grad_input = layer.backward(bench.randn(6, 3))
        gradients = {"grad_input": grad_input, "grad_weight": layer.grad_weight, "grad_bias": layer.grad_bias}
        return answers | {"y in inference mode": y, "gradients in it": gradients}


# fmt: off
LinearLayer.mistake("stores_the_weight_in_out", {
    "(out_features, in_features,": "(in_features, out_features,", "self.weight.T": "self.weight", "grad_output @ self.weight": "grad_output @ self.weight.T",
    "rows.T @ self.x.reshape(-1, self.x.shape[-1])": "self.x.reshape(-1, self.x.shape[-1]).T @ rows"},
    "Your weight is (in, out). Store it (out, in), as nn.Linear does: forward multiplies by its transpose.")
LinearLayer.mistake("ignores_the_generator", {'"generator": generator, ': ""},
    "You draw from torch's global generator. Draw from the given one: it makes a training run repeatable.")
LinearLayer.mistake("starts_the_bias_at_zero", {"self.bias = bound": "self.bias = 0 * bound"},
    "Your bias starts at zero. In nn.Linear it is drawn as the weight is, from -1/√I to 1/√I.")
LinearLayer.mistake("goes_by_the_outputs", {"sqrt(in_features)": "sqrt(out_features)"},
    "You go by out_features. The bound is 1/√in_features: one output adds up so many inputs.")
LinearLayer.mistake("takes_the_bound_of_kaimings_draw", {"1 / math.sqrt(in_features)": "math.sqrt(6 / in_features)"},
    "√(6/I) is the bound of Kaiming's draw for ReLU. nn.Linear's is 1/√I, for the weight and the bias.")
LinearLayer.mistake("averages_over_the_rows", {"self.grad_weight = ": "rows = rows / len(rows)\n        self.grad_weight = "},
    "You divide by the number of rows. The mean is the loss's business and stands in grad_output already: sum.")
LinearLayer.mistake("adds_up_over_batches", {
    "bound =": "self.grad_weight = self.grad_bias = 0\n        bound =",
    "grad_weight = rows": "grad_weight = self.grad_weight + rows", "grad_bias = rows": "grad_bias = self.grad_bias + rows"},
    "You add each batch's gradients to the last one's, as autograd does. Here every backward replaces them.")
LinearLayer.mistake("transposes_the_weights_gradient", {"rows.T @ self.x.reshape(-1, self.x.shape[-1])": "self.x.reshape(-1, self.x.shape[-1]).T @ rows"},
    "Your grad_weight is transposed, (I, O). A gradient has its tensor's shape: the weight is (O, I).")
LinearLayer.mistake("takes_only_matrices", {"grad_output.reshape(-1, grad_output.shape[-1])": "grad_output", "self.x.reshape(-1, self.x.shape[-1])": "self.x"},
    "Your backward is for matrices only. All leading dimensions are rows of one batch: flatten them first.", raises=RuntimeError)
LinearLayer.mistake("sums_over_the_first_axis_only", {"rows.sum(0)": "grad_output.sum(0)"},
    "Your grad_bias sums over the first axis only. Sum over all leading dimensions; without any, over none.")
LinearLayer.mistake("flattens_dimensions_that_must_be_there", {
    "grad_output.reshape(-1, grad_output.shape[-1])": "grad_output.flatten(0, -2)", "self.x.reshape(-1, self.x.shape[-1])": "self.x.flatten(0, -2)"},
    "You flatten the dimensions before the last, and a single x of shape (I,) has none. Make one row of it.", raises=IndexError)
LinearLayer.mistake("takes_the_step_itself", {
    "return grad_output @ self.weight": "grad_input = grad_output @ self.weight\n        "
    "self.weight, self.bias = self.weight - 0.1 * self.grad_weight, self.bias - 0.1 * self.grad_bias\n        return grad_input"},
    "Your backward moves the parameters. It only finds the gradients: the step comes later.")
LinearLayer.mistake("leaves_the_parameters_to_autograd", {"\n    def forward": "        self.weight.requires_grad = self.bias.requires_grad = True\n\n    def forward"},
    "You mark the parameters with requires_grad, and autograd records all you do. Plain tensors will do.")
LinearLayer.mistake("keeps_the_first_weights_transpose", {
    "self.bias = bound": "self.transposed = self.weight.T\n        self.bias = bound", "@ self.weight.T": "@ self.transposed"},
    "You transpose the weight once, in __init__: when the layer gets another weight, forward still multiplies by the old one. Take self.weight.T in forward.")
LinearLayer.mistake("keeps_x_on_the_class", {"self.x = x": "LinearLayer.x = x"},
    "You keep x on the class, which all layers share: backward finds the x of whichever layer came last. Keep it on self.")
