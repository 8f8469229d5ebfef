"""Task BlockDiagonalLinear."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from ...spec import Task


class BlockDiagonalLinearReference(nn.Module):
    def __init__(self, in_features, out_features, blocks):
        super().__init__()
        if in_features % blocks or out_features % blocks:
            raise ValueError(f"{in_features} inputs and {out_features} outputs in {blocks} blocks")
        self.weight = nn.Parameter(torch.randn(blocks, out_features // blocks, in_features // blocks))
        self.bias = nn.Parameter(torch.randn(out_features))

    def forward(self, x):
        blocks = len(self.weight)
        return torch.cat([F.linear(*parts) for parts in zip(x.chunk(blocks, -1), self.weight, self.bias.chunk(blocks))], -1)


BlockDiagonalLinear = Task(
    "BlockDiagonalLinear",
    reference=BlockDiagonalLinearReference,
    section="structure-block-diagonal",
    forbids=("torch.block_diag",),
    hints=(
        "Which inputs does output 0 depend on? Cut x's last dimension into blocks: each has a weight of its own. What shape has y before its blocks are joined?",
        "x.unflatten(-1, (blocks, I // blocks)), then torch.einsum with the block as an index that stays: \"...ki,koi->...ko\"; flatten(-2), and the bias at last.",
    ),
)


@BlockDiagonalLinear.probe(points=2, zero="B")
def multiplies_block_by_block(BlockDiagonalLinear, bench, B=4, blocks=3, inputs=2, outputs=5, dtype=torch.float32):
    """blocks blocks of so many inputs and outputs, with given weights: the shapes of the parameters, and y of x (B, I)."""
    I, O = blocks * inputs, blocks * outputs
    layer = BlockDiagonalLinear(I, O, blocks).to(bench.device, dtype)
    shapes = {name: tuple(p.shape) for name, p in sorted(layer.named_parameters())}
    layer.weight.data.copy_(bench.randn(blocks, outputs, inputs))
    layer.bias.data.copy_(bench.randn(O))
    return {"parameters": shapes, "y": layer(bench.randn(B, I, dtype=dtype))}


@BlockDiagonalLinear.probe(points=1)
def takes_x_of_any_shape_and_layout(BlockDiagonalLinear, bench):
    """x without leading dimensions, with several; transposed, with gaps, expanded; then a layer of one block and one output."""
    layer = BlockDiagonalLinear(6, 4, 2).to(bench.device)
    layer.weight.data.copy_(bench.randn(2, 2, 3))
    layer.bias.data.copy_(bench.randn(4))
    inputs = {
        "x (6,)": bench.randn(6),
        "x (2, 3, 5, 6)": bench.randn(2, 3, 5, 6),
        "x (6, 5) transposed": bench.randn(6, 5).T,
        "images (2, 6, 3, 4) permuted to (2, 3, 4, 6)": bench.randn(2, 6, 3, 4).permute(0, 2, 3, 1),
        "every other feature of (2, 3, 12)": bench.randn(2, 3, 12)[..., ::2],
        "one row, expanded to (3, 6)": bench.randn(6).expand(3, 6),
    }
    answers = {name: layer(x) for name, x in inputs.items()}
    one = BlockDiagonalLinear(3, 1, 1).to(bench.device)
    one.weight.data.copy_(bench.randn(1, 1, 3))
    one.bias.data.copy_(bench.randn(1))
    return answers | {"one output, x (5, 3)": one(bench.randn(5, 3)), "one output, x (3,)": one(bench.randn(3))}


@BlockDiagonalLinear.probe(points=1)
def refuses_blocks_that_do_not_divide(BlockDiagonalLinear, bench):
    """Layers whose blocks divide only the inputs, only the outputs, neither, both: what the constructor raises."""
    answers = {}
    for number, case in enumerate(bench.several(["inputs", "outputs", "neither", "both", "both, one block"], 12), 1):
        blocks = 1 if case.endswith("one block") else bench.size(3, 9)
        I = blocks * bench.size(2, 5) + (case in ("outputs", "neither"))
        O = blocks * bench.size(2, 5) + (case in ("inputs", "neither"))
        answers[f"{number}. BlockDiagonalLinear({I}, {O}, {blocks})"] = bench.catch(lambda: BlockDiagonalLinear(I, O, blocks), ValueError)
    return answers


@BlockDiagonalLinear.probe(points=1)
def multiplies_no_zeros(BlockDiagonalLinear, bench):
    """Sizes drawn at random: the gradients of x, weight and bias for a random grad_output, and the FLOPs of forward."""
    from torch.utils.flop_counter import FlopCounterMode

    rows, blocks, inputs, outputs = bench.size(5, 9), bench.size(3, 5), bench.size(4, 7), bench.size(8, 11)
    layer = BlockDiagonalLinear(blocks * inputs, blocks * outputs, blocks).to(bench.device, torch.float64)
    layer.weight.data.copy_(bench.randn(blocks, outputs, inputs))
    layer.bias.data.copy_(bench.randn(blocks * outputs))
    x = bench.randn(rows, blocks * inputs, dtype=torch.float64).requires_grad_()
    with FlopCounterMode(display=False) as counter:
        y = layer(x)
    gradients = torch.autograd.grad(y, (x, layer.weight, layer.bias), bench.randn(*y.shape, dtype=torch.float64))
    return {
        f"gradients, B={rows}, blocks={blocks}, I={blocks * inputs}, O={blocks * outputs}": dict(zip(["of x", "of weight", "of bias"], gradients)),
        "FLOPs": bench.band(counter.get_total_flops(), {"at most 2 B I O / blocks": 2 * rows * blocks * inputs * outputs + 1, "more than 2 B I O / blocks": math.inf}),
    }


# fmt: off
BlockDiagonalLinear.mistake("deals_the_inputs_in_turn", {"x.unflatten(-1, (blocks, inputs))": "x.unflatten(-1, (inputs, blocks)).mT"},
    "You deal the inputs to the blocks in turn: 0 to the first, 1 to the second. A block's inputs are neighbours: unflatten into (blocks, I / blocks).")
BlockDiagonalLinear.mistake("joins_the_outputs_in_turn", {".flatten(-2)": ".mT.flatten(-2)"},
    "You take one output of each block in turn. All outputs of the first block come first, then those of the second.")
BlockDiagonalLinear.mistake("sums_over_the_blocks", {"->...ko": "->...o", ".flatten(-2)": ".repeat(*[1] * (x.dim() - 1), blocks)"},
    "You add the blocks' outputs up. Each block has outputs of its own: the block's index stays.")
BlockDiagonalLinear.mistake("uses_one_block_for_all", {"self.weight)": "self.weight[:1].expand_as(self.weight))"},
    "You use the first block's weight for all. Each block has its own, weight[k].")
BlockDiagonalLinear.mistake("stores_the_blocks_transposed", {"out_features // blocks, in_features // blocks": "in_features // blocks, out_features // blocks",
    "blocks, _, inputs": "blocks, inputs, _", "koi->": "kio->"},
    "Your blocks are stored (I / blocks, O / blocks). As any Linear's weight they have the outputs first.", raises=RuntimeError)
BlockDiagonalLinear.mistake("forgets_the_bias", {" + self.bias": ""}, "You leave the bias out.")
BlockDiagonalLinear.mistake("shares_the_bias", {"torch.zeros(out_features)": "torch.zeros(out_features // blocks)",
    ".flatten(-2) + self.bias": ".flatten(-2) + self.bias.repeat(blocks)"},
    "All blocks share your bias, of O / blocks numbers. Each output has its own: bias is (O,).", raises=RuntimeError)
BlockDiagonalLinear.mistake("knows_matrices_only", {"...ki,koi->...ko": "bki,koi->bko"},
    "You take one leading dimension only. There may be none or many: \"...\" in einsum stands for all of them.", raises=RuntimeError)
BlockDiagonalLinear.mistake("views_the_input", {"x.unflatten(-1, (blocks, inputs))": "x.view(-1, blocks, inputs).view(*x.shape[:-1], blocks, inputs)"},
    "You view x as a matrix of rows. view refuses an x whose numbers do not lie in order: reshape, or unflatten the last dimension alone.", raises=RuntimeError)
BlockDiagonalLinear.mistake("fills_a_full_matrix", {"parts = x.unflatten(-1, (blocks, inputs))": "full = torch.diag_embed(self.weight.permute(1, 2, 0)).permute(2, 0, 3, 1)",
    'torch.einsum("...ki,koi->...ko", parts, self.weight).flatten(-2)': "x @ full.flatten(2).flatten(0, 1).T"},
    "You fill a full (O, I) matrix and multiply all its zeros, too: blocks times the FLOPs. Multiply each block by its own inputs.")
BlockDiagonalLinear.mistake("checks_the_inputs_only", {"in_features % blocks or out_features % blocks": "in_features % blocks"},
    "You do not look whether blocks divides out_features. The outputs are cut, too.")
BlockDiagonalLinear.mistake("checks_the_outputs_only", {"in_features % blocks or out_features % blocks": "out_features % blocks"},
    "You do not look whether blocks divides in_features. The inputs are cut, too.")
BlockDiagonalLinear.mistake("refuses_only_where_neither_fits", {"% blocks or ": "% blocks and "},
    "You refuse only where blocks divides neither. It has to divide both.")
BlockDiagonalLinear.mistake("checks_nothing", {"in_features % blocks or out_features % blocks": "False"},
    "You cut sizes that blocks does not divide, and lose features. Raise ValueError.")
BlockDiagonalLinear.mistake("raises_an_assertion", {"raise ValueError(": "raise AssertionError("},
    "You raise AssertionError, as `assert` does. Asserts are for what cannot be; a caller's mistake is a ValueError.")
BlockDiagonalLinear.mistake("detaches_the_weight", {"self.weight)": "self.weight.detach())"}, "You detach the weight: no gradient reaches it.", raises=RuntimeError)
