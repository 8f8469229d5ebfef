"""Task MultiHeadAttention."""

import math

import torch
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
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a softmax computed in float32 and cast back is usual, and right",
    forbids=("torch.nn.MultiheadAttention", "torch.nn.functional.multi_head_attention_forward", "torch._native_multi_head_attention"),
    hints=(
        "Five steps, each a function you have: project, split, attend, merge, project. Which of them own parameters?",
        "in_proj_weight (3D, D) and in_proj_bias (3D,) are nn.Parameters of the module itself, out_proj is an nn.Linear(D, D). "
        "Split q, k and v into heads, and merge before out_proj.",
    ),
)


@MultiHeadAttention.probe(points=1)
def names_its_parameters_as_torch_does(MultiHeadAttention, bench):
    """The names and shapes in the state_dict, with random sizes, and how many numbers learn."""
    heads = bench.size(2, 9)
    d_model = heads * bench.size(2, 20)
    layer = MultiHeadAttention(d_model, heads)
    shapes = {name: str(tuple(value.shape)) for name, value in sorted(layer.state_dict().items())}
    learn = sum(p.numel() for p in layer.parameters() if p.requires_grad)
    return {f"state_dict of MultiHeadAttention({d_model}, {heads})": shapes, "numbers that learn": learn}


@MultiHeadAttention.probe(points=2)
def attends_as_torch_does(MultiHeadAttention, bench, B=3, T=5, h=2, d=4, dtype=torch.float32):
    """With given weights: h heads of d features each on x (B, T, D), in training mode, and on another x in evaluation mode."""
    D = h * d
    layer = MultiHeadAttention(D, h).to(bench.device, dtype)
    shapes = {"in_proj_weight": (3 * D, D), "in_proj_bias": (3 * D,), "out_proj.weight": (D, D), "out_proj.bias": (D,)}
    layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=dtype) for name, shape in shapes.items()})
    return {"training": layer(bench.randn(B, T, D, dtype=dtype)), "evaluation": layer.eval()(bench.randn(B, T, D, dtype=dtype))}


@MultiHeadAttention.probe(points=1)
def also_where_sizes_are_equal(MultiHeadAttention, bench):
    """B = T = h = D/h = 4: no shape can tell you the order of the dimensions."""
    layer = MultiHeadAttention(16, 4).to(bench.device, torch.float64)
    shapes = {"in_proj_weight": (48, 16), "in_proj_bias": (48,), "out_proj.weight": (16, 16), "out_proj.bias": (16,)}
    layer.load_state_dict({name: 0.3 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    return layer(bench.randn(4, 4, 16, dtype=torch.float64))


@MultiHeadAttention.probe(points=2)
def learns_as_torch_does(MultiHeadAttention, bench, B=3, T=5, D=6):
    """The gradients of x (B, T, D) and of all four parameters, for a random upstream gradient, with two heads (one where D is 1)."""
    layer = MultiHeadAttention(D, math.gcd(D, 2)).to(bench.device, torch.float64)
    shapes = {"in_proj_weight": (3 * D, D), "in_proj_bias": (3 * D,), "out_proj.weight": (D, D), "out_proj.bias": (D,)}
    layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    x = bench.randn(B, T, D, dtype=torch.float64).requires_grad_()
    layer(x).backward(bench.randn(B, T, D, dtype=torch.float64))
    return {"x": x.grad, **{name: p.grad for name, p in sorted(layer.named_parameters())}}


@MultiHeadAttention.probe(points=1)
def obeys_a_mask(MultiHeadAttention, bench, B=2, T=5):
    """A mask (T, T): each token may attend to itself and the one before; a float mask; then eval mode without gradients."""
    layer = MultiHeadAttention(8, 2).to(bench.device, torch.float64)
    shapes = {"in_proj_weight": (24, 8), "in_proj_bias": (24,), "out_proj.weight": (8, 8), "out_proj.bias": (8,)}
    layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    x, mask = bench.randn(B, T, 8, dtype=torch.float64), torch.ones(T, T, dtype=torch.bool, device=bench.device).tril().triu(-1)
    answers = {"boolean mask": layer(x, mask), "float mask": layer(x, mask=bench.randn(T, T, dtype=torch.float64))}
    layer.eval()
    with torch.no_grad():
        return {**answers, "boolean mask, no gradients": layer(x, mask), "no mask, no gradients": layer(x)}


# fmt: off
MultiHeadAttention.mistake("forgets_the_scale", {"attention(s": "F.scaled_dot_product_attention(s", ", mask)": ", mask, scale=1.0)"},
    "You do not divide the scores by √(D/h). Their variance grows with the size of a head, and softmax saturates.")
MultiHeadAttention.mistake("scales_by_d_model", {"attention(s": "F.scaled_dot_product_attention(s", ", mask)": ", mask, scale=1 / math.sqrt(x.shape[-1]))"},
    "You divide the scores by √D, the size of the whole model. A score sums over one head's features: √(D/h).")
MultiHeadAttention.mistake("attends_with_one_head", {"split_heads(q, self.heads), split_heads(k, self.heads), split_heads(v, self.heads)": "q, k, v",
    "merge_heads(y)": "y"},
    "You attend with one head over all D features. Split q, k and v into heads first: each has a softmax of its own.")
MultiHeadAttention.mistake("mixes_the_heads_by_view", {"q, k, v = ": "split_heads = lambda x, heads: x.reshape(len(x), heads, x.shape[1], -1)\n        q, k, v = ",
    "merge_heads(y)": "y.reshape(x.shape)"},
    "You split heads by reshaping (B, T, D) straight to (B, h, T, D/h), and merge the same way: each head then holds whole tokens of a part of the text, "
    "not a part of every token.")
MultiHeadAttention.mistake("merges_without_a_transpose", {"merge_heads(y)": "y.reshape(x.shape)"},
    "You split the heads rightly, but merge them by reshape alone: (B, h, T, d) needs heads and tokens exchanged first.")
MultiHeadAttention.mistake("attends_over_the_heads", {"q, k, v = ": "split_heads = lambda x, heads: x.unflatten(-1, (heads, -1))\n        q, k, v = ",
    "merge_heads(y)": "y.flatten(2)"},
    "You leave the heads behind the tokens, (B, T, h, d), so the heads of one token attend to each other. Exchange dimensions 1 and 2.")
MultiHeadAttention.mistake("forgets_the_output_projection", {"self.out_proj(merge_heads(y))": "merge_heads(y)"},
    "You return the merged heads. The output projection, out_proj, still has to mix them.")
MultiHeadAttention.mistake("reads_the_rows_as_k_q_v", {"q, k, v = ": "k, q, v = "}, "You take in_proj_weight's first D rows for k. They are q's, then k's, then v's.")
MultiHeadAttention.mistake("reads_the_rows_head_by_head", {"fused_qkv": "F.linear",
    "self.in_proj_bias)": "self.in_proj_bias).unflatten(-1, (self.heads, 3, -1)).transpose(2, 3).flatten(3).unbind(2)"},
    "You read in_proj_weight's rows head by head, q, k and v of head 0 first, as some models store them. In nn.MultiheadAttention all of q comes first.")
MultiHeadAttention.mistake("forgets_the_bias", {"self.in_proj_bias)": "None)"}, "You own in_proj_bias but never add it.")
MultiHeadAttention.mistake("inverts_the_mask", {", mask)": ", ~mask if mask is not None and mask.dtype == torch.bool else mask)"},
    "You read True as blocked, as nn.MultiheadAttention does. Here True means: may attend.")
MultiHeadAttention.mistake("ignores_the_mask", {", mask)": ")"}, "You take a mask but do not use it.")
MultiHeadAttention.mistake("names_three_linears", {"self.in_proj_weight = nn.Parameter(torch.empty(3 * d_model, d_model))": "self.q_proj = nn.Linear(d_model, d_model)",
    "self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))": "self.k_proj = nn.Linear(d_model, d_model)",
    "nn.init.xavier_uniform_(self.in_proj_weight)": "self.v_proj = nn.Linear(d_model, d_model)",
    "fused_qkv(x, self.in_proj_weight, self.in_proj_bias)": "self.q_proj(x), self.k_proj(x), self.v_proj(x)"},
    "Your projections are three Linears, q_proj, k_proj and v_proj, so nn.MultiheadAttention's weights do not load. Stack and name them as it does.")
MultiHeadAttention.mistake("makes_in_proj_a_linear", {"in_proj_weight = nn.Parameter(torch.empty(3 * d_model, d_model))": "in_proj = nn.Linear(d_model, 3 * d_model)",
    "        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))\n": "", "uniform_(self.in_proj_weight)": "uniform_(self.in_proj.weight)",
    "fused_qkv(x, self.in_proj_weight, self.in_proj_bias)": "self.in_proj(x).chunk(3, dim=-1)"},
    "Your in_proj is an nn.Linear, so its parameters are called in_proj.weight and in_proj.bias. torch's are in_proj_weight and in_proj_bias.")
MultiHeadAttention.mistake("calls_out_proj_proj", {"self.out_proj =": "self.proj =", "self.out_proj.bias": "self.proj.bias", "self.out_proj(": "self.proj("},
    "Your output projection is called proj. torch's is out_proj, and its weights load by name.")
MultiHeadAttention.mistake("keeps_plain_tensors", {"self.in_proj_weight = nn.Parameter(": 'self.register_buffer("in_proj_weight", ',
    "self.in_proj_bias = nn.Parameter(": 'self.register_buffer("in_proj_bias", '},
    "Your in_proj_weight and in_proj_bias are buffers: they load but do not learn. Make them nn.Parameters.")
MultiHeadAttention.mistake("keeps_a_copy_of_a_parameter", {"d_model, d_model))": "d_model, d_model)).clone()"},
    "Your in_proj_weight is a copy of a Parameter: `clone` and `to` give a plain tensor, which no state_dict and no optimizer knows. Keep the nn.Parameter itself.")
MultiHeadAttention.mistake("caches_the_transpose", {"nn.init.zeros_": "self.transposed = self.in_proj_weight.T\n        nn.init.zeros_",
    "fused_qkv(x, self.in_proj_weight, self.in_proj_bias)": "(x @ self.transposed + self.in_proj_bias).chunk(3, dim=-1)"},
    "You transpose in_proj_weight once, in __init__. Moved to another dtype or device the layer has a new weight, and forward still takes the old one: "
    "transpose in forward.", raises=RuntimeError)
