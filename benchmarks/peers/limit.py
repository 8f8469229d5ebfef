"""The limit beside the peers: see benchmarks/limit.py. Its seconds begin when torch is imported."""

import json
import sys
from pathlib import Path

from . import environments

CHECKS = "as ours, but cells, probes and judging share one warm, unprotected process for each job"
PROGRAM = Path(__file__).parents[1] / "limit.py"


def environment(folder: Path) -> Path:
    return Path(sys.executable).parent


def prepare(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    folder.mkdir(parents=True)


def grade(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    environments.run([programs / "python", PROGRAM, report, jobs, *submissions], folder)
    graded = json.loads(report.read_text(encoding="utf-8"))
    return graded["seconds"], graded["scores"]
