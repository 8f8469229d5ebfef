"""Task from_conv1d."""

import torch
from torch import nn

from ...spec import Task


def from_conv1d_reference(weight, bias):
    layer = nn.Linear(*weight.shape, device=weight.device, dtype=weight.dtype)
    layer.load_state_dict({"weight": weight.T, "bias": bias})
    return layer


from_conv1d = Task(
    "from_conv1d",
    reference=from_conv1d_reference,
    section="transformer-conv1d",
    hints=(
        "A Conv1D computes x @ weight + bias, an nn.Linear x @ weight.T + bias. Which weight makes the two the same?",
        "Build nn.Linear(in, out) with the weight's dtype and device, then, under torch.no_grad(), copy weight.T and bias into "
        "its parameters.",
    ),
)


@from_conv1d.probe(points=1)
def makes_a_linear(from_conv1d, bench, I=4, O=7):
    """weight (I, O) and bias (O,): the kind of layer, its attributes and its parameters."""
    layer = from_conv1d(bench.randn(I, O), bench.randn(O))
    return {
        "kind": "an nn.Linear" if isinstance(layer, nn.Linear) else "something else",
        "sizes": f"in_features={layer.in_features}, out_features={layer.out_features}",
        "weight": layer.weight,
        "bias": layer.bias,
        "parameters that learn": ", ".join(name for name, p in layer.named_parameters() if p.requires_grad) or "none",
    }


@from_conv1d.probe(points=1)
def computes_the_same(from_conv1d, bench, B=2, I=4, O=7, dtype=torch.float32):
    """On x (B, 3, I): a weight (I, O), a square one included, whose shape tells nothing."""
    return from_conv1d(bench.randn(I, O, dtype=dtype), bench.randn(O, dtype=dtype))(bench.randn(B, 3, I, dtype=dtype))


@from_conv1d.probe(points=1)
def keeps_the_dtype(from_conv1d, bench):
    """float64 and bfloat16 weights give layers of their dtype, and no number loses digits on the way; a weight on the device "meta", which has
    shapes and no numbers, gives a layer there."""
    answers = {}
    for dtype in (torch.float64, torch.bfloat16):
        layer = from_conv1d(bench.randn(4, 12, dtype=dtype), bench.randn(12, dtype=dtype))
        digits = [1e8 * (value - value.float()) for value in (layer.weight, layer.bias)]
        answers[str(dtype)] = {"weight": layer.weight, "bias": layer.bias, "1e8 times what float32 would lose of them": digits}
    layer = from_conv1d(torch.empty(4, 12, device="meta"), torch.empty(12, device="meta"))
    return {**answers, "on meta": {name: value.device.type for name, value in layer.named_parameters()}}


@from_conv1d.probe(points=1)
def has_memory_of_its_own(from_conv1d, bench):
    """The layer's parameters are changed in place; then a look at the tensors that were given."""
    weight, bias = bench.randn(4, 12), bench.randn(12)
    before = weight.clone(), bias.clone()
    layer = from_conv1d(weight, bias)
    with torch.no_grad():
        layer.weight.add_(1)
        layer.bias.add_(1)
    given = {f"given {name}": bench.pair(now, then, "as it was", "changed") for name, now, then in zip(("weight", "bias"), (weight, bias), before)}
    return {**given, "layer.weight": layer.weight, "layer.bias": layer.bias}


# fmt: off
from_conv1d.mistake("forgets_the_transpose", {"layer.weight.copy_(weight.T)": "layer.weight = nn.Parameter(weight.clone())"},
    "You store the weight as it is, (in, out). nn.Linear's is (out, in), and a square one fits silently: transpose it.")
from_conv1d.mistake("copies_without_a_transpose", {"weight.T": "weight"},
    "You copy the weight as it is, (in, out), into nn.Linear's, which is (out, in). Only a square one fits, and is wrong: transpose it.", raises=RuntimeError)
from_conv1d.mistake("reshapes_instead_of_transposing", {"weight.T": "weight.reshape(layer.weight.shape)"},
    "You reshape (in, out) to (out, in). That keeps the order in memory and scrambles the matrix: transpose it.")
from_conv1d.mistake("exchanges_in_and_out", {"*weight.shape": "*weight.shape[::-1]", "layer.weight.copy_(weight.T)": "layer.weight = nn.Parameter(weight.T.clone())",
    "layer.bias.copy_(bias)": "layer.bias = nn.Parameter(bias.clone())"},
    "You exchange in_features and out_features: the constructor takes in first, and a Conv1D's weight is (in, out).")
from_conv1d.mistake("leaves_the_bias_as_drawn", {"        layer.bias.copy_(bias)\n": ""}, "You leave the new layer's bias as it was drawn. Copy the given one.")
from_conv1d.mistake("drops_the_bias", {"*weight.shape, ": "*weight.shape, bias=False, ", "        layer.bias.copy_(bias)\n": ""},
    "Your layer has no bias. Copy the given one.")
from_conv1d.mistake("is_always_float32", {"dtype=weight.dtype, ": ""},
    "Your layer is float32, as nn.Linear(in, out) makes it, whatever the weight's dtype. Give it that dtype.")
from_conv1d.mistake("forgets_the_device", {", device=weight.device": ""},
    "Your layer is on the CPU, as nn.Linear(in, out) makes it, wherever the weight is. Give it that device.", raises=NotImplementedError)
from_conv1d.mistake("shares_the_memory", {"weight.copy_(weight.T)": "weight.data = weight.T", "bias.copy_(bias)": "bias.data = bias"},
    "Your layer shares the memory of the given tensors, so training it would change them. Copy.")
from_conv1d.mistake("returns_a_function", {"return layer": "return lambda x: x @ weight + bias"},
    "You return a function. An nn.Linear is asked, with parameters that can be trained and saved.", raises=AttributeError)
from_conv1d.mistake("freezes_the_layer", {"device=weight.device)": "device=weight.device).requires_grad_(False)"},
    "Your parameters do not learn: requires_grad is False.")
from_conv1d.mistake("lets_autograd_record", {"no_grad": "enable_grad"},
    "You change parameters in place while autograd records, which it refuses. Switch recording off.", raises=RuntimeError)
from_conv1d.mistake("fills_a_copy", {"layer.weight.copy_": "layer.weight.clone().copy_", "layer.bias.copy_": "layer.bias.clone().copy_"},
    "You copy into a copy (`clone`), so the layer's own parameters stay as they were drawn. Copy into layer.weight and layer.bias themselves.")
