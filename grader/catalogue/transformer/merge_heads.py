"""Task merge_heads."""

import torch

from ...spec import Task


def merge_heads_reference(x):
    return x.transpose(1, 2).flatten(2)


merge_heads = Task(
    "merge_heads",
    reference=merge_heads_reference,
    section="transformer-heads",
    tolerance=(0.0, 0.0),
    tolerance_reason="the numbers are moved, not computed with",
    hints=(
        "It undoes split_heads: the heads of one token must lie side by side before they can become one row.",
        "Exchange dimensions 1 and 2, which gives (B, T, h, d), and reshape to (B, T, h * d).",
    ),
)


@merge_heads.probe(points=1, zero="B T")
def puts_the_heads_side_by_side(merge_heads, bench, B=2, h=4, T=3, d=5, dtype=torch.float32):
    """x (B, h, T, d) gives (B, T, h · d)."""
    return merge_heads(bench.randn(B, h, T, d, dtype=dtype))


@merge_heads.probe(points=1)
def also_where_sizes_are_equal(merge_heads, bench):
    """B = h = T = d = 4: no shape can tell you the order of the dimensions."""
    return merge_heads(bench.randn(4, 4, 4, 4))


@merge_heads.probe(points=1)
def takes_any_layout_and_nothing_too(merge_heads, bench):
    """A transposed view, one head of one feature, an empty batch, no tokens; whole numbers; and the gradient of x."""
    answers, x = {"transposed view (2, 4, 3, 5)": merge_heads(bench.randn(2, 3, 4, 5).transpose(1, 2))}, bench.randn(2, 4, 3, 5).requires_grad_()
    answers |= {f"x {shape}": merge_heads(bench.randn(*shape)) for shape in [(2, 1, 3, 1), (0, 4, 3, 5), (2, 4, 0, 5)]}
    gradient = torch.autograd.grad(merge_heads(x), x, bench.randn(2, 3, 20))[0]
    return {**answers, "whole numbers": merge_heads(bench.integers(0, 99, 2, 4, 3, 5)), "gradient of x": gradient}


# fmt: off
merge_heads.mistake("reshapes_without_a_transpose", {".transpose(1, 2)": ""},
    "You reshape (B, h, T, d) straight to (B, T, h·d): the shape is right, but numbers of different tokens end up in one row. Exchange heads and tokens first.")
merge_heads.mistake("views_out_of_order_memory", {"reshape": "view"},
    "After the exchange of dimensions the memory is out of order, and `view` refuses. `reshape` copies if it must.", raises=RuntimeError)
merge_heads.mistake("interleaves_the_heads", {"transpose(1, 2)": "permute(0, 2, 3, 1)"},
    "You interleave the heads: feature 0 of every head, then feature 1. Each head's features stay together.")
merge_heads.mistake("leaves_the_heads_apart", {".reshape(B, T, heads * d)": ""},
    "You return (B, T, h, d). The last step is missing: join the last two dimensions into one of h·d.")
merge_heads.mistake("adds_the_heads", {"transpose(1, 2).reshape(B, T, heads * d)": "sum(1)"},
    "You add the heads up. They are put side by side, (B, T, h·d); the output projection mixes them afterwards.")
merge_heads.mistake("joins_along_the_tokens", {"transpose(1, 2).reshape(B, T, heads * d)": "reshape(B, heads * T, d)"},
    "You put the heads one after another along the tokens, (B, h·T, d). They belong side by side along the features.")
merge_heads.mistake("lets_reshape_guess", {"heads * d": "-1"},
    "With no tokens, -1 could stand for any size, and reshape refuses to guess. Compute the size, h * d.", raises=RuntimeError)
