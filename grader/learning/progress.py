"""How far a learner has come, by what earlier checks found. Only what has changed since is graded, and only for that torch is imported."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import glance
from ..cache import Cache, digest_of
from ..files import shown_path
from ..kernels.warm import Setting
from ..verdicts import SubmissionResult
from .exercises import find, outlines


@dataclass(frozen=True)
class Standing:
    """How an exercise stands. path: the learner's notebook; None: there is none. tasks: the points and the most points of each. error: why it could not
    be graded."""

    name: str
    path: Path | None
    tasks: dict[str, tuple[int, int]]
    error: str = ""

    @property
    def points(self) -> tuple[int, int]:
        """The points and the most points of all tasks."""
        points, most = zip(*self.tasks.values())
        return sum(points), sum(most)


def standings() -> list[Standing]:
    """How every exercise stands, in order."""
    outline, known = outlines(), _known()
    paths = {name: find(name) for name in outline}
    results = {name: known.look(known.key(path, digest_of(path)), str(path)) for name, path in paths.items() if path and not glance.is_untouched(path)}
    changed = [paths[name] for name, result in results.items() if result is None]
    if changed:
        graded = {result.path: result for result in _grade(changed)}
        results |= {name: graded[shown] for name, path in paths.items() if path and (shown := shown_path(path)) in graded}
    return [_standing(name, paths[name], tasks, results.get(name)) for name, tasks in outline.items()]


def _standing(name, path, tasks, result):
    earned = {task.name: task.points for task in result.tasks} if result else {}
    other = f"{shown_path(path)}: holds exercise {result.exercise}. Rename it." if result and not result.error and result.exercise != name else ""
    return Standing(name, path, {task: (earned.get(task, 0), most) for task, most in tasks.items()}, other or (result.error if result else ""))


def _grade(paths):
    import secrets

    from ..kernels.sandbox import pick_sandbox
    from ..running import cores, grade_paths

    setting, jobs = Setting(pick_sandbox("auto", [], required=False)), min(cores(), len(paths))
    return remembered(paths, grade_paths(paths, secrets.randbelow(2**31), setting, jobs, regrade=set(map(shown_path, paths))))


def remembered(paths: list[Path], results: Iterable[SubmissionResult]) -> Iterator[SubmissionResult]:
    """Results of the paths, of which none is begun yet; what they say is known from then on, unless a notebook has changed since."""
    known = _known()
    keys = {shown_path(path): (known.key(path, digest_of(path)), path) for path in paths}
    for result in results:
        known.keep(*keys[result.path], result)
        yield result


def next_first() -> list[Path]:
    """The learner's own notebooks, from the one with the next task on."""
    here = [standing for standing in standings() if standing.path]
    first = next((number for number, each in enumerate(here) if each.points[0] < each.points[1]), 0)
    return [each.path for each in here[first:] + here[:first]]


def _known():
    """What earlier checks found, whatever their seed and their sandbox."""
    return Cache(None, Setting())
