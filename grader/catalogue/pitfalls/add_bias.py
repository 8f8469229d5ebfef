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


@add_bias.probe(points=1)
def adds_a_bias_and_refuses_a_column(add_bias, bench):
    """y (7, 5): the sum for a bias (5,), a ValueError that names both shapes for a bias (7, 1)."""
    caught = bench.catch(lambda: add_bias(bench.randn(7, 5), bench.randn(7, 1)))
    return {
        "bias (5,)": add_bias(bench.randn(7, 5), bench.randn(5)),
        "bias (7, 1)": {"raises": caught.kind or "nothing", "names both shapes": caught.names(7, 5, 1)},
    }


@add_bias.probe(points=1)
def refuses_a_single_number(add_bias, bench):
    """A bias (1,) or () is refused, unless y has one output."""
    answers = {"y (7, 1), bias (1,)": add_bias(bench.randn(7, 1), bench.randn(1))}
    for shape in [(1,), ()]:
        caught = bench.catch(lambda: add_bias(bench.randn(7, 5), bench.randn(*shape)))
        answers[f"y (7, 5), bias {shape}"] = {"raises": caught.kind or "nothing", "names both shapes": caught.names(7, 5, *shape)}
    return answers


@add_bias.probe(points=1)
def refuses_a_matrix(add_bias, bench):
    """A bias (1, 5), (7, 5), or one that is too long; and (4, 1) or (1, 4) where y is square."""
    answers = {"y (4, 4), bias (4,)": add_bias(bench.randn(4, 4), bench.randn(4))}
    for y, bias in [((7, 5), (1, 5)), ((7, 5), (7, 5)), ((7, 5), (6,)), ((4, 4), (4, 1)), ((4, 4), (1, 4))]:
        caught = bench.catch(lambda: add_bias(bench.randn(*y), bench.randn(*bias)))
        answers[f"y {y}, bias {bias}"] = {"raises": caught.kind or "nothing", "names both shapes": caught.names(*y, *bias)}
    return answers


@add_bias.probe(points=1)
def takes_any_leading_dimensions(add_bias, bench):
    """y (5,), (2, 7, 5) and (0, 5) with a bias (5,); y (5,) and (2, 7, 5) with a bias that would broadcast."""
    answers = {f"y {y}, bias (5,)": add_bias(bench.randn(*y), bench.randn(5)) for y in [(5,), (2, 7, 5), (0, 5)]}
    for y, bias in [((5,), (5, 1)), ((2, 7, 5), (7, 5)), ((2, 7, 5), (2, 1, 1))]:
        caught = bench.catch(lambda: add_bias(bench.randn(*y), bench.randn(*bias)))
        answers[f"y {y}, bias {bias}"] = {"raises": caught.kind or "nothing", "names both shapes": caught.names(*y, *bias)}
    return answers


@add_bias.probe(points=1)
def leaves_y_as_it_is(add_bias, bench):
    """The caller's y and bias are unchanged after a sum, and after a refusal."""
    y, bias, column = bench.randn(7, 5), bench.randn(5), bench.randn(7, 1)
    before = y.clone(), bias.clone()
    total = add_bias(y, bias)
    after = y.clone(), bias.clone()
    refused = bench.catch(lambda: add_bias(y, column)).kind or "nothing"
    return {
        "sum": total, "unchanged": all(torch.equal(*pair) for pair in zip(before, after)),
        "bias (7, 1) raises": refused, "still unchanged": torch.equal(y, before[0]),
    }


@add_bias.starts_from(
    "`+` broadcasts: a bias (B, 1) adds one number to all outputs of a row, a bias (1,) the same number everywhere, and nothing "
    "complains. Look at the shape before you add."
)
def adds_whatever_fits(y, bias):
    return y + bias


@add_bias.impostor("You change the caller's y: `+=` and `add_` write into it. Return a new tensor.")
def changes_the_callers_y(y, bias):
    if bias.shape != y.shape[-1:]:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}")
    y += bias
    return y


@add_bias.impostor("An `assert` raises AssertionError, and `python -O` removes it. Raise ValueError.")
def asserts(y, bias):
    assert bias.shape == y.shape[-1:], f"bias {tuple(bias.shape)} for y {tuple(y.shape)}"
    return y + bias


@add_bias.impostor("Your ValueError does not say which shapes clash: put both into its message.")
def names_no_shapes(y, bias):
    if bias.shape != y.shape[-1:]:
        raise ValueError("the bias does not fit")
    return y + bias


@add_bias.impostor("You count the bias's numbers, but not its axes: a column (O, 1) or a row (1, O) has the right number, too.")
def counts_numbers_only(y, bias):
    if bias.numel() != y.shape[-1]:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}")
    return y + bias


@add_bias.impostor("You count the bias's axes, but do not compare its size: one number, (1,), passes and is broadcast.")
def counts_axes_only(y, bias):
    if bias.dim() != 1:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}")
    return y + bias


@add_bias.impostor("You compare the last sizes only: a matrix (B, O) passes, and a bias without axes has no last size.")
def compares_last_sizes_only(y, bias):
    if bias.shape[-1] != y.shape[-1]:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}")
    return y + bias


@add_bias.impostor("You look whether the sum has y's shape. A bias (B, 1) or (1,) does not change it: compare the bias's own shape.")
def looks_at_the_sums_shape(y, bias):
    total = y + bias
    if total.shape != y.shape:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}")
    return total


@add_bias.impostor("You turn torch's own refusals into ValueErrors. Where shapes broadcast, torch does not refuse: you must.")
def waits_for_torch_to_refuse(y, bias):
    try:
        return y + bias
    except RuntimeError:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}") from None


@add_bias.impostor("You make the bias fit by reshaping it. A column or row was a mistake somewhere before: say so instead of hiding it.")
def makes_the_bias_fit(y, bias):
    return y + bias.reshape(y.shape[-1])


@add_bias.impostor("You compare the bias with y's first size. It has one number for each output: the last size.")
def compares_with_the_first_size(y, bias):
    if bias.shape != y.shape[:1]:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}")
    return y + bias


@add_bias.impostor("You refuse every y that is not a matrix. Any number of leading dimensions is right.")
def takes_only_matrices(y, bias):
    if y.dim() != 2 or bias.shape != y.shape[-1:]:
        raise ValueError(f"bias {tuple(bias.shape)} for y {tuple(y.shape)}")
    return y + bias
