"""How values look to a reader: in a line, as a small matrix, as a heat map's or a histogram's numbers."""

import math

import numpy as np
import torch

from .bench import Band, Caught, Pair, Predictions, Sample
from .wire import Opaque, Placed

SMALL = 36  # entries of a matrix that is worth printing whole
GRID = 24  # rows and columns of a heat map at most
BINS = 24


def kind_text(value) -> str:
    """What a value is, in two words."""
    names = {
        Placed: "a tensor", Sample: "a tensor", Predictions: "predictions", np.ndarray: "a NumPy array", type(None): "None", bool: "a bool", int: "an int",
        float: "a float", str: "a text", list: "a list", tuple: "a tuple", dict: "a dict", Caught: "an exception", Pair: "two values", Band: "a float",
    }
    return f"a {value.kind} object" if isinstance(value, Opaque) else names[type(value)]


def describe(value) -> str:
    """A value in one short line."""
    if isinstance(value, Placed):
        return matrix_text(value.tensor) or f"a tensor of shape {tuple(value.tensor.shape)}"
    if isinstance(value, (np.ndarray, Sample, Predictions)):
        return f"{kind_text(value)} of shape {tuple(getattr(value, 'values', value).shape)}"
    if isinstance(value, (list, tuple)):
        text = ", ".join(describe(item) for item in value)
        return (f"[{text}]" if isinstance(value, list) else f"({text}{',' if len(value) == 1 else ''})")[:200]
    if isinstance(value, dict):
        return ", ".join(value)[:200]
    if isinstance(value, (Opaque, Caught, Pair, Band)):
        return kind_text(value)
    return number_text(value) if isinstance(value, float) else repr(value)[:200]


def number_text(value, digits: int = 6) -> str:
    """A number in as many digits as are read."""
    if isinstance(value, complex):
        return f"{value:.5g}"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def telling_digits(one, other) -> int:
    """How many digits tell two numbers apart: six, or more where those are the same."""
    return next((digits for digits in range(6, 18) if number_text(one, digits) != number_text(other, digits)), 6)


def telling_decimals(one, other) -> int:
    """How many digits after the point tell two numbers apart: four, or more."""
    return next((decimals for decimals in range(4, 13) if isinstance(one, float) and f"{one:.{decimals}f}" != f"{other:.{decimals}f}"), 4)


def matrix_text(tensor, decimals: int = 4) -> str:
    """A small tensor of at most two dimensions as aligned lines, else nothing."""
    if tensor.dim() > 2 or not 1 < tensor.numel() <= SMALL or tensor.shape[-1] > 6 or tensor.is_complex():
        return ""
    rows = tensor.reshape(-1, tensor.shape[-1]).tolist()
    cells = [[_cell(value, decimals) for value in row] for row in rows]
    width = max(len(cell) for row in cells for cell in row)
    return "\n".join(" ".join(cell.rjust(width) for cell in row) for row in cells)


def _cell(value, decimals) -> str:
    if not isinstance(value, float):
        return str(value)
    if 1e9 <= abs(value) < math.inf:
        return f"{value:.{decimals}e}"
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # no -0.0000


def heat_map(error, wrong) -> list[list[float]] | None:
    """The error of each entry as a 2-D grid from 0 to 1 (leading dimensions stacked), or None where there is no grid."""
    if error.dim() == 0 or error.numel() < 2:
        return None
    flat = torch.where(wrong, error, torch.zeros_like(error)).reshape(-1, error.shape[-1])
    flat = torch.nan_to_num(flat, nan=math.inf, posinf=math.inf)[:GRID, :GRID]
    finite = flat[torch.isfinite(flat)]
    largest = float(finite.max()) if finite.numel() else 0.0
    scaled = torch.where(torch.isfinite(flat), flat / (largest or 1.0), torch.ones_like(flat))
    return [[round(float(value), 3) for value in row] for row in scaled]


def spread_text(values) -> str:
    """Where the numbers of a sample lie."""
    values = values.double()
    return f"from {values.min():.4g} to {values.max():.4g}, mean {values.mean():.2g}, standard deviation {values.std(correction=0):.4g}"


def histogram(*samples) -> list[list[int]]:
    """The counts of each sample in equal bins over their common range."""
    rows = [sample.ordered[np.isfinite(sample.ordered)] for sample in samples]
    ends = [end for row in rows if len(row) for end in (row[0], row[-1])] or [0.0, 1.0]
    edges = np.linspace(min(ends), max(ends), BINS + 1)
    edges[-1] = math.inf  # the last bin holds the largest number, too
    return [np.diff(np.searchsorted(row, edges)).tolist() for row in rows]
