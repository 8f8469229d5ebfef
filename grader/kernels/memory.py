"""How much memory processes use, and the template's own made cheap to copy. Linux: see proc(5), madvise(2)."""

import ctypes
import os

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


def exceeds(pids: list[int], bound: float) -> bool:
    """Whether processes use more than `bound` bytes. Pages that they share are told apart only where the quick sum alarms."""
    return resident(pids) > bound and sum(map(_own, pids)) > bound


def resident(pids: list[int]) -> int:
    """Bytes of memory that is no file's, in processes; what they share is counted in each."""
    return sum(_sum(pid, "status", ("RssAnon:", "RssShmem:", "VmPTE:")) for pid in pids)


def _own(pid) -> int:
    return _sum(pid, "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) + _sum(pid, "status", ("VmPTE:",))


def _sum(pid, file, names) -> int:
    """The sum of some lines of a file in /proc, in bytes; 0 for a process that has ended."""
    try:
        with open(f"/proc/{pid}/{file}", encoding="utf-8") as lines:
            return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))
    except OSError:
        return 0


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
