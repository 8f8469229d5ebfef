"""Right answers to exercise 13, each by another road."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def truncate_by_eigenvectors(layer, rank):
    W = layer.weight.detach()
    U = torch.linalg.eigh(W @ W.T).eigenvectors[:, -rank:]
    two = nn.Sequential(nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features, bias=layer.bias is not None)).to(W)
    two[0].weight.data = U.T @ W
    two[1].weight.data = U.contiguous()
    if layer.bias is not None:
        two[1].bias.data = layer.bias.detach().clone()
    return two


def truncate_by_numpy(layer, rank):
    U, S, Vh = (torch.from_numpy(each) for each in np.linalg.svd(layer.weight.detach().cpu().double().numpy()))
    root = S[:rank].sqrt()
    two = [nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features, bias=layer.bias is not None)]
    two = [each.to(layer.weight.device, layer.weight.dtype) for each in two]
    two[0].weight = nn.Parameter((root[:, None] * Vh[:rank]).to(layer.weight))
    two[1].weight = nn.Parameter((U[:, :rank] * root).to(layer.weight))
    if layer.bias is not None:
        two[1].load_state_dict({"bias": layer.bias}, strict=False)
    return nn.Sequential(*two)


def truncate_by_iteration(layer, rank):
    with torch.no_grad():
        W = layer.weight.double()
        V = torch.randn(layer.in_features, rank, dtype=torch.float64).to(W)
        for _ in range(200):
            V = torch.linalg.qr(W.T @ (W @ V)).Q
        first = nn.Linear(layer.in_features, rank, False, layer.weight.device, layer.weight.dtype)
        second = nn.Linear(rank, layer.out_features, layer.bias is not None, layer.weight.device, layer.weight.dtype)
        first.weight.copy_(V.T)
        second.weight.copy_(W @ V)
        if layer.bias is not None:
            second.bias.copy_(layer.bias)
        return nn.Sequential(first, second)


class LoRAOfOneWeight(nn.Module):
    def __init__(self, layer, rank, alpha):
        super().__init__()
        for p in layer.parameters():
            p.requires_grad = False
        self.layer, self.factor, self.before = layer, alpha / rank, None
        self.lora_A = nn.Parameter(torch.randn(rank, layer.in_features).to(layer.weight))
        self.lora_B = nn.Parameter(torch.zeros(layer.out_features, rank).to(layer.weight))

    def whole(self):
        return torch.addmm(self.layer.weight, self.lora_B, self.lora_A, alpha=self.factor)

    def forward(self, x):
        return F.linear(x, self.layer.weight if self.before is not None else self.whole(), self.layer.bias)

    def merge(self):
        if self.before is None:
            self.before = self.layer.weight.detach().clone()
            self.layer.weight.data = self.whole().detach()

    def unmerge(self):
        if self.before is not None:
            self.layer.weight.data, self.before = self.before, None


class LoRAOfLinears(nn.Module):
    def __init__(self, layer, rank, alpha):
        super().__init__()
        self.layer = layer
        self.layer.requires_grad_(False)
        like = {"device": layer.weight.device, "dtype": layer.weight.dtype}
        self.lora_A = nn.Parameter(nn.init.uniform_(torch.empty(rank, layer.in_features, **like)))
        self.lora_B = nn.Parameter(torch.zeros(layer.out_features, rank, **like))
        self.alpha, self.rank = alpha, rank
        self.register_buffer("merged", torch.tensor(False))

    def forward(self, x):
        y = self.layer(x)
        if not self.merged:
            y = y + F.linear(F.linear(x, self.lora_A) * self.alpha / self.rank, self.lora_B)
        return y

    def add(self, times):
        self.layer.weight.data.addmm_(self.lora_B.data, self.lora_A.data, alpha=times * self.alpha / self.rank)
        self.merged.logical_not_()

    def merge(self):
        if not self.merged:
            self.add(1)

    def unmerge(self):
        if self.merged:
            self.add(-1)


class LoRAThatKeepsItsDifference(nn.Module):
    def __init__(self, layer, rank, alpha):
        super().__init__()
        self.layer, self.scale = layer, alpha / rank
        for p in layer.parameters():
            p.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.empty_like(layer.weight[:1]).repeat(rank, 1).normal_(0, 0.02))
        self.lora_B = nn.Parameter(torch.zeros_like(layer.weight[:, :1]).repeat(1, rank))
        self.difference = None

    def forward(self, x):
        if self.difference is not None:
            return self.layer(x)
        return self.layer(x) + self.scale * torch.einsum("...i,ri,or->...o", x, self.lora_A, self.lora_B)

    @torch.no_grad()
    def merge(self):
        if self.difference is None:
            self.difference = self.scale * (self.lora_B @ self.lora_A)
            self.layer.weight = nn.Parameter(self.layer.weight + self.difference, requires_grad=False)

    @torch.no_grad()
    def unmerge(self):
        if self.difference is not None:
            self.layer.weight.sub_(self.difference)
            self.difference = None


class BlocksByConvolution(nn.Module):
    def __init__(self, in_features, out_features, blocks):
        super().__init__()
        for features in (in_features, out_features):
            if features % blocks != 0:
                raise ValueError(f"{features} features do not come in {blocks} blocks")
        self.blocks = blocks
        self.weight = nn.Parameter(torch.rand(blocks, out_features // blocks, in_features // blocks))
        self.bias = nn.Parameter(torch.rand(out_features))

    def forward(self, x):
        pixels = x.reshape(math.prod(x.shape[:-1]), x.shape[-1], 1)
        y = F.conv1d(pixels, self.weight.flatten(0, 1)[..., None], self.bias, groups=self.blocks)
        return y.reshape(*x.shape[:-1], len(self.bias))


class BlocksByBatches(nn.Module):
    def __init__(self, in_features, out_features, blocks):
        if math.gcd(in_features, out_features) % blocks:
            raise ValueError("blocks must divide both sizes")
        super().__init__()
        weight = torch.empty(blocks, out_features // blocks, in_features // blocks)
        self.weight, self.bias = nn.Parameter(weight.normal_()), nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        blocks, outputs, inputs = self.weight.shape
        rows = x.reshape(math.prod(x.shape[:-1]), blocks, inputs).transpose(0, 1)
        y = torch.baddbmm(self.bias.view(blocks, 1, outputs), rows, self.weight.mT)
        return y.transpose(0, 1).reshape(*x.shape[:-1], blocks * outputs)


class BlocksInALoop(nn.Module):
    def __init__(self, in_features, out_features, blocks):
        super().__init__()
        if in_features / blocks != in_features // blocks or out_features / blocks != out_features // blocks:
            raise ValueError(f"not in blocks: {in_features}, {out_features}")
        layers = [nn.Linear(in_features // blocks, out_features // blocks) for _ in range(blocks)]
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.cat([layer.bias.detach() for layer in layers]))

    def forward(self, x):
        parts = [part @ weight.T for part, weight in zip(x.chunk(len(self.weight), dim=-1), self.weight)]
        return torch.cat(parts, dim=-1) + self.bias


class KroneckerByEinsum(nn.Module):
    def __init__(self, a_in, a_out, b_in, b_out):
        super().__init__()
        self.shape = a_in, b_in
        self.a, self.b = nn.Parameter(torch.ones(a_out, a_in)), nn.Parameter(torch.ones(b_out, b_in))
        self.bias = nn.Parameter(torch.ones(a_out * b_out))

    def forward(self, x):
        half = torch.einsum("...jl,kl->...jk", x.unflatten(-1, self.shape), self.b)
        return torch.einsum("ij,...jk->...ik", self.a, half).flatten(-2) + self.bias


class KroneckerByColumns(nn.Module):
    def __init__(self, a_in, a_out, b_in, b_out):
        super().__init__()
        self.a = nn.Parameter(torch.randn(a_out, a_in))
        self.b = nn.Parameter(torch.randn(b_out, b_in))
        self.bias = nn.Parameter(torch.randn(a_out * b_out))

    def forward(self, x):
        y = self.bias.unflatten(0, (len(self.a), len(self.b)))
        for column, part in zip(self.a.unbind(1), x.chunk(self.a.shape[1], dim=-1)):
            y = y + column[:, None] * F.linear(part, self.b)[..., None, :]
        return y.flatten(-2)


class KroneckerByLinears(nn.Module):
    def __init__(self, a_in, a_out, b_in, b_out):
        super().__init__()
        a, b = nn.Linear(a_in, a_out, bias=False), nn.Linear(b_in, b_out, bias=False)
        self.a, self.b, self.bias = a.weight, b.weight, nn.Parameter(torch.zeros(a_out * b_out))

    def forward(self, x):
        X = x.reshape(*x.shape[:-1], self.a.shape[1], self.b.shape[1])
        Y = F.linear(F.linear(X.mT, self.a).mT, self.b)
        return Y.reshape(*x.shape[:-1], len(self.bias)) + self.bias


def prune_by_counting(weight):
    if weight.shape[1] % 4 != 0:
        raise ValueError("no fours")
    size = weight.reshape(weight.shape[0], -1, 4).abs()
    one, other = size[..., :, None], size[..., None, :]
    place = torch.arange(4, device=weight.device)
    ahead = (other > one) | ((other == one) & (place < place[:, None]))
    return torch.where(ahead.sum(-1) < 2, weight.reshape(size.shape), 0).reshape(weight.shape)


def prune_in_a_loop(weight):
    O, I = weight.shape
    if I // 4 * 4 < I:
        raise ValueError(f"{I} inputs")
    pruned = torch.zeros_like(weight)
    for row in range(O):
        for start in range(0, I, 4):
            places = sorted(range(start, start + 4), key=lambda place: -abs(weight[row, place].item()))
            for place in places[:2]:
                pruned[row, place] = weight[row, place]
    return pruned


def prune_by_two_maxima(weight):
    if weight.size(1) & 3:
        raise ValueError("I must be a multiple of 4")
    fours = torch.stack(weight.split(4, dim=1), 1)
    left, kept = fours.abs(), torch.zeros_like(fours, dtype=torch.bool)
    for _ in range(2):
        first = left.argmax(-1, keepdim=True)
        kept = kept.scatter(-1, first, True)
        left = left.scatter(-1, first, -1)
    return (fours * kept).flatten(1)


class WeightNormByNormalize(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight_v = nn.Parameter(torch.randn(out_features, in_features))
        self.weight_g = nn.Parameter(self.weight_v.detach().pow(2).sum(1, keepdim=True).sqrt())
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        return x @ (self.weight_g * F.normalize(self.weight_v, dim=1)).T + self.bias


class WeightNormOfTheOutputs(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight_v = nn.Parameter(nn.init.normal_(torch.empty(out_features, in_features), std=0.05))
        self.weight_g = nn.Parameter(torch.linalg.vector_norm(self.weight_v.data, dim=1)[:, None])
        self.bias = nn.Parameter(torch.rand(out_features))

    def forward(self, x):
        lengths = torch.linalg.vector_norm(self.weight_v, dim=1)
        return F.linear(x, self.weight_v) * (self.weight_g.squeeze(1) / lengths) + self.bias


class WeightNormByRoots(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        layer = nn.Linear(in_features, out_features)
        self.bias = layer.bias
        self.weight_v = nn.Parameter(layer.weight.detach().clone())
        self.weight_g = nn.Parameter(torch.stack([row.norm() for row in self.weight_v.detach()])[:, None])

    def forward(self, x):
        squares = torch.einsum("oi,oi->o", self.weight_v, self.weight_v)
        return torch.einsum("...i,oi,o->...o", x, self.weight_v, self.weight_g[:, 0] * squares.rsqrt()) + self.bias


RIGHT = {
    "truncate": (truncate_by_eigenvectors, truncate_by_numpy, truncate_by_iteration),
    "LoRALinear": (LoRAOfOneWeight, LoRAOfLinears, LoRAThatKeepsItsDifference),
    "BlockDiagonalLinear": (BlocksByConvolution, BlocksByBatches, BlocksInALoop),
    "KroneckerLinear": (KroneckerByEinsum, KroneckerByColumns, KroneckerByLinears),
    "prune_2_4": (prune_by_counting, prune_in_a_loop, prune_by_two_maxima),
    "WeightNormLinear": (WeightNormByNormalize, WeightNormOfTheOutputs, WeightNormByRoots),
}
