"""The workflow with which GitHub grades a learner's exercises/, and what it shows afterwards: a summary in Markdown, and GitHub Classroom's points.

As a program, in the workflow: github REPORT adds the summary of a report to the file that GITHUB_STEP_SUMMARY names, and prints the points.
"""

import json
import os
import re
import shlex
import sys
from html import escape
from pathlib import Path

from ..course import repository
from ..texts import one_line
from ..verdicts import PASSED, SubmissionResult, result_from_dict
from .shared import DoorError, constraints, task_page, template, torch, write

MOST = 900_000  # characters of a summary, of which GitHub takes a MiB
MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~$@&:-])")  # what Markdown, and GitHub in it, reads as more than a letter


def write_workflow(path: Path, force: bool) -> list[str]:
    """Write the workflow; the lines that say so. Raises DoorError."""
    workflow = template("grade.yml").render(
        address=shlex.quote(_address()), torch=torch(), packages=constraints().split(), python="{}.{}".format(*sys.version_info)
    )
    return write({path: workflow}, force)


def _address() -> str:
    """Where learners' workflows get the grader: the repository's address in _config.yml. Raises DoorError."""
    if not repository():
        raise DoorError("The workflow fetches the grader from the course's address, and there is none: write it into _config.yml, as repository: url: https://...")
    return repository()


def summary(report: dict) -> str:
    """A report as Markdown: a table of notebooks, and for each task that is not right, what was seen."""
    results = list(map(result_from_dict, report["submissions"]))
    lines = ["## Exercises", "", "| Notebook | Points | Tasks |", "|---|---:|---|", *map(_row, results), ""]
    points, most = _points(results)
    lines += [f"**{points} of {most} points** (seed {report['seed']})", ""]
    details = [part for result in results for part in _details(result)]
    if sum(map(len, details)) > MOST:
        details = ["The details are too long for this page: `python -m grader check` shows them on your machine.", ""]
    return "\n".join(lines + details)


def _row(result: SubmissionResult) -> str:
    if result.error:
        return f"| {_plain(result.path)} | – | {_plain(result.error)} |"
    tasks = ", ".join(f"{'✓' if task.status == PASSED else '✗'} {_plain(task.name)} {task.points}/{task.max_points}" for task in result.tasks)
    return f"| {_plain(result.path)} | {result.points} / {result.max_points} | {tasks} |"


def _details(result):
    """The notes on a notebook, and what there is to say of its tasks, folded. Each is one line of HTML, in which nothing is Markdown."""
    for note in result.notes:
        yield f"- {_plain(result.path)}: {_plain(note)}"
    for task in result.tasks:
        page = task_page(task).replace("\n", "&#10;")
        if page:
            title = f"<strong>{escape(result.exercise)} · {task.name}</strong> {task.points} / {task.max_points}, {task.status}"
            yield f"\n<details><summary>{title}</summary>{page}</details>\n"


def _plain(text: str) -> str:
    """Text as a line of Markdown in which it is nothing but text."""
    return MARKS.sub(r"\\\1", one_line(text))


def _points(results) -> tuple[int, int]:
    return sum(result.points for result in results), sum(result.max_points for result in results)


def notices(report: dict) -> list[str]:
    """What GitHub Classroom reads in a workflow's output: the points, as its own reporter prints them, and before them those of each task."""
    results = list(map(result_from_dict, report["submissions"]))
    tasks = [f"{result.exercise} · {task.name}: {task.points}/{task.max_points}" for result in results for task in result.tasks]
    points, most = _points(results)
    total = json.dumps({"totalPoints": points, "maxPoints": most})
    return [*tasks, f"::notice title=Autograding complete::Points {points}/{most}", f"::notice title=Autograding report::{total}"]


def main(path: Path) -> int:
    """Show a report where GitHub shows a step's summary, or on standard output."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        print("There is no report: nothing in exercises/ could be graded.", file=sys.stderr)
        return 1
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    with open(place, "a", encoding="utf-8") if place else os.fdopen(os.dup(1), "w", encoding="utf-8") as file:
        file.write(summary(report))
    print(*notices(report), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
