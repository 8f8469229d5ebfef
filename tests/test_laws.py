"""Laws that every answer obeys, whatever its task: an answer that breaks one loses points in every task that the law applies to, and is told so.

Each breach is made of the solution's own answer, which otherwise computes what it should.
"""

import functools
import inspect

import pytest
import torch

from grader.catalogue import EXERCISES, all_tasks
from grader.diagnose import Examiner
from grader.mutants import answers_of
from grader.verdicts import PASSED

from .notebooks import answered, grade, nameless, tasks

EXAMINER = Examiner(7)
TASKS = [nameless(task) for task in all_tasks().values()]
FUNCTIONS = [task for task in TASKS if not inspect.isclass(task.reference)]


@functools.cache
def right(name):
    """The solution's answer to a task."""
    exercise = next(exercise for exercise in EXERCISES if any(task.name == name for task in exercise.tasks))
    return answers_of(exercise)[name]


def verdicts(task, candidate):
    """Of all its probes, as a submission gets them."""
    answers = EXAMINER.charged_once(task, {probe: EXAMINER.ask(task, probe, candidate) for probe in task.probes})
    return [EXAMINER.verdict(task, probe, answer) for probe, answer in answers.items()]


def said(task, candidate):
    return [f"{verdict.seen} {verdict.message}" for verdict in verdicts(task, candidate) if verdict.status != PASSED]


def coat(function, around):
    """The function, called through `around(function, args, kwargs)`."""
    return functools.wraps(function)(lambda *args, **kwargs: around(function, args, kwargs))


def tensors(values):
    return [value for value in values if isinstance(value, torch.Tensor)]


def is_given_tensors(task):
    """Whether a call of the task's function is given a tensor that may not be changed, and gives one back."""
    calls = [call for probe in task.probes for call in EXAMINER.calls(task, probe, task.rounds(probe)[0])]
    answers = [EXAMINER.reference(task, probe) for probe in task.probes]
    changed = {trace.split(":")[0] for answer in answers for trace in answer.traces}
    return any(tensors(list(call.values())[:1]) for call in calls) and "0" not in changed


def returns_floats(task):
    values = [EXAMINER.reference(task, probe).value for probe in task.probes]
    return task.name not in ("load_transposed", "from_conv1d") and any(getattr(getattr(each, "tensor", None), "dtype", None) in (torch.float32, torch.float64) for each in values)


# Listed, since to find them takes seconds, which whoever runs another test would spend, too.
GIVEN_NONE = (  # functions that are given no tensor first, or one to change
    "block_flops conv_or_linear_parameters he_reset_ head_parameters intensity kaiming_bound linear_as_conv1x1 linear_bytes linear_sums master_step "
    "mnist_mlp numerical_grad output_shape output_variance parameter_count read_the_error replace_head replace_linears reset_bias_ reset_like_torch "
    "reset_weight_ ridge_rows row_parallel same_layer saved_for_backward scaled_lazy shape_trace tiled_linear train_step training_flops truncate "
    "vocab_parallel_cross_entropy"
).split()
RETURN_OTHERS = (  # of the others, those that return no float alone
    "add_bias chunked_linear_cross_entropy clip_norm column_parallel compose dispatch_path fit flat_linear from_conv1d fused_qkv grouped_linear "
    "load_transposed mlp_backward pack_int4 parallel_mlp prune_2_4 qparams quantize route train_digits unpack_int4"
).split()
LENT = [task for task in FUNCTIONS if task.name not in GIVEN_NONE]
RANDOM = [task for task in LENT if task.name not in RETURN_OTHERS]


def test_the_laws_are_tried_on_all_functions_that_they_apply_to():
    assert LENT == list(filter(is_given_tensors, FUNCTIONS))
    assert RANDOM == list(filter(returns_floats, LENT))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_solution_keeps_all_laws(task):
    assert not said(task, right(task.name))


@pytest.mark.parametrize("task", LENT, ids=lambda task: task.name)
def test_who_changes_a_tensor_that_was_lent_loses_points_and_reads_which(task):
    def around(function, args, kwargs):
        result = function(*args, **kwargs)
        with torch.no_grad():
            for tensor in tensors(args)[:1]:
                tensor.add_(1) if tensor.dtype != torch.bool else tensor.logical_not_()
        return result

    first = next(iter(inspect.signature(task.reference).parameters))
    assert any("changes what it is given" in line and f"`{first}`" in line for line in said(task, coat(right(task.name), around)))


@pytest.mark.parametrize("task", [task for task in LENT if task.name not in ("pack_int4", "unpack_int4")], ids=lambda task: task.name)  # whole numbers take no mark
def test_who_marks_a_tensor_that_was_lent_loses_points(task):
    def around(function, args, kwargs):
        result = function(*args, **kwargs)
        for tensor in tensors(args):
            if tensor.is_leaf and tensor.is_floating_point():
                tensor.requires_grad_()
        return result

    assert any("requires_grad" in line for line in said(task, coat(right(task.name), around)))


@pytest.mark.parametrize("task", [task for task in LENT if task.name != "fit"], ids=lambda task: task.name)  # asked once
def test_who_keeps_the_first_result_of_a_shape_loses_points(task):
    kept: dict[tuple, object] = {}

    def around(function, args, kwargs):
        shapes = tuple(tuple(value.shape) if isinstance(value, torch.Tensor) else repr(value) for value in (*args, *kwargs.values()))
        if shapes not in kept:
            kept[shapes] = function(*args, **kwargs)
        return kept[shapes]

    assert said(task, coat(right(task.name), around))


@pytest.mark.parametrize("task", RANDOM, ids=lambda task: task.name)
def test_who_leaves_something_random_in_reads_that_it_answers_twice_differently(task):
    found = said(task, coat(right(task.name), with_half_missing))
    assert found and any("asked twice" in line for line in found), found


def with_half_missing(function, args, kwargs):
    return map_tensors(function(*args, **kwargs), lambda tensor: tensor * (torch.rand(tensor.shape) > 0.5))


def map_tensors(value, change):
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(each, change) for each in value)
    return change(value) if isinstance(value, torch.Tensor) and value.is_floating_point() else value


@pytest.mark.parametrize("task", [task for task in FUNCTIONS if task.name not in ("train_digits", "fit")], ids=lambda task: task.name)
@pytest.mark.parametrize(
    "spoil, what",
    [(lambda: torch.set_default_dtype(torch.float64), "the default dtype"), (lambda: torch.set_grad_enabled(False), "whether gradients are recorded")],
)
def test_who_changes_the_process_loses_points_and_reads_what(task, spoil, what):
    def around(function, args, kwargs):
        result = function(*args, **kwargs)
        spoil()
        return result

    found = said(task, coat(right(task.name), around))
    assert found, "all points, after all"
    if task.name != "saved_for_backward":  # whose next question is answered otherwise then
        assert any(f"changes what belongs to the whole process: {what}" in line for line in found), found


CLASSES = [task for task in TASKS if inspect.isclass(task.reference)]


@pytest.mark.parametrize("task", CLASSES, ids=lambda task: task.name)
def test_a_forward_that_changes_its_input_loses_points_and_reads_which(task):
    def around(function, args, kwargs):
        result = function(*args, **kwargs)
        for tensor in [*tensors(args), *tensors(kwargs.values())][:1]:
            tensor.data.mul_(2) if tensor.is_floating_point() else tensor.data.add_(1)
        return result

    found = said(task, with_forward(task, around))
    assert any("changes what it is given" in line and f"of `{forward_of(task)}`" in line for line in found)


def forward_of(task):
    """The method that computes: a module's `forward`, or what stands for it in a class that is none."""
    return {"KVCache": "attend", "GradScaler": "scale"}.get(task.name, "forward")


def with_forward(task, around):
    """The solution's class with its `forward` called through `around`."""
    name = forward_of(task)
    forward = vars(right(task.name))[name]
    spoiled = staticmethod(coat(forward.__func__, around)) if isinstance(forward, staticmethod) else coat(forward, around)
    return type(task.name, (right(task.name),), {name: spoiled, "__module__": "__main__"})


@pytest.mark.parametrize("task", CLASSES, ids=lambda task: task.name)
def test_a_forward_with_something_random_left_in_reads_that_it_answers_twice_differently(task):
    found = said(task, with_forward(task, with_half_missing))
    assert any("asked twice" in line for line in found), found


@pytest.mark.parametrize("task", CLASSES, ids=lambda task: task.name)
def test_who_keeps_something_on_the_class_loses_points_and_reads_what(task):
    def around(function, args, kwargs):
        candidate.kept = args
        return function(*args, **kwargs)

    candidate = with_forward(task, around)
    assert any("keeps `kept` on the class" in line for line in said(task, candidate))


def test_what_is_changed_costs_one_probe_and_not_the_task():
    def changes(x, weight, bias=None):
        y = x @ weight.T if bias is None else x @ weight.T + bias
        if bias is not None:
            bias.data.zero_()
        return y

    found = verdicts(all_tasks()["linear"], changes)
    assert [verdict.points for verdict in found][1:] == [verdict.max_points for verdict in found][1:] and found[0].points == 0


def test_breaches_are_told_where_a_notebook_is_graded(tmp_path):
    answers = {
        "squeezed": "    y = x @ weight.T\n    return (y if bias is None else y + bias).squeeze()\n",
        "dropped": "    y = F.dropout(x, 0.5) @ weight.T\n    return y if bias is None else y + bias\n",
        "changed": "    y = x @ weight.T\n    weight.data.mul_(2)\n    return y if bias is None else y + bias\n",
        "kept": "    linear.kept = getattr(linear, 'kept', x @ weight.T)\n    return linear.kept if bias is None else linear.kept + bias\n",
        "threads": "    torch.set_num_threads(3)\n    y = x @ weight.T\n    return y if bias is None else y + bias\n",
    }
    head = "import torch.nn.functional as F\n\ndef linear(x, weight, bias=None):\n"
    results = grade(tmp_path, {name: answered("01_formula", {"linear": head + body}) for name, body in answers.items()})
    first = {name: tasks(result)["linear"]["verdicts"][0] for name, result in results.items()}
    assert {name: verdict["points"] for name, verdict in first.items()} == dict.fromkeys(answers, 0)
    assert first["squeezed"]["seen"] == "Right, except where B is 1 and where O is 1."
    assert "asked twice" in first["dropped"]["seen"]
    assert "changes what it is given: `weight` (values)" in first["changed"]["message"]
    assert "is something kept between calls" in first["kept"]["seen"] or first["kept"]["message"]
    assert "the number of threads" in first["threads"]["message"] and tasks(results["threads"])["linear"]["points"] == 5  # once, not in every probe
