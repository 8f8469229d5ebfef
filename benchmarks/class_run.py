"""A class of a thousand, one in ten of them hostile, and the same class without those: is every notebook graded right, the honest ones alike in both, and
do rate and memory stay level?

What is right is found by asking each harmless notebook's cells in this process (limit), with the same seed; hostile ones, every attack of the tests in
turn, must get nothing for the tasks that they attack. As a command, for these figures alone: python -m benchmarks.class_run
"""

import concurrent.futures
import ctypes
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
from rich.console import Console

from .machine import machine

WORK = Path(__file__).parent / ".work" / "class"
SCRATCH = WORK / "scratch"
PR_SET_CHILD_SUBREAPER = 36


def measure(count: int) -> dict:
    """Grade `count` generated notebooks through the command line, watching its processes; then those that are not hostile. Raises RuntimeError where
    one is not graded right, or otherwise than in the other run."""
    shutil.rmtree(WORK, ignore_errors=True)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:  # needs torch, which this process does without
        due, limits = pool.submit(make_class, count, 0.1).result()
    honest = [WORK / "notebooks" / f"{stem}.ipynb" for stem in due if "hostile" not in stem]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what a run leaves running becomes a child of this process
    before = psutil.Process().children()
    graded, among = _run([WORK / "notebooks"], limits)
    undisturbed, alone = _run(honest, limits)
    points = {stem: each["points"] for stem, each in graded.items() if not each["error"]}
    wrong = {stem: (points.get(stem), least, most) for stem, (least, most) in due.items() if not least <= points.get(stem, -1) <= most}
    otherwise = [stem for stem, each in undisturbed.items() if graded[stem] != each]
    left = [child for child in psutil.Process().children() if child not in before and child.status() != psutil.STATUS_ZOMBIE] + list(SCRATCH.iterdir())
    if wrong or otherwise or left or len(undisturbed) != len(honest):
        raise RuntimeError(f"graded otherwise than is right (got, at least, at most): {wrong}; than alone: {otherwise}; left behind: {left}")
    return {"machine": machine(), "count": count, "hostile": count - len(honest), "limits": limits, "all": among, "honest": alone}


def _run(notebooks, limits) -> tuple[dict, dict]:
    """Results by name; and seconds, and samples of what is graded and of the memory of all processes."""
    report = WORK / "report.json"
    report.unlink(missing_ok=True)
    SCRATCH.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "grader", "grade", *notebooks, "--json", report, "--seed", "1", "--regrade", "-j", "2", *limits]
    start, samples = time.perf_counter(), []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(SCRATCH)}) as process:
        while process.poll() is None:
            time.sleep(1)
            if used := _memory(process.pid):
                samples.append({"seconds": time.perf_counter() - start, "graded": count_graded(report), "bytes": used})
    seconds = time.perf_counter() - start
    results = {Path(each["path"]).stem: each for each in json.loads(report.read_text(encoding="utf-8"))["submissions"]}
    return results, {"seconds": seconds, "samples": samples}


def make_class(count: int, hostile: float, subjects: int = 3) -> tuple[dict, list[str]]:
    """Write the notebooks, of so many exercises; the least and the most that each should get, and the limits to grade them with."""
    from grader import notebooks
    from grader.catalogue import find_exercise
    from tests.attacks.attack import EXERCISE, FULL
    from tests.attacks.every import ATTACKS, LIMITS

    from . import limit
    from .submissions import make

    paths = make(WORK / "notebooks", count, seed=1, hostile=hostile, attacks=[attack.notebook() for attack in ATTACKS], subjects=subjects)
    limit.os.environ["LINEAR_GRADER"] = "1"
    due, parts, attacks = {}, {}, iter(ATTACKS * (1 + count // len(ATTACKS)))
    worth = {task.name: task.points for task in find_exercise(EXERCISE).tasks}
    for path in paths:
        if "hostile" in path.stem:
            due[path.stem] = 0, FULL - sum(worth[task] for task in next(attacks).losses)
        else:
            text = path.read_bytes()  # many are alike in a large class
            parts[text] = parts[text] if text in parts else limit.grade(path)
            due[path.stem] = (round(parts[text] * notebooks.read(path).exercise.points),) * 2
    return due, LIMITS


def count_graded(report) -> int:
    """How many results the growing report holds."""
    return len(re.findall(rb'^ "exercise":', report.read_bytes(), re.MULTILINE)) if report.exists() else 0


def _memory(pid) -> int:
    """Bytes of all processes of the run."""
    try:
        return pss([psutil.Process(pid), *psutil.Process(pid).children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def pss(processes) -> int:
    """Bytes of processes together; what they share with others counts in part."""
    total = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:  # it has ended
            continue
        total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def show(results: dict, console: Console):
    """Print what `measure` returns."""
    console.print(f"{results['count']} notebooks, {results['hostile']} of them hostile: none lost, none mis-scored, none graded otherwise than without the hostile ones, nothing left behind")
    for what, run in (("all", results["all"]), ("without the hostile ones", results["honest"])):
        number = run["samples"][-1]["graded"]
        console.print(f"{what}: {run['seconds']:.0f} s, {number / run['seconds']:.1f} a second")
        for part in (1, 2, 3, 4):
            sample = run["samples"][len(run["samples"]) * part // 4 - 1]
            console.print(f"  after {sample['seconds']:.0f} s: {sample['graded']} graded, {sample['bytes'] / 2**20:.0f} MiB")


if __name__ == "__main__":
    results = Path(__file__).parent / "results" / "results.json"
    found = json.loads(results.read_text(encoding="utf-8")) | {"class_run": measure(1000)}
    show(found["class_run"], Console(highlight=False))
    results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8", newline="\n")
