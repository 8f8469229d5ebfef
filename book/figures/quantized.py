"""Figures of chapter 12."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, INK, WARM

LOOKS = ((WARM, "s"), (ACCENT, "o"), (COOL, "^"))  # a scale for the tensor, for a row, for a group


def staircase(x, stored, step, low, high):
    """What a number comes back as, and how far off. x: numbers in ascending order; stored: as many; step: the scale; low, high: the ends of the levels."""
    _, (above, below) = plt.subplots(2, 1, figsize=(4.8, 4.8), sharex=True, height_ratios=[3, 2])
    above.plot([x[0], x[-1]], [x[0], x[-1]], color=INK, lw=1, ls="--")
    above.plot(x, stored, color=ACCENT)
    above.set(ylabel="comes back as")
    below.plot(x, [after - before for after, before in zip(stored, x)], color=WARM)
    for edge in (-step / 2, step / 2):
        below.axhline(edge, color=INK, lw=1, ls=":")
    for ax in (above, below):
        for edge in (low - step / 2, high + step / 2):
            ax.axvline(edge, color=INK, lw=1, ls=":")
    below.set(xlabel="x", ylabel="error", yticks=[-step / 2, 0, step / 2], yticklabels=["−s/2", "0", "s/2"])
    plt.show()


def outliers(sizes, losses):
    """Error of a weight's other columns against the size of one. sizes: a list; losses: from who shares a scale to as many errors."""
    _, ax = plt.subplots(figsize=(4.8, 3.6))
    for (name, values), (colour, marker) in zip(losses.items(), LOOKS):
        ax.loglog(sizes, values, marker + "-", color=colour, markersize=4, label=name)
    ax.axhline(1, color=INK, lw=1, ls=":")
    ax.set(xlabel="size of the one column", ylabel="error over size, of the others", xticks=sizes, xticklabels=sizes)
    _shares(ax, (0.1, 0.2, 0.5, 1))
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=3, fontsize=10, columnspacing=1)
    plt.show()


def bits(scores, before):
    """Accuracy against bits. scores: from who shares a scale to a dict from bits to the accuracies of some networks; before: theirs, unrounded."""
    _, ax = plt.subplots(figsize=(4.8, 3.8))
    for shift, (name, found), (colour, marker) in zip((-0.15, 0, 0.15), scores.items(), LOOKS):
        places = [count + shift for count in found]
        middle = [sorted(values)[len(values) // 2] for values in found.values()]
        ax.plot(places, middle, marker + "-", color=colour, markersize=4, label=name)
        ax.vlines(places, [min(values) for values in found.values()], [max(values) for values in found.values()], color=colour, lw=1.4)
    for edge in (min(before), max(before)):
        ax.axhline(edge, color=INK, lw=1, ls=":")
    ax.set(xlabel="bits for a weight", ylabel="held-out accuracy", ylim=(0, 1.03))
    ax.yaxis.set_major_formatter(lambda share, place: f"{share:.0%}")
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=3, fontsize=10, columnspacing=1)
    plt.show()


def groups(sizes, errors, extra):
    """Error against the bits of a weight, its share of the scale counted. sizes: of the groups; errors: from bits to as many; extra: the bits of a scale."""
    _, ax = plt.subplots(figsize=(4.8, 3.4))
    for (count, values), (colour, marker) in zip(errors.items(), LOOKS):
        ax.semilogy([count + extra / size for size in sizes], values, marker + "-", color=colour, markersize=4, label=f"{count} bits")
    ax.set(xlabel="bits for a weight, its part of the scale counted", ylabel="error over size")
    _shares(ax, (0.03, 0.05, 0.1, 0.2, 0.4))
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=3, fontsize=10)
    plt.show()


def _shares(ax, ticks):
    """Write these on the y axis, in percent, and no other."""
    ax.set_yticks(ticks, [f"{tick:.0%}" for tick in ticks])
    ax.minorticks_off()
