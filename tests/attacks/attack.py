"""An attack as data: what is written into the solved exercise 01, and what must come of it."""

import re
from dataclasses import dataclass, field

from nbformat.v4 import new_code_cell

from ..notebooks import IMPORTS, answer_cell, exercise, solution

EXERCISE, FULL = "01_formula", 22
ALL = ("linear_sums", "linear", "output_shape", "parameter_count", "fold_bias", "compose")
HEAD = "def linear(x, weight, bias=None):\n"

# What cheats need again and again.
KERNEL = "kernel = get_ipython().kernel\nsend = lambda *what: kernel.session.send(kernel.iopub_socket, *what, parent=kernel.get_parent())\n"
MIME = "application/vnd.linear-grader.answer+json"
PUBLISH = "from IPython.display import publish_display_data as publish\n"


@dataclass(frozen=True)
class Attack:
    """One notebook. Tasks that are not attacked are solved in it, and must keep their points.

    attacked: the tasks that must get 0 points, with the verdict (or verdicts) that is right for them; they are stubs, unless
    `answers` has a source for them. cell: put before all answers; last: put behind them. note: words of a note that must be in
    the report. gone: files that must not be there afterwards.
    """

    name: str
    variant: str
    cell: str = ""
    last: str = ""
    attacked: dict[str, str | tuple] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    note: str = ""
    gone: tuple[str, ...] = ()

    @property
    def losses(self) -> dict[str, str | tuple]:
        """The attacked tasks; and where the notebook reaches into the grader's modules, those that forbid calls: nothing would be seen there."""
        reaches = any(re.search(r"(?<![-\w])grader\.(?!__)", source) for source in (self.cell, self.last, *self.answers.values()))
        return {**dict.fromkeys(("linear", "linear_sums"), "forbidden"), **self.attacked} if reaches else self.attacked

    def __str__(self):
        return f"{self.name}, {self.variant}"

    def notebook(self):
        notebook, stubs = solution(EXERCISE), exercise(EXERCISE)
        for task in self.attacked:
            source = self.answers.get(task)
            answer_cell(notebook, task).source = answer_cell(stubs, task).source if source is None else IMPORTS + source
        if self.cell:
            notebook.cells.insert(2, new_code_cell(self.cell))
        if self.last:
            notebook.cells.append(new_code_cell(self.last))
        return notebook


def of_linear(name: str, variant: str, body: str, verdict, **more) -> Attack:
    """An attack from within the answer to `linear`; body: the function's, unindented."""
    source = HEAD + "\n".join(f"    {line}" for line in body.splitlines())
    return Attack(name, variant, attacked={"linear": verdict}, answers={"linear": source}, **more)


def of_all(name: str, variant: str, last: str, verdict) -> Attack:
    """A last cell on which every task depends, the solved ones too: it spoils its own kernel."""
    stubs = dict.fromkeys(ALL, verdict)
    return Attack(name, variant, last=last, attacked=stubs)


def harmless(name: str, variant: str, cell: str, note: str = "", **more) -> Attack:
    """A cell before all answers that must cost nobody anything: the notebook keeps full marks."""
    return Attack(name, variant, cell=cell, note=note, **more)
