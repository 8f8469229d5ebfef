"""Task Block."""

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
    forbids=("torch.nn.TransformerEncoderLayer",),
    hints=(
        "Two sublayers, each inside x + sublayer(...). Where do norm1 and norm2 stand if norm_first, and where if not?",
        "norm_first: x = x + attend(norm1(x)), then x = x + feed(norm2(x)). Otherwise: x = norm1(x + attend(x)), then "
        "x = norm2(x + feed(x)). feed is linear2(relu(linear1(x))).",
    ),
)


@Block.probe(points=1)
def names_its_parameters_as_torch_does(Block, bench):
    """The names and shapes in the state_dict of Block(6, 3, 10, norm_first=True)."""
    layer = Block(6, 3, 10, norm_first=True)
    return {name: list(value.shape) for name, value in sorted(layer.state_dict().items())}


@Block.probe(points=1)
def normalises_after(Block, bench):
    """norm_first=False, with given weights: x (2, 5, 8), 2 heads, d_ff 12; then B = T = D = d_ff = 4."""
    answers = {}
    for B, T, D, d_ff in [(2, 5, 8, 12), (4, 4, 4, 4)]:
        layer = Block(D, 2, d_ff, False).to(bench.device, torch.float64)
        shapes = {name: value.shape for name, value in sorted(layer.state_dict().items())}
        layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
        answers[f"x {(B, T, D)}"] = layer(bench.randn(B, T, D, dtype=torch.float64))
    return answers


@Block.probe(points=1)
def normalises_first(Block, bench):
    """norm_first=True, with given weights: x (2, 5, 8), 2 heads, d_ff 12; then B = T = D = d_ff = 4."""
    answers = {}
    for B, T, D, d_ff in [(2, 5, 8, 12), (4, 4, 4, 4)]:
        layer = Block(D, 2, d_ff, True).to(bench.device, torch.float64)
        shapes = {name: value.shape for name, value in sorted(layer.state_dict().items())}
        layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
        answers[f"x {(B, T, D)}"] = layer(bench.randn(B, T, D, dtype=torch.float64))
    return answers


@Block.probe(points=2)
def learns_as_torch_does(Block, bench):
    """The gradients of x and of all twelve parameters, with the norm first and last."""
    answers = {}
    for norm_first in (True, False):
        layer = Block(8, 2, 12, norm_first).to(bench.device, torch.float64)
        shapes = {name: value.shape for name, value in sorted(layer.state_dict().items())}
        layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
        x = bench.randn(2, 5, 8, dtype=torch.float64).requires_grad_()
        layer(x).backward(bench.randn(2, 5, 8, dtype=torch.float64))
        gradients = {name: p.grad for name, p in sorted(layer.named_parameters())}
        answers[f"norm_first={norm_first}"] = {"x": x.grad, **gradients}
    return answers


@Block.probe(points=2)
def obeys_a_mask(Block, bench):
    """A causal mask (5, 5), True for may attend, while training; then in eval mode without gradients."""
    causal = torch.ones(5, 5, dtype=torch.bool, device=bench.device).tril()
    answers = {}
    for norm_first in (True, False):
        layer = Block(8, 2, 12, norm_first).to(bench.device, torch.float64)
        shapes = {name: value.shape for name, value in sorted(layer.state_dict().items())}
        layer.load_state_dict({name: 0.5 * bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
        x = bench.randn(2, 5, 8, dtype=torch.float64)
        answers[f"norm_first={norm_first}"] = layer(x, causal)
        layer.eval()
        with torch.no_grad():
            answers[f"norm_first={norm_first}, no gradients"] = layer(x, mask=causal)
    return answers


@Block.impostor(
    "You normalise after each sublayer whatever norm_first says. If it is True, the norm stands before the sublayer, off the "
    "residual road."
)
class always_normalises_after(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))


@Block.impostor(
    "You normalise before each sublayer whatever norm_first says. If it is False, the norm comes last: norm(x + sublayer(x))."
)
class always_normalises_first(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        x = x + attend(self.norm1(x))
        return x + feed(self.norm2(x))


@Block.impostor("Your two orders are exchanged: norm_first=True means that the norm stands before the sublayer.")
class reads_norm_first_the_wrong_way(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            x = self.norm1(x + attend(x))
            return self.norm2(x + feed(x))
        x = x + attend(self.norm1(x))
        return x + feed(self.norm2(x))


@Block.impostor(
    "With norm_first you overwrite x by its norm and add the sublayer to that. The residual is x as it came in: x + "
    "sublayer(norm(x))."
)
class adds_to_the_normalised_x(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            x = self.norm1(x)
            x = x + attend(x)
            x = self.norm2(x)
            return x + feed(x)
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))


@Block.impostor("You compute x + norm(sublayer(x)) when the norm comes last. It takes the whole sum: norm(x + sublayer(x)).")
class normalises_only_the_sublayer(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + feed(self.norm2(x))
        x = x + self.norm1(attend(x))
        return x + self.norm2(feed(x))


@Block.impostor("You have no residual connections: each sublayer's result is to be added to its x.")
class forgets_the_residuals(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            return feed(self.norm2(attend(self.norm1(x))))
        return self.norm2(feed(self.norm1(attend(x))))


@Block.impostor("norm1 and norm2 are exchanged: norm1 belongs to attention, norm2 to the feed-forward network.")
class exchanges_the_norms(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            x = x + attend(self.norm2(x))
            return x + feed(self.norm1(x))
        x = self.norm2(x + attend(x))
        return self.norm1(x + feed(x))


@Block.impostor("Your activation is GELU. This block, like nn.TransformerEncoderLayer by default, uses ReLU.")
class uses_gelu(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(F.gelu(self.linear1(x)))
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + feed(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))


@Block.impostor("You take a mask but do not hand it to the attention.")
class ignores_the_mask(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + feed(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))


@Block.impostor("Your mask is inverted: True means may attend here, but nn.MultiheadAttention reads True as blocked.")
class hands_torch_the_mask_as_it_is(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + feed(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))


@Block.impostor(
    "You drop features at random, as nn.TransformerEncoderLayer does by default (0.1). There is no dropout in this contract."
)
class drops_out(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.self_attn, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x, mask=None):
        attend = lambda x: self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.dropout(self.linear1(x).relu()))
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + feed(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))


@Block.impostor("Your attention is not called self_attn, so nn.TransformerEncoderLayer's weights do not load.")
class names_the_attention_otherwise(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.attention, self.norm_first = nn.MultiheadAttention(d_model, heads, batch_first=True), norm_first
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        attend = lambda x: self.attention(x, x, x, attn_mask=None if mask is None else ~mask, need_weights=False)[0]
        feed = lambda x: self.linear2(self.linear1(x).relu())
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + feed(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))
