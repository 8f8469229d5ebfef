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
    tolerance_reason="The same draws are the same bits: a bound computed with Python's floats rounds to the same float32, whatever the formula.",
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


@reset_like_torch.impostor(
    "You draw the bias before the weight. Each is drawn rightly, but the stream's first numbers belong to the weight."
)
def draws_the_bias_first(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    if bias is not None:
        bias.data.uniform_(-bound, bound)
    weight.data.uniform_(-bound, bound)


@reset_like_torch.impostor(
    "You seed inside the function. The caller's seed must decide, and the next layer must get other numbers."
)
def seeds_inside(weight, bias):
    torch.manual_seed(0)
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data.uniform_(-bound, bound)
    if bias is not None:
        bias.data.uniform_(-bound, bound)


@reset_like_torch.impostor(
    "You put the generator's state back afterwards, so the next layer draws the same numbers again. Let the stream move on."
)
def winds_the_stream_back(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    with torch.random.fork_rng():
        weight.data.uniform_(-bound, bound)
        if bias is not None:
            bias.data.uniform_(-bound, bound)


@reset_like_torch.impostor(
    "You draw in float64 and round to float32. A float64 number takes more from the stream: draw in float32."
)
def draws_in_float64(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data.copy_(weight.double().uniform_(-bound, bound))
    if bias is not None:
        bias.data.copy_(bias.double().uniform_(-bound, bound))


@reset_like_torch.impostor("You draw with NumPy, whose stream is another one: torch.manual_seed does not touch it.")
def draws_with_numpy(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data.copy_(torch.from_numpy(np.random.uniform(-bound, bound, tuple(weight.shape))))
    if bias is not None:
        bias.data.copy_(torch.from_numpy(np.random.uniform(-bound, bound, tuple(bias.shape))))


@reset_like_torch.impostor("You draw normal numbers; nn.Linear's are uniform.")
def draws_normal_numbers(weight, bias):
    std = 1 / math.sqrt(3 * weight.shape[1])
    weight.data.normal_(std=std)
    if bias is not None:
        bias.data.normal_(std=std)


@reset_like_torch.impostor("You draw the weight with ReLU's gain, He initialisation. nn.Linear's bound is 1/√I.")
def draws_the_weight_for_relu(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data.uniform_(-math.sqrt(6) * bound, math.sqrt(6) * bound)
    if bias is not None:
        bias.data.uniform_(-bound, bound)


@reset_like_torch.impostor("You use the standard deviation 1/√(3I) as the bound. The boxes must reach to √3 times that.")
def takes_the_std_for_the_bound(weight, bias):
    bound = 1 / math.sqrt(3 * weight.shape[1])
    weight.data.uniform_(-bound, bound)
    if bias is not None:
        bias.data.uniform_(-bound, bound)


@reset_like_torch.impostor("Your weight is torch's, but the bias goes by its own length. Its bound is the weight's: 1/√I.")
def draws_the_bias_by_its_length(weight, bias):
    weight.data.uniform_(-1 / math.sqrt(weight.shape[1]), 1 / math.sqrt(weight.shape[1]))
    if bias is not None:
        bias.data.uniform_(-1 / math.sqrt(len(bias)), 1 / math.sqrt(len(bias)))


@reset_like_torch.impostor("Your weight is torch's, but the bias is set to zero. nn.Linear draws it.")
def sets_a_zero_bias(weight, bias):
    weight.data.uniform_(-1 / math.sqrt(weight.shape[1]), 1 / math.sqrt(weight.shape[1]))
    if bias is not None:
        bias.data.zero_()


@reset_like_torch.impostor(
    "You draw one table (O, I + 1) with the bias as a column, so the stream runs through rows of I + 1. First all of the weight."
)
def draws_the_bias_as_a_column(weight, bias):
    bound, (O, I) = 1 / math.sqrt(weight.shape[1]), weight.shape
    table = weight.new_empty(O, I if bias is None else I + 1).uniform_(-bound, bound)
    weight.data.copy_(table[:, :I])
    if bias is not None:
        bias.data.copy_(table[:, I])


@reset_like_torch.impostor(
    "You draw the weight as (I, O) and transpose it: the stream fills columns. nn.Linear fills row by row."
)
def draws_column_by_column(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data.copy_(weight.new_empty(weight.shape[1], weight.shape[0]).uniform_(-bound, bound).T)
    if bias is not None:
        bias.data.uniform_(-bound, bound)


@reset_like_torch.impostor("You draw a bias even where there is none: whatever is drawn afterwards is moved along the stream.")
def draws_a_bias_for_none(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data.uniform_(-bound, bound)
    drawn = weight.new_empty(weight.shape[0]).uniform_(-bound, bound)
    if bias is not None:
        bias.data.copy_(drawn)


@reset_like_torch.impostor("You reset the bias without asking whether it is None.")
def always_resets_the_bias(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data.uniform_(-bound, bound)
    bias.data.uniform_(-bound, bound)


@reset_like_torch.impostor("You fill new tensors and leave the given ones as they were. Write into their memory.")
def fills_new_tensors(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight = torch.empty_like(weight).uniform_(-bound, bound)
    bias = None if bias is None else torch.empty_like(bias).uniform_(-bound, bound)
    return weight, bias


@reset_like_torch.impostor("You give `.data` another tensor: weight and bias move to other memory. Fill the memory they have.")
def moves_to_other_memory(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.data = torch.empty_like(weight.data).uniform_(-bound, bound)
    if bias is not None:
        bias.data = torch.empty_like(bias.data).uniform_(-bound, bound)


@reset_like_torch.impostor(
    "Autograd records your reset as a step of the computation, and refuses it on a parameter. Switch recording off for it.",
    raises=RuntimeError,
)
def lets_autograd_record(weight, bias):
    bound = 1 / math.sqrt(weight.shape[1])
    weight.uniform_(-bound, bound)
    if bias is not None:
        bias.uniform_(-bound, bound)
