"""Folders for what is needed while grading goes on. What a process left behind because it was killed, the next one removes."""

import contextlib
import functools
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is removed there
    fcntl = None

PREFIX = "grader-"
MARK = ".locked-by-linear-grader"  # the file in each of these folders that tells them from anybody's own
MOMENT = 60.0  # seconds in which whoever made a folder has locked it


class Folder(tempfile.TemporaryDirectory):
    """A temporary folder, locked as long as a process lives that has it open."""

    def __init__(self):
        _sweep(tempfile.gettempdir())
        super().__init__(prefix=PREFIX, ignore_cleanup_errors=True)
        self._lock = _lock(self.name, os.O_CREAT) if fcntl else None

    def cleanup(self):
        super().cleanup()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(folder, flags=0) -> int:
    """A descriptor that keeps others from locking a folder. Raises OSError where another does, or where the folder is none of ours."""
    descriptor = os.open(os.path.join(folder, MARK), os.O_RDWR | os.O_NOFOLLOW | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@functools.cache  # once a process
def _sweep(place):
    """Remove this user's folders that nobody has locked."""
    for folder in Path(place).glob(f"{PREFIX}*") if fcntl else ():
        with contextlib.suppress(OSError):
            about = folder.lstat()
            if stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and time.time() - about.st_mtime > MOMENT:
                lock = _lock(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
