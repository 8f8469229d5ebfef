"""Task CrossAttention."""

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class CrossAttentionReference(nn.Module):
    def __init__(self, d_model, d_memory, heads, d_k, d_v):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(d_model, heads * d_k), nn.Linear(d_memory, heads * d_k)
        self.v_proj, self.out_proj = nn.Linear(d_memory, heads * d_v), nn.Linear(heads * d_v, d_model)

    def forward(self, x, memory):
        projected = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        q, k, v = (t.unflatten(-1, (self.heads, t.shape[-1] // self.heads)).transpose(1, 2) for t in projected)
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


CrossAttention = Task(
    "CrossAttention",
    reference=CrossAttentionReference,
    section="transformer-cross",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a softmax computed in float32 and cast back is usual, and right",
    hints=(
        "Write the shape of each weight, (out, in). Which of x and memory does each projection read, and what do all heads together give?",
        "q_proj reads x; k_proj and v_proj read memory. They give heads · d_k, heads · d_k and heads · d_v features; out_proj goes from heads · d_v back to "
        "d_model. Then split each, attend, merge, project.",
    ),
)


@CrossAttention.probe(points=1)
def names_its_four_linears(CrossAttention, bench):
    """The names and shapes in the state_dict, with random sizes."""
    d_model, d_memory, heads, d_k, d_v = bench.size(30, 39), bench.size(40, 49), bench.size(2, 5), bench.size(6, 9), bench.size(10, 15)
    shapes = {name: str(tuple(value.shape)) for name, value in sorted(CrossAttention(d_model, d_memory, heads, d_k, d_v).state_dict().items())}
    return {f"state_dict of CrossAttention({d_model}, {d_memory}, {heads}, {d_k}, {d_v})": shapes}


@CrossAttention.probe(points=2, zero="B T")
def asks_another_text(CrossAttention, bench, B=2, T=3, S=5, D=7, D_memory=6, h=2, d_k=3, d_v=4, dtype=torch.float32):
    """With given weights: x (B, T, D) asks memory (B, S, D_memory), with h heads, d_k and d_v features a head, in training mode; then both others in
    evaluation mode."""
    layer = CrossAttention(D, D_memory, h, d_k, d_v).to(bench.device, dtype)
    sizes = {"q_proj": (h * d_k, D), "k_proj": (h * d_k, D_memory), "v_proj": (h * d_v, D_memory), "out_proj": (D, h * d_v)}
    weights = {f"{name}.weight": bench.randn(*size, dtype=dtype) / 2 for name, size in sizes.items()}
    layer.load_state_dict(weights | {f"{name}.bias": bench.randn(size[0], dtype=dtype) for name, size in sizes.items()})
    training = layer(bench.randn(B, T, D, dtype=dtype), bench.randn(B, S, D_memory, dtype=dtype))
    later = layer.eval()(bench.randn(B, T, D, dtype=dtype), bench.randn(B, S, D_memory, dtype=dtype))
    return {"training": training, "evaluation": later}


@CrossAttention.probe(points=1)
def also_where_sizes_are_equal(CrossAttention, bench):
    """B = T = S = h = d_k = d_v = 4, D = D_memory = 16: no shape can tell you what is what."""
    layer = CrossAttention(16, 16, 4, 4, 4).to(bench.device, torch.float64)
    weights = {f"{name}.weight": 0.3 * bench.randn(16, 16, dtype=torch.float64) for name in ("q_proj", "k_proj", "v_proj", "out_proj")}
    layer.load_state_dict(weights | {name.replace("weight", "bias"): bench.randn(16, dtype=torch.float64) for name in weights})
    return layer(*(bench.randn(4, 4, 16, dtype=torch.float64) for _ in range(2)))


@CrossAttention.probe(points=2)
def learns(CrossAttention, bench):
    """The gradients of x, of memory and of all parameters, for a random upstream gradient; three heads."""
    layer = CrossAttention(5, 7, 3, 2, 4).to(bench.device, torch.float64)
    sizes = {"q_proj": (6, 5), "k_proj": (6, 7), "v_proj": (12, 7), "out_proj": (5, 12)}
    weights = {f"{name}.weight": 0.5 * bench.randn(*size, dtype=torch.float64) for name, size in sizes.items()}
    layer.load_state_dict(weights | {f"{name}.bias": bench.randn(size[0], dtype=torch.float64) for name, size in sizes.items()})
    x, memory = (bench.randn(2, *sizes, dtype=torch.float64).requires_grad_() for sizes in [(3, 5), (6, 7)])
    layer(x, memory).backward(bench.randn(2, 3, 5, dtype=torch.float64))
    return {"x": x.grad, "memory": memory.grad, **{name: p.grad for name, p in sorted(layer.named_parameters())}}


# fmt: off
CrossAttention.mistake("attends_to_itself", {"self.k_proj(memory)": "self.k_proj(x)", "self.v_proj(memory)": "self.v_proj(x)"},
    "Your keys and values come from x: that is self-attention. x asks; memory answers.")
CrossAttention.mistake("asks_from_the_memory", {"self.q_proj(x)": "self.q_proj(memory)", "self.k_proj(memory)": "self.k_proj(x)",
    "self.v_proj(memory)": "self.v_proj(x)"},
    "You exchange the two texts: the queries come from memory. x asks, one answer for each of its tokens.")
CrossAttention.mistake("takes_the_values_from_x", {"self.v_proj(memory)": "self.v_proj(x)"},
    "Your values come from x. What is passed on is the memory's: keys and values both read it.")
CrossAttention.mistake("takes_the_keys_from_x", {"self.k_proj(memory)": "self.k_proj(x)"},
    "Your keys come from x. Keys say by what a token of the memory can be found: keys and values both read it.")
CrossAttention.mistake("expects_a_memory_as_wide_as_x", {"nn.Linear(d_memory, heads * d_k)": "nn.Linear(d_model, heads * d_k)",
    "nn.Linear(d_memory, heads * d_v)": "nn.Linear(d_model, heads * d_v)"},
    "Your k_proj and v_proj take d_model features. They read the memory, whose tokens have d_memory.")
CrossAttention.mistake("gives_the_values_the_size_of_keys", {"(d_memory, heads * d_v)": "(d_memory, heads * d_k)",
    "(heads * d_v, d_model)": "(heads * d_k, d_model)"},
    "Your values have d_k features a head. Only queries and keys must have one size, for they are multiplied; values have d_v.")
CrossAttention.mistake("takes_d_k_for_all_heads", {"nn.Linear(d_model, heads * d_k)": "nn.Linear(d_model, d_k)",
    "nn.Linear(d_memory, heads * d_k)": "nn.Linear(d_memory, d_k)",
    "nn.Linear(d_memory, heads * d_v)": "nn.Linear(d_memory, d_v)", "nn.Linear(heads * d_v, d_model)": "nn.Linear(d_v, d_model)"},
    "You take d_k and d_v for the sizes of all heads together. They are a head's: the projections give heads · d_k and heads · d_v features.")
CrossAttention.mistake("projects_to_squares", {"nn.Linear(d_model, heads * d_k)": "nn.Linear(d_model, d_model)",
    "nn.Linear(d_memory, heads * d_k)": "nn.Linear(d_memory, d_model)",
    "nn.Linear(d_memory, heads * d_v)": "nn.Linear(d_memory, d_model)", "nn.Linear(heads * d_v, d_model)": "nn.Linear(d_model, d_model)"},
    "Your projections all give d_model features, as in nn.MultiheadAttention. Here they give heads · d_k and heads · d_v, and out_proj goes back to d_model.")
CrossAttention.mistake("calls_out_proj_proj", {"self.out_proj =": "self.proj =", "self.out_proj(": "self.proj("},
    "Your output projection is called proj. Weights load by name, and the name asked is out_proj.")
CrossAttention.mistake("leaves_out_the_biases", {"nn.Linear(d_model, heads * d_k)": "nn.Linear(d_model, heads * d_k, bias=False)",
    "nn.Linear(d_memory, heads * d_k)": "nn.Linear(d_memory, heads * d_k, bias=False)",
    "nn.Linear(d_memory, heads * d_v)": "nn.Linear(d_memory, heads * d_v, bias=False)",
    "nn.Linear(heads * d_v, d_model)": "nn.Linear(heads * d_v, d_model, bias=False)"},
    "Your Linears have no bias. Asked are four with one each.")
CrossAttention.mistake("forgets_the_output_projection", {"self.out_proj(merge_heads(attention(q, k, v)))": "merge_heads(attention(q, k, v))"},
    "You return the merged heads. The output projection, out_proj, still has to mix them and bring them back to d_model features.")
CrossAttention.mistake("attends_with_one_head", {"split_heads(self.q_proj(x), self.heads)": "self.q_proj(x)",
    "split_heads(self.k_proj(memory), self.heads)": "self.k_proj(memory)",
    "split_heads(self.v_proj(memory), self.heads)": "self.v_proj(memory)", "merge_heads(attention(q, k, v))": "attention(q, k, v)"},
    "You attend with one head over all features. Split q, k and v into heads first: each has a softmax of its own.")
CrossAttention.mistake("merges_without_a_transpose", {"merge_heads(attention(q, k, v))": "attention(q, k, v).reshape(*x.shape[:2], self.out_proj.in_features)"},
    "You merge the heads by reshape alone: (B, h, T, d_v) needs heads and tokens exchanged first.")
CrossAttention.mistake("splits_without_a_transpose", {"q = split": "split_heads = lambda t, heads: t.reshape(len(t), heads, t.shape[1], t.shape[2] // heads)\n        q = split"},
    "You split heads by reshaping (B, T, h · d) straight to (B, h, T, d): each head then holds whole tokens of a part of the text.")
CrossAttention.mistake("scales_by_d_model", {"attention(q": "F.scaled_dot_product_attention(q", ", v)))": ", v, scale=x.shape[-1] ** -0.5)))"},
    "You divide the scores by √d_model. A score sums over the d_k features of one head: √d_k.")
CrossAttention.mistake("scales_by_d_v", {"attention(q": "F.scaled_dot_product_attention(q", ", v)))": ", v, scale=v.shape[-1] ** -0.5)))"},
    "You divide the scores by √d_v. A score is a product of a query and a key, and sums over their d_k features: √d_k.")
CrossAttention.mistake("looks_only_back", {"attention(q": "F.scaled_dot_product_attention(q", ", v)))": ", v, is_causal=True)))"},
    "You apply a causal mask. Tokens of x may read all of the memory: none of it is their future.")
CrossAttention.mistake("adds_the_residual", {"return ": "return x + "},
    "You add x to the result. The residual connection belongs to the block; this is only what the block adds.")
