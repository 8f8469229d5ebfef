"""Task Block."""

import math

import torch
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


# fmt: off
Block.mistake("always_normalises_after", {"= norm_first": "= False"},
    "Your norms always stand after the sublayers. If norm_first is True, each stands before its sublayer: x + f(norm(x)).")
Block.mistake("always_normalises_first", {"= norm_first": "= True"},
    "Your norms always stand before the sublayers. If norm_first is False, each takes the sum: norm(x + f(x)).")
Block.mistake("reads_norm_first_the_wrong_way", {"if self.norm_first": "if not self.norm_first"},
    "Your two orders are exchanged: norm_first=True means that the norm stands before the sublayer.")
Block.mistake("adds_to_the_normalised_x", {"x = x + ": "x = self.norm1(x) + ", "return x + ": "return self.norm2(x) + "},
    "With norm_first you overwrite x by norm(x) and add the sublayer to that. What is added is x as it came in: x + f(norm(x)).")
Block.mistake("normalises_only_the_sublayer", {"self.norm1(x + ": "x + self.norm1(", "self.norm2(x + ": "x + self.norm2("},
    "When the norm comes last you compute x + norm(f(x)). It takes the whole sum: norm(x + f(x)).")
Block.mistake("forgets_the_residuals", {"x = x + ": "x = ", "return x + ": "return ", "norm1(x + ": "norm1(", "norm2(x + ": "norm2("},
    "You have no residual connections: each sublayer's result is to be added to its x.")
Block.mistake("exchanges_the_norms", {"attn(self.norm1": "attn(self.norm2", "feed(self.norm2": "feed(self.norm1", "= self.norm1": "= self.norm2",
    "return self.norm2": "return self.norm1"},
    "norm1 and norm2 are exchanged: norm1 belongs to attention, norm2 to the feed-forward network.")
Block.mistake("uses_gelu", {"self.linear1(x).relu()": "F.gelu(self.linear1(x))"},
    "Your activation is GELU. This block, like nn.TransformerEncoderLayer by default, uses ReLU.")
Block.mistake("ignores_the_mask", {"norm1(x), mask": "norm1(x)", "attn(x, mask": "attn(x"}, "You take a mask but do not hand it to the attention.")
Block.mistake("inverts_the_mask", {"if self": "mask = None if mask is None else ~mask\n        if self"},
    "Your mask is inverted: tokens attend where it is False. nn.MultiheadAttention reads True as blocked and must be given ~mask; your own "
    "MultiHeadAttention reads True as this task does and must be given mask.")
Block.mistake("forgets_batch_first", {"= MultiHeadAttention": "= nn.MultiheadAttention", "self.self_attn(self": "self._attend(self", "self.self_attn(x": "self._attend(x",
    "    def _feed": "    def _attend(self, x, mask):\n        return self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]\n\n    def _feed"},
    "You leave out batch_first=True. nn.MultiheadAttention then reads (B, T, D) as (T, B, D), and tokens attend across texts.")
Block.mistake("drops_out", {"self.linear1(x).relu()": "F.dropout(self.linear1(x).relu(), 0.1, self.training)"},
    "You drop features at random, as nn.TransformerEncoderLayer does by default (0.1). No dropout is asked here.")
Block.mistake("names_the_attention_otherwise", {"self.self_attn =": "self.attention =", "self.self_attn(self": "self.attention(self",
    "self.self_attn(x": "self.attention(x"},
    "Your attention is called attention; nn.TransformerEncoderLayer's is called self_attn, and its weights load by name.")
Block.mistake("keeps_the_network_apart", {"self.linear1 = nn.Linear(d_model, d_ff)": "self.ffn = FeedForward(d_model, d_ff, F.relu)",
    "        self.linear2 = nn.Linear(d_ff, d_model)\n": "", "self.linear2(self.linear1(x).relu())": "self.ffn(x)"},
    "Your linear1 and linear2 sit in a submodule, ffn, which becomes a part of their names. nn.TransformerEncoderLayer holds both itself.")
Block.mistake("sets_another_eps", {"norm1 = nn.LayerNorm(d_model": "norm1 = nn.LayerNorm(d_model, eps=1e-12",
    "norm2 = nn.LayerNorm(d_model": "norm2 = nn.LayerNorm(d_model, eps=1e-12"},
    "Your norms have another eps than nn.LayerNorm's default, as BERT's have (1e-12). nn.TransformerEncoderLayer's have the default, 1e-5: leave it out.")
