"""Exercise 09: a network that reads digits, of nothing but one's own layers, loss, gradients and steps."""

from ...spec import Exercise
from .cross_entropy import CrossEntropy
from .fit import fit
from .linear_layer import LinearLayer
from .network import Network
from .relu_layer import ReLULayer

EXERCISE = Exercise(
    "09_capstone",
    "Capstone",
    (LinearLayer, ReLULayer, CrossEntropy, Network, fit),
    release=2,
    milestone="You have built a layer, a loss, a network and its training from formulas of your own, and it reads digits. "
    "Next: what does the time of such a layer go into, and how is less of it needed?",
)
