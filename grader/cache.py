"""Results that need not be found again: the same notebook, seed and grader give the same report.

They lie in the user's cache folder (XDG_CACHE_HOME), one file each, by a digest of all that a result depends on. Where there is no such
folder, or it cannot be used, everything is graded anew.
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from fastjsonschema import JsonSchemaException

from .files import read
from .fingerprint import grader
from .kernels.environment import arithmetic
from .kernels.warm import Setting
from .reports.reading import submission_validator
from .verdicts import PASSED, REPORT_KIB, TIMED_OUT, SubmissionResult, as_json, result_from_dict

KEEP_DAYS = 30
MAX_BYTES = 50 * 2**20  # of a notebook; larger ones are refused anyway
ENTRY_BYTES = REPORT_KIB * 1024


def digest_of(notebook: Path) -> str:
    """The SHA-256 of a notebook's file, in hex; empty where it cannot be graded."""
    try:
        return hashlib.sha256(read(notebook, MAX_BYTES)).hexdigest()
    except OSError:
        return ""


class Cache:
    """The results of earlier runs with this seed and setting. seed: None keeps those of any seed."""

    def __init__(self, seed: int | None, setting: Setting):
        root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        if os.path.isabs(root):  # else it lies below "~", which is nowhere, for a user without a home
            root = os.path.realpath(root)  # whose links are the user's own
        self.folder = Path(root) / "linear-grader"
        self._run = f"{seed} {setting} {arithmetic()} {grader()}".encode()

    def key(self, notebook: Path, digest: str) -> str:
        """What a notebook's result is kept under: a digest of all that it depends on, the name included. digest: of its file; where that is empty, so is
        the key."""
        if not digest:
            return ""
        parts = self._run, os.fsencode(notebook.name), digest.encode()
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    def find(self, key: str, shown: str) -> SubmissionResult | None:
        """The result of an earlier run, under the path as it is shown now; what is no such result, or not of the catalogue, is passed over."""
        result = self.look(key, shown)
        return result if result and adds_up(result) else None

    def look(self, key: str, shown: str) -> SubmissionResult | None:
        """As `find`, without the catalogue, which takes seconds to import."""
        try:
            data = json.loads(read(self._path(key), ENTRY_BYTES))
            submission_validator()(data)
            return result_from_dict({**data, "path": shown})
        except (OSError, ValueError, RecursionError, JsonSchemaException):
            return None

    def keep(self, key: str, notebook: Path, result: SubmissionResult):
        """Keep a result for next time, unless the notebook has changed meanwhile or another try might end otherwise: where something failed or
        took too long."""
        if result.error or result.has_fault or any(task.status == TIMED_OUT for task in result.tasks) or self.key(notebook, digest_of(notebook)) != key:
            return
        with suppress(OSError):  # a full disk or a read-only home costs the shortcut, not the grade
            path = self._path(key)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # results hold learners' names and marks
            new = path.with_suffix(f".{os.getpid()}")
            new.write_text(as_json(result), encoding="utf-8")
            new.replace(path)

    def _path(self, key):
        """Where a result lies. Raises OSError where nothing is kept."""
        if not key or not self.folder.is_absolute():
            raise OSError("nothing is kept")
        return self.folder / f"{key}.json"

    def prune(self):
        """Remove what has not been written for KEEP_DAYS."""
        oldest = time.time() - KEEP_DAYS * 86400
        with suppress(OSError):
            for file in os.scandir(self.folder):
                with suppress(OSError):
                    if file.stat(follow_symlinks=False).st_mtime < oldest:
                        os.unlink(file)


def adds_up(result) -> bool:
    """Whether a result is of the tasks and probes of the catalogue, all of them, with the points that they are worth."""
    from .catalogue import find_exercise

    try:
        exercise = find_exercise(result.exercise)
    except KeyError:
        return False
    asked = [(task.name, probe.name, probe.points) for task in exercise.tasks for probe in task.probes]
    told = [(task.name, each.probe, each.max_points) for task in result.tasks for each in task.verdicts]
    earned = [sum(each.max_points for each in task.verdicts if each.status == PASSED) for task in result.tasks]
    verdicts = [each for task in result.tasks for each in task.verdicts]
    return (
        asked == told
        and all(each.points == each.max_points * (each.status == PASSED) for each in verdicts)
        and [(task.points, task.max_points) for task in result.tasks] == list(zip(earned, [task.points for task in exercise.tasks]))
        and (result.points, result.max_points) == (sum(earned), exercise.points)
    )
