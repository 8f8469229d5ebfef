"""The exercises, in the order of the course. Adding one: write its module here and list it below."""

from ..course import is_called
from ..spec import Exercise, Task
from . import backward, capstone, cnn, cost, formula, init, mlp, parallel, pitfalls, precision, quantized, source, structure, transformer

EXERCISES: tuple[Exercise, ...] = tuple(
    package.EXERCISE
    for package in (formula, init, backward, source, pitfalls, mlp, cnn, transformer, capstone, cost, precision, quantized, structure, parallel)
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


def all_tasks() -> dict[str, Task]:
    """Every task of the course by its name."""
    return {task.name: task for exercise in EXERCISES for task in exercise.tasks}


def chapter_of(section: str) -> str:
    """The chapter with that section label: "formula-shapes" stands in "01_formula"."""
    return next(exercise.name for exercise in EXERCISES if exercise.name[3:] == section.split("-")[0])
