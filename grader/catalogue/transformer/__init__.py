"""Exercise 08: the Linears of a Transformer block, around it, and what they cost."""

from ...spec import Exercise
from .attention import attention
from .bert_heads import BertHeads
from .block import Block
from .block_flops import block_flops
from .cross_attention import CrossAttention
from .feed_forward import FeedForward
from .from_conv1d import from_conv1d
from .fused_qkv import fused_qkv
from .merge_heads import merge_heads
from .multi_head_attention import MultiHeadAttention
from .split_heads import split_heads
from .tied_lm import TiedLM

EXERCISE = Exercise(
    "08_transformer",
    "Transformer",
    (
        fused_qkv, split_heads, merge_heads, attention, MultiHeadAttention, CrossAttention, FeedForward, Block, block_flops, TiedLM, BertHeads, from_conv1d,
    ),
    release=2,
    milestone="You have a Transformer's block that equals torch's, weight for weight. "
    "Next: is all this enough to build a network that learns without autograd?",
)
