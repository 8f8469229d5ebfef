"""Exercise 05: the repair shop. Each task starts from code that people really write, and that runs wrong or fails."""

from ...spec import Exercise
from .add_bias import add_bias
from .classify_images import classify_images
from .conv_or_linear_parameters import conv_or_linear_parameters
from .load_transposed import load_transposed
from .read_the_error import read_the_error
from .same_layer import same_layer
from .scaled_lazy import scaled_lazy

EXERCISE = Exercise(
    "05_pitfalls",
    "Pitfalls",
    (classify_images, load_transposed, same_layer, scaled_lazy, add_bias, read_the_error, conv_or_linear_parameters),
    milestone="You know the silent mistakes by what they look like, and mended each. Next: what do linear layers become when one follows another?",
)
