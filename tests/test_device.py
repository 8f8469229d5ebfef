"""A GPU that cannot be used, or fails, costs nobody a point. On a GPU of straw, so that every machine tries it; on a real one: test_gpu."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from .notebooks import ROOT, answered, grader, run, solution, tasks
from .straw_gpu import write

HEAD = "def linear(x, weight, bias=None):\n    "
OLD = "CUDA error: no kernel image is available for execution on the device"
MISSING = "Found no NVIDIA driver on your system."
LINEAR = HEAD + "return x @ weight.T + (0 if bias is None else bias)"
OTHERS = {
    "fold_bias": "def fold_bias(weight, bias):\n    return torch.cat([weight, bias[:, None]], 1)",
    "parameter_count": "def parameter_count(i, o, bias=True):\n    return i * o + (o if bias else 0)",
}
ONCE = (
    "import pathlib\nseen = pathlib.Path({seen!r})\n" + HEAD + "if not seen.exists():\n        seen.touch()\n        torch.cuda.fail_an_assert()\n"
    "    return x @ weight.T + (0 if bias is None else bias)"
)
FULL = HEAD + "torch.cuda.straw.free = {free} * 2**30\n    raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB.')"
NO_SANDBOX = "--sandbox", "none"


def written(folder, **notebooks):
    folder.mkdir(exist_ok=True)
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def results(file):
    return {Path(each["path"]).stem: each for each in json.loads(file.read_text())["submissions"]}


@pytest.fixture
def solved(tmp_path):
    return written(tmp_path / "work", one=solution("01_formula")) / "one.ipynb"


@pytest.fixture(scope="module")
def unasked(tmp_path_factory):
    """Notebooks graded beside a GPU that cannot be used, when nobody asked for one."""
    folder = tmp_path_factory.mktemp("unasked")
    hidden = "import os\nassert os.environ['CUDA_VISIBLE_DEVICES'] == ''\n" + LINEAR
    mover = HEAD + "return (x.to('cuda') @ weight.T).cpu()"
    answers = {"hidden": {"linear": hidden}, "mover": {"linear": mover}}
    work = written(folder / "work", solved=solution("01_formula"), **{name: answered("01_formula", each) for name, each in answers.items()})
    env = write(folder / "straw", refuses="all", words=MISSING)
    done = grader("grade", work, *NO_SANDBOX, "--json", folder / "report.json", env={**env, "CUDA_VISIBLE_DEVICES": "0"})
    return done, results(folder / "report.json")


def test_a_gpu_is_used_by_those_only_who_ask(unasked):
    """Notebooks are written for a CPU."""
    assert (unasked[0].returncode, unasked[0].stderr) == (0, "") and ", cpu" in unasked[0].stdout
    assert unasked[1]["solved"]["points"] == 22


def test_a_notebook_that_takes_a_gpu_where_it_finds_one_is_shown_none(unasked):
    assert tasks(unasked[1]["hidden"])["linear"]["status"] == "passed"


def test_what_a_learners_cuda_means_is_said(unasked):
    found = tasks(unasked[1]["mover"])["linear"]
    assert found["status"] == "raised" and all("device=x.device" in verdict["message"] for verdict in found["verdicts"])


def test_a_check_in_a_notebook_asks_on_the_cpu(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(f"import torch\nfrom grader.learner import check\n\n{LINEAR}\n\ncheck('linear')\n")
    done = run(script, env=write(tmp_path / "straw", refuses="all", words=OLD))
    assert (done.returncode, done.stderr) == (0, "") and "✓ linear" in done.stdout


def test_a_gpu_that_cannot_be_used_is_refused_in_one_line_with_the_drivers_words(tmp_path, solved):
    done = grader("grade", solved, "--device", "cuda", *NO_SANDBOX, env=write(tmp_path / "straw", refuses="all", words=OLD))
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and OLD in done.stderr and "--device cpu" in done.stderr
    assert "asynchronously" not in done.stderr


def test_auto_comes_to_the_cpu_where_kernels_cannot_use_a_gpu_and_says_why(tmp_path, solved):
    env = write(tmp_path / "straw", refuses="kernels", words=OLD)
    done = run("-m", "pytest", "--grade", solved, "--grade-device", "auto", "--grade-sandbox", "none", "-qp", "no:cacheprovider", env=env)
    assert done.returncode == 0 and "22 / 22" in done.stdout and ", cpu)" in done.stdout
    assert done.stderr.count("\n") == 1 and "on the CPU" in done.stderr and f"in a notebook's kernel: {OLD}" in done.stderr


@pytest.mark.usefixtures("sandbox")
def test_a_gpu_that_the_sandbox_does_not_show_is_found_before_grading(tmp_path, solved):
    """The straw does not reach into it: there, torch is as it is on this machine."""
    done = grader("grade", solved, "--device", "auto", "--sandbox", "bwrap", env=write(tmp_path / "straw"))
    assert done.returncode == 0 and "22 / 22" in done.stdout
    assert done.stderr.count("\n") == 1 and "in a notebook's kernel" in done.stderr


def test_a_gpu_with_too_little_free_memory_is_not_begun_with(tmp_path, solved):
    done = grader("grade", solved, "--device", "cuda", *NO_SANDBOX, env=write(tmp_path / "straw", free=1))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "1.0 of 24.0 GiB free" in done.stderr and "--limit memory" in done.stderr


def test_a_gpu_that_fails_while_grading_is_the_graders_fault_and_not_remembered(tmp_path, solved):
    words = "CUDA error: unspecified launch failure"
    env = write(tmp_path / "straw", refuses="grade", words=words) | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = grader("grade", solved, "--device", "cuda", *NO_SANDBOX, "--json", tmp_path / "report.json", env=env)
    assert done.returncode == 1 and not list((tmp_path / "cache").rglob("*.json"))
    for task in tasks(results(tmp_path / "report.json")["one"]).values():
        assert task["status"] == "grader fault" and words in task["verdicts"][0]["message"]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Notebooks that do something to the GPU while it is graded on, in one run: its results, what it said and who used the GPU."""
    folder = tmp_path_factory.mktemp("graded")
    answers = {
        "asserts": {"linear": HEAD + "torch.cuda.fail_an_assert()"},
        "asserts_once": {"linear": ONCE.format(seen=str(folder / "seen"))},
        "asserts_in_a_cell": {"linear": LINEAR, "compose": "try:\n    torch.cuda.fail_an_assert()\nexcept RuntimeError: pass"},
        "is_greedy": {"linear": FULL.format(free=20)},
        "is_robbed": {"linear": FULL.format(free=1)},
        "cannot_be_seeded": {"linear": "torch.cuda.straw.seeds = False\n" + LINEAR},
    }
    work = written(folder / "work", solved=solution("01_formula"), **{name: answered("01_formula", OTHERS | each) for name, each in answers.items()})
    options = "--device", "cuda", *NO_SANDBOX, "-j", "3", "--json", folder / "report.json"
    done = grader("grade", work, *options, env=write(folder / "straw", free=6))
    return done, results(folder / "report.json"), (folder / "straw/uses").read_text().splitlines()


def assert_others_keep_their_points(submission):
    assert {name: tasks(submission)[name]["status"] for name in OTHERS} == dict.fromkeys(OTHERS, "passed")


def test_a_solution_has_full_marks_on_a_gpu(graded):
    assert graded[1]["solved"]["points"] == 22 and ", cuda" in graded[0].stdout


def test_a_task_that_breaks_the_gpu_for_its_kernel_costs_itself_alone(graded):
    submission = graded[1]["asserts"]
    found = tasks(submission)["linear"]
    assert found["status"] == "kernel died" and found["points"] == 0
    assert "device-side assert" in found["verdicts"][0]["message"] and "out of range" in found["verdicts"][0]["message"]
    assert_others_keep_their_points(submission)


def test_a_task_is_asked_again_in_a_new_kernel_before_it_is_charged(graded):
    assert tasks(graded[1]["asserts_once"])["linear"]["status"] == "passed"


def test_a_cell_that_breaks_the_gpu_for_its_kernel_is_left_out_and_noted_even_if_it_caught_the_error(graded):
    submission = graded[1]["asserts_in_a_cell"]
    assert tasks(submission)["linear"]["status"] == "passed"
    assert any("device-side assert" in note for note in submission["notes"])
    assert_others_keep_their_points(submission)


def test_memory_that_others_have_taken_is_not_charged_to_a_learner(graded):
    greedy, robbed = (graded[1][f"{name}"] for name in ("is_greedy", "is_robbed"))
    assert tasks(greedy)["linear"]["status"] == "out of memory"
    assert tasks(robbed)["linear"]["status"] == "grader fault" and graded[0].returncode == 1
    assert_others_keep_their_points(greedy)


def test_a_gpu_that_fails_before_an_answer_is_asked_is_the_graders_fault(graded):
    assert {task["status"] for task in graded[1]["cannot_be_seeded"]["tasks"]} == {"grader fault"}


def test_there_are_no_more_jobs_than_the_gpu_has_memory_for(graded):
    assert graded[0].stderr.strip() == "The GPU has memory for 2 notebooks at a time (GPU of straw, 6.0 of 24.0 GiB free)."


def test_no_process_that_forks_others_touches_the_gpu(graded):
    pairs = [line.split() for line in graded[2]]
    forked = {process for process, parent in pairs} & {parent for process, parent in pairs}
    assert pairs and not forked


def test_questions_and_solutions_mix_no_devices():
    """Asked on a second device that needs no GPU."""
    *mixed, counts = run("-m", "tests.far_device").stdout.splitlines()
    passed, asked = map(int, counts.split())
    assert mixed == [] and passed > 0.9 * asked


@pytest.mark.usefixtures("sandbox")
@pytest.mark.skipif("__import__('os').geteuid() != 0", reason="only root may give a file to a group that it is not in")
def test_the_sandbox_shows_the_files_of_a_gpu_and_lets_their_group_use_them(tmp_path):
    """Linux's own and that of Linux on Windows, on a machine that is made to have them; no others, and none where the CPU is asked for."""
    outer = ["bwrap", "--dev-bind", "/", "/", "--dev", "/dev", "--cap-add", "ALL"]
    for node, mode in (("/dev/nvidia0", 0o660), ("/dev/dxg", 0o666)):
        file = tmp_path / node[5:]
        file.write_text("a device")
        os.chown(file, 0, 44)
        file.chmod(mode)
        outer += ["--bind", file, node]
    kernel = (
        "import os, sys; from grader.kernels import confine, limits; confine.next_child_apart(); pid = os.fork()\n"
        "if not pid:\n    confine.separate(limits.Limits(), '/private', tuple(map(int, sys.argv[1:])))\n"
        "    print([open(name).read() for name in ('/dev/nvidia0', '/dev/dxg')], flush=True)\n"
        "else:\n    os.waitpid(pid, 0)"
    )
    code = (
        "import subprocess, sys; from grader.kernels import sandbox\ngroups = sandbox.gpu_groups()\nprint(groups, flush=True)\nfor cuda in (True, False):\n"
        f"    subprocess.run([*sandbox.command(cuda), sys.executable, '-c', {kernel!r}, *map(str, groups)])"
    )
    done = subprocess.run([*outer, sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[44]", "['a device', 'a device']"] and "No such file" in done.stderr
