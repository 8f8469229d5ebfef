"""Exercise 11: the numbers that a Linear computes in: how they are rounded and summed, and what keeps a training in few bits alive."""

from ...spec import Exercise
from .accumulate import accumulate
from .autocast_linear import AutocastLinear
from .fp8_linear import fp8_linear
from .grad_scaler import GradScaler
from .master_step import master_step
from .to_bfloat16 import to_bfloat16

EXERCISE = Exercise(
    "11_precision",
    "Which numbers",
    (to_bfloat16, accumulate, AutocastLinear, GradScaler, master_step, fp8_linear),
    milestone="You can say of every number in a training which bits it has, where it is rounded, and what a sum, a small step, a small gradient or an outlier loses there. "
    "Next: what if a weight has eight bits, or four?",
)
