"""Grade files: which notebooks, what is known of them already, the workers, and the progress bar."""

import os
import sys
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from .cache import Cache, digest_of
from .catalogue import exercise_called
from .files import is_notebook, link_to, shown_path
from .kernels import warm
from .reports import roster
from .texts import one_line, path_text
from .workers import Pool



class NothingToGrade(Exception):
    """A path leads to no notebook. The message is one line."""


@dataclass(frozen=True)
class Found:
    """What paths lead to. named: the notebooks that were named themselves, as they are shown; strangers: files in the folders that are no notebooks;
    empty: a line for each folder without any."""

    notebooks: list[Path]
    named: set[str]
    strangers: list[Path]
    empty: list[str]


def find(targets: list[str]) -> Found:
    """Notebooks for files, folders and globs, in order, each once; a link as it is, to be refused where it is read. Raises NothingToGrade where there
    are none at all, and where a path leads nowhere."""
    paths, named, strangers, empty = [], [], [], []
    for target in targets:
        path = Path(target)
        if path.is_dir() and not link_to(path):
            files = sorted(path.rglob("*"))
            inside = [each for each in files if is_notebook(each)]
            paths += inside
            strangers += [each for each in files if not is_notebook(each) and _is_of_interest(each, path)]
            empty += [] if inside else [f"{path_text(target)}: a folder without notebooks."]
        elif path.exists() or path.is_symlink():
            paths.append(path)
            named.append(path)
        else:
            paths += sorted(_matching(path)) or _nothing(target, "no such file or folder")
    if not paths:
        raise NothingToGrade(empty[0])
    return Found(list(dict.fromkeys(paths)), set(map(shown_path, named)), list(dict.fromkeys(strangers)), empty)


def _is_of_interest(path, folder):
    """Whether a file, no notebook, may be what somebody handed in: it is not hidden, a system's own, or a list of the grader's."""
    parts = path.relative_to(folder).parts
    own = path.name in (roster.FILE, "Thumbs.db", "desktop.ini") or "__MACOSX" in parts
    return not own and not any(part[0] == "." for part in parts) and path.is_file()


def of_exercise(paths: list[Path], wanted: str) -> tuple[list[Path], list[str]]:
    """The notebooks of an exercise, by its number or name, and a word for each that is of another. What cannot be read is kept, for the reason to be
    said. Raises NothingToGrade."""
    from .notebooks import NotebookError, read

    try:
        name = exercise_called(wanted).name
    except LookupError as refusal:
        raise NothingToGrade(f"{one_line(wanted)}: {refusal.args[0]}") from None
    kept, others = [], []
    for path in paths:
        try:
            found = read(path).exercise.name
        except NotebookError:
            found = name
        if found == name:
            kept.append(path)
        else:
            others.append(f"{shown_path(path)} ({found})")
    return kept or _nothing(name, f"none of the {len(paths)} notebooks is of this exercise"), others


def _matching(pattern: Path) -> list[Path]:
    """The files that a pattern finds, but hidden ones. (`glob.glob` follows links for `**`; two of them can lead it around for ever.)"""
    parts = pattern.parts
    plain = next((number for number, part in enumerate(parts) if set(part) & set("*?[")), len(parts) - 1)
    base = Path(*parts[:plain])
    with suppress(ValueError):  # no pattern
        return [path for path in base.glob(str(Path(*parts[plain:]))) if not any(part[0] == "." for part in path.parts[plain:])]
    return []


def _nothing(target, what):
    raise NothingToGrade(f"{path_text(target)}: {what}.")


class _Rate(ProgressColumn):
    def render(self, task):
        return Text(f"{task.speed:.1f} notebooks/s" if task.speed else "")


def grade_paths(paths: list[Path], seed: int, setting: warm.Setting, jobs: int, regrade: Container[str], cluster=None):
    """Grade notebooks: yield a SubmissionResult for each as it is done. What an earlier run has found is found again.

    regrade: notebooks, as they are shown, that are graded whatever was found earlier. cluster: workers elsewhere, in the place of `jobs` here. Raises Gone where none are left.
    """
    cache = Cache(seed, setting)
    cache.prune()
    notebooks = {shown_path(path): path for path in paths}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn()
    quiet = not sys.stderr.isatty()
    try:
        # without auto_refresh the bar has no thread of its own, and workers can be forked safely
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet, auto_refresh=False) as progress:
            bar = progress.add_task("grading", total=len(notebooks))
            progress.refresh()
            keys, digests, left = {}, {}, []

            def advance(result):
                progress.advance(bar)
                progress.refresh()
                return result

            with cluster or Pool(jobs, seed, setting) as pool:
                for shown, path in notebooks.items():
                    digests[shown] = digest_of(path)
                    keys[shown] = cache.key(path, digests[shown])
                    known = None if shown in regrade else cache.find(keys[shown], shown)
                    if known:
                        yield advance(known)
                    else:
                        left.append((path.absolute(), shown))
                if left and not cluster:
                    warm.begin(setting)
                for result in pool.grade(left):
                    result = replace(result, digest=digests[result.path])
                    cache.keep(keys[result.path], notebooks[result.path], result)
                    yield advance(result)
    finally:
        warm.close_templates()


def watch(paths: list[Path], seed: int, setting: warm.Setting, is_over: Callable[[], bool]):
    """Grade the first notebook now, and each whenever it is saved: yield its SubmissionResult each time, until `is_over()`, which takes a moment."""
    seen = {path: _saved(path) for path in paths[1:]}
    try:
        with Pool(1, seed, setting) as pool:
            while True:
                now = {path: _saved(path) for path in paths}
                changed = [path for path, saved in now.items() if saved and saved != seen.get(path)]  # an editor may replace the file
                for path in changed:
                    seen[path] = now[path]
                    digest = digest_of(path)
                    yield from (replace(result, digest=digest) for result in pool.grade([(path.absolute(), shown_path(path))]))
                if not changed and is_over():
                    return
    finally:
        warm.close_templates()


def _saved(path):
    """When a file was saved last; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
