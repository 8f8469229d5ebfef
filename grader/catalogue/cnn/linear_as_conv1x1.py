"""Task linear_as_conv1x1."""

import torch
from torch import nn

from ...spec import Task


def linear_as_conv1x1_reference(layer):
    like = {"device": layer.weight.device, "dtype": layer.weight.dtype}
    conv = nn.Conv2d(layer.in_features, layer.out_features, 1, bias=layer.bias is not None, **like)
    with torch.no_grad():
        conv.weight.copy_(layer.weight[:, :, None, None])
        if layer.bias is not None:
            conv.bias.copy_(layer.bias)
    return conv


linear_as_conv1x1 = Task(
    "linear_as_conv1x1",
    reference=linear_as_conv1x1_reference,
    section="cnn-one-by-one",
    hints=(
        "Make an nn.Conv2d with kernel size 1 and the layer's sizes, then fill in its parameters. Which shape has its weight?",
        "Give Conv2d bias=, dtype=, device= as the layer has them. Under torch.no_grad(), copy_ layer.weight[:, :, None, None] "
        "into its weight, and the bias, where there is one.",
    ),
)


@linear_as_conv1x1.probe(points=1)
def is_a_conv2d_of_the_layers_sizes(linear_as_conv1x1, bench):
    """An nn.Conv2d with the layer's sizes, kernel 1, stride 1, no padding, and parameters of the right shapes."""
    I, O = bench.size(2, 99), bench.size(100, 199)
    conv = linear_as_conv1x1(nn.Linear(I, O, device=bench.device))
    return {
        "returned": "an nn.Conv2d" if isinstance(conv, nn.Conv2d) else f"a {type(conv).__name__}",
        "channels": [conv.in_channels, conv.out_channels],
        "kernel, stride, padding": [list(conv.kernel_size), list(conv.stride), list(conv.padding)],
        "parameters": {name: list(value.shape) for name, value in sorted(conv.state_dict().items())},
    }


@linear_as_conv1x1.probe(points=1)
def answers_like_the_layer_at_every_pixel(linear_as_conv1x1, bench, B=2, I=5, O=3, H=4, W=6, dtype=torch.float32):
    """Pictures (B, I, H, W), of one pixel too; a square layer included; the convolution in training mode and in evaluation mode."""
    layer = nn.Linear(I, O, device=bench.device, dtype=dtype)
    layer.load_state_dict({"weight": bench.randn(O, I), "bias": bench.randn(O)})
    conv, picture = linear_as_conv1x1(layer), bench.randn(B, I, H, W, dtype=dtype)
    return {"training": conv.train()(picture), "evaluation": conv.eval()(picture)}


@linear_as_conv1x1.probe(points=1)
def has_a_bias_only_if_the_layer_has(linear_as_conv1x1, bench, I=5, O=3):
    """A layer with bias=False: no bias in the convolution either; a layer with a bias of zeros: there is one."""
    answers = {}
    for case, bias in {"bias=False": {}, "a bias of zeros": {"bias": torch.zeros(O)}}.items():
        layer = nn.Linear(I, O, bias="bias" in bias, device=bench.device)
        layer.load_state_dict({"weight": bench.randn(O, I), **bias})
        conv = linear_as_conv1x1(layer)
        answers[case] = {"bias": "none" if conv.bias is None else "there is one", "y": conv(bench.randn(2, I, 4, 6))}
    return answers


@linear_as_conv1x1.probe(points=1)
def keeps_dtype_and_device(linear_as_conv1x1, bench):
    """Layers in float64 and bfloat16, of whose numbers no digit is lost, and one on the device "meta", which has shapes and no numbers."""
    answers = {}
    for dtype in (torch.float64, torch.bfloat16):
        layer = nn.Linear(5, 3, device=bench.device, dtype=dtype)
        layer.load_state_dict({"weight": bench.randn(3, 5, dtype=dtype), "bias": bench.randn(3, dtype=dtype)})
        conv = linear_as_conv1x1(layer)
        digits = [1e8 * (value - value.float()) for value in (conv.weight, conv.bias)]
        answers[str(dtype)] = {"weight": conv.weight, "bias": conv.bias, "1e8 times what float32 would lose of them": digits}
    conv = linear_as_conv1x1(nn.Linear(5, 3, device="meta"))
    answers["on meta"] = {"weight": conv.weight.device.type, "bias": conv.bias.device.type}
    return answers


@linear_as_conv1x1.probe(points=1)
def has_parameters_of_its_own(linear_as_conv1x1, bench):
    """The layer stays as it was; then the layer is changed, and the convolution does not notice; then the other way round."""
    layer = nn.Linear(5, 3, device=bench.device)
    layer.load_state_dict({"weight": bench.randn(3, 5), "bias": bench.randn(3)})
    x, picture, answers = bench.randn(2, 5), bench.randn(2, 5, 4, 6), {}
    conv = linear_as_conv1x1(layer)
    answers["the layer after the call"] = layer(x)
    with torch.no_grad():
        for value in layer.parameters():
            value.add_(1)
        answers["the convolution after a change of the layer"] = conv(picture)
        for value in conv.parameters():
            value.mul_(2)
        answers["the layer after a change of the convolution"] = layer(x)
    return answers


@linear_as_conv1x1.probe(points=1)
def can_be_trained(linear_as_conv1x1, bench):
    """Both parameters require gradients, even where the layer is frozen; their gradients for a random grad_output, in float64.
    The layer gets none, and stays frozen or not."""
    answers = {}
    for case, learns in {"a layer that learns": True, "a frozen layer": False}.items():
        layer = nn.Linear(5, 3, device=bench.device, dtype=torch.float64).requires_grad_(learns)
        layer.load_state_dict({"weight": bench.randn(3, 5), "bias": bench.randn(3)})
        conv = linear_as_conv1x1(layer)
        picture = bench.randn(2, 5, 4, 6, dtype=torch.float64).requires_grad_()  # so a frozen convolution has a backward, too
        conv(picture).backward(bench.randn(2, 3, 4, 6, dtype=torch.float64))
        own, theirs = (dict(sorted(module.named_parameters())) for module in (conv, layer))
        answers[case] = {
            "the convolution": {name: "learns" if value.requires_grad else "frozen" for name, value in own.items()},
            "its gradients": {name: value.grad for name, value in own.items()},
            "the layer": {name: "learns" if value.requires_grad else "frozen" for name, value in theirs.items()},
            "the layer's gradients": {name: value.grad for name, value in theirs.items()},
        }
    return answers


# fmt: off
linear_as_conv1x1.mistake("copies_nothing", {"with torch": "return conv\n    with torch"},
    "You return a fresh convolution: its sizes are right, its weights random. Copy the layer's numbers into it.")
linear_as_conv1x1.mistake("copies_only_the_weight", {"conv.bias.copy_(layer.bias)": "pass"}, "You copy the weight and leave the bias random.")
linear_as_conv1x1.mistake("transposes_the_weight", {"weight[:, :, None, None]": "weight.T.reshape(conv.weight.shape)"},
    "You transpose the weight on the way. A Linear's (out, in) is already in the order of a convolution's (out, in, 1, 1).")
linear_as_conv1x1.mistake("exchanges_in_and_out", {"layer.in_features, layer.out_features": "layer.out_features, layer.in_features", "weight[": "weight.T["},
    "You exchange in and out: nn.Conv2d takes in_channels first, as nn.Linear takes in_features first.", raises=RuntimeError)
linear_as_conv1x1.mistake("always_has_a_bias", {"bias=layer.bias is not None, ": ""}, "Your convolution always has a bias: where the layer has none, pass bias=False.")
linear_as_conv1x1.mistake("never_has_a_bias", {"bias=layer.bias is not None": "bias=False", "conv.bias.copy_(layer.bias)": "pass"},
    "Your convolution never has a bias: where the layer has one, copy it.")
linear_as_conv1x1.mistake("is_always_float32", {", dtype=weight.dtype": ""},
    "Your convolution is always float32: copy_ converts in silence. Make it with dtype=layer.weight.dtype.")
linear_as_conv1x1.mistake("is_always_on_the_cpu", {"device=weight.device, ": ""},
    "Your convolution is made on the CPU wherever the layer is. Make it with device=layer.weight.device.", raises=NotImplementedError)
linear_as_conv1x1.mistake("ignores_dtype_and_device", {", device=weight.device, dtype=weight.dtype": ""},
    "Your convolution is always float32 and on the CPU: copy_ converts in silence. "
    "Make it in the dtype and on the device of layer.weight.", raises=(NotImplementedError, RuntimeError))
linear_as_conv1x1.mistake("shares_the_memory", {"conv.weight.copy_(weight[:, :, None, None])": "conv.weight.data = weight.data[:, :, None, None]",
    "conv.bias.copy_(layer.bias)": "conv.bias.data = layer.bias.data"},
    "Your convolution shares the layer's memory: `view`, `[:, :, None, None]` and `.data` move no number. Copy them (copy_, clone).")
linear_as_conv1x1.mistake("shares_the_bias", {"conv.bias.copy_(layer.bias)": "conv.bias = layer.bias"},
    "You copy the weight but share the bias: `conv.bias = layer.bias` makes it one parameter of two layers.")
linear_as_conv1x1.mistake("keeps_two_dimensions", {"conv.weight.copy_(weight[:, :, None, None])": "conv.weight = nn.Parameter(weight.clone())"},
    "Your weight has two dimensions. conv2d wants four: (out, in, 1, 1), so add two of size 1.")
linear_as_conv1x1.mistake("pads_the_picture", {"kernel_size=1": "kernel_size=1, padding=1"},
    "Your convolution pads: a ring of pixels that hold nothing but the bias surrounds the result. A 1×1 kernel needs no padding.")
linear_as_conv1x1.mistake("does_not_learn", {"return conv": "return conv.requires_grad_(False)"},
    "Your convolution cannot learn: its parameters do not require gradients.")
linear_as_conv1x1.mistake("takes_over_requires_grad", {"return conv": "return conv.requires_grad_(weight.requires_grad)"},
    "Your convolution is frozen where the layer is. Copied are the layer's numbers, not its requires_grad: it can always learn.")
linear_as_conv1x1.mistake("copies_the_bias_deeply", {"conv.bias.copy_(layer.bias)": "import copy\n            conv.bias = copy.deepcopy(layer.bias)"},
    "Your bias is a deep copy of the layer's, and requires_grad is copied with it: a frozen layer gives a frozen bias.")
linear_as_conv1x1.mistake("copies_into_a_clone", {"conv.weight.copy_": "conv.weight.clone().copy_"},
    "You copy into a clone of the weight, and nobody keeps the clone: the convolution's weight stays random. Copy into the parameter itself.")
