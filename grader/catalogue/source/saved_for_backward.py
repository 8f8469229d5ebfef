"""Task saved_for_backward."""

import torch
import torch.nn.functional as F

from ...spec import Task


def saved_for_backward_reference(x_needs_grad, weight_needs_grad):
    inputs = {"x": torch.ones(4, 5, requires_grad=x_needs_grad), "weight": torch.ones(3, 5, requires_grad=weight_needs_grad)}
    bias, kept = torch.ones(3, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.data_ptr()) or tensor, lambda tensor: tensor):
        y = F.linear(*inputs.values(), bias)
    return sorted(name for name, tensor in {**inputs, "bias": bias, "y": y}.items() if tensor.data_ptr() in kept)


saved_for_backward = Task(
    "saved_for_backward",
    reference=saved_for_backward_reference,
    section="source-backward",
    hints=(
        "The gradient of x is G W, that of weight is Gᵀ x, that of bias a sum over G. Which tensor does each one read?",
        "x is read for the weight's gradient, weight for that of x. And torch.is_grad_enabled() says whether there is a graph at "
        "all.",
    ),
)


@saved_for_backward.probe(points=1)
def knows_the_two_extremes(saved_for_backward, bench):
    """x and weight both want a gradient; neither does. In random order."""
    cases = {"both want one": (True, True), "neither does": (False, False)}
    return {f"{number}. {case}": saved_for_backward(*cases[case]) for number, case in enumerate(bench.several(cases, 16), 1)}


@saved_for_backward.probe(points=1)
def knows_what_a_frozen_side_spares(saved_for_backward, bench):
    """Only x wants a gradient, as when weight is frozen; only weight does, as in a first layer. In random order."""
    cases = {"only x wants one": (True, False), "only weight does": (False, True)}
    return {f"{number}. {case}": saved_for_backward(*cases[case]) for number, case in enumerate(bench.several(cases, 16), 1)}


@saved_for_backward.probe(points=1)
def knows_what_is_kept_under_no_grad(saved_for_backward, bench):
    """Called under torch.no_grad() and outside, in random order: both want a gradient, only x, only weight."""
    wanted = {"both want one": (True, True), "only x wants one": (True, False), "only weight does": (False, True)}
    cases = {f"{mode}, {case}": (mode, wants) for mode in ("under no_grad", "outside") for case, wants in wanted.items()}
    answers = {}
    for number, case in enumerate(bench.several(cases, 16), 1):
        mode, wants = cases[case]
        with torch.set_grad_enabled(mode == "outside"):
            answers[f"{number}. {case}"] = saved_for_backward(*wants)
    return answers


# fmt: off
saved_for_backward.mistake("names_what_learns", {"if x_": "if weight_", 'weight_needs_grad:\n        kept.append("x")': 'x_needs_grad:\n        kept.append("x")'},
    "You name the tensors that want a gradient. Each gradient reads the other one: that of x reads weight.")
saved_for_backward.mistake("keeps_everything", {"return kept": 'return ["weight", "x"]'},
    "You name both tensors, whoever wants a gradient. The graph keeps only what a wanted gradient will read.")
saved_for_backward.mistake("keeps_the_output", {"return kept": 'return [*kept, "y"]'}, "You keep y as well. No gradient of a linear layer reads its output.")
saved_for_backward.mistake("keeps_the_bias", {"kept = []": 'kept = ["bias"]'}, "You keep the bias as well. Nothing is multiplied by it, so no gradient reads it.")
saved_for_backward.mistake("always_keeps_the_weight", {"if x_needs_grad": "if True"},
    "You always keep the weight, since it is a parameter. The graph keeps it only if x wants a gradient.")
saved_for_backward.mistake("always_keeps_the_input", {"if weight_needs_grad": "if True"},
    "You always keep x, as if every backward needed it. It is read for the weight's gradient only: a frozen layer lets go of it.")
saved_for_backward.mistake("forgets_no_grad", {"if not torch.is_grad_enabled()": "if False"},
    "Under torch.no_grad() you answer as outside. No graph is made there, so nothing is kept, whoever wants a gradient.")
