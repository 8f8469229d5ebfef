"""The rounds of a probe: it is asked more than once, so that what is right once only, or for one size only, is found out in every task.

A probe's parameters after `candidate` and `bench` are what its contract leaves free. Whole numbers are sizes: each is asked at 1 by itself, all are
asked alike, and those that may be 0 at 0. `dtype=torch.float32` is asked in float64, too.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

AGAIN, TWICE = "asked again, with other numbers", "asked the same twice"


@dataclass(frozen=True)
class Round:
    """One asking. name: when that is, in words; empty for the first. free: values for the probe's free parameters, a dtype by its name."""

    name: str = ""
    free: dict[str, int | str] = field(default_factory=dict, hash=False)

    @property
    def values(self) -> dict:
        """The free parameters as the probe takes them."""
        return {name: getattr(torch, value) if isinstance(value, str) else value for name, value in self.free.items()}


FIRST = Round()


def rounds_of(ask: Callable, zero: str = "", ones: str | None = None) -> tuple[Round, ...]:
    """All rounds of a probe's function: the second asks the same once more. zero: the sizes that may be 0. ones: those that may be 1, where that is not all of them."""
    free = {parameter.name: parameter.default for parameter in list(inspect.signature(ask).parameters.values())[2:]}
    sizes = {name: value for name, value in free.items() if type(value) is int}
    ones = list(sizes) if ones is None else ones.split()
    rounds = [Round(f"where {name} is 1", {name: 1}) for name in ones if sizes[name] != 1]
    rounds += [Round(f"where {name} is 0", {name: 0}) for name in zero.split()]
    if len(sizes) > 1:
        rounds.append(Round("where all sizes are the same", dict.fromkeys(sizes, max(2, min(sizes.values())))))
    if free.get("dtype") is torch.float32:
        rounds.append(Round("in float64", {"dtype": "float64"}))
    return FIRST, Round(TWICE), *rounds, Round(AGAIN)
