"""Task attention."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


def attention_reference(q, k, v, mask=None):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


attention = Task(
    "attention",
    reference=attention_reference,
    section="transformer-attention",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a softmax computed in float32 and cast back is usual, and right",
    forbids=("torch.nn.functional.scaled_dot_product_attention", "torch.*scaled_dot_product*", "torch._safe_softmax"),
    hints=(
        "Each query has one score for each key, (..., T, S). Which dimension of the scores must sum to one after softmax?",
        "Scores are q @ k.mT / math.sqrt(d). Where a boolean mask is False put -inf; a float mask is added. Softmax over the "
        "last dimension, then times v.",
    ),
)


@attention.probe(points=1, zero="B")
def mixes_the_values(attention, bench, B=2, h=3, T=4, S=5, d=7, e=6, dtype=torch.float32):
    """T queries, S keys, values of another size: q (B, h, T, d), k (B, h, S, d), v (B, h, S, e) give (B, h, T, e)."""
    return attention(*(bench.randn(B, h, *sizes, dtype=dtype) for sizes in [(T, d), (S, d), (S, e)]))


@attention.probe(points=1)
def also_where_sizes_are_equal(attention, bench):
    """B = h = T = S = d = 4: no shape can tell you which dimension is which."""
    q, k, v = (bench.randn(4, 4, 4, 4, dtype=torch.float64) for _ in range(3))
    return attention(q, k, v)


@attention.probe(points=1)
def takes_any_leading_dimensions(attention, bench):
    """None, one, three; an empty batch."""
    answers = {}
    for lead in [(), (2,), (2, 3, 2), (0, 3)]:
        q, k, v = (bench.randn(*lead, *sizes, dtype=torch.float64) for sizes in [(4, 8), (5, 8), (5, 6)])
        answers[f"q {(*lead, 4, 8)}"] = attention(q, k, v)
    return answers


@attention.probe(points=2)
def obeys_a_boolean_mask(attention, bench, B=2, h=3, T=5, d=4, dtype=torch.float32):
    """True means: may attend. Each token to itself and the one before, mask (T, T), for q (B, h, T, d), (B, T, d) and (T, d); no padding, (B, 1, 1, T), a row a text; all True."""
    q, k, v = (bench.randn(B, h, T, d, dtype=dtype) for _ in range(3))
    all_true = torch.ones(T, T, dtype=torch.bool, device=bench.device)
    not_padding = all_true.tril()[bench.integers(0, T, B)][:, None, None]
    two, masks = all_true.tril().triu(-1), {"mask (B, 1, 1, T)": not_padding, "all True": all_true}
    fewer = {f"mask (T, T), q {tuple(q[index].shape)}": attention(q[index], k[index], v[index], mask=two) for index in [..., (slice(None), 0), (0, 0)]}
    return fewer | {case: attention(q, k, v, mask=mask) for case, mask in masks.items()}


@attention.probe(points=2)
def adds_a_float_mask(attention, bench, B=2, h=3, T=5, d=4, dtype=torch.float32):
    """A float mask is added to the scores: finite numbers, -inf above the diagonal, and zeros, which change nothing."""
    q, k, v = (bench.randn(B, h, T, d, dtype=dtype) for _ in range(3))
    numbers, future = bench.randn(T, T, dtype=dtype), torch.ones(T, T, dtype=torch.bool, device=bench.device).triu(1)
    masks = {"finite": numbers, "with -inf": numbers.masked_fill(future, -math.inf), "zeros": torch.zeros_like(numbers)}
    return {case: attention(q, k, v, mask) for case, mask in masks.items()}


@attention.probe(points=1)
def stays_finite(attention, bench):
    """Scores in the thousands; and the gradients of q, k and v at ordinary scores."""
    large = [10 * bench.integers(-9, 10, 2, 5, 4).double() for _ in range(2)]  # whose scores no rounding changes
    q, k, v = (bench.randn(2, 5, 8, dtype=torch.float64) for _ in range(3))
    answers = {"large scores": attention(*large, v)}
    inputs = [t.requires_grad_() for t in (q, k, v)]
    gradients = torch.autograd.grad(attention(*inputs), inputs, bench.randn(2, 5, 8, dtype=torch.float64))
    return {**answers, **dict(zip(["gradient of q", "gradient of k", "gradient of v"], gradients))}


# fmt: off
attention.mistake("forgets_the_scale", {" / math.sqrt(q.shape[-1])": ""}, "You do not divide the scores by √d. Their variance grows with d, and softmax saturates.")
attention.mistake("divides_by_d", {"math.sqrt(q.shape[-1])": "q.shape[-1]"},
    "You divide the scores by d. Their variance is d, so their standard deviation is √d: divide by that.")
attention.mistake("scales_by_the_number_of_keys", {"q.shape[-1]": "k.shape[-2]"},
    "You divide by the root of the number of tokens. What a score sums over are the d features of q and k.")
attention.mistake("normalises_over_the_queries", {"dim=-1": "dim=-2"},
    "Your softmax runs over the queries. Each query shares its weights out among the keys: the last dimension.")
attention.mistake("normalises_over_dimension_1", {"dim=-1": "dim=1"}, "Your softmax runs over dimension 1, the heads. It belongs to the keys, the last dimension.")
attention.mistake("scales_after_softmax", {" / math.sqrt(q.shape[-1])": "", " @ v": " / math.sqrt(q.shape[-1]) @ v"},
    "You divide by √d after softmax, so the weights no longer sum to one. The scale belongs to the scores.")
attention.mistake("returns_the_weights", {" @ v": ""}, "You return the weights. They still have to mix the values: times v.")
attention.mistake("inverts_the_mask", {"~mask": "mask"},
    "You read True as blocked, as nn.MultiheadAttention does. Here, as in F.scaled_dot_product_attention, True means: may attend.")
attention.mistake("adds_a_boolean_mask", {"scores.masked_fill(~mask, -math.inf)": "scores + mask"},
    "You add a boolean mask to the scores: True counts as 1, so nothing is blocked. Put -inf where it is False.")
attention.mistake("ignores_the_mask", {"scores = q": "mask = None\n    scores = q"}, "You leave the mask out.")
attention.mistake("blocks_with_a_zero_score", {"-math.inf": "0"},
    "You set blocked scores to 0. exp(0) is 1, so blocked keys keep a weight. -inf is what softmax turns into 0.")
attention.mistake("blocks_after_softmax", {"scores = scores.masked_fill(~mask, -math.inf)": "return scores.softmax(dim=-1) * mask @ v"},
    "You block after softmax, so the weights that are left do not sum to one. Block the scores before softmax.")
attention.mistake("takes_a_float_mask_for_a_boolean", {" and mask.dtype == torch.bool": "", "~mask": "mask == 0"},
    "You treat every mask alike, with masked_fill(mask == 0, -inf). In a float mask a zero changes nothing: add that mask.")
attention.mistake("scales_the_float_mask", {" / math.sqrt(q.shape[-1])": "", "scores.softmax": "(scores / math.sqrt(q.shape[-1])).softmax"},
    "You add the float mask before dividing by √d, which shrinks it. Scale the scores first, then add the mask.")
attention.mistake("exponentiates_large_scores", {"scores.softmax(dim=-1)": "(scores.exp() / scores.exp().sum(dim=-1, keepdim=True))"},
    "exp of a score in the thousands is inf, and inf / inf is NaN. torch.softmax subtracts the largest score first.")
attention.mistake("exchanges_queries_and_keys", {"q @ k.mT": "k @ q.mT"}, "You exchange queries and keys: row t of the scores must belong to query t.")
