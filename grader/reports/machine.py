"""Results for programs: JSON in the format of schema.json (described in the book's report format page), and JUnit XML."""

import importlib.metadata
import json
import re
from pathlib import Path
from xml.etree import ElementTree

from .. import __version__
from ..files import create
from ..verdicts import GRADER_FAULT, PASSED, SubmissionResult, as_json

FORMAT = "linear-grader-report"
VERSION = 1  # counts up when a field changes its meaning or goes away
SCHEMA = Path(__file__).with_name("schema.json")


class _Growing:
    """A report file that holds every result so far, complete at any moment, and in the order of the notebooks once closed."""

    def __init__(self, path: Path, head: str, tail: str, separator: str):
        self._head, self._tail, self._separator = head, tail, separator
        self._parts: dict[str, str] = {}
        self._file = create(path)
        self._file.write(head + tail)
        self._file.flush()

    def _add(self, name: str, part: str):
        self._file.seek(0, 2)
        self._file.seek(self._file.tell() - len(self._tail))
        self._file.write((self._separator if self._parts else "") + part + self._tail)
        self._file.flush()
        self._parts[name] = part

    def close(self):
        self._file.seek(0)
        self._file.write(self._head + self._separator.join(part for _, part in sorted(self._parts.items())) + self._tail)
        self._file.truncate()
        self._file.close()


class JsonReport(_Growing):
    """The document of schema.json. It holds no time and no machine name: the same notebooks and seed give the same report.

    Raises OSError, here and while it grows, where it cannot be written.
    """

    def __init__(self, path: Path, seed: int, device: str):
        facts = {
            "format": FORMAT, "version": VERSION, "grader": __version__, "torch": importlib.metadata.version("torch"),
            "seed": seed, "device": device,
        }  # fmt: skip
        head = json.dumps(facts, indent=1).removesuffix("\n}") + ',\n "submissions": ['
        super().__init__(path, head, "]}\n", ",\n")

    def add(self, result: SubmissionResult):
        self._add(result.path, as_json(result))


class JUnitReport(_Growing):
    """A suite for each notebook, a case for each probe. The names `exercise.task` and `probe` stay the same from run to run."""

    def __init__(self, path: Path, seed: int, device: str):
        self._run = {"seed": seed, "device": device}
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
