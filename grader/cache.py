"""Results that need not be found again: the same notebook, seed and grader give the same report.

They lie in the user's cache folder (XDG_CACHE_HOME), one file each, by a digest of all that a result depends on. Where there is no such
folder, or it cannot be used, everything is graded anew.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import time
from contextlib import suppress
from pathlib import Path

from .kernels.warm import Setting, arithmetic
from .verdicts import TIMED_OUT, SubmissionResult, result_from_dict, to_dict

KEEP_DAYS = 30
MAX_BYTES = 50 * 2**20  # of a notebook; larger ones are refused anyway


class Cache:
    """The results of earlier runs with this seed and setting."""

    def __init__(self, seed: int, setting: Setting):
        root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        self.folder = Path(root) / "linear-grader"  # below "~", which is nowhere, for a user without a home
        self._run = f"{seed} {setting} {arithmetic()} {_grader()}"

    def path(self, notebook: Path) -> Path:
        """Where the result of a notebook lies, if anywhere. Raises OSError."""
        if not self.folder.is_absolute():
            raise OSError("no home to keep it in")
        if not notebook.is_file() or notebook.stat().st_size > MAX_BYTES:
            raise OSError("not a notebook")
        return self.folder / f"{hashlib.sha256(self._run.encode() + notebook.read_bytes()).hexdigest()}.json"

    def find(self, notebook: Path, shown: str) -> SubmissionResult | None:
        """The result of an earlier run, under the path as it is shown now."""
        try:
            data = json.loads(self.path(notebook).read_text(encoding="utf-8"))
            return result_from_dict({**data, "path": shown})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, notebook: Path, result: SubmissionResult):
        """Keep a result for next time, unless another try might end otherwise: where something failed or took too long."""
        if result.error or result.has_fault or any(task.status == TIMED_OUT for task in result.tasks):
            return
        try:
            path = self.path(notebook)
            self.folder.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(f".{os.getpid()}")
            new.write_text(json.dumps(to_dict(result)), encoding="utf-8")
            new.replace(path)
        except OSError:  # a full disk or a read-only home costs the shortcut, not the grade
            pass

    def prune(self):
        """Remove what has not been written for KEEP_DAYS."""
        oldest = time.time() - KEEP_DAYS * 86400
        with suppress(OSError):
            for file in os.scandir(self.folder):
                with suppress(OSError):
                    if file.stat().st_mtime < oldest:
                        os.unlink(file)


def _grader() -> str:
    """A digest of the grader's own code, and the versions of what it computes with."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    versions = [importlib.metadata.version(package) for package in ("torch", "numpy", "nbval", "ipykernel")]
    return " ".join([digest.hexdigest(), platform.python_version(), *versions])
