"""The figures of chapter 05."""

import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap

from . import ACCENT, COOL, DIVERGING, FAINT, INK, WARM, matrix


def dealt(ways):
    """Whose numbers stand in each row, a colour for each picture. ways: title -> (rows, numbers in a row) tensor of picture numbers 0 to 3."""
    figure, axes = plt.subplots(len(ways), 1, figsize=(4.8, 3.1), height_ratios=[len(rows) for rows in ways.values()])
    for ax, (title, rows) in zip(axes, ways.items()):
        ax.pcolormesh(rows, cmap=ListedColormap([ACCENT, FAINT, WARM, COOL]), vmin=0, vmax=3, edgecolor=INK, linewidth=0.4)
        ax.set(title=title, aspect="equal", xlim=(0, 30), ylim=(len(rows), 0), xticks=[], yticks=[row + 0.5 for row in range(len(rows))])
        ax.set_yticklabels(range(len(rows)), fontsize=8)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    figure.tight_layout()
    plt.show()


def added(biases):
    """What each bias adds to an output of shape (4, 3). biases: title -> tensor that broadcasts to (4, 3)."""
    figure, axes = plt.subplots(1, len(biases), figsize=(4.4, 2.6))
    for ax, (title, bias) in zip(axes, biases.items()):
        matrix(ax, bias.expand(4, 3), title, limit=2)
        ax.set(xlabel="outputs")
    axes[0].set(ylabel="batch")
    plt.show()


def weights(layers):
    """Weights from a 6 × 6 picture to a 4 × 4 one, one under the other. layers: title -> (16, 36) tensor, nan where nothing is drawn."""
    figure, axes = plt.subplots(len(layers), 1, figsize=(4.8, 4.9))
    for ax, (title, values) in zip(axes, layers.items()):
        limit = values[~values.isnan()].abs().max()
        ax.pcolormesh(values, cmap=DIVERGING, vmin=-limit, vmax=limit, edgecolor=FAINT, linewidth=0.4)
        ax.set(title=title, aspect="equal", ylim=(16, 0), xlabel="pixel", ylabel="output")
        ax.set_xticks([tick + 0.5 for tick in range(0, 36, 6)], range(0, 36, 6))
        ax.set_yticks([tick + 0.5 for tick in range(0, 16, 4)], range(0, 16, 4))
        ax.spines[:].set_visible(False)
    figure.tight_layout()
    plt.show()
