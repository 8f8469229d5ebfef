"""Grade one submission: run its cells in a kernel, then have each probe asked there, restarting the kernel when it is lost.

This is the bookkeeping around the kernel. Asking itself is nbval's cell machinery (plugin), judging is `diagnose`.
"""

import re
import time

from . import verdicts
from .diagnose import forbidden_message
from .kernels.session import ANSWER_BYTES, CELL_SECONDS, OUTPUT_BYTES, PROBE_SECONDS, CellEnded, KernelUnavailable, Session
from .notebooks import Submission
from .sources import forbidden_in_source
from .spec import Task

TOTAL_SECONDS = 300  # for one submission, restarts included
MAX_STARTS = 8  # kernels for one submission: each start after the first follows a cell or a probe that was fatal


class Workplace:
    """A submission's cells, run once, in a kernel that is ready to be asked. The kernel is started when first needed."""

    def __init__(self, submission: Submission):
        self.submission = submission
        self.session: Session | None = None
        self.notes: dict[int, str] = {}  # what went wrong in which cell
        self._fates: dict[int, CellEnded] = {}  # cells that are not run again: each hung, flooded or killed the kernel
        self._lost: dict[str, CellEnded] = {}  # tasks whose probe did, and which are not asked again
        self._forbidden: dict[str, list[tuple[str, str]]] = {}  # what each task's source uses that it may not
        self._starts = 0
        self._deadline = 0.0
        self._fault: KernelUnavailable | None = None

    def ready(self) -> Session:
        """A live kernel in which every cell has run that can be.

        Raises CellEnded where the notebook lets no kernel live, KernelUnavailable where the machine starts none.
        """
        if self._fault:
            raise self._fault
        self._deadline = self._deadline or time.monotonic() + TOTAL_SECONDS
        self._check_total()
        if self.session is not None and not self.session.is_alive():
            self.close()
        while self.session is None:
            if self._starts == MAX_STARTS:
                raise CellEnded(verdicts.KERNEL_DIED, f"The Python process ended {MAX_STARTS} times.", alive=False)
            try:
                self.session = Session()
            except KernelUnavailable as fault:
                self._fault = fault
                raise
            self._starts += 1
            self.session.set_limits(CELL_SECONDS, OUTPUT_BYTES)
            for number, code in enumerate(self.submission.cells):
                self._check_total()
                if number not in self._fates and not self._run(number, code):
                    self.close()
                    break
        self.session.set_limits(PROBE_SECONDS, ANSWER_BYTES)
        return self.session

    def _check_total(self):
        if time.monotonic() > self._deadline:
            self.close()
            raise CellEnded(verdicts.TIMED_OUT, f"The notebook used up its {TOTAL_SECONDS} s in all.", alive=False)

    def _run(self, number, code) -> bool:
        """Run a learner's cell; whether the kernel is still there after it."""
        try:
            error = self.session.run(code).error
        except CellEnded as ended:
            self._fates[number] = ended
            self.notes[number] = f"code cell {number + 1} {ended.status}: {ended}"
            return ended.alive
        if error and error[0] != "NotImplementedError":
            first_line = re.sub(r"\(\d+\.py, line", "(line", (error[1].splitlines() or [""])[0])  # not ipykernel's name for it
            self.notes[number] = f"code cell {number + 1} raised {error[0]}: {first_line}".strip(": ")
        return True

    def probe_ended(self, task: Task, ended: CellEnded):
        """A probe of this task hung, flooded or killed the kernel: its other probes are not asked."""
        self._lost[task.name] = ended
        if not ended.alive:
            self.close()

    def fate(self, task: Task) -> tuple[str, str] | None:
        """Why the task cannot be asked, as (status, message), or None if it can."""
        if task.name in self._lost:
            return self._lost[task.name].status, "Not asked: an earlier probe of this task did not come to an end."
        if task.name not in self._forbidden:
            self._forbidden[task.name] = forbidden_in_source(list(self.submission.cells), task.name, task.forbids)
        for name, line in self._forbidden[task.name][:1]:
            return verdicts.FORBIDDEN, forbidden_message(task, [name], line)
        return None

    def fate_if_missing(self, task: Task) -> tuple[str, str]:
        """Why the notebook's namespace has no such name: its cell failed, or there is none."""
        number = self.submission.fate_of(task.name)
        if number in self._fates:
            return self._fates[number].status, f"The cell that defines `{task.name}`: {self._fates[number]}"
        if number in self.notes:
            return verdicts.RAISED, f"The cell that defines it failed: {self.notes[number]}"
        broken = [note for note in self.notes.values() if "SyntaxError" in note or "IndentationError" in note]
        if broken and number is None:
            return verdicts.RAISED, f"No cell that runs defines `{task.name}`; {broken[0]}"
        return verdicts.MISSING, f"The notebook defines no `{task.name}`."

    def close(self):
        if self.session is not None:
            self.session.stop()
            self.session = None
