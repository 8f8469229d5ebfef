"""Task reset_bias_."""

import torch
from torch import nn

from ...spec import Task
from .shared import READY_MADE


def reset_bias_reference(bias, weight):
    fan_in, _ = nn.init._calculate_fan_in_and_fan_out(weight)
    return nn.init.uniform_(bias, -(fan_in**-0.5), fan_in**-0.5) if fan_in else nn.init.zeros_(bias)


reset_bias_ = Task(
    "reset_bias_",
    reference=reset_bias_reference,
    section="init-bias",
    forbids=READY_MADE,
    hints=(
        "The bias is drawn like one more column of the weight. Whose sizes tell how wide the box is?",
        "The bound is 1/√I with I = weight.shape[1], or 0 where I is 0. Fill with bias.uniform_ under torch.no_grad().",
    ),
)


@reset_bias_.probe(points=2)
def goes_by_the_weights_fan_in(reset_bias_, bench, dtype=torch.float32):
    """The bias holds uniform numbers from -1/√I to 1/√I, with I read off the weight; what lies before and behind it stays as it is."""
    answers = {}
    for O, I in [(20_000, 4), (5_000, 25), (5_000, 1)]:
        stored = bench.randn(O + 4, dtype=dtype)
        reset_bias_(stored[2:-2], bench.randn(O, I, dtype=dtype))
        answers[f"bias {(O,)}, weight {(O, I)}"] = {"bias": bench.sample(stored[2:-2]), "before and behind it": [stored[:2], stored[-2:]]}
    return answers


@reset_bias_.probe(points=1)
def is_zero_without_inputs(reset_bias_, bench):
    """With I = 0 the bound is 0; with O = 0 there is nothing to fill. The bias is a parameter in a longer memory."""
    answers = {}
    for O, I in [(5, 0), (1, 0), (0, 4), (0, 0)]:
        stored, weight = bench.randn(O + 2), nn.Parameter(bench.randn(O, I))
        caught = bench.catch(lambda: reset_bias_(nn.Parameter(stored[1:-1]), weight))
        answers[f"weight {(O, I)}"] = {"raises": caught, "the memory of the bias, and one number on either side": stored}
    return answers


@reset_bias_.probe(points=1)
def writes_into_a_parameter(reset_bias_, bench):
    """Each reset puts new numbers into the parameter's own memory; it stays what it was for autograd, and so does the weight."""
    answers = {}
    for kind, trains in [("a parameter", True), ("a frozen parameter", False)]:
        bias, weight = (nn.Parameter(bench.randn(*shape), requires_grad=trains) for shape in [(500,), (500, 2)])
        memory = bias.detach()
        reset_bias_(bias, weight)
        first = bias.detach().clone()
        reset_bias_(bias, weight)
        answers[kind] = {
            "holds": bench.sample(first),
            "a second reset, less the first": bench.sample(bias.detach() - first),
            "requires_grad": bias.requires_grad,
            "autograd sees its later use": (bias * 2).requires_grad,
            "the weight": weight,
        }
        bias.data.copy_(bench.randn(500))
        answers[kind]["its memory, after writing into the parameter"] = memory
    return answers


# fmt: off
reset_bias_.mistake("goes_by_its_own_length", {"math.sqrt(fan_in)": "math.sqrt(max(len(bias), 1))"},
    "You go by the bias' own length (the weight's fan-out). A bias has no fan-in of its own: take the weight's number of inputs.")
reset_bias_.mistake("sets_zero", {"uniform_(-bound, bound)": "zero_()"}, "You set the bias to zero. nn.Linear draws it, from the same box as the weight.")
reset_bias_.mistake("draws_for_relu", {"1 / math.sqrt(fan_in)": "math.sqrt(6 / fan_in)"},
    "You draw the bias with ReLU's gain, up to √(6/I). nn.Linear's bound is 1/√I.")
reset_bias_.mistake("takes_the_std_for_the_bound", {"math.sqrt(fan_in)": "math.sqrt(3 * fan_in)"},
    "You use the standard deviation 1/√(3I) as the bound. The box must reach to √3 times that.")
reset_bias_.mistake("forgets_the_root", {"math.sqrt(fan_in)": "fan_in"}, "Your bound is 1/I: the square root is missing.")
reset_bias_.mistake("goes_by_all_weights", {"weight.shape[1]": "weight.numel()"},
    "You go by the number of all weights, O · I. One output adds up I inputs: only they count.")
reset_bias_.mistake("draws_normal_numbers", {"uniform_(-bound, bound)": "normal_(std=bound / math.sqrt(3))"},
    "You draw normal numbers of the right spread. The default is uniform: flat up to its bound, and nothing beyond.")
reset_bias_.mistake("draws_positive_numbers_only", {"-bound": "0"},
    "You draw positive numbers only, from 0 to the bound. The box reaches from minus the bound to plus the bound.")
reset_bias_.mistake("repeats_one_number", {"bias.uniform_(-bound, bound)": "bias.copy_(bias.new_empty(1).uniform_(-bound, bound))"},
    "You draw one number and give it to every output. Draw one for each.")
reset_bias_.mistake("divides_by_no_inputs", {" if fan_in > 0 else 0": ""},
    "You divide by the fan-in even where it is 0. torch takes 0 as the bound then: the bias is zero.")
reset_bias_.mistake("leaves_the_bias_without_inputs", {"uniform_(-bound, bound)": "uniform_(-bound, bound) if fan_in > 0 else bias"},
    "Without inputs you leave the bias as it was. It has numbers to fill even then: the bound is 0, so they are zeros.")
reset_bias_.mistake("counts_at_least_one_input", {"weight.shape[1]": "max(weight.shape[1], 1)"},
    "You count at least one input, so without any the bound is 1. torch takes 0 then: the bias is zero.")
reset_bias_.mistake("fills_a_new_tensor", {"bias.uniform_": "torch.empty_like(bias).uniform_"},
    "You fill a new tensor and leave the given one as it was. The optimizer holds the given one: write into its memory.")
reset_bias_.mistake("moves_to_other_memory", {"return bias.uniform_": "bias.data = torch.empty_like(bias).uniform_"},
    "You give `.data` another tensor: the bias moves to other memory. Fill the memory it has.")
reset_bias_.mistake("lets_autograd_record", {"no_grad": "enable_grad"},
    "Autograd records your reset as a step of the computation, and refuses it on a parameter. Switch recording off for it.", raises=RuntimeError)
reset_bias_.mistake("leaves_the_bias_frozen", {"bias.uniform_": "bias.requires_grad_(False).uniform_"},
    "You switch the bias' requires_grad off and leave it off: it will never learn. Stop autograd's recording instead.")
reset_bias_.mistake("seeds_inside", {"bound = ": "torch.manual_seed(0)\n    bound = "},
    "You seed inside the function: every reset draws the same numbers. Seed once, at the top of a program.")
reset_bias_.mistake("draws_the_weight_too", {"return bias": "weight.uniform_(-bound, bound)\n        return bias"},
    "You draw the weight anew as well. This function may only read the weight's shape.")
