"""Every exercise, through the command line and a real kernel: untouched, solved, wrong in each known way, right in others."""

import itertools

import pytest

from grader.catalogue import EXERCISES

from .notebooks import answered, exercise, grade, named, solution, tasks
from .right_answers import right_answers


@pytest.fixture(scope="module", params=EXERCISES, ids=lambda exercise: exercise.name)
def graded(request, tmp_path_factory):
    """The exercise, and the results of grading every variant of its notebook in one run.

    The k-th "wrong" notebook holds each task's k-th impostor, the k-th "right" one its k-th right answer.
    """
    ex = request.param
    variants = {"untouched": exercise(ex.name), "solved": solution(ex.name)}
    rows = {
        "wrong": {task.name: task.impostors for task in ex.tasks},
        "right": right_answers(ex.name),
    }
    for kind, answers in rows.items():
        for number, column in enumerate(itertools.zip_longest(*(answers[task.name] for task in ex.tasks))):
            chosen = {task.name: named(task.name, answer) for task, answer in zip(ex.tasks, column) if answer}
            variants[f"{kind}_{number}"] = answered(ex.name, chosen)
    starters = {task.name: named(task.name, task.starter) for task in ex.tasks if task.starter}
    if starters:
        variants["commented"] = answered(ex.name, {name: f"{source}\n    # hm\n" for name, source in starters.items()})
        variants["to no avail"] = answered(ex.name, {name: f"{source}\n    return None\n" for name, source in starters.items()})
    return ex, grade(tmp_path_factory.mktemp(ex.name), variants, "-j", "1")  # each worker would ask all impostors again


def test_an_untouched_notebook_scores_zero(graded):
    ex, results = graded
    assert results["untouched"]["points"] == 0
    assert {task["status"] for task in results["untouched"]["tasks"]} == {"not attempted"}


def test_code_to_be_mended_is_explained_and_scores_zero_until_it_is_mended(graded):
    ex, results = graded
    starters = {task.name: task.starter for task in ex.tasks if task.starter}
    for variant in ("untouched", "commented", "to no avail") if starters else ():
        for name, starter in starters.items():
            result = tasks(results[variant])[name]
            assert (result["status"] == "not attempted") == (variant != "to no avail"), (variant, name)
            assert (result["points"], result["mistakes"][0]["message"]) == (0, starter.message), (variant, name)


def test_the_solution_scores_full(graded):
    ex, results = graded
    assert results["solved"]["points"] == results["solved"]["max_points"] == ex.points


def test_every_impostor_is_caught_and_named(graded):
    ex, results = graded
    for task in ex.tasks:
        for number, impostor in enumerate(task.impostors):
            result = tasks(results[f"wrong_{number}"])[task.name]
            assert result["points"] < result["max_points"], impostor.name
            assert [mistake["message"] for mistake in result["mistakes"]][:1] == [impostor.message], (impostor.name, result["verdicts"])


def test_right_but_different_answers_score_full(graded):
    ex, results = graded
    for task in ex.tasks:
        answers = right_answers(ex.name)[task.name]
        assert len(answers) >= 3
        for number, answer in enumerate(answers):
            result = tasks(results[f"right_{number}"])[task.name]
            assert result["points"] == result["max_points"], (answer.__name__, result)


def test_nothing_is_flagged(graded):
    """Neither what their code holds nor what they do when they are asked."""
    assert not {name: result["flags"] for name, result in graded[1].items() if result["flags"]}


def test_held_out_labels_are_not_in_the_learners_kernel(tmp_path):
    thief = """def train_digits(x, y, seed):
    import gc
    tensors = [thing for thing in gc.get_objects() if isinstance(thing, torch.Tensor)]
    found = [tensor for tensor in tensors if tensor.dtype == torch.int64 and tensor.shape == (517,)]
    raise ValueError(f"labels: {len(found)} of {len(tensors) > 0}")
"""
    result = tasks(grade(tmp_path, {"thief": answered("06_mlp", {"train_digits": thief})})["thief"])["train_digits"]
    assert result["status"] == "raised" and all("labels: 0 of True" in verdict["message"] for verdict in result["verdicts"])
