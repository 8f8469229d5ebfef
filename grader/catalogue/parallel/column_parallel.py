"""Task column_parallel."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


def column_parallel_reference(x, weights, biases):
    return [F.linear(x, *own) for own in zip(weights, biases)]


column_parallel = Task(
    "column_parallel",
    reference=column_parallel_reference,
    section="parallel-column",
    hints=(
        "Each output feature needs all of x, one row of W and one number of b. Which of these does device k hold?",
        "Device k has a Linear of its own: F.linear(x, weight, bias) with its weight and its bias. zip walks over both lists.",
    ),
)


@column_parallel.probe(points=1, zero="B")
def computes_each_devices_features(column_parallel, bench, B=2, T=3, I=4, O=2, n=3, dtype=torch.float32):
    """x (B, T, I) on n devices with O, O + 1, O + 2, ... features: with biases, and with None for every other bias."""
    sizes, answers = [O + k for k in range(n)], {}
    for case in ("all have a bias", "every other bias is None"):
        weights, biases = [bench.randn(size, I, dtype=dtype) for size in sizes], [bench.randn(size, dtype=dtype) for size in sizes]
        biases = biases if case.startswith("all") else [None if k % 2 else bias for k, bias in enumerate(biases)]
        answers[case] = bench.sequence(column_parallel(bench.randn(B, T, I, dtype=dtype), weights, biases))
    return answers


@column_parallel.probe(points=1)
def takes_any_leading_dimensions(column_parallel, bench):
    """Devices with equally many features, none with a bias: x is a vector, a matrix, has four dimensions, is transposed."""
    answers, O = {}, bench.size(2, 4)
    for case, lead in {"x (5,)": (), "x (6, 5)": (6,), "x (2, 1, 3, 5)": (2, 1, 3), "x (3, 2, 5) transposed to (2, 3, 5)": (3, 2)}.items():
        x = bench.randn(*lead, 5)
        x = x.transpose(0, 1) if "transposed" in case else x
        answers[case] = bench.sequence(column_parallel(x, [bench.randn(O, 5) for _ in range(4)], [None] * 4))
    return answers


@column_parallel.probe(points=1)
def lets_gradients_through(column_parallel, bench, B=3, I=4, O=2, n=3):
    """The gradients of x, of all weights and of all biases, for a random grad_output on each device."""
    x = bench.randn(B, I, dtype=torch.float64).requires_grad_()
    weights = [bench.randn(O + k, I, dtype=torch.float64).requires_grad_() for k in range(n)]
    biases = [bench.randn(O + k, dtype=torch.float64).requires_grad_() for k in range(n)]
    grad_outputs = [bench.randn(B, O + k, dtype=torch.float64) for k in range(n)]
    gradients = torch.autograd.grad(list(column_parallel(x, weights, biases)), [x, *weights, *biases], grad_outputs)
    return {"of x": gradients[0], "of the weights": gradients[1 : n + 1], "of the biases": gradients[n + 1 :]}


@column_parallel.probe(points=1)
def keeps_the_devices_apart(column_parallel, bench):
    """Three devices, sizes drawn at random: what each computes, and whether tensors of two devices meet."""
    sizes, I = [bench.size(2, 5) for _ in range(3)], bench.size(2, 6)
    weights, biases = [bench.randn(size, I, dtype=torch.float64) for size in sizes], [bench.randn(size, dtype=torch.float64) for size in sizes]
    with bench.devices(weights, biases) as devices:
        ys = column_parallel(bench.randn(5, I, dtype=torch.float64), weights, biases)
    return {"y of each device": bench.sequence(ys), "tensors of two devices meet": bench.band(devices.meetings, {"nowhere": 1, "somewhere": math.inf})}


# fmt: off
column_parallel.mistake("forgets_the_biases", {"weight, bias) for": "weight) for"}, "You leave the biases out. Each device adds its own to its own features.")
column_parallel.mistake("gathers", {"return [": "return torch.cat([", "biases)]": "biases)], dim=-1)"},
    "You join the parts to the whole y. That is a gathering, for which the devices have to speak: return the list of their parts.")
column_parallel.mistake("stacks", {"return [": "return torch.stack([", "biases)]": "biases)])"},
    "You stack the parts to one tensor, and devices may have unlike numbers of features. Return the list of the parts.", raises=RuntimeError)
column_parallel.mistake("cuts_the_rows_of_x", {"F.linear(x, weight, bias) for weight, bias in zip(weights, biases)":
    "F.linear(part, weight, bias) for part, weight, bias in zip(x.chunk(len(weights)), weights, biases)"},
    "You give each device other rows of x. Here each device has all of x, and some of the output features.")
column_parallel.mistake("cuts_the_features_of_x", {"F.linear(x, weight, bias) for weight, bias in zip(weights, biases)":
    "F.linear(part, weight, bias) for part, weight, bias in zip(x.tensor_split(len(weights), -1), weights, biases)"},
    "You cut x's features, as a row-parallel layer does. Here every weight has all I columns, and every device all of x.", raises=RuntimeError)
column_parallel.mistake("forgets_the_transpose", {"F.linear(x, weight, bias)": "x @ weight + (0 if bias is None else bias)"},
    "You multiply by weight as it is stored, (O_k, I). x ends in I: the product needs its transpose.", raises=RuntimeError)
column_parallel.mistake("takes_every_bias_for_a_tensor", {"F.linear(x, weight, bias)": "x @ weight.T + bias"},
    "You add a bias that is None. A device may have none.", raises=TypeError)
column_parallel.mistake("takes_matrices_only", {"F.linear(x, weight, bias)": "torch.mm(x, weight.T) + (0 if bias is None else bias)"},
    "Your product is for matrices only. x may have any leading dimensions.", raises=RuntimeError)
column_parallel.mistake("shares_the_bias_out", {"F.linear(x, weight, bias)": "F.linear(x, weight, None if bias is None else bias / len(weights))"},
    "You divide the bias by the number of devices. Each device has features of its own here, and nothing is summed: it adds its bias whole.")
column_parallel.mistake("adds_the_parts_up", {"return [": "return [sum(", "biases)]": "biases))] * len(weights)"},
    "You add up the devices' parts. They are other features of y: they stand side by side, and nothing is summed.", raises=RuntimeError)
column_parallel.mistake("returns_the_first_devices_part", {"biases)]": "biases)][:1]"}, "You return the first device's part alone. Return one for each device.")
column_parallel.mistake("cuts_the_graph", {"F.linear(x, weight, bias)": "F.linear(x, weight, bias).detach()"},
    "Your parts are cut off from autograd (`detach`, `data` or `no_grad`): no gradient reaches anything.", raises=RuntimeError)
column_parallel.mistake("cuts_x_from_the_graph", {"F.linear(x, weight, bias)": "F.linear(x.detach(), weight, bias)"},
    "No gradient reaches x. It is what the layers below learn from: each device has a part of it, and autograd adds them up.", raises=RuntimeError)
column_parallel.mistake("joins_the_weights", {"[F.linear(x, weight, bias) for weight, bias in zip(weights, biases)]":
    "list(F.linear(x, torch.cat(weights), torch.cat([w.new_zeros(len(w)) if b is None else b for w, b in zip(weights, biases)])).split([len(w) for w in weights], -1))"},
    "You join the weights, compute the whole layer and cut y. They lie on different devices, and each device computes with its own: nothing is exchanged.")
column_parallel.mistake("gives_all_the_first_bias", {"F.linear(x, weight, bias)": "F.linear(x, weight, biases[0])"},
    "Every device adds the first one's bias. Each has a bias of its own: walk over both lists with zip.", raises=RuntimeError)
