"""Exercise 14: one layer whose weight is cut between devices, and many small layers of which a token uses a few."""

from ...spec import Exercise
from .column_parallel import column_parallel
from .grouped_linear import grouped_linear
from .moe import MoE
from .parallel_mlp import parallel_mlp
from .route import route
from .row_parallel import row_parallel
from .vocab_parallel_cross_entropy import vocab_parallel_cross_entropy

EXERCISE = Exercise(
    "14_parallel",
    "One layer on many devices, many layers for one token",
    (column_parallel, row_parallel, parallel_mlp, vocab_parallel_cross_entropy, route, grouped_linear, MoE),
    milestone="You can cut a layer between devices, say what each of them holds and when they have to speak, and send every token to a few of many layers.",
)
