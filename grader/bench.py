"""The bench: where a probe draws its inputs. The same seed gives the same inputs in every process and on every device."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch


class Sample:
    """Random numbers that are judged by their distribution, not one by one (see `judge.sample_distance`)."""

    def __init__(self, values: torch.Tensor):
        self.values = values

    @cached_property
    def ordered(self) -> np.ndarray:
        """The numbers in ascending order, as float64."""
        return np.sort(self.values.double().flatten().numpy())


@dataclass(frozen=True)
class Data:
    """What a probe hands out that was not drawn from its bench.

    given: CPU tensors for everyone. labels: the classes of the held-out ones among them, int64; only the grading process has them.
    """

    given: tuple[torch.Tensor, ...]
    labels: torch.Tensor | None = None


@dataclass(frozen=True)
class Predictions:
    """Classes that somebody predicts: judged by how many are right, not one by one.

    values: int64. labels: the true classes, where they are known. at_least: the accuracy that is asked. open: whether the candidate knows the
    labels, as those of the images that it learns.
    """

    values: torch.Tensor
    labels: torch.Tensor | None
    at_least: float
    open: bool = False


@dataclass(frozen=True)
class Caught:
    """What became of a call that may raise: the exception's type, None if there was none, and its message. naming: sizes that the message must name."""

    kind: str | None
    message: str = ""
    naming: tuple[int, ...] = ()

    def names(self, sizes) -> bool:
        """Whether every one of the sizes stands in the message as a word of its own, and not among dozens of others."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.message).split()
        return all(str(size) in words for size in sizes) and sum(word.isdigit() for word in words) <= 20


@dataclass(frozen=True)
class Pair:
    """Two values that are the candidate's own, such as two trainings' results: the judge compares them with each other, and only whether
    they agree, within rtol and atol, is compared with the reference's. equal, different: what to call either case."""

    one: object
    other: object
    equal: str
    different: str
    rtol: float
    atol: float


@dataclass(frozen=True)
class Band:
    """A number of which only the band is compared: the first whose limit is above it. bands: from name to limit, ascending."""

    value: float
    bands: dict[str, float]

    @property
    def name(self) -> str:
        return next((name for name, limit in self.bands.items() if self.value < limit), "not a number")


class Bench:
    """A seeded source of inputs on one device.

    Tensors are drawn on the CPU generator and then moved, so that a GPU run is asked what a CPU run is asked.
    """

    def __init__(self, seed: int, device: str = "cpu", data: Data = Data(())):
        self.device = torch.device(device)
        self._data = data
        self._generator = torch.Generator().manual_seed(seed)

    def randn(self, *shape: int, dtype=torch.float32) -> torch.Tensor:
        """Standard normal numbers of the given shape. They are drawn in double precision: how torch draws float32 depends on the processor."""
        double = torch.complex128 if dtype.is_complex else torch.float64
        return torch.randn(shape, generator=self._generator, dtype=double).to(self.device, dtype)

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """int64 numbers from low to high - 1."""
        return torch.randint(low, high, shape, generator=self._generator).to(self.device)

    def size(self, low: int, high: int) -> int:
        """One plain int from low to high, both included."""
        return int(torch.randint(low, high + 1, (), generator=self._generator))

    def array(self, *shape: int) -> np.ndarray:
        """Standard normal float64 numbers as a NumPy array that reports what is done to it (see `watch`)."""
        from .watch import WatchedArray

        numbers = torch.randn(shape, generator=self._generator, dtype=torch.float64)
        return numbers.numpy().view(WatchedArray)

    def sample(self, values: torch.Tensor) -> Sample:
        """Mark random numbers: only their distribution is compared."""
        return Sample(values)

    @property
    def data(self) -> tuple[torch.Tensor, ...]:
        """What the probe's `data` gives (see `spec.Task.probe`), a fresh copy each time."""
        return tuple(tensor.clone().to(self.device) for tensor in self._data.given)

    def predictions(self, classes: torch.Tensor, at_least: float, labels: torch.Tensor | None = None) -> Predictions:
        """Mark predicted classes (int64): the share of right ones must be `at_least`. labels: where they are not those of the held-out inputs of `data`."""
        return Predictions(classes, self._data.labels if labels is None else labels, at_least, labels is not None)

    def made(self) -> "Made":
        """For a `with` block: how large a tensor is made in it (see operations.Made)."""
        from .operations import Made

        return Made()

    def devices(self, *lists) -> "Devices":
        """For a `with` block: devices that are played by lists, and whether their tensors meet in it (see operations.Devices)."""
        from .operations import Devices

        return Devices(*lists)

    def pair(self, one, other, equal: str, different: str, rtol: float = 0.0, atol: float = 0.0) -> Pair:
        """Mark two values that the judge shall compare with each other (see Pair)."""
        return Pair(one, other, equal, different, rtol, atol)

    def band(self, value: float, bands: dict[str, float]) -> Band:
        """Mark a number of which only the band is compared (see Band)."""
        return Band(float(value), bands)

    def catch(self, call, *asked: type, naming=()) -> Caught:
        """Run `call()` and say which exception it raised, if any; one of a subclass of those `asked` goes by the asked one's name.
        naming: sizes that its message must name. A stub's NotImplementedError goes through."""
        try:
            call()
        except NotImplementedError:
            raise
        except Exception as error:
            kind = next((kind for kind in asked if isinstance(error, kind)), type(error))
            return Caught(kind.__name__, str(error), tuple(naming))
        return Caught(None, naming=tuple(naming))

    def sequence(self, value):
        """A list or a named tuple as the tuple that it could be: where the contract asks for two numbers it does not matter in what."""
        return tuple(value) if isinstance(value, (list, tuple)) else value

    def several(self, cases, number: int = 0) -> list:
        """The cases in an order of the seed's: each once, and then some of them again until there are `number`."""
        cases = list(cases)
        drawn = cases + [cases[self.size(0, len(cases) - 1)] for _ in range(number - len(cases))]
        return [drawn[place] for place in torch.randperm(len(drawn), generator=self._generator)]


def probe_seed(seed: int, task: str, probe: str) -> int:
    """The seed of one probe in a run: 63 bits, unrelated to its neighbours'."""
    digest = hashlib.sha256(f"{seed}/{task}/{probe}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
