"""Task block_flops."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ...spec import Task


def block_flops_reference(batch, tokens, d_model, d_ff):
    """What torch's counter sees of a block that runs without numbers, on the meta device."""
    layer = nn.TransformerEncoderLayer(d_model, 1, d_ff, batch_first=True, device="meta")
    x = torch.empty(batch, tokens, d_model, device="meta")
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        layer(x)
    attention = counter.get_flop_counts()["Global"][torch.ops.aten.bmm]
    return counter.get_total_flops() - attention, attention


block_flops = Task(
    "block_flops",
    reference=block_flops_reference,
    section="transformer-cost",
    hints=(
        "Each Linear takes 2 · rows · I · O. How many rows does it see here, and which four pairs (I, O) are there?",
        "The Linears: q, k, v together D → 3D, out_proj D → D, linear1 D → d_ff, linear2 d_ff → D, each for batch · tokens rows. "
        "Attention: q kᵀ and weights · v, each 2 · tokens · tokens · D a text.",
    ),
)


@block_flops.probe(points=2)
def counts_a_block(block_flops, bench):
    """Sizes drawn at random, all different, then each of them 1, as (FLOPs of the Linears, FLOPs of attention's two products)."""
    sizes = [2, 3 + bench.size(0, 3), 8 + bench.size(0, 4), 20 + bench.size(0, 9)]
    cases = [sizes, (1, 1, 4, 9), *([*sizes[:place], 1, *sizes[place + 1 :]] for place in range(4))]
    return {"B={}, T={}, D={}, d_ff={}".format(*each): bench.sequence(block_flops(*each)) for each in cases}


@block_flops.probe(points=1)
def counts_bert_base(block_flops, bench):
    """One block of BERT base: some texts of 512 tokens, d_model 768, d_ff 3072; then one text of six times 768 tokens, and of some more."""
    texts, more = bench.size(2, 99), bench.size(0, 999)
    sizes = {f"{texts} texts": (texts, 512), "one long text": (1, 4608), f"one longer by {more}": (1, 4608 + more)}
    return {case: bench.sequence(block_flops(*size, 768, 3072)) for case, size in sizes.items()}


# fmt: off
block_flops.mistake("forgets_the_two", {"2 * rows": "rows", "2 * (2": "(2"}, "You count multiplications only. Each comes with an addition: 2 FLOPs.")
block_flops.mistake("forgets_the_tokens", {"rows = batch * tokens": "rows = batch"},
    "You count the Linears for one row a text. Each token is a row: batch · tokens of them.")
block_flops.mistake("counts_the_scores_only", {"2 * (2": "(2"}, "You count one of attention's two products. Scores are q kᵀ, and then the weights multiply v.")
block_flops.mistake("forgets_that_attention_is_quadratic", {"tokens * tokens": "tokens"},
    "Your attention grows with the tokens once. Every token has a score for every token: tokens².")
block_flops.mistake("forgets_the_output_projection", {" + d_model * d_model": ""}, "You leave out attention's output projection, a Linear from d_model to d_model.")
block_flops.mistake("counts_one_of_q_k_v", {"3 * d_model": "d_model"},
    "You count q, k and v as one Linear from d_model to d_model. Fused they go from d_model to 3 · d_model.")
block_flops.mistake("counts_one_linear_of_the_network", {"2 * d_model * d_ff": "d_model * d_ff"},
    "You count one Linear of the feed-forward network. It has two: up to d_ff, and back down.")
block_flops.mistake("assumes_four_times_as_wide", {"d_ff)\n": "4 * d_model)\n"}, "You take d_ff for 4 · d_model. It is an argument.")
block_flops.mistake("adds_both_up", {"linears, ": "linears + "}, "You add the two numbers up. Return the FLOPs of the Linears and of attention's products apart.")
block_flops.mistake("counts_the_backward_pass_too", {"2 * rows": "3 * 2 * rows", "2 * (2": "3 * 2 * (2"},
    "You count forward and backward, three times as much. Count the forward pass alone.")
