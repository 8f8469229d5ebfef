"""One look for every figure of the book. Chapters call `figures.use()` once and draw with plain Matplotlib.

A figure is an SVG on a transparent ground, in mid-tones that read on white and on near-black paper alike and that
differ in lightness, so that they survive a grey printer.
"""

import matplotlib
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib_inline.backend_inline import set_matplotlib_formats

INK = "#747b87"  # text, axes, anything that is not data: about 4.2 : 1 on white and on the dark page
ACCENT = "#2f7de1"  # the one thing to look at
WARM = "#d9722e"  # its counterpart: the other curve, the wrong answer
COOL = "#3aa387"  # a third, when there must be one
FAINT = "#747b8740"  # grids, guides, fills

DIVERGING = "PuOr"  # signed matrices
SEQUENTIAL = "viridis"  # magnitudes


def use():
    """Set Matplotlib to the book's style for the rest of this notebook."""
    set_matplotlib_formats("svg")
    matplotlib.rcParams.update(
        {
            "figure.figsize": (6.4, 3.2),  # inches; about the width of the text column
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "savefig.bbox": "tight",
            "svg.fonttype": "path",
            "svg.hashsalt": "linear",  # the same figure gives the same file
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.prop_cycle": cycler(color=[ACCENT, WARM, COOL, INK]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "grid.color": FAINT,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )


def matrix(ax, values, title="", limit=None, numbers=True):
    """Draw a small matrix as coloured cells, with its numbers in them.

    ax: axes to draw on. values: 2-D array or tensor. limit: the magnitude that gets the full colour
    (default: the largest entry). numbers: whether to print each entry, to one decimal.
    """
    rows, columns = values.shape
    limit = limit or float(abs(values).max()) or 1.0
    image = ax.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)
    if not numbers:
        return
    for i in range(rows):
        for j in range(columns):
            red, green, blue, _ = image.cmap(image.norm(float(values[i, j])))
            bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.4
            ax.text(j, i, f"{float(values[i, j]):.1f}", ha="center", va="center", fontsize=9, color="#1d2026" if bright else "white")
