"""HTML: a self-contained piece for a task, as a notebook shows it, and the templates of pages; no script, for light and dark."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape

from ..verdicts import TaskResult, folded
from .places import address_of, place_of
from .sheets import shown


def prose(text: str) -> Markup:
    """Plain text as HTML: `code` in backticks, a line break for a newline."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(html.replace("\n", "<br>"))


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True
)
_templates.filters["prose"] = prose
_templates.filters["folded"] = folded
_templates.globals |= {"place_of": place_of, "address_of": address_of}
_templates.filters["words"] = lambda name: name.replace("_", " ")
_templates.filters["number"] = shown


def task_html(task: TaskResult, hints: tuple[str, ...], seed: int, styled: bool = True) -> str:
    """The task's result as HTML: what went wrong, a heat map of where, the mistake by name, hints behind folds. styled: with the style that it needs,
    which a page with several tasks needs once."""
    return render("task.html", task=task, hints=hints, seed=seed, styled=styled)


def render(template: str, **values) -> str:
    """A template of this folder, filled; what is put in is escaped."""
    return _templates.get_template(template).render(values)
