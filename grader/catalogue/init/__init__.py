"""Exercise 02: the first weights. The default bound, resets in place, torch's own draws, and what signals make of them."""

from ...spec import Exercise
from .he_reset import he_reset_
from .kaiming_bound import kaiming_bound
from .output_variance import output_variance
from .reset_bias import reset_bias_
from .reset_like_torch import reset_like_torch
from .reset_weight import reset_weight_

EXERCISE = Exercise(
    "02_init",
    "The first weights",
    (kaiming_bound, reset_weight_, reset_bias_, reset_like_torch, output_variance, he_reset_),
    milestone="You have drawn a layer's first weights as torch draws them, and as He would. Next: how fast does the loss change with each of them?",
)
