"""The one way to files that lie among those handed in: through no link, and only to plain files.

A link that somebody handed in leads to another's work, or out of the folder. Those that a machine's owner made are let be: at the root (as
/tmp is one on a Mac), and on the way to the home or to the folder in which the command was started.
"""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from .texts import path_text

try:
    import fcntl
except ImportError:  # Windows: there, nothing keeps two commands from one file
    fcntl = None

FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe is not waited for


def link_to(path: Path) -> Path | None:
    """The first link on the way to a file or folder, itself included; None where there is none."""
    own = [Path(each) for each in (os.path.expanduser("~"), os.environ.get("PWD", ""))]
    for step in [*reversed(path.absolute().parents), path.absolute()]:
        if step.is_symlink() and len(step.parts) > 2 and not any(each.is_relative_to(step) for each in own):
            return step
    return None


def read(path: Path, most: int) -> bytes:
    """A plain file's bytes. Raises OSError, also for one of more than `most` bytes."""
    with open(_open(path, os.O_RDONLY), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a readable file")
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most // 2**20} MiB")
    return data


class InUse(OSError):
    """Another process has taken the file."""


def create(path: Path):
    """A file, taken, that is made where there is none. Raises OSError, also for a notebook by its name, and InUse."""
    if path.suffix.lower() == ".ipynb":
        raise OSError(errno.EEXIST, "the name of a notebook")
    return take(path, os.O_CREAT)


def take(path: Path, flags: int = 0):
    """A plain file to write to and read from, unbuffered, that no other process can take before it is closed or this process has ended, in whatever
    way. Raises OSError, and InUse.

    What this process forks has no part in that; but whatever of this process closes the file, however opened, lets go of it.
    """
    while True:
        file = open(_open(path, os.O_RDWR | flags), "r+b", buffering=0)
        try:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a plain file")
            _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), os.lstat(path)):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # whoever had it has put another in its place meanwhile


def make_alike(new: Path, old: Path):
    """Give a file the permissions of another and, as far as the system lets, its owner and group. Raises OSError."""
    about = old.stat()
    for owner in (about.st_uid, -1):
        with suppress(OSError, AttributeError):  # Windows has none
            os.chown(new, owner, about.st_gid)
            break
    shutil.copymode(old, new)


def _lock(file):
    try:
        if fcntl:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise InUse(errno.EBUSY, "another command is writing it") from None
    except OSError:  # a file system without locks
        pass


def _open(path, mode):
    link = link_to(path)
    if link:
        raise OSError(errno.ELOOP, "a link; give the file itself" if link == path.absolute() else f"reached through a link, {link.name}; give its own path")
    return os.open(path, mode | FLAGS, 0o666)


def is_notebook(path: Path) -> bool:
    """Whether a file is a notebook by its name, and not one that Jupyter or macOS keeps for itself."""
    own = any(part in (".ipynb_checkpoints", "__MACOSX") for part in path.parts) or path.name.startswith("._")
    return path.suffix.lower() == ".ipynb" and not own


def shown_path(path: Path) -> str:
    """The path as a reader of the results wants it: relative where the command was started above it, and inert."""
    here = Path.cwd()
    path = here / path
    return path_text(path.relative_to(here) if path.is_relative_to(here) else path)
