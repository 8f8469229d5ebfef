"""Task output_variance."""

import math

from ...spec import Task
from .kaiming_bound import kaiming_bound_reference


def output_variance_reference(in_features, input_second_moment):
    """From the bounds that nn.Linear draws with; a uniform number's variance is a third of its squared bound."""
    weight_variance = kaiming_bound_reference(in_features, math.sqrt(5)) ** 2 / 3
    bias_variance = (1 / math.sqrt(in_features)) ** 2 / 3
    return in_features * weight_variance * input_second_moment + bias_variance


output_variance = Task(
    "output_variance",
    reference=output_variance_reference,
    section="init-variance",
    hints=(
        "One output is a sum of I products and a bias, all independent: their variances add up. What is the variance of each?",
        "Each product has variance Var(w) · x², with Var(w) = 1/(3I), and Σ x² is I times the second moment. The bias adds 1/(3I).",
    ),
)


@output_variance.probe(points=2)
def adds_up_weights_and_bias(output_variance, bench):
    """A third of the input's second moment, and the bias' own variance."""
    cases = [(1000, 1.0), (48, 3.0), (bench.size(2, 500), bench.size(2, 90) / 8)]
    return {f"in_features={I}, second moment {m2}": output_variance(I, m2) for I, m2 in cases}


@output_variance.probe(points=1)
def counts_with_few_inputs(output_variance, bench):
    """With one input or three the bias weighs as much as an input of size 1."""
    cases = [(1, 1.0), (3, 0.25), (1, bench.size(2, 90) / 8)]
    return {f"in_features={I}, second moment {m2}": output_variance(I, m2) for I, m2 in cases}


@output_variance.probe(points=1)
def leaves_the_bias_for_a_zero_input(output_variance, bench):
    """An input of zeros leaves the bias' variance."""
    return {f"in_features={I}, second moment 0": output_variance(I, 0.0) for I in (1, 10, bench.size(11, 500))}


# fmt: off
output_variance.mistake("leaves_out_the_bias", {" + variance": ""}, "The bias is left out. It is random too, and adds its own variance 1/(3I).")
output_variance.mistake("takes_the_bias_bound_squared", {"+ variance": "+ 1 / in_features"},
    "You take the squared bound for the bias' variance. The variance of a uniform number is a third of that.")
output_variance.mistake("takes_the_bounds_squared", {"1 / (3 * in_features)": "1 / in_features"},
    "You take the squared bound 1/I for the variance of weight and bias. The variance of a uniform number is a third of that.")
output_variance.mistake("adds_the_bias_for_every_input", {"+ variance": "+ in_features * variance"},
    "You count the bias once for each input. An output adds it once.")
output_variance.mistake("counts_one_product", {"return in_features * variance": "return variance"},
    "You count one product. An output adds up I of them, and their variances add up with them.")
output_variance.mistake("returns_the_standard_deviation", {"return ": "return math.sqrt(", "+ variance": "+ variance)"},
    "You return the standard deviation. The variance is its square.")
output_variance.mistake("squares_the_second_moment", {"input_second_moment +": "input_second_moment**2 +"},
    "You square the second moment. It is the mean of x² already.")
output_variance.mistake("multiplies_by_the_inputs", {"return in_features": "return in_features * in_features"},
    "You multiply by I once too often: in I · Var(w) · m₂ the I of the sum and the I of Var(w) = 1/(3I) cancel.")
output_variance.mistake("takes_he_variance", {"* variance *": "* (2 / in_features) *"},
    "You take He's variance 2/I for the weights. A default layer's is 1/(3I).")
output_variance.mistake("halves_for_a_relu", {"return ": "return 0.5 * (", "+ variance": "+ variance)"},
    "You halve the result, as a ReLU behind the layer would. Asked is the layer's own output.")
