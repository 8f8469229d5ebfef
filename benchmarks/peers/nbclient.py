"""nbclient 0.11.0 executes the notebooks, one after the other in each process. It runs every check; nobody reads what came out,
so it grades nothing: what is left when all grading is taken away from the peers."""

from pathlib import Path

import nbformat

from . import environments
from .layout import CELL_SECONDS, checked_task, write_with_checks

CHECKS = "a teacher's comparisons with torch run as cells; nothing is graded"
SCRIPT = """\
import pathlib, sys, nbclient, nbformat
for path in sys.argv[2:]:
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=int(sys.argv[1]), allow_errors=True)
    try:
        client.execute(cwd=str(pathlib.Path(path).parent))
    except (nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError) as error:
        print(path, type(error).__name__)
        continue
    nbformat.write(notebook, pathlib.Path(path).with_suffix(".executed"))
"""


def environment(folder: Path) -> Path:
    return environments.environment(folder, "nbclient", ("nbclient==0.11.0",))


def prepare(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    write_with_checks(folder, submissions)


def grade(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    def execute(share):
        environments.run([programs / "python", "-c", SCRIPT, CELL_SECONDS, *share], folder)

    paths = [folder / path.name for path in submissions]
    for path in paths:
        path.with_suffix(".executed").unlink(missing_ok=True)
    seconds = environments.seconds(jobs, execute, [paths[number::jobs] for number in range(jobs)])
    return seconds, {path.stem: _score(path.with_suffix(".executed")) for path in paths}


def _score(path):
    """The part of the check cells that raised nothing, or None for a notebook that did not come to its end."""
    if not path.exists():
        return None
    checks = [cell for cell in nbformat.read(path, as_version=4).cells if checked_task(cell)]
    return sum(all(output.output_type != "error" for output in cell.outputs) for cell in checks) / len(checks)
