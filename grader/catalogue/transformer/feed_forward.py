"""Task FeedForward."""

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class FeedForwardReference(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x):
        return self.linear2(self.activation(self.linear1(x)))


FeedForward = Task(
    "FeedForward",
    reference=FeedForwardReference,
    section="transformer-ffn",
    hints=(
        "Up to d_ff features, a function entry by entry, down to d_model again. Where does the activation stand?",
        "linear1 = nn.Linear(d_model, d_ff), linear2 = nn.Linear(d_ff, d_model); keep activation, and call it between the two.",
    ),
)


@FeedForward.probe(points=1)
def names_its_layers(FeedForward, bench):
    """The names and shapes in the state_dict, with random sizes."""
    d_model, d_ff = bench.size(2, 49), bench.size(50, 99)
    shapes = {name: str(tuple(value.shape)) for name, value in sorted(FeedForward(d_model, d_ff, F.relu).state_dict().items())}
    return {f"state_dict of FeedForward({d_model}, {d_ff}, F.relu)": shapes}


@FeedForward.probe(points=2)
def applies_the_activation_between(FeedForward, bench, B=2, T=3, d_model=4, d_ff=7, dtype=torch.float32):
    """With given weights and four activations, one of them a function of our own, on x (B, T, d_model); then the last one in
    evaluation mode, on another x and on a single token."""
    shapes = {"linear1.weight": (d_ff, d_model), "linear1.bias": (d_ff,), "linear2.weight": (d_model, d_ff), "linear2.bias": (d_model,)}
    weights = {name: bench.randn(*shape, dtype=dtype) for name, shape in shapes.items()}
    answers = {}
    for name, activation in {"relu": F.relu, "gelu": F.gelu, "tanh": torch.tanh, "t * t": lambda t: t * t}.items():
        layer = FeedForward(d_model, d_ff, activation).to(bench.device, dtype)
        layer.load_state_dict(weights)
        answers[name] = layer(bench.randn(B, T, d_model, dtype=dtype))
    layer.eval()
    return {**answers, "another x": layer(bench.randn(B, T, d_model, dtype=dtype)), "one token": layer(bench.randn(d_model, dtype=dtype))}


@FeedForward.probe(points=1)
def learns(FeedForward, bench):
    """The gradients of x (2, 3, 4) and of the four parameters, with gelu."""
    layer = FeedForward(4, 10, F.gelu).to(bench.device, torch.float64)
    shapes = {"linear1.weight": (10, 4), "linear1.bias": (10,), "linear2.weight": (4, 10), "linear2.bias": (4,)}
    layer.load_state_dict({name: bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    x = bench.randn(2, 3, 4, dtype=torch.float64).requires_grad_()
    layer(x).backward(bench.randn(2, 3, 4, dtype=torch.float64))
    return {"x": x.grad, **{name: p.grad for name, p in sorted(layer.named_parameters())}}


# fmt: off
FeedForward.mistake("forgets_the_activation", {"self.activation(self.linear1(x))": "self.linear1(x)"},
    "You leave the activation out. Two Linears with nothing between them are one Linear.")
FeedForward.mistake("always_uses_relu", {"self.activation(self": "F.relu(self"},
    "Your activation is always ReLU. It is to be the argument: BERT and GPT-2, for instance, use GELU.")
FeedForward.mistake("always_uses_gelu", {"self.activation(self": "F.gelu(self"},
    "Your activation is always GELU. It is to be the argument: nn.TransformerEncoderLayer, for instance, uses ReLU.")
FeedForward.mistake("activates_twice", {"self.linear2(self.activation(self.linear1(x)))": "self.activation(self.linear2(self.activation(self.linear1(x))))"},
    "You apply the activation after the second Linear, too. What the network adds to x must be free to have any sign and size.")
FeedForward.mistake("activates_at_the_end", {"self.linear2(self.activation(": "self.activation(self.linear2("},
    "You apply the activation at the end. It belongs between the two Linears, which are one Linear without it.")
FeedForward.mistake("adds_the_residual", {"return ": "return x + "},
    "You add x to the result. The residual connection belongs to the block; this is only what the block adds.")
FeedForward.mistake("calls_them_fc", {"self.linear1 =": "self.fc1 =", "self.linear2 =": "self.fc2 =", "self.linear2(": "self.fc2(", "self.linear1(": "self.fc1("},
    "Your layers are called fc1 and fc2. nn.TransformerEncoderLayer's are linear1 and linear2, and its weights load by name.")
FeedForward.mistake("leaves_out_the_biases", {"(d_model, d_ff)": "(d_model, d_ff, bias=False)", "(d_ff, d_model)": "(d_ff, d_model, bias=False)"},
    "Your Linears have no bias. nn.TransformerEncoderLayer's have one each.")
FeedForward.mistake("is_always_four_times_as_wide", {"(d_model, d_ff)": "(d_model, 4 * d_model)", "(d_ff, d_model)": "(4 * d_model, d_model)"},
    "Your hidden size is always 4 · d_model. It is to be the argument d_ff.")
FeedForward.mistake("drops_out", {"self.activation(self.linear1(x))": "F.dropout(self.activation(self.linear1(x)), 0.1, self.training)"},
    "You drop a part of the hidden features at random. No dropout is asked here.")
FeedForward.mistake("keeps_the_activation_on_the_class", {"self.activation =": "FeedForward.activation ="},
    "You keep the activation on the class. All layers share it then, and Python takes it for a method, which is given self first: keep it on self.", raises=RuntimeError)
FeedForward.mistake("caches_the_transpose", {"self.activation = ": "self.transposed = self.linear2.weight.T\n        self.activation = ",
    "self.linear2(self.activation(self.linear1(x)))": "self.activation(self.linear1(x)) @ self.transposed + self.linear2.bias"},
    "You transpose linear2.weight once, in __init__. Moved to another dtype or device the layer has a new weight, and forward still takes the old one: call "
    "linear2.", raises=RuntimeError)
