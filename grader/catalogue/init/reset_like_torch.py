"""Task reset_like_torch."""

import math

import numpy as np
import torch
from torch import nn

from ...spec import Task
from .shared import READY_MADE


def reset_like_torch_reference(weight, bias):
    """Build a layer of this shape and copy what it drew."""
    O, I = weight.shape
    layer = nn.Linear(I, O, bias=bias is not None, device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        weight.copy_(layer.weight)
        if bias is not None:
            bias.copy_(layer.bias)


reset_like_torch = Task(
    "reset_like_torch",
    reference=reset_like_torch_reference,
    section="init-draws",
    forbids=READY_MADE,
    tolerance=(0.0, 0.0),
    tolerance_reason="The same draws are the same bits: for the sizes asked here, a bound computed with Python's floats rounds to the same float32 by either formula, 1/√I or gain and √3.",
    hints=(
        "The stream of random numbers is read in order. Which of the two does nn.Linear fill first?",
        "Your reset_weight_ and reset_bias_ already draw from the right boxes: call the one, then the other if there is a bias. "
        "Let uniform_ do the scaling; a bound computed in float32, or numbers scaled by hand, may differ in the last bit.",
    ),
)


@reset_like_torch.probe(points=2)
def draws_what_torch_draws(reset_like_torch, bench, O=3, I=4):
    """After the same torch.manual_seed, weight and bias hold nn.Linear's numbers."""
    answers = {}
    for shape in [(O, I), (bench.size(2, 9), bench.size(100, 1000))]:
        weight, bias = bench.randn(*shape), bench.randn(shape[0])
        torch.manual_seed(bench.size(0, 10**9))
        reset_like_torch(weight, bias)
        answers[f"weight {shape}"] = {"weight": weight, "bias": bias}
    return answers


@reset_like_torch.probe(points=1)
def draws_nothing_for_no_bias(reset_like_torch, bench):
    """With bias None only the weight is drawn; the stream goes on from there."""
    weight = bench.randn(3, 4)
    torch.manual_seed(bench.size(0, 10**9))
    caught = bench.catch(lambda: reset_like_torch(weight, None))
    following = torch.rand(3, device=bench.device)
    return {"raises": caught, "weight (3, 4)": weight, "the stream's next numbers": following}


@reset_like_torch.probe(points=1)
def reads_on_in_the_stream(reset_like_torch, bench):
    """A second layer gets the numbers that follow the first one's."""
    answers = {}
    torch.manual_seed(bench.size(0, 10**9))
    for layer in ("first layer", "second layer"):
        weight, bias = bench.randn(3, 4), bench.randn(3)
        reset_like_torch(weight, bias)
        answers[layer] = {"weight (3, 4)": weight, "bias (3,)": bias}
    return answers


@reset_like_torch.probe(points=1)
def writes_into_parameters(reset_like_torch, bench):
    """Parameters get nn.Linear's numbers in their own memory and stay what they were for autograd."""
    weight, bias = (nn.Parameter(bench.randn(*shape)) for shape in [(3, 4), (3,)])
    memory = weight.detach(), bias.detach()
    torch.manual_seed(bench.size(0, 10**9))
    reset_like_torch(weight, bias)
    return {
        "weight (3, 4)": weight,
        "bias (3,)": bias,
        "their memory": list(memory),
        "requires_grad": [weight.requires_grad, bias.requires_grad],
        "autograd sees their later use": (weight.sum() + bias.sum()).requires_grad,
    }


# fmt: off
reset_like_torch.mistake("draws_the_bias_first", {"    reset_weight_(weight)\n": "", "(bias, weight)": "(bias, weight)\n    reset_weight_(weight)"},
    "You draw the bias before the weight. Each is drawn rightly, but the stream's first numbers belong to the weight.")
reset_like_torch.mistake("seeds_inside", {"reset_weight_": "torch.manual_seed(0)\n    reset_weight_"},
    "You seed inside the function. The caller's seed must decide, and the next layer must get other numbers.")
reset_like_torch.mistake("winds_the_stream_back", {"def ": "@torch.random.fork_rng()\ndef "},
    "You put the generator's state back afterwards, so the next layer draws the same numbers again. Let the stream move on.")
reset_like_torch.mistake("draws_in_float64",
    {"reset_weight_(weight)": "weight.data.copy_(reset_weight_(weight.double()))", "reset_bias_(bias,": "bias.data[:] = reset_bias_(bias.double(),"},
    "You draw in float64 and round to float32. A float64 number takes more from the stream: draw in float32.")


@reset_like_torch.impostor("You draw with NumPy, whose stream is another one: torch.manual_seed does not touch it.")
def draws_with_numpy(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    for each in (weight, bias):
        if each is not None:
            each.data.copy_(torch.from_numpy(np.random.uniform(-bound, bound, tuple(each.shape))))


reset_like_torch.mistake("draws_normal_numbers", {
    "reset_weight_(weight)": "std = 1 / math.sqrt(3 * weight.shape[1])\n    weight.data.normal_(std=std)", "reset_bias_(bias, weight)": "bias.data.normal_(std=std)"},
    "You draw normal numbers; nn.Linear's are uniform.")
reset_like_torch.mistake("draws_the_weight_for_relu", {"(weight)": "(weight, a=0)"},
    "You draw the weight with ReLU's gain, He initialisation. nn.Linear's bound is 1/√I.")
reset_like_torch.mistake("takes_the_std_for_the_bound", {
    "reset_weight_(weight)": "std = 1 / math.sqrt(3 * weight.shape[1])\n    weight.data.uniform_(-std, std)", "reset_bias_(bias, weight)": "bias.data.uniform_(-std, std)"},
    "You use the standard deviation 1/√(3I) as the bound. The boxes must reach to √3 times that.")
reset_like_torch.mistake("draws_the_bias_by_its_length", {"(bias, weight)": "(bias, weight.T)"},
    "Your weight is torch's, but the bias goes by its own length. Its bound is the weight's: 1/√I.")
reset_like_torch.mistake("sets_a_zero_bias", {"reset_bias_(bias, weight)": "bias.data.zero_()"},
    "Your weight is torch's, but the bias is set to zero. nn.Linear draws it.")


@reset_like_torch.impostor("You draw one table (O, I + 1) with the bias as a column, so the stream runs through rows of I + 1. First all of the weight.")
def draws_the_bias_as_a_column(weight, bias):
    bound, (O, I) = 1 / math.sqrt(weight.shape[1]), weight.shape
    table = weight.new_empty(O, I if bias is None else I + 1).uniform_(-bound, bound)
    weight.data.copy_(table[:, :I])
    if bias is not None:
        bias.data.copy_(table[:, I])


reset_like_torch.mistake("draws_column_by_column",
    {"reset_weight_(weight)": "bound = 1 / math.sqrt(weight.shape[1])\n    weight.data.copy_(weight.new_empty(*weight.T.shape).uniform_(-bound, bound).T)"},
    "You draw the weight as (I, O) and transpose it: the stream fills columns. nn.Linear fills row by row.")
reset_like_torch.mistake("draws_a_bias_for_none", {"(bias, weight)": "(bias, weight)\n    else:\n        reset_bias_(weight.new_empty(len(weight)), weight)"},
    "You draw a bias even where there is none: whatever is drawn afterwards is moved along the stream.")
reset_like_torch.mistake("always_resets_the_bias", {"if bias is not None:\n        ": ""}, "You reset the bias without asking whether it is None.")
reset_like_torch.mistake("fills_new_tensors", {"(weight)": "(torch.empty_like(weight))", "(bias, weight)": "(torch.empty_like(bias), weight)"},
    "You fill new tensors and leave the given ones as they were. Write into their memory.")
reset_like_torch.mistake("moves_to_other_memory",
    {"reset_weight_(weight)": "weight.data = reset_weight_(torch.empty_like(weight))", "reset_bias_(bias,": "bias.data = reset_bias_(torch.empty_like(bias),"},
    "You give `.data` another tensor: weight and bias move to other memory. Fill the memory they have.")
reset_like_torch.mistake("lets_autograd_record", {"reset_weight_(weight)": "weight.copy_(reset_weight_(torch.empty_like(weight)))"},
    "Autograd records your reset as a step of the computation, and refuses it on a parameter. Switch recording off for it.", raises=RuntimeError)
