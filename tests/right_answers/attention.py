"""Right answers to exercise 08's tasks of attention, each by another road; those of the rest are in transformer."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def qkv_by_einsum(x, in_proj_weight, in_proj_bias):
    y = torch.einsum("...i,oi->...o", x, in_proj_weight)
    return torch.tensor_split(y if in_proj_bias is None else y + in_proj_bias, 3, dim=-1)


def qkv_by_slices(x, in_proj_weight, in_proj_bias):
    y, D = x @ in_proj_weight.T, x.shape[-1]
    if in_proj_bias is not None:
        y += in_proj_bias
    return [y[..., start : start + D] for start in (0, D, 2 * D)]


def qkv_by_flattening(x, in_proj_weight, in_proj_bias):
    rows = in_proj_weight.mm(x.reshape(-1, x.shape[-1]).t()).t()
    if in_proj_bias is not None:
        rows = rows + in_proj_bias
    return tuple(part.reshape(x.shape) for part in rows.unflatten(1, (3, x.shape[-1])).unbind(1))


def split_by_stacking(x, heads):
    if x.shape[-1] % heads != 0:
        raise ValueError(f"D = {x.shape[-1]} is not a multiple of heads = {heads}")
    return torch.stack(x.chunk(heads, dim=2), dim=1)


def split_by_permuting(x, heads):
    d, remainder = divmod(x.size(2), heads)
    if remainder:
        raise ValueError(f"cannot split {x.size(2)} features into {heads} heads")
    return x.view(x.size(0), x.size(1), heads, d).permute(0, 2, 1, 3).contiguous()


def split_head_by_head(x, heads):
    B, T, D = x.shape
    if D % heads:
        raise ValueError(f"{heads} heads do not divide {D} features")
    out = x.new_empty(B, heads, T, D // heads)
    for head in range(heads):
        out[:, head] = x[:, :, head * D // heads : (head + 1) * D // heads]
    return out


def merge_by_concatenating(x):
    return torch.cat(x.unbind(1), dim=-1)


def merge_by_copying(x):
    B, heads, T, d = x.size()
    return x.permute(0, 2, 1, 3).contiguous().view(B, T, heads * d)


def merge_into_an_empty_tensor(x):
    B, heads, T, d = x.shape
    out = x.new_empty(B, T, heads * d)
    for head in range(heads):
        out[:, :, head * d : (head + 1) * d] = x[:, head]
    return out


def attention_by_einsum(q, k, v, mask=None):
    scores = torch.einsum("...td,...sd->...ts", q * q.shape[-1] ** -0.5, k)
    if mask is not None and mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=q.dtype).masked_fill(mask.logical_not(), -1e9)
    weights = F.softmax(scores if mask is None else scores + mask, dim=-1)
    return torch.einsum("...ts,...sd->...td", weights, v)


def attention_by_logsumexp(q, k, v, mask=None):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = torch.where(mask, scores, -math.inf) if mask.dtype == torch.bool else scores + mask
    return torch.exp(scores - torch.logsumexp(scores, -1, keepdim=True)) @ v


def attention_query_by_query(q, k, v, mask=None):
    if mask is not None:
        mask = mask.expand(*torch.broadcast_shapes(mask.shape[:-2], q.shape[:-2]), *mask.shape[-2:])
    rows = []
    for t in range(q.shape[-2]):
        scores = (k * q[..., t : t + 1, :]).sum(-1) / q.shape[-1] ** 0.5
        if mask is not None:
            row = mask[..., t if mask.shape[-2] > 1 else 0, :]
            scores = scores.masked_fill(~row, -math.inf) if row.dtype == torch.bool else scores + row
        rows.append((scores.softmax(-1)[..., None] * v).sum(-2))
    return torch.stack(rows, dim=-2)


def attention_with_a_softmax_in_float32(q, k, v, mask=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), torch.finfo(scores.dtype).min) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1, dtype=torch.float32).to(v.dtype) @ v


class MultiHeadWithASoftmaxInFloat32(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads = heads
        self.in_proj_weight, self.in_proj_bias = nn.Parameter(torch.randn(3 * d_model, d_model)), nn.Parameter(torch.randn(3 * d_model))
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, x, mask=None):
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(mask.logical_not(), -torch.inf) if mask.dtype == torch.bool else scores + mask
        return self.out_proj((scores.softmax(-1, dtype=torch.float32).to(v.dtype) @ v).transpose(1, 2).flatten(2))


class MultiHeadByTorchAttention(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * d_model, d_model)))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d_model))
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, x, mask=None):
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(y.transpose(1, 2).flatten(2))


class MultiHeadHeadByHead(nn.Module):
    """Each head by slices of the weights; the output projection as a sum over heads."""

    def __init__(self, d_model, heads):
        super().__init__()
        self.out_proj = nn.Linear(d_model, d_model)
        self.in_proj_bias = nn.Parameter(torch.randn(3 * d_model))
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d_model, d_model))
        self.d, self.d_model = d_model // heads, d_model

    def forward(self, x, mask=None):
        y = self.out_proj.bias
        for start in range(0, self.d_model, self.d):
            rows = [slice(part * self.d_model + start, part * self.d_model + start + self.d) for part in range(3)]
            q, k, v = (x @ self.in_proj_weight[r].T + self.in_proj_bias[r] for r in rows)
            scores = q @ k.mT / self.d**0.5
            if mask is not None:
                scores = torch.where(mask, scores, -math.inf) if mask.dtype == torch.bool else scores + mask
            y = y + scores.softmax(-1) @ v @ self.out_proj.weight[:, start : start + self.d].T
        return y


class MultiHeadByEinsum(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads = heads
        self.register_parameter("in_proj_weight", nn.Parameter(torch.empty(3 * d_model, d_model).normal_()))
        self.register_parameter("in_proj_bias", nn.Parameter(torch.empty(3 * d_model).normal_()))
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, x, mask=None):
        weight = self.in_proj_weight.unflatten(0, (3, self.heads, -1))
        bias = self.in_proj_bias.unflatten(0, (3, self.heads, -1))
        q, k, v = torch.einsum("bti,phdi->pbhtd", x, weight) + bias[:, None, :, None]
        scores = torch.einsum("bhtd,bhsd->bhts", q, k) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores + (mask if mask.dtype != torch.bool else torch.where(mask, 0.0, -math.inf))
        y = torch.einsum("bhts,bhsd->bthd", scores.softmax(-1), v)
        return self.out_proj(y.reshape(x.shape))


class CrossByTorchAttention(nn.Module):
    def __init__(self, d_model, d_memory, heads, d_k, d_v):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(d_model, heads * d_k), nn.Linear(d_memory, heads * d_k)
        self.v_proj, self.out_proj = nn.Linear(d_memory, heads * d_v), nn.Linear(heads * d_v, d_model)

    def forward(self, x, memory):
        projected = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        q, k, v = (t.unflatten(-1, (self.heads, t.shape[-1] // self.heads)).transpose(1, 2) for t in projected)
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class CrossHeadByHead(nn.Module):
    """Each head by slices of the weights; the output projection as a sum over heads."""

    def __init__(self, d_model, d_memory, heads, d_k, d_v):
        super().__init__()
        self.out_proj = nn.Linear(heads * d_v, d_model)
        self.v_proj = nn.Linear(d_memory, heads * d_v)
        self.k_proj = nn.Linear(d_memory, heads * d_k)
        self.q_proj = nn.Linear(d_model, heads * d_k)
        self.sizes = heads, d_k, d_v

    def forward(self, x, memory):
        heads, d_k, d_v = self.sizes
        y = self.out_proj.bias
        for j in range(heads):
            of_key, of_value = slice(j * d_k, (j + 1) * d_k), slice(j * d_v, (j + 1) * d_v)
            q = x @ self.q_proj.weight[of_key].T + self.q_proj.bias[of_key]
            k = memory @ self.k_proj.weight[of_key].T + self.k_proj.bias[of_key]
            v = memory @ self.v_proj.weight[of_value].T + self.v_proj.bias[of_value]
            y = y + (q @ k.mT / math.sqrt(d_k)).softmax(-1) @ v @ self.out_proj.weight[:, of_value].T
        return y


class CrossByEinsum(nn.Module):
    def __init__(self, d_model, d_memory, heads, d_k, d_v):
        super().__init__()
        self.heads, self.d_k, self.d_v = heads, d_k, d_v
        self.q_proj, self.k_proj = nn.Linear(d_model, d_k * heads), nn.Linear(d_memory, d_k * heads)
        self.v_proj, self.out_proj = nn.Linear(d_memory, d_v * heads), nn.Linear(d_v * heads, d_model)

    def forward(self, x, memory):
        q = self.q_proj(x).view(*x.shape[:2], self.heads, self.d_k)
        k = self.k_proj(memory).view(*memory.shape[:2], self.heads, self.d_k)
        v = self.v_proj(memory).view(*memory.shape[:2], self.heads, self.d_v)
        weights = torch.einsum("bthd,bshd->bhts", q * self.d_k**-0.5, k).softmax(-1)
        return self.out_proj(torch.einsum("bhts,bshd->bthd", weights, v).reshape(*x.shape[:2], self.heads * self.d_v))


ATTENTION = {
    "fused_qkv": (qkv_by_einsum, qkv_by_slices, qkv_by_flattening),
    "split_heads": (split_by_stacking, split_by_permuting, split_head_by_head),
    "merge_heads": (merge_by_concatenating, merge_by_copying, merge_into_an_empty_tensor),
    "attention": (attention_by_einsum, attention_by_logsumexp, attention_query_by_query, attention_with_a_softmax_in_float32),
    "MultiHeadAttention": (MultiHeadByTorchAttention, MultiHeadHeadByHead, MultiHeadByEinsum, MultiHeadWithASoftmaxInFloat32),
    "CrossAttention": (CrossByTorchAttention, CrossHeadByHead, CrossByEinsum),
}
