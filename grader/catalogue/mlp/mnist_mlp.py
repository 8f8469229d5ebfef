"""Task mnist_mlp."""

import math

import torch
from torch import nn

from ...spec import Task


def mnist_mlp_reference():
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


mnist_mlp = Task(
    "mnist_mlp",
    reference=mnist_mlp_reference,
    section="mlp-deeper",
    hints=(
        "Three layers, each taking what the one before gives. Where do activations stand, and where does none?",
        "nn.Sequential(nn.Linear(784, 256), nn.ReLU(), ...): a Linear and a ReLU for each hidden size, and a last Linear alone.",
    ),
)


@mnist_mlp.probe(points=2)
def has_the_right_parameters(mnist_mlp, bench):
    """An nn.Sequential with 235,146 parameters, in six tensors of these shapes; and the biases after random numbers were written into them."""
    model = mnist_mlp()
    shapes = [tuple(parameter.shape) for parameter in model.parameters()]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(bench.randn(*parameter.shape))
    return {
        "the model is": "an nn.Sequential" if isinstance(model, nn.Sequential) else "no nn.Sequential",
        "shapes": shapes,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "in each one's last row": [list(model.state_dict().values())[place][-1] for place in range(len(shapes))],
    }


@mnist_mlp.probe(points=2, zero="B")
def computes_the_logits(mnist_mlp, bench, B=5, dtype=torch.float32):
    """With random numbers as parameters: images as rows (B, 784), in training mode and in evaluation mode."""
    model, x = mnist_mlp().to(bench.device, dtype), bench.randn(B, 784, dtype=dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(bench.randn(*parameter.shape, dtype=dtype) / math.sqrt(parameter.shape[-1]))
    return {"in training mode": model.train()(x), "in evaluation mode": model.eval()(x)}


@mnist_mlp.probe(points=1)
def lets_the_gradient_through(mnist_mlp, bench):
    """The gradients of x and of the three biases, for a random gradient of the logits."""
    model = mnist_mlp().to(bench.device, torch.float64)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(bench.randn(*parameter.shape, dtype=torch.float64) / math.sqrt(parameter.shape[-1]))
    x = bench.randn(5, 784, dtype=torch.float64).requires_grad_()
    biases = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    gradients = torch.autograd.grad(model(x), [x, *biases], bench.randn(5, 10, dtype=torch.float64))
    asked = "x", "the first bias", "the second bias", "the third bias"
    return {f"gradient that reaches {name}": gradient for name, gradient in zip(asked, gradients)}


@mnist_mlp.probe(points=1)
def makes_a_new_model_each_time(mnist_mlp, bench):
    """Two calls: two models, each with random weights of its own; what is written into one is not in the other."""
    one, other = mnist_mlp(), mnist_mlp()
    weights = [next(model.parameters()).detach() for model in (one, other)]
    before = weights[1][:9].clone()
    answers = {"the second model's weights": bench.pair(weights[0][:9].clone(), before, "the same weights", "weights of its own")}
    weights[0].copy_(bench.randn(*weights[0].shape))
    return answers | {
        "the first model, after numbers are written into it": next(one.parameters())[0],
        "the second model then": bench.pair(weights[1][:9], before, "as it was", "changed, too: it is the first one"),
    }


# fmt: off
mnist_mlp.mistake("forgets_relu", {"256),\n        nn.ReLU()": "256)", "128),\n        nn.ReLU()": "128)"},
    "Nothing stands between your layers. Without ReLU three layers are one affine map, 784 to 10.")
mnist_mlp.mistake("forgets_the_second_relu", {"128),\n        nn.ReLU()": "128)"},
    "ReLU is missing after the second layer, so that the second and third are one affine map.")
mnist_mlp.mistake("clips_the_logits", {"nn.Linear(128, 10)": "nn.Linear(128, 10), nn.ReLU()"},
    "ReLU stands after the last layer, too. Logits may be negative: the last layer's output is the model's.")
mnist_mlp.mistake("ends_in_softmax", {"nn.Linear(128, 10)": "nn.Linear(128, 10), nn.Softmax(dim=-1)"},
    "Your model ends in a softmax. Cross-entropy takes the softmax itself: end with the last Linear.")
mnist_mlp.mistake("ends_in_log_softmax", {"nn.Linear(128, 10)": "nn.Linear(128, 10), nn.LogSoftmax(dim=-1)"},
    "Your model ends in a log-softmax, so it gives logarithms of probabilities. Cross-entropy takes log_softmax itself: end with the last Linear.")
mnist_mlp.mistake("exchanges_the_hidden_sizes", {"784, 256": "784, 128", "256, 128": "128, 256", "128, 10": "256, 10"},
    "Your hidden sizes are exchanged: 784 to 256, then 256 to 128.")
mnist_mlp.mistake("leaves_out_the_biases", {"784, 256": "784, 256, bias=False", "256, 128": "256, 128, bias=False", "128, 10": "128, 10, bias=False"},
    "Your layers have no bias: 394 parameters are missing. Leave nn.Linear's default.")
mnist_mlp.mistake("leaves_out_a_layer", {"\n        nn.Linear(256, 128),\n        nn.ReLU(),": "", "128, 10": "256, 10"},
    "You have one hidden layer, of 256. A second one, 256 to 128, is missing.")
mnist_mlp.mistake("breaks_the_chain_of_sizes", {"128, 10": "256, 10"},
    "128 numbers come out of your second layer, but the third takes 256: in_features is what the layer before gives.")
mnist_mlp.mistake("returns_a_list", {"nn.Sequential(": "[", "\n    )": "\n    ]"},
    "You return a list of layers. nn.Sequential(*layers) makes one module of it, which can be called.", raises=AttributeError)
mnist_mlp.mistake("returns_one_model_for_all", {"():\n    return ": "(model=", "\n    )": "\n    )):\n    return model"},
    "Every call returns the same model, trained or not. Make a new one inside the function.")
mnist_mlp.mistake("seeds_itself", {"return": "torch.manual_seed(0)\n    return"},
    "You seed the generator inside the function: every model starts the same. Leave seeding to the caller.")
