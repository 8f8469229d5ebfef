"""Task row_parallel."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


def row_parallel_reference(xs, weights, bias, all_reduce):
    ys = all_reduce([F.linear(x, weight) for x, weight in zip(xs, weights)])
    return [y if bias is None else y + bias for y in ys]


row_parallel = Task(
    "row_parallel",
    reference=row_parallel_reference,
    section="parallel-row",
    hints=(
        "Every output is a sum over all I features. Each device has some of them: which part of the sum can it make alone?",
        "x_k @ weight_k.T on each device, one all_reduce of the list, then the bias. If every device adds the bias before the sum, how often is it in y?",
    ),
)


@row_parallel.probe(points=2, zero="B")
def computes_and_speaks_once(row_parallel, bench, B=2, T=3, I=2, O=4, n=3, dtype=torch.float32):
    """n devices with I, I + 1, I + 2, ... features of x (B, T, ...), with a bias: what each of them holds at the end, how often all_reduce is called, and how
    many numbers each device gives to it."""
    given = []

    def all_reduce(parts):
        given.append([part.numel() for part in parts])
        total = torch.stack(list(parts)).sum(0)
        return [total.clone() for _ in parts]

    xs, weights = ([bench.randn(*lead, I + k, dtype=dtype) for k in range(n)] for lead in [(B, T), (O,)])
    ys = row_parallel(xs, weights, bench.randn(O, dtype=dtype), all_reduce)
    return {"y of each device": bench.sequence(ys), "calls of all_reduce": len(given), "numbers that each device gives": given}


@row_parallel.probe(points=2)
def takes_any_leading_dimensions(row_parallel, bench):
    """One, two and four devices, with a bias and without, x a vector, a matrix, of four dimensions: what each device holds, how often all_reduce is called."""
    answers = {}
    for number, (lead, n, has_bias) in enumerate(bench.several([((), 2, True), ((5,), 4, False), ((2, 1, 3), 2, False), ((3,), 1, True)], 6), 1):
        calls = []

        def all_reduce(parts, calls=calls):
            calls.append(len(parts))
            total = torch.stack(list(parts)).sum(0)
            return [total.clone() for _ in parts]

        xs, weights = [bench.randn(*lead, 3, dtype=torch.float64) for _ in range(n)], [bench.randn(4, 3, dtype=torch.float64) for _ in range(n)]
        bias = bench.randn(4, dtype=torch.float64) if has_bias else None
        case = f"{number}. x {(*lead, 3)} on each of {n}, {'a' if has_bias else 'no'} bias"
        answers[case] = [bench.sequence(row_parallel(xs, weights, bias, all_reduce)), len(calls)]
    return answers


@row_parallel.probe(points=1)
def keeps_the_devices_apart(row_parallel, bench):
    """Three devices, sizes drawn at random: what each holds at the end, and whether tensors of two devices meet outside all_reduce."""
    sizes, O = [bench.size(2, 5) for _ in range(3)], bench.size(2, 6)
    xs, weights = ([bench.randn(rows, size, dtype=torch.float64) for size in sizes] for rows in (5, O))
    with bench.devices(xs, weights) as devices:
        ys = row_parallel(xs, weights, bench.randn(O, dtype=torch.float64), devices.all_reduce)
    return {"y of each device": bench.sequence(ys), "tensors of two devices meet": bench.band(devices.meetings, {"in all_reduce alone": 1, "elsewhere": math.inf})}


# fmt: off
row_parallel.mistake("adds_the_bias_on_every_device", {"x @ weight.T for": "x @ weight.T + (0 if bias is None else bias) for", "y if bias is None else y + bias": "y"},
    "Every device adds the bias before the sum, so that it is in y n times. Add it once: after all_reduce.")
row_parallel.mistake("forgets_the_bias", {"y if bias is None else y + bias": "y"}, "You leave the bias out. It is added once, to the sum.")
row_parallel.mistake("adds_the_bias_on_the_first_device", {"[y if bias is None else y + bias for y in total]": "[y if bias is None or k else y + bias for k, y in enumerate(total)]"},
    "After the sum only the first device adds the bias. Then the devices hold unlike y: after all_reduce each adds it to its own copy.")
row_parallel.mistake("takes_the_bias_for_a_tensor", {"y if bias is None else y + bias": "y + bias"}, "You add a bias that is None. The layer may have none.", raises=TypeError)
row_parallel.mistake("forgets_to_reduce", {"all_reduce(partial)": "partial"},
    "Your devices return what their own features give. y is the sum over all features: all_reduce the partial sums.")
row_parallel.mistake("waits_for_a_change_in_place", {"total = all_reduce(partial)": "all_reduce(partial)\n    total = partial"},
    "You throw away what all_reduce returns. That of torch.distributed writes the sum into the tensor that it is given; this one returns the sums.")
row_parallel.mistake("adds_up_in_one_place", {"all_reduce(partial)": "[sum(partial)] * len(xs)"},
    "You add the partial sums up yourself. They lie on different devices, which meet in all_reduce alone: call it once.")
row_parallel.mistake("gathers_the_inputs", {"[x @ weight.T for x, weight in zip(xs, weights)]": "[torch.cat(xs, -1) @ torch.cat(weights, 1).T for _ in xs]"},
    "You join x and W again, and every device gives the whole sum to all_reduce: y is there n times. Each works with what it holds.")
row_parallel.mistake("averages", {"y if bias is None else y + bias": "y / len(xs) + (0 if bias is None else bias)"},
    "You divide by the number of devices. The partial sums are parts of one sum: nothing is averaged.")
row_parallel.mistake("reduces_twice", {"all_reduce(partial)": "all_reduce(all_reduce(partial))"},
    "You call all_reduce twice. After the first call each device holds the whole sum; the second adds up n copies of it.")
row_parallel.mistake("calls_for_every_device", {"total = all_reduce(partial)": "total = [all_reduce(partial)[k] for k in range(len(xs))]"},
    "You call all_reduce once for each device. One call serves all of them: it returns a list with one sum for each.")
row_parallel.mistake("returns_one_y", {"for y in total]": "for y in total][0]"}, "You return one y. Each device has one: return the list.")
row_parallel.mistake("joins_the_parts", {"total = all_reduce(partial)": "all_reduce(partial)\n    total = [torch.cat(partial, -1)] * len(xs)", "y + bias": "y + torch.cat([bias] * len(xs))"},
    "You put the partial sums side by side. Each of them has all O features: they are added.")
row_parallel.mistake("forgets_the_transpose", {"x @ weight.T": "x @ weight"},
    "You multiply by weight as it is stored, (O, I_k). x_k ends in I_k: the product needs its transpose.", raises=RuntimeError)
row_parallel.mistake("hands_over_what_it_joined", {"[x @ weight.T for x, weight in zip(xs, weights)]":
    "[(torch.cat(xs, -1) @ torch.cat(weights, 1).T) * (0 if k else 1) for k in range(len(xs))]"},
    "You join x and W, and hand the finished y to all_reduce. They lie on different devices: each makes its own part of the sum, and all_reduce adds the parts up.")
