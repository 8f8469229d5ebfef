"""The exercises, in the order of the course. Adding one: write its module here and list it below."""

from ..spec import Exercise, Task
from . import backward, capstone, cnn, formula, init, mlp, pitfalls, source, transformer

EXERCISES: tuple[Exercise, ...] = tuple(
    package.EXERCISE for package in (formula, init, backward, source, pitfalls, mlp, cnn, transformer, capstone)
)


def find_exercise(name: str) -> Exercise:
    """The exercise of that name. Raises KeyError."""
    return {exercise.name: exercise for exercise in EXERCISES}[name]


def exercise_called(word: str) -> Exercise:
    """The exercise of a number ("03", "3") or a name ("backward", "03_backward"). Raises LookupError with a clause that lists them."""
    for exercise in EXERCISES:
        if is_called(exercise.name, word):
            return exercise
    raise LookupError(f"no such exercise. Exercises: {', '.join(exercise.name for exercise in EXERCISES)}.")


def is_called(name: str, word: str) -> bool:
    """Whether a word, a number or a name, means the exercise of that name."""
    return word in (name, name[:2], name[3:], name[:2].lstrip("0"))


def all_tasks() -> dict[str, Task]:
    """Every task of the course by its name."""
    return {task.name: task for exercise in EXERCISES for task in exercise.tasks}


def chapter_of(section: str) -> str:
    """The chapter with that section label: "formula-shapes" stands in "01_formula"."""
    return next(exercise.name for exercise in EXERCISES if exercise.name[3:] == section.split("-")[0])
