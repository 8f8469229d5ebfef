"""Task split_heads."""

import torch

from ...spec import Task


def split_heads_reference(x, heads):
    if x.shape[-1] % heads:
        raise ValueError(f"{x.shape[-1]} features cannot be shared among {heads} heads")
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(1, 2)


split_heads = Task(
    "split_heads",
    reference=split_heads_reference,
    section="transformer-heads",
    tolerance=(0.0, 0.0),
    tolerance_reason="the numbers are moved, not computed with",
    hints=(
        "Head 0 owns the first D/h features of every token. Which dimension may be cut in two without moving a number?",
        "Reshape to (B, T, h, D // h), which keeps every feature with its token, and then exchange dimensions 1 and 2.",
    ),
)


@split_heads.probe(points=1, zero="B T")
def gives_each_head_its_run_of_features(split_heads, bench, B=2, T=3, h=4, d=5, dtype=torch.float32):
    """x (B, T, h · d) with h heads gives (B, h, T, d)."""
    return split_heads(bench.randn(B, T, h * d, dtype=dtype), h)


@split_heads.probe(points=1)
def also_where_sizes_are_equal(split_heads, bench):
    """B = T = h = D/h = 4: no shape can tell you the order of the dimensions."""
    return split_heads(bench.randn(4, 4, 16), 4)


@split_heads.probe(points=1)
def takes_any_number_of_heads_and_any_layout(split_heads, bench):
    """One head; a head for each feature; a third of a fused product; a transposed view; whole numbers; and the gradient of x."""
    x = bench.randn(2, 3, 8).requires_grad_()
    return {
        "gradient of x": torch.autograd.grad(split_heads(x, 4), x, bench.randn(2, 4, 3, 2))[0],
        "whole numbers": split_heads(bench.integers(0, 99, 2, 3, 8), 4),
        "1 head": split_heads(bench.randn(2, 3, 8), 1),
        "8 heads": split_heads(bench.randn(2, 3, 8), 8),
        "a third of (2, 3, 24)": split_heads(bench.randn(2, 3, 24)[..., 8:16], 4),
        "transposed view (2, 3, 8)": split_heads(bench.randn(3, 2, 8).transpose(0, 1), 4),
    }


@split_heads.probe(points=1)
def empty_stays_empty(split_heads, bench):
    """No texts, or no tokens."""
    tokens, features = bench.size(2, 99), bench.size(1, 25) * 4
    return {f"x {shape}": split_heads(bench.randn(*shape), 4) for shape in [(0, tokens, features), (tokens, 0, features)]}


@split_heads.probe(points=1)
def refuses_a_remainder(split_heads, bench):
    """An odd number of features cannot be shared among 4 heads: a ValueError that names both numbers."""
    features, heads = 2 * bench.size(50, 499) + 1, 2 * bench.size(2, 9)
    return {f"x (2, 3, {features}), {heads} heads": bench.catch(lambda: split_heads(bench.randn(2, 3, features), heads), ValueError, naming=(features, heads))}


# fmt: off
split_heads.mistake("reshapes_without_a_transpose", {"T, heads, D // heads).transpose(1, 2)": "heads, T, D // heads)"},
    "You reshape (B, T, D) straight to (B, h, T, D/h): the shape is right, but each head gets whole tokens of a part of the text. Cut the last dimension "
    "only, then exchange two dimensions.")
split_heads.mistake("leaves_the_heads_inside", {".transpose(1, 2)": ""},
    "You return (B, T, h, D/h). Attention runs over tokens within a head: exchange dimensions 1 and 2.")
split_heads.mistake("deals_the_features_in_turn", {"heads, D // heads).transpose(1, 2)": "D // heads, heads).permute(0, 3, 1, 2)"},
    "Your heads take every h-th feature in turn. A head owns a run of neighbouring features: of (h, D/h), h is the outer size.")
split_heads.mistake("stacks_the_heads_first", {"x.reshape(B, T, heads, D // heads).transpose(1, 2)": "torch.stack(x.chunk(heads, dim=-1))"},
    "You return (h, B, T, D/h), as torch.stack puts its new dimension first. The heads are dimension 1.")
split_heads.mistake("folds_batch_and_heads", {"transpose(1, 2)": "transpose(1, 2).flatten(0, 1)"},
    "You fold batch and heads into one dimension, (B·h, T, D/h). Here they stay apart: (B, h, T, D/h).")
split_heads.mistake("transposes_each_head", {"transpose(1, 2)": "permute(0, 2, 3, 1)"}, "You return each head transposed, (B, h, D/h, T). Tokens come before features.")
split_heads.mistake("drops_the_remainder", {'raise ValueError(f"{D} features cannot be shared among {heads} heads")': "x = x[..., : -(D % heads)]"},
    "You silently drop the features that are left over when h does not divide D. Raise a ValueError instead.")
split_heads.mistake("leaves_the_remainder_to_reshape", {'    if D % heads:\n        raise ValueError(f"{D} features cannot be shared among {heads} heads")\n': ""},
    "When h does not divide D, you leave it to reshape to fail, with a RuntimeError about an invalid shape. Check first, and raise a ValueError that names D and h.")
split_heads.mistake("refuses_without_a_reason", {'f"{D} features cannot be shared among {heads} heads"': '"the features cannot be shared among the heads"'},
    "Your ValueError does not say what clashed. Name the number of features and the number of heads.")
split_heads.mistake("asserts", {"if D % heads:\n        raise ValueError(": "assert D % heads == 0, ("},
    "You ask with assert: that raises an AssertionError, and `python -O` skips it. Raise a ValueError.")
split_heads.mistake("lets_reshape_guess", {"D // heads": "-1"},
    "With no tokens, -1 could stand for any size, and reshape refuses to guess. Compute the size, D // h.", raises=RuntimeError)
