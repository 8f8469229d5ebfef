"""Task kaiming_bound."""

import math

from torch import nn

from ...spec import Task


def kaiming_bound_reference(fan_in, a):
    return math.sqrt(3) * nn.init.calculate_gain("leaky_relu", a) / math.sqrt(fan_in)


kaiming_bound = Task(
    "kaiming_bound",
    reference=kaiming_bound_reference,
    section="init-bound",
    forbids=("torch.nn.init.calculate_gain", "torch.nn.init.kaiming_uniform_"),
    hints=(
        "Three steps: a gain from the slope, a standard deviation from the gain, a bound from the standard deviation.",
        "gain = √(2 / (1 + a²)), std = gain / √fan_in, and the bound of a uniform distribution is √3 times its std.",
    ),
)


@kaiming_bound.probe(points=1)
def gives_the_default_bound(kaiming_bound, bench):
    """With a = √5 the bound is 1/√fan_in."""
    return {f"fan_in={I}, a=√5": kaiming_bound(I, math.sqrt(5)) for I in (1, 100, bench.size(2, 999))}


@kaiming_bound.probe(points=2)
def follows_the_slope(kaiming_bound, bench):
    """Other slopes give other gains; a = 0 is a plain ReLU."""
    cases = [(100, 0), (16, 0.01), (1, 2), (bench.size(2, 999), bench.size(3, 30) / 10)]
    return {f"fan_in={I}, a={a}": kaiming_bound(I, a) for I, a in cases}


# fmt: off
kaiming_bound.mistake("returns_the_standard_deviation", {"math.sqrt(3) * std": "std"},
    "You return the standard deviation. A uniform distribution reaches farther than that: to √3 times its std.")
kaiming_bound.mistake("always_takes_the_relu_gain", {"2 / (1 + a**2)": "2"},
    "You take the gain √2, that of a plain ReLU, whatever the slope is. The gain depends on a.")
kaiming_bound.mistake("always_takes_the_default", {"math.sqrt(3) * std": "1 / math.sqrt(fan_in)"},
    "You return 1/√fan_in whatever a is. That is the bound of one slope only, √5.")
kaiming_bound.mistake("leaves_the_slope_unsquared", {"a**2": "a"}, "Your gain holds 1 + a. The slope must be squared: 1 + a².")
kaiming_bound.mistake("takes_the_squared_gain", {"math.sqrt(2 / (1 + a**2))": "2 / (1 + a**2)"},
    "Your gain is 2 / (1 + a²), which is its square: a square root is missing.")
kaiming_bound.mistake("leaves_out_the_two", {"2 / (1 + a**2)": "1 / (1 + a**2)"},
    "The 2 of the gain is missing: a leaky ReLU keeps half of (1 + a²), and the gain makes up for that half.")
kaiming_bound.mistake("divides_by_the_whole_fan_in", {"math.sqrt(fan_in)": "fan_in"},
    "You divide by fan_in. A standard deviation goes with its square root; only the variance goes with fan_in itself.")
kaiming_bound.mistake("takes_the_variance_for_the_std", {"* std": "* std**2"},
    "You use the variance where the standard deviation belongs. The bound is √3 times the std, the variance's root.")
kaiming_bound.mistake("multiplies_by_three", {"math.sqrt(3)": "3"},
    "You multiply the standard deviation by 3. It is the variance that is a third of the squared bound: the factor is √3.")
