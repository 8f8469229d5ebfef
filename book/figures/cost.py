"""Figures of chapter 10."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, INK, WARM


def intensity(rows, curves, limits):
    """FLOPs a byte against rows. rows: a list; curves: from a dtype to as many intensities; limits: from a dtype to the one it comes near."""
    _, ax = plt.subplots(figsize=(4.8, 3.2))
    for (name, values), colour, marker in zip(curves.items(), (ACCENT, WARM), "os"):
        ax.loglog(rows, values, marker + "-", color=colour, base=10, markersize=4)
        ax.axhline(limits[name], color=colour, lw=1, ls=":")
    ax.text(30, 90, "bfloat16", color=ACCENT, fontsize=12, ha="right")
    ax.text(150, 22, "float32", color=WARM, fontsize=12)
    ax.set(xlabel="rows B", ylabel="FLOPs for each byte")
    plt.show()


def roofline(peak, bandwidth, rates):
    """FLOPs a second against intensity: the bound of a machine, and what was measured. rates: from an intensity to the best and the worst rate."""
    _, ax = plt.subplots(figsize=(4.8, 3.4))
    ridge = peak / bandwidth
    low, high = min(*rates, ridge) / 2, max(*rates, ridge) * 2
    ax.loglog([low, ridge, high], [low * bandwidth, peak, peak], "-", color=INK)
    for at, (best, worst) in rates.items():
        ax.plot([at, at], [worst, best], "-", color=ACCENT, lw=1.4)
        ax.plot(at, best, "o", color=ACCENT)
    ax.axvline(ridge, color=INK, lw=1, ls=":")
    ax.annotate("ridge point", (ridge, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=9)
    ax.set(xlabel="FLOPs for each byte", ylabel="FLOPs a second")
    plt.show()


def tiles(sides, loads, least):
    """Numbers fetched against the side of a square tile, both lists; least: each number once."""
    _, ax = plt.subplots(figsize=(4.8, 3.0))
    ax.loglog(sides, loads, "o-", color=ACCENT, base=2)
    ax.axhline(least, color=WARM, lw=1.4, ls="--")
    ax.text(1, least * 1.2, "each number once", color=WARM, fontsize=11)
    ax.set(xlabel="side of the tile", ylabel="numbers fetched", xticks=sides, xticklabels=sides, yscale="log")
    ax.minorticks_off()
    plt.show()


def decoding(lengths, weights, caches):
    """Bytes that a step reads against tokens so far. weights: one number; caches: from a label to as many bytes as there are lengths."""
    _, ax = plt.subplots(figsize=(4.8, 3.6))
    for (label, values), colour, marker in zip(caches.items(), (WARM, ACCENT, COOL), "s^o"):
        ax.loglog(lengths, [value / 1e9 for value in values], marker + "-", color=colour, label=label, markersize=4)
    ax.axhline(weights / 1e9, color=INK, lw=1.6, ls="--", label="all weights")
    ax.set(xlabel="tokens so far", ylabel="read for a step, in GB")
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.18), ncols=2, fontsize=10)
    plt.show()
