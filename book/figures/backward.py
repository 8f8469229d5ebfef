"""The figures of chapter 03, Backward."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, INK, WARM, matrix


def routes(picked, G):
    """Which outputs one number of x, W or b touches, how strongly, and what the routes add up to.

    picked: for each number (name, values, index, strengths): the tensor's name, its values (a vector or a matrix), where the number stands,
    and the derivative of each output by it, of the shape of y. G: the upstream gradient, of the shape of y, (B, O).
    """
    tables = [(values if values.dim() == 2 else values[None], strengths) for _, values, _, strengths in picked]
    figure, axes = plt.subplots(len(picked), 2, figsize=(4.6, 4.9), width_ratios=[3, 4.6], height_ratios=[len(values) + 2 for values, _ in tables])
    for (left, right), (name, _, index, _), (values, strengths) in zip(axes, picked, tables):
        _cells(left, [[f"{number:g}" for number in row] for row in values.tolist()], lambda place: place == (0, *index)[-2:], WARM)
        left.set_title(name)
        terms = [[f"{g:g} · {s:g}" if s else "" for g, s in zip(*rows)] for rows in zip(G.tolist(), strengths.tolist())]
        _cells(right, terms, lambda place: strengths[place] != 0, ACCENT)
        right.set_title(f"y, and ∂L/∂{name}{list(index)} = {float((G * strengths).sum()):g}")
    figure.tight_layout(h_pad=0.6, w_pad=0.8)
    plt.show()


def _cells(ax, texts, lit, color):
    """A table of texts, with those places outlined of which `lit` is true."""
    rows, columns = len(texts), len(texts[0])
    ax.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    for place in sorted(((row, column) for row in range(rows) for column in range(columns)), key=lit):
        row, column = place
        ax.text(column + 0.5, row + 0.5, texts[row][column].replace("-", "−"), ha="center", va="center", fontsize=9.5)
        edge, width = (color, 2.4) if lit(place) else (INK, 0.7)
        ax.add_patch(plt.Rectangle((column, row), 1, 1, fill=False, edgecolor=edge, linewidth=width, clip_on=False))


def probabilities(p, onehot):
    """The probabilities p, and the gradient's p − onehot: two matrices (samples, classes)."""
    _, axes = plt.subplots(1, 2, figsize=(4.6, 1.8))
    matrix(axes[0], p, "softmax p", limit=1)
    matrix(axes[1], p - onehot, "p − onehot", limit=1)
    plt.show()


def error_by_step(curves):
    """The error of a difference quotient against its step, measured and predicted.

    curves: for each dtype's name (steps, measured, predicted, optimum): three vectors of one length, and the step at which the prediction is least.
    """
    _, ax = plt.subplots(figsize=(4.4, 3.3))
    for (name, (steps, measured, predicted, optimum)), color in zip(curves.items(), (WARM, ACCENT)):
        ax.loglog(steps, measured, color=color)
        ax.loglog(steps, predicted, color=color, lw=0.8, alpha=0.7)
        ax.axvline(optimum, color=color, lw=1.2, ls=":")
        ax.text(steps[0], 8 * measured[0], name, color=color, fontsize=11)
    ax.set(xlabel="step h", ylabel="error")
    plt.show()


def memory(cases):
    """What a training step holds. cases: for each label MiB of (activations kept, gradients, Adam's state)."""
    _, ax = plt.subplots(figsize=(3.9, 2.9))
    for height, sizes in enumerate(cases.values()):
        start = 0
        for size, color in zip(sizes, (ACCENT, WARM, COOL)):
            ax.barh(height, size, left=start, height=0.55, color=color)
            start += size
        ax.text(start + 0.6, height, f"{start:.1f}", va="center", fontsize=10.5)
    middle = 0
    for name, size, color in zip(("activations", "gradients", "Adam's state"), next(iter(cases.values())), (ACCENT, WARM, COOL)):
        ax.text(middle + size / 2, -0.5, name, ha="center", color=color, fontsize=10)
        middle += size
    ax.set(yticks=range(len(cases)), yticklabels=list(cases), xlabel="MiB", ylim=(len(cases) - 0.4, -0.9), xlim=(0, 1.15 * middle))
    ax.tick_params(axis="y", length=0, labelsize=11)
    plt.show()
