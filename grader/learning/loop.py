"""Between two saves of a watched notebook: where the learner stands, in a line, and what single keys do. Nothing here grades."""

import os
import select
import sys
import time
from contextlib import contextmanager

from .. import terminal
from ..catalogue import EXERCISES, find_exercise
from ..verdicts import SubmissionResult

LOOK = 0.05  # seconds that a look for a key takes
KEYS = "h: a hint, n: the next task, q: quit."


class Loop:
    """What is left to do in the notebook that was graded last, and the hints given so far."""

    def __init__(self):
        self._exercise, self._left, self._given = None, [], {}

    def show(self, result: SubmissionResult):
        """Print a line of progress, if it could be graded, and what the learner can do now."""
        if not result.error:
            self._progress(result)
        print(f"Waiting for a notebook to be saved. {KEYS if _has_keys() else 'Ctrl-C ends.'}\n", flush=True)

    def _progress(self, result):
        self._exercise = find_exercise(result.exercise)
        self._left = [task.name for task in result.tasks if task.points < task.max_points]
        print(f"\n{result.exercise}  {terminal.bar(result.points, result.max_points)}  {self._next()}")

    def _next(self):
        if self._left:
            return f"next: {self._left[0]}"
        following = EXERCISES[EXERCISES.index(self._exercise) + 1 :]
        return f"next: open {following[0].name}.ipynb" if following else "that was the last"

    def is_over(self) -> bool:
        """Wait a moment for a key, and do what it asks for; whether it asks to end."""
        key = _key()
        if key == "n" and self._left:
            self._left.append(self._left.pop(0))
        if key == "n" and self._exercise:
            print(self._next(), flush=True)
        if key == "h" and self._left:
            hints = self._exercise.task(self._left[0]).hints
            number = self._given[self._left[0]] = min(self._given.get(self._left[0], 0) + 1, len(hints))
            print(f"{self._left[0]}, hint {number} of {len(hints)}: {hints[number - 1]}", flush=True)
        return key == "q"


@contextmanager
def single_keys():
    """A block in which a terminal gives keys as they are pressed, without showing them."""
    if not _has_keys():
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _has_keys():
    """Whether there is a terminal, of a system on which one can wait for its keys, and this is its foreground."""
    return os.name == "posix" and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


def _key() -> str:
    """The key that is pressed within a moment; empty if none is."""
    if not _has_keys():
        time.sleep(LOOK)
        return ""
    ready, _, _ = select.select([sys.stdin], [], [], LOOK)
    return os.read(sys.stdin.fileno(), 1).decode("ascii", "ignore") if ready else ""
