"""The exercises, in the order of the course. Adding one: write its module here and list it below."""

from ..spec import Exercise, Task
from . import backward, capstone, cnn, formula, init, mlp, pitfalls, source, transformer

EXERCISES: tuple[Exercise, ...] = tuple(
    package.EXERCISE for package in (formula, init, backward, source, pitfalls, mlp, cnn, transformer, capstone)
)


def find_exercise(name: str) -> Exercise:
    """The exercise of that name. Raises KeyError."""
    return {exercise.name: exercise for exercise in EXERCISES}[name]


def all_tasks() -> dict[str, Task]:
    """Every task of the course by its name."""
    return {task.name: task for exercise in EXERCISES for task in exercise.tasks}


def chapter_of(section: str) -> str:
    """The chapter with that section label: "formula-shapes" stands in "01_formula"."""
    return next(exercise.name for exercise in EXERCISES if exercise.name[3:] == section.split("-")[0])
