"""Exercise 13: weights with less than O · I free numbers: of low rank, in blocks, as a Kronecker product, with zeros in a pattern, by length and direction."""

from ...spec import Exercise
from .block_diagonal import BlockDiagonalLinear
from .kronecker import KroneckerLinear
from .lora import LoRALinear
from .prune import prune_2_4
from .truncate import truncate
from .weight_norm import WeightNormLinear

EXERCISE = Exercise(
    "13_structure",
    "Less than a full matrix",
    (truncate, LoRALinear, BlockDiagonalLinear, KroneckerLinear, prune_2_4, WeightNormLinear),
    milestone="You have put a product, blocks, a pattern of zeros or a length and a direction where a full weight stood, and know what each takes. "
    "Next: what if the weights are too large for one device?",
)
