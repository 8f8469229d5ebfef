"""What runs in Gradescope's container: find the notebook among what was submitted, grade it, write results.json.

As a program: autograder EXERCISE ROOT, where ROOT holds submission/ and results/. The results are written when everything that the submission
started has ended.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path

from .. import files
from ..catalogue import exercise_called
from ..files import is_notebook
from ..notebooks import MAX_BYTES, NotebookError, read
from ..spec import Exercise
from ..texts import one_line, path_text
from ..verdicts import PASSED, REPORT_KIB, result_from_dict
from .shared import task_page

USERS = range(60_001, 61_184)  # numbers that systems leave to nobody
FAILED = "The grader failed, not your notebook. Please tell your teacher."
MOST = 1000  # characters of a remark
SLOW = "Not graded: the time that Gradescope allows was over. Look for an endless loop, or tell your teacher."


class Ungraded(Exception):
    """There is nothing to grade. The message is one line, for the learner."""


def main(name: str, root: Path) -> int:
    """Grade what was submitted for the exercise of that name, and write the results."""
    root, results = root.absolute(), root.absolute() / "results" / "results.json"
    exercise = exercise_called(name)
    _write(results, nothing(SLOW))  # stands if Gradescope ends this process
    try:
        notebook, others = choose(root / "submission", exercise)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            report, remarks = _grade(notebook, Path(folder).resolve())
        _write(results, results_of(report, others, remarks))
    except Ungraded as reason:
        _write(results, nothing(str(reason)))
    except Exception as fault:
        print(f"{type(fault).__name__}: {fault}", file=sys.stderr)
        _write(results, nothing(FAILED, [f"{type(fault).__name__}: {fault}"]))
    return 0


def choose(folder: Path, exercise: Exercise) -> tuple[Path, list[Path]]:
    """The notebook to grade, and the other notebooks: the one that answers the exercise, or, of several, the one with the exercise's name. Raises Ungraded."""
    found = sorted(path for path in folder.rglob("*") if is_notebook(path)) if folder.is_dir() else []
    if not found:
        raise Ungraded(f"There is no notebook among what you handed in. Hand in {exercise.name}.ipynb.")
    answers, complaints = [], []
    for path in found:
        try:
            answered = read(path).exercise.name
        except NotebookError as error:
            complaints.append(str(error).replace(path_text(path), path_text(path.relative_to(folder))))
            continue
        if answered == exercise.name:
            answers.append(path)
        else:
            complaints.append(f"{path_text(path.relative_to(folder))} answers {answered}.")
    if not answers:
        raise Ungraded(f"There is no notebook of {exercise.name} among what you handed in. {' '.join(complaints)}")
    chosen = [path for path in answers if path.name == f"{exercise.name}.ipynb"] or answers
    if len(chosen) > 1:
        names = ", ".join(path_text(path.relative_to(folder)) for path in chosen)
        raise Ungraded(f"Several notebooks answer {exercise.name}: {names}. Hand in one, or call the one that counts {exercise.name}.ipynb.")
    return chosen[0], [path.relative_to(folder) for path in found if path != chosen[0]]


def _grade(notebook: Path, folder: Path) -> tuple[dict, list[str]]:
    """The report of `grade` on a copy of the notebook in a folder, and remarks for the teacher. Nothing of the submission runs any longer then."""
    from ..kernels.sandbox import NoSandbox, require

    copy, report = folder / notebook.name, folder / "report.json"
    copy.write_bytes(files.read(notebook, MAX_BYTES))
    user, sandbox, remarks = {}, "bwrap", []
    try:
        require()
    except NoSandbox as reason:
        user, sandbox = _other_user(folder), "none"
        whose = "as a user of its own" if user else "with the grader's own rights"
        remarks.append(f"Graded without a sandbox, {whose}: {reason}")
    command = [sys.executable, "-I", "-m", "grader", "grade", copy.name, "--json", report.name, "--sandbox", sandbox, "--jobs", "1"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder), "PWD": str(folder)}
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **user)
    try:
        process.wait()
    finally:
        _end(process.pid, user)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"the grader ended with {process.returncode}")
    return json.loads(files.read(report, 2 * REPORT_KIB * 1024)), remarks


def _other_user(folder: Path) -> dict:
    """For a process that runs others' code where there is no sandbox: as whom to run it, so that it can neither write results nor outlive its end.
    Empty where this is not root's to say, or Python cannot be read by others."""
    if getattr(os, "geteuid", lambda: 1)() != 0:
        return {}
    number = secrets.choice(USERS)
    user = {"user": number, "group": number, "extra_groups": []}
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run([sys.executable, "-I", "-c", "import nbformat, grader.texts"], check=True, capture_output=True, **user)
        for path in (folder, *folder.iterdir()):
            os.chown(path, number, number)
        return user
    return {}


def _end(session: int, user: dict):
    """End all that a user runs; without one, what is left of a process group."""
    if user:
        subprocess.run([sys.executable, "-I", "-c", "import os; os.kill(-1, 9)"], **user)
    elif hasattr(os, "killpg"):
        with suppress(OSError):  # none is left
            os.killpg(session, 9)


def results_of(report: dict, others: list[Path], remarks: list[str]) -> dict:
    """A report on one notebook in Gradescope's format: a test for each task, and one that only teachers see for what they should look at."""
    (result,) = map(result_from_dict, report["submissions"])
    if result.error:
        return nothing(result.error, remarks)
    if result.has_fault:
        remarks = ["The grader itself failed in a task; grade this notebook again.", *remarks]
    lines = [f"{result.path}: {result.points} of {result.max_points} points (seed {report['seed']})."]
    lines += [f"Not graded: {path_text(path)}." for path in others]
    lines += [f"Note: {note}" for note in result.notes]
    remarks = [*remarks, *(f"Please look at this: {flag}" for flag in result.flags)]
    return {**_page(result.points, lines), "tests": [*map(_test, result.tasks), *_for_teachers(remarks)]}


def nothing(reason: str, remarks: Sequence[str] = ()) -> dict:
    """The results where no point could be given."""
    return {**_page(0, [reason]), "tests": _for_teachers(remarks)}


def _page(score, lines):
    html = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return {"score": score, "output": html, "output_format": "html", "visibility": "visible", "stdout_visibility": "hidden"}


def _test(task):
    state = {"status": "passed" if task.status == PASSED else "failed", "visibility": "visible"}
    name = task.name if task.status == PASSED else f"{task.name} · {task.status}"
    return {"name": name, "score": task.points, "max_score": task.max_points, "output": task_page(task), "output_format": "html", **state}


def _for_teachers(remarks):
    if not remarks:
        return []
    return [{"name": "For the teacher", "output": "\n".join(one_line(remark, MOST) for remark in remarks), "output_format": "text", "visibility": "hidden"}]


def _write(path: Path, results: dict):
    """Put results in the place of whatever stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"results.{os.getpid()}.json")
    new.write_text(json.dumps(results, indent=1), encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
