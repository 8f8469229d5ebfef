"""Figures of chapter 14."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, INK, PAPER, WARM


def cuts(outputs, inputs):
    """Which parts of x, W and y two devices hold, where W is cut along its outputs and along its inputs. outputs, inputs: O and I, each of two parts."""
    figure, axes = plt.subplots(2, 1, figsize=(4.8, 5.0))
    rows, (O1, O2), (I1, I2) = 3, outputs, inputs
    O, I = O1 + O2, I1 + I2
    ways = {
        "along the outputs: parts of y": [
            ("x", [(0, 0, rows, I, INK)]),
            ("W", [(0, 0, O1, I, ACCENT), (O1, 0, O2, I, WARM)]),
            ("y", [(0, 0, rows, O1, ACCENT), (0, O1, rows, O2, WARM)]),
        ],
        "along the inputs: terms of y": [
            ("x", [(0, 0, rows, I1, ACCENT), (0, I1, rows, I2, WARM)]),
            ("W", [(0, 0, O, I1, ACCENT), (0, I1, O, I2, WARM)]),
            ("y", [(0, 0, rows, O, ACCENT), (rows + 1.2, 0, rows, O, WARM)]),
        ],
    }
    for ax, (title, tensors) in zip(axes, ways.items()):
        left = 0.0
        for name, blocks in tensors:
            width = max(column + across for _, column, _, across, _ in blocks)
            height = max(row + down for row, _, down, _, _ in blocks)
            top = (O - height) / 2
            for row, column, down, across, colour in blocks:
                ax.add_patch(plt.Rectangle((left + column, top + row), across, down, fc=colour, ec=PAPER, lw=2))
                number = {ACCENT: "1", WARM: "2", INK: "1, 2"}[colour]
                ax.text(left + column + across / 2, top + row + down / 2, number, color=PAPER, ha="center", va="center", fontsize=11)
            ax.text(left + width / 2, min(top, 0) - 0.9, name, ha="center", va="center", fontsize=11)
            if len(blocks) == 2 and blocks[1][0] > rows:
                ax.text(left + width / 2, O / 2, "+", ha="center", va="center", fontsize=14)
            left += width + 1.6
        ax.set(title=title, aspect="equal", xlim=(-0.2, left), ylim=(O + 0.8, -2.2))
        ax.axis("off")
    figure.tight_layout()
    plt.show()


def ring(counts, sent):
    """What each device sends, as a multiple of the tensor, by the number of devices. counts: a list; sent: from a way to as many multiples."""
    _, ax = plt.subplots(figsize=(4.8, 3.4))
    for (name, values), colour, marker in zip(sent.items(), (WARM, ACCENT, COOL), "s^o"):
        ax.plot(counts, values, marker + "-", color=colour, label=name, markersize=4)
    ax.axhline(2, color=INK, lw=1, ls=":")
    ax.set(xscale="log", yscale="log", xlabel="devices", ylabel="sent by each, in tensors")
    ax.set(xticks=counts, xticklabels=counts, yticks=[0.5, 1, 2, 8, 32], yticklabels=["½", 1, 2, 8, 32])
    ax.minorticks_off()
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), fontsize=10)
    plt.show()


def loads(before, after, even):
    """How many tokens each expert has, before and after training for balance: two lists; even: the mean."""
    _, ax = plt.subplots(figsize=(4.8, 3.2))
    places = range(len(before))
    ax.bar([place - 0.2 for place in places], before, 0.36, color=WARM, label="before")
    ax.bar([place + 0.2 for place in places], after, 0.36, color=ACCENT, label="after")
    ax.axhline(even, color=INK, lw=1.4, ls="--", label="shared evenly")
    ax.set(xlabel="expert", ylabel="tokens", xticks=list(places))
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=3, fontsize=10, columnspacing=1)
    plt.show()


def widths(widths, changes):
    """How far a few steps move the hidden features, by width. widths: a list; changes: from a way to a list of a width's values for some seeds."""
    _, ax = plt.subplots(figsize=(4.8, 3.4))
    for (name, found), colour, marker in zip(changes.items(), (WARM, ACCENT), "so"):
        ax.loglog(widths, [sum(values) / len(values) for values in found], "-", color=colour, base=2, label=name)
        for width, values in zip(widths, found):
            ax.plot([width] * len(values), values, marker, color=colour, markersize=4)
    ax.set(xlabel="width", ylabel="change of a hidden feature", xticks=widths, xticklabels=widths)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2, fontsize=10)
    plt.show()
