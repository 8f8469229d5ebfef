"""A memory cgroup for each kernel, where the grader may make one: the system then bounds all that a kernel takes, in whatever form it is held.

Linux only: see cgroups(7). Of version 2 it needs a folder that was delegated to this user, as systemd's user sessions are; of version 1,
one that root may write to. Elsewhere the template's own count of the memory in use is all there is (see memory).
"""

import functools
import itertools
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from .limits import MIB, Limits

ROOM = 96  # MiB over the limits: what a kernel copies of the template's memory, and what the system keeps for its processes
NAME = "linear-grader"
MOMENT = 1.0  # seconds in which the processes of a group that was told to end have ended
_numbers = itertools.count()


class Group:
    """An empty group. procs: a descriptor to which a process writes "0" to join; events: one that tells of processes ended for want of memory."""

    def __init__(self, limits: Limits):
        self.folder = place() / f"{NAME}-{os.getpid()}-{next(_numbers)}"
        self.folder.mkdir()
        bound = str(int((limits.memory + limits.disk + ROOM) * MIB))
        settings = {"memory.max": bound, "memory.swap.max": "0", "memory.oom.group": "1"}  # of version 2
        settings |= {"memory.limit_in_bytes": bound, "memory.memsw.limit_in_bytes": bound}  # of version 1
        for name, value in settings.items():
            if (self.folder / name).exists():
                (self.folder / name).write_text(value, encoding="ascii")
        self.procs = os.open(self.folder / "cgroup.procs", os.O_WRONLY)
        events = next(self.folder / name for name in ("memory.events", "memory.oom_control") if (self.folder / name).exists())
        self.events = os.open(events, os.O_RDONLY)

    def close(self):
        """Let go of it once its processes have ended."""
        os.close(self.procs)
        os.close(self.events)
        with suppress(OSError):
            self.folder.rmdir()


def has_overflowed(events: int) -> bool:
    """Whether a process of the group has been ended for want of memory. events: see Group."""
    words = os.pread(events, 4096, 0).decode().split()
    return "oom_kill" in words and words[words.index("oom_kill") + 1] != "0"


@functools.cache
def place() -> Path | None:
    """The folder in which groups can be made, if there is one."""
    for folder in filter(_is_ours, _candidates()):
        trial = folder / f"{NAME}-{os.getpid()}-trial"
        with suppress(OSError):
            trial.mkdir()
            joined = subprocess.run(["sh", "-c", 'echo 0 > "$0"', trial / "cgroup.procs"], stderr=subprocess.DEVNULL, check=False).returncode == 0
            bounded = any((trial / name).exists() for name in ("memory.max", "memory.limit_in_bytes"))
            trial.rmdir()
            if joined and bounded:
                return folder
    return None


def sweep():
    """Remove the groups of this process, whose kernels have been ended, and those of processes that are no more."""
    deadline = time.monotonic() + MOMENT
    while place() and (left := list(filter(_is_left, place().glob(f"{NAME}-*")))) and time.monotonic() < deadline:
        for group in left:
            with suppress(OSError):
                group.rmdir()
        time.sleep(0.01)


def _is_left(group):
    pid = group.name.split("-")[2]
    return pid == str(os.getpid()) or not os.path.exists(f"/proc/{pid}")


def _is_ours(folder):
    return os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def _candidates():
    """Folders of the hierarchy that counts memory: the one that this process is in, and the one around it."""
    try:
        own = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()]
        mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return
    for _, controllers, path in own:
        for mount in mounts:
            kind, options = mount[mount.index("-") + 1], mount[-1].split(",")
            if (kind == "cgroup2" and not controllers) or (kind == "cgroup" and "memory" in controllers.split(",") and "memory" in options):
                folder = Path(mount[4]) / os.path.relpath(path, mount[3])
                yield folder
                yield folder.parent
