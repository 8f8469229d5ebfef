"""Task MultiHeadAttention."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class MultiHeadAttentionReference(nn.MultiheadAttention):
    def __init__(self, d_model, heads):
        super().__init__(d_model, heads, batch_first=True)

    def forward(self, x, mask=None):
        blocked = ~mask if mask is not None and mask.dtype == torch.bool else mask  # torch's module reads True as blocked
        return super().forward(x, x, x, attn_mask=blocked, need_weights=False)[0]


MultiHeadAttention = Task(
    "MultiHeadAttention",
    reference=MultiHeadAttentionReference,
    section="transformer-multihead",
    forbids=("torch.nn.MultiheadAttention", "torch.nn.functional.multi_head_attention_forward"),
    hints=(
        "Five steps, each a function you have: project, split, attend, merge, project. Which of them own parameters?",
        "in_proj_weight (3D, D) and in_proj_bias (3D,) are nn.Parameters of the module itself, out_proj is an nn.Linear(D, D). "
        "Split q, k and v into heads, and merge before out_proj.",
    ),
)


@MultiHeadAttention.probe(points=1)
def names_its_parameters_as_torch_does(MultiHeadAttention, bench):
    """The names and shapes in the state_dict of MultiHeadAttention(6, 3), and how many numbers learn."""
    layer = MultiHeadAttention(6, 3)
    shapes = {name: list(value.shape) for name, value in sorted(layer.state_dict().items())}
    return {**shapes, "learn": sum(p.numel() for p in layer.parameters() if p.requires_grad)}


@MultiHeadAttention.probe(points=2)
def attends_as_torch_does(MultiHeadAttention, bench):
    """With given weights, float64: 1, 2 and 8 heads on x (2, 5, 8)."""
    answers = {}
    for heads in (2, 1, 8):
        layer = MultiHeadAttention(8, heads).to(bench.device, torch.float64)
        shapes = {"in_proj_weight": (24, 8), "in_proj_bias": (24,), "out_proj.weight": (8, 8), "out_proj.bias": (8,)}
        layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
        answers[f"heads={heads}"] = layer(bench.randn(2, 5, 8, dtype=torch.float64))
    return answers


@MultiHeadAttention.probe(points=1)
def also_where_sizes_are_equal(MultiHeadAttention, bench):
    """B = T = h = D/h = 4: no shape can tell you the order of the dimensions."""
    layer = MultiHeadAttention(16, 4).to(bench.device, torch.float64)
    shapes = {"in_proj_weight": (48, 16), "in_proj_bias": (48,), "out_proj.weight": (16, 16), "out_proj.bias": (16,)}
    layer.load_state_dict({name: 0.3 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    return layer(bench.randn(4, 4, 16, dtype=torch.float64))


@MultiHeadAttention.probe(points=2)
def learns_as_torch_does(MultiHeadAttention, bench):
    """The gradients of x (2, 5, 8) and of all four parameters, for a random upstream gradient."""
    layer = MultiHeadAttention(8, 2).to(bench.device, torch.float64)
    shapes = {"in_proj_weight": (24, 8), "in_proj_bias": (24,), "out_proj.weight": (8, 8), "out_proj.bias": (8,)}
    layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    x = bench.randn(2, 5, 8, dtype=torch.float64).requires_grad_()
    layer(x).backward(bench.randn(2, 5, 8, dtype=torch.float64))
    return {"x": x.grad, **{name: p.grad for name, p in sorted(layer.named_parameters())}}


@MultiHeadAttention.probe(points=1)
def obeys_a_mask(MultiHeadAttention, bench):
    """A causal mask (5, 5), True for may attend; a float mask; then the causal one in eval mode without gradients."""
    layer = MultiHeadAttention(8, 2).to(bench.device, torch.float64)
    shapes = {"in_proj_weight": (24, 8), "in_proj_bias": (24,), "out_proj.weight": (8, 8), "out_proj.bias": (8,)}
    layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    x, causal = bench.randn(2, 5, 8, dtype=torch.float64), torch.ones(5, 5, dtype=torch.bool, device=bench.device).tril()
    answers = {"causal": layer(x, causal), "float": layer(x, mask=bench.randn(5, 5, dtype=torch.float64))}
    layer.eval()
    with torch.no_grad():
        return {**answers, "causal, no gradients": layer(x, causal), "no mask, no gradients": layer(x)}


@MultiHeadAttention.impostor(
    "You do not divide the scores by √(D/h). Their variance grows with the size of a head, and softmax saturates."
)
class forgets_the_scale(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
        return self.out_proj(y.transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor(
    "You divide the scores by √D, the size of the whole model. A score sums over one head's features: √(D/h)."
)
class scales_by_d_model(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1 / math.sqrt(x.shape[-1]))
        return self.out_proj(y.transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor(
    "You attend with one head over all D features. Split q, k and v into heads first: each has a softmax of its own."
)
class attends_with_one_head(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = y.chunk(3, dim=-1)
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask))


@MultiHeadAttention.impostor(
    "You split heads by reshaping (B, T, D) straight to (B, h, T, D/h), and merge the same way: heads then hold pieces of "
    "other tokens."
)
class mixes_the_heads_by_view(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.reshape(len(x), self.heads, x.shape[1], -1) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).reshape(x.shape))


@MultiHeadAttention.impostor(
    "You split the heads rightly, but merge them by reshape alone: (B, h, T, d) needs heads and tokens exchanged first."
)
class merges_without_a_transpose(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).reshape(x.shape))


@MultiHeadAttention.impostor(
    "You leave the heads behind the tokens, (B, T, h, d), so each token attends over its own heads. Exchange dimensions 1 "
    "and 2."
)
class attends_over_the_heads(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).flatten(2))


@MultiHeadAttention.impostor("You return the merged heads. The output projection, out_proj, still has to mix them.")
class forgets_the_output_projection(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


@MultiHeadAttention.impostor("You take in_proj's first D rows for k. They are q's, then k's, then v's.")
class reads_the_rows_as_k_q_v(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        k, q, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor(
    "You read in_proj's rows head by head, q, k and v of head 0 first, as some models store them. In nn.MultiheadAttention "
    "all of q comes first."
)
class reads_the_rows_head_by_head(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = y.unflatten(-1, (self.heads, -1)).transpose(1, 2).chunk(3, dim=-1)
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor("You own in_proj_bias but never add it.")
class forgets_the_bias(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor("You read True as blocked, as nn.MultiheadAttention does. Here True means: may attend.")
class inverts_the_mask(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        mask = mask.logical_not() if mask is not None and mask.dtype == torch.bool else mask
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor("You take a mask but do not use it.")
class ignores_the_mask(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d_model, d_model)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor(
    "Your projections are three Linears, q_proj, k_proj and v_proj, so nn.MultiheadAttention's weights do not load. Name "
    "and stack them as it does."
)
class names_three_linears(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, mask=None):
        q, k, v = (p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor(
    "Your in_proj is an nn.Linear, so its parameters are called in_proj.weight and in_proj.bias. torch's are "
    "in_proj_weight and in_proj_bias."
)
class makes_in_proj_a_linear(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads = heads
        self.in_proj, self.out_proj = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)

    def forward(self, x, mask=None):
        y = self.in_proj(x)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


@MultiHeadAttention.impostor(
    "Your in_proj_weight and in_proj_bias are buffers: they load but do not learn. Make them nn.Parameters."
)
class keeps_plain_tensors(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads = heads
        self.register_buffer("in_proj_weight", torch.randn(3 * d_model, d_model))
        self.register_buffer("in_proj_bias", torch.zeros(3 * d_model))
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, x, mask=None):
        y = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in y.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))
