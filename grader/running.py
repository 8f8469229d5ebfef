"""Grade files through the pytest plugin, in this process, without pytest's own output or the user's pytest settings."""

import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .plugin import shown_path
from .verdicts import SubmissionResult


class _Watcher:
    """A pytest plugin that picks the notebooks, moves the progress bar, and takes the results when the run ends.

    Paths never become pytest's arguments: it would read options, `@files` and `[parameters]` into their names.
    """

    def __init__(self, progress, paths):
        self.progress = progress
        self.ways = {way for path in paths for way in (path, *path.parents)}
        self.bar = progress.add_task("reading", total=None)
        self.submissions: list[SubmissionResult] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path):
        """From the root of the file system down, only the ways to the notebooks asked for."""
        return collection_path not in self.ways

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
    here = Path.cwd()
    paths = [here / path for path in paths]
    arguments = [
        "--disable-plugin-autoload", "-p", "nbval.plugin", "-p", "grader.plugin", "-p", "no:cacheprovider",
        "--noconftest", f"--config-file={os.devnull}", f"--rootdir={here}",
        "--continue-on-collection-errors", "--tb=short", "--color=no",
        "--grade", f"--grade-seed={seed}", f"--grade-device={device}", *{path.anchor for path in paths},
    ]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        watcher = _Watcher(progress, paths)
        with redirect_stdout(io.StringIO()) as output:
            code = pytest.main(arguments, plugins=[watcher])
    if code == pytest.ExitCode.INTERRUPTED and not watcher.submissions:
        raise KeyboardInterrupt
    if code == pytest.ExitCode.INTERNAL_ERROR:
        raise RuntimeError(f"the grader failed:\n{output.getvalue()}")
    results = {result.path: result for result in watcher.submissions}
    for shown in (shown_path(path, here) for path in paths):
        if shown not in results:
            error = f"{shown}: not a readable file (a broken link, perhaps)."
            results[shown] = SubmissionResult(shown, "", 0, 0, error=error)
    return sorted(results.values(), key=lambda result: result.path)
