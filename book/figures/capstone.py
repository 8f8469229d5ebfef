"""The figures of chapter 09."""

import matplotlib.pyplot as plt

from . import ACCENT, DIVERGING, FAINT, INK, WARM


def layer_both_ways(x, W, y, G, right):
    """One image on its way through a 64 → 10 layer, and the gradients on their way back.

    x: (64,). W: (10, 64). y, G: (10,), the logits and the loss's gradient by them. right: the image's class.
    """
    figure = plt.figure(figsize=(4.8, 5.8))
    grid = figure.add_gridspec(11, 7, width_ratios=[3.2, 0.2, 0.4, 1, 1.1, 1.2, 1], height_ratios=[0.7] + 10 * [1], wspace=0.12, hspace=0.12)
    grad_W, grad_x = G[:, None] * x, G @ W
    _picture(figure.add_subplot(grid[1:5, 0]), x, 1, f"x: a {right}")
    _picture(figure.add_subplot(grid[6:10, 0]), grad_x, abs(grad_x).max(), "∂L/∂x = G W")
    for column, title in enumerate(["o", "W", "y", "G", "∂L/∂W"], 2):
        _text(figure.add_subplot(grid[0, column]), title)
    for o in range(10):
        row, colour = o + 1, ACCENT if o == right else INK
        _text(figure.add_subplot(grid[row, 2]), str(o), colour)
        _picture(figure.add_subplot(grid[row, 3]), W[o], abs(W[o]).max(), framed=o == right)
        _text(figure.add_subplot(grid[row, 4]), f"{y[o]:+.1f}".replace("-", "−"), colour)
        _text(figure.add_subplot(grid[row, 5]), f"{G[o]:+.2f}".replace("-", "−"), colour)
        _picture(figure.add_subplot(grid[row, 6]), grad_W[o], abs(grad_W).max())
    plt.show()


def _picture(ax, values, limit, title="", framed=False):
    ax.imshow(values.reshape(8, 8), cmap=DIVERGING, vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, loc="center")
    for spine in ax.spines.values():
        spine.set(visible=True, color=ACCENT if framed else FAINT, linewidth=2.5 if framed else 0.8)


def _text(ax, words, colour=INK):
    ax.axis("off")
    ax.text(0.5, 0.5, words, ha="center", va="center", fontsize=11, color=colour)


def same_training(ours, theirs):
    """Two trainings over each other, and their difference. ours, theirs: the loss at each step."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(4.8, 4.4), sharex=True, height_ratios=[2, 1])
    steps = range(1, len(ours) + 1)
    above.plot(steps[::12], theirs[::12], color=INK, linewidth=5, alpha=0.4, label="PyTorch")
    above.plot(steps[::12], ours[::12], "o", color=ACCENT, markersize=3.5, label="by hand")
    above.set(title="training loss")
    above.legend()
    apart = [max(abs(one - other), 1e-17) for one, other in zip(ours, theirs)]
    below.semilogy(steps, apart, ".", color=ACCENT, markersize=3)
    below.set(title="difference", xlabel="step", yticks=[1e-16, 1e-14, 1e-12], ylim=(3e-18, 1e-11))
    below.grid(True, axis="y")
    plt.show()


def dots(outcomes):
    """One dot a training. outcomes: mistake -> list of (held-out accuracy, training loss); a loss above a million is an arrow."""
    ceiling = 1e6
    figure, (left, right) = plt.subplots(1, 2, figsize=(4.8, 0.36 * len(outcomes) + 0.7), sharey=True)
    for row, (mistake, runs) in enumerate(outcomes.items()):
        colour = ACCENT if row == 0 else WARM
        shares, losses = zip(*runs)
        left.plot([100 * share for share in shares], [row] * len(runs), "o", color=colour, alpha=0.7, markersize=5)
        seen = [loss for loss in losses if loss < ceiling]
        right.plot(seen, [row] * len(seen), "o", color=colour, alpha=0.7, markersize=5)
        if len(seen) < len(runs):
            right.plot([ceiling], [row], ">", color=colour, markersize=7)
    left.set(title="held-out accuracy, %", xlim=(0, 103), xticks=[0, 50, 100], yticks=range(len(outcomes)), yticklabels=outcomes)
    left.axvline(10, color=FAINT, linestyle="--")
    left.invert_yaxis()
    right.set(title="training loss", xscale="log", xlim=(0.01, 3 * ceiling), xticks=[0.01, 1, 100, 1e4, ceiling])
    for ax in (left, right):
        ax.grid(True)
        ax.tick_params(left=False)
    plt.show()
