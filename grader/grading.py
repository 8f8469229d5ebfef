"""Grade one submission: run its cells in a kernel, then have each task's probes asked there, restarting the kernel when it is lost.

This is the bookkeeping around the kernel. Taking an answer apart is nbval's cell machinery (plugin), judging is `diagnose`.
"""

import re
import secrets
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cached_property

from . import flags, names, verdicts, wire
from .asking import Answer, read_answer
from .diagnose import Examiner, ReferenceFault, forbidden_message, without_traces
from .kernels.inside import question
from .kernels.messages import CellEnded, KernelUnavailable, nonce_of
from .kernels.session import Session
from .kernels.warm import Setting
from .notebooks import Submission
from .published import Published, answers_all, names_told, told
from .sources import forbidden_in_source, is_unchanged, source_of, top_level
from .spec import Probe, Task
from .texts import MOST, SHORT, one_line

MAX_FAULTS = 2  # kernels that the machine may lose before it is called a grader fault
MAX_STARTS = 64  # kernels for one submission: each start after the first follows a cell or a probe that was fatal
MAX_DEATHS = 2  # kernels that may die in a cell or in a probe before it is to blame
MAX_ENDS = 2  # probes of a task that may not come to an end before its others are not asked
LACKING = ("ModuleNotFoundError", "ImportError", "StdinNotImplementedError")
NO_MODULE = re.compile(r"No module named '([A-Za-z_][\w.]{0,80})'")
CHECKS = re.compile(r"""(\s*check\(\s*["']\w+["']\s*(,\s*seed\s*=\s*\d+\s*)?\))+\s*""")


class Workplace:
    """A submission's cells, run once, in a kernel that is ready to be asked. The kernel is started when first needed."""

    def __init__(self, submission: Submission, setting: Setting):
        self.submission = submission
        self.setting = setting
        self.session: Session | None = None
        self.notes: dict[int, str] = {}  # what went wrong in which cell
        self.missing_modules: list[str] = []  # that it imports
        self._fates: dict[int, CellEnded] = {}  # cells that are not run again: each hung, flooded or killed the kernel
        self._answers: dict[tuple[str, str], Published | Exception] = {}  # by task and probe: what came of asking
        self._forbidden: dict[str, list[tuple[str, str]]] = {}  # what each task's source uses that it may not
        self.seen: dict[str, tuple[str, ...]] = {}  # what each task uses that it may not, by its probes: seen in one, it counts for all
        self._charged: dict[str, dict[str, str]] = {}  # by task: what it changes that it may not, and the probe that is charged for it
        self._stories: dict[str, str] = {}  # by task
        self._unchanged: dict[str, bool] = {}
        self._replaced: dict[str, None] = {}  # functions that are no longer what they were
        self._deeds: dict[str, None] = {}  # what tasks do when they are asked, and no answer need do
        self._deaths: Counter[int] = Counter()  # kernels that died in a cell
        self._starts = self._faults = 0
        self._left = setting.limits.total  # seconds that the notebook may still take
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
        """Ask all probes of a task, in one cell of their own as far as they come to an end.

        What follows a probe that does not end is asked in another cell. Where a kernel died, for that may be another's doing, and it may have taken along
        what it had said last, the others are asked apart from then on. A probe in which kernels die twice, or which its time or output runs out on, is
        charged for it; after MAX_ENDS of them the task's other probes are not asked. An answer with a nonce that nobody gave out counts against the whole
        task: no probe of it then has exactly one answer a round.
        """
        left, failures, ends, strays, apart = list(task.probes), Counter(), 0, [], False
        while left:
            asked = left[:1] if apart else left
            nonces = {probe.name: secrets.token_hex(8) for probe in asked}
            try:
                messages, ended = self._with_kernel(lambda: self._put(task, asked, nonces, examiner, apart))
            except (CellEnded, KernelUnavailable) as reason:
                self._answers |= {(task.name, probe.name): reason for probe in left}
                break
            answers = [(nonce_of(message), message) for message in messages if nonce_of(message) is not None]
            strays += [message for nonce, message in answers if nonce not in nonces.values()]
            own = {probe.name: [message for nonce, message in answers if nonce == nonces[probe.name]] for probe in asked}
            for probe in asked:
                if own[probe.name] and answers_all(own[probe.name], len(task.rounds(probe))):
                    self._answers[task.name, probe.name] = Published(own[probe.name], nonces[probe.name])
            lost = [probe for probe in asked if (task.name, probe.name) not in self._answers]
            left = [*lost, *left[len(asked) :]]
            if not lost:
                continue
            first = lost[0]
            failures[first.name] += 1
            if not ended or not ended.alive:
                self.close()
            is_certain = apart or not ended or ended.status not in (verdicts.KERNEL_DIED, verdicts.OUT_OF_MEMORY)
            if is_certain and ((ended and ended.status != verdicts.KERNEL_DIED) or failures[first.name] == MAX_DEATHS):
                self._answers[task.name, first.name] = ended.in_round(task.rounds(first)[len(own[first.name])]) if ended else Published([], nonces[first.name])
                left, ends = left[1:], ends + 1
            apart |= not is_certain
            if ends == MAX_ENDS:
                other = CellEnded(ended.status if ended else verdicts.WRONG, "Not asked: two other probes of this task did not come to an end.", alive=False)
                self._answers |= {(task.name, probe.name): other for probe in left}
                break
        published = [answer for answer in (self._answers[task.name, probe.name] for probe in task.probes) if isinstance(answer, Published)]
        self.seen[task.name] = tuple(names_told(published, "forbidden"))
        self._charged[task.name] = self._first_changes(task, examiner)
        self._replaced |= names_told(published, "replaced")
        self._deeds |= {f"`{task.name}` {flags.DEEDS[name]} when it is asked": None for name in names_told(published, "done") if name in flags.DEEDS}
        for answer in published:
            answer.messages += strays

    def _first_changes(self, task, examiner):
        """Of each kind of thing that the answer changes and may not, the first probe that shows it."""
        charged = {}
        for probe in task.probes:
            published = self._answers[task.name, probe.name]
            if isinstance(published, Published) and told(published):
                with suppress(wire.WireError, ReferenceFault):
                    for kind in examiner.kinds_of_changes(task, probe, read_answer(told(published))):
                        charged.setdefault(kind, probe.name)
        return charged

    def charged(self, task: Task, probe: Probe, answer: Answer) -> Answer:
        """The answer without what another probe is charged for: a thing that is changed costs one probe's points, not the task's."""
        return without_traces(answer, {kind for kind, name in self._charged.get(task.name, {}).items() if name != probe.name})

    def _put(self, task, probes, nonces, examiner, apart):
        """Ask these probes in one cell, or one of them, apart, each round in a cell of its own; what was published, and why it ended early, if so."""
        cells = [[(probes[0], (each,))] for each in task.rounds(probes[0])] if apart else [[(probe, task.rounds(probe)) for probe in probes]]
        published = []
        for cell in cells:
            awaited = [nonces[probe.name] for probe, rounds in cell for _ in rounds]
            messages, ended = self.session.ask(self._question(task, cell, nonces, examiner), awaited)
            published += messages
            answers = [message for message in messages if nonce_of(message) == awaited[0]]
            if ended or not answers or answers_all(answers, 2):  # one alone ends the rounds only if it raised
                break
        return published, ended

    @staticmethod
    def _question(task, asked, nonces, examiner):
        """What is sent to the kernel to ask probes, each in these rounds: pairs of both."""
        return question(
            task.name, task.forbids, examiner.device,
            [
                {
                    "name": probe.name, "source": probe.source, "seed": examiner.seed_of(task, probe), "nonce": nonces[probe.name],
                    "data": wire.encode(examiner.data(task, probe).given), "rounds": [asdict(each) for each in rounds],
                }
                for probe, rounds in asked
            ],
        )  # fmt: skip

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
        if self.session is not None and not self.session.is_alive():
            self.close()
        self._check_total()
        while self.session is None:
            if self._starts == MAX_STARTS:
                raise CellEnded(verdicts.KERNEL_DIED, f"The Python process ended {MAX_STARTS} times.", alive=False)
            self.session = Session(self.setting, self._left, self.submission.cells)
            self._starts += 1
            for number, code in enumerate(self.submission.cells):
                if not code.strip() or number in self._fates or CHECKS.fullmatch(code):
                    continue
                if not self._run(number, code):
                    self.close()
                    self._check_total()
                    break

    def _check_total(self):
        if self._left <= (self.session.whole.spent if self.session else 0):
            raise CellEnded(verdicts.TIMED_OUT, f"The notebook used up its {self.setting.limits.total:g} s in all.", alive=False)

    def _run(self, number, code) -> bool:
        """Run a learner's cell; whether the kernel is still there after it.

        A kernel that dies is the cell's doing if it does so twice; else it may have been that of something an earlier cell left behind.
        Where something is lacking that a notebook may count on elsewhere, a module or somebody who types, the cell's other statements are
        run one by one.
        """
        try:
            error = self.session.run(code).error
            if error and error[0] in LACKING:
                for statement in top_level(code):
                    self.note_missing_module(self.session.run(source_of(code, statement)).error)
        except CellEnded as ended:
            self._deaths[number] += 1
            if ended.status != verdicts.KERNEL_DIED or self._deaths[number] == MAX_DEATHS:
                self._fates[number] = ended
                self.notes[number] = f"code cell {number + 1} {ended.status}: {ended}"
            return ended.alive
        if error and error[0] != "NotImplementedError":
            first_line = re.sub(r"\(\d+\.py, line", "(line", (error[1][:MOST].splitlines() or [""])[0])  # not ipykernel's name for it
            self.notes[number] = one_line(f"code cell {number + 1} raised {error[0][:SHORT]}: {first_line}".strip(": "))
        return True

    def note_missing_module(self, error):
        """Remember a module that the notebook imports and this environment does not have."""
        found = NO_MODULE.fullmatch(error[1]) if error and error[0] == "ModuleNotFoundError" else None
        if found and len(self.missing_modules) < verdicts.MAX_NOTES and found[1] not in self.missing_modules:
            self.missing_modules.append(found[1])

    @cached_property
    def _flags_in_source(self):
        with self._reading():
            return flags.in_source(list(self.submission.cells))

    @property
    def flags(self) -> list[str]:
        """What a person should look at: in the code, and of what a kernel tells."""
        told = [f"when it was asked, these were not what they had been: {', '.join(self._replaced)}"] if self._replaced else []
        return [*self._flags_in_source, *told, *self._deeds]

    def forbidden(self, task: Task) -> str:
        """Which forbidden thing the task's answer uses, by its source; empty if none."""
        if task.name not in self._forbidden:
            with self._reading():
                self._forbidden[task.name] = forbidden_in_source(list(self.submission.cells), task.name, task.forbids)
        for name, line in self._forbidden[task.name][:1]:
            return forbidden_message(task, [name], line)
        return ""

    def is_unchanged(self, task: Task) -> bool:
        """Whether the task's answer is still the code that its author was given to mend."""
        if task.starter is not None and task.name not in self._unchanged:
            with self._reading():
                self._unchanged[task.name] = is_unchanged(list(self.submission.cells), task.name, task.starter.source)
        return self._unchanged.get(task.name, False)

    def fate_if_missing(self, task: Task) -> tuple[str, str]:
        """Why the notebook's namespace has no such name: its cell failed, or there is none."""
        number = names.last_definition(self.submission.cells, task.name)
        if number in self._fates:
            return self._fates[number].status, f"The cell that defines `{task.name}`: {self._fates[number]}"
        if number in self.notes:
            return verdicts.RAISED, f"The cell that defines it failed: {self.notes[number]}"
        broken = [note for note in self.notes.values() if "SyntaxError" in note or "IndentationError" in note]
        if broken and number is None:
            return verdicts.RAISED, f"No cell that runs defines `{task.name}`; {broken[0]}"
        return verdicts.MISSING, f"The notebook defines no `{task.name}`."

    def story(self, task: Task) -> str:
        """What stands between the notebook's answer and the name that is asked, if anything does."""
        if task.name not in self._stories:
            with self._reading():
                self._stories[task.name] = names.story(self.submission, task.name, failed=self.notes.keys())
        return self._stories[task.name]

    @contextmanager
    def _reading(self):
        """What its source takes to be read is the notebook's time, too."""
        begin = time.process_time()
        yield
        self._left -= time.process_time() - begin

    def close(self):
        if self.session is not None:
            self._left -= self.session.whole.spent
            self.session.stop()
            self.session = None
