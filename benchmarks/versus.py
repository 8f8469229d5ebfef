"""Our grader against its peers and against the limit: seconds for each submission and memory for each kernel.

All run on the same JOBS cores, over the same submissions, after one run that is not timed.
"""

import multiprocessing
import os
import shutil
import statistics
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import memory
from .peers import limit, nbclient, nbgrader, nbval, otter, ours
from .submissions import make

WORK = Path(__file__).parent / ".work"
JOBS = 2
SEED = 1
QUICK = 16  # times as many submissions, for those whose start-up would drown what one more costs
CONTESTANTS = [  # with the number of processes; the peers that have none of their own are run twice at once, and as they are
    ("ours", ours, JOBS),
    ("the limit", limit, JOBS),
    ("nbclient", nbclient, JOBS),
    ("nbval-lax, xdist", nbval, JOBS),
    ("nbval-lax", nbval, 1),
    ("nbgrader, two at once", nbgrader, JOBS),
    ("nbgrader autograde", nbgrader, 1),
    ("otter run, two at once", otter, JOBS),
]


def compare(count: int = 4, repeats: int = 3) -> dict:
    """Time every contestant on `count` and on more submissions. Environments are made first, which takes minutes."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:JOBS])  # whatever is started from here inherits it
    environments = {module: module.environment(WORK / "environments") for _, module, _ in CONTESTANTS}
    kernels = _kernels(environments)
    shutil.rmtree(WORK / "versus", ignore_errors=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:  # making them needs torch, which this process does without: see memory
        counts = count, 2 * count, QUICK * count, 2 * QUICK * count
        sets = [pool.submit(make, WORK / "versus" / f"{n}", n, SEED).result() for n in counts]
    rows = []
    for number, (name, module, jobs) in enumerate(CONTESTANTS):
        own = [sets[0], *(sets[2:] if module in (ours, limit) else sets[1:2])]
        row = _measured(module, environments[module], WORK / "versus" / f"contestant_{number}", own, jobs, repeats)
        rows.append({"name": name, "jobs": jobs, "checks": module.CHECKS, **row, "memory": kernels.get(module)})
    for row in rows:
        for figure in ("whole", "steady"):
            row[f"{figure}_to_ours"] = row[f"{figure}_seconds"] / rows[0][f"{figure}_seconds"]
    return {"cores": JOBS, "submissions": count, "repeats": repeats, "seed": SEED, "contestants": rows}


def _kernels(environments) -> dict:
    """Memory of each contestant's kernels. The limit has none."""
    scripts = {module: memory.OURS if module is ours else memory.PLAIN for module in environments if module is not limit}
    return {module: memory.of_kernels(environments[module] / "python", script) for module, script in scripts.items()}


def _measured(module, programs, folder, sets, jobs, repeats) -> dict:
    """Seconds for each submission, from medians of whole runs.

    whole: the command on the smallest set, start-up included. steady: what each submission more costs, by the two largest sets.
    """
    folders = [folder / str(len(submissions)) for submissions in sets]
    for own, submissions in zip(folders, sets):
        module.prepare(own, programs, submissions, jobs)
    module.grade(folders[0], programs, sets[0], jobs)  # caches and compiled files: not timed
    runs = [[] for _ in sets]
    for _ in range(repeats):
        for seconds, own, submissions in zip(runs, folders, sets):
            taken, scores = module.grade(own, programs, submissions, jobs)
            seconds.append(taken)
            _must_have_graded(module, scores)
    medians = [statistics.median(seconds) for seconds in runs]
    mistaken, right = ([score for stem, score in scores.items() if stem.endswith(kind)] for kind in ("mistaken", "right"))
    return {
        "whole_seconds": medians[0] / len(sets[0]),
        "steady_seconds": (medians[-1] - medians[-2]) / (len(sets[-1]) - len(sets[-2])),
        "runs": {len(submissions): seconds for submissions, seconds in zip(sets, runs)},
        "mistaken": len(mistaken), "mistakes_found": sum(score < 1 for score in mistaken),
        "right": len(right), "right_passed": sum(score == 1 for score in right),
        "scores": scores,
    }


def _must_have_graded(module, scores):
    """Full marks for solutions, none for untouched exercises: else what was timed was no grading."""
    for stem, score in scores.items():
        due = {"solution": {1}, "untouched": {0}}.get(stem.split("_")[1], {score} - {None})
        if score not in due:
            raise RuntimeError(f"{module.__name__} gave {stem} {score} of its points: see output.txt in its folder")


def show(results: dict, console: Console):
    """Print what `compare` returns."""
    count, repeats = results["submissions"], results["repeats"]
    shown = Table(
        title=f"Seconds for each submission on {results['cores']} cores",
        caption=f"medians of {repeats}; whole: the command on {count} submissions; steady: each one more",
    )
    shown.add_column("", no_wrap=True)
    for heading in ("jobs", "whole", "× ours", "steady", "× ours", "MiB a\nkernel", "mistakes\nseen", "right\npassed"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in results["contestants"]:
        shown.add_row(
            row["name"], str(row["jobs"]), f"{row['whole_seconds']:.3f}", f"{row['whole_to_ours']:.2f}",
            f"{row['steady_seconds']:.3f}", f"{row['steady_to_ours']:.2f}",
            f"{row['memory']['kernel'] / 2**20:.0f}" if row["memory"] else "",
            f"{row['mistakes_found']}/{row['mistaken']}", f"{row['right_passed']}/{row['right']}",
        )
    console.print(shown)
    for row in results["contestants"]:
        console.print(f"{row['name']}: {row['checks']}", highlight=False)
