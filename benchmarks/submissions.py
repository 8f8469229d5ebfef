"""A class's submissions, the same for the same seed: solutions, right but different answers, notebooks with one known mistake, and
untouched ones. They are of the first exercises, which train nothing: what is timed is grading.
"""

import json
import random
from pathlib import Path

import nbformat

from tests.notebooks import IMPORTS, answer_cell, answered, exercise, named, solution

KINDS = ("solution", "right", "mistaken", "untouched")


def make(folder: Path, count: int, seed: int, hostile: float = 0.0, attacks: list[nbformat.NotebookNode] = (), subjects: int = 3) -> list[Path]:
    """Write `count` notebooks, NUMBER_KIND.ipynb; their paths. Every 4 for each of the subjects hold each kind of each exercise once.

    hostile: the part of them that is replaced by `attacks`, in turn. subjects: of how many exercises they are, an odd number.
    """
    from grader.catalogue import EXERCISES  # brings torch, which must stay out of a process that measures memory
    from tests.right_answers import right_answers

    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    replaced = sorted(chance.sample(range(count), round(hostile * count)))
    paths = []
    for number in range(count):
        subject, kind = EXERCISES[number % subjects], KINDS[number % len(KINDS)]
        if number in replaced:
            kind, notebook = "hostile", attacks[replaced.index(number) % len(attacks)]
        elif kind == "right":
            answers = right_answers(subject.name)
            notebook = answered(subject.name, {task: named(task, chance.choice(ways)) for task, ways in answers.items()})
        elif kind == "mistaken":
            notebook, task = solution(subject.name), chance.choice(subject.tasks)
            answer_cell(notebook, task.name).source = IMPORTS + named(task.name, chance.choice(task.impostors))
        else:
            notebook = solution(subject.name) if kind == "solution" else exercise(subject.name)
        paths.append(folder / f"{number:03}_{kind}.ipynb")
        paths[-1].write_text(json.dumps(notebook), encoding="utf-8")  # attacks hold what UTF-8 does not
    return paths
