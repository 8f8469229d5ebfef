"""How much memory a kernel uses, in all its processes, and the template's own made cheap to copy. Linux: see proc(5), madvise(2).

Where there is a memory cgroup (see cgroup), the system itself bounds all of it; what is counted here is what a process, or the kernel's sockets, show.
"""

import ctypes
import os

MAPS = 2**20  # bytes of /proc/PID/maps, some 15,000 mappings, ten times what torch has: with more, summing up a process takes too long
SOCKET = 2 * 212992  # bytes that a socket may hold: Linux's usual buffer, and what a message more takes; no larger one is granted
_HUGE, _COLLAPSE = 2 * 2**20, 25


def children(pid: int) -> list[int]:
    """What a process started, by any of its threads."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="utf-8") as lines:
                found += map(int, lines.read().split())
    except OSError:  # it has ended
        pass
    return found


def descendants(pid: int) -> list[int]:
    """All that a process started, and that they started."""
    found = children(pid)
    for child in found:
        found += children(child)  # the list grows while it is walked
    return found


def members(pid: int) -> list[int]:
    """All processes of the namespace that `pid` is in, whoever started them."""
    own = _namespace(pid)
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and own and _namespace(name) == own]


def _namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:  # it has ended
        return ""


def exceeds(pids: list[int], bound: float) -> bool:
    """Whether processes use more than `bound` bytes. Pages that they share are told apart only where the quick sum alarms; the largest first."""
    shown = {pid: _shown(pid) for pid in pids}
    used, left = 0, sum(shown.values())
    for pid in sorted(shown, key=shown.get, reverse=True):
        if used > bound or used + left <= bound:
            break
        used += _own(pid)
        left -= shown[pid]
    return used > bound


def resident(pids: list[int]) -> int:
    """Bytes of memory that is no file's, in processes; what they share is counted in each."""
    return sum(map(_shown, pids))


def _shown(pid) -> int:
    return _sum(pid, "status", ("RssAnon:", "RssShmem:", "VmPTE:"))


def _own(pid) -> float:
    """As _shown, with a share of what is shared; without end for a process that is made to be slow to sum up."""
    if _is_scattered(pid):
        return float("inf")
    return _sum(pid, "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) + _sum(pid, "status", ("VmPTE:",))


def _is_scattered(pid) -> bool:
    for folder in _tasks(pid):
        left = MAPS
        try:
            with open(f"{folder}/maps", "rb", buffering=0) as maps:
                while left > 0 and (part := maps.read(2**16)):
                    left -= len(part)
        except OSError:
            pass
        if left < MAPS:
            return left <= 0
    return False


def sockets(pid: int) -> int:
    """Bytes that the sockets of a network namespace may hold at most: that of `pid`."""
    for folder in _tasks(pid):
        try:
            with open(f"{folder}/net/sockstat", encoding="utf-8") as lines:
                return SOCKET * int(lines.readline().split()[2])  # "sockets: used 12"
        except (OSError, ValueError, IndexError):  # this thread has ended
            pass
    return 0


def _sum(pid, file, names) -> int:
    """The sum of some lines of a file in /proc, in bytes; 0 for a process that has ended."""
    for folder in _tasks(pid):
        try:
            with open(f"{folder}/{file}", encoding="utf-8") as lines:
                if found := [int(line.split()[1]) * 1024 for line in lines if line.startswith(names)]:
                    return sum(found)
        except OSError:
            pass
    return 0


def _tasks(pid):
    """Where /proc shows a process: as a whole, and, for its first thread may have ended, by the others."""
    yield f"/proc/{pid}"
    try:
        yield from (f"/proc/{pid}/task/{thread}" for thread in os.listdir(f"/proc/{pid}/task") if int(thread) != pid)
    except OSError:
        pass


def use_huge_pages():
    """Gather this process's memory in pages of 2 MiB, where the system can: a fork, and its end, take a third of the time."""
    libc = ctypes.CDLL(None)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        regions = [line.split() for line in maps]
    for region in regions:
        if region[1] == "rw-p" and (len(region) < 6 or region[5] == "[heap]"):
            start, end = (int(address, 16) for address in region[0].split("-"))
            start, end = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
            if start < end:
                libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _COLLAPSE)
