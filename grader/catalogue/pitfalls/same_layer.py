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


@same_layer.impostor("You compare shapes only. Every layer with these sizes gives that shape; compare the numbers.")
def compares_shapes_only(layer, x, y):
    return y.shape == layer(x).shape and y.dtype == x.dtype


@same_layer.impostor("You ask for equal bits. The same sum in another order rounds differently: compare with a tolerance.")
def asks_for_equal_bits(layer, x, y):
    return y.dtype == x.dtype and torch.equal(y, layer(x))


@same_layer.impostor(
    "`torch.allclose` broadcasts, so one row counts for four equal ones; and it raises an error for other sizes and for two dtypes. "
    "Compare shape and dtype first.",
    raises=RuntimeError,
)
def lets_allclose_broadcast(layer, x, y):
    return torch.allclose(y, layer(x), atol=1e-6)


@same_layer.impostor(
    "`torch.allclose` broadcasts, so one row counts for four equal ones: there is no error that your `except` could catch. "
    "Compare the shapes first."
)
def waits_for_allclose_to_fail(layer, x, y):
    try:
        return torch.allclose(y, layer(x), atol=1e-6)
    except RuntimeError:
        return False


@same_layer.impostor("`torch.allclose` raises an error for two dtypes. Compare them first: y of another dtype is not this layer's.", raises=RuntimeError)
def fails_on_another_dtype(layer, x, y):
    out = layer(x)
    return y.shape == out.shape and torch.allclose(y, out, atol=1e-6)


@same_layer.impostor("You left out the layer's bias.")
def leaves_out_the_bias(layer, x, y):
    out = x @ layer.weight.T
    return y.shape == out.shape and y.dtype == out.dtype and torch.allclose(y, out, atol=1e-6)


@same_layer.impostor("A layer made with bias=False has bias None, which cannot be added. Calling the layer takes care of it.", raises=TypeError)
def needs_a_bias(layer, x, y):
    out = x @ layer.weight.T + layer.bias
    return y.shape == out.shape and y.dtype == out.dtype and torch.allclose(y, out, atol=1e-6)


@same_layer.impostor("You multiply by the weight itself. It is stored (out, in); the layer multiplies by its transpose.", raises=RuntimeError)
def forgets_the_transpose(layer, x, y):
    out = x @ layer.weight + (0 if layer.bias is None else layer.bias)
    return y.shape == out.shape and y.dtype == out.dtype and torch.allclose(y, out, atol=1e-6)


@same_layer.impostor("You compare sums or means over all entries: errors cancel, and rows in another order have the same sum. Compare entry by entry.")
def compares_sums(layer, x, y):
    out = layer(x)
    return y.shape == out.shape and y.dtype == out.dtype and torch.allclose(y.sum(), out.sum(), atol=1e-6)


@same_layer.impostor("One entry that agrees is enough for you (`any`). All must agree.")
def is_content_with_any_entry(layer, x, y):
    out = layer(x)
    return y.shape == out.shape and y.dtype == out.dtype and bool(torch.isclose(y, out, atol=1e-6).any())


@same_layer.impostor("Your tolerance forgives an error of 0.01. Rounding is millions of times smaller.")
def forgives_too_much(layer, x, y):
    out = layer(x)
    return y.shape == out.shape and y.dtype == out.dtype and torch.allclose(y, out, atol=0.1)


@same_layer.impostor("You return a tensor. Return True or False: `bool(...)`, or a function such as torch.allclose that answers so.")
def returns_a_tensor(layer, x, y):
    out = layer(x)
    if y.shape != out.shape or y.dtype != out.dtype:
        return torch.tensor(False)
    return torch.isclose(y, out, atol=1e-6).all()
