"""Exercise 03: the three gradients of a linear layer, numerical gradients, an autograd.Function, a network by hand."""

from ...spec import Exercise
from .grad_bias import grad_bias
from .grad_input import grad_input
from .grad_weight import grad_weight
from .linear_function import LinearFunction
from .mlp_backward import mlp_backward
from .numerical_grad import numerical_grad

EXERCISE = Exercise(
    "03_backward",
    "Backward",
    (grad_weight, grad_bias, grad_input, numerical_grad, LinearFunction, mlp_backward),
    release=2,
    milestone="You have derived the three gradients and carried them through a network by hand. Next: what does torch run between `layer(x)` and `y`?",
)
