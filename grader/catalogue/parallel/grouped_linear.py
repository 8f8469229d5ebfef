"""Task grouped_linear."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


def grouped_linear_reference(x, weight, counts):
    """Linear by Linear: torch.nn.functional.grouped_mm computes the same, but neither in float64 nor in every size."""
    y, start = [x.new_empty(0, weight.shape[1])], 0
    for expert, count in enumerate(counts):
        y.append(F.linear(x[start : start + count], weight[expert]))
        start += count
    return torch.cat(y)


grouped_linear = Task(
    "grouped_linear",
    reference=grouped_linear_reference,
    section="parallel-grouped",
    hints=(
        "Where does the group of expert e start? What is left of an expert whose count is 0?",
        "x.split(counts) gives one block of rows for each expert, empty ones included. Multiply each by its own weight's transpose and put the results together with torch.cat.",
    ),
)


@grouped_linear.probe(points=2, zero="T")
def gives_each_row_its_expert(grouped_linear, bench, T=9, I=4, O=3, E=5, dtype=torch.float32):
    """x (T, I), weight (E, O, I) and random counts that add up to T."""
    counts = torch.bincount(bench.integers(0, E, T), minlength=E).tolist()
    return {f"counts {counts}": grouped_linear(bench.randn(T, I, dtype=dtype), bench.randn(E, O, I, dtype=dtype), counts)}


@grouped_linear.probe(points=1)
def lets_experts_go_empty(grouped_linear, bench):
    """Counts with zeros at the start, in the middle, at the end, and all rows for one expert, in random order: y, and the gradients of x and weight."""
    answers, size = {}, bench.size(2, 4)
    for number, counts in enumerate(bench.several([[0, size, 3, 1], [2, 0, 0, size], [size, 1, 0, 0], [0, 0, size, 0]], 6), 1):
        x, weight = bench.randn(sum(counts), 3, dtype=torch.float64).requires_grad_(), bench.randn(4, 2, 3, dtype=torch.float64).requires_grad_()
        y = grouped_linear(x, weight, counts)
        gradients = torch.autograd.grad(y, (x, weight), bench.randn(sum(counts), 2, dtype=torch.float64))
        answers[f"{number}. counts {counts}"] = [y.detach(), *gradients]
    return answers


@grouped_linear.probe(points=2)
def does_no_more_than_it_must(grouped_linear, bench):
    """Sizes drawn at random: y, the FLOPs of its matrix products by torch's counter, and the largest tensor that is made."""
    from torch.utils.flop_counter import FlopCounterMode

    made, I, O, E = bench.made(), bench.size(5, 8), bench.size(9, 12), bench.size(4, 6)
    counts = bench.several([0, *[bench.size(2, 9) for _ in range(E - 2)], 20])
    x, weight = bench.randn(sum(counts), I), bench.randn(E, O, I)
    with FlopCounterMode(display=False) as counter:
        with made:
            y = grouped_linear(x, weight, counts)
    limit, flops = max(x.numel(), weight.numel(), y.numel()), 2 * sum(counts) * I * O
    return {
        f"y, I={I}, O={O}, counts {counts}": y,
        "FLOPs": bench.band(counter.get_total_flops(), {"those of one Linear for each row": flops + 1, "more than one Linear for each row": math.inf}),
        "the largest tensor made": bench.band(made.largest, {"at most as large as x, weight or y": limit + 1, "larger than x, weight and y": math.inf}),
    }


# fmt: off
grouped_linear.mistake("forgets_the_transpose", {"matrix.T": "matrix"},
    "You multiply by an expert's weight as it is stored, (O, I). A row of x has I numbers: the product needs the transpose.", raises=RuntimeError)
grouped_linear.mistake("leaves_empty_experts_out", {"zip(x.split(counts), weight)": "zip([group for group in x.split(counts) if len(group)], weight)"},
    "You leave groups without rows out, and all experts after one move up by a place. Leave its weight out as well, or keep the empty group.")
grouped_linear.mistake("starts_every_group_at_the_first_row", {"x.split(counts)": "[x[:count] for count in counts]"},
    "Every group starts at the first row of x. The group of expert e starts after those of all experts before it.")
grouped_linear.mistake("takes_counts_for_ends", {"x.split(counts)": "[x[start:end] for start, end in zip([0, *counts], counts)]"},
    "You take counts for the places where groups end. They are the groups' sizes: add them up to find the ends.")
grouped_linear.mistake("cuts_evenly", {"x.split(counts)": "x.tensor_split(len(weight))"}, "You cut x into groups of equal size. counts says how many rows each expert has.")
grouped_linear.mistake("takes_one_expert_for_all", {"rows @ matrix.T": "rows @ weight[0].T"}, "You multiply all rows by the first expert's weight. Each group has its own.")
grouped_linear.mistake("takes_the_next_expert", {"zip(x.split(counts), weight)": "zip(x.split(counts), weight.roll(-1, 0))"}, "You give each group the weight of the expert after it.")
grouped_linear.mistake("computes_all_experts", {"rows @ matrix.T for rows, matrix in zip(x.split(counts), weight)":
    "(x @ matrix.T).split(counts)[expert] for expert, matrix in enumerate(weight)"},
    "You multiply every row by every expert's weight and keep one result of each: E times the work. A row meets its own expert alone.")
grouped_linear.mistake("copies_a_weight_for_each_row", {"torch.cat([rows @ matrix.T for rows, matrix in zip(x.split(counts), weight)])":
    "(weight.repeat_interleave(torch.tensor(counts, device=x.device), 0) @ x[:, :, None]).squeeze(2)"},
    "You copy a whole weight for every row. The rows of a group share theirs: multiply group by group.")
grouped_linear.mistake("returns_the_groups", {"torch.cat([": "[", "weight)])": "weight)]"}, "You return a list of groups. Put them together to one y (T, O).", raises=(TypeError, AttributeError))
grouped_linear.mistake("stacks_the_groups", {"torch.cat": "torch.stack"}, "You stack groups that have unlike numbers of rows. Put them one after the other: torch.cat.", raises=RuntimeError)
grouped_linear.mistake("cuts_the_weight_from_the_graph", {"matrix.T": "matrix.detach().T"}, "No gradient reaches weight: the experts never learn.", raises=RuntimeError)


@grouped_linear.impostor("You fill every group up to the size of the largest one and multiply zeros, too. Groups may be of very unlike size: a row costs 2·I·O FLOPs, and no row is added.")
def pads_the_groups(x, weight, counts):
    most = max(counts)
    padded = torch.stack([F.pad(group, (0, 0, 0, most - len(group))) for group in x.split(counts)])
    y = padded @ weight.mT
    return torch.cat([group[:count] for group, count in zip(y, counts)])


@grouped_linear.impostor("You fill a y of torch's default dtype, whatever x is. Make it like x: x.new_empty(...), or torch.cat of the groups.", raises=RuntimeError)
def has_the_default_dtype(x, weight, counts):
    y, start = torch.empty(len(x), weight.shape[1], device=x.device), 0
    for matrix, count in zip(weight, counts):
        y[start : start + count] = x[start : start + count] @ matrix.T
        start += count
    return y


@grouped_linear.impostor("You never move on to the next group: `start` stays where it was, or grows by 1. It grows by the group's count.")
def moves_on_by_one(x, weight, counts):
    y = x.new_zeros(len(x), weight.shape[1])
    for start, (matrix, count) in enumerate(zip(weight, counts)):
        y[start : start + count] = x[start : start + count] @ matrix.T
    return y
