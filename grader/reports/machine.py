"""Results for programs: JSON in the format of schema.json (described in the book's report format page), and JUnit XML."""

import errno
import importlib.metadata
import io
import json
import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

from .. import __version__
from ..files import create, make_alike
from ..fingerprint import grader
from ..kernels.limits import Limits
from ..verdicts import GRADER_FAULT, PASSED, SubmissionResult, as_json

FORMAT = "linear-grader-report"
VERSION = 1  # counts up when a field changes its meaning or goes away
SCHEMA = Path(__file__).with_name("schema.json")
PIECE = 2**20  # bytes of a report in memory at a time


def facts_of(seed: int, device: str, limits: Limits) -> dict:
    """What a report says of its run: all that its results depend on, the notebooks aside, but for the machine."""
    return {
        "format": FORMAT, "version": VERSION, "grader": __version__, "torch": importlib.metadata.version("torch"),
        "seed": seed, "device": device, "catalogue": grader()["catalogue"][:16], "limits": asdict(limits),
    }  # fmt: skip


class _Growing:
    """A report file that, once begun, holds every result so far, complete at any moment, and in the order of the notebooks once closed.

    Of a part that is written, only its place is kept in memory. Raises OSError, here and later, where the file cannot be written.
    """

    def __init__(self, path: Path, head: str, tail: str, separator: str):
        self._path, (self._head, self._tail, self._separator) = path, (text.encode() for text in (head, tail, separator))
        self._places: dict[str, tuple[int, int]] = {}  # of each notebook's part: where it begins and ends
        self._file = create(path)
        self._end = len(self._head)  # of the last part

    def begin(self):
        """Put a report without results in the place of what was in the file."""
        self._file.truncate(0)
        self._write(self._head + self._tail)

    def _add(self, name: str, part: str):
        """Add a notebook's part, or another in place of an earlier one, of which blanks are left."""
        begin = self._end + len(self._separator) * bool(self._places)
        end = begin + len(data := part.encode())
        try:
            self._file.seek(self._end)
            self._write(self._separator * bool(self._places) + data + self._tail)
        except OSError:  # what was there before stays a whole document
            with suppress(OSError):
                self._file.truncate(self._end)
                self._file.seek(self._end)
                self._write(self._tail)
            raise
        if name in self._places:  # not before the new one is there; another part follows it since then, and so does a separator
            old, old_end = self._places[name]
            self._file.seek(old)
            self._write(b" " * (old_end - old + len(self._separator)))
        self._places[name], self._end = (begin, end), end

    def move_to(self, path: Path):
        """Take another file's place, and go on there. Raises OSError."""
        os.replace(self._path, path)
        self._path = path

    def close(self):
        """Put the parts in order: in a new file that takes this one's place or, where there can be none, in this one."""
        with self._file:
            if self._is_in_order():
                return
            try:
                self._replace()
            except OSError:
                with tempfile.TemporaryFile() as file:
                    self._write_in_order(file)
                    file.seek(0)
                    self._file.seek(0)
                    while part := file.read(PIECE):
                        self._write(part)
                    self._file.truncate()

    def _replace(self):
        """Put a file with the parts in order in this one's place. Raises OSError where nothing can be put there, or somebody has moved this one."""
        new = _beside(self._path)
        file = io.BufferedWriter(create(new))
        try:
            with file:
                make_alike(new, self._path)
                file.truncate(0)
                self._write_in_order(file)
            if not os.path.samestat(os.lstat(self._path), os.fstat(self._file.fileno())):
                raise OSError(errno.ESTALE, "moved meanwhile")
            os.replace(new, self._path)
        except BaseException:
            os.unlink(new)
            raise

    def _is_in_order(self):
        begin = len(self._head)
        for _, place in sorted(self._places.items()):
            if place[0] != begin:
                return False
            begin = place[1] + len(self._separator)
        return True

    def _write_in_order(self, file):
        file.write(self._head)
        for number, (_, (begin, end)) in enumerate(sorted(self._places.items())):
            file.write(self._separator * bool(number))
            self._file.seek(begin)
            while begin < end:
                piece = self._file.read(min(end - begin, PIECE))
                if not piece:
                    raise OSError(errno.EIO, "somebody else writes to it")
                begin += len(piece)
                file.write(piece)
        file.write(self._tail)

    def _write(self, data):
        """Write all of it, if it can be by one call: a reader then sees all or nothing."""
        while data:
            data = data[self._file.write(data) :]


class JsonReport(_Growing):
    """The document of schema.json. It holds no time and no machine name: the same notebooks and seed give the same report.

    Raises OSError, here and while it grows, where it cannot be written.
    """

    def __init__(self, path: Path, facts: dict):
        head = json.dumps(facts, indent=1).removesuffix("\n}") + ',\n "submissions": ['
        super().__init__(path, head, "]}\n", ",\n")

    def add(self, result: SubmissionResult):
        self._add(result.path, as_json(result))


def renewed(path: Path, facts: dict, results: Iterable[SubmissionResult]) -> JsonReport:
    """A report that takes an earlier one's place as soon as it holds these results. Raises OSError; the earlier one is then as it was."""
    new = _beside(path)
    report = JsonReport(new, facts)
    try:
        make_alike(new, path)
        report.begin()
        for result in results:
            report.add(result)
        report.move_to(path)
    except BaseException:
        os.unlink(new)
        raise
    return report


def _beside(path):
    """Where what is to take a report's place is written. By its name, what a killed run left there is the next one's to write over."""
    return path.with_name(f".report-{path.name}")


class JUnitReport(_Growing):
    """A suite for each notebook, a case for each probe. The names `exercise.task` and `probe` stay the same from run to run."""

    def __init__(self, path: Path, facts: dict):
        self._run = {name: facts[name] for name in ("seed", "device")}
        super().__init__(path, "<?xml version='1.0' encoding='utf-8'?>\n<testsuites>\n", "\n</testsuites>\n", "\n")

    def add(self, result: SubmissionResult):
        suite = ElementTree.Element("testsuite", name=_printable(result.path))
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in {"points": result.points, "max_points": result.max_points, **self._run}.items():
            ElementTree.SubElement(properties, "property", name=name, value=str(value))
        if result.error:
            case = ElementTree.SubElement(suite, "testcase", classname="notebook", name="can be graded")
            ElementTree.SubElement(case, "error", message=_printable(result.error))
        for task, verdict in ((task, verdict) for task in result.tasks for verdict in task.verdicts):
            case = ElementTree.SubElement(suite, "testcase", classname=f"{result.exercise}.{task.name}", name=verdict.probe)
            if verdict.status != PASSED:
                kind = "error" if verdict.status == GRADER_FAULT else "failure"
                mistakes = [mistake.message for mistake in task.mistakes if verdict.probe in mistake.probes]
                failure = ElementTree.SubElement(case, kind, type=verdict.status, message=_printable(f"{verdict.seen} {verdict.message}".strip()))
                failure.text = _printable("\n".join(mistakes))
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        for kind in ("failure", "error"):
            suite.set(f"{kind}s", str(sum(case.find(kind) is not None for case in cases)))
        ElementTree.indent(suite)
        self._add(result.path, ElementTree.tostring(suite, encoding="unicode"))


def _printable(text):
    """Without the control characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", text)
