"""Right answers to exercise 08, each by another road."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .attention import ATTENTION


class FeedForwardAsSequence(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.activation = activation
        self.linear2 = nn.Linear(d_ff, d_model)
        self.linear1 = nn.Linear(d_model, d_ff)

    def forward(self, x):
        h = self.linear1(x)
        h = self.activation(h)
        return self.linear2(h)


class FeedForwardByHand(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x):
        h = self.activation(x @ self.linear1.weight.T + self.linear1.bias)
        return torch.einsum("...f,df->...d", h, self.linear2.weight) + self.linear2.bias


class FeedForwardOverRows(nn.Module):
    def __init__(self, d_model, d_ff, activation):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x):
        rows = self.activation(self.linear1(x.reshape(-1, x.shape[-1])))
        return self.linear2(rows).reshape(x.shape)


class BlockOfTorchAttention(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = nn.MultiheadAttention(d_model, heads, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x, mask=None):
        for norm, sublayer in ((self.norm1, self.attend), (self.norm2, self.feed)):
            x = x + sublayer(norm(x), mask) if self.norm_first else norm(x + sublayer(x, mask))
        return x

    def attend(self, x, mask):
        return self.self_attn(x, x, x, attn_mask=None if mask is None else mask.logical_not(), need_weights=False)[0]

    def feed(self, x, mask):
        return self.linear2(F.relu(self.linear1(x)))


class BlockThatAttendsByHand(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = nn.MultiheadAttention(d_model, heads, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x, mask=None):
        h = self.norm1(x) if self.norm_first else x
        h = x + self.attend(h, mask)
        h = h if self.norm_first else self.norm1(h)
        y = h + self.linear2(torch.clamp(self.linear1(self.norm2(h) if self.norm_first else h), min=0))
        return y if self.norm_first else self.norm2(y)

    def attend(self, x, mask):
        weight, bias, heads = self.self_attn.in_proj_weight, self.self_attn.in_proj_bias, self.self_attn.num_heads
        q, k, v = F.linear(x, weight, bias).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        scores = torch.einsum("bhtd,bhsd->bhts", q, k) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores + torch.where(mask, 0.0, -math.inf)
        return self.self_attn.out_proj(torch.einsum("bhts,bhsd->bthd", scores.softmax(-1), v).reshape(x.shape))


class BlockWithNormsByHand(nn.Module):
    def __init__(self, d_model, heads, d_ff, norm_first):
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = nn.MultiheadAttention(d_model, heads, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)

    def forward(self, x, mask=None):
        if self.norm_first:
            h = x + self.attend(self.normalise(x, self.norm1), mask)
            return h + self.feed(self.normalise(h, self.norm2), mask)
        h = self.normalise(x + self.attend(x, mask), self.norm1)
        return self.normalise(h + self.feed(h, mask), self.norm2)

    def attend(self, x, mask):
        return self.self_attn(x, x, x, attn_mask=None if mask is None else ~mask)[0]

    def feed(self, x, mask):
        return self.linear2(self.linear1(x).relu())

    def normalise(self, x, norm):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.weight + norm.bias


def flops_layer_by_layer(batch, tokens, d_model, d_ff):
    linears = [(d_model, 3 * d_model), (d_model, d_model), (d_model, d_ff), (d_ff, d_model)]
    return sum(2 * batch * tokens * i * o for i, o in linears), 2 * (2 * batch * tokens * tokens * d_model)


def flops_in_a_list(batch, tokens, d_model, d_ff):
    return [2 * batch * tokens * (4 * d_model**2 + 2 * d_model * d_ff), 4 * batch * tokens * tokens * d_model]


def flops_in_one_line(batch, tokens, d_model, d_ff):
    return 4 * batch * tokens * d_model * (2 * d_model + d_ff), 4 * batch * d_model * tokens**2


def flops_token_by_token(batch, tokens, d_model, d_ff):
    linears = attention = 0
    for _ in range(batch):
        linears += tokens * (8 * d_model * d_model + 4 * d_model * d_ff)
        attention += tokens * 4 * tokens * d_model
    return linears, attention


class TiedByTheEmbedding(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.lm_head = nn.Linear(d_model, vocab, bias=False)
        self.embedding = nn.Embedding(vocab, d_model)
        self.embedding.weight = self.lm_head.weight

    def forward(self, tokens):
        return self.lm_head(self.embedding(tokens))


class TiedByOneParameter(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        weight = nn.Parameter(torch.empty(vocab, d_model).normal_(std=0.02))
        self.embedding, self.lm_head = nn.Embedding(vocab, d_model), nn.Linear(d_model, vocab, bias=False)
        self.embedding.weight = self.lm_head.weight = weight

    def forward(self, tokens):
        return self.embedding(tokens) @ self.embedding.weight.T


class TiedByOnehot(nn.Module):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model)
        self.lm_head = nn.Linear(d_model, vocab, bias=False)
        self.lm_head.register_parameter("weight", self.embedding.weight)

    def forward(self, tokens):
        weight = self.lm_head.weight
        return self.lm_head(F.one_hot(tokens, len(weight)).to(weight.dtype) @ weight)


class HeadsByHand(nn.Module):
    def __init__(self, hidden, vocab):
        super().__init__()
        self.nsp = nn.Linear(hidden, 2)
        self.mlm = nn.Linear(hidden, vocab)

    def forward(self, hidden_states):
        first = hidden_states.select(1, 0)
        return [F.linear(hidden_states, self.mlm.weight, self.mlm.bias), first @ self.nsp.weight.T + self.nsp.bias]


class HeadsThatAskAndPick(nn.Module):
    def __init__(self, hidden, vocab):
        super().__init__()
        self.nsp, self.mlm = nn.Linear(hidden, 2), nn.Linear(hidden, vocab)

    def forward(self, hidden_states):
        return self.mlm(hidden_states), self.nsp(hidden_states)[:, 0, :]


class HeadsInOneProduct(nn.Module):
    def __init__(self, hidden, vocab):
        super().__init__()
        self.nsp, self.mlm = nn.Linear(hidden, 2), nn.Linear(hidden, vocab)

    def forward(self, hidden_states):
        weight = torch.cat([self.mlm.weight, self.nsp.weight])
        y = F.linear(hidden_states, weight, torch.cat([self.mlm.bias, self.nsp.bias]))
        return y[..., :-2], y[:, 0, -2:]


def linear_by_copying(weight, bias):
    layer = nn.Linear(weight.size(0), weight.size(1)).to(weight.device, weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight.t())
        layer.bias.copy_(bias)
    return layer


def linear_by_new_parameters(weight, bias):
    layer = nn.Linear(*weight.shape, device="meta")
    layer.weight, layer.bias = nn.Parameter(weight.T.clone()), nn.Parameter(bias.clone())
    return layer


def linear_by_assigning(weight, bias):
    layer = nn.utils.skip_init(nn.Linear, *weight.shape)
    layer.load_state_dict({"weight": weight.mT.contiguous().clone(), "bias": bias.clone()}, assign=True)
    return layer.requires_grad_()


RIGHT = {
    **ATTENTION,
    "FeedForward": (FeedForwardAsSequence, FeedForwardByHand, FeedForwardOverRows),
    "Block": (BlockOfTorchAttention, BlockThatAttendsByHand, BlockWithNormsByHand),
    "block_flops": (flops_layer_by_layer, flops_in_one_line, flops_token_by_token, flops_in_a_list),
    "TiedLM": (TiedByTheEmbedding, TiedByOneParameter, TiedByOnehot),
    "BertHeads": (HeadsByHand, HeadsThatAskAndPick, HeadsInOneProduct),
    "from_conv1d": (linear_by_copying, linear_by_new_parameters, linear_by_assigning),
}
