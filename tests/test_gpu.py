"""What is promised of a GPU, on a real one; skipped with the reason where there is none. What needs no real one: test_device.

`python -m pytest tests/test_gpu.py -v` says whether a card can be graded on; the book's page on the grader lists those that were tried.
"""

import os
import subprocess
import sys

import nbformat
import pytest

from grader.catalogue import EXERCISES
from grader.device import GIB, DeviceError, try_gpu
from grader.kernels.limits import MIB
from grader.kernels.warm import Setting

from .notebooks import answered, exercise, grade, grader, run, solution, tasks

HEAD = "def linear(x, weight, bias=None):\n    "
LINEAR = HEAD + "return x @ weight.T + (0 if bias is None else bias)"
OTHERS = {
    "fold_bias": "def fold_bias(weight, bias):\n    return torch.cat([weight, bias[:, None]], 1)",
    "parameter_count": "def parameter_count(i, o, bias=True):\n    return i * o + (o if bias else 0)",
}
ASSERT = "torch.zeros(3, device='cuda')[torch.tensor([99], device='cuda')]"


@pytest.fixture(scope="module", autouse=True)
def gpu():
    """The GPU that this machine has."""
    try:
        return try_gpu(Setting("none", "cuda"))
    except DeviceError as reason:
        pytest.skip(f"no GPU: {reason}")


@pytest.fixture(scope="module", params=["bwrap", "none"])
def graded(request, tmp_path_factory):
    """Notebooks graded on the GPU in one run, in the sandbox or without."""
    if request.param == "bwrap":
        request.getfixturevalue("sandbox")
    answers = {
        "on the CPU": {"linear": HEAD + "return x.cpu() @ weight.cpu().T + (0 if bias is None else bias.cpu())"},
        "in float64": {"linear": HEAD + "return x.double() @ weight.double().T + (0 if bias is None else bias.double())"},
        "mixed": {"linear": HEAD + "return x @ weight.T + torch.zeros(weight.shape[0])"},
        "mistaken": {"linear": HEAD + "return x @ weight + (0 if bias is None else bias)"},
        "asserts": {"linear": HEAD + f"return {ASSERT}"},
        "asserts in a cell": {"linear": LINEAR, "compose": f"try:\n    print({ASSERT})\nexcept RuntimeError: pass"},
        "greedy": {"linear": HEAD + "return torch.empty(2**31, device=x.device)"},  # 8 GiB of float32
        "default device": {"linear": "torch.set_default_device('cuda')\n" + LINEAR},
        "deterministic": {"linear": "torch.use_deterministic_algorithms(True)\n" + LINEAR},
    }
    notebooks = {name: answered("01_formula", OTHERS | each) for name, each in answers.items()}
    notebooks |= {each.name: solution(each.name) for each in EXERCISES} | {f"{each.name} untouched": exercise(each.name) for each in EXERCISES}
    return grade(tmp_path_factory.mktemp("graded"), notebooks, "--device", "cuda", "--sandbox", request.param, "--seed", "5")


def assert_others_keep_their_points(submission):
    assert {name: tasks(submission)[name]["status"] for name in OTHERS} == dict.fromkeys(OTHERS, "passed")


def message(submission):
    return " ".join(verdict["message"] for verdict in tasks(submission)["linear"]["verdicts"])


@pytest.mark.parametrize("name", [each.name for each in EXERCISES])
def test_a_solution_has_full_marks_and_an_untouched_notebook_none(graded, name):
    assert [task["name"] for task in graded[name]["tasks"] if task["status"] != "passed"] == []
    assert graded[name]["points"] == graded[name]["max_points"]
    assert graded[f"{name} untouched"]["points"] == 0 and {task["status"] for task in graded[f"{name} untouched"]["tasks"]} == {"not attempted"}


def test_a_result_on_another_device_or_of_another_dtype_is_called_that(graded):
    assert "must be on the cuda; yours is on the cpu" in message(graded["on the CPU"])
    assert "must be float32; yours is float64" in message(graded["in float64"])
    assert "device=x.device" in message(graded["mixed"])


def test_a_mistake_is_named(graded):
    assert "the product needs weight's transpose" in tasks(graded["mistaken"])["linear"]["mistakes"][0]["message"]


def test_a_failed_assert_costs_its_own_task_alone(graded):
    found = tasks(graded["asserts"])["linear"]
    assert found["status"] == "kernel died" and "device-side assert" in message(graded["asserts"]) and "out of range" in message(graded["asserts"])
    assert_others_keep_their_points(graded["asserts"])


def test_a_failed_assert_in_a_cell_costs_no_answer(graded):
    assert any("device-side assert" in note for note in graded["asserts in a cell"]["notes"])
    assert tasks(graded["asserts in a cell"])["linear"]["status"] == "passed"
    assert_others_keep_their_points(graded["asserts in a cell"])


def test_more_memory_than_the_limit_is_out_of_memory_for_its_task_alone(graded):
    assert tasks(graded["greedy"])["linear"]["status"] == "out of memory"
    assert_others_keep_their_points(graded["greedy"])


@pytest.mark.parametrize("setting", ["default device", "deterministic"])
def test_what_a_notebook_sets_for_its_gpu_costs_nothing(graded, setting):
    assert tasks(graded[setting])["linear"]["status"] == "passed"
    assert_others_keep_their_points(graded[setting])


def test_the_same_seed_gives_the_same_report(graded, tmp_path):
    again = grade(tmp_path, {"07_cnn": solution("07_cnn")}, "--device", "cuda", "--sandbox", "none", "--seed", "5", "--regrade")
    assert again["07_cnn"]["tasks"] == graded["07_cnn"]["tasks"]


def test_every_impostor_is_found_out():
    code = (
        "from grader.catalogue import EXERCISES\nfrom grader.kills import kill_table\n"
        "print('alive:', [f'{kill.task}.{kill.impostor}' for kill in kill_table(EXERCISES, 1, 'cuda') if not kill.caught])"
    )
    assert run("-c", code, timeout=3600).stdout.strip() == "alive: []"


def test_inputs_are_the_same_on_both_devices():
    code = (
        "import torch\nfrom grader.bench import Bench\none, other = Bench(3), Bench(3, 'cuda')\n"
        "draw = lambda bench: [bench.randn(4, 5), bench.integers(0, 9, 7), bench.randn(2, dtype=torch.float64)]\n"
        "assert all(b.is_cuda and torch.equal(a, b.cpu()) for a, b in zip(draw(one), draw(other)))"
    )
    assert run("-c", code).returncode == 0


def test_a_check_in_a_notebook_asks_on_the_cpu_and_leaves_the_gpus_generator_alone(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        f"import torch\nfrom grader.learner import check\n\n{LINEAR}\n\n"
        "torch.cuda.manual_seed(0)\nexpected = torch.rand(3, device='cuda')\ntorch.cuda.manual_seed(0)\n"
        "check('linear')\nassert torch.equal(torch.rand(3, device='cuda'), expected)\n"
        "torch.set_default_device('cuda')\ncheck('linear')\nassert torch.get_default_device().type == 'cuda'\n"
    )
    done = run(script)
    assert done.returncode == 0 and done.stdout.count("✓ linear") == 2


@pytest.mark.parametrize("visible", ["", "99"])
def test_a_gpu_that_is_hidden_is_not_used_and_that_is_said(tmp_path, visible):
    (tmp_path / "one.ipynb").write_text(nbformat.writes(solution("01_formula")))
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": visible}
    refused = grader("grade", tmp_path / "one.ipynb", "--device", "cuda", "--sandbox", "none", env=env)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    done = grader("grade", tmp_path / "one.ipynb", "--device", "auto", "--sandbox", "none", env=env)
    assert done.returncode == 0 and "22 / 22" in done.stdout and done.stderr.count("\n") == 1


def test_auto_takes_the_gpu(tmp_path):
    (tmp_path / "one.ipynb").write_text(nbformat.writes(solution("01_formula")))
    done = grader("grade", tmp_path / "one.ipynb", "--device", "auto", "--sandbox", "none")
    assert done.returncode == 0 and "22 / 22" in done.stdout and ", cuda" in done.stdout and done.stderr == ""


def test_there_are_no_more_jobs_than_its_memory_holds(tmp_path, gpu):
    notebooks = {str(number): solution("01_formula") for number in range(3)}
    for name, notebook in notebooks.items():
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    most = ["--limit", f"memory={int(0.6 * gpu.free / MIB)}"]
    done = grader("grade", tmp_path, "--device", "cuda", "--sandbox", "none", "-j", "3", *most)
    assert done.returncode == 0 and done.stdout.count("22 / 22") == 3 and "memory for 1 notebook at a time" in done.stderr


def test_a_gpu_that_others_have_filled_is_not_begun_with(tmp_path, gpu):
    (tmp_path / "one.ipynb").write_text(nbformat.writes(solution("01_formula")))
    fill = f"import torch\nkept = torch.empty(torch.cuda.mem_get_info()[0] - 2 * {GIB}, dtype=torch.uint8, device='cuda')\nprint('full', flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", fill], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "full\n"
        done = grader("grade", tmp_path / "one.ipynb", "--device", "cuda", "--sandbox", "none")
        other.communicate("\n")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "GPU" in done.stderr


def test_pytest_and_doctor_know_the_gpu(tmp_path, gpu):
    (tmp_path / "one.ipynb").write_text(nbformat.writes(solution("01_formula")))
    options = "--grade-device", "cuda", "--grade-sandbox", "none", "-qp", "no:cacheprovider"
    done = run("-m", "pytest", "--grade", tmp_path, *options, "-n", "2", cwd=tmp_path)
    assert done.returncode == 0 and "22 / 22" in done.stdout and ", cuda)" in done.stdout
    assert gpu.name in grader("doctor").stdout
