"""The right answers of the tests changed in one place, as `grader.mutants` changes the solutions: what a probe notices of one road to the answer, it may miss of another.

`make mutants` asks them all, `python -m tests.mutants 04 flat_linear` those of some exercises or tasks. right_answers/equivalents.toml says which may live.
"""

import ast
import re
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from grader.catalogue import EXERCISES
from grader.diagnose import Examiner
from grader.mutants import ADDED, SEED, equivalents, keep, lives, mutants_of
from grader.spec import function_source

from .right_answers import right_answers

MAY_LIVE = tomllib.loads((Path(__file__).parent / "right_answers" / "equivalents.toml").read_text(encoding="utf-8"))
# A network that is trained a little otherwise predicts as well: no probe can tell, nor should it.
TRAINED = ("train_digits", "fit")
# What is alike whatever the answer: as each is replaced on both sides, nothing that differs may be left.
ALIKE = (
    (r"(, device=[\w.']+|\bdevice=[\w.']+, |\.to\([\w.]+\.device\)|\.cpu\(\))", ""),  # there is one device; the tests on a GPU ask for more
    (r"\.view\(", ".reshape("),  # a view of memory that lies in order; where it does not, view raises, and the probes ask that
    (r"([\w.\[\]:, ()]+?) = \1 (@|\*\*|[-+*/]) ", r"\1 \2= "),  # in the answer's own memory; in what was lent, the laws see it
    (r"transpose\((-?\d), (-?\d)\)", lambda found: f"transpose({', '.join(sorted(found.groups()))})"),
)


def answers(words: list[str]):
    """(exercise, task, number) of each right answer to be changed."""
    for exercise in EXERCISES:
        for task in exercise.tasks:
            wanted = not words or exercise.name[:2] in words or task.name in words
            if wanted and task.name not in TRAINED:
                yield from ((exercise, task, number) for number in range(len(right_answers(exercise.name)[task.name])))


def mutants_of_answer(exercise, task, number):
    """The right answer's name; each changed program, with the lines in which it differs; and the names that the answer knows."""
    answer = right_answers(exercise.name)[task.name][number]
    source = re.sub(rf"\b{answer.__name__}\b", task.name, function_source(answer))
    return answer.__name__, list(mutants_of(source)), dict(vars(sys.modules[answer.__module__]))


def reason(exercise, task, name: str, change: str) -> str:
    """Why a mutant may live, given as `was -> becomes`; empty where it may not."""
    was, becomes = change.split(" -> ", 1)
    if _alike(was) == _alike(becomes):
        return "alike in every answer"
    for known, why in equivalents(exercise).get(task.name, {}).items():  # what may be done to all that is returned is up to the task
        if _added(was, becomes) & _added(*known.split(" -> ", 1)):
            return why
    return next((why for edit, why in MAY_LIVE.get(name, {}).items() if is_edit(edit, was, becomes)), "")


def _alike(line):
    for pattern, replacement in ALIKE:
        line = re.sub(pattern, replacement, line)
    return line


def _added(was, becomes) -> set[str]:
    """What was done to a returned value, as the forms of `grader.mutants`."""
    if not was.startswith("return "):
        return set()
    forms = {form: f"return {form.format('(' + was.removeprefix('return ') + ')')}" for form in ADDED}
    return {form for form, text in forms.items() if ast.unparse(ast.parse(text)) == becomes}


def is_edit(edit, was, becomes):
    """Whether `was -> becomes` is the edit, a shorter `was -> becomes`, at one place."""
    old, new = edit.split(" -> ")
    return any(was[: found.start()] + new + was[found.end() :] == becomes for found in re.finditer(re.escape(old), was))


def survivors(names: tuple[str, str, int]) -> tuple[str, int, int, list[str]]:
    """The right answer's name, how many mutants it has, how many of them may live, and those that live and may not."""
    torch.set_num_threads(1)
    exercise = next(each for each in EXERCISES if each.name == names[0])
    task = next(each for each in exercise.tasks if each.name == names[1])
    name, found, known = mutants_of_answer(exercise, task, names[2])
    asked = [(text, change) for text, change in found if not reason(exercise, task, name, change)]
    examiner = Examiner(SEED)
    return name, len(found), len(found) - len(asked), [change for text, change in asked if lives(task, text, known, examiner)]


def main(words: list[str]):
    jobs = [(exercise.name, task.name, number) for exercise, task, number in answers(words)]
    total = equivalent = alive = 0
    with ProcessPoolExecutor() as pool:
        for (exercise, task, _), (name, mutants, may_live, living) in zip(jobs, pool.map(survivors, jobs)):
            total, equivalent, alive = total + mutants, equivalent + may_live, alive + len(living)
            for change in living:
                print(f"{exercise} {task}, {name}: {change}", flush=True)
    print(f"{len(jobs)} right answers: {total} mutants, {equivalent} equivalent, {alive} alive")
    if not words:
        keep(right_answers={"answers": len(jobs), "mutants": total, "equivalent": equivalent, "alive": alive})
    sys.exit(alive > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
