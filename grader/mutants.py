"""Mutants: each solution changed in one place by a machine, and asked its task's probes. One that passes them all shows what no probe asks.

`make mutants` asks them all, `python -m grader.mutants 01 linear` those of some exercises or tasks, and lists which live; the files in equivalents/ say of which it is right that they do.
"""

import ast
import contextlib
import copy
import io
import json
import signal
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from . import verdicts
from .catalogue import EXERCISES
from .diagnose import Examiner
from .solutions import solution_of
from .spec import Exercise, Task

SEED = 1
SECONDS = 10  # of processor time that a mutant may take for one probe: some never end
KEPT = Path(__file__).parent.parent / "benchmarks" / "results" / "mutants.json"
EQUIVALENTS = Path(__file__).parent / "equivalents"

_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Mult, ast.FloorDiv: ast.Div, ast.Pow: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_NAMES = {
    "sum": "mean", "mean": "sum", "max": "min", "min": "max", "zeros": "ones", "ones": "zeros", "zeros_like": "ones_like", "ones_like": "zeros_like", "view": "reshape",
    "reshape": "view", "randn": "rand", "uniform_": "normal_", "normal_": "uniform_", "add_": "add", "sub_": "sub", "mul_": "mul", "copy_": "add_", "train": "eval",
    "eval": "train", "size": "stride", "relu": "tanh", "ReLU": "Tanh", "softmax": "log_softmax", "float32": "float64", "argmax": "argmin", "in_features": "out_features",
    "out_features": "in_features",
}  # fmt: skip
_DROPPED = {  # calls of methods and attributes without which the expression may stand as it is
    "detach", "clone", "contiguous", "float", "double", "to", "type_as", "requires_grad_", "squeeze", "unsqueeze", "flatten", "T", "mT", "t", "transpose", "permute", "cpu",
    "item", "data", "conj", "expand", "flip", "sqrt", "abs",
}  # fmt: skip
ADDED = ("{}.squeeze()", "{}.squeeze(0)", "{}.squeeze(-1)", "{}.detach()", "{}.float()", "{}.double()", "float({})", "[{}]")  # to what is returned


@dataclass(frozen=True)
class Mutant:
    """task: its name. change: the line that differs, as `was -> becomes`. alive: whether no probe found it out. equivalent: why it may live, if it may."""

    exercise: str
    task: str
    change: str
    alive: bool
    equivalent: str = ""


def mutations(source: str) -> Iterator[str]:
    """Every version of a program that differs from it in one place; none twice."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            change(next(each for place, each in enumerate(ast.walk(changed)) if place == number))
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text not in seen:
                seen.add(text)
                yield text


def _changes(node):
    """Functions that change one node, or what hangs on it."""
    for field in ("op", "ops"):
        operators = getattr(node, field, None)
        single = operators[0] if isinstance(operators, list) and operators else operators
        if type(single) in _OPERATORS:
            other = _OPERATORS[type(single)]
            yield lambda it: setattr(it, field, [other(), *it.ops[1:]] if field == "ops" else other())
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield lambda it: setattr(it, "value", not it.value)
        elif isinstance(node.value, (int, float)):
            yield lambda it: setattr(it, "value", it.value + 1)
            yield lambda it: setattr(it, "value", it.value - 1 if isinstance(it.value, int) else it.value * 2)
    if isinstance(node, ast.Attribute) and node.attr in _NAMES:
        yield lambda it: setattr(it, "attr", _NAMES[it.attr])
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield lambda it: setattr(it, "test", ast.Constant(False))
        if not isinstance(node, ast.While):
            yield lambda it: setattr(it, "test", ast.Constant(True))
    if isinstance(node, ast.Call):
        for place in range(len(node.keywords)):
            yield lambda it, place=place: it.keywords.pop(place)
        for place in range(len(node.args) - 1):
            yield lambda it, place=place: it.args.insert(place, it.args.pop(place + 1))
    if isinstance(node, ast.Return) and node.value is not None:
        for form in ADDED:
            yield lambda it, form=form: setattr(it, "value", ast.parse(form.format(f"({ast.unparse(it.value)})"), mode="eval").body)
    if isinstance(node, ast.AugAssign):
        yield lambda it: _become(it, ast.Assign([it.target], ast.BinOp(_loaded(it.target), it.op, it.value), lineno=1))
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and ast.unparse(node.targets[0]) == ast.unparse(node.value.left):
        yield lambda it: _become(it, ast.AugAssign(it.targets[0], it.value.op, it.value.right))
    for field, value in ast.iter_fields(node):
        inner = value.func.value if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) else value.value if isinstance(value, ast.Attribute) else None
        name = value.func.attr if inner is not None and isinstance(value, ast.Call) else getattr(value, "attr", "")
        if inner is not None and name in _DROPPED and isinstance(getattr(value, "ctx", ast.Load()), ast.Load):
            yield lambda it, field=field: setattr(it, field, _inner(getattr(it, field)))
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, (ast.USub, ast.Not)):
            yield lambda it, field=field: setattr(it, field, getattr(it, field).operand)
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            for place, statement in enumerate(value):
                text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                if isinstance(statement, (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.For)) and not text:
                    yield lambda it, field=field, place=place: getattr(it, field).__setitem__(place, ast.Pass())


def _inner(value):
    return value.func.value if isinstance(value, ast.Call) else value.value


def _become(node, other):
    node.__class__, node.__dict__ = other.__class__, other.__dict__


def _loaded(target):
    return ast.parse(ast.unparse(target), mode="eval").body


def mutants(exercise: Exercise, examiner: Examiner, tasks: tuple[str, ...] = ()) -> Iterator[Mutant]:
    """Each mutant of each task's answer in the solution notebook, asked until a probe finds it out."""
    namespace, answers = _solution(exercise)
    known = equivalents(exercise)
    for task in exercise.tasks:
        if not tasks or task.name in tasks:
            for text, change in mutants_of(answers[task.name]):
                yield Mutant(exercise.name, task.name, change, lives(task, text, namespace, examiner), known.get(task.name, {}).get(change, ""))


def texts_of(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """The task and the change of each mutant, none of them asked."""
    for task, source in _solution(exercise)[1].items():
        yield from ((task, change) for _, change in mutants_of(source))


def mutants_of(source: str) -> Iterator[tuple[str, str]]:
    """Each changed program, and the lines in which it differs, as `was -> becomes`."""
    original = ast.unparse(ast.parse(source))
    for text in mutations(source):
        yield text, difference(original, text)


def equivalents(exercise: Exercise) -> dict[str, dict[str, str]]:
    """By task: the mutants, as `was -> becomes`, that may live, each with the reason."""
    file = EQUIVALENTS / f"{exercise.name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def answers_of(exercise: Exercise) -> dict[str, object]:
    """The functions and classes that the solution notebook defines for the exercise's tasks."""
    namespace, answers = _solution(exercise)
    return {name: namespace[name] for name in answers}


def _solution(exercise):
    """The names that the solution's answers know, and the source of each task's."""
    solution, namespace = solution_of(exercise.tasks[0].name), {"__name__": "__main__"}
    exec("\n".join([solution.imports, *solution.answers.values()]), namespace)
    return namespace, {task.name: solution.answers[task.name] for task in exercise.tasks}


def difference(before, after):
    """The lines in which two programs differ, as `was -> becomes`."""
    ours, theirs = before.splitlines(), after.splitlines()
    while ours and theirs and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    while ours and theirs and ours[-1] == theirs[-1]:
        ours, theirs = ours[:-1], theirs[:-1]
    return " -> ".join(" ".join(line.strip() for line in lines) or "nothing" for lines in (ours, theirs))


def lives(task: Task, source, namespace, examiner) -> bool:
    """Whether an answer passes all probes of its task."""
    own = dict(namespace)
    previous = signal.signal(signal.SIGPROF, signal.default_int_handler)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            exec(compile(source, "<mutant>", "exec"), own)
            for probe in task.probes:
                signal.setitimer(signal.ITIMER_PROF, SECONDS)
                if examiner.verdict(task, probe, examiner.ask(task, probe, own[task.name])).status != verdicts.PASSED:
                    return False
        return True
    except (Exception, KeyboardInterrupt):  # it cannot be defined, or takes for ever
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def _of_exercise(name, tasks):
    """All mutants of one exercise; in a process of its own."""
    torch.set_num_threads(1)
    exercise = next(exercise for exercise in EXERCISES if exercise.name == name)
    return list(mutants(exercise, Examiner(SEED), tasks))


def main(words: list[str]):
    """Ask the mutants of some exercises ("01") or tasks, or of all and keep the figures; exit with 1 if one lives that may not."""
    numbers, tasks = [word for word in words if word[0].isdigit()], tuple(word for word in words if not word[0].isdigit())
    names = [exercise.name for exercise in EXERCISES if not numbers or exercise.name.startswith(tuple(numbers))]
    begin, figures, lives = time.perf_counter(), {}, 0
    with ProcessPoolExecutor() as pool:
        for name, found in zip(names, pool.map(_of_exercise, names, [tasks] * len(names))):
            alive = [mutant for mutant in found if mutant.alive and not mutant.equivalent]
            figures[name] = {"mutants": len(found), "equivalent": sum(bool(mutant.equivalent) for mutant in found), "alive": len(alive)}
            lives += len(alive)
            print(f"{name}: {len(found)} mutants, {figures[name]['equivalent']} equivalent, {len(alive)} alive", flush=True)
            for mutant in alive:
                print(f"  {mutant.task}: {mutant.change}", flush=True)
    if not words:
        keep(seed=SEED, seconds=round(time.perf_counter() - begin), exercises=figures)
    sys.exit(lives > 0)


def keep(**figures):
    """Put figures among those that the book shows, in the place of their forerunners."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    KEPT.write_text(json.dumps({**kept, **figures}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
