"""A class of ten thousand, one in twenty of them hostile, graded by one and by two Dask workers on this machine, two notebooks at a time in all: how many
a second, and what do the processes take meanwhile? And files of the same size that take no time to grade: what does it cost to send them around?

The class is made as that of `class_run`, of the first exercise alone. As a command: python -m benchmarks.cluster_run [COUNT]
"""

import concurrent.futures
import gc
import json
import multiprocessing
import shutil
import socket
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import psutil
from rich.console import Console

from . import class_run
from .machine import machine

RESULTS = Path(__file__).parent / "results" / "cluster.json"
WORKERS = (1, 2)
TOGETHER = 2  # notebooks that are graded at a time, by all workers together
ALONE = 10  # one in so many is graded without a cluster, too
IDLE = 10  # seconds in which a cluster is left alone, to see what it computes then
SAMPLES = 200  # that are kept of a run


def measure(count: int) -> dict:
    """Grade `count` generated notebooks on each number of workers, and a part of them without a cluster. Raises RuntimeError where an
    attack earns anything, or a report differs: in more than what is said of a hostile notebook, some of which end in a race."""
    shutil.rmtree(class_run.WORK, ignore_errors=True)
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:  # needs torch, which this process does without
        due, limits = pool.submit(class_run.make_class, count, 0.05, 1).result()
    notebooks, torn = class_run.WORK / "notebooks", class_run.WORK / "torn"
    size = sum(path.stat().st_size for path in notebooks.iterdir()) / count
    torn.mkdir()
    for number in range(max(2000, count // 10)):
        (torn / f"{number}.ipynb").write_bytes(b'{"cells": ["' + b"x" * int(size))
    runs = [_run(number, [notebooks], limits) for number in WORKERS]
    alone = _run(0, sorted(notebooks.iterdir())[: count // ALONE], limits)
    graded, again, apart = (_submissions(_report(number)) for number in (*WORKERS, 0))
    if wrong := [stem for stem, (least, most) in due.items() if not (stem in graded and least <= graded[stem]["points"] <= most)]:
        raise RuntimeError(f"not graded, or otherwise than is right: {wrong}: see {_report(WORKERS[0])}")
    differ = [(stem, graded[stem]["points"], each["points"]) for other in (again, apart) for stem, each in other.items() if graded[stem] != each]
    if len(again) != count or any("hostile" not in stem or points != others for stem, points, others in differ):
        raise RuntimeError(f"the reports differ in {differ}: see {class_run.WORK}")
    sent = _run(WORKERS[-1], [torn], limits, "torn")
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        kept = pool.submit(_kept, _report(WORKERS[0])).result()
    return {
        "count": count, "hostile": sum("hostile" in stem for stem in graded), "otherwise": len({stem for stem, *_ in differ}), "limits": limits, "alone": alone,
        "alone_count": len(apart), "runs": runs, "sent": sent, "notebook_bytes": size, "result_bytes": _report(WORKERS[0]).stat().st_size / count,
        "kept_bytes": kept,
    }  # fmt: skip


def _report(workers: int, name: str = "notebooks") -> Path:
    return class_run.WORK / f"{name}{workers}.json"


def _submissions(report) -> dict:
    """A report's results, by the notebooks' names."""
    return {Path(each["path"]).stem: each for each in json.loads(report.read_text(encoding="utf-8"))["submissions"]}


def _run(workers: int, notebooks: list[Path], limits: list[str], name: str = "notebooks") -> dict:
    """Grade notebooks on so many workers, or on none, TOGETHER at a time in all; how fast, what the processes took, and what they computed for each
    notebook."""
    report = _report(workers, name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    worker = ["distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
    grade = ["grader", "grade", *notebooks, "--json", report, "--seed", "1", "--regrade", *limits]
    commands = {
        "scheduler": ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"],
        **{f"worker {number}": worker for number in range(1, workers + 1)},
        "client": [*grade, "--cluster", address, "-j", TOGETHER // workers],
    } if workers else {"client": [*grade, "-j", TOGETHER]}  # fmt: skip
    processes, samples, growth = {}, [], _Growth(report)
    try:
        for role, words in commands.items():
            if role == "client":  # when the others have come to rest
                time.sleep(IDLE)
                idle = {name: _taken(process.pid)["seconds"] for name, process in processes.items()}
                time.sleep(IDLE)
                idle = {name: (_taken(process.pid)["seconds"] - idle[name]) / IDLE for name, process in processes.items()}
            with open(class_run.WORK / f"{report.stem} {role}.log", "w", encoding="utf-8") as log:
                processes[role] = subprocess.Popen([sys.executable, "-m", *map(str, words)], stdout=log, stderr=log)
        begun = time.perf_counter()
        while processes["client"].poll() is None:
            time.sleep(1)
            taken = {name: _taken(process.pid) for name, process in processes.items()}
            samples.append({"seconds": time.perf_counter() - begun, "graded": growth.look(), "processes": taken})
        seconds = time.perf_counter() - begun
    finally:
        for process in processes.values():
            process.terminate()
            process.wait()
    samples = [sample for sample in samples if sample["graded"] and all(sample["processes"].values())]  # from the first result on, to the last
    done = next(number for number, sample in enumerate(samples, 1) if sample["graded"] == samples[-1]["graded"])
    samples = samples[: max(2, done)]
    if len(samples) < 2 or samples[0]["graded"] == samples[-1]["graded"]:
        raise RuntimeError("it was over before it could be looked at: take more notebooks")
    first, last = samples[0], samples[-1]
    graded, steady = last["graded"] - first["graded"], last["seconds"] - first["seconds"]
    computed = {name: last["processes"][name]["seconds"] - first["processes"][name]["seconds"] - idle.get(name, 0) * steady for name in processes}
    return {
        "workers": workers, "seconds": seconds, "steady_a_second": graded / steady, "idle": idle,
        "computed_each": {name: spent / graded for name, spent in computed.items()}, "samples": samples[:: len(samples) // SAMPLES + 1],
    }  # fmt: skip


def _kept(report) -> float:
    """Bytes that `grade` keeps in memory of a result, for its table."""
    from grader.verdicts import outline, result_from_dict

    results = json.loads(report.read_text(encoding="utf-8"))["submissions"]
    tracemalloc.start()
    kept = [outline(result_from_dict(json.loads(text))) for text in map(json.dumps, results)]
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / len(kept)


class _Growth:
    """Counts the results in a report that grows, without reading anything twice."""

    def __init__(self, path):
        self._path, self._read, self._count = path, 0, 0

    def look(self) -> int:
        if self._path.exists():
            with open(self._path, "rb") as file:
                file.seek(self._read)
                whole = file.read().rpartition(b"\n")[0]
            self._read += len(whole)
            self._count += whole.count(b'\n "exercise":')
        return self._count


def _taken(pid) -> dict | None:
    """Bytes (PSS) of a process, and of all below it; seconds of processor time that it has computed itself. Nothing where it has ended."""
    try:
        process = psutil.Process(pid)
        own, below, times = class_run.pss([process]), class_run.pss(process.children(recursive=True)), process.cpu_times()
        return {"bytes": own, "below": below, "seconds": times.user + times.system} if own else None
    except psutil.NoSuchProcess:
        return None


def show(results: dict, console: Console):
    """Print what `measure` returns."""
    hostile = f"{results['count']} notebooks, {results['hostile']} of them hostile, {results['otherwise']} of these told of otherwise in another run"
    named = [*((hostile, run) for run in results["runs"]), (f"{results['alone_count']} of them", results["alone"]), ("torn files", results["sent"])]
    for what, run in named:
        console.print(f"{what}, {run['workers']} worker(s): {run['seconds']:.0f} s, {run['steady_a_second']:.2f} a second from the first on")
        for name, taken in run["samples"][-1]["processes"].items():
            console.print(
                f"  {name}: {taken['bytes'] / 2**20:.0f} MiB, below it {taken['below'] / 2**20:.0f} MiB; "
                f"{run['computed_each'][name] * 1000:.1f} ms computed for each notebook"
            )


if __name__ == "__main__":
    found = {"machine": machine(), **measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)}
    show(found, Console(highlight=False))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8", newline="\n")
