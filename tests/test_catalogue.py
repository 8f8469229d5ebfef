"""The catalogue against itself: what each task, probe and message must have. Impostors and right answers: test_exercises."""

import ast
import builtins
import doctest
import math
import re
from dataclasses import replace

import pytest

from grader.asking import PROBE_NAMES
from grader.catalogue import EXERCISES, all_tasks, chapter_of
from grader.diagnose import REFERENCE, Examiner
from grader.kills import kill_table
from grader.sources import forbidden_in_source
from grader.spec import Exercise, Task

from .notebooks import IMPORTS, ROOT, answer_cell, named, nameless, solution

TASKS = list(all_tasks().values())


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_reference_passes_its_own_probes(task):
    examiner = Examiner(0)
    for probe in task.probes:
        verdict = examiner.verdict(task, probe, examiner.ask(task, probe, task.reference, REFERENCE))
        assert verdict.status == "passed", verdict


def test_the_welcome_page_lists_every_task():
    welcome = (ROOT / "index.md").read_text()
    for exercise in EXERCISES:
        assert f"</exercises/{exercise.name}>` | {', '.join(f'{{task}}`{task.name}`' for task in exercise.tasks)} |" in welcome


def test_task_names_are_unique():
    assert len(TASKS) == sum(len(exercise.tasks) for exercise in EXERCISES)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_is_complete(task):
    assert len(task.impostors) >= 3
    assert len(task.hints) == 2
    assert len({impostor.message for impostor in task.impostors}) == len(task.impostors)
    assert all(probe.title and "\n" not in probe.title and probe.points > 0 for probe in task.probes)
    assert not task.tolerance or task.tolerance_reason
    chapter = (ROOT / "book" / f"{chapter_of(task.section)}.md").read_text()
    assert f"({task.section})=" in chapter


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_probe_needs_nothing_but_its_own_source(task):
    """The kernel gets a probe's text and the names of PROBE_NAMES, nothing else of the catalogue."""
    for probe in task.probes:
        tree = ast.parse(probe.source)
        bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        bound |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        bound |= {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert used <= bound | set(PROBE_NAMES) | set(dir(builtins)), probe.name


COMPARISONS = {
    "equal", "allclose", "isclose", "array_equal", "array_equiv", "assert_close", "assert_allclose", "gradcheck", "gradgradcheck",
    "eq", "ne", "is_", "is_set_to", "data_ptr", "id", "unique", "bucketize", "searchsorted", "_version",
}  # fmt: skip


def comparisons(source):
    """What a probe would have decided in the learner's kernel: calls that compare, and operators between two things of which neither is a constant,
    nor, where one is, the other a difference."""
    for node in ast.walk(ast.parse(source)):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in COMPARISONS:
            yield name
        if isinstance(node, ast.Compare) and not all(isinstance(operator, (ast.In, ast.NotIn)) for operator in node.ops):
            constant = any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
            if not constant or any(isinstance(each, ast.BinOp) and isinstance(each.op, ast.Sub) for side in (node.left, *node.comparators) for each in ast.walk(side)):
                yield ast.unparse(node)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_probe_compares_nothing(task):
    found = {probe.name: list(comparisons(probe.source)) for probe in task.probes}
    assert not any(found.values()), (
        f"{found}: a notebook can replace what compares in its kernel. Return the values themselves, for the judge to compare with the reference's; "
        "the candidate's own with each other as bench.pair(one, other, ...), a number by its size as bench.band(...). For shared memory write into "
        "the one and return the other; for gradcheck return the gradients."
    )


@pytest.mark.parametrize(
    "line",
    [
        "torch.equal(x, y)", "torch.autograd.gradcheck(f, x)", "x.data_ptr()", "x == y", "x is y", "(x - y).abs().max() < y", "id(x)", "from operator import eq\n    eq(x, y)",
        "x._version", "max(x.shape) - y > 0", "0 != abs(x - y)",
    ],
)  # fmt: skip
def test_a_comparison_in_a_probe_is_found(line):
    assert list(comparisons(f"def ask(candidate, bench):\n    {line}"))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_recorded_answer_earns_nothing_under_another_seed(task):
    """Right answers, kept from a run of another seed: each probe's must differ by what the seed drew and the candidate made of it."""
    recorded, asked, task = Examiner(11), Examiner(12), nameless(task)
    earned = [probe.name for probe in task.probes if asked.verdict(task, probe, recorded.reference(task, probe)).status == "passed"]
    assert not earned, f"{earned}: draw sizes, values or the order of the cases (bench.several) from the bench, and return what the candidate makes of them"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_impostors_are_wrong_not_forbidden(task):
    for impostor in task.impostors:
        assert not forbidden_in_source([IMPORTS, named(task.name, impostor)], task.name, task.forbids)


def test_two_mistakes_of_one_name_are_refused():
    """One of them would never be asked, and nobody would see it."""
    double = Task("double", reference=lambda x: 2 * x, section="", hints=("", ""))
    double.mistake("adds", {"2 * x": "2 + x"}, "You add.")
    with pytest.raises(ValueError, match="double has two mistakes called adds"):
        double.mistake("adds", {"2": "x"}, "You add x.")


@pytest.mark.parametrize(
    "announced, answers_wrongly, killed",
    [((), False, False), (TypeError, False, False), (ValueError, False, True), ((TypeError, ValueError), False, True), ((), True, True)],
)
def test_an_impostor_that_dies_of_an_exception_it_did_not_announce_is_alive(announced, answers_wrongly, killed):
    """What it is to get wrong was perhaps never reached; a learner who does get that wrong would not be told."""
    double = Task("double", reference=lambda x: 2 * x, section="", hints=("", ""))

    @double.probe(points=1)
    def of_minus_four(double, bench):
        return double(-4)

    @double.impostor("You take a root.", raises=announced)
    def takes_a_root(x):
        return math.sqrt(x)

    if answers_wrongly:

        @double.probe(points=1)
        def of_one(double, bench):
            return double(1)

    (kill,) = kill_table((Exercise("00_example", "An example", (double,)),), seed=1)
    assert (kill.killed, kill.accident) == (killed, "" if killed else "ValueError: math domain error")


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_examples_in_docstrings_print_what_they_say(exercise):
    namespace = {}
    notebook = solution(exercise.name)
    for imports in notebook.cells[1:3]:
        exec(imports.source, namespace)
    for task in exercise.tasks:
        exec(answer_cell(notebook, task.name).source, namespace)
        examples = doctest.DocTestParser().get_doctest(namespace[task.name].__doc__, namespace, task.name, None, 0)
        assert examples.examples, f"{task.name} shows no example"
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(examples)
        assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_notebook_says_what_it_forbids(exercise):
    """A learner can read in the task's text that something is forbidden wherever the grader forbids something."""
    cells = solution(exercise.name).cells
    for task in exercise.tasks:
        place = next(number for number, cell in enumerate(cells) if re.search(rf"(def|class) {re.escape(task.name)}\b", cell.source))
        assert ("Forbidden" in cells[place - 1].source) == bool(task.forbids), task.name


def test_impostors_meet_the_questions_in_the_learners_order_whichever_is_judged_first():
    """One that keeps something between calls would otherwise answer otherwise than the learner who keeps the same."""
    count = Task("count", reference=lambda: 1, section="", hints=("", ""))
    for name in ("first", "second", "third"):

        @count.probe(points=1, once=True)
        def asks(count, bench):
            return count()

        count.probes[-1] = replace(count.probes[-1], name=name)

    @count.impostor("You count all calls.")
    def counts_on(calls=[0]):
        calls[0] += 1
        return calls[0]

    examiner = Examiner(1)
    assert [examiner.impostors(count, probe)["counts_on"].value for probe in reversed(count.probes)] == [3, 2, 1]
