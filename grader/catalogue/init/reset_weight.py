"""Task reset_weight_."""

import math

import torch
from torch import nn

from ...spec import Task
from .shared import READY_MADE


def reset_weight_reference(weight, a=math.sqrt(5)):
    if not weight.numel():
        return weight  # torch would warn
    return nn.init.kaiming_uniform_(weight, a=a)


reset_weight_ = Task(
    "reset_weight_",
    reference=reset_weight_reference,
    section="init-weight",
    forbids=READY_MADE,
    hints=(
        "Which of the weight's two sizes is its fan-in? And which method of a tensor fills it with uniform numbers where it is?",
        "Under torch.no_grad(), call weight.uniform_ from minus to plus kaiming_bound(weight.shape[1], a), then return weight. "
        "A weight without inputs has no bound: return it before you compute one.",
    ),
)


@reset_weight_.probe(points=2)
def fills_a_box_as_wide_as_the_fan_in_allows(reset_weight_, bench, dtype=torch.float32):
    """A weight (O, I) holds uniform numbers from -1/√I to 1/√I, whatever O is; the rows of its memory before and behind it stay as they are."""
    answers = {}
    for O, I in [(400, 50), (50, 400), (5_000, 1), (1, 5_000)]:
        stored = bench.randn(O + 2, I, dtype=dtype)
        reset_weight_(stored[1:-1])
        answers[f"weight {(O, I)}"] = {"weight": bench.sample(stored[1:-1]), "before and behind it": [stored[0], stored[-1]]}
    return answers


@reset_weight_.probe(points=1)
def takes_another_slope(reset_weight_, bench):
    """With another `a` the box has that slope's bound; the rows of its memory before and behind it stay as they are."""
    answers = {}
    for a in (0, 3):
        stored = bench.randn(102, 100)
        reset_weight_(stored[1:-1], a=a)
        answers[f"weight (100, 100), a={a}"] = {"weight": bench.sample(stored[1:-1]), "before and behind it": [stored[0], stored[-1]]}
    return answers


@reset_weight_.probe(points=1)
def writes_into_a_parameter(reset_weight_, bench, dtype=torch.float32):
    """A parameter gets new numbers in its own memory, is returned itself, as a mark on it shows, and stays what it was for autograd.
    What is then written into the parameter stands in its memory."""
    answers = {}
    for kind, trains in [("a parameter", True), ("a frozen parameter", False)]:
        weight = nn.Parameter(bench.randn(20, 30, dtype=dtype), requires_grad=trains)
        weight.mark, memory = bench.size(0, 10**9), weight.detach()
        returned = reset_weight_(weight)
        answers[kind] = {
            "holds": bench.sample(weight.detach().clone()),
            "requires_grad": weight.requires_grad,
            "autograd sees its later use": (weight * 2).requires_grad,
            "returned, and the mark on it": [type(returned).__name__, getattr(returned, "mark", None)],
        }
        weight.data.copy_(bench.randn(20, 30))
        answers[kind]["its memory, after writing into the parameter"] = memory
    return answers


@reset_weight_.probe(points=1)
def fills_a_transposed_view(reset_weight_, bench):
    """The view .T of a weight stored (I, O) is a weight (O, I): the stored numbers change, and those before and behind them do not."""
    stored = bench.randn(52, 200)
    reset_weight_(stored[1:-1].T)
    return {"stored (50, 200)": bench.sample(stored[1:-1]), "before and behind it": [stored[0], stored[-1]]}


@reset_weight_.probe(points=1)
def draws_every_number_anew(reset_weight_, bench):
    """No row, no column and no second reset repeats the same numbers: the differences of neighbours and of two resets, inside of a larger memory."""
    stored = bench.randn(22, 32)
    weight = stored[1:21, 1:31]
    reset_weight_(weight)
    first = weight.clone()
    reset_weight_(weight)
    return {
        "rows, less the rows before": bench.sample(weight.diff(dim=0)),
        "columns, less the columns before": bench.sample(weight.diff(dim=1)),
        "a second reset, less the first": bench.sample(weight - first),
        "the memory around it": [stored[0], stored[21], stored[:, 0], stored[:, 31]],
    }


@reset_weight_.probe(points=1)
def takes_an_empty_weight(reset_weight_, bench, dtype=torch.float32):
    """Without inputs or without outputs there is nothing to fill, and nothing to fail on, in a parameter: what it raises, and the mark on what is returned."""
    answers = {}
    for shape in [(bench.size(1, 99), 0), (0, bench.size(1, 99)), (0, 0)]:
        weight, returned = nn.Parameter(bench.randn(*shape, dtype=dtype)), []
        weight.mark = bench.size(0, 10**9)
        caught = bench.catch(lambda: returned.append(reset_weight_(weight)))
        answers[f"weight {shape}"] = {"raises": caught, "returned, and the mark on it": [(type(each).__name__, getattr(each, "mark", None)) for each in returned]}
    return answers


# fmt: off
reset_weight_.mistake("takes_the_std_for_the_bound", {"kaiming_bound(fan_in, a)": "kaiming_bound(fan_in, a) / math.sqrt(3)"},
    "You use the standard deviation as the bound. The box must reach to √3 times the std.")
reset_weight_.mistake("takes_the_variance_for_the_std", {"kaiming_bound(fan_in, a)": "math.sqrt(3) * 2 / (1 + a**2) / fan_in"},
    "You use the variance where the standard deviation belongs, so the box is far too narrow. Take its root.")
reset_weight_.mistake("goes_by_the_outputs", {"shape[1]": "shape[0]"},
    "You go by weight.size(0), the number of outputs. The fan-in is the number of inputs: the weight's second size.")
reset_weight_.mistake("goes_by_both_fans", {"(fan_in, a)": "(sum(weight.shape) / 2, a)"},
    "You go by fan-in and fan-out together, as Xavier initialisation does. This bound knows the fan-in alone.")
reset_weight_.mistake("always_draws_for_relu", {"(fan_in, a)": "(fan_in, 0)"},
    "You draw with ReLU's gain √2 whatever `a` is: He's bound √(6/I). The default slope √5 gives 1/√I.")
reset_weight_.mistake("ignores_the_slope", {"kaiming_bound(fan_in, a)": "1 / math.sqrt(fan_in)"}, "You ignore `a`: 1/√I is the bound of the default slope only.")
reset_weight_.mistake("takes_zero_for_the_default_slope", {"a=math.sqrt(5)": "a=0"},
    "Where `a` is left out you take 0, the slope of a plain ReLU. nn.Linear takes √5: write `a=math.sqrt(5)`.")
reset_weight_.mistake("takes_five_for_the_default_slope", {"a=math.sqrt(5)": "a=5"},
    "Where `a` is left out you take 5. nn.Linear takes its root: write `a=math.sqrt(5)`.")
reset_weight_.mistake("leaves_the_slope_unsquared", {"kaiming_bound(fan_in, a)": "math.sqrt(6 / (1 + a) / fan_in)"},
    "Your gain holds 1 + a. The slope must be squared: 1 + a².")
reset_weight_.mistake("draws_normal_numbers", {"uniform_(-bound, bound)": "normal_(std=bound / math.sqrt(3))"},
    "You draw normal numbers of the right spread. The default is uniform: flat up to its bound, and nothing beyond.")
reset_weight_.mistake("draws_positive_numbers_only", {"-bound": "0"},
    "You draw positive numbers only, from 0 to the bound. The box reaches from minus the bound to plus the bound.")
reset_weight_.mistake("repeats_one_row", {"weight.uniform_(-bound, bound)": "weight.copy_(weight.new_empty(fan_in).uniform_(-bound, bound))"},
    "You draw one row and give it to every output. All outputs start as copies of one, and only what follows the layer can tell them apart: draw O · I numbers.")
reset_weight_.mistake("fills_a_new_tensor", {"weight.uniform_": "torch.empty_like(weight).uniform_"},
    "You fill a new tensor and leave the given one as it was. The optimizer holds the given one: write into its memory.")
reset_weight_.mistake("moves_to_other_memory", {"return weight.uniform_(-bound, bound)": "weight.data = torch.empty_like(weight).uniform_(-bound, bound)\n    return weight"},
    "You give `.data` another tensor: the weight moves to other memory, and its views keep the old numbers. Fill the memory it has.")
reset_weight_.mistake("fills_a_flattened_copy", {"return weight.uniform_(-bound, bound)": "weight.flatten().uniform_(-bound, bound)\n    return weight"},
    "You flatten the weight and fill that. Of a transposed weight `flatten` and `reshape` make a copy, and the copy is all you fill.")
reset_weight_.mistake("lets_autograd_record", {"no_grad": "enable_grad"},
    "Autograd records your reset as a step of the computation, and refuses it on a parameter. Switch recording off for it.", raises=RuntimeError)
reset_weight_.mistake("leaves_the_weight_frozen", {"weight.uniform_": "weight.requires_grad_(False).uniform_"},
    "You switch the weight's requires_grad off and leave it off: it will never learn. Stop autograd's recording instead.")
reset_weight_.mistake("makes_every_weight_trainable", {"uniform_(-bound, bound)": "uniform_(-bound, bound).requires_grad_(True)"},
    "You set requires_grad to True whatever it was: a frozen weight would start to learn. Leave it as it is.")
reset_weight_.mistake("switches_autograd_off_for_good", {"with torch.no_grad():\n        return": "torch.set_grad_enabled(False)\n    return"},
    "You switch autograd off and never on again: nothing after the reset can learn. Use no_grad as a `with` block.")
reset_weight_.mistake("seeds_inside", {"bound = ": "torch.manual_seed(0)\n    bound = "},
    "You seed inside the function: every reset draws the same numbers. Seed once, at the top of a program.")
reset_weight_.mistake("divides_by_no_inputs", {"    if fan_in == 0:\n        return weight\n": ""},
    "You divide by the fan-in even where it is 0. A weight without inputs has no number to fill: return it as it is.")
reset_weight_.mistake("returns_nothing", {"return weight\n": "return\n", "return weight.uniform_": "weight.uniform_"}, "The weight is filled, but not returned.")
reset_weight_.mistake("returns_its_data", {"weight.uniform_": "weight.data.uniform_"},
    "You return `weight.data`, another tensor that autograd does not know. Return the weight that you were given.")
