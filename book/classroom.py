"""An invented class hands in its homework, the same at every call: Moodle's download of it and Moodle's grading worksheet.

Its notebooks are made of the course's own material: solutions, other right answers, and known mistakes. Nobody in it is real.
"""

import csv
import random
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import nbformat

from grader.catalogue import EXERCISES
from tests.notebooks import answered, named
from tests.right_answers import right_answers

DUE = datetime(2026, 10, 11, 18, 0)  # a Sunday
GIVEN = (
    "Ada Jörg Mei Siobhán Олена Tariq Zoë Kwame Łucja Noor Björn Chidi Inés Παύλος Yui Hamza Freya Dilnoza Émile Nandi "
    "Tomáš 佳怡 Oisín Leila Matteo Thảo Ebba Ruben Amara Søren"
).split()
FAMILY = (
    "Winterfeldt Grünspan Lindqvist O’Dunmore Калиновська Rahmanzai Vandermolen Asantewaa Brzozowska Al-Sabbagh Ångmark Okwuosa Valdecasas "
    "Αλεξίου Hoshizora Benyamina Thornbury Karimzoda L'Épinay Mthombeni Dvořáček 林 Kilbride Farrokhi Bellandi Đoàn Sjöholm Achterberg Nwachukwu Østerby"
).split()
LATE = {3: 12, 11: 95, 17: 260, 26: 1500}  # minutes, by place in the class
PDF, DAMAGED, IDLE, TWICE, FLAGGED, WEAK = 8, 14, 20, 22, 5, 7  # places, too
GIVES_UP = 0.5  # below this ability, a task that is too hard is left untried
ODD = 'exec("from torch import nn")\n\n'  # what raises a flag


@dataclass(frozen=True)
class Classmate:
    """Somebody of the class. handed_in: by file name; empty for whoever handed in nothing. ability: from 0 to 1."""

    name: str
    number: int
    ability: float
    time: datetime
    handed_in: dict[str, bytes]

    @property
    def row(self) -> list[str]:
        """The line in Moodle's grading worksheet."""
        hour = self.time.hour % 12 or 12
        time = f"{self.time:%A}, {self.time.day} {self.time:%B %Y}, {hour}:{self.time:%M %p}" if self.handed_in else "-"
        return [f"Participant {self.number}", self.name, f"s{self.number}@example.org", "", "10.00", "Yes", time, "-", ""]


def make(folder: Path, count: int = 30, exercises: tuple[str, ...] = ("01_formula",), seed: int = 1) -> list[Classmate]:
    """Write download.zip and worksheet.csv into a folder; the class. Some come late, and the first thirty hold one of each accident."""
    chance = random.Random(seed)
    subjects = [exercise for exercise in EXERCISES if exercise.name in exercises]
    everybody = [_classmate(place, subjects, chance) for place in range(count)]
    with zipfile.ZipFile(folder / "download.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for each in everybody:
            for file, content in each.handed_in.items():
                archive.writestr(f"{each.name}_{each.number}_assignsubmission_file_/{file}", content)
    with open(folder / "worksheet.csv", "w", encoding="utf-8", newline="") as file:
        heads = ["Identifier", "Full name", "Email address", "Grade", "Maximum Grade", "Grade can be changed", "Last modified (submission)"]
        csv.writer(file).writerows([[*heads, "Last modified (grade)", "Feedback comments"], *(each.row for each in everybody)])
    return everybody


def _classmate(place, subjects, chance):
    turn, seat = divmod(place, len(GIVEN))
    name = f"{GIVEN[seat]} {FAMILY[(seat + 7 * turn) % len(FAMILY)]}"
    ability = min(1, max(0.05, chance.gauss(0.68, 0.2)))
    files = {f"{subject.name}.ipynb": _notebook(subject, ability, chance, place == FLAGGED) for subject in subjects}
    first = next(iter(files))
    if place == PDF:
        files = {"homework.pdf": b"%PDF-1.7"}
    if place == DAMAGED:
        files[first] = files[first][: len(files[first]) // 2]
    if place == IDLE:
        files = {}
    if place == TWICE:
        files = {first: _notebook(subjects[0], 0.2, chance), first.replace(".ipynb", " (1).ipynb"): files.pop(first), **files}
    time = DUE + timedelta(minutes=LATE[place] if place in LATE else -chance.randrange(5, 4 * 24 * 60))
    return Classmate(name, 2610101 + 7 * place, ability, time, files)


def _notebook(subject, ability, chance, flagged=False) -> bytes:
    """What somebody of an ability writes: right, a known mistake (the first in the catalogue are the commonest), or nothing."""
    right, answers = right_answers(subject.name), {}
    for number, task in enumerate(subject.tasks):
        draw = chance.random() + 0.03 * number  # they become harder
        if draw < ability:
            answers[task.name] = named(task.name, chance.choice(right[task.name]))
        elif ability > GIVES_UP or number < 3:
            weights = [1 / (rank + 1) ** 2 for rank in range(len(task.impostors))]
            answers[task.name] = named(task.name, chance.choices(task.impostors, weights)[0])
    if flagged:
        answers[subject.tasks[0].name] = ODD + answers.get(subject.tasks[0].name, "")
    return nbformat.writes(answered(subject.name, answers)).encode()
