"""The figures of chapter 02: a signal through depth, three activations, the boxes that weights are drawn from."""

import matplotlib.pyplot as plt

from . import ACCENT, COOL, FAINT, INK, WARM


def depth(runs):
    """The signal after each layer, a line for each draw; for the first kind of draw also, dashed, its part that differs between inputs.

    runs: {name: draws}, three of them; a draw is a list of (signal, differs), one for each layer, the input first.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.8))
    for (name, draws), colour in zip(runs.items(), (ACCENT, COOL, WARM)):
        for draw in draws:
            ax.semilogy([signal for signal, _ in draw], color=colour, linewidth=1)
        last = len(draws[0]) - 1
        ax.text(last + 0.5, draws[0][-1][0], name, color=colour, va="center")
    first, dashed = next(iter(runs.values())), {"color": ACCENT, "linestyle": "--", "linewidth": 1}
    for draw in first:
        ax.semilogy([differs for _, differs in draw], **dashed)
    ax.text(last + 0.5, first[0][-1][1], "its part that differs\nbetween inputs", color=ACCENT, va="center")
    ax.set(xlabel="layer", ylabel="root mean square", xticks=range(0, last + 1, 5), xlim=(-0.5, 1.65 * last), ylim=(3e-10, 1e4))
    ax.grid(True, axis="y")
    plt.show()


def activations(z, curves):
    """Activations of one number. z: (N,). curves: {name: (N,)}, up to three."""
    fig, ax = plt.subplots(figsize=(4.2, 2.8))
    ax.axhline(0, color=FAINT, linewidth=1)
    ax.axvline(0, color=FAINT, linewidth=1)
    for (name, values), colour, style in zip(curves.items(), (ACCENT, COOL, WARM), ("-", "--", ":")):
        ax.plot(z, values, style, color=colour, label=name)
    ax.set(xlabel="z", ylabel="activation", ylim=(-3.2, 2.2))
    ax.legend(loc="lower right")
    plt.show()


def boxes(weights):
    """Histograms of weights, each with the uniform density on its bound as an outline. weights: {fan_in: (N,)}, up to three."""
    fig, ax = plt.subplots(figsize=(5.6, 3.2))
    for (fan_in, weight), colour in zip(weights.items(), (COOL, WARM, ACCENT)):
        bound, height = fan_in**-0.5, fan_in**0.5 / 2
        ax.hist(weight, bins=30, range=(-bound, bound), density=True, color=colour, alpha=0.35)
        ax.plot([-bound, -bound, bound, bound], [0, height, height, 0], color=colour)
        ax.text(bound + 0.008, height, f"fan_in {fan_in}: ±{bound:g}", color=colour, va="center")
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set(xlabel="weight", ylabel="density", xlim=(-0.28, 0.36), ylim=(0, 11), xticks=[-0.2, -0.1, 0, 0.1, 0.2])
    plt.show()
