"""JSON reports read back, one submission at a time: however long a report is, no more than one is held."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path

import fastjsonschema

from ..texts import one_line, path_text
from .machine import FORMAT, SCHEMA, VERSION

FACTS = ("grader", "torch", "seed", "device")  # what reports of one run have in common
CHUNK = 2**20
MOST = 32 * CHUNK  # characters of one submission, far more than the grader writes
JSON = json.JSONDecoder()


class ReportError(Exception):
    """A file that is no report that this grader can read, or not of the same run as another. The message is one line: which file, and what to do."""

    def __init__(self, path, problem):
        super().__init__(f"{path_text(path)}: {problem}")


def submissions(path: Path, facts: dict, descriptor: int | None = None) -> Iterator[dict]:
    """Yield a report's submissions, in the form of the schema; put what stands beside them into `facts`. Raises ReportError.

    descriptor: of the file, at its beginning, where it is open already and stays so.
    """
    try:
        with open(path if descriptor is None else descriptor, encoding="utf-8-sig", closefd=descriptor is None) as file:
            for name, value in _members(_Text(file)):
                if name == "submission":
                    _check(path, facts, whole=False)
                    submission_validator()(value)
                    yield value
                else:
                    facts[name] = value
    except OSError as error:
        raise ReportError(path, f"{error.strerror}.") from None
    except fastjsonschema.JsonSchemaException as error:
        where = one_line(error.message.removeprefix("data."), 120)
        raise ReportError(path, f"damaged, or not written by the grader ({where}). Grade again with --json.") from None
    except (ValueError, RecursionError):
        raise ReportError(path, "no JSON, or cut off in the middle. Grade again with --json.") from None
    _check(path, facts, whole=True)


def _check(path, facts, whole):
    """Raise ReportError where what is known of a report, or is missing in a whole one, shows that it is not one for us."""
    version = facts.get("version", None if whole else VERSION)
    if facts.get("format", None if whole else FORMAT) != FORMAT or not isinstance(version, int):
        raise ReportError(path, "not a report of the grader. Give what `grade --json FILE` wrote.")
    if version != VERSION:
        cure = "Grade again with this grader." if version < VERSION else "Update the grader."
        raise ReportError(path, f"a report of version {version}; this grader reads version {VERSION}. {cure}")
    kinds = {"seed": int, "grader": str, "torch": str, "device": str}
    if any(not isinstance(facts[name], kinds[name]) for name in FACTS if whole or name in facts if name in facts) or whole and not set(FACTS) <= set(facts):
        raise ReportError(path, "damaged: its seed, device or versions are missing. Grade again with --json.")


def same_run(path: Path, facts: dict, first: Path, known: dict):
    """Raise ReportError where two reports cannot be joined, for their questions or what answered them differ."""
    for name in FACTS:
        if facts[name] != known[name]:
            what = f"{name} {one_line(facts[name])}; {path_text(first)} has {one_line(known[name])}"
            raise ReportError(path, f"{what}. Only reports of one seed, device, grader and torch can be joined; grade one of them again.")


@functools.cache
def submission_validator():
    """Checks that data have the form of a submission in a report. Raises JsonSchemaException."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return fastjsonschema.compile({"$ref": "#/$defs/submission", "$defs": schema["$defs"]})


def facts_validator():
    """Checks that data have the form of what stands in a report beside the submissions. Raises JsonSchemaException."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return fastjsonschema.compile({**schema, "required": [*FACTS, "catalogue", "limits"]})


def _members(text) -> Iterator[tuple[str, object]]:
    """The members of an object, and for its member `submissions`, each of these."""
    text.take("{")
    while True:
        name = text.value()
        text.take(":")
        if name == "submissions":
            text.take("[")
            while text.peek() != "]":
                yield "submission", text.value()
                if text.peek() != "]":
                    text.take(",")
            text.take("]")
        else:
            yield str(name), text.value()
        if text.peek() == "}":
            break
        text.take(",")
    text.take("}")
    if text.peek():
        raise ValueError("more follows")


class _Text:
    """A JSON text that is read on as it is needed. What it raises are ValueErrors."""

    def __init__(self, file):
        self._file, self._text, self._at, self._ended = file, "", 0, False

    def _more(self):
        size = max(CHUNK, len(self._text) - self._at)
        if size > MOST:
            raise ValueError("no end")
        chunk = self._file.read(size)
        self._text, self._at, self._ended = self._text[self._at :] + chunk, 0, not chunk

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def take(self, character: str):
        if self.peek() != character:
            raise ValueError(f"{character} expected")
        self._at += 1

    def value(self):
        """The next value, whole."""
        self.peek()
        while True:
            try:
                found, end = JSON.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if self._ended:
                    raise
            else:
                if end < len(self._text) or self._ended:  # else it may be a number that goes on
                    self._at = end
                    return found
            self._more()
