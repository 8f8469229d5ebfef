"""otter-grader 7.0.0, `otter run`: one process for each submission, as it is meant to be used. The checks are test files in
otter's exception-based form; the autograder's zip is made beforehand by `otter generate`."""

import json
from pathlib import Path

import nbformat

from . import environments
from .layout import FUNCTIONS, IMPORTS, exercise_of, solution, tasks_of, with_checks

CHECKS = "a teacher's comparisons with torch, as test files that otter runs in the kernel"
SECONDS = 120  # for one submission: otter run itself has no limit


def environment(folder: Path) -> Path:
    return environments.environment(folder, "otter", ("otter-grader==7.0.0",))


def prepare(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    for path in submissions:
        own = folder / path.stem
        own.mkdir(parents=True, exist_ok=True)
        notebook = with_checks(path)
        nbformat.write(notebook, own / path.name)
    for exercise in sorted(set(map(exercise_of, submissions))):
        tests = folder / exercise / "tests"
        tests.mkdir(parents=True, exist_ok=True)
        for task in tasks_of(with_checks(solution(exercise))):
            (tests / f"{task}.py").write_text(
                f"from otter.test_files import test_case\n{IMPORTS}\n\n"
                f'OK_FORMAT = False\nname = "{task}"\n\n\n@test_case(points=1)\n{FUNCTIONS[task]}\n'
            , encoding="utf-8")
        environments.run([programs / "otter", "generate", "-t", "tests", "-o", "autograder.zip"], folder / exercise)


def grade(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    def run(path, exercise):
        zipped = folder / exercise / "autograder.zip"
        environments.run([programs / "otter", "run", "-a", zipped, "-o", ".", path.name], folder / path.stem, SECONDS)

    for path in submissions:
        (folder / path.stem / "results.json").unlink(missing_ok=True)
    seconds = environments.seconds(jobs, run, submissions, [exercise_of(path) for path in submissions])
    return seconds, {path.stem: _score(folder / path.stem / "results.json") for path in submissions}


def _score(path):
    if not path.exists():
        return None
    tests = [test for test in json.loads(path.read_text(encoding="utf-8"))["tests"] if test.get("max_score")]
    return sum(test["score"] for test in tests) / sum(test["max_score"] for test in tests)
