"""Exercise 07: a CNN classifier, the size of its head, Linear as a convolution and back, a new head on frozen features."""

from ...spec import Exercise
from .cnn_classifier import CNNClassifier
from .conv2d_by_linear import conv2d_by_linear
from .head_parameters import head_parameters
from .linear_as_conv1x1 import linear_as_conv1x1
from .replace_head import replace_head

EXERCISE = Exercise(
    "07_cnn",
    "CNN",
    (CNNClassifier, head_parameters, linear_as_conv1x1, conv2d_by_linear, replace_head),
    milestone="You have shown that a convolution is a linear layer on every patch, and the reverse. Next: where are the linear layers of a Transformer?",
)
