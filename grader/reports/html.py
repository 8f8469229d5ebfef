"""Feedback inside a notebook: one self-contained piece of HTML for a task, with no script, for light and dark pages."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape

from ..verdicts import TaskResult, folded
from .console import place_of


def prose(text: str) -> Markup:
    """Plain text as HTML: `code` in backticks, a line break for a newline."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(html.replace("\n", "<br>"))


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True
)
_templates.filters["prose"] = prose
_templates.filters["folded"] = folded
_templates.filters["words"] = lambda name: name.replace("_", " ")


def task_html(task: TaskResult, hints: tuple[str, ...], seed: int) -> str:
    """The task's result as HTML: what went wrong, a heat map of where, the mistake by name, hints behind folds."""
    return _templates.get_template("task.html").render(task=task, hints=hints, seed=seed, place=place_of(task.section))
