"""Feedback inside a notebook: one self-contained piece of HTML for a task, with no script, for light and dark pages."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from ..verdicts import TaskResult

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True
)
_templates.filters["words"] = lambda name: name.replace("_", " ")


def task_html(task: TaskResult, hints: tuple[str, ...], seed: int) -> str:
    """The task's result as HTML: what went wrong, a heat map of where, the mistake by name, hints behind folds."""
    return _templates.get_template("task.html").render(task=task, hints=hints, seed=seed)
