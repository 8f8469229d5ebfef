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


@FeedForward.impostor("You leave the activation out. Two Linears with nothing between them are one Linear.")
class forgets_the_activation(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x):
        return self.linear2(self.linear1(x))


@FeedForward.impostor("Your activation is always ReLU. It is to be the argument: BERT and GPT-2, for instance, use GELU.")
class always_uses_relu(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x):
        return self.linear2(self.linear1(x).relu())


@FeedForward.impostor(
    "Your activation is always GELU. It is to be the argument: nn.TransformerEncoderLayer, for instance, uses ReLU."
)
class always_uses_gelu(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x):
        return self.linear2(F.gelu(self.linear1(x)))


@FeedForward.impostor(
    "You apply the activation after the second Linear, too. What the network adds to x must be free to have any sign and size."
)
class activates_twice(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x):
        return self.activation(self.linear2(self.activation(self.linear1(x))))


@FeedForward.impostor("You apply the activation at the end. It belongs between the two Linears, which are one Linear without it.")
class activates_at_the_end(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x):
        return self.activation(self.linear2(self.linear1(x)))


@FeedForward.impostor("You add x to the result. The residual connection belongs to the block; this is only what the block adds.")
class adds_the_residual(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x):
        return x + self.linear2(self.activation(self.linear1(x)))


@FeedForward.impostor(
    "Your layers are called fc1 and fc2. nn.TransformerEncoderLayer's are linear1 and linear2, and its weights load by name."
)
class calls_them_fc(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x):
        return self.fc2(self.activation(self.fc1(x)))


@FeedForward.impostor("Your Linears have no bias. nn.TransformerEncoderLayer's have one each.")
class leaves_out_the_biases(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff, bias=False), nn.Linear(d_ff, d_model, bias=False)
        self.activation = activation

    def forward(self, x):
        return self.linear2(self.activation(self.linear1(x)))


@FeedForward.impostor("Your hidden size is always 4 · d_model. It is to be the argument d_ff.")
class is_always_four_times_as_wide(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)
        self.activation = activation

    def forward(self, x):
        return self.linear2(self.activation(self.linear1(x)))


@FeedForward.impostor("You drop a part of the hidden features at random. No dropout is asked here.")
class drops_out(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation, self.dropout = activation, nn.Dropout(0.1)

    def forward(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))
