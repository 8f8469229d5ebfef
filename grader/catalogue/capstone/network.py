"""Task Network."""

import torch

from ...spec import Task
from .shared import READY_MADE


class NetworkReference:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad_output):
        for layer in reversed(self.layers):
            grad_output = layer.backward(grad_output)
        return grad_output

    def step(self, lr):
        for layer in self.layers:
            for name in ("weight", "bias"):
                parameter = getattr(layer, name, None)
                if parameter is not None:
                    parameter.grad = getattr(layer, f"grad_{name}")
                    torch.optim.SGD([parameter], lr).step()


Network = Task(
    "Network",
    reference=NetworkReference,
    section="capstone-network",
    forbids=READY_MADE,
    hints=(
        "Each layer's output is the next one's input; on the way back, what a layer returns is the grad_output of the one before it.",
        "forward: for layer in self.layers: x = layer.forward(x). backward: the same over reversed(self.layers), with grad_output. "
        'step: for each layer with hasattr(layer, "weight"), layer.weight -= lr * layer.grad_weight; the bias likewise, unless it is None.',
    ),
)


@Network.probe(points=1)
def hands_each_output_to_the_next_layer(Network, bench, B=6, I=5, dtype=torch.float32):
    """forward through layers that are told apart by their order, in two networks side by side."""

    class Power:
        def __init__(self, exponent, factor):
            self.exponent, self.factor = exponent, factor

        def forward(self, x):
            return self.factor * x**self.exponent

    layers = {"one layer": [Power(1, 3)], "three layers": [Power(2, 3), Power(1, -0.5), Power(3, 1)]}
    x, networks = bench.randn(B, I, dtype=dtype), {case: Network(row) for case, row in layers.items()}
    return {case: network.forward(x) for case, network in networks.items()}


@Network.probe(points=2)
def sends_the_gradient_back_through_all(Network, bench, B=3, I=4, dtype=torch.float32):
    """A linear layer, tanh, a linear layer, all from I to I features: grad_input, and what the layers found; two batches."""

    class Linear:
        def __init__(self):
            self.weight, self.bias = bench.randn(I, I, dtype=dtype) / 2, bench.randn(I, dtype=dtype)

        def forward(self, x):
            self.x = x
            return x @ self.weight.T + self.bias

        def backward(self, grad_output):
            self.grad_weight, self.grad_bias = grad_output.T @ self.x, grad_output.sum(0)
            return grad_output @ self.weight

    class Tanh:
        def forward(self, x):
            self.y = x.tanh()
            return self.y

        def backward(self, grad_output):
            return grad_output * (1 - self.y**2)

    first, last, answers = Linear(), Linear(), {}
    network = Network([first, Tanh(), last])
    for batch in ("first batch", "second batch"):
        y = network.forward(bench.randn(B, I, dtype=dtype))
        grad_input = network.backward(bench.randn(B, I, dtype=dtype))
        layers = {"first layer": first, "last layer": last}
        found = {name: {"grad_weight": layer.grad_weight, "grad_bias": layer.grad_bias} for name, layer in layers.items()}
        answers[batch] = {"y": y, "grad_input": grad_input, **found}
    return answers


@Network.probe(points=2)
def steps_against_the_gradients(Network, bench):
    """After step(0.1) and again after step(0.01): the weights and biases of both layers that have them."""

    class Linear:
        read = False  # whether anybody has asked for its gradient

        def __init__(self):
            self.weight, self.bias, self.grad_weight, self.grad_bias = (
                bench.randn(*shape, dtype=torch.float64) for shape in [(3, 5), (3,), (3, 5), (3,)]
            )

        def __getattribute__(self, name):
            if name == "grad_weight":
                self.read = True
            return super().__getattribute__(name)

    layers, answers = {"first layer": Linear(), "last layer": Linear()}, {}
    before = [(False, layer.weight.clone()) for layer in layers.values()]
    network = Network([layers["first layer"], type("NoParameters", (), {})(), layers["last layer"]])
    for lr in (0.1, 0.01):
        network.step(lr)
        for name, layer in layers.items():
            answers[f"{name} after step({lr})"] = {"weight": layer.weight.clone(), "bias": layer.bias.clone()}
    after = [(layer.read, layer.weight) for layer in layers.values()]
    return {"layers of a class that is not yours": bench.pair(after, before, "passed by", "noticed"), **answers}


@Network.probe(points=1)
def takes_a_layer_without_a_bias(Network, bench):
    """step(0.1) for three layers; one's bias and grad_bias are None, and one's bias is zero so far."""

    class Linear:
        def __init__(self, factor):
            self.weight, self.grad_weight = bench.randn(3, 5, dtype=torch.float64), bench.randn(3, 5, dtype=torch.float64)
            self.bias, self.grad_bias = (None if factor is None else bench.randn(3, dtype=torch.float64) * each for each in (factor, 1))

    layers = {"with a bias": Linear(1), "without a bias": Linear(None), "with a bias of zeros": Linear(0)}
    Network(list(layers.values())).step(0.1)
    return {name: {"weight": layer.weight, "bias": layer.bias} for name, layer in layers.items()}


# fmt: off
Network.mistake("chains_nothing", {
    "x = layer.forward(x)\n        return x": "y = layer.forward(x)\n        return y",
    "grad_output = layer.backward(grad_output)\n        return grad_output": "grad_input = layer.backward(grad_output)\n        return grad_input"},
    "You give every layer what the network was given. Each gets what its neighbour returned: its y, or its gradient.")
Network.mistake("goes_back_in_forward_order", {"reversed(self.layers)": "self.layers"},
    "Your backward visits the layers in forward's order. The last layer comes first: its gradient is known first.")
Network.mistake("reverses_its_list", {"for layer in reversed(self.layers)": "self.layers.reverse()\n        for layer in self.layers"},
    "`layers.reverse()` turns the list itself round, so the next forward runs backwards. Use reversed(layers).")
Network.mistake("climbs", {"weight -=": "weight +=", "bias -=": "bias +="}, "You add the gradient. It points uphill: subtract it.")
Network.mistake("forgets_the_biases", {"\n                if layer.bias is not None:\n                    layer.bias -= lr * layer.grad_bias": ""},
    "Your step leaves the biases where they are. They learn as the weights do.")
Network.mistake("moves_a_local_name", {"layer.weight -=": "weight = layer.weight -", "layer.bias -=": "bias = layer.bias -"},
    "You compute the new weight and keep it in a local name: the layer never sees it. Assign to layer.weight.")
Network.mistake("wants_a_weight_of_every_layer", {'hasattr(layer, "weight")': "layer.weight is not None"},
    "Your step asks every layer for a weight. ReLU has none: go by hasattr.", raises=AttributeError)
Network.mistake("goes_by_the_class", {'hasattr(layer, "weight")': 'type(layer).__name__ == "LinearLayer"'},
    "Your step passes by layers of other classes than your own. Go by what a layer has: a weight.")
Network.mistake("wants_a_bias_of_every_weight", {"if layer.bias is not None:\n                    layer.bias": "layer.bias"},
    "Your step reckons with a bias in every layer that has a weight. Where it is None, only the weight moves.", raises=TypeError)
Network.mistake("keeps_its_layers_on_the_class", {"self.layers = layers": "Network.layers = layers"},
    "You keep the layers on the class, which all networks share: the last one made gives its layers to all others. Keep them on self.")
