"""Exercise 04: torch's roads through a linear layer, what it keeps and costs, and a layer that can stand in for nn.Linear."""

from ...spec import Exercise
from . import linear_wrong
from .dispatch_path import dispatch_path
from .flat_linear import flat_linear
from .linear_layer import Linear
from .saved_for_backward import saved_for_backward
from .training_flops import training_flops

EXERCISE = Exercise(
    "04_source",
    "Source",
    (dispatch_path, flat_linear, saved_for_backward, training_flops, Linear),
    milestone="You have a Linear that can take the place of torch's in a network, and know the roads through it. "
    "Next: which mistakes with it does torch not tell you about?",
)
