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


@reset_weight_.impostor("You use the standard deviation as the bound. The box must reach to √3 times the std.")
def takes_the_std_for_the_bound(weight, a=math.sqrt(5)):
    bound = math.sqrt(2 / ((1 + a**2) * max(weight.shape[1], 1)))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor("You use the variance where the standard deviation belongs, so the box is far too narrow. Take its root.")
def takes_the_variance_for_the_std(weight, a=math.sqrt(5)):
    bound = math.sqrt(3) * 2 / ((1 + a**2) * max(weight.shape[1], 1))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor(
    "You go by weight.size(0), the number of outputs. The fan-in is the number of inputs: the weight's second size."
)
def goes_by_the_outputs(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[0], 1)))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor(
    "You go by fan-in and fan-out together, as Xavier initialisation does. This bound knows the fan-in alone."
)
def goes_by_both_fans(weight, a=math.sqrt(5)):
    bound = math.sqrt(12 / ((1 + a**2) * max(sum(weight.shape), 1)))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor("You draw with ReLU's gain √2 whatever `a` is: He's bound √(6/I). The default slope √5 gives 1/√I.")
def always_draws_for_relu(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / max(weight.shape[1], 1))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor("You ignore `a`: 1/√I is the bound of the default slope only.")
def ignores_the_slope(weight, a=math.sqrt(5)):
    bound = 1 / math.sqrt(max(weight.shape[1], 1))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor("Your gain holds 1 + a. The slope must be squared: 1 + a².")
def leaves_the_slope_unsquared(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a) * max(weight.shape[1], 1)))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor(
    "You draw normal numbers of the right spread. The default is uniform: flat up to its bound, and nothing beyond."
)
def draws_normal_numbers(weight, a=math.sqrt(5)):
    weight.data.normal_(std=math.sqrt(2 / ((1 + a**2) * max(weight.shape[1], 1))))
    return weight


@reset_weight_.impostor(
    "You draw positive numbers only, from 0 to the bound. The box reaches from minus the bound to plus the bound."
)
def draws_positive_numbers_only(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    weight.data.uniform_(0, bound)
    return weight


@reset_weight_.impostor("You draw one row and give it to every output. Outputs that start equal stay equal: draw O · I numbers.")
def repeats_one_row(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    weight.data.copy_(weight.new_empty(weight.shape[1]).uniform_(-bound, bound))
    return weight


@reset_weight_.impostor(
    "You fill a new tensor and leave the given one as it was. The optimizer holds the given one: write into its memory."
)
def fills_a_new_tensor(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    return torch.empty_like(weight).uniform_(-bound, bound).requires_grad_(weight.requires_grad)


@reset_weight_.impostor(
    "You give `.data` another tensor: the weight moves to other memory, and its views keep the old numbers. Fill the memory it has."
)
def moves_to_other_memory(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    weight.data = torch.empty_like(weight.data).uniform_(-bound, bound)
    return weight


@reset_weight_.impostor(
    "You flatten the weight and fill that. Of a transposed weight `flatten` and `reshape` make a copy, and the copy is all you fill."
)
def fills_a_flattened_copy(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    weight.data.flatten().uniform_(-bound, bound)
    return weight


@reset_weight_.impostor(
    "Autograd records your reset as a step of the computation, and refuses it on a parameter. Switch recording off for it.",
    raises=RuntimeError,
)
def lets_autograd_record(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    return weight.uniform_(-bound, bound)


@reset_weight_.impostor(
    "You switch the weight's requires_grad off and leave it off: it will never learn. Stop autograd's recording instead."
)
def leaves_the_weight_frozen(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    return weight.requires_grad_(False).uniform_(-bound, bound)


@reset_weight_.impostor("You set requires_grad to True whatever it was: a frozen weight would start to learn. Leave it as it is.")
def makes_every_weight_trainable(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    return weight.requires_grad_(False).uniform_(-bound, bound).requires_grad_(True)


@reset_weight_.impostor(
    "You switch autograd off and never on again: nothing after the reset can learn. Use no_grad as a `with` block."
)
def switches_autograd_off_for_good(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    torch.set_grad_enabled(False)
    return weight.uniform_(-bound, bound)


@reset_weight_.impostor("You seed inside the function: every reset draws the same numbers. Seed once, at the top of a program.")
def seeds_inside(weight, a=math.sqrt(5)):
    torch.manual_seed(0)
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor(
    "You divide by the fan-in even where it is 0. A weight without inputs has no number to fill: return it as it is."
)
def divides_by_no_inputs(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / (1 + a**2) / weight.shape[1])
    weight.data.uniform_(-bound, bound)
    return weight


@reset_weight_.impostor("The weight is filled, but not returned.")
def returns_nothing(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    weight.data.uniform_(-bound, bound)


@reset_weight_.impostor(
    "You return `weight.data`, another tensor that autograd does not know. Return the weight that you were given."
)
def returns_its_data(weight, a=math.sqrt(5)):
    bound = math.sqrt(6 / ((1 + a**2) * max(weight.shape[1], 1)))
    return weight.data.uniform_(-bound, bound)
