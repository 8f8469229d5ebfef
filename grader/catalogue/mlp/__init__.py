"""Exercise 06: a multilayer perceptron, its shapes, its training, and real digits."""

from ...spec import Exercise
from .mnist_mlp import mnist_mlp
from .shape_trace import shape_trace
from .simple_mlp import SimpleMLP
from .train_digits import train_digits
from .train_step import train_step

EXERCISE = Exercise(
    "06_mlp",
    "Multilayer perceptrons",
    (SimpleMLP, mnist_mlp, shape_trace, train_step, train_digits),
    release=2,
    milestone="You have built a network of linear layers and trained it to read digits. "
    "Next: what does a linear layer do behind convolutions, and what is it to them?",
)
