"""Results for programs: JSON in the format of schema.json (described in the book's report format page), and JUnit XML."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from .. import __version__
from ..verdicts import GRADER_FAULT, PASSED, SubmissionResult, to_dict

FORMAT = "linear-grader-report"
VERSION = 1  # counts up when a field changes its meaning or goes away
SCHEMA = Path(__file__).with_name("schema.json")


def report(results: list[SubmissionResult], seed: int, device: str) -> dict:
    """The document. It holds no time and no machine name: the same notebooks and seed give the same report."""
    import torch

    return {
        "format": FORMAT,
        "version": VERSION,
        "grader": __version__,
        "torch": torch.__version__,
        "seed": seed,
        "device": device,
        "submissions": [to_dict(result) for result in results],
    }


def write_json(path: Path, results: list[SubmissionResult], seed: int, device: str):
    path.write_text(json.dumps(report(results, seed, device), indent=1) + "\n", encoding="utf-8")


def write_junit(path: Path, results: list[SubmissionResult], seed: int, device: str):
    """A suite for each notebook, a case for each probe. The names `exercise.task` and `probe` stay the same from run to run."""
    root = ElementTree.Element("testsuites")
    for result in results:
        suite = ElementTree.SubElement(root, "testsuite", name=result.path)
        properties = ElementTree.SubElement(suite, "properties")
        facts = {"points": result.points, "max_points": result.max_points, "seed": seed, "device": device}
        for name, value in facts.items():
            ElementTree.SubElement(properties, "property", name=name, value=str(value))
        if result.error:
            case = ElementTree.SubElement(suite, "testcase", classname="notebook", name="can be graded")
            ElementTree.SubElement(case, "error", message=_printable(result.error))
        for task, verdict in ((task, verdict) for task in result.tasks for verdict in task.verdicts):
            case = ElementTree.SubElement(suite, "testcase", classname=f"{result.exercise}.{task.name}", name=verdict.probe)
            if verdict.status != PASSED:
                kind = "error" if verdict.status == GRADER_FAULT else "failure"
                mistakes = [mistake.message for mistake in task.mistakes if verdict.probe in mistake.probes]
                failure = ElementTree.SubElement(case, kind, type=verdict.status, message=_printable(verdict.message))
                failure.text = _printable("\n".join(mistakes))
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        for kind in ("failure", "error"):
            suite.set(f"{kind}s", str(sum(case.find(kind) is not None for case in cases)))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _printable(text):
    """Without the control characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", text)
