"""The figures of chapter 08."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from . import ACCENT, COOL, INK, PAPER, SEQUENTIAL, WARM, on


def heads(x, split, reshaped):
    """Tokens dealt out to two heads, rightly and wrongly. x (4, 4); split and reshaped (2, 4, 2). The number 10 t + f is feature f of token t."""
    figure, axes = plt.subplot_mosaic([["x", "x"], ["right 0", "right 1"], ["wrong 0", "wrong 1"]], figsize=(3.6, 6.2))
    _tokens(axes["x"], x, "x: each token a row")
    for head in range(2):
        _tokens(axes[f"right {head}"], split[head], f"split: head {head}")
        _tokens(axes[f"wrong {head}"], reshaped[head], f"reshape only: head {head}")
    figure.tight_layout()
    plt.show()


def _tokens(ax, values, title):
    """A matrix of whole numbers 10 t + f, coloured by token."""
    ax.set(xlim=(0, values.shape[1]), ylim=(values.shape[0], 0), aspect="equal", xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)
    for row, line in enumerate(values.tolist()):
        for column, value in enumerate(line):
            colour = plt.get_cmap(SEQUENTIAL)(0.15 + 0.25 * (value // 10))
            ax.add_patch(plt.Rectangle((column, row), 1, 1, fc=colour, ec=PAPER, lw=1))
            name = "abcd"[value // 10] + str(value % 10)
            ax.text(column + 0.5, row + 0.5, name, ha="center", va="center", fontsize=11, color=on(colour))


def attention(shapes):
    """Self-attention as a flow. shapes: the shape of each thing in a run, by name."""
    s = {name: str(tuple(shape)) for name, shape in shapes.items()}
    _, ax = plt.subplots(figsize=(4.6, 6.6))
    _arrow(ax, (3, 9.9), (3, 9.25), f"x  {s['x']}")
    _step(ax, 0.9, 8.6, 4.2, f"Linear in_proj   {s['in_proj_weight']}", filled=True)
    _arrow(ax, (3, 8.6), (3, 7.95), s["qkv"])
    _step(ax, 0.1, 7.3, 5.8, "chunk, split heads")
    for centre, name in [(1, "q"), (3, "k"), (5, "v")]:
        _arrow(ax, (centre, 7.3), (centre, 6.45))
        _step(ax, centre - 0.9, 5.8, 1.8, f"{name} {s['head']}")
    _arrow(ax, (1, 5.8), (1.5, 5.0))
    _arrow(ax, (3, 5.8), (2.5, 5.0))
    _step(ax, 0.3, 4.35, 3.4, "q kᵀ / √d, mask, softmax")
    _arrow(ax, (2.6, 4.35), (2.6, 3.65), f"weights {s['weights']}", align="right")
    _arrow(ax, (5, 5.8), (4.2, 3.65))
    _step(ax, 1.2, 3.0, 3.6, "weights · v")
    _arrow(ax, (3, 3.0), (3, 2.35), s["mixed"])
    _step(ax, 1.2, 1.7, 3.6, "merge heads")
    _arrow(ax, (3, 1.7), (3, 1.05), s["merged"])
    _step(ax, 0.9, 0.4, 4.2, f"Linear out_proj   {s['out_proj_weight']}", filled=True)
    _arrow(ax, (3, 0.4), (3, -0.25), s["result"])
    ax.set(xlim=(0, 6.1), ylim=(-0.3, 9.95))
    ax.axis("off")
    plt.show()


def _step(ax, x0, y0, width, text, filled=False):
    box = "round,pad=0,rounding_size=0.12"
    ax.add_patch(FancyBboxPatch((x0, y0), width, 0.62, boxstyle=box, lw=1.5, fc=ACCENT if filled else "none", ec=ACCENT if filled else INK))
    ax.text(x0 + width / 2, y0 + 0.31, text, ha="center", va="center", fontsize=10.5, color=PAPER if filled else INK)


def _arrow(ax, start, end, text="", align="left"):
    ax.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color=INK, lw=1.3, shrinkA=0, shrinkB=0))
    x0 = max(start[0], end[0]) + 0.12 if align == "left" else min(start[0], end[0]) - 0.12
    ax.text(x0, (start[1] + end[1]) / 2, text, va="center", ha=align, fontsize=9.5)


def shares(rows):
    """Stacked bars. rows: from a bar's name to three numbers: attention's Linears, the network's Linears, attention's products."""
    _, ax = plt.subplots(figsize=(4.8, 3.6))
    kinds = [("in_proj and out_proj", ACCENT), ("linear1 and linear2", COOL), ("attention: q kᵀ and weights · v", WARM)]
    for place, values in enumerate(rows.values()):
        left = 0
        for value, (_, colour) in zip(values, kinds):
            share = value / sum(values)
            ax.barh(place, max(share - 0.006, 0), left=left, color=colour, height=0.72)
            if share > 0.06:
                ax.text(left + share / 2, place, f"{share:.0%}", ha="center", va="center", fontsize=9, color=PAPER, fontweight="bold")
            left += share
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xticks=[])
    ax.set_yticks(range(len(rows)), list(rows), fontsize=10)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for _, colour in kinds]
    ax.legend(handles, [name for name, _ in kinds], loc="upper center", bbox_to_anchor=(0.35, -0.02), fontsize=10)
    plt.show()


def attention_map(weights, letters):
    """What each character reads: weights (T, T), a row a query, and the T characters."""
    _, ax = plt.subplots(figsize=(4.8, 4.8))
    ax.imshow(weights, cmap=SEQUENTIAL, vmin=0, vmax=1)
    names = [{" ": "␣", "\n": "⏎"}.get(letter, letter) for letter in letters]
    ax.set_xticks(range(len(names)), names, fontsize=9)
    ax.set_yticks(range(len(names)), names, fontsize=9)
    ax.tick_params(length=0)
    ax.set(xlabel="is read", ylabel="reads")
    ax.spines[:].set_visible(False)
    plt.show()
