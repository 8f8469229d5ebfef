"""Exercise 10: what a Linear computes and what it moves, and how a decoder, a tile and a loss move less."""

from ...spec import Exercise
from .chunked_loss import chunked_linear_cross_entropy
from .clip_norm import clip_norm
from .intensity import intensity
from .kv_cache import KVCache
from .linear_bytes import linear_bytes
from .ridge_rows import ridge_rows
from .tiled_linear import tiled_linear

EXERCISE = Exercise(
    "10_cost",
    "Where the time goes",
    (linear_bytes, intensity, ridge_rows, tiled_linear, KVCache, chunked_linear_cross_entropy, clip_norm),
    milestone="You can tell from a Linear's shape and a machine's two figures whether its time goes into computing or into moving numbers, and move fewer. "
    "Next: with how few bits can it compute?",
)
