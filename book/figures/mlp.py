"""The figures of chapter 06."""

import matplotlib.pyplot as plt
import torch

from . import ACCENT, COOL, DIVERGING, FAINT, INK, WARM


def plane(x, y, nets):
    """What networks say of every point of the plane, with the folds of their hidden units. x: (n, 2) points; y: (n,) classes 0 and 1; nets:
    title -> network from 2 numbers to 2 logits, a Linear or a Sequential that begins with one."""
    side = torch.linspace(-1.45, 1.45, 121)
    figure, axes = plt.subplots(1, len(nets), figsize=(5.2, 2.9))
    for ax, (title, net) in zip(axes, nets.items()):
        with torch.no_grad():
            logits = net(torch.cartesian_prod(side, side))
        score = (logits[:, 1] - logits[:, 0]).view(len(side), -1).T
        ax.contourf(side, side, score, levels=[-1e9, 0, 1e9], colors=[ACCENT, WARM], alpha=0.2)
        if score.min() < 0 < score.max():
            ax.contour(side, side, score, levels=[0], colors=[INK], linewidths=1.6)
        for row, bias in _folds(net):
            foot = -bias * row / row.square().sum()
            ax.axline(foot, foot + torch.stack([-row[1], row[0]]), color=COOL, lw=1, ls="--")
        for number, (color, marker) in enumerate([(ACCENT, "o"), (WARM, "^")]):
            ax.scatter(*x[y == number].T, s=7, color=color, marker=marker, lw=0)
        ax.set(title=title, aspect="equal", xlim=(-1.45, 1.45), ylim=(-1.45, 1.45), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    figure.tight_layout()
    plt.show()


def _folds(net):
    """The rows and biases of a network's hidden units; a single layer has none."""
    return zip(net[0].weight.detach(), net[0].bias.detach()) if isinstance(net, torch.nn.Sequential) else ()


def twice(images, labels):
    """Each digit in two handwritings. images: (n, 64); labels: (n,)."""
    figure, axes = plt.subplots(4, 5, figsize=(4.2, 3.5))
    for number, ax in enumerate(axes.flat):
        ax.imshow(images[labels == number % 10][number // 10].view(8, 8), cmap="Greys")
        ax.axis("off")
    plt.show()


def sweep(losses, limit):
    """Validation loss by learning rate. losses: rate -> the losses of a few seeds, nan allowed; limit: 2 / λ, marked."""
    figure, ax = plt.subplots(figsize=(4.6, 2.9))
    for rate, found in losses.items():
        finite = [loss for loss in found if loss == loss and loss < 30]
        ax.scatter([rate] * len(finite), finite, color=ACCENT, s=18, zorder=3)
        if len(finite) < len(found):
            ax.scatter(rate, 30, color=WARM, marker="x", zorder=3)
    ax.axvline(limit, color=COOL, ls="--")
    ax.text(limit * 0.93, 12, "2/λ", color=COOL, ha="right")
    ax.set(xscale="log", yscale="log", xlabel="learning rate", title="validation loss (×: nan, or beyond 30)", ylim=(0.03, 45))
    plt.show()


def curves(train, validation, guess):
    """Loss after each epoch, on what was trained on and on the validation part. guess: the loss of guessing, marked."""
    figure, ax = plt.subplots(figsize=(4.6, 2.8))
    epochs = range(1, len(train) + 1)
    ax.semilogy(epochs, train, label="trained on")
    ax.semilogy(epochs, validation, "--", label="validation")
    ax.axhline(guess, color=INK, lw=1, ls=":")
    ax.text(len(train), guess, "guessing: log 10", ha="right", va="bottom")
    ax.set(xlabel="epoch", title="mean cross-entropy")
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.85))
    plt.show()


def confusion(counts):
    """counts: (10, 10), row: what was written; column: what was read."""
    figure, ax = plt.subplots(figsize=(4.3, 4.3))
    for i, j in counts.nonzero().tolist():
        color = ACCENT if i == j else WARM
        ax.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fc=color, alpha=0.1, lw=0))
        ax.text(j, i, counts[i, j].item(), ha="center", va="center", fontweight="normal" if i == j else "bold")
    ax.set(xlim=(-0.5, 9.5), ylim=(9.5, -0.5), xticks=range(10), yticks=range(10), xlabel="read as", ylabel="written", aspect="equal")
    ax.tick_params(length=0)
    plt.show()


def weights(stages, votes):
    """Rows of a first layer as pictures. stages: name -> (5, 64); votes: for each of the five units, the digits that it speaks for."""
    limit = max(float(rows.abs().max()) for rows in stages.values())
    figure, axes = plt.subplots(len(stages), 5, figsize=(4.8, 3.3))
    for row, (name, values) in zip(axes, stages.items()):
        row[0].set_ylabel(name)
        for ax, picture in zip(row, values):
            ax.imshow(picture.view(8, 8), cmap=DIVERGING, vmin=-limit, vmax=limit)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
    for ax, digits in zip(axes[0], votes):
        ax.set_title(f"for {digits[0]}, {digits[1]}", loc="center")
    plt.show()


def flow(x, calls):
    """A run from top to bottom, every number a cell. x: (rows, columns); calls: (name of the layer, its weight or None, name of its output, output)."""
    figure, ax = plt.subplots(figsize=(4.7, 5))
    _cells(ax, x, 0, 0, "x")
    top, rows = 0, len(x)
    for name, weight, result, output in calls:
        start, gap = top + rows, 6 if weight is None else len(weight) + 3.5
        top = start + gap
        ax.annotate("", (2, top - 2.2), (2, start + 0.5), arrowprops=dict(arrowstyle="-|>", color=ACCENT, lw=1.6))
        ax.text(3, start + (gap - 1.7) / 2, name, color=ACCENT, va="center", fontsize=11)
        if weight is not None:
            _cells(ax, weight.detach(), 20, start + 0.5, f"{name}.weight")
        _cells(ax, output.detach(), 0, top, result)
    ax.set(xlim=(-0.5, 37), ylim=(top + rows + 0.5, -2.5), aspect="equal")
    ax.axis("off")
    plt.show()


def _cells(ax, values, left, top, label):
    """A grid of coloured cells, one unit each, with its label above."""
    rows, columns = values.shape
    limit = float(values.abs().max())
    ax.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, extent=(left, left + columns, top + rows, top))
    ax.add_patch(plt.Rectangle((left, top), columns, rows, fill=False, ec=INK, lw=0.8))
    ax.text(left, top - 0.5, f"{label} {tuple(values.shape)}", va="bottom")


def runs(kinds):
    """Losses of the first 200 steps. kinds: name -> the losses of each of a few runs."""
    figure, ax = plt.subplots(figsize=(4.4, 2.6))
    for (name, losses), color in zip(kinds.items(), [WARM, ACCENT]):
        lines = ax.semilogy(torch.tensor(losses).T[:200], color=color, lw=1)
        lines[0].set_label(name)
    ax.axhline(1, color=FAINT)
    ax.set(xlabel="step", ylabel="loss", ylim=(0.01, 1e5))
    ax.legend(loc="upper left")
    plt.show()
