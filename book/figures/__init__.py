"""One look for every figure of the book. Chapters call `figures.use()` once and draw with plain Matplotlib.

A figure is an SVG on a transparent ground. It is drawn in the colours for white paper; for dark paper the site writes it
a second time, with each colour of `DARK` in another's place. No tone reads on both: 4.5 : 1 on white and on the dark page.
"""

import matplotlib
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib_inline.backend_inline import set_matplotlib_formats

INK = "#5b6470"  # text, axes, anything that is not data
ACCENT = "#0f5bc4"  # the one thing to look at
WARM = "#b04a0a"  # its counterpart: the other curve, the wrong answer; lighter in grey, too
COOL = "#0c5a45"  # a third, when there must be one; the darkest
PAPER = "#ffffff"  # gaps, and text on an area of one of the colours above
FAINT = INK + "40"  # grids, guides, fills

DARK = {INK: "#9aa4b1", ACCENT: "#86b6fa", WARM: "#e88f55", COOL: "#b0e8d0", PAPER: "#14181e"}

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
            ax.text(j, i, f"{float(values[i, j]):.1f}", ha="center", va="center", color=on(image.cmap(image.norm(float(values[i, j])))))


def on(colour):
    """Black or white, whichever reads better on a colour that is the same on every paper, such as a colour map's: at least 4.5 : 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)]
    bright = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179
    return "#000000" if bright else "#fefefe"  # white itself would be exchanged
