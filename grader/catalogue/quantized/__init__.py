"""Exercise 12: a Linear in eight bits and in four: scales, whole numbers, rounding that can be trained through, and layers replaced in place."""

from ...spec import Exercise
from .dequantize import dequantize
from .fake_quantize import FakeQuantize
from .int8_linear import int8_linear
from .pack_int4 import pack_int4
from .qparams import qparams
from .quantize import quantize
from .replace_linears import replace_linears
from .unpack_int4 import unpack_int4

EXERCISE = Exercise(
    "12_quantized",
    "Eight bits, four bits, and what they cost",
    (qparams, quantize, dequantize, int8_linear, FakeQuantize, pack_int4, unpack_int4, replace_linears),
    milestone="You can hold a Linear in eight bits or in four, multiply in whole numbers, train through a rounding, and put such layers into a model. "
    "Next: can a Linear do with fewer numbers, rather than with smaller ones?",
)
