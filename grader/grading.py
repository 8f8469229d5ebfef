"""Grade one submission: run its cells in a kernel, then have each task's probes asked there, restarting the kernel when it is lost.

This is the bookkeeping around the kernel. Taking an answer apart is nbval's cell machinery (plugin), judging is `diagnose`.
"""

import re
import secrets
import time

from nbval.kernel import RunningKernel

from . import verdicts, wire
from .diagnose import Examiner, forbidden_message
from .kernels.inside import question
from .kernels.session import CellEnded, KernelUnavailable, Session, nonce_of
from .kernels.warm import Setting
from .notebooks import Submission
from .sources import forbidden_in_source, is_unchanged
from .spec import Probe, Task

MAX_FAULTS = 2  # kernels that the machine may lose before it is called a grader fault
MAX_STARTS = 8  # kernels for one submission: each start after the first follows a cell or a probe that was fatal
CHECKS = re.compile(r"""(\s*check\(\s*["']\w+["']\s*(,\s*seed\s*=\s*\d+\s*)?\))+\s*""")


class Published(RunningKernel):
    """What a kernel published in answer to one probe, in the form of a kernel: nbval runs the probe's cell in it."""

    def __init__(self, messages: list[dict], nonce: str):
        self.messages = messages
        self.nonce = nonce

    def is_alive(self):
        return True

    def execute_cell_input(self, cell_input, allow_stdin=None):
        return self.nonce

    def await_reply(self, msg_id, timeout=None):
        """It has come already."""

    def get_message(self, stream, timeout=None):
        own = {"parent_header": {"msg_id": self.nonce}}
        if self.messages:
            return {**self.messages.pop(0), **own}
        return {"msg_type": "status", "content": {"execution_state": "idle"}, **own}


class Workplace:
    """A submission's cells, run once, in a kernel that is ready to be asked. The kernel is started when first needed."""

    def __init__(self, submission: Submission, setting: Setting):
        self.submission = submission
        self.setting = setting
        self.session: Session | None = None
        self.notes: dict[int, str] = {}  # what went wrong in which cell
        self._fates: dict[int, CellEnded] = {}  # cells that are not run again: each hung, flooded or killed the kernel
        self._answers: dict[tuple[str, str], Published | Exception] = {}  # by task and probe: what came of asking
        self._forbidden: dict[str, list[tuple[str, str]]] = {}  # what each task's source uses that it may not
        self._starts = self._faults = 0
        self._deadline = 0.0
        self._fault: KernelUnavailable | None = None

    def answer(self, task: Task, probe: Probe, examiner: Examiner) -> Published:
        """What the kernel publishes when it is asked this probe.

        Raises CellEnded where the notebook lets no kernel live or the probe does not end, KernelUnavailable where the machine
        keeps none: a kernel that is lost without the notebook's doing is replaced, once.
        """
        if (task.name, probe.name) not in self._answers:
            self._ask(task, examiner)
        found = self._answers[task.name, probe.name]
        if isinstance(found, Exception):
            raise found
        return found

    def _ask(self, task, examiner):
        """Ask all probes of a task in one cell of their own, so that no answer can stand in for another task's.

        An answer with a nonce that nobody gave out counts against the whole task: no probe of it then has exactly one answer.
        """
        nonces = {probe.name: secrets.token_hex(8) for probe in task.probes}
        probes = [
            {
                "name": probe.name, "source": probe.source, "seed": examiner.seed_of(task, probe), "nonce": nonces[probe.name],
                "data": wire.encode(examiner.data(task, probe).given),
            }
            for probe in task.probes
        ]
        code = question(task.name, task.forbids, examiner.device, probes)
        ask = lambda: self.session.ask(code, list(nonces.values()))  # noqa: E731
        try:
            messages, ended = self._with_kernel(ask)
            if ended and not ended.alive and self.setting.device == "cuda":  # a new kernel shows whether that was the answer's own doing
                self.close()
                messages, ended = self._with_kernel(ask)
        except (CellEnded, KernelUnavailable) as reason:
            self._answers |= {(task.name, probe.name): reason for probe in task.probes}
            return
        if ended and not ended.alive:
            self.close()
        answers = [(nonce_of(message), message) for message in messages if nonce_of(message) is not None]
        strays = [message for nonce, message in answers if nonce not in nonces.values()]
        for name, nonce in nonces.items():
            own = [message for found, message in answers if found == nonce]
            if own or not ended:
                self._answers[task.name, name] = Published(own + strays, nonce)
            else:
                self._answers[task.name, name] = ended
                ended = CellEnded(ended.status, "Not asked: an earlier probe of this task did not come to an end.", alive=False)

    def _with_kernel(self, action):
        """Do something in a kernel in which all cells have run; once more in a new one if the machine, not the notebook, lost it."""
        while self._faults < MAX_FAULTS:
            try:
                self._ready()
                return action()
            except KernelUnavailable as fault:
                self.close()
                self._faults, self._fault = self._faults + 1, fault
        raise self._fault

    def _ready(self):
        """See that there is a live kernel in which every cell has run that can be."""
        self._deadline = self._deadline or time.monotonic() + self.setting.limits.total
        self._check_total()
        if self.session is not None and not self.session.is_alive():
            self.close()
        while self.session is None:
            if self._starts == MAX_STARTS:
                raise CellEnded(verdicts.KERNEL_DIED, f"The Python process ended {MAX_STARTS} times.", alive=False)
            self.session = Session(self.setting, self._deadline)
            self._starts += 1
            for number, code in enumerate(self.submission.cells):
                self._check_total()
                if number not in self._fates and not CHECKS.fullmatch(code) and not self._run(number, code):
                    self.close()
                    break

    def _check_total(self):
        if time.monotonic() > self._deadline:
            self.close()
            raise CellEnded(verdicts.TIMED_OUT, f"The notebook used up its {self.setting.limits.total:g} s in all.", alive=False)

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

    def forbidden(self, task: Task) -> str:
        """Which forbidden thing the task's answer uses, by its source; empty if none."""
        if task.name not in self._forbidden:
            self._forbidden[task.name] = forbidden_in_source(list(self.submission.cells), task.name, task.forbids)
        for name, line in self._forbidden[task.name][:1]:
            return forbidden_message(task, [name], line)
        return ""

    def is_unchanged(self, task: Task) -> bool:
        """Whether the task's answer is still the code that its author was given to mend."""
        return task.starter is not None and is_unchanged(list(self.submission.cells), task.name, task.starter.source)

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
