"""What became of a name that a task asks for: where the notebook defines it, and what stands between that definition and the grader."""

import ast
import re
import sys

from .sources import bound_names, defined_names, source_of, top_level

CELL_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*\n(.*)", re.DOTALL)


def last_definition(cells: tuple[str, ...], name: str) -> int | None:
    """The number of the last cell that defines the function or class `name`, from 0."""
    return max((number for number, cell in enumerate(cells) if name in defined_names(cell)), default=None)


def story(submission, name: str, failed=()) -> str:
    """One sentence where the notebook holds an answer and yet the grader finds something else, or nothing, under its name; else nothing.

    failed: numbers of cells that did not run to their end, of which nothing is believed but what they define.
    """
    statements = [(number, statement) for number, cell in enumerate(submission.cells) for statement in top_level(cell)]
    definitions = [place for place, (_, statement) in enumerate(statements) if _defines(statement, name)]
    if not definitions:
        return _hidden(submission, name)
    last, definition = statements[definitions[-1]]
    for number, statement in statements[definitions[-1] + 1 :]:
        if number not in failed and (deed := _deed(statement, name)):
            return f"Code cell {number + 1} {deed} your `{name}` of code cell {last + 1}: `{source_of(submission.cells[number], statement).splitlines()[0][:80]}`."
    earlier = [statements[place][0] for place in definitions[:-1] if not _is_stub(statements[place][1])]
    if earlier and _is_stub(definition):
        return f"Code cell {last + 1} defines `{name}` once more, as a stub: your answer in code cell {earlier[-1] + 1} is not the one that counts."
    return ""


def _hidden(submission, name):
    """Where an answer stands that is never run: in a cell that is no code, or below a magic that keeps nothing."""
    for number, kind, text in submission.other_cells:
        if name in defined_names(text):
            return f"Cell {number + 1} holds `{name}`, but it is a {kind} cell; change it to a code cell."
    for number, cell in enumerate(submission.cells):
        magic = CELL_MAGIC.match(cell)
        if magic and name in defined_names(magic[2]):
            return f"Code cell {number + 1} holds `{name}` below %%{magic[1]}, which may keep nothing of what it runs; take that line out."
    return ""


def _deed(statement, name):
    """What a statement does to a name: "replaces", "deletes" or nothing."""
    if isinstance(statement, ast.Delete) and any(isinstance(target, ast.Name) and target.id == name for target in statement.targets):
        return "deletes"
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
        module = sys.modules.get(statement.module or "")  # nothing is imported for this
        return "replaces" if module and name in getattr(module, "__all__", [each for each in dir(module) if each[0] != "_"]) else ""
    return "replaces" if name in bound_names(statement) and not _is_local(statement, name) and not _wraps(statement, name) else ""


def _is_local(statement, name):
    """Whether the name is only that of a comprehension's variable, which is gone after it."""
    targets = [node for each in ast.walk(statement) if isinstance(each, ast.comprehension) for node in ast.walk(each.target)]
    local = {id(node) for node in targets}
    stored = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)]
    return bool(stored) and all(id(node) in local for node in stored)


def _wraps(statement, name):
    """Whether the new value is made of the old one, as in `linear = torch.compile(linear)`."""
    return any(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) for node in ast.walk(statement))


def _defines(statement, name):
    return isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and statement.name == name


def _is_stub(statement):
    """Whether a function does nothing but say that it is still to be written."""
    body = [each for each in statement.body if not isinstance(each, ast.Pass) and not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    return all(isinstance(each, ast.Raise) and any(getattr(node, "id", "") == "NotImplementedError" for node in ast.walk(each)) for each in body)
