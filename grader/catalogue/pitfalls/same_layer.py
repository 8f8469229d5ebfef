"""Task same_layer."""

import torch
from torch import nn

from ...spec import Task


def same_layer_reference(layer, x, y):
    try:
        torch.testing.assert_close(y, layer(x))
    except AssertionError:
        return False
    return True


same_layer = Task(
    "same_layer",
    reference=same_layer_reference,
    section="pitfalls-fresh",
    hints=(
        "Two layers of the same sizes are as different as two strangers of the same height. Whose weight and bias made y?",
        "Call layer(x) itself. Compare shape and dtype first, then the numbers with torch.allclose: alone it broadcasts, and raises "
        "an error for two dtypes.",
    ),
)


@same_layer.probe(points=1)
def tells_two_layers_of_the_same_sizes_apart(same_layer, bench, B=4, I=5, O=3):
    """y from layer(x), and from another layer of the same sizes, in random order."""
    layer, other = (nn.Linear(I, O).to(bench.device, torch.float64) for _ in range(2))
    makers, answers = {"this layer": layer, "another layer": other}, {}
    for number, case in enumerate(bench.several(makers, 24), 1):
        x = bench.randn(B, I, dtype=torch.float64)
        answers[f"{number}. y from {case}"] = same_layer(layer, x, makers[case](x))
    return answers


@same_layer.probe(points=1)
def forgives_rounding_and_nothing_else(same_layer, bench):
    """y with its products summed in another order; y with one entry off by 0.01; y with two rows exchanged. In random order."""
    layer = nn.Linear(256, 6).to(bench.device, torch.float64)
    x, order = bench.randn(8, 256, dtype=torch.float64), torch.randperm(256, device=bench.device)
    y = layer(x).detach()
    other_order = (x[:, order, None] * layer.weight.T[order]).cumsum(1)[:, -1] + layer.bias
    nearly = y.clone()
    nearly[3, 4] += 0.01
    cases = {"summed in another order": other_order, "one entry off by 0.01": nearly, "two rows exchanged": y[[1, 0, 2, 3, 4, 5, 6, 7]]}
    return {f"{number}. {case}": same_layer(layer, x, cases[case]) for number, case in enumerate(bench.several(cases, 24), 1)}


@same_layer.probe(points=1)
def works_without_a_bias_and_with_leading_dimensions(same_layer, bench, B=4, I=5, O=3):
    """A layer made with bias=False, and x of shape (2, B, I) and (I,), in random order."""
    layer = nn.Linear(I, O, bias=False).to(bench.device, torch.float64)
    cases = [(shape, whose, sign) for shape in [(2, B, I), (I,)] for whose, sign in [("y from this layer", 1), ("y of -x", -1)]]
    answers = {}
    for number, (shape, whose, sign) in enumerate(bench.several(cases, 24), 1):
        x = bench.randn(*shape, dtype=torch.float64)
        answers[f"{number}. x {shape}, {whose}"] = same_layer(layer, x, layer(sign * x))
    return answers


@same_layer.probe(points=1)
def another_shape_or_dtype_is_another_y(same_layer, bench):
    """Four equal rows: y with all of them, with one of them, with one row more; and y in float32. Then again, in random order."""
    layer = nn.Linear(5, 3).to(bench.device, torch.float64)
    x = bench.randn(1, 5, dtype=torch.float64).repeat(4, 1)
    y = layer(x).detach()
    cases = {"all four rows": y, "one row, y (1, 3)": y[:1], "five rows, y (5, 3)": torch.cat([y, y[:1]]), "y in float32": y.float()}
    return {f"{number}. {case}": same_layer(layer, x, cases[case]) for number, case in enumerate([*cases, *bench.several([*cases, "all four rows"], 20)], 1)}


@same_layer.starts_from(
    "You compare with a fresh layer. nn.Linear(...) draws a weight and a bias of its own; only the sizes are the same. "
    "Ask the layer that you were given."
)
def asks_a_fresh_layer(layer, x, y):
    fresh = nn.Linear(layer.in_features, layer.out_features).to(x)
    return torch.allclose(y, fresh(x), atol=1e-6)


# fmt: off
same_layer.mistake("compares_shapes_only", {" and torch.allclose(y, output, atol=1e-6)": ""},
    "You compare shapes only. Every layer with these sizes gives that shape; compare the numbers.")
same_layer.mistake("asks_for_equal_bits", {"allclose(y, output, atol=1e-6)": "equal(y, output)"},
    "You ask for equal bits. The same sum in another order rounds differently: compare with a tolerance.")
same_layer.mistake("lets_allclose_broadcast", {"y.shape == output.shape and y.dtype == output.dtype and ": ""},
    "`torch.allclose` broadcasts, so one row counts for four equal ones; "
    "and it raises an error for other sizes and for two dtypes. Compare shape and dtype first.", raises=RuntimeError)
same_layer.mistake("waits_for_allclose_to_fail", {"return y.shape == output.shape and y.dtype == output.dtype and torch": "try:\n        return torch",
    "1e-6)": "1e-6)\n    except RuntimeError:\n        return False"},
    "`torch.allclose` broadcasts, so one row counts for four equal ones: there is no error that your `except` could catch. Compare the shapes first.")
same_layer.mistake("fails_on_another_dtype", {"y.dtype == output.dtype and ": ""},
    "`torch.allclose` raises an error for two dtypes. Compare them first: y of another dtype is not this layer's.", raises=RuntimeError)
same_layer.mistake("leaves_out_the_bias", {"layer(x)": "x @ layer.weight.T"}, "You left out the layer's bias.")
same_layer.mistake("needs_a_bias", {"layer(x)": "x @ layer.weight.T + layer.bias"},
    "A layer made with bias=False has bias None, which cannot be added. Calling the layer takes care of it.", raises=TypeError)
same_layer.mistake("forgets_the_transpose", {"layer(x)": "x @ layer.weight + (0 if layer.bias is None else layer.bias)"},
    "You multiply by the weight itself. It is stored (out, in); the layer multiplies by its transpose.", raises=RuntimeError)
same_layer.mistake("compares_sums", {"(y, output,": "(y.sum(), output.sum(),"},
    "You compare sums or means over all entries: errors cancel, and rows in another order have the same sum. Compare entry by entry.")
same_layer.mistake("is_content_with_any_entry", {"torch.allclose(y, output, atol=1e-6)": "bool(torch.isclose(y, output, atol=1e-6).any())"},
    "One entry that agrees is enough for you (`any`). All must agree.")
same_layer.mistake("forgives_too_much", {"1e-6": "0.1"}, "Your tolerance forgives an error of 0.01. Rounding is millions of times smaller.")
same_layer.mistake("returns_a_tensor", {"torch.allclose(y, output, atol=1e-6)": "torch.isclose(y, output, atol=1e-6).all()"},
    "You return a tensor. Return True or False: `bool(...)`, or a function such as torch.allclose that answers so.")
