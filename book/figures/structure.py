"""Figures of chapter 13."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, INK, WARM, matrix


def patterns(weights):
    """Small weights as coloured cells, each on its own scale. weights: from a name to the matrix and how many numbers it is made of."""
    _, axes = plt.subplots(2, 3, figsize=(4.5, 3.9))
    for ax, (name, (values, numbers)) in zip(axes.flat, weights.items(), strict=True):
        matrix(ax, values, numbers=False)
        ax.set_title(f"{name}\n{numbers} numbers", fontsize=10)
    plt.tight_layout()
    plt.show()


def spectrum(values, break_even):
    """Singular values in order. values: from a name to a list of them; break_even: a rank."""
    _, ax = plt.subplots(figsize=(4.8, 3.4))
    for (name, sigma), colour, style in zip(values.items(), (INK, ACCENT, WARM), ("--", "-", "-."), strict=True):
        ax.plot(range(1, len(sigma) + 1), sigma, style, color=colour, label=name)
    ax.axvline(break_even, color=INK, lw=1, ls=":")
    ax.set(xlabel="number of the singular value", ylabel="singular value", ylim=(0, None))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, fontsize=11)
    plt.show()


def kept(stays, best, groups):
    """Share of the squares that stays against the share of the entries. stays, best: lists; groups: the shares for 1 to 4 of every four."""
    _, ax = plt.subplots(figsize=(4.8, 3.6))
    ax.plot(stays, best, color=INK, label="the largest of all")
    ax.plot([n / 4 for n in (1, 2, 3, 4)], groups, "o", color=ACCENT, label="the largest n of every 4")
    ax.plot([0, 1], [0, 1], "--", color=WARM, lw=1.4, label="any, by chance (mean)")
    ax.set(xlabel="share of the entries that stay", ylabel="share of the squares", xticks=[0, 0.25, 0.5, 0.75, 1])
    ax.legend(loc="lower right", fontsize=10)
    plt.show()


def compare(forms):
    """What is lost against how many numbers are kept. forms: from a name to pairs of shares; the first is drawn as a line."""
    _, ax = plt.subplots(figsize=(4.8, 3.8))
    for (name, points), colour, style in zip(forms.items(), (ACCENT, WARM, COOL, INK), ("-", "s", "^", "D"), strict=True):
        ax.plot(*zip(*points), style, color=colour, label=name)
    ax.set(xlabel="numbers, as a share of all", ylabel="lost share of the norm", ylim=(-0.03, 1.05))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, fontsize=10)
    plt.show()
