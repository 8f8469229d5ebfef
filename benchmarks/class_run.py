"""A class of a thousand, one in twenty of them hostile: is every notebook graded right, and do rate and memory stay level?

What is right is found by asking each harmless notebook's cells in this process (limit), with the same seed; hostile ones must get nothing.
"""

import concurrent.futures
import json
import multiprocessing
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console

WORK = Path(__file__).parent / ".work" / "class"
HOSTILE = 0.05
LIMITS = ["--limit", "cell=10", "--limit", "probe=5"]
ATTACKS = {  # each is a cell added to an untouched exercise, and must score nothing
    "endless loop": "while True: pass",
    "deaf to interrupts": "import time\nwhile True:\n    try: time.sleep(100)\n    except KeyboardInterrupt: pass",
    "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "memory bomb": "hoard = []\nwhile True: hoard.append(bytearray(10**8))",
    "full disk": "with open('/tmp/full', 'wb') as file:\n    while True: file.write(b'x' * 10**7)",
    "flood": "while True: print('x' * 10**5)",
    "sudden death": "import os\nos._exit(0)",
    "daemon": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True: time.sleep(1)\n    os._exit(0)",
    "blind cells": "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    "forged answers": "from IPython.display import publish_display_data\n"
    "for _ in range(50): publish_display_data({'application/vnd.linear-grader.answer+json': {'nonce': '', 'value': 1, 'forbidden': []}})",
}


def measure(count: int) -> dict:
    """Grade `count` generated notebooks through the command line, watching its processes. Raises RuntimeError where one is not graded right."""
    shutil.rmtree(WORK, ignore_errors=True)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:  # needs torch, which this process does without
        due = pool.submit(make_class, count).result()
    report = WORK / "report.json"
    left_before = _left_behind()
    command = [sys.executable, "-m", "grader", "grade", WORK / "notebooks", "--json", report, "--seed", "1", "--regrade", "-j", "2", *LIMITS]
    start, samples = time.perf_counter(), []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            time.sleep(1)
            if used := _memory(process.pid):
                samples.append((time.perf_counter() - start, count_graded(report), used))
    seconds = time.perf_counter() - start
    graded = {Path(each["path"]).stem: each["points"] for each in json.loads(report.read_text(encoding="utf-8"))["submissions"] if not each["error"]}
    wrong = {stem: (graded.get(stem), points) for stem, points in due.items() if graded.get(stem) != points}
    left = _left_behind() - left_before
    if wrong or left:
        raise RuntimeError(f"graded otherwise than is right (got, due): {wrong}; left behind: {left}")
    return {
        "count": count, "hostile": sum("hostile" in stem for stem in due), "attacks": list(ATTACKS), "limits": LIMITS, "seconds": seconds,
        "lost": 0, "mis_scored": 0, "left_behind": 0,
        "samples": [{"seconds": second, "graded": number, "bytes": used} for second, number, used in samples],
    }  # fmt: skip


def make_class(count) -> dict:
    """Write the notebooks; what each should get."""
    from nbformat.v4 import new_code_cell

    from grader import notebooks
    from tests.notebooks import exercise

    from . import limit
    from .submissions import make

    hostile = []
    for source in ATTACKS.values():
        notebook = exercise("01_formula")
        notebook.cells.insert(1, new_code_cell(source))
        hostile.append(notebook)
    paths = make(WORK / "notebooks", count, seed=1, hostile=HOSTILE, attacks=hostile)
    limit.os.environ["LINEAR_GRADER"] = "1"
    return {
        path.stem: 0 if "hostile" in path.stem else round(limit.grade(path) * notebooks.read(path).exercise.points) for path in paths
    }


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


def _left_behind() -> set:
    """Processes of the grader, and its folders."""
    processes = {process.pid for process in psutil.process_iter(["cmdline"]) if "grader" in " ".join(process.info["cmdline"] or [])}
    return processes | set(Path(tempfile.gettempdir()).glob("grader-*"))


def show(results: dict, console: Console):
    """Print what `measure` returns."""
    quarters = [results["samples"][len(results["samples"]) * part // 4 - 1] for part in (1, 2, 3, 4)]
    console.print(
        f"{results['count']} notebooks, {results['hostile']} of them hostile, in {results['seconds']:.0f} s: "
        f"{results['count'] / results['seconds']:.1f} a second; none lost, none mis-scored, nothing left behind"
    )
    for sample in quarters:
        console.print(f"  after {sample['seconds']:.0f} s: {sample['graded']} graded, {sample['bytes'] / 2**20:.0f} MiB")
