"""From the files of a download to a folder of submissions: whose each is, which exercise it answers, which try counts, and whether it came late.

Everything is made in a folder beside the one that is asked for, which then takes its name: what stops half-way leaves nothing.
(Where the machine itself stops, that folder, whose name begins with a dot, is left.)
"""

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from ..texts import path_text
from . import people, records
from .archives import Entry, Unreadable, entries
from .layouts import Claim, recognised
from .records import Learner, Record
from .roster import Roster

NOTEBOOK = re.compile(r"\.ipynb(\.(txt|json))?$", re.IGNORECASE)  # some editors and mail programs add to the name
KINDS = {
    "pdf": "a PDF", "html": "a web page", "htm": "a web page", "py": "a script", "gdoc": "a link into Google Drive", "docx": "a Word file",
}  # fmt: skip
ARCHIVES = ("rar", "7z", "tar", "gz", "tgz", "xz", "bz2")  # which are not opened: what is in them is not known


@dataclass
class Collection:
    """What came of a download: its layout, a record for every file and for everybody without one, everybody, and what the roster leaves open."""

    layout: str
    records: list[Record]
    learners: list[Learner]
    notes: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Handed:
    """A file of the download: what its path says, where its bytes are kept if it may be a notebook, and what came of it."""

    entry: Entry
    path: Path | None = None
    problem: str = ""
    claim: Claim | None = None
    learner: Learner | None = None
    exercise: object = None
    time: datetime | None = None
    tries: str = ""
    status: str = ""
    reason: str = ""

    @cached_property
    def digest(self):
        return hashlib.sha256(self.path.read_bytes()).digest()

    @cached_property
    def origin(self):
        """Whether it is the exercise or the solution of the course, as it stands there: "exercise", "solution" or nothing."""
        from .. import notebooks

        return notebooks.origin(self.path, self.exercise)


def collect(
    download: Path,
    output: Path,
    roster: Roster | None,
    exercise: str | None,
    pattern: str | None,
    due_of: Callable[[list[Learner], list[str]], Callable[[Learner], datetime | None]],
    replace: bool = False,
    shown: Callable[[list], Iterable] = iter,
) -> Collection:
    """Make the folder of submissions; with `replace`, in place of one that is there.

    due_of: finds, once the learners are known, when each one's work was due, and adds what it leaves open to the notes. shown: goes through a list that takes long.

    Raises Unreadable and NoLayout where the download is none that can be collected, and OSError where something cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent, ignore_cleanup_errors=True) as beside:
        kept, made = Path(beside) / "handed in", Path(beside) / output.name
        kept.mkdir()
        made.mkdir(mode=0o700)
        handed, stamps = _keep(download, kept)
        root = download.stem if download.is_file() else download.resolve().name
        layout = recognised([each.entry for each in handed], root, stamps, pattern)
        learners, notes = people.tell_apart(handed, layout, roster)
        due = due_of(learners, notes)
        for each in shown(handed):
            _judge(each)
        _choose(handed, exercise)
        for each in handed:
            if each.status == records.TAKEN:
                target = made / each.learner.key / f"{each.exercise.name}.ipynb"
                target.parent.mkdir(exist_ok=True)
                os.replace(each.path, target)
        found = [_record(each, layout, due) for each in handed]
        idle = {each.key for each in learners} - {record.key for record in found}
        found += [Record(status=records.NOTHING, reason=learner.note).of(learner) for learner in learners if learner.key in idle]
        found.sort(key=lambda record: (not record.key, record.key, records.STATUSES.index(record.status), record.source))
        records.write(made / records.TABLE, found)
        if output.exists() and any(output.iterdir()) and not replace:
            raise FileExistsError(errno.EEXIST, "somebody else has written there meanwhile")
        _put(made, output, Path(beside) / "before")
    return Collection(layout.name, found, learners, notes)


def _put(made, output, before):
    """Give the folder that was made its name; the one that had it goes, once the other stands."""
    if output.exists():
        os.rename(output, before)
    try:
        os.rename(made, output)
    except OSError:
        if before.exists():
            os.rename(before, output)
        raise


def _keep(download, folder):
    """Every file of the download; what may be a notebook is copied to the folder. Also the times that nbgrader notes, by their folder."""
    handed, stamps = [], {}
    for number, entry in enumerate(entries(download)):
        each = Handed(entry, problem=entry.problem)
        handed.append(each)
        try:
            if entry.own or entry.problem:
                pass
            elif NOTEBOOK.search(entry.source):
                stem = re.sub(r"[^\w-]", "_", NOTEBOOK.sub("", entry.parts[-1]), flags=re.ASCII)[-80:]
                each.path = folder / f"{number}" / f"{stem or '_'}.ipynb"  # what a notebook is called may say which exercise it is
                each.path.parent.mkdir()
                with open(each.path, "wb") as file:
                    entry.copy_to(file)
            elif entry.parts[-1] == "timestamp.txt":
                with tempfile.TemporaryFile() as file:
                    entry.copy_to(file, 1000)
                    file.seek(0)
                    stamps["/".join(entry.parts[:-1])] = file.read().decode("utf-8", "replace")
        except Unreadable as error:
            each.path, each.problem = None, str(error)
    return handed, stamps


def _judge(each):
    """What can be said of a file by itself."""
    from .. import notebooks

    entry = each.entry
    each.time = _local(each.claim.time) if each.claim else None
    suffix = entry.parts[-1].rpartition(".")[2].lower()
    if entry.own or entry.parts[-1] == "timestamp.txt" and each.time:
        each.status, each.reason = records.PASSED_OVER, entry.own or "nbgrader's own"
    elif each.problem:
        each.status, each.reason = records.REFUSED, each.problem
    elif suffix in ARCHIVES:
        each.status, each.reason = records.REFUSED, "an archive that is not opened here; unpack it by hand"
    elif entry.unpacked:
        each.status, each.reason = records.UNPACKED, "its files are lines of their own"
    elif not each.path:
        what = KINDS.get(suffix) or (f"a .{suffix} file" if "." in entry.parts[-1] else "a file without a kind")
        each.status, each.reason = records.NOT_A_NOTEBOOK, what
    elif not each.learner:
        each.status, each.reason = records.NOBODY, "its path does not say whose it is"
    else:
        try:
            each.exercise = notebooks.read(each.path).exercise
        except notebooks.NotebookError as error:
            each.status, each.reason = records.REFUSED, str(error).removeprefix(f"{path_text(each.path)}: ")


def _choose(handed, wanted):
    """Of each learner's notebooks of an exercise, the one that counts."""
    groups: dict[tuple, list[Handed]] = {}
    for each in handed:
        if each.status:
            continue
        if wanted and each.exercise.name != wanted:
            each.status, each.reason = records.OTHER, each.exercise.name
        else:
            groups.setdefault((each.learner.key, each.exercise.name), []).append(each)
    for group in groups.values():
        _newest(sorted(group, key=lambda each: each.entry.source))


def _newest(group):
    """Say of each of a learner's notebooks of an exercise which try it is. What nothing tells is not guessed."""
    times, numbers, series = ([each.time for each in group], [each.claim.number for each in group], {each.claim.series for each in group})
    again = [each for place, each in enumerate(group) if each.digest in {other.digest for other in group[:place]}]
    handed_out = [each for each in group if each.origin == "solution"] or [each for each in group if each.origin]
    if len(group) == 1:
        order, how = None, ""
    elif all(times) and times.count(max(times)) == 1:
        order, how = times, "by its time"
    elif len(series) == 1 and all(numbers) and numbers.count(max(numbers)) == 1:
        order, how = numbers, "by its number"
    elif again or 0 < len(handed_out) < len(group):  # the course's own stand in a clone of it, beside the learner's
        for each in again or handed_out:
            each.status, each.reason = (records.SAME, "the same stands elsewhere") if again else (records.PASSED_OVER, f"the course's own {each.origin}")
        _newest([each for each in group if not each.status])
        return
    else:
        for each in group:
            each.status = records.REFUSED
            each.reason = f"nothing says which of {len(group)} of {each.exercise.name} is newer: take out all but one, and collect again"
        return
    if order:
        group = [each for _, each in sorted(zip(order, group), key=lambda pair: pair[0])]
    chosen = group[-1]
    for place, each in enumerate(group, 1):
        each.tries = f"{place} of {len(group)}" if order else ""
        same = each.digest == chosen.digest
        each.status, each.reason = (records.SAME, f"as {chosen.entry.source}") if same else (records.OLDER, f"{chosen.entry.source} is newer, {how}")
    chosen.status = records.TAKEN
    chosen.reason = f"the newest of {len(group)}, {how}" if how else "as it was handed out" if chosen.origin == "exercise" else ""


def _local(time):
    """A time with its zone: this machine's, where none is said."""
    try:
        return time.astimezone() if time else None
    except (OverflowError, OSError):  # a year that no clock here knows
        return None


def _record(each, layout, due):
    """A file's line of the table."""
    record = Record(source=each.entry.source, status=each.status, reason=each.reason, exercise=each.exercise.name if each.exercise else "").of(each.learner)
    if each.learner and not each.entry.own and not each.entry.unpacked:
        time = each.time or _local(each.learner.handed_in)
        record.time = time.isoformat(" ", "seconds") if time else ""
        record.tries = each.tries
        record.late, record.late_minutes = _lateness(time, due(each.learner), each.claim.late, layout)
    if each.status == records.TAKEN:
        record.file = f"{each.learner.key}/{each.exercise.name}.ipynb"
    return record


def _lateness(time, due, marked, layout):
    """How late something is, in words and in minutes: a begun one counts."""
    if not due or not time:
        return f"yes, says {layout.name}" if marked else "unknown" if due else "", ""
    minutes = max(0, -int((due - time).total_seconds() // 60))
    days, hours = minutes // 1440, minutes % 1440 // 60
    words = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes % 60, "min")) if count]
    return " ".join(words) or "no", str(minutes)
