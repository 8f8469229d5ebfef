"""Figures of chapter 11."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, INK, WARM


def formats(parts):
    """The bits of some formats, a row each, and over them which colour is what. parts: from a name to its bits of exponent and of fraction."""
    _, ax = plt.subplots(figsize=(4.8, 3.0))
    for row, (exponent, fraction) in enumerate(parts.values()):
        for at, bits, colour in [(0, 1, INK), (1, exponent, ACCENT), (1 + exponent, fraction, WARM)]:
            for bit in range(bits):
                ax.barh(row, 0.84, left=at + bit, height=0.62, color=colour)
    ax.set(yticks=range(len(parts)), yticklabels=parts, xticks=[1, 8, 16, 19, 32], xlabel="bits", xlim=(-0.4, 32.4))
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
    for at, colour, name in [(0.0, INK, "sign"), (0.2, ACCENT, "exponent"), (0.55, WARM, "fraction")]:
        ax.text(at, 1.03, name, color=colour, transform=ax.transAxes, fontsize=11)
    plt.show()


def accumulators(counts, errors):
    """Relative error of a sum against how many terms it has. counts: a list; errors: from a way of summing to as many errors."""
    _, ax = plt.subplots(figsize=(4.8, 3.6))
    for (name, values), colour, marker in zip(errors.items(), (ACCENT, WARM, COOL, INK), "o^sD"):
        ax.loglog(counts, values, marker + "-", color=colour, label=name, markersize=4)
    ax.set_xscale("log", base=2)
    ax.set(xlabel="terms N", ylabel="relative error")
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=2, fontsize=10)
    plt.show()


def gradients(sizes, shares, ranges):
    """Which sizes numbers have, and below it what two formats hold. sizes: exponents of two, falling into bins of width 1;
    shares: from a label to a share for each; ranges: from a format to where its numbers begin, where its full precision begins, and where it ends."""
    _, (ax, below) = plt.subplots(2, sharex=True, figsize=(4.8, 4.0), height_ratios=(3, 1.1))
    for (name, values), colour, style in zip(shares.items(), (ACCENT, WARM), ("-", "--")):
        ax.step(sizes, values, style, where="post", color=colour, label=name)
    ax.set(ylabel="share", xlim=(sizes[0], sizes[-1]), ylim=(0, None))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    for row, (first, normal, last) in enumerate(ranges.values()):
        below.barh(row, last - normal, left=normal, height=0.5, color=INK)
        below.barh(row, normal - first, left=first, height=0.5, facecolor="none", edgecolor=INK, lw=1.4)
    below.set(yticks=range(len(ranges)), yticklabels=ranges, xlabel="size of a gradient, as a power of 2", ylim=(-0.6, len(ranges) - 0.4))
    below.invert_yaxis()
    below.tick_params(axis="y", length=0)
    below.spines["left"].set_visible(False)
    plt.show()


def steps(paths):
    """A weight after each step. paths: from a label to the weights."""
    _, ax = plt.subplots(figsize=(4.8, 3.2))
    for (name, weights), colour, style in zip(paths.items(), (WARM, ACCENT), ("--", "-")):
        ax.plot(weights, style, color=colour, label=name)
    ax.set(xlabel="step", ylabel="weight")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=10)
    plt.show()
