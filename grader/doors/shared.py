"""What the doors share: files that are not written over, the versions that travel, and a task's result as a page."""

import importlib.metadata
import os
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from .. import versions
from ..reports.html import prose
from ..reports.places import place_of
from ..texts import path_text
from ..verdicts import NOT_ATTEMPTED, PASSED, TaskResult, folded

TEMPLATES = Path(__file__).with_name("templates")


class DoorError(Exception):
    """What was asked for cannot be made. The message is one line with the cure."""


def write(files: dict[Path, str | bytes], force: bool) -> list[str]:
    """Write files and the folders that they need, all or, where one exists and not `force`, none; a line for each. Raises DoorError."""
    existing = [path for path in files if os.path.lexists(path)]
    if existing and not force:
        more = f", and {len(existing) - 1} more" if existing[1:] else ""
        raise DoorError(f"{path_text(existing[0])} exists{more}. Choose another place, or write over it with --force.")
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise DoorError(f"{path_text(path)}: cannot be written ({error.strerror}). Choose another place.") from None
    return [f"wrote {path_text(path)}" for path in files]


def constraints() -> str:
    """The versions of what the grader needs as they are here, one a line, for pip: so a machine elsewhere computes with the same."""
    return "".join(f"{name}=={_version(name)}\n" for name in versions.needed())


def _version(package):
    """A version without what names its build, as +cpu does."""
    return importlib.metadata.version(package).partition("+")[0]


def torch() -> str:
    """The version of torch, as in `constraints`."""
    return _version("torch")


@cache
def template(name: str):
    """A template of this room."""
    loader, escape = FileSystemLoader(TEMPLATES), select_autoescape(["html"])
    templates = Environment(loader=loader, autoescape=escape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    templates.filters.update(prose=prose, folded=folded, words=lambda text: text.replace("_", " "))
    return templates.get_template(name)


def task_page(task: TaskResult) -> str:
    """A task's result as HTML of plain elements, with no style, for sites that take out all others; empty where there is nothing to say."""
    if task.status in (PASSED, NOT_ATTEMPTED) and not task.mistakes:
        return ""
    failed = {verdict.probe for verdict in task.verdicts if verdict.status != PASSED}
    explained = {probe for mistake in task.mistakes for probe in mistake.probes}
    return template("task.html").render(task=task, failed=failed, explained=failed <= explained, place=place_of(task.section))
