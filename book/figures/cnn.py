"""The figures of chapter 07."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, DIVERGING, INK, SEQUENTIAL, WARM


def head_sizes(sides, flatten_heads, pooled_heads):
    """The parameters of two heads against the side of the maps. All three are lists of as many numbers."""
    _, ax = plt.subplots(figsize=(4.6, 3.1))
    ax.loglog(sides, flatten_heads, "o-", color=WARM, base=10)
    ax.loglog(sides, pooled_heads, "s--", color=ACCENT)
    ax.set(xlabel="side of the maps, in pixels", ylabel="parameters of the head", xticks=sides, xticklabels=sides, ylim=(200, 1e7))
    ax.minorticks_off()
    ax.text(7, 1.3e5, "flatten", color=WARM, fontsize=12, ha="right")
    ax.text(20, 900, "pool", color=ACCENT, fontsize=12)
    plt.show()


def score_maps(kernels, canvas, feature, scores):
    """What a network has learned and what it sees: kernels (16, 3, 3), the canvas (H, W), one of its maps (h, w), and the scores (5, h, w) of all classes."""
    figure = plt.figure(figsize=(4.8, 6.4), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 3.2])
    top.suptitle("the 16 kernels of the first layer", fontsize=10, x=0.02, ha="left")
    limit = float(abs(kernels).max())
    for ax, kernel in zip(top.subplots(2, 8).flat, kernels, strict=True):
        _map(ax, kernel, DIVERGING, limit)
    titled = {"the canvas": canvas, "a map of the second layer": feature}
    titled |= {f"score for {digit}": scores[digit] for digit in range(5)}
    limit = float(abs(scores).max())
    axes = bottom.subplots(4, 2)
    for ax, (title, values) in zip(axes.flat, titled.items()):
        scored = title.startswith("score")
        _map(ax, values, DIVERGING if scored else SEQUENTIAL, limit if scored else None)
        ax.set_title(title)
    axes[-1, -1].axis("off")
    plt.show()


def _map(ax, values, colours, limit):
    """A map as an image: from -limit to limit, or from 0 to its largest number."""
    ax.imshow(values, cmap=colours, vmin=-limit if limit else 0, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def patches_as_rows(picture, W, patches, y):
    """A convolution as a Linear: picture (3, 4), W (2, 4), patches (6, 4), y (6, 2). Outlined are patch 4 and kernel 0."""
    figure, axes = plt.subplots(2, 2, figsize=(3.6, 6.0), height_ratios=[4.12, 6.12], width_ratios=[4.12, 2.12])
    _cells(axes[0, 0], picture, "the picture, 3×4", 1, 1, 2, 2)
    _cells(axes[0, 1], W.T, "Wᵀ", 0, 0, 4, 1)
    _cells(axes[1, 0], patches, "P: patches as rows", 4, 0, 1, 4)
    _cells(axes[1, 1], y, "y = P Wᵀ", 4, 0, 1, 1)
    figure.tight_layout(w_pad=1.5)
    plt.show()


def _cells(ax, values, title, *outlined):
    """A matrix as numbers in boxes; outlined: row, column, height and width of the part to look at."""
    rows, columns = values.shape
    ax.set(xlim=(-0.06, columns + 0.06), ylim=(rows + 0.06, -0.06), aspect="equal", xticks=[], yticks=[], anchor="SW", title=title)
    ax.spines[:].set_visible(False)
    for row, numbers in enumerate(values.tolist()):
        for column, number in enumerate(numbers):
            ax.text(column + 0.5, row + 0.5, f"{number:g}".replace("-", "−"), ha="center", va="center", fontsize=11)
            _frame(ax, row, column, 1, 1, INK, 0.8)
    _frame(ax, *outlined, ACCENT, 3)


def _frame(ax, row, column, height, width, colour, linewidth):
    ax.add_patch(plt.Rectangle((column, row), width, height, fill=False, edgecolor=colour, linewidth=linewidth, clip_on=False))


def transfer(results):
    """Accuracy of each way to new classes. results: from examples a class to {way: one accuracy for each pretrained network}."""
    _, ax = plt.subplots(figsize=(4.8, 3.6))
    ways = list(next(iter(results.values())))
    for way, colour, marker, shift in zip(ways, (ACCENT, INK, COOL, WARM), "os^D", (-0.24, -0.08, 0.08, 0.24)):
        dots = [(place + shift, value) for place, found in enumerate(results.values()) for value in found[way]]
        ax.plot(*zip(*dots), marker, color=colour, label=way, alpha=0.8, markersize=6)
    ax.axhline(0.2, color=INK, lw=1, ls=":")
    ax.text(-0.45, 0.215, "guessing", fontsize=9)
    ax.set(xlabel="examples of each new digit", ylabel="share of the others read rightly", ylim=(0.15, 1), xlim=(-0.5, len(results) - 0.5))
    ax.set_xticks(range(len(results)), list(results))
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=2, fontsize=10)
    plt.show()
