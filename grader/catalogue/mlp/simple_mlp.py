"""Task SimpleMLP."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class SimpleMLPReference(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 8)
        self.fc2 = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


SimpleMLP = Task(
    "SimpleMLP",
    reference=SimpleMLPReference,
    section="mlp-model",
    hints=(
        "The layers are made once, in __init__, as attributes of self; forward uses them. What stands between the two?",
        "After super().__init__(), set self.fc1 = nn.Linear(16, 8) and self.fc2 likewise. forward returns fc2 of ReLU of fc1 "
        "of x, and nothing comes after fc2. Each of these works on the last dimension, whatever stands before it: no reshape.",
    ),
)


@SimpleMLP.probe(points=1)
def has_two_layers(SimpleMLP, bench):
    """An nn.Module; the names and shapes of its parameters; and what they hold once state has been loaded into them."""
    model = SimpleMLP()
    shapes = {name: tuple(parameter.shape) for name, parameter in sorted(model.named_parameters())}
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            parameter.copy_(bench.randn(*parameter.shape))
    state = {name: value for name, value in sorted(model.state_dict().items())}
    return {"a model is": "an nn.Module" if isinstance(model, nn.Module) else "no nn.Module", "parameters": shapes, "state_dict": state}


@SimpleMLP.probe(points=2)
def computes_the_logits(SimpleMLP, bench, B=6, dtype=torch.float32):
    """After loading a state_dict of random weights, x (B, 16) gives (B, 4), in training mode and in evaluation mode."""
    shapes = {"fc1.weight": (8, 16), "fc1.bias": (8,), "fc2.weight": (4, 8), "fc2.bias": (4,)}
    model, x = SimpleMLP().to(bench.device, dtype), bench.randn(B, 16, dtype=dtype)
    model.load_state_dict({name: bench.randn(*shape, dtype=dtype) for name, shape in shapes.items()})
    return {"in training mode": model.train()(x), "in evaluation mode": model.eval()(x)}


@SimpleMLP.probe(points=1, zero="B T")
def takes_any_leading_dimensions(SimpleMLP, bench, B=2, T=5):
    """One sample without a batch, a batch of rows, a batch of sequences, one that is a transposed view; empty ones."""
    shapes = {"fc1.weight": (8, 16), "fc1.bias": (8,), "fc2.weight": (4, 8), "fc2.bias": (4,)}
    model = SimpleMLP().to(bench.device, torch.float64)
    model.load_state_dict({name: bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    answers = {f"x {(*lead, 16)}": model(bench.randn(*lead, 16, dtype=torch.float64)) for lead in [(), (B,), (B, T)]}
    return answers | {f"x {(T, B, 16)} transposed to {(B, T, 16)}": model(bench.randn(T, B, 16, dtype=torch.float64).transpose(0, 1))}


@SimpleMLP.probe(points=2)
def lets_the_gradient_through(SimpleMLP, bench):
    """The gradients of x and of all four parameters, for a random gradient of the logits."""
    shapes = {"fc1.weight": (8, 16), "fc1.bias": (8,), "fc2.weight": (4, 8), "fc2.bias": (4,)}
    model = SimpleMLP().to(bench.device, torch.float64)
    model.load_state_dict({name: bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    x = bench.randn(6, 16, dtype=torch.float64).requires_grad_()
    inputs = {"x": x, **{name: model.get_parameter(name) for name in shapes}}
    upstream = bench.randn(6, 4, dtype=torch.float64)
    gradients = torch.autograd.grad(model(x), list(inputs.values()), upstream, allow_unused=True, materialize_grads=True)
    return {f"gradient that reaches {name}": gradient for name, gradient in zip(inputs, gradients)}


@SimpleMLP.probe(points=1)
def starts_as_new_linear_layers_do(SimpleMLP, bench):
    """A hundred new models: their weights and biases are drawn anew, from the distribution of nn.Linear; and numbers written into one stay in it."""
    models = [SimpleMLP() for _ in range(100)]
    numbers = [
        math.sqrt(layer.weight.shape[1]) * parameter.detach().flatten().cpu()
        for model in models for layer in (model.fc1, model.fc2) for parameter in (layer.weight, layer.bias)
    ]
    second = bench.pair(models[0].fc1.weight.detach().clone(), models[1].fc1.weight, "the same weights", "weights of its own")
    models[0].fc1.weight.data.copy_(bench.randn(8, 16))
    return {
        "the second model has": second, "parameters times the root of fan_in": bench.sample(torch.cat(numbers)),
        "fc1.weight of the first model, after numbers are written into it": models[0].fc1.weight,
    }


# fmt: off
SimpleMLP.mistake("forgets_relu", {"F.relu(self.fc1(x))": "self.fc1(x)"},
    "Nothing stands between your two layers. Without ReLU they are one affine map, 16 to 4, however they are trained.")
SimpleMLP.mistake("clips_the_logits", {"(self.fc1(x)))": "(self.fc1(x))).relu()"},
    "You apply ReLU after the last layer, too. Logits may be negative; ReLU makes zeros of them.")
SimpleMLP.mistake("puts_relu_last", {"self.fc2(F.relu(self.fc1(x)))": "F.relu(self.fc2(self.fc1(x)))"},
    "You apply ReLU after fc2 instead of after fc1. It belongs between the layers; the logits stay as they are.")
SimpleMLP.mistake("puts_relu_first", {"F.relu(self.fc1(x))": "self.fc1(F.relu(x))"},
    "You apply ReLU to x, before fc1. It belongs between the layers: x is to arrive as it is.")
SimpleMLP.mistake("returns_probabilities", {"(self.fc1(x)))": "(self.fc1(x))).softmax(-1)"},
    "You return probabilities. Return the logits, fc2's own output: cross-entropy takes the softmax itself.")
SimpleMLP.mistake("returns_probabilities_in_evaluation", {"return": "z =", "(self.fc1(x)))": "(self.fc1(x)))\n        return z if self.training else z.softmax(-1)"},
    "In evaluation mode you return probabilities. Logits are asked in both modes: nothing in this network depends on the mode.")
SimpleMLP.mistake("returns_log_probabilities", {"(self.fc1(x)))": "(self.fc1(x))).log_softmax(-1)"},
    "You return logarithms of probabilities. Cross-entropy takes log_softmax itself: return fc2's own output.")
SimpleMLP.mistake("takes_tanh", {"F.relu": "F.tanh"}, "Your activation is tanh. The network asked for has ReLU between its layers.")
SimpleMLP.mistake("leaves_out_the_biases", {"16, 8": "16, 8, bias=False", "8, 4": "8, 4, bias=False"},
    "Your layers have no bias. Then every unit bends at the origin: leave nn.Linear's default.")
SimpleMLP.mistake("exchanges_the_sizes", {"16, 8": "8, 16", "8, 4": "4, 8"},
    "Your layers have their sizes exchanged. nn.Linear takes in_features first: 16 numbers in, 8 out.")
SimpleMLP.mistake("names_its_layers_otherwise",
    {"fc1 = nn.Linear(16, 8)": "layers = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))",
    "        self.fc2 = nn.Linear(8, 4)\n": "", "fc2(F.relu(self.fc1(x)))": "layers(x)"},
    "Your layers have other names, so a saved fc1.weight finds no place. They are to be self.fc1 and self.fc2.")
SimpleMLP.mistake("hides_its_layers_in_a_list",
    {"fc1 = nn.Linear(16, 8)": "fc = [nn.Linear(16, 8)]", "fc2 = ": "fc += [", "8, 4)": "8, 4)]", "fc1(": "fc[0](", "fc2(": "fc[1]("},
    "Your layers stand in a plain Python list, which nn.Module does not look into: they are no parameters and are never trained.")
SimpleMLP.mistake("forgets_to_call_super", {"        super().__init__()\n": ""},
    "`super().__init__()` is missing. It makes the place where a module keeps its layers, and comes first.", raises=AttributeError)
SimpleMLP.mistake("keeps_its_layers_on_the_class", {"self.fc1 =": "SimpleMLP.fc1 =", "self.fc2 =": "SimpleMLP.fc2 ="},
    "Your layers are kept on the class: all models share them, and none of them finds its parameters. Set them on self, in __init__.")
SimpleMLP.mistake("cuts_the_graph", {"self.fc1(x)": "self.fc1(x).detach()"},
    "You cut the graph between the layers (`.detach()`, `.data`, a new tensor): fc1 gets no gradient and never learns.")
SimpleMLP.mistake("flattens_everything", {"fc1(x)": "fc1(x.reshape(-1, 16))"},
    "You flatten x to a matrix and lose its leading dimensions. nn.Linear takes any; let x through as it is.")
SimpleMLP.mistake("seeds_itself", {"super().__init__()": "super().__init__()\n        torch.manual_seed(0)"},
    "You seed the generator inside the model: every model starts the same. Leave seeding to the caller.")
SimpleMLP.mistake("starts_at_zero", {"(8, 4)": "(8, 4)\n        for parameter in self.parameters(): nn.init.zeros_(parameter)"},
    "Your weights start at zero. All hidden units then compute the same, for ever: leave nn.Linear's random start.")
