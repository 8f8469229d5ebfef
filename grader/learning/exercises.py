"""Where a learner's exercises lie: here, in the folder that `start` laid out, or in the course's own. Torch is not imported for it."""

from pathlib import Path

from .. import course, glance, terminal
from ..files import link_to
from ..texts import one_line

FOLDER = "linear-exercises"  # where `start` lays them out, if nothing else is said

NONE = "There are no exercises here. Go where yours lie, or lay them out: {} start"


class NoExercise(Exception):
    """A word leads to no notebook. The message is one line."""


def outlines() -> dict[str, dict[str, int]]:
    """The tasks of every exercise of the course, with their points."""
    return {path.stem: glance.tasks(path) for path in course.notebooks()}


def chosen(words: list[str]) -> dict[Path, set[str]]:
    """The learner's own notebooks for paths, exercises by number ("03") or name, tasks, or "all"; of each, the tasks that were named, or none, where
    all are meant. Raises NoExercise."""
    found: dict[Path, set[str]] = {}
    for word in [name for word in words for name in (_all() if word == "all" else [word])]:
        home = next((name for name, tasks in outlines().items() if word in tasks), None)
        if home and not Path(word).is_file():
            path = own(home)
            if found.get(path, {word}):
                found.setdefault(path, set()).add(word)
        else:
            found[own(word)] = set()
    return found


def _all():
    """The names of the exercises that there are notebooks of."""
    names = [name for name in outlines() if find(name)]
    if not names:
        raise NoExercise(NONE.format(terminal.program()))
    return names


def own(word: str) -> Path:
    """The learner's own notebook for a path, an exercise's number ("03") or its name. Raises NoExercise."""
    if Path(word).is_file():
        return _itself(Path(word))
    names = [path.stem for path in course.notebooks()]
    name = next((name for name in names if course.is_called(name, word)), None)
    if name is None:
        raise NoExercise(f"{one_line(word)}: neither a notebook nor an exercise, nor a task. Exercises: {', '.join(names)}.")
    found = find(name)
    if found is None:
        raise NoExercise(f"{one_line(word)}: there is no {name}.ipynb here. Go where your exercises lie, or lay them out: {terminal.program()} start")
    return found


def are_here() -> bool:
    """Whether any of the exercises lies in this folder."""
    return any(Path(path.name).is_file() for path in course.notebooks())


def find(name: str) -> Path | None:
    """The learner's own notebook of an exercise, by its whole name; None where there is none in the first of the folders that holds any."""
    folders = [Path(), Path(FOLDER), *([] if course.INSTALLED else [course.ROOT / "exercises"])]
    home = next((folder for folder in folders if any((folder / path.name).is_file() for path in course.notebooks())), None)
    return _itself(home / f"{name}.ipynb") if home and (home / f"{name}.ipynb").is_file() else None


def _itself(path: Path) -> Path:
    """The file that a path leads to, through the learner's own links."""
    return path.resolve() if link_to(path) else path
