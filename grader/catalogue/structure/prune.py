"""Task prune_2_4."""

import torch

from ...spec import Task


def prune_2_4_reference(weight):
    if weight.shape[1] % 4:
        raise ValueError(f"{weight.shape[1]} inputs are no whole number of fours")
    fours = weight.reshape(-1, 4)
    places = fours.abs().sort(dim=1, descending=True, stable=True).indices[:, 2:]
    return fours.scatter(1, places, 0).reshape(weight.shape)


prune_2_4 = Task(
    "prune_2_4",
    reference=prune_2_4_reference,
    section="structure-sparsity",
    hints=(
        "Cut each row into fours: what shape has the weight then? Within a four, which order puts the entries that stay first, and what does it do with equals?",
        "weight.unflatten(1, (-1, 4)).abs().argsort(dim=-1, descending=True, stable=True): the first two places are kept. gather takes their values, scatter puts them into zeros.",
    ),
)


@prune_2_4.probe(points=2)
def keeps_two_of_four(prune_2_4, bench, O=3, fours=5, dtype=torch.float32):
    """Random weights (O, 4 · fours), then their transposes' transposes: the same numbers in another layout."""
    weight, other = (bench.randn(O, 4 * fours, dtype=dtype) for _ in range(2))
    return {"in order": prune_2_4(weight), "transposed in memory": prune_2_4(other.T.contiguous().T)}


@prune_2_4.probe(points=1)
def keeps_the_first_of_equals(prune_2_4, bench):
    """Whole numbers from -2 to 2: many of a four are equal, or equal but for their sign. In float32 and bfloat16."""
    return {str(dtype): prune_2_4(bench.integers(-2, 3, 30, 8).to(dtype)) for dtype in (torch.float32, torch.bfloat16)}


@prune_2_4.probe(points=1)
def refuses_what_has_no_fours(prune_2_4, bench):
    """Random sizes, the inputs a multiple of four or not, in random order: what is raised, or the result."""
    answers = {}
    for number, rest in enumerate(bench.several([0, 1, 2, 3], 10), 1):
        weight, pruned = bench.randn(4 * bench.size(1, 3), 4 * bench.size(1, 3) + rest), []
        caught = bench.catch(lambda: pruned.append(prune_2_4(weight)), ValueError)
        answers[f"{number}. weight {tuple(weight.shape)}"] = {"raises": caught, "result": pruned}
    return answers


# fmt: off
prune_2_4.mistake("goes_by_the_value", {"groups.abs().argsort": "groups.argsort"},
    "You go by the numbers themselves: large negative ones are lost. Go by their absolute values.")
prune_2_4.mistake("keeps_the_smallest", {"[..., :2]": "[..., 2:]"}, "You keep the two smallest of each four, and drop the largest.")
prune_2_4.mistake("keeps_one", {"[..., :2]": "[..., :1]"}, "You keep one of each four. Two stay.")
prune_2_4.mistake("keeps_three", {"[..., :2]": "[..., :3]"}, "You keep three of each four. Two stay.")
prune_2_4.mistake("keeps_the_last_of_equals", {"groups.abs().argsort(dim=-1, descending=True, stable=True)":
    "3 - groups.flip(-1).abs().argsort(dim=-1, descending=True, stable=True)"},
    "Of equals you keep the last ones. The first ones stay: sort the entries in their order, with stable=True.")
prune_2_4.mistake("keeps_all_equals", {"kept = groups": "second = groups.abs().sort(-1).values[..., 2:3]\n    kept = groups",
    "torch.zeros_like(groups).scatter(-1, kept, groups.gather(-1, kept))": "(groups * (groups.abs() >= second))"},
    "You keep all that are as large as the second largest. Where some are equal, these are more than two.")
prune_2_4.mistake("drops_all_equals", {"kept = groups": "third = groups.abs().sort(-1).values[..., 1:2]\n    kept = groups",
    "torch.zeros_like(groups).scatter(-1, kept, groups.gather(-1, kept))": "(groups * (groups.abs() > third))"},
    "You keep what is larger than the third largest. Where some are equal, these are less than two.")
prune_2_4.mistake("groups_along_the_outputs", {"weight.unflatten(1, (-1, 4))": "weight.T.reshape(-1, 4)",
    "groups.gather(-1, kept)).flatten(1)": "groups.gather(-1, kept)).reshape(weight.T.shape).T"},
    "Your fours run along the outputs, down a column. Each four is of neighbours in one row: along the inputs.", raises=RuntimeError)
prune_2_4.mistake("groups_from_afar", {"unflatten(1, (-1, 4))": "unflatten(1, (4, -1)).mT", ".flatten(1)": ".mT.flatten(1)"},
    "Your fours are of entries a quarter of a row apart. Neighbours are entries 0 to 3, 4 to 7, and so on: unflatten into (-1, 4).")
prune_2_4.mistake("prunes_half_of_a_row", {"unflatten(1, (-1, 4))": "unflatten(1, (1, -1))", "[..., :2]": "[..., : weight.shape[1] // 2]"},
    "You keep the larger half of a whole row. Two of every four neighbours stay, however small they are beside the rest of the row.")
prune_2_4.mistake("prunes_half_of_all", {"weight.unflatten(1, (-1, 4))": "weight.reshape(1, -1)", "[..., :2]": "[..., : weight.numel() // 2]",
    ".flatten(1)": ".reshape(weight.shape)"},
    "You keep the larger half of the whole matrix. Two of every four neighbours stay, wherever they are.")
prune_2_4.mistake("keeps_one_of_each_pair", {"(-1, 4)": "(-1, 2)", "[..., :2]": "[..., :1]"},
    "You keep the larger of every two. That leaves two of four, but not always the two largest.")
prune_2_4.mistake("returns_absolute_values", {"groups.gather(": "groups.abs().gather("}, "You return absolute values. What stays, stays with its sign.")
prune_2_4.mistake("returns_a_mask", {"groups.gather(-1, kept)": "torch.ones_like(groups)"}, "You return which entries stay. Asked are the entries.")
prune_2_4.mistake("returns_the_values_alone", {"torch.zeros_like(groups).scatter(-1, kept, groups.gather(-1, kept))": "groups.gather(-1, kept.sort(-1).values)"},
    "You return the values that stay, packed. Asked is the weight in its shape, with zeros between them.")
prune_2_4.mistake("prunes_in_place", {"torch.zeros_like(groups).scatter(-1, kept, groups.gather(-1, kept)).flatten(1)":
    "weight.copy_(torch.zeros_like(groups).scatter(-1, kept, groups.gather(-1, kept)).flatten(1))"},
    "You write into the weight that you were given. Return a new one.")
prune_2_4.mistake("checks_the_outputs", {"weight.shape[1] % 4": "weight.shape[0] % 4"},
    "You look whether the outputs come in fours. The inputs have to: weight.shape[1].", raises=ValueError)
prune_2_4.mistake("leaves_the_rest_alone", {"if weight.shape[1] % 4:":
    "if len(rest := weight[:, weight.shape[1] // 4 * 4 :].T):\n        return torch.cat([prune_2_4(weight[:, : -len(rest)]), rest.T], 1)\n    if False:"},
    "Where the inputs are no whole number of fours, you leave the rest as it is. Raise ValueError.")
prune_2_4.mistake("raises_an_assertion", {"raise ValueError(": "raise AssertionError("},
    "You raise AssertionError, as `assert` does. Asserts are for what cannot be; a caller's mistake is a ValueError.")
