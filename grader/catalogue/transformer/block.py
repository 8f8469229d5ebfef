"""Task Block."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class BlockReference(nn.TransformerEncoderLayer):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__(d_model, heads, d_ff, dropout=0.0, batch_first=True, norm_first=norm_first)

    def forward(self, x, mask=None):
        return super().forward(x, src_mask=None if mask is None else ~mask)  # torch's module reads True as blocked


Block = Task(
    "Block",
    reference=BlockReference,
    section="transformer-block",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a softmax computed in float32 and cast back is usual, and right",
    forbids=("torch.nn.TransformerEncoderLayer", "torch._transformer_encoder_layer_fwd"),
    hints=(
        "Two sublayers, each inside x + sublayer(...). Where do norm1 and norm2 stand if norm_first, and where if not?",
        "norm_first: x = x + attend(norm1(x)), then x = x + feed(norm2(x)). Otherwise: x = norm1(x + attend(x)), then "
        "x = norm2(x + feed(x)). feed is linear2(relu(linear1(x))).",
    ),
)


@Block.probe(points=1)
def names_its_parameters_as_torch_does(Block, bench):
    """The names and shapes in the state_dict, with random sizes."""
    d_model, d_ff = 3 * bench.size(2, 16), bench.size(50, 99)
    shapes = {name: str(tuple(value.shape)) for name, value in sorted(Block(d_model, 3, d_ff, norm_first=True).state_dict().items())}
    return {f"state_dict of Block({d_model}, 3, {d_ff}, norm_first=True)": shapes}


@Block.probe(points=1)
def normalises_after(Block, bench, B=4, T=5, D=6, d_ff=7, dtype=torch.float32):
    """norm_first=False, with given weights and two heads (one where D is 1): x (B, T, D) in training mode, another in evaluation mode; then with
    numbers so small that eps counts."""
    layer, x, other = Block(D, math.gcd(D, 2), d_ff, False).to(bench.device, dtype), *(bench.randn(B, T, D, dtype=dtype) for _ in range(2))
    parts = dict(self_attn=nn.MultiheadAttention(D, 1), linear1=nn.Linear(D, d_ff), linear2=nn.Linear(d_ff, D))
    parts = nn.ModuleDict(dict(parts, norm1=nn.LayerNorm(D), norm2=nn.LayerNorm(D))).state_dict()
    state = {name: 0.5 * bench.randn(*part.shape, dtype=dtype) for name, part in parts.items()}
    layer.load_state_dict(state)
    answers = {"training": layer(x), "evaluation": layer.eval()(other)}
    layer.load_state_dict({name: value / (300 if name.startswith(("self_attn.out_proj", "norm1", "linear2")) else 1) for name, value in state.items()})
    return {**answers, "small numbers": layer(x / 300)}


@Block.probe(points=1)
def normalises_first(Block, bench, B=4, T=5, D=6, d_ff=7, dtype=torch.float32):
    """norm_first=True, with given weights and two heads (one where D is 1): x (B, T, D) in training mode, another in evaluation mode; then with
    numbers so small that eps counts."""
    layer, x, other = Block(D, math.gcd(D, 2), d_ff, True).to(bench.device, dtype), *(bench.randn(B, T, D, dtype=dtype) for _ in range(2))
    parts = dict(self_attn=nn.MultiheadAttention(D, 1), linear1=nn.Linear(D, d_ff), linear2=nn.Linear(d_ff, D))
    parts = nn.ModuleDict(dict(parts, norm1=nn.LayerNorm(D), norm2=nn.LayerNorm(D))).state_dict()
    state = {name: 0.5 * bench.randn(*part.shape, dtype=dtype) for name, part in parts.items()}
    layer.load_state_dict(state)
    answers = {"training": layer(x), "evaluation": layer.eval()(other)}
    layer.load_state_dict({name: value / (300 if name.startswith(("self_attn.out_proj", "linear2")) else 1) for name, value in state.items()})
    return {**answers, "small numbers": layer(x / 300)}


@Block.probe(points=2)
def learns_as_torch_does(Block, bench):
    """The gradients of x and of all twelve parameters, with the norm first and last."""
    answers = {}
    for norm_first in (True, False):
        layer = Block(8, 2, 12, norm_first).to(bench.device, torch.float64)
        parts = dict(self_attn=nn.MultiheadAttention(8, 2), linear1=nn.Linear(8, 12), linear2=nn.Linear(12, 8))
        parts = nn.ModuleDict(dict(parts, norm1=nn.LayerNorm(8), norm2=nn.LayerNorm(8))).state_dict()
        layer.load_state_dict({name: 0.5 * bench.randn(*part.shape, dtype=torch.float64) for name, part in parts.items()})
        x = bench.randn(2, 5, 8, dtype=torch.float64).requires_grad_()
        layer(x).backward(bench.randn(2, 5, 8, dtype=torch.float64))
        answers[f"norm_first={norm_first}"] = {"x": x.grad, **{name: p.grad for name, p in sorted(layer.named_parameters())}}
    return answers


@Block.probe(points=2)
def obeys_a_mask(Block, bench, B=2, T=5):
    """A mask (T, T): each token may attend to itself and the one before; while training, then in eval mode without gradients."""
    mask = torch.ones(T, T, dtype=torch.bool, device=bench.device).tril().triu(-1)
    answers = {}
    for norm_first in (True, False):
        layer = Block(8, 2, 12, norm_first).to(bench.device, torch.float64)
        parts = dict(self_attn=nn.MultiheadAttention(8, 2), linear1=nn.Linear(8, 12), linear2=nn.Linear(12, 8))
        parts = nn.ModuleDict(dict(parts, norm1=nn.LayerNorm(8), norm2=nn.LayerNorm(8))).state_dict()
        layer.load_state_dict({name: 0.5 * bench.randn(*part.shape, dtype=torch.float64) for name, part in parts.items()})
        x = bench.randn(B, T, 8, dtype=torch.float64)
        answers[f"norm_first={norm_first}"] = layer(x, mask)
        layer.eval()
        with torch.no_grad():
            answers[f"norm_first={norm_first}, no gradients"] = layer(x, mask=mask)
    return answers


@Block.impostor(
    "Your norms always stand after the sublayers. If norm_first is True, each stands before its sublayer: x + f(norm(x))."
)
class always_normalises_after(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = norm(x + f(x))
        return x


@Block.impostor("Your norms always stand before the sublayers. If norm_first is False, each takes the sum: norm(x + f(x)).")
class always_normalises_first(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x))
        return x


@Block.impostor("Your two orders are exchanged: norm_first=True means that the norm stands before the sublayer.")
class reads_norm_first_the_wrong_way(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = norm(x + f(x)) if self.norm_first else x + f(norm(x))
        return x


@Block.impostor(
    "With norm_first you overwrite x by norm(x) and add the sublayer to that. What is added is x as it came in: x + f(norm(x))."
)
class adds_to_the_normalised_x(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = norm(x) + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor("When the norm comes last you compute x + norm(f(x)). It takes the whole sum: norm(x + f(x)).")
class normalises_only_the_sublayer(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else x + norm(f(x))
        return x


@Block.impostor("You have no residual connections: each sublayer's result is to be added to its x.")
class forgets_the_residuals(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = f(norm(x)) if self.norm_first else norm(f(x))
        return x


@Block.impostor("norm1 and norm2 are exchanged: norm1 belongs to attention, norm2 to the feed-forward network.")
class exchanges_the_norms(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm2, attend), (self.norm1, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor("Your activation is GELU. This block, like nn.TransformerEncoderLayer by default, uses ReLU.")
class uses_gelu(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(F.gelu(self.linear1(x)))
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor("You take a mask but do not hand it to the attention.")
class ignores_the_mask(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor(
    "Your mask is inverted: tokens attend where it is False. nn.MultiheadAttention reads True as blocked and must be given "
    "~mask; your own MultiHeadAttention reads True as this task does and must be given mask."
)
class inverts_the_mask(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor(
    "You leave out batch_first=True. nn.MultiheadAttention then reads (B, T, D) as (T, B, D), and tokens attend across texts."
)
class forgets_batch_first(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor("You drop features at random, as nn.TransformerEncoderLayer does by default (0.1). No dropout is asked here.")
class drops_out(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.dropout(self.linear1(x).relu()))
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor(
    "Your attention is called attention; nn.TransformerEncoderLayer's is called self_attn, and its weights load by name."
)
class names_the_attention_otherwise(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.attention, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.attention(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x


@Block.impostor(
    "Your linear1 and linear2 sit in a submodule, ffn, which becomes a part of their names. "
    "nn.TransformerEncoderLayer holds both itself."
)
class keeps_the_network_apart(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.ffn = nn.ModuleDict(dict(linear1=nn.Linear(d_model, d_ff), linear2=nn.Linear(d_ff, d_model)))
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]
        feed = lambda x: self.ffn["linear2"](self.ffn["linear1"](x).relu())
        for norm, f in ((self.norm1, attend), (self.norm2, feed)):
            x = x + f(norm(x)) if self.norm_first else norm(x + f(x))
        return x
