"""Task MoE."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class MoEReference(nn.Module):
    """Expert by expert, each for the tokens that chose it."""

    def __init__(self, features, hidden, experts, k):
        super().__init__()
        self.router, self.k = nn.Linear(features, experts, bias=False), k
        self.up, self.down = nn.Parameter(torch.randn(experts, hidden, features)), nn.Parameter(torch.randn(experts, features, hidden))

    def forward(self, x):
        tokens = x.reshape(-1, x.shape[-1])
        shares = self.router(tokens).softmax(-1)
        weights, chosen = shares.topk(self.k)
        weights = weights / weights.sum(1, keepdim=True)
        y = torch.zeros_like(tokens)
        for expert in range(len(self.up)):
            token, place = (chosen == expert).nonzero(as_tuple=True)
            out = F.linear(F.relu(F.linear(tokens[token], self.up[expert])), self.down[expert])
            y = y.index_add(0, token, out * weights[token, place, None])
        load = torch.stack([(chosen == expert).sum() for expert in range(len(self.up))]).to(x.dtype) / chosen.numel()
        return y.reshape(x.shape), len(self.up) * (load @ shares.mean(0))


MoE = Task(
    "MoE",
    reference=MoEReference,
    section="parallel-experts",
    tolerance=(1e-5, 1e-5),
    tolerance_reason="a token's experts are added up in any order, and a softmax or a share computed in float32 is usual",
    hints=(
        "Make a list of all T · k assignments, sorted by expert. Which row of x does each of them need, and where does its result belong?",
        "order = experts.flatten().argsort(); assignment i belongs to token i // k. grouped_linear, relu, grouped_linear on tokens[order // k], times weights.flatten()[order], and "
        "index_add puts each to its token. bincount counts the assignments of each expert.",
    ),
)


@MoE.probe(points=1)
def names_its_parameters(MoE, bench):
    """The names and shapes in the state_dict, with random sizes."""
    features, hidden, experts = bench.size(3, 9), bench.size(10, 19), bench.size(20, 29)
    layer = MoE(features, hidden, experts, 2)
    shapes = {name: str(tuple(parameter.shape)) for name, parameter in sorted(layer.named_parameters())}
    return {f"MoE({features}, {hidden}, {experts}, 2) is": "an nn.Module" if isinstance(layer, nn.Module) else "no nn.Module", "parameters": shapes}


@MoE.probe(points=2)
def adds_up_its_experts(MoE, bench, B=2, T=4, features=3, hidden=5, k=2, others=3, dtype=torch.float32):
    """With given parameters, k of k + others experts: y for x (B, T, features), for a matrix, for a single token, for
    a transposed view."""
    E = k + others
    layer, answers = MoE(features, hidden, E, k).to(bench.device, dtype), {}
    shapes = {"router.weight": (E, features), "up": (E, hidden, features), "down": (E, features, hidden)}
    layer.load_state_dict({name: bench.randn(*shape, dtype=dtype) for name, shape in shapes.items()})
    for lead in [(B, T), (T,), ()]:
        y, _ = layer(bench.randn(*lead, features, dtype=dtype))
        answers[f"x {(*lead, features)}"] = y
    y, _ = layer(bench.randn(T, B, features, dtype=dtype).transpose(0, 1))
    return {**answers, f"x {(T, B, features)} transposed to {(B, T, features)}": y}


@MoE.probe(points=1)
def measures_the_balance(MoE, bench):
    """The second result: 24 tokens, k of 1, 2 and all 4 experts, a router of random weights, one of zeros but for a preferred expert, in random order."""
    answers = {}
    for number, (k, scale) in enumerate(bench.several([(1, 1), (2, 1), (4, 1), (1, 0), (2, 0)], 7), 1):
        layer = MoE(3, 2, 4, k).to(bench.device, torch.float64)
        router = bench.randn(4, 3, dtype=torch.float64)
        router = router if scale else router / 100 + 3 * torch.eye(4, dtype=torch.float64, device=bench.device)[:, [bench.size(0, 3)]]
        layer.load_state_dict({"router.weight": router, "up": bench.randn(4, 2, 3, dtype=torch.float64), "down": bench.randn(4, 3, 2, dtype=torch.float64)})
        x = bench.randn(2, 12, 3, dtype=torch.float64)
        answers[f"{number}. k={k}, {'a random router' if scale else 'a preferred expert'}"] = layer(x if scale else x.abs())[1]
    return answers


@MoE.probe(points=2)
def lets_gradients_through(MoE, bench):
    """The gradients of x and of all parameters, through y and through the balance, for random gradients of both."""
    layer = MoE(3, 6, 5, 2).to(bench.device, torch.float64)
    shapes = {"router.weight": (5, 3), "up": (5, 6, 3), "down": (5, 3, 6)}
    layer.load_state_dict({name: bench.randn(*shape, dtype=torch.float64) for name, shape in shapes.items()})
    x, answers = bench.randn(4, 6, 3, dtype=torch.float64).requires_grad_(), {}
    wanted = {"x": x, **{name: layer.get_parameter(name) for name in shapes}}
    y, balance = layer(x)
    through_y = torch.autograd.grad(y, list(wanted.values()), bench.randn(4, 6, 3, dtype=torch.float64), retain_graph=True)
    through_balance = torch.autograd.grad(balance, [x, wanted["router.weight"]], bench.randn(1, dtype=torch.float64)[0])
    return {"through y": dict(zip(wanted, through_y)), "through the balance": dict(zip(wanted, through_balance))}


@MoE.probe(points=1)
def asks_only_the_chosen(MoE, bench):
    """Sizes drawn at random: the second of two outputs, and the FLOPs of its matrix products by torch's counter."""
    from torch.utils.flop_counter import FlopCounterMode

    T, features, hidden, E, k = bench.size(20, 30), bench.size(3, 6), bench.size(7, 9), bench.size(8, 12), bench.size(2, 3)
    layer = MoE(features, hidden, E, k).to(bench.device)
    shapes = {"router.weight": (E, features), "up": (E, hidden, features), "down": (E, features, hidden)}
    layer.load_state_dict({name: bench.randn(*shape) for name, shape in shapes.items()})
    layer(bench.randn(7, features))
    with FlopCounterMode(display=False) as counter:
        y, _ = layer(bench.randn(T, features))
    limit = 2 * T * features * E + k * T * 4 * features * hidden + 2 * T * (E + k * features)
    case = f"y, T={T}, features={features}, hidden={hidden}, experts={E}, k={k}"
    return {case: y, "FLOPs": bench.band(counter.get_total_flops(), {"those of k experts for each token": limit + 1, "more than k experts for each token": math.inf})}


# fmt: off
MoE.mistake("forgets_to_sort_back", {"index_add(0, rows, ": "index_add(0, torch.arange(len(order), device=x.device) // self.k, "},
    "Your results stay in the experts' order: tokens get those of others. Add each to the token that it was computed for.")
MoE.mistake("forgets_to_sort", {"flatten().argsort()": "flatten().argsort() * 0 + torch.arange(experts.numel(), device=x.device)"},
    "You hand the rows to the experts in the tokens' order. grouped_linear wants them sorted by expert.")
MoE.mistake("leaves_the_weights_unsorted", {"weights.flatten()[order, None]": "weights.flatten()[:, None]"},
    "Your rows are sorted by expert and your weights are not: sort both alike.")
MoE.mistake("forgets_the_weights", {" * weights.flatten()[order, None]": ""}, "You add the experts up as they are. Each is multiplied by its weight first.")
MoE.mistake("averages_the_experts", {"weights.flatten()[order, None]": "(1 / self.k)"}, "You take the mean over a token's experts. Each counts by its weight.")
MoE.mistake("does_not_normalise_again", {"weights.flatten()[order, None]": "scores.softmax(-1).gather(1, experts).flatten()[order, None]"},
    "Your weights are shares of a softmax over all experts. Those of a token's k add up to 1: take route's.")
MoE.mistake("forgets_relu", {".relu()": ""}, "You leave ReLU out. up and down are one Linear then.")
MoE.mistake("takes_gelu", {"self.up, counts.tolist()).relu()": "self.up, counts.tolist())", "grouped_linear(hidden": "grouped_linear(F.gelu(hidden)"}, "Your activation is GELU. Asked is ReLU.")
MoE.mistake("puts_relu_last", {"self.up, counts.tolist()).relu()": "self.up, counts.tolist())", "self.down, counts.tolist())": "self.down, counts.tolist()).relu()"},
    "You apply ReLU after down instead of after up.")
MoE.mistake("uses_the_best_expert_only", {"weights.flatten()[order, None]": "(order % self.k < 1)[:, None]"}, "You use a token's best expert alone. All k are added up.")
MoE.mistake("overwrites", {"index_add(0, rows, ": "index_copy(0, rows, "}, "A token's later result overwrites its earlier one (`y[rows] = ...`, or `+=` with an index that comes twice). Add all k: index_add.")
MoE.mistake("takes_the_wrong_tokens", {"order // self.k": "order % len(tokens)"}, "Assignment i of the flattened experts belongs to token i // k.")
MoE.mistake("returns_a_matrix", {"return y.reshape(x.shape)": "return y"}, "You flatten x's leading dimensions and do not bring them back. y has x's shape.")
MoE.mistake("takes_memory_in_order_only", {"x.reshape(-1": "x.view(-1"},
    "You take a view of x's memory, which need not lie in order: of a transposed x, view raises. reshape copies where it must.", raises=RuntimeError)
MoE.mistake("adds_the_residual", {"return y.reshape(x.shape)": "return x + y.reshape(x.shape)"}, "You add x to the result. The residual connection belongs to the block.")
MoE.mistake("balance_without_the_number_of_experts", {"len(self.up) * ": ""}, "Your balance lacks the factor E: it would be smaller the more experts there are. Perfect balance gives 1.")
MoE.mistake("balance_of_tokens", {"/ experts.numel()": "/ len(tokens)"}, "You divide the counts by the number of tokens. There are k assignments a token: f is a share of all T · k.")
MoE.mistake("balance_by_counts", {" / experts.numel()": ""}, "Your f are counts. They are shares of the T · k assignments.")
MoE.mistake("balance_of_the_first_choice", {"load = counts.to(scores)": "load = self.k * experts[:, 0].bincount(minlength=len(self.up)).to(scores)"}, "You count first choices alone. All k assignments of a token count.")
MoE.mistake("balance_by_sums", {"scores.softmax(-1).mean(0)": "scores.softmax(-1).sum(0)"}, "You add the probabilities up over the tokens. P is their mean.")
MoE.mistake("balance_without_softmax", {"scores.softmax(-1).mean(0)": "scores.mean(0)"}, "You average the scores. P is the mean of their softmax over all experts.")
MoE.mistake("balance_of_the_softmax_over_tokens", {"scores.softmax(-1).mean(0)": "scores.softmax(0).mean(0)"}, "You take the softmax over the tokens. It goes over the experts.")
MoE.mistake("balance_of_probabilities", {"load = counts.to(scores) / experts.numel()": "load = scores.softmax(-1).mean(0)"}, "You multiply P by itself. f counts assignments.")
MoE.mistake("balance_of_counts_alone", {"* (load * scores.softmax(-1).mean(0)).sum()": "* (load * load).sum()"},
    "You square the counted shares. Nothing that is counted has a gradient: one of the two factors is P, the mean probability.", raises=RuntimeError)
MoE.mistake("balance_of_the_chosen_weights", {"scores.softmax(-1).mean(0)": "torch.zeros_like(scores).scatter(1, experts, weights).mean(0)"},
    "Your P is the mean of the routing weights, which are 0 for experts that are not chosen. It is the mean of the softmax over all experts.")
MoE.mistake("balance_without_gradient", {"scores.softmax(-1).mean(0)": "scores.softmax(-1).mean(0).detach()"}, "Your balance is cut off from autograd: the router cannot learn from it.", raises=RuntimeError)
MoE.mistake("returns_y_alone", {", balance": ""}, "You return y alone. Return y and the balance.", raises=ValueError)
MoE.mistake("has_a_router_with_bias", {"experts, bias=False": "experts"}, "Your router has a bias. It is nn.Linear(features, experts, bias=False).", raises=RuntimeError)
MoE.mistake("stores_up_transposed", {"torch.randn(experts, hidden, features)": "torch.randn(experts, features, hidden)", "self.up, counts.tolist())": "self.up.mT, counts.tolist())"},
    "Your up is (experts, features, hidden). Each expert's is stored as nn.Linear's weight, (hidden, features).", raises=RuntimeError)
MoE.mistake("forgets_to_call_super", {"        super().__init__()\n": ""}, "`super().__init__()` is missing. It makes the place where a module keeps its parameters, and comes first.", raises=AttributeError)
MoE.mistake("has_tensors_for_parameters", {"self.up = nn.Parameter(torch.randn(experts, hidden, features) / features**0.5)": "self.up = torch.randn(experts, hidden, features) / features**0.5"},
    "A plain tensor is no parameter: it is neither trained nor saved. Wrap it in nn.Parameter.", raises=RuntimeError)


@MoE.impostor("You compute every expert for every token and throw most of it away. A token costs k experts, however many there are: that is what they are for.")
class computes_all_experts(nn.Module):
    def __init__(self, features, hidden, experts, k):
        super().__init__()
        self.router, self.k = nn.Linear(features, experts, bias=False), k
        self.up, self.down = nn.Parameter(torch.randn(experts, hidden, features)), nn.Parameter(torch.randn(experts, features, hidden))

    def forward(self, x):
        tokens = x.reshape(-1, x.shape[-1])
        scores = self.router(tokens)
        largest, chosen = scores.topk(self.k)
        weights = torch.zeros_like(scores).scatter(1, chosen, largest.softmax(-1))
        outs = (tokens @ self.up.mT).relu() @ self.down.mT
        y = (weights.T[:, :, None] * outs).sum(0)
        load = chosen.flatten().bincount(minlength=len(self.up)).to(x.dtype) / chosen.numel()
        return y.reshape(x.shape), len(self.up) * (load * scores.softmax(-1).mean(0)).sum()
