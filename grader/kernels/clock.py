"""Time limits in seconds of a kernel's own time: what other work on the machine makes it wait for a processor is not its time.

Linux tells both figures: proc(5) for processor time, sched-stats for the time spent waiting for a processor.
"""

import os
import time
from contextlib import suppress

BACKSTOP = 6  # times its limit that anything may take by the wall's clock, whatever it did meanwhile
STEP = 0.05  # seconds, at least, between two looks
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Clock:
    """A limit that started to run when this was made."""

    def __init__(self, limit: float):
        self.limit = limit
        self._start = time.monotonic()
        self._next_look = self._start + limit  # before that, its time cannot be up

    def left(self) -> float:
        """Seconds until it must be looked at."""
        return self._next_look - time.monotonic()

    def look(self, computed: float, waited: float) -> bool:
        """Whether time is left. computed: the processor time since the start, of all processes; waited: how long a processor was waited for."""
        now = time.monotonic()
        left = self.limit - max(computed, now - self._start - max(waited, 0))
        stop = self._start + BACKSTOP * self.limit
        self._next_look = min(now + max(left, STEP), stop) if left > 0 else now
        return left > 0 and now < stop

    @property
    def spent(self) -> float:
        """Seconds of the limit that are used up, for all that is known."""
        return min(self.limit, self.limit - self.left())


def computed(pids: list[int]) -> float:
    """Seconds of processor time that processes have had, with that of their children which have ended."""
    total = 0.0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                fields = stat.read().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / _TICK  # utime, stime, cutime, cstime
        except (OSError, ValueError):  # it has ended
            pass
    return total


def waited(pids: list[int]) -> float:
    """Seconds that a thread of theirs, the one that fared worst, was ready to run and had no processor. Where the system does not tell,
    all the time: what they computed counts then, and the backstop."""
    times = []
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as schedstat:
                    times.append(int(schedstat.read().split()[1]) / 1e9)
        except (OSError, ValueError, IndexError):
            pass
    return max(times, default=time.monotonic())


def running(pids: list[int]) -> list[int]:
    """Those of the processes' threads that compute, or would if they had a processor."""
    return [thread for thread in _threads(pids) if _state(thread) == "R"]


def yield_to_others(pids: list[int], nice: int):
    """Lower the priority of all threads of processes, and of all that they start. Needs CAP_SYS_NICE. See sched(7)."""
    for thread in _threads(pids):
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, thread, nice)


def _threads(pids):
    for pid in pids:
        with suppress(OSError):
            yield from map(int, os.listdir(f"/proc/{pid}/task"))


def _state(thread):
    with suppress(OSError), open(f"/proc/{thread}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0]
