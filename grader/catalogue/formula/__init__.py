"""Exercise 01: the formula y = x Wᵀ + b as index sum, as matrix product, and as bookkeeping of shapes."""

from ...spec import Exercise
from .compose import compose
from .fold_bias import fold_bias
from .linear import linear
from .linear_sums import linear_sums
from .output_shape import output_shape
from .parameter_count import parameter_count

EXERCISE = Exercise(
    "01_formula",
    "The formula",
    (linear_sums, linear, output_shape, parameter_count, fold_bias, compose),
    release=2,
    milestone="You have written the layer as a sum and as a product, and they agree for inputs of any shape. "
    "Next: what numbers does it hold before it has learned anything?",
)
