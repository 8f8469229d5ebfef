"""The figure of chapter 04, The source."""

import matplotlib.pyplot as plt
import torch

from . import ACCENT, COOL, INK, WARM

STATIONS = {"addmm": (0.5, ACCENT), "flatten+addmm": (3.5, COOL), "matmul+add": (6.5, WARM), "matmul": (8.5, INK)}  # height, colour


def roads(travellers):
    """Inputs on the left, each joined by a curve to its road on the right. travellers: (name, road, whether there is a bias)."""
    _, ax = plt.subplots(figsize=(5.0, 4.4))
    steps = torch.linspace(0, 1, 50)
    bend = 3 * steps**2 - 2 * steps**3
    for height, (name, road, has_bias) in enumerate(travellers):
        goal, color = STATIONS[road]
        ax.plot(steps, height + (goal - height) * bend, color=color, ls="-" if has_bias else "--")
        ax.text(-0.04, height, name, ha="right", va="center", fontsize=10.5)
    for road, (height, color) in STATIONS.items():
        ax.text(1.04, height, road, ha="left", va="center", fontsize=12, color=color, weight="bold")
    ax.set(xlim=(-0.75, 1.62), ylim=(len(travellers) - 0.4, -0.6))
    ax.axis("off")
    plt.show()
