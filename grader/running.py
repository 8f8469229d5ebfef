"""Grade files through the pytest plugin, in this process, without pytest's own output or the user's pytest settings."""

import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .verdicts import SubmissionResult


class _Watcher:
    """A pytest plugin that moves the progress bar, and takes the results when the run ends."""

    def __init__(self, progress):
        self.progress = progress
        self.bar = progress.add_task("reading", total=None)
        self.submissions: list[SubmissionResult] = []

    def pytest_collection_finish(self, session):
        self.progress.update(self.bar, total=len(session.items))

    def pytest_runtest_logstart(self, nodeid, location):
        self.progress.update(self.bar, description=Path(nodeid.split("::")[0]).name)

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.progress.advance(self.bar)

    def pytest_sessionfinish(self, session):
        results = session.config.pluginmanager.get_plugin("grade-results")
        self.submissions = results.submissions()


def grade_paths(paths: list[Path], seed: int, device: str) -> list[SubmissionResult]:
    """Grade notebooks; one result each, in the order of their paths."""
    arguments = [
        "--disable-plugin-autoload", "-p", "nbval.plugin", "-p", "grader.plugin", "-p", "no:cacheprovider",
        "--noconftest", f"--config-file={os.devnull}", f"--rootdir={Path.cwd()}",
        "--continue-on-collection-errors", "--tb=short", "--color=no",
        "--grade", f"--grade-seed={seed}", f"--grade-device={device}", *map(str, paths),
    ]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        watcher = _Watcher(progress)
        with redirect_stdout(io.StringIO()) as output:
            code = pytest.main(arguments, plugins=[watcher])
    if code == pytest.ExitCode.INTERRUPTED and not watcher.submissions:
        raise KeyboardInterrupt
    if code == pytest.ExitCode.INTERNAL_ERROR:
        raise RuntimeError(f"the grader failed:\n{output.getvalue()}")
    return watcher.submissions
