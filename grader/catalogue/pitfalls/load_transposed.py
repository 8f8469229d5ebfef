"""Task load_transposed."""

import torch
from torch import nn

from ...spec import Task


def load_transposed_reference(weight_in_out, bias):
    kind = {"dtype": weight_in_out.dtype, "device": weight_in_out.device}
    layer = nn.Linear(*weight_in_out.shape, bias=bias is not None, **kind)
    layer.load_state_dict({"weight": weight_in_out.T} | ({} if bias is None else {"bias": bias}))
    return layer


load_transposed = Task(
    "load_transposed",
    reference=load_transposed_reference,
    section="pitfalls-transposed",
    hints=(
        "`.data = ...` asks no questions: neither whether the shape fits nor whose memory it is. What does `load_state_dict` do?",
        "Make the layer with bias=bias is not None and the weight's dtype and device; then copy weight_in_out.T and bias into it.",
    ),
)


@load_transposed.probe(points=1)
def computes_with_a_square_weight(load_transposed, bench):
    """weight_in_out (4, 4), where no shape can tell: the layer's output for x (2, 4) is x @ weight_in_out + bias."""
    weight, bias, x = (bench.randn(*shape, dtype=torch.float64) for shape in [(4, 4), (4,), (2, 4)])
    return load_transposed(weight, bias)(x)


@load_transposed.probe(points=1)
def computes_with_any_weight(load_transposed, bench, B=2, I=5, O=3, dtype=torch.float32):
    """weight_in_out (I, O), bias (O,): the layer's output for x (B, I), whatever the sizes."""
    weight, bias, x = (bench.randn(*shape, dtype=dtype) for shape in [(I, O), (O,), (B, I)])
    return load_transposed(weight, bias)(x)


@load_transposed.probe(points=1)
def is_a_layer_like_any_other(load_transposed, bench):
    """An nn.Linear with its sizes, and leaf parameters (O, I) and (O,) that require grad; float32 and float64 stay what they are, and a bias of
    zeros is a bias."""
    answers = {}
    for dtype, scale in [(torch.float32, 1), (torch.float64, 0)]:
        I, O = bench.size(2, 99), bench.size(2, 99)
        layer = load_transposed(bench.randn(I, O, dtype=dtype), scale * bench.randn(O, dtype=dtype))
        parts = {"class": "nn.Linear" if isinstance(layer, nn.Linear) else type(layer).__name__}
        parts |= {"in_features": layer.in_features, "out_features": layer.out_features, "parameters": ", ".join(layer.state_dict())}
        for name, p in layer.named_parameters():
            leaf, grad = "a leaf" if p.is_leaf else "no leaf", "requires grad" if p.requires_grad else "requires no grad"
            parts[name] = f"{p.dtype} {tuple(p.shape)} on {p.device.type}, {leaf}, {grad}"
        answers[f"from {dtype}{'' if scale else ', a bias of zeros'}"] = parts
    return answers


@load_transposed.probe(points=1)
def may_have_no_bias(load_transposed, bench, B=2, I=5, O=3, dtype=torch.float32):
    """bias=None gives a layer without one."""
    layer = load_transposed(bench.randn(I, O, dtype=dtype), None)
    x = bench.randn(B, I, dtype=dtype)
    bias = "None" if layer.bias is None else "a parameter"
    return {"layer.bias": bias, "state_dict": ", ".join(layer.state_dict()), "output": layer(x)}


@load_transposed.probe(points=1)
def owns_its_weight(load_transposed, bench):
    """When weight_in_out changes afterwards, the layer's weight does not; when that is trained, weight_in_out does not change."""
    answers = {}
    in_order, columns = bench.randn(5, 3, dtype=torch.float64), bench.randn(3, 5, dtype=torch.float64)
    for case, weight in [("contiguous", in_order), ("a transposed view", columns.T)]:
        layer = load_transposed(weight, bench.randn(3, dtype=torch.float64))
        with torch.no_grad():
            layer.weight.add_(1)
        kept = weight.clone()
        weight.zero_()
        answers[f"weight_in_out (5, 3), {case}"] = {
            "weight_in_out after 1 is added to layer.weight": kept, "layer.weight after weight_in_out.zero_()": layer.weight,
        }
    return answers


@load_transposed.probe(points=1)
def owns_its_bias(load_transposed, bench):
    """When bias changes afterwards, the layer's bias does not; when that is trained, bias does not change."""
    weight, bias = bench.randn(5, 3, dtype=torch.float64), bench.randn(3, dtype=torch.float64)
    layer = load_transposed(weight, bias)
    with torch.no_grad():
        layer.bias.add_(1)
    kept = bias.clone()
    bias.zero_()
    return {"bias after 1 is added to layer.bias": kept, "layer.bias after bias.zero_()": layer.bias}


@load_transposed.starts_from(
    "`.data = tensor` puts the tensor in without looking: the weight stays (in, out) and unchecked, so a square one computes wrong "
    "numbers in silence; the memory is shared with the caller's; and a bias of None fails."
)
def puts_the_tensors_in_unchecked(weight_in_out, bias):
    layer = nn.Linear(*weight_in_out.shape)
    layer.weight.data = weight_in_out
    layer.bias.data = bias
    return layer


# fmt: off
load_transposed.mistake("copies_without_a_transpose", {"weight_in_out.T": "weight_in_out"},
    "You copy the weight as it is. nn.Linear stores (out, in): transpose it. Only where it is square does nobody complain.")
load_transposed.mistake("reshapes_instead_of_transposing", {"weight_in_out.T": "weight_in_out.reshape(out_features, in_features)"},
    "You reshape (in, out) to (out, in). That keeps the order of the numbers and exchanges no rows for columns: transpose.")
load_transposed.mistake("shares_the_weight", {"layer.weight.copy_(weight_in_out.T)": "layer.weight = nn.Parameter(weight_in_out.T)"},
    "Your weight is a view of the caller's: `.T` moves no number. Copy, so that neither changes with the other.")
load_transposed.mistake("shares_the_bias", {"layer.bias.copy_(bias)": "layer.bias = nn.Parameter(bias)"},
    "Your bias is the caller's own tensor: nn.Parameter(bias) copies nothing.")
load_transposed.mistake("relies_on_contiguous_to_copy", {"layer.weight.copy_(weight_in_out.T)": "layer.weight = nn.Parameter(weight_in_out.T.contiguous())"},
    "`contiguous()` copies only what is out of order. If weight_in_out is a transposed view itself, its transpose is in order, and is shared.")
load_transposed.mistake("keeps_a_random_bias", {"bias=bias is not None, ": ""},
    "Where bias is None your layer keeps the random bias it was made with. Make it with bias=False.")
load_transposed.mistake("makes_a_bias_of_zeros", {".shape": ".shape\n    bias = torch.zeros(out_features) if bias is None else bias"},
    "Where bias is None you make one of zeros. It computes the same at first, but it is one more parameter, and it learns.")
load_transposed.mistake("makes_it_float32", {"dtype=weight_in_out.dtype, ": ""},
    "Your layer is float32 whatever the weight is: a new nn.Linear has torch's default dtype, and copying into it converts. Make it with the weight's own dtype.")
load_transposed.mistake("freezes_the_parameters", {"return layer": "return layer.requires_grad_(False)"},
    "Your parameters do not require grad, so the layer never learns.")
load_transposed.mistake("assigns_a_plain_tensor", {"layer.weight.copy_(weight_in_out.T)": "layer.weight = weight_in_out.T.clone()"},
    "You assign a plain tensor where a parameter stands, and nn.Module refuses. Copy into the parameter, or wrap in nn.Parameter.", raises=TypeError)
load_transposed.mistake("copies_while_autograd_watches", {"with torch.no_grad():\n        layer.weight": "layer.weight", "    if bias": "if bias"},
    "You copy into a parameter while autograd watches, and it refuses. Do it under torch.no_grad().", raises=RuntimeError)
load_transposed.mistake("says_the_wrong_sizes", {"(in_features, out_features": "(out_features, in_features",
    "layer.weight.copy_(weight_in_out.T)": "layer.weight = nn.Parameter(weight_in_out.T.clone())", "layer.bias.copy_(bias)": "layer.bias = nn.Parameter(bias.clone())"},
    "Your layer was made with in_features and out_features exchanged. Its weight is right, but it prints and tells others the wrong sizes.")
load_transposed.mistake("copies_into_a_clone", {"layer.weight.copy_": "layer.weight.clone().copy_"},
    "You copy into a clone of the weight, and nobody keeps the clone: the layer's weight stays random. Copy into the parameter itself.")
