"""Task add_bias."""

import torch

from ...spec import Task


def add_bias_reference(y, bias):
    if bias.shape != y.shape[-1:]:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, y has shape {tuple(y.shape)}: one number an output is needed")
    return y + bias


add_bias = Task(
    "add_bias",
    reference=add_bias_reference,
    section="pitfalls-bias",
    hints=(
        "`+` repeats a size of 1 to fit, on purpose. Exactly one shape of a bias is right for y: which?",
        "Compare bias.shape with y.shape[-1:], a shape of one size; where they differ, raise ValueError with both shapes in an f-string.",
    ),
)


@add_bias.probe(points=1, zero="B")
def adds_the_right_shape_only(add_bias, bench, B=7, O=5, dtype=torch.float32):
    """The sum for y (B, O), (O,) and (2, B, O), each with a bias (O,), whatever the sizes; no sum for a bias (7, 1)."""
    answers = {}
    for y in [(B, O), (O,), (2, B, O)]:
        answers[f"y {y}, bias {(O,)}"] = add_bias(bench.randn(*y, dtype=dtype), bench.randn(O, dtype=dtype))
    return answers | {"y (7, 5), bias (7, 1)": bench.catch(lambda: add_bias(bench.randn(7, 5), bench.randn(7, 1)), ValueError)}


@add_bias.probe(points=1)
def refuses_a_column(add_bias, bench):
    """A ValueError that names both shapes for a bias (B, 1), also where B = O, y is a vector, or y has leading dimensions."""
    answers, B, O = {}, bench.size(10, 49), bench.size(50, 99)
    for y, bias in [((B, O), (B, 1)), ((O, O), (O, 1)), ((O,), (O, 1)), ((2, B, O), (2, 1, 1))]:
        answers[f"y {y}, bias {bias}"] = bench.catch(lambda: add_bias(bench.randn(*y), bench.randn(*bias)), ValueError, naming=(*y, *bias))
    return answers


@add_bias.probe(points=1)
def refuses_a_single_number(add_bias, bench):
    """A ValueError that names both shapes for a bias (1,) or (), where y has several outputs."""
    answers, B, O = {}, bench.size(10, 49), bench.size(50, 99)
    for y, bias in [((B, O), (1,)), ((B, O), ()), ((O,), (1,))]:
        answers[f"y {y}, bias {bias}"] = bench.catch(lambda: add_bias(bench.randn(*y), bench.randn(*bias)), ValueError, naming=(*y, *bias))
    return answers


@add_bias.probe(points=1)
def refuses_rows_and_wrong_sizes(add_bias, bench):
    """A ValueError that names both shapes for a bias (1, O), also where B = O, for one (B, O), and for one that is too long."""
    answers, B, O = {}, bench.size(10, 49), bench.size(50, 99)
    for y, bias in [((B, O), (1, O)), ((O, O), (1, O)), ((B, O), (B, O)), ((2, B, O), (B, O)), ((B, O), (O + 1,))]:
        answers[f"y {y}, bias {bias}"] = bench.catch(lambda: add_bias(bench.randn(*y), bench.randn(*bias)), ValueError, naming=(*y, *bias))
    return answers


@add_bias.probe(points=1)
def leaves_y_as_it_is(add_bias, bench):
    """The caller's y and bias are unchanged after a sum, through which gradients reach both, also a bias of zeros, and after a refusal."""
    answers = {}
    for name, scale in [("a bias (5,)", 1), ("a bias (5,) of zeros", 0)]:
        y, bias = bench.randn(7, 5).requires_grad_(), (scale * bench.randn(5)).requires_grad_()
        total = add_bias(y * 1, bias)
        answers[name] = {"the sum": total, "gradients": list(torch.autograd.grad(total, (y, bias), bench.randn(7, 5), materialize_grads=True))}
    return answers | {"a bias (7, 1)": bench.catch(lambda: add_bias(y.detach(), bench.randn(7, 1)), ValueError)}


@add_bias.starts_from(
    "`+` broadcasts: a bias (B, 1) adds one number to all outputs of a row, a bias (1,) the same number everywhere, and nothing "
    "complains. Look at the shape before you add."
)
def adds_whatever_fits(y, bias):
    return y + bias


# fmt: off
add_bias.mistake("changes_the_callers_y", {"y + bias": "y.add_(bias)"}, "You change the caller's y: `+=` and `add_` write into it. Return a new tensor.")
add_bias.mistake("asserts", {"raise ValueError(": "assert False, ("}, "An `assert` raises AssertionError, and `python -O` removes it. Raise ValueError.")
add_bias.mistake("names_no_shapes", {'f"bias has shape {tuple(bias.shape)}, but y has shape {tuple(y.shape)}"': '"the bias does not fit"'},
    "Your ValueError does not say which shapes clash: put both into its message.")
add_bias.mistake("counts_numbers_only", {"bias.shape != y.shape[-1:]": "bias.numel() != y.shape[-1]"},
    "You count the bias's numbers, but not its axes: a column (O, 1) or a row (1, O) has the right number, too.")
add_bias.mistake("counts_axes_only", {"bias.shape != y.shape[-1:]": "bias.dim() != 1"},
    "You count the bias's axes, but do not compare its size: one number, (1,), passes and is broadcast.")
add_bias.mistake("compares_last_sizes_only", {"bias.shape != y.shape[-1:]": "bias.shape[-1] != y.shape[-1]"},
    "You compare the last sizes only: a matrix (B, O) passes, and a bias without axes has no last size.")
add_bias.mistake("looks_at_the_sums_shape", {"bias.shape != y.shape[-1:]": "(y + bias).shape != y.shape"},
    "You look whether the sum has y's shape. A bias (B, 1) or (1,) does not change it: compare the bias's own shape.")
add_bias.mistake("waits_for_torch_to_refuse", {"if bias.shape != y.shape[-1:]:": "try:\n        return y + bias\n    except RuntimeError:"},
    "You turn torch's own refusals into ValueErrors. Where shapes broadcast, torch does not refuse: you must.")
add_bias.mistake("makes_the_bias_fit", {"if bias.shape": "bias = bias.reshape(y.shape[-1])\n    if bias.shape"},
    "You make the bias fit by reshaping it. A column or row was a mistake somewhere before: say so instead of hiding it.")
add_bias.mistake("compares_with_the_first_size", {"y.shape[-1:]": "y.shape[:1]"},
    "You compare the bias with y's first size. It has one number for each output: the last size.", raises=ValueError)
add_bias.mistake("compares_with_the_second_size", {"y.shape[-1:]": "(y.shape[1],)"},
    "You compare the bias with y's second axis. The outputs are y's last axis; y may have one axis or three.")
add_bias.mistake("takes_only_matrices", {"if bias": "if y.dim() != 2 or bias"},
    "You refuse every y that is not a matrix. Any number of leading dimensions is right.", raises=ValueError)
