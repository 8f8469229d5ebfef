"""Right answers to exercise 10, each by another road."""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint


def bytes_of_tensors(rows, in_features, out_features, dtype, bias=True):
    shapes = [(rows, in_features), (out_features, in_features), (rows, out_features)] + [(out_features,)] * bias
    return sum(torch.empty(shape, dtype=dtype, device="meta").nbytes for shape in shapes)


def bytes_of_a_layer(rows, in_features, out_features, dtype, bias=True):
    layer = nn.Linear(in_features, out_features, bias=bias, dtype=dtype, device="meta")
    numbers = sum(p.numel() for p in layer.parameters()) + rows * (in_features + out_features)
    return numbers * layer.weight.element_size()


def bytes_by_parts(rows, in_features, out_features, dtype, bias=True):
    size = torch.tensor([], dtype=dtype).element_size()
    moved = size * in_features * (rows + out_features)
    moved += size * rows * out_features
    if bias:
        moved += size * out_features
    return moved


def intensity_by_hand(rows, in_features, out_features, dtype):
    flops = 2 * rows * in_features * out_features
    numbers = rows * in_features + in_features * out_features + rows * out_features
    return flops / (numbers * dtype.itemsize)


def intensity_by_reciprocals(rows, in_features, out_features, dtype):
    return 2 / dtype.itemsize / (1 / rows + 1 / in_features + 1 / out_features)


def intensity_by_bits(rows, in_features, out_features, dtype):
    size = torch.finfo(dtype).bits // 8
    moved = size * (rows * (in_features + out_features) + in_features * out_features)
    return in_features * (out_features * (rows / moved)) * 2


def ridge_by_floats(in_features, out_features, dtype, peak, bandwidth):
    ridge = peak / bandwidth
    each_row = 2 * in_features * out_features - ridge * dtype.itemsize * (in_features + out_features)
    if each_row <= 0:
        return None
    return math.ceil(ridge * dtype.itemsize * in_features * out_features / each_row)


def ridge_by_reciprocals(in_features, out_features, dtype, peak, bandwidth):
    from fractions import Fraction

    left = Fraction(2 * bandwidth, dtype.itemsize * peak) - Fraction(1, in_features) - Fraction(1, out_features)
    return math.ceil(1 / left) if left > 0 else None


def ridge_by_bisection(in_features, out_features, dtype, peak, bandwidth):
    def computes(rows):
        moved = dtype.itemsize * (in_features * out_features + rows * (in_features + out_features))
        return 2 * rows * in_features * out_features * bandwidth >= moved * peak

    low, high = 0, 2**80
    if not computes(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if computes(middle) else (middle, high)
    return high


def tiled_by_adding_in_place(x, weight, bias, tile):
    y = torch.zeros(x.shape[0], weight.shape[0], dtype=x.dtype, device=x.device)
    row_slices, column_slices, feature_slices = (
        [slice(start, start + tile) for start in range(0, size, tile)] for size in (x.shape[0], weight.shape[0], x.shape[1])
    )
    for rows in row_slices:
        for columns in column_slices:
            for features in feature_slices:
                y[rows, columns] += x.load(rows, features) @ weight.load(columns, features).T
            y[rows, columns] += bias[columns]
    return y


def tiled_by_columns_first(x, weight, bias, tile):
    columns = []
    for column in range(0, weight.shape[0], tile):
        blocks = []
        for row in range(0, x.shape[0], tile):
            products = []
            for feature in range(0, x.shape[1], tile):
                features = slice(feature, feature + tile)
                products.append(torch.mm(x.load(slice(row, row + tile), features), weight.load(slice(column, column + tile), features).mT))
            blocks.append(sum(products) + bias[column : column + tile])
        columns.append(torch.cat(blocks))
    return torch.cat(columns, dim=1)


def tiled_by_single_features(x, weight, bias, tile):
    y = bias.repeat(x.shape[0], 1)
    for row in range(0, x.shape[0], tile):
        for column in range(0, weight.shape[0], tile):
            rows, columns = slice(row, row + tile), slice(column, column + tile)
            for feature in range(x.shape[1]):
                one = slice(feature, feature + 1)
                y[rows, columns] += x.load(rows, one) * weight.load(columns, one).flatten()
    return y


class CacheOfLists:
    def __init__(self):
        self.keys, self.values = [], []

    def append(self, k, v):
        self.keys += k.clone().unbind(2)
        self.values += v.clone().unbind(2)

    def __len__(self):
        return len(self.keys)

    @property
    def nbytes(self):
        return sum(t.nbytes for t in (*self.keys, *self.values))

    def attend(self, q):
        k, v = torch.stack(self.keys, 2), torch.stack(self.values, 2)
        answers = []
        for token in range(q.shape[2]):
            seen = len(self) - q.shape[2] + token + 1
            one = q[:, :, token].unflatten(1, (k.shape[1], -1))
            weights = (one @ k[:, :, :seen].transpose(2, 3) / math.sqrt(q.shape[3])).softmax(-1)
            answers.append((weights @ v[:, :, :seen]).flatten(1, 2))
        return torch.stack(answers, 2)


class CacheByEinsum:
    def __init__(self):
        self.tokens = 0
        self.memory = None

    def append(self, k, v):
        both = torch.stack([k, v])
        self.memory = both if self.memory is None else torch.cat([self.memory, both], 3)
        self.tokens += k.shape[2]

    def __len__(self):
        return self.tokens

    @property
    def nbytes(self):
        return self.memory.numel() * self.memory.element_size() if self.tokens else 0

    def attend(self, q):
        k, v = self.memory
        grouped = q.reshape(q.shape[0], k.shape[1], q.shape[1] // k.shape[1], q.shape[2], q.shape[3])
        scores = torch.einsum("bgqtd,bgsd->bgqts", grouped, k) / math.sqrt(q.shape[3])
        places = torch.arange(self.tokens, device=q.device)
        scores = scores.masked_fill(places > places[self.tokens - q.shape[2] :, None], -math.inf)
        return torch.einsum("bgqts,bgsd->bgqtd", scores.softmax(-1), v).reshape(q.shape)


class CacheWithRoomToGrow:
    def __init__(self):
        self.memory, self.used = None, 0

    def append(self, k, v):
        needed = self.used + k.shape[2]
        if self.memory is None or needed > self.memory.shape[3]:
            larger = k.new_zeros(2, *k.shape[:2], 2 * needed, k.shape[3])
            if self.used:
                larger[:, :, :, : self.used] = self.memory[:, :, :, : self.used]
            self.memory = larger
        self.memory[0, :, :, self.used : needed] = k
        self.memory[1, :, :, self.used : needed] = v
        self.used = needed

    def __len__(self):
        return self.used

    @property
    def nbytes(self):
        return self.memory[:, :, :, : self.used].nbytes if self.used else 0

    def attend(self, q):
        k, v = self.memory[:, :, :, : self.used]
        shared, answers = q.shape[1] // k.shape[1], []
        future = torch.full((q.shape[2], self.used), -math.inf, dtype=q.dtype, device=q.device).triu(self.used - q.shape[2] + 1)
        for head in range(q.shape[1]):
            scores = q[:, head] @ k[:, head // shared].mT / math.sqrt(q.shape[3]) + future
            answers.append(scores.softmax(-1) @ v[:, head // shared])
        return torch.stack(answers, 1)


def loss_with_gradients_along(x, weight, target, chunk):
    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            total, weight = x.new_zeros(()), weight.detach().requires_grad_()
            for_x, for_weight = torch.zeros_like(x), torch.zeros_like(weight)
            for rows, part, targets in zip(x.split(chunk), for_x.split(chunk), target.split(chunk)):
                rows = rows.detach().requires_grad_()
                with torch.enable_grad():
                    loss = F.cross_entropy(F.linear(rows, weight), targets, reduction="sum")
                by_rows, by_weight = torch.autograd.grad(loss, (rows, weight))
                part.copy_(by_rows)
                for_weight += by_weight
                total += loss.detach()
            ctx.save_for_backward(for_x, for_weight)
            return total

        @staticmethod
        def backward(ctx, upstream):
            return tuple(upstream * gradient for gradient in ctx.saved_tensors)

    return Loss.apply(x, weight) / target.ne(-100).sum()


def loss_that_computes_again(x, weight, target, chunk):
    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            logs = torch.cat([(rows @ weight.mT).logsumexp(-1) for rows in x.split(chunk)])
            ctx.save_for_backward(x, weight, logs)
            right = (x * weight[target.clamp(min=0)]).sum(-1)
            return (logs - right)[target >= 0].mean()

        @staticmethod
        def backward(ctx, upstream):
            x, weight, logs = ctx.saved_tensors
            for_rows, for_weight, counted = [], torch.zeros_like(weight), target >= 0
            scale = upstream / counted.sum()
            for start in range(0, len(x), chunk):
                rows = slice(start, start + chunk)
                p = (x[rows] @ weight.mT - logs[rows, None]).exp()
                index = torch.arange(len(p), device=x.device)
                p[index, target[rows].clamp(min=0)] -= 1
                p = p * counted[rows, None] * scale
                for_rows.append(p @ weight)
                for_weight += p.mT @ x[rows]
            return torch.cat(for_rows), for_weight

    return Loss.apply(x, weight)


def loss_of_checkpointed_indices(x, weight, target, chunk):
    def part(start, x, weight):
        rows = slice(start, start + chunk)
        logs = (x[rows] @ weight.T).log_softmax(-1)
        return F.nll_loss(logs, target[rows], reduction="sum")

    losses = [checkpoint(part, start, x, weight, use_reentrant=False) for start in range(0, x.shape[0], chunk)]
    return torch.stack(losses).sum() / (target != -100).sum()


def clip_by_where(x, limit):
    norm = torch.linalg.vector_norm(x)
    clipped = norm > limit
    safe = torch.where(clipped, norm, torch.ones_like(norm))
    return torch.where(clipped, limit / safe, torch.ones_like(norm)) * x


def clip_by_maximum(x, limit):
    larger = torch.maximum(x.norm(), x.new_full((), limit))
    return x / larger * limit


def clip_by_squares(x, limit):
    times = torch.clamp(x.square().sum() / limit**2, min=1.0)
    return x * times.rsqrt()


RIGHT = {
    "linear_bytes": (bytes_of_tensors, bytes_of_a_layer, bytes_by_parts),
    "intensity": (intensity_by_hand, intensity_by_reciprocals, intensity_by_bits),
    "ridge_rows": (ridge_by_floats, ridge_by_reciprocals, ridge_by_bisection),
    "tiled_linear": (tiled_by_adding_in_place, tiled_by_columns_first, tiled_by_single_features),
    "KVCache": (CacheOfLists, CacheByEinsum, CacheWithRoomToGrow),
    "chunked_linear_cross_entropy": (loss_with_gradients_along, loss_that_computes_again, loss_of_checkpointed_indices),
    "clip_norm": (clip_by_where, clip_by_maximum, clip_by_squares),
}
