"""What one person waits for: the command's first word, and the verdict on a notebook that was just saved while `check --watch` stays up."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

WORK = Path(__file__).parent / ".work" / "doors"
SOLUTIONS = Path(__file__).parent.parent / "solutions"


def measure(repeats: int) -> dict:
    """Seconds, each the median of `repeats`: `--help`, against a Python that does nothing; and from save to the last line of feedback."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    return {
        "repeats": repeats,
        "help_seconds": _command(repeats, "-m", "grader", "--help"),
        "python_seconds": _command(repeats, "-c", "pass"),
        "recheck_seconds": {path.stem: _recheck(path, repeats) for path in sorted(SOLUTIONS.glob("*.ipynb"))},
    }


def _command(repeats, *arguments):
    seconds = []
    for _ in range(repeats + 1):  # the first fills the system's caches
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def _recheck(notebook, repeats):
    """The first two verdicts, which wait for imports, are not counted."""
    watched = WORK / notebook.name
    shutil.copy(notebook, watched)
    command = [sys.executable, "-m", "grader", "check", watched, "--watch", "--seed", "1"]
    seconds = []
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=environment) as process:
        try:
            _await_verdict(process)
            for _ in range(repeats + 1):
                time.sleep(0.3)
                start = time.perf_counter()
                os.utime(watched)
                _await_verdict(process)
                seconds.append(time.perf_counter() - start)
        finally:
            process.terminate()
    return statistics.median(seconds[1:])


def _await_verdict(process):
    for line in process.stdout:
        if " points" in line:
            return
    raise RuntimeError("check --watch ended")


def show(results: dict, console: Console):
    """Print what `measure` returns."""
    console.print(f"--help: {results['help_seconds']:.3f} s (Python alone {results['python_seconds']:.3f} s)")
    for name, seconds in results["recheck_seconds"].items():
        console.print(f"{name}: {seconds:.2f} s from save to verdict")
