"""nbval 0.11.0 runs the notebooks as tests, `pytest --nbval-lax`: a cell fails if it raises. With xdist for several processes."""

from pathlib import Path
from xml.etree import ElementTree

import nbformat

from . import environments
from .layout import CELL_SECONDS, checked_task, write_with_checks

CHECKS = "a teacher's comparisons with torch, as cells that must not raise"


def environment(folder: Path) -> Path:
    return environments.environment(folder, "nbval", ("nbval==0.11.0", "pytest==9.2.0", "pytest-xdist==3.8.0"))


def prepare(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    write_with_checks(folder, submissions)


def grade(folder: Path, programs: Path, submissions: list[Path], jobs: int):
    command = [
        programs / "python", "-m", "pytest", "--nbval-lax", f"--nbval-cell-timeout={CELL_SECONDS}", "-q", "--tb=no",
        "--junitxml=results.xml", "-p", "no:cacheprovider", f"--rootdir={folder}", "--config-file=/dev/null", ".",
    ]
    parallel = ["-n", jobs, "--dist", "loadfile"] if jobs > 1 else []
    (folder / "results.xml").unlink(missing_ok=True)
    seconds = environments.seconds(1, lambda arguments: environments.run(arguments, folder), [command + parallel])
    passed = {
        (case.get("classname"), case.get("name"))
        for case in ElementTree.parse(folder / "results.xml").iter("testcase") if not len(case)
    }
    return seconds, {path.stem: _score(folder / path.name, passed) for path in submissions}


def _score(path, passed):
    """The part of the check cells that passed. nbval numbers code cells from 0."""
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    checks = [number for number, cell in enumerate(code) if checked_task(cell)]
    return sum((path.name, f"Cell {number}") in passed for number in checks) / len(checks)
