"""The figures of chapter 01: a product as a picture, rows as patterns, the plane under an affine map, a hat from three ReLUs."""

import matplotlib.pyplot as plt
import torch

from . import ACCENT, COOL, DIVERGING, INK, WARM


def one_sum(x, weight, bias, y, row, output):
    """The four matrices of y = x Wᵀ + b, with what meets in y[row, output] outlined.

    x: (B, I). weight: (O, I). bias: (O,). y: (B, O).
    """
    (B, I), (O, _) = x.shape, weight.shape
    fig, axes = plt.subplots(3, 2, figsize=(4.6, 4.5), height_ratios=[I, 1, B], width_ratios=[I, O])
    axes[0, 0].axis("off")
    axes[1, 0].axis("off")
    _numbers(axes[0, 1], weight.T, f"Wᵀ:  I = {I},  O = {O}", (0, output, I, 1))
    _numbers(axes[1, 1], bias[None], f"b:  O = {O}", (0, output, 1, 1))
    _numbers(axes[2, 0], x, f"x:  B = {B},  I = {I}", (row, 0, 1, I))
    _numbers(axes[2, 1], y, f"y:  B = {B},  O = {O}", (row, output, 1, 1))
    axes[2, 0].set(xlabel="goods", ylabel="orders")
    axes[2, 1].set(xlabel="shops")
    fig.tight_layout(h_pad=0.5, w_pad=0.6)
    plt.show()


def _numbers(ax, values, title, outlined):
    """A matrix as a table. outlined: (first row, first column, height, width)."""
    rows, columns = values.shape
    ax.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)
    for i in range(rows):
        for j in range(columns):
            number = f"{values[i, j].item():g}".replace("-", "−")
            ax.text(j + 0.5, i + 0.5, number, ha="center", va="center", fontsize=11)
            _frame(ax, (i, j, 1, 1), INK, 0.8)
    _frame(ax, outlined, ACCENT, 3)


def _frame(ax, place, colour, linewidth):
    row, column, height, width = place
    ax.add_patch(plt.Rectangle((column, row), width, height, fill=False, edgecolor=colour, linewidth=linewidth, clip_on=False))


def detectors(rows, pictures, scores):
    """Pictures down the left, rows of W along the top, the score where they cross; a positive one is outlined.

    rows: (O, 25). pictures: (B, 5, 5). scores: (B, O).
    """
    fig, axes = plt.subplots(len(pictures) + 1, len(rows) + 1, figsize=(4.8, 3.9))
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
    for o, row in enumerate(rows):
        axes[0, o + 1].imshow(row.view(5, 5), cmap=DIVERGING, vmin=-0.5, vmax=0.5)
        axes[0, o + 1].set_title(f"W[{o}]")
    for r, picture in enumerate(pictures):
        axes[r + 1, 0].imshow(picture, cmap=DIVERGING, vmin=-1.2, vmax=1.2)
        axes[r + 1, 0].set_ylabel(f"x[{r}]", rotation=0, ha="right", va="center")
        for ax, score in zip(axes[r + 1, 1:], scores[r].tolist()):
            ax.text(0.5, 0.5, f"{score:+.1f}".replace("-", "−"), ha="center", va="center", fontsize=12)
            if score > 0:
                ax.add_patch(plt.Rectangle((0.1, 0.1), 0.8, 0.8, fill=False, edgecolor=ACCENT, linewidth=3))
    fig.tight_layout(pad=0.4)
    plt.show()


def plane(f):
    """A grid, the unit square and the two unit vectors before and after a map of the plane. f: takes (..., 2), returns (..., 2)."""
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    ticks = torch.linspace(-1.5, 1.5, 7)
    grid = torch.stack(torch.meshgrid(ticks, ticks, indexing="ij"), dim=-1)  # (7, 7, 2)
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 2.4), sharey=True, width_ratios=[3.6, 6.6])
    for ax, points, corners, title, xlim in [(axes[0], grid, square, "before: x", (-1.8, 1.8)), (axes[1], f(grid), f(square), "after: y", (-2.4, 4.2))]:
        for line in [*points, *points.transpose(0, 1)]:
            ax.plot(*line.T, color=INK, linewidth=0.8)
        ax.fill(*corners.T, color=ACCENT, alpha=0.35)
        for tip, colour in [(corners[1], WARM), (corners[3], COOL)]:
            arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2.5, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", tip, corners[0], arrowprops=arrow)
        ax.plot(0, 0, "x", color=INK, markersize=9, markeredgewidth=2.5)
        ax.set(title=title, aspect="equal", xlim=xlim, ylim=(-1.8, 2.8), xticks=[-1, 0, 1], yticks=[-1, 0, 1, 2])
    axes[1].plot(*f(torch.zeros(2)), "o", color=ACCENT, markersize=7)
    fig.tight_layout()
    plt.show()


def hat(points, straight, bent):
    """Two networks with the same weights, without an activation and with ReLU. All (N, 1)."""
    fig, ax = plt.subplots(figsize=(4.8, 2.4))
    ax.plot(points, straight, color=INK, linestyle="--", label="no activation")
    ax.plot(points, bent, color=ACCENT, label="ReLU between")
    ax.set(xlabel="x", ylabel="y")
    ax.legend()
    plt.show()
