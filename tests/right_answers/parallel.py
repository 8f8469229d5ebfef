"""Right answers to exercise 14, each by another road."""

import torch
import torch.nn.functional as F
from torch import nn


def columns_one_by_one(x, weights, biases):
    parts = []
    for weight, bias in zip(weights, biases):
        part = x @ weight.T
        parts.append(part if bias is None else part + bias)
    return parts


def columns_by_einsum(x, weights, biases):
    parts = tuple(torch.einsum("...i,oi->...o", x, weight) for weight in weights)
    return tuple(part + (bias if bias is not None else 0) for part, bias in zip(parts, biases))


def columns_of_rows(x, weights, biases):
    rows, parts = x.reshape(-1, x.shape[-1]), []
    for weight, bias in zip(weights, biases):
        part = torch.mm(rows, weight.mT) if bias is None else torch.addmm(bias, rows, weight.mT)
        parts.append(part.reshape(*x.shape[:-1], len(weight)))
    return parts


def rows_with_the_bias_on_one_device(xs, weights, bias, all_reduce):
    parts = []
    for device, (x, weight) in enumerate(zip(xs, weights)):
        parts.append(F.linear(x, weight, bias if device == 0 else None))
    return all_reduce(parts)


def rows_with_shares_of_the_bias(xs, weights, bias, all_reduce):
    share = None if bias is None else bias / len(xs)
    return all_reduce([F.linear(x, weight, share) for x, weight in zip(xs, weights)])


def rows_added_in_place(xs, weights, bias, all_reduce):
    totals = all_reduce(tuple(torch.einsum("...i,oi->...o", x, weight) for x, weight in zip(xs, weights)))
    if bias is not None:
        for total in totals:
            total += bias
    return tuple(totals)


def mlp_on_each_device(x, up_weights, up_biases, down_weights, down_bias, all_reduce):
    def work(device):
        hidden = F.gelu(x @ up_weights[device].T + up_biases[device])
        return hidden @ down_weights[device].T

    return [total + down_bias for total in all_reduce([work(device) for device in range(len(up_weights))])]


def mlp_by_the_error_function(x, up_weights, up_biases, down_weights, down_bias, all_reduce):
    parts = []
    for up, up_bias, down in zip(up_weights, up_biases, down_weights):
        h = F.linear(x, up, up_bias)
        parts.append(F.linear(h * (1 + torch.erf(h / 2**0.5)) / 2, down))
    parts[-1] = parts[-1] + down_bias
    return all_reduce(parts)


def mlp_of_modules(x, up_weights, up_biases, down_weights, down_bias, all_reduce):
    ups = [F.linear(x, *pair) for pair in zip(up_weights, up_biases)]
    activation, share = nn.GELU(), down_bias / len(ups)
    return tuple(all_reduce([F.linear(activation(up), down, share) for up, down in zip(ups, down_weights)]))


def loss_by_logsumexp(logits, target, all_reduce, all_max):
    logs = [part.logsumexp(1) for part in logits]
    largest = all_max(logs)
    sums = all_reduce([(log - most).exp() for log, most in zip(logs, largest)])
    starts = [sum(part.shape[1] for part in logits[:device]) for device in range(len(logits))]
    picked = []
    for start, part in zip(starts, logits):
        classes = torch.arange(start, start + part.shape[1], device=part.device)
        picked.append((part * (classes == target[:, None])).sum(1))
    return torch.mean(largest[0] + sums[0].log() - all_reduce(picked)[0])


def loss_in_one_sum(logits, target, all_reduce, all_max):
    largest = all_max([part.detach().amax(1) for part in logits])
    both, first = [], 0
    for part, most in zip(logits, largest):
        last = first + part.shape[1]
        rows = ((target >= first) & (target < last)).nonzero()[:, 0]
        right = part.new_zeros(len(part)).index_put((rows,), part[rows, target[rows] - first] - most[rows])
        both.append(torch.stack([(part - most[:, None]).exp().sum(1), right]))
        first = last
    sums, right = all_reduce(both)[0]
    return (sums.log() - right).sum() / len(target)


def loss_with_padding(logits, target, all_reduce, all_max):
    largest = all_max([part.max(dim=1, keepdim=True).values for part in logits])
    sums = all_reduce([torch.exp(part - most).sum(1, keepdim=True) for part, most in zip(logits, largest)])
    first, losses = 0, []
    for part, most, total in zip(logits, largest, sums):
        place = target - first
        outside = (place < 0) | (place >= part.shape[1])
        log = (part - most - total.log()).gather(1, place.clamp(0, part.shape[1] - 1)[:, None]).squeeze(1)
        losses.append(-log.masked_fill(outside, 0))
        first += part.shape[1]
    return all_reduce(losses)[0].mean()


def route_and_normalise_again(scores, k):
    weights, experts = torch.topk(torch.softmax(scores, -1), k)
    return weights / weights.sum(-1, keepdim=True), experts


def route_by_sorting(scores, k):
    experts = scores.argsort(dim=-1, descending=True)[:, :k]
    chosen = torch.gather(scores, 1, experts)
    powers = (chosen - chosen[:, :1]).exp()
    return [powers / powers.sum(1, keepdim=True), experts]


def route_one_after_the_other(scores, k):
    left, experts = scores.clone(), []
    for _ in range(k):
        best = left.argmax(1, keepdim=True)
        experts.append(best)
        left = left.scatter(1, best, float("-inf"))
    experts = torch.cat(experts, 1)
    logs = scores.gather(1, experts)
    return (logs - logs.logsumexp(1, keepdim=True)).exp(), experts


def groups_one_by_one(x, weight, counts):
    y, start = x.new_empty(len(x), weight.shape[1]), 0
    for expert, count in enumerate(counts):
        y[start : start + count] = F.linear(x[start : start + count], weight[expert])
        start += count
    return y


def groups_without_the_empty(x, weight, counts):
    ends = torch.tensor(counts).cumsum(0).tolist()
    found = [x[end - count : end] @ weight[expert].mT for expert, (end, count) in enumerate(zip(ends, counts)) if count]
    return torch.cat(found) if found else x.new_zeros(0, weight.shape[1])


def groups_by_masks(x, weight, counts):
    expert_of = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts)).to(x.device)
    y = torch.zeros(len(x), weight.shape[1], dtype=x.dtype, device=x.device)
    for expert in range(len(counts)):
        mine = expert_of == expert
        y[mine] = x[mine] @ weight[expert].T
    return y


class ExpertByExpert(nn.Module):
    def __init__(self, features, hidden, experts, k):
        super().__init__()
        self.router = nn.Linear(features, experts, bias=False)
        self.up = nn.Parameter(torch.empty(experts, hidden, features))
        self.down = nn.Parameter(torch.empty(experts, features, hidden))
        self.k, self.experts = k, experts
        for weight in (self.up, self.down):
            nn.init.xavier_uniform_(weight)

    def forward(self, x):
        tokens = x.flatten(0, -2) if x.dim() > 1 else x[None]
        scores = self.router(tokens)
        weights, chosen = scores.softmax(-1).topk(self.k, dim=-1)
        weights = weights / weights.sum(-1, keepdim=True)
        y, counts = torch.zeros_like(tokens), []
        for expert in range(self.experts):
            rows, places = torch.where(chosen == expert)
            counts.append(len(rows))
            hidden = F.relu(tokens[rows] @ self.up[expert].T)
            y[rows] += weights[rows, places, None] * (hidden @ self.down[expert].T)
        share = torch.tensor(counts, dtype=x.dtype, device=x.device) / sum(counts)
        return y.view(x.shape), self.experts * torch.dot(share, scores.softmax(-1).mean(0))


class TokenByToken(nn.Module):
    def __init__(self, features, hidden, experts, k):
        super().__init__()
        self.k = k
        self.down = nn.Parameter(torch.randn(experts, features, hidden) * 0.1)
        self.up = nn.Parameter(torch.randn(experts, hidden, features) * 0.1)
        self.router = nn.Linear(features, experts, bias=False)

    def forward(self, x):
        tokens = x.reshape(-1, x.shape[-1])
        scores, ys = self.router(tokens), []
        shares = torch.softmax(scores, dim=1)
        counts = torch.zeros_like(shares[0])
        for token, row in zip(tokens, scores):
            largest, experts = row.topk(self.k)
            hidden = torch.relu(self.up[experts] @ token)
            ys.append(largest.softmax(0) @ (self.down[experts] @ hidden[:, :, None])[:, :, 0])
            counts[experts] += 1
        balance = (counts * shares.sum(0)).sum() * len(counts) / (self.k * len(tokens) ** 2)
        return torch.stack(ys).reshape(x.shape), balance


class SortedChoiceByChoice(nn.Module):
    def __init__(self, features, hidden, experts, k):
        super().__init__()
        self.router = nn.Linear(features, experts, bias=False)
        self.up = nn.Parameter(torch.randn(experts, hidden, features) * features**-0.5)
        self.down = nn.Parameter(torch.randn(experts, features, hidden) * hidden**-0.5)
        self.k = k

    def forward(self, x):
        tokens = x.reshape(-1, x.shape[-1])
        shares = F.softmax(self.router(tokens), dim=-1)
        weights, chosen = shares.topk(self.k)
        weights, y = weights / weights.sum(-1, keepdim=True), 0
        counts = F.one_hot(chosen, shares.shape[1]).sum((0, 1))
        for choice in range(self.k):
            order = chosen[:, choice].argsort()
            sizes = chosen[:, choice].bincount(minlength=shares.shape[1]).tolist()
            groups = tokens[order].split(sizes)
            out = torch.cat([(group @ up.T).relu() @ down.T for group, up, down in zip(groups, self.up, self.down)])
            y = y + out[order.argsort()] * weights[:, choice : choice + 1]
        balance = (counts / counts.sum() * shares.mean(0)).sum() * shares.shape[1]
        return y.unflatten(0, x.shape[:-1]) if x.dim() > 1 else y[0], balance


RIGHT = {
    "column_parallel": (columns_one_by_one, columns_by_einsum, columns_of_rows),
    "row_parallel": (rows_with_the_bias_on_one_device, rows_with_shares_of_the_bias, rows_added_in_place),
    "parallel_mlp": (mlp_on_each_device, mlp_by_the_error_function, mlp_of_modules),
    "vocab_parallel_cross_entropy": (loss_by_logsumexp, loss_in_one_sum, loss_with_padding),
    "route": (route_and_normalise_again, route_by_sorting, route_one_after_the_other),
    "grouped_linear": (groups_one_by_one, groups_without_the_empty, groups_by_masks),
    "MoE": (ExpertByExpert, TokenByToken, SortedChoiceByChoice),
}
