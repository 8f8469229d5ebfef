"""Task tiled_linear."""

import math

import torch
import torch.nn.functional as F

from ...spec import Task


def tiled_linear_reference(x, weight, bias, tile):
    (rows, features), outputs = x.shape, weight.shape[0]
    slices = [[slice(start, start + tile) for start in range(0, size, tile)] for size in (rows, outputs, features)]
    blocks = [[torch.cat([x.load(row, feature) for feature in slices[2]], 1) for row in slices[0]] for _ in slices[1]]
    weights = [[torch.cat([weight.load(output, feature) for feature in slices[2]], 1) for output in slices[1]] for _ in slices[0]]
    return F.linear(torch.cat(blocks[0]), torch.cat(weights[0]), bias)


tiled_linear = Task(
    "tiled_linear",
    reference=tiled_linear_reference,
    section="cost-tiles",
    hints=(
        "One tile of y: which rows of x does it need, which rows of weight? Both have I columns, more than a tile may have.",
        "Three loops: over the tiles of y's rows, of its columns, and inside over the tiles of the I features. The innermost loads a tile of x and a tile of weight and adds "
        "their product, x tile @ weight tile.T, to the tile of y. The bias is added once.",
    ),
)


@tiled_linear.probe(points=2)
def computes_and_loads(tiled_linear, bench, B=5, I=7, O=8, tile=3, dtype=torch.float32):
    """y = x Wᵀ + b for x (B, I), weight (O, I) and bias (O,), and how many numbers of x and of weight are loaded."""
    from types import SimpleNamespace

    def slow(matrix, shapes):  # what is counted lies out of the answer's sight
        def load(rows, columns):
            block = matrix[rows, columns].clone()
            shapes.append(block.shape)
            return block

        return SimpleNamespace(shape=matrix.shape, dtype=matrix.dtype, device=matrix.device, load=load)

    of_x, of_weight = [], []
    y = tiled_linear(slow(bench.randn(B, I, dtype=dtype), of_x), slow(bench.randn(O, I, dtype=dtype), of_weight), bench.randn(O, dtype=dtype), tile)
    side = max((max(shape) for shape in of_x + of_weight), default=0)
    return {
        "y": y,
        "numbers of x loaded": sum(math.prod(shape) for shape in of_x),
        "numbers of weight loaded": sum(math.prod(shape) for shape in of_weight),
        "the largest block loaded": bench.band(side, {"at most tile rows and columns": tile + 1, "more": math.inf}),
    }


@tiled_linear.probe(points=1)
def loads_less_with_larger_tiles(tiled_linear, bench):
    """Sizes drawn at random, tiles of 2, 4, 7 and 64: the sum over y, and how many numbers are loaded."""
    from types import SimpleNamespace

    def slow(matrix, shapes):
        def load(rows, columns):
            block = matrix[rows, columns].clone()
            shapes.append(block.shape)
            return block

        return SimpleNamespace(shape=matrix.shape, dtype=matrix.dtype, device=matrix.device, load=load)

    sizes = bench.size(10, 13), bench.size(14, 17), bench.size(18, 21)
    answers = {}
    for tile in (2, 4, 7, 64):
        of_x, of_weight = [], []
        x, weight = (slow(bench.randn(size, sizes[1], dtype=torch.float64), shapes) for size, shapes in ((sizes[0], of_x), (sizes[2], of_weight)))
        y = tiled_linear(x, weight, bench.randn(sizes[2], dtype=torch.float64), tile)
        side = max((max(shape) for shape in of_x + of_weight), default=0)
        answers["B={}, I={}, O={}, tile={}".format(*sizes, tile)] = {
            "sum over y": y.sum(),
            "numbers loaded": [sum(math.prod(shape) for shape in shapes) for shapes in (of_x, of_weight)],
            "the largest block loaded": bench.band(side, {"at most tile rows and columns": tile + 1, "more": math.inf}),
        }
    return answers


# fmt: off
tiled_linear.mistake("keeps_the_last_tile_only", {"block = block + x.load": "block = bias[columns] + x.load"},
    "You overwrite the tile of y with each product. It is a sum over all tiles of the features.")
tiled_linear.mistake("forgets_the_bias", {"block = bias[columns]": "block = 0 * bias[columns]"}, "You leave the bias out.")
tiled_linear.mistake("adds_the_bias_for_every_tile", {"block = block + ": "block = block + bias[columns] + ", "block = bias[columns]\n": "block = 0 * bias[columns]\n"},
    "You add the bias with every tile of the features. It belongs to y once.")
tiled_linear.mistake("drops_the_last_features", {"range(0, I, tile)": "range(0, I - I % tile, tile)"},
    "You leave out the last features where tile does not divide I. The last tile is smaller.")
tiled_linear.mistake("drops_the_last_rows", {"torch.empty": "torch.zeros", "range(0, B, tile)": "range(0, B - B % tile, tile)"},
    "You leave out the last rows where tile does not divide B. The last tile is smaller.")
tiled_linear.mistake("drops_the_last_outputs", {"torch.empty": "torch.zeros", "range(0, O, tile)": "range(0, O - O % tile, tile)"},
    "You leave out the last outputs where tile does not divide O. The last tile is smaller.")
tiled_linear.mistake("walks_by_one", {"range(0, B, tile)": "range(0, B)"},
    "You step by one row where you should step by a tile of rows: weight is loaded for every row of x.")
tiled_linear.mistake("makes_one_output_at_a_time", {"range(0, O, tile)": "range(0, O)", "slice(column, column + tile)": "slice(column, column + 1)"},
    "You make one column of y at a time: x is loaded O times. A tile of y has `tile` columns, and x is loaded once for all of them.")
tiled_linear.mistake("makes_one_row_at_a_time", {"range(0, B, tile)": "range(0, B)", "slice(row, row + tile)": "slice(row, row + 1)"},
    "You make one row of y at a time: weight is loaded B times. A tile of y has `tile` rows, and weight is loaded once for all of them.")
tiled_linear.mistake("loads_whole_rows", {"range(0, I, tile)": "range(0, I, I)", "slice(feature, feature + tile)": "slice(0, I)"},
    "You load whole rows of I numbers. Fast memory holds tiles of at most tile · tile.")
tiled_linear.mistake("loads_all_at_once", {"range(0, B, tile)": "range(0, B, B)", "range(0, O, tile)": "range(0, O, O)", "row + tile": "B", "column + tile": "O"},
    "You load all rows at once. Fast memory holds tiles of at most tile · tile.")
tiled_linear.mistake("reads_the_matrix_itself", {"x.load(rows, features)": "x.matrix[rows, features]"},
    "You read the whole matrix, past `load`. What the check gives you has `shape`, `dtype`, `device` and `load`, and no more.", raises=AttributeError)
tiled_linear.mistake("forgets_the_transpose", {".T": ""},
    "You multiply two tiles as they are stored, both with the features last. The product needs weight's tile transposed.", raises=RuntimeError)
tiled_linear.mistake("loads_twice", {"block = block + x.load(rows, features)": "x.load(rows, features)\n                block = block + x.load(rows, features)"},
    "You load each tile of x twice. Keep what load returned in a variable.")
