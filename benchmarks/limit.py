"""The limit: the same cells, probes and judging in warm interpreters, without kernels, limits or protection of any kind.

A real grader cannot reach it, because every submission needs a process of its own; it says how much of the time is work.
Never give it submissions that you have not written yourself. As a command: python limit.py REPORT JOBS NOTEBOOK...
"""

import contextlib
import io
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

import torch

from grader import asking, notebooks
from grader.bench import Data
from grader.diagnose import Examiner, submission_result

examiner = Examiner(seed=1)


def grade(path: Path) -> float:
    """The part of the points."""
    submission, namespace = notebooks.read(path), {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in submission.cells:
            with contextlib.suppress(Exception):
                exec(compile(cell, "<cell>", "exec"), namespace)
        results = [examiner.result(task, _verdicts(task, namespace)) for task in submission.exercise.tasks]
    result = submission_result(str(path), submission.exercise, results, [], [], [])
    return result.points / result.max_points


def _verdicts(task, namespace):
    answers = examiner.charged_once(task, {probe: _answer(task, probe, namespace) for probe in task.probes})
    return [examiner.verdict(task, probe, answer) for probe, answer in answers.items()]


def _answer(task, probe, namespace):
    candidate = namespace.get(task.name, asking.MISSING)
    probe_function = asking.compile_probe(probe.source, probe.name)
    data = Data(examiner.data(task, probe).given)
    answer = asking.ask(probe_function, candidate, examiner.seed_of(task, probe), "cpu", task.forbids, 0, data, task.rounds(probe))
    return asking.read_answer(answer)


def main(report: Path, jobs: int, paths: list[Path]):
    """Write the seconds from the fork of the workers to the last result, and each notebook's part of the points."""
    os.environ["LINEAR_GRADER"] = "1"  # check(...) in the notebooks does nothing, as in our grader's kernels
    threads = max(1, len(os.sched_getaffinity(0)) // jobs)
    start = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(jobs, torch.set_num_threads, [threads]) as pool:
        parts = pool.map(grade, paths, chunksize=1)
    seconds = time.perf_counter() - start
    report.write_text(json.dumps({"seconds": seconds, "scores": {path.stem: part for path, part in zip(paths, parts)}}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), list(map(Path, sys.argv[3:])))
