"""How an exercise is written down: an Exercise is a list of Tasks; a Task has a reference, probes and impostors.

A probe is a function `ask(candidate, bench)`. It draws its inputs from the bench, exercises the candidate (a function or a
class) and returns a nest of tensors and plain values. The learner's object, torch's (the reference) and every known wrong
one (the impostors) are asked the same probes. Nothing here runs or judges anything.
"""

import ast
import inspect
import textwrap
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from .bench import Data
from .rounds import FIRST, Round, rounds_of
from .solutions import solution_of


@dataclass(frozen=True)
class Probe:
    """One question. Its answer is worth `points`; its docstring says in one line what is asked. The other fields: see Task.probe."""

    name: str
    ask: Callable
    points: int
    data: Callable[[int], Data] | None = None
    zero: str = ""
    ones: str | None = None
    once: bool = False

    @property
    def title(self) -> str:
        """The docstring as the one line that a reader gets, however it is broken in the source."""
        return " ".join((inspect.getdoc(self.ask) or "").split())

    @cached_property
    def source(self) -> str:
        """The function's text: it must need no names but `torch`, `nn`, `F`, `np` and `math`."""
        return function_source(self.ask)


@dataclass(frozen=True)
class Impostor:
    """A known wrong answer. `message` is what a learner who wrote it should read. raises: the exceptions that find it out, where nothing else does.

    It is either a whole program, `written`, or the solution's answer to the task with `edits`: what is replaced, and by what.
    """

    name: str
    task: str
    message: str
    raises: tuple[type[Exception], ...] = ()
    written: Callable | None = None
    edits: tuple[tuple[str, str], ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether it can be asked: an edit needs the solution, as it was when the edit was written. A course without solutions, or with others, does not
        know the mistake's name; the tests see that ours does."""
        try:
            return callable(self.answer)
        except Exception:
            return False

    @cached_property
    def answer(self) -> Callable:
        """The function or class to ask. Raises LookupError where an edit's text does not stand once in the solution, or there is none."""
        if self.written is not None:
            return self.written
        module = types.ModuleType(self.name)
        exec(solution_of(self.task).imports, module.__dict__)
        exec(compile(self.source, f"<{self.name}>", "exec"), module.__dict__)
        return module.__dict__[self.task]

    @cached_property
    def source(self) -> str:
        if self.written is not None:
            return function_source(self.written)
        source = solution_of(self.task).answers[self.task]
        for was, becomes in self.edits:
            if source.count(was) != 1:
                raise LookupError(f"{self.task}, {self.name}: {was!r} stands {source.count(was)} times in the solution's answer, not once:\n{source}")
            source = source.replace(was, becomes)
        return solution_of(self.task).standing_alone(source)

    @property
    def body(self) -> str:
        """The lines below its `def`, dedented."""
        first = ast.parse(self.source).body[0].body[0]
        return textwrap.dedent("".join(self.source.splitlines(keepends=True)[first.lineno - 1 :]))


@dataclass(eq=False)
class Task:
    """Something to implement.

    name: the function or class the learner writes. reference: torch's own answer, with the learner's signature.
    forbids: dotted names that the answer may not use, such as "torch.nn.functional.linear"; "@" is the operator.
    hints: from gentle to plain. section: the label of the chapter section that teaches it.
    tolerance: (rtol, atol) where `torch.testing`'s defaults for the dtype do not fit, with `tolerance_reason`.
    starter: the impostor that the exercise's cell holds, to be mended; None where it holds a stub, to be written.
    """

    name: str
    reference: Callable
    section: str
    hints: tuple[str, ...]
    forbids: tuple[str, ...] = ()
    tolerance: tuple[float, float] | None = None
    tolerance_reason: str = ""
    probes: list[Probe] = field(default_factory=list)
    impostors: list[Impostor] = field(default_factory=list)
    starter: Impostor | None = None

    @property
    def points(self) -> int:
        return sum(probe.points for probe in self.probes)

    def probe(self, points: int, data: Callable[[int], Data] | None = None, zero: str = "", ones: str | None = None, once: bool = False) -> Callable:
        """Decorator: register a question worth `points`. data: called with the probe's seed, in the grading process only, it
        makes what the probe finds in `bench.data`. zero: the sizes among the probe's parameters that may be 0; ones: those that may be 1, where not
        all may. once: it is asked in one round only, as what is given `data` is: trainings, whose repetition would take too long."""

        def register(ask):
            self.probes.append(Probe(ask.__name__, ask, points, data, zero, ones, once))
            return ask

        return register

    def rounds(self, probe: Probe) -> tuple[Round, ...]:
        """How often a probe of this task is asked, and with what (see rounds)."""
        return (FIRST,) if probe.once or probe.data else rounds_of(probe.ask, probe.zero, probe.ones)

    def mistake(self, name: str, edits: dict[str, str], message: str, raises: type[Exception] | tuple[type[Exception], ...] = ()):
        """Register the solution's answer with some of its text replaced, and what to tell the learner who gave it. Each text stands there exactly
        once, docstrings left out. raises: needed where only exceptions find it out."""
        self._add(Impostor(name, self.name, message, _as_tuple(raises), edits=tuple(edits.items())))

    def impostor(self, message: str, raises: type[Exception] | tuple[type[Exception], ...] = ()) -> Callable:
        """Decorator: register a wrong answer that is another program than the solution. message, raises: as of `mistake`."""

        def register(answer):
            self._add(Impostor(answer.__name__, self.name, message, _as_tuple(raises), written=answer))
            return answer

        return register

    def _add(self, impostor: Impostor):
        """Raises ValueError where another has its name: of two, one would never be asked."""
        if any(impostor.name == other.name for other in self.impostors):
            raise ValueError(f"{self.name} has two mistakes called {impostor.name}.")
        self.impostors.append(impostor)

    def starts_from(self, message: str, raises: type[Exception] | tuple[type[Exception], ...] = ()) -> Callable:
        """Decorator: register a wrong answer, a plain function, that the learner is given to mend. raises: as of `impostor`."""

        def register(answer):
            self.impostor(message, raises)(answer)
            self.starter = self.impostors[-1]
            return answer

        return register


@dataclass(frozen=True)
class Exercise:
    """One notebook's tasks. `release` counts up when a task's contract changes, so that old notebooks are recognised. milestone: what a learner whose
    notebook is full has shown, and the next question."""

    name: str
    title: str
    tasks: tuple[Task, ...]
    release: int = 1
    milestone: str = ""

    @property
    def points(self) -> int:
        return sum(task.points for task in self.tasks)

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.name == name)


def function_source(definition) -> str:
    """The source of a function or class, dedented, without the decorator that registers it with a task."""
    source = textwrap.dedent(inspect.getsource(definition))
    statement = ast.parse(source).body[0]
    kept = [node.lineno for node in statement.decorator_list if not _registers(node)]
    return "".join(source.splitlines(keepends=True)[min(kept, default=statement.lineno) - 1 :])


def _as_tuple(raises):
    return raises if isinstance(raises, tuple) else (raises,)


def _registers(decorator) -> bool:
    """Whether a decorator is `@some_task.probe(...)`, `@some_task.impostor(...)` or `@some_task.starts_from(...)`."""
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", None) in ("probe", "impostor", "starts_from")
