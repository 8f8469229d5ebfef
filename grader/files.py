"""The one way to files that lie among those handed in: through no link, and only to plain files.

A link that somebody handed in leads to another's work, or out of the folder. Those that a machine's owner made are let be: at the root (as
/tmp is one on a Mac), and on the way to the home or to the folder in which the command was started.
"""

import errno
import os
import stat
from pathlib import Path

from .texts import path_text

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


def create(path: Path):
    """An empty file to write to and read from, unbuffered, in place of what was there. Raises OSError, also for what is no plain file, or a notebook
    by its name."""
    if path.suffix.lower() == ".ipynb":
        raise OSError(errno.EEXIST, "the name of a notebook")
    file = open(_open(path, os.O_RDWR | os.O_CREAT), "r+b", buffering=0)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a plain file")
    file.truncate(0)
    return file


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
