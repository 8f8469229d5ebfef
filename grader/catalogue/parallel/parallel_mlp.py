"""Task parallel_mlp."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


def parallel_mlp_reference(x, up_weights, up_biases, down_weights, down_bias, all_reduce):
    hidden = [F.gelu(F.linear(x, weight, bias)) for weight, bias in zip(up_weights, up_biases)]
    return [y + down_bias for y in all_reduce([F.linear(part, weight) for part, weight in zip(hidden, down_weights)])]


parallel_mlp = Task(
    "parallel_mlp",
    reference=parallel_mlp_reference,
    section="parallel-mlp",
    hints=(
        "What does a device hold after the first layer: parts of sums, or whole features? Which of the two may go through GELU as they are?",
        "column_parallel, F.gelu of each device's part, row_parallel: the parts are what the second layer wants, and nothing has to be gathered in between.",
    ),
)


@parallel_mlp.probe(points=2, zero="B")
def computes_and_speaks_once(parallel_mlp, bench, B=2, T=3, I=4, H=2, O=3, n=3, dtype=torch.float32):
    """x (B, T, I) on n devices with H, H + 1, H + 2, ... hidden features: what each device holds at the end, how often all_reduce is called, and how many
    numbers each device gives to it."""
    given = []

    def all_reduce(parts):
        given.append([part.numel() for part in parts])
        total = torch.stack(list(parts)).sum(0)
        return [total.clone() for _ in parts]

    x, down_bias = bench.randn(B, T, I, dtype=dtype), bench.randn(O, dtype=dtype)
    up, biases, down = ([bench.randn(*shape, dtype=dtype) for shape in shapes] for shapes in zip(*[((H + k, I), (H + k,), (O, H + k)) for k in range(n)]))
    ys = parallel_mlp(x, list(up), list(biases), list(down), down_bias, all_reduce)
    return {"y of each device": bench.sequence(ys), "calls of all_reduce": len(given), "numbers that each device gives": given}


@parallel_mlp.probe(points=2)
def lets_gradients_through(parallel_mlp, bench):
    """The gradients of x and of all parameters on two devices, for a random grad_output of the first device's y, x of one, two and three dimensions."""
    answers = {}
    for lead in bench.several([(), (5,), (2, 3)]):

        def all_reduce(parts):
            total = torch.stack(list(parts)).sum(0)
            return [total.clone() for _ in parts]

        shapes = {"x": (*lead, 4), "up 0": (6, 4), "up 1": (6, 4), "up bias 0": (6,), "up bias 1": (6,), "down 0": (3, 6), "down 1": (3, 6), "down bias": (3,)}
        given = {name: bench.randn(*shape, dtype=torch.float64).requires_grad_() for name, shape in shapes.items()}
        x, up_0, up_1, bias_0, bias_1, down_0, down_1, down_bias = given.values()
        y = parallel_mlp(x, [up_0, up_1], [bias_0, bias_1], [down_0, down_1], down_bias, all_reduce)[0]
        gradients = torch.autograd.grad(y, list(given.values()), bench.randn(*lead, 3, dtype=torch.float64))
        answers[f"x {(*lead, 4)}"] = dict(zip(given, gradients))
    return answers


@parallel_mlp.probe(points=1)
def keeps_the_devices_apart(parallel_mlp, bench):
    """Three devices, sizes drawn at random: what each holds at the end, and whether tensors of two devices meet outside all_reduce."""
    sizes, O = [bench.size(2, 5) for _ in range(3)], bench.size(2, 6)
    lists = [[bench.randn(*shape, dtype=torch.float64) for shape in shapes] for shapes in zip(*[((size, 4), (size,), (O, size)) for size in sizes])]
    with bench.devices(*lists) as devices:
        ys = parallel_mlp(bench.randn(5, 4, dtype=torch.float64), *map(list, lists), bench.randn(O, dtype=torch.float64), devices.all_reduce)
    return {"y of each device": bench.sequence(ys), "tensors of two devices meet": bench.band(devices.meetings, {"in all_reduce alone": 1, "elsewhere": math.inf})}


# fmt: off
parallel_mlp.mistake("forgets_gelu", {"F.gelu(h)": "h"}, "You leave GELU out. Two Linears with nothing between them are one Linear.")
parallel_mlp.mistake("activates_the_output", {"F.gelu(h)": "h", "return row_parallel(hidden, down_weights, down_bias, all_reduce)":
    "return [F.gelu(y) for y in row_parallel(hidden, down_weights, down_bias, all_reduce)]"},
    "You apply GELU after the second layer instead of between the two. Each device applies it to its own hidden features.")
parallel_mlp.mistake("activates_partial_sums", {"F.gelu(h)": "h", "return row_parallel(hidden, down_weights, down_bias, all_reduce)":
    "return [F.linear(torch.zeros_like(h), w, down_bias) + y for h, w, y in zip(hidden, down_weights, all_reduce([F.gelu(h @ w.T) for h, w in zip(hidden, down_weights)]))]"},
    "You apply GELU to each device's partial sums. GELU of parts does not add up to GELU of the sum, and it belongs before the second layer.")
parallel_mlp.mistake("takes_the_tanh_form", {"F.gelu(h)": 'F.gelu(h, approximate="tanh")'}, "You take GELU's approximation by tanh. Asked is the exact one, F.gelu as it stands.")
parallel_mlp.mistake("takes_relu", {"F.gelu": "F.relu"}, "Your activation is ReLU. Asked is GELU.")
parallel_mlp.mistake("reduces_after_each_layer", {"[F.gelu(h) for h in column_parallel(x, up_weights, up_biases)]":
    "all_reduce([F.gelu(F.linear(x, torch.cat(up_weights), torch.cat(up_biases))) / len(up_weights) for _ in up_weights])",
    "row_parallel(hidden,": "row_parallel([h.split([w.shape[1] for w in down_weights], -1)[k] for k, h in enumerate(hidden)],"},
    "You call all_reduce after either layer. After the first one nothing is a partial sum: every hidden feature is whole on its device. One call is enough.")
parallel_mlp.mistake("forgets_the_upper_biases", {"up_biases)": "[None] * len(up_weights))"}, "You leave the biases of the first layer out. Each device adds its own, before GELU.")
parallel_mlp.mistake("forgets_the_last_bias", {"hidden, down_weights, down_bias, all_reduce": "hidden, down_weights, None, all_reduce"}, "You leave the second layer's bias out. It is added once, after the sum.")
parallel_mlp.mistake("adds_the_last_bias_on_every_device", {"row_parallel(hidden, down_weights, down_bias, all_reduce)":
    "all_reduce([F.linear(h, w, down_bias) for h, w in zip(hidden, down_weights)])"},
    "Every device adds the second layer's bias before the sum, so that it is in y n times. Add it once.")
parallel_mlp.mistake("forgets_to_reduce", {"row_parallel(hidden, down_weights, down_bias, all_reduce)": "[F.linear(h, w, down_bias) for h, w in zip(hidden, down_weights)]"},
    "Your devices return what their own hidden features give. y is the sum over all of them: all_reduce.")
parallel_mlp.mistake("joins_everything", {"[F.gelu(h) for h in column_parallel(x, up_weights, up_biases)]": "F.gelu(torch.cat(column_parallel(x, up_weights, up_biases), -1))",
    "row_parallel(hidden, down_weights, down_bias, all_reduce)": "[F.linear(hidden, torch.cat(down_weights, 1), down_bias)] * len(up_weights)"},
    "You join the hidden features and the weights, and no device needs another. They lie apart, and meet in all_reduce alone.")
parallel_mlp.mistake("returns_one_y", {"hidden, down_weights, down_bias, all_reduce)": "hidden, down_weights, down_bias, all_reduce)[0]"}, "You return one y. Each device has one: return the list.", raises=IndexError)
parallel_mlp.mistake("cuts_the_graph", {"F.gelu(h)": "F.gelu(h).detach()"},
    "Your hidden features are cut off from autograd: the first layer gets no gradient and never learns.", raises=RuntimeError)
parallel_mlp.mistake("gathers_the_hidden_features", {"[F.gelu(h) for h in column_parallel(x, up_weights, up_biases)]":
    "F.gelu(torch.cat(column_parallel(x, up_weights, up_biases), -1)).split([len(w) for w in up_weights], -1)"},
    "You join what lies on different devices, weights or hidden features. GELU works number by number: each device applies it to its own features, and nothing is exchanged "
    "before all_reduce adds up what each gives of y.")
