"""Task he_reset_."""

import math

import torch
from torch import nn

from ...spec import Task
from .shared import READY_MADE


def he_reset_reference(weight):
    return nn.init.kaiming_uniform_(weight, nonlinearity="relu")


he_reset_ = Task(
    "he_reset_",
    reference=he_reset_reference,
    section="init-depth",
    forbids=READY_MADE,
    tolerance=(0.15, 0.0),
    tolerance_reason="What random weights keep is itself random: 20 layers of width 512 keep 1 ± 0.019 a layer (measured over 2000 "
    "networks, uniform and normal). Two draws differ by 0.027, so 15 % is more than 5 standard deviations, a false fail in "
    "10^7. The nearest known mistake keeps 0.71.",
    hints=(
        "ReLU throws half of the second moment away. What must I · Var(W) be so that the other half is worth the whole?",
        "Var(W) = 2/I with mean 0. A normal draw takes its standard deviation, √(2/I); a uniform one its bound, √3 times that.",
    ),
)


@he_reset_.probe(points=3, once=True)
def keeps_the_second_moment_through_20_layers(he_reset_, bench):
    """20 times Linear without bias and ReLU, width 512, on a signal of random strength: the mean square stays what it was."""
    strength = 2.0 ** bench.size(-200, 200)
    x = strength * bench.randn(16, 512, dtype=torch.float64)
    start = x.square().mean()
    for _ in range(20):
        weight = torch.zeros(512, 512, device=bench.device)
        he_reset_(weight)
        x = torch.relu(x @ weight.double().T)
    kept = float((x.square().mean() / start) ** (1 / 20))
    return {"kept by each layer, on average": kept, f"the same, times the strength {strength:g}": strength * kept}


@he_reset_.probe(points=2)
def suits_layers_of_any_shape(he_reset_, bench, dtype=torch.float32):
    """One Linear without bias and ReLU, much wider at one end than at the other, on a signal of random strength."""
    answers = {}
    for B, O, I in [(1024, 1024, 64), (1024, 64, 1024), (16, 65_536, 1)]:
        strength = 2.0 ** bench.size(0, 40)
        x, weight = strength * bench.randn(B, I, dtype=dtype), bench.randn(O, I, dtype=dtype)
        he_reset_(weight)
        kept = float(torch.relu(x @ weight.T).square().mean() / x.square().mean())
        answers[f"kept by a layer with weight {(O, I)}"] = {"of the mean square": kept, f"times the strength {strength:g}": strength * kept}
    return answers


@he_reset_.probe(points=1)
def writes_into_a_parameter(he_reset_, bench):
    """Each reset puts new numbers, no row like another, into the parameter's own memory; it stays what it was for autograd."""
    answers = {}
    for kind, trains in [("a parameter", True), ("a frozen parameter", False)]:
        weight = nn.Parameter(bench.randn(20, 60), requires_grad=trains)
        before, memory = weight.detach().clone(), weight.detach()
        he_reset_(weight)
        first = weight.detach().clone()
        distances = (first[:, None] - first).abs().amax(-1) + torch.diag(first.new_full((20,), math.inf))
        he_reset_(weight)
        answers[kind] = {
            "holds": bench.pair(first, before, "the old numbers", "new numbers"),
            "a second reset": bench.pair(weight.detach().clone(), first, "draws the same numbers", "draws other numbers"),
            "its rows": bench.band(distances.min(), {"two alike": 1e-12, "no two alike": math.inf}),
            "requires_grad": weight.requires_grad,
            "autograd sees its later use": (weight * 2).requires_grad,
        }
        weight.data.copy_(bench.randn(20, 60))
        answers[kind]["its memory, after writing into the parameter"] = memory
    return answers


# fmt: off
he_reset_.mistake("draws_the_default", {"std = math.sqrt(2 /": "bound = math.sqrt(1 /", "normal_(std=std)": "uniform_(-bound, bound)"},
    "You draw as nn.Linear does, a = √5. That keeps a sixth of the second moment in each layer; ReLU needs gain √2.")
he_reset_.mistake("draws_xavier", {"weight.shape[1]": "sum(weight.shape)"},
    "You go by fan-in and fan-out together: Xavier initialisation, which makes up for no ReLU.")
he_reset_.mistake("goes_by_the_outputs", {"shape[1]": "shape[0]"},
    "You go by the number of outputs, weight.size(0). The signal on its way forward adds up the inputs: use the fan-in.")
he_reset_.mistake("leaves_out_the_two", {"2 /": "1 /"},
    "Your weights have variance 1/I. That keeps the signal of a layer without ReLU; ReLU throws half of it away.")
he_reset_.mistake("takes_the_std_for_the_bound", {"normal_(std=std)": "uniform_(-std, std)"},
    "You use He's standard deviation √(2/I) as the bound of a uniform draw. The bound must be √3 times that.")
he_reset_.mistake("takes_the_bound_for_the_std", {"2 /": "6 /"},
    "You use He's bound √(6/I) as the standard deviation of a normal draw. That is √3 times too large.")
he_reset_.mistake("takes_the_variance_for_the_std", {"math.sqrt(2 / weight.shape[1])": "2 / weight.shape[1]"},
    "You give the variance 2/I where the standard deviation is asked for: take its square root.")
he_reset_.mistake("takes_the_gain_into_the_variance", {"2 /": "math.sqrt(2) /"},
    "Your variance is √2/I. √2 is the gain, a factor of the standard deviation; the variance gets its square, 2.")
he_reset_.mistake("takes_the_gain_for_two", {"math.sqrt(2 / weight.shape[1])": "2 / math.sqrt(weight.shape[1])"},
    "Your standard deviation is 2/√I, twice He's variance: the gain of ReLU is √2, not 2.")
he_reset_.mistake("draws_positive_numbers_only", {"normal_(std=std)": "uniform_(0, math.sqrt(3) * std)"},
    "You draw positive numbers only. Their mean is not 0, so the signal grows from layer to layer: draw on both sides of 0.")
he_reset_.mistake("repeats_one_row", {"weight.normal_(std=std)": "weight.copy_(weight.new_empty(weight.shape[1]).normal_(std=std))"},
    "You draw one row and give it to every output. All outputs start as copies of one, and only what follows the layer can tell them apart: draw O · I numbers.")
he_reset_.mistake("fills_a_new_tensor", {"weight.normal_": "torch.empty_like(weight).normal_"},
    "You fill a new tensor and leave the given one as it was. The optimizer holds the given one: write into its memory.")
he_reset_.mistake("moves_to_other_memory", {"return weight.normal_": "weight.data = torch.empty_like(weight).normal_"},
    "You give `.data` another tensor: the weight moves to other memory. Fill the memory it has.")
he_reset_.mistake("lets_autograd_record", {"no_grad": "enable_grad"},
    "Autograd records your reset as a step of the computation, and refuses it on a parameter. Switch recording off for it.", raises=RuntimeError)
he_reset_.mistake("seeds_inside", {"std = ": "torch.manual_seed(0)\n    std = "},
    "You seed inside the function: every layer of one shape gets the same weights. Seed once, at the top of a program.")
