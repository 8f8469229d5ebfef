"""This course's grader, `python -m grader grade`, from the environment that runs the benchmark.

It keeps results and does not grade an unchanged notebook twice. Here every run finds that cache empty: no look-up is timed.
"""

import json
import shutil
import sys
from pathlib import Path

from . import environments

CHECKS = "each task's probes against torch, judged outside the kernel; known mistakes are named"


def environment(folder: Path) -> Path:
    return Path(sys.executable).parent


def prepare(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    folder.mkdir(parents=True)


def grade(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    shutil.rmtree(folder / environments.CACHE, ignore_errors=True)
    command = [programs / "python", "-m", "grader", "grade", *submissions, "-j", jobs, "--seed", 1, "--json", report]
    seconds = environments.seconds(1, lambda arguments: environments.run(arguments, folder), [command])
    graded = json.loads(report.read_text(encoding="utf-8"))["submissions"]
    return seconds, {Path(each["path"]).stem: each["points"] / each["max_points"] for each in graded}
