"""nbgrader 0.9.6, `nbgrader autograde`, for one assignment after the other. The checks are its read-only autograder tests.
It has no processes of its own, so several at once grade disjoint students in course folders of their own."""

import csv
import shutil
from pathlib import Path

import nbformat

from . import environments
from .layout import CELL_SECONDS, exercise_of, solution, with_checks

CHECKS = "a teacher's comparisons with torch, as autograder test cells"
CONFIG = f"""\
c = get_config()
c.CourseDirectory.course_id = "course"
c.ExecutePreprocessor.timeout = {CELL_SECONDS}
"""


def environment(folder: Path) -> Path:
    return environments.environment(folder, "nbgrader", ("nbgrader==0.9.6",))


def prepare(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    first = folder / "0"
    first.mkdir(parents=True)
    (first / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    for exercise in sorted(set(map(exercise_of, submissions))):
        source = first / "source" / exercise
        source.mkdir(parents=True)
        nbformat.write(with_checks(solution(exercise)), source / f"{exercise}.ipynb")
        environments.run([programs / "nbgrader", "generate_assignment", exercise], first)
    for number in range(1, jobs):
        shutil.copytree(first, folder / str(number))
    for number in range(jobs):
        for path in submissions[number::jobs]:
            exercise = exercise_of(path)
            submitted = folder / str(number) / "submitted" / path.stem / exercise
            submitted.mkdir(parents=True)
            nbformat.write(with_checks(path), submitted / f"{exercise}.ipynb")


def grade(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    def autograde(course, exercises):
        for exercise in exercises:
            environments.run([programs / "nbgrader", "autograde", exercise, "--force"], course)

    courses = [folder / str(number) for number in range(jobs)]
    exercises = [sorted(set(map(exercise_of, submissions[number::jobs]))) for number in range(jobs)]
    seconds = environments.seconds(jobs, autograde, courses, exercises)
    scores = {}
    for course in courses:
        environments.run([programs / "nbgrader", "export", "--to", "grades.csv"], course)
        with open(course / "grades.csv", newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                scores[row["student_id"], row["assignment"]] = float(row["score"]) / float(row["max_score"])
    return seconds, {path.stem: scores.get((path.stem, exercise_of(path))) for path in submissions}
