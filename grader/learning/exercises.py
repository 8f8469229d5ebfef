"""Where a learner's exercises lie: here, in the folder that `start` laid out, or in the course's own."""

from pathlib import Path

from .. import course, terminal
from ..catalogue import EXERCISES, is_called
from ..files import link_to
from ..texts import one_line

FOLDER = "linear-exercises"  # where `start` lays them out, if nothing else is said


class NoExercise(Exception):
    """A word leads to no notebook. The message is one line."""


def own(word: str) -> Path:
    """The learner's own notebook for a path, an exercise's number ("03") or its name. Raises NoExercise."""
    if Path(word).is_file():
        return Path(word).resolve() if link_to(Path(word)) else Path(word)
    name = next((exercise.name for exercise in EXERCISES if is_called(exercise.name, word)), None)
    if name is None:
        names = ", ".join(exercise.name for exercise in EXERCISES)
        raise NoExercise(f"{one_line(word)}: neither a notebook nor an exercise. Exercises: {names}.")
    found = find(name)
    if found is None:
        raise NoExercise(f"{one_line(word)}: there is no {name}.ipynb here. Go where your exercises lie, or lay them out: {terminal.program()} start")
    return found


def find(name: str) -> Path | None:
    """The learner's own notebook of an exercise, by its whole name; None where there is none."""
    places = [Path(), Path(FOLDER), *([] if course.INSTALLED else [course.ROOT / "exercises"])]
    return next((place / f"{name}.ipynb" for place in places if (place / f"{name}.ipynb").is_file()), None)
