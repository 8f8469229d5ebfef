"""Environments that are not as the course expects them: each works, or says in one line what to do."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell

from grader import versions
from grader.catalogue import EXERCISES

from .notebooks import ROOT, answered, exercise, grader, run, solution
from .test_accidents import CELLS

OUTSIDE = {  # what PYTHONPATH leads to, and the line that is then said
    "old torch": ({"torch-2.3.1.dist-info/METADATA": "Name: torch\nVersion: 2.3.1"}, "The course runs with torch 2.11 to 2.15; this is 2.3.1. Run `make`"),
    "new torch": ({"torch-3.0.0.dist-info/METADATA": "Name: torch\nVersion: 3.0.0"}, "The course runs with torch 2.11 to 2.15; this is 3.0.0. Run `make`"),
    "old nbval": ({"nbval-0.9.dist-info/METADATA": "Name: nbval\nVersion: 0.9"}, "The course runs with nbval 0.11 or newer; this is 0.9. Run `make`"),
    "old Python": (
        {"sitecustomize.py": "import sys; sys.version_info = (3, 9, 1, 'final', 0)"},
        "The course runs with Python 3.11 to 3.13; this is 3.9.1. Try: make PYTHON=python3.13",
    ),
    "new Python": (
        {"sitecustomize.py": "import sys; sys.version_info = (3, 14, 0, 'final', 0)"},
        "The course runs with Python 3.11 to 3.13; this is 3.14.0. Try: make PYTHON=python3.13",
    ),
}  # fmt: skip
DOORS = {
    "grade": ["-m", "grader", "grade", "solutions"],
    "check": ["-m", "grader", "check", "01"],
    "release": ["-m", "grader", "release"],
    "pytest": ["-m", "pytest", "--grade", "solutions/01_formula.ipynb"],
    "check()": ["-c", "import sys\nfrom grader import learner\nsys.exit(learner.check('linear') or 1)"],
}
WRONG = "def linear(x, weight, bias=None):\n    return x @ weight"


def with_path(folder: Path, files: dict[str, str], **environment) -> dict[str, str]:
    """An environment in which files of a folder are found before all others."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder), **environment}


# Versions, and packages that are missing


# pytest itself does not start where Python pretends to be another
@pytest.mark.parametrize("door, what", [(door, what) for door in DOORS for what in OUTSIDE if (door, what[-6:]) != ("pytest", "Python")])
def test_what_lies_outside_the_claimed_versions_is_said_in_one_line(tmp_path, door, what):
    files, line = OUTSIDE[what]
    done = run(*DOORS[door], env=with_path(tmp_path, files))
    said = (done.stdout + done.stderr).strip().splitlines()
    assert done.returncode != 0 and said and all(line in each for each in said), said


@pytest.mark.parametrize("what", OUTSIDE)
def test_doctor_shows_what_lies_outside(tmp_path, what):
    files, line = OUTSIDE[what]
    done = grader("doctor", env=with_path(tmp_path, files, PYTHONIOENCODING="ascii"))
    assert done.returncode == 1 and "x " in done.stdout and f"    {line}" in done.stdout and done.stderr == ""


def test_doctor_and_commands_work_without_any_package(bare):
    done = subprocess.run([bare, "-m", "grader", "doctor"], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and "✗ torch is missing" in done.stdout and done.stderr == ""
    done = subprocess.run([bare, "-m", "grader", "grade", "solutions"], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr.strip()) == (1, f"torch is not installed here. {versions.install('torch')}")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The Python of an environment in which nothing is installed."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin/python"


def first_cell(name: str) -> str:
    return next(cell.source for cell in exercise(name).cells if cell.cell_type == "code")


def test_the_first_cell_is_the_same_everywhere_and_says_what_is_missing(bare, tmp_path):
    (cell,) = {first_cell(ex.name) for ex in EXERCISES}
    done = subprocess.run([bare, "-c", cell], cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No module named 'grader'. The course is not installed here: run `make lab`") and done.stdout.count("\n") == 1


def test_the_first_cell_says_what_is_too_old_and_so_does_each_check(tmp_path):
    files, line = OUTSIDE["old torch"]
    notebook = exercise("01_formula")
    notebook.cells = [cell for cell in notebook.cells if cell.source in (first_cell("01_formula"), 'check("linear")')]
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=with_path(tmp_path, files))
    for cell in notebook.cells:
        (output,) = cell.outputs
        assert output.name == "stdout" and output.text.count("\n") == 1 and line in output.text


def test_what_is_installed_lies_in_the_claimed_versions():
    assert versions.problem() == ""


def test_what_an_old_python_reads_is_in_words_that_it_knows():
    for file in ("__init__", "__main__", "doors/__init__", "doors/command", "learning/__init__", "learning/command", "course", "terminal", "versions", "doctor", "learner", "plugin"):
        tree = ast.parse((ROOT / f"grader/{file}.py").read_text(encoding="utf-8"), feature_version=(3, 8))
        postponed = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        unions = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)]
        assert postponed or not unions, file


def test_every_package_that_the_grader_imports_is_declared():
    packages = importlib.metadata.packages_distributions()
    named = {re.sub(r"[-_.]+", "-", name).lower() for name in versions.needed()}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    extra = {"cluster.py": {re.match(r"[\w-]+", wanted)[0] for wanted in extras["cluster"]}}  # and nobody else
    for file in (ROOT / "grader").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for module in {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"grader", "xdist"}:  # xdist asks for it
                assert {re.sub(r"[-_.]+", "-", name).lower() for name in packages[module]} & (named | extra.get(file.name, set())), (file.name, module)


# Installs


def test_a_python_with_packages_of_the_user_is_called_by_a_winding_path(tmp_path, sandbox):
    """pip install --user, a home with a blank and a letter of its own, and a folder on the way to Python that the sandbox has not."""
    home, aside = tmp_path / "a hoüse", tmp_path / "aside"
    packages = home / f".local/lib/python3.{sys.version_info[1]}"
    for folder in (packages, aside):
        folder.mkdir(parents=True)
    (packages / "site-packages").symlink_to(Path(pytest.__file__).parents[1])
    (tmp_path / "01.ipynb").write_text(nbformat.writes(solution("01_formula")), encoding="utf-8")
    python = os.path.join(aside, os.path.relpath(sys._base_executable, aside))
    environment = with_path(ROOT, {}, HOME=str(home), XDG_CACHE_HOME=str(tmp_path / "cache"))
    words = [python, "-m", "grader", "grade", tmp_path / "01.ipynb", "--sandbox", "bwrap", "--require-full"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


def as_nobody_known(*words) -> list[str]:
    """A command run by a user without rights and without an entry in the system's list of users."""
    return ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "54321", "--cap-drop", "ALL", *map(str, words)]


def test_a_user_without_a_home_can_grade(tmp_path, sandbox):
    (tmp_path / "01.ipynb").write_text(nbformat.writes(solution("01_formula")), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    words = as_nobody_known(sys.executable, "-m", "grader", "grade", tmp_path / "01.ipynb", "--sandbox", "none", "--require-full")
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr


def test_a_notebook_may_ask_for_the_users_name(tmp_path, sandbox):
    """As torch 2.11 does when it is imported, so that no kernel of that version started where no file tells a name."""
    asks = "import getpass\n\nname = getpass.getuser()\n\ndef linear(x, weight, bias=None):\n    return x @ weight.T + (0 if bias is None else bias)"
    nbformat.write(answered("01_formula", {"linear": asks}), tmp_path / "01.ipynb")
    done = grader("grade", tmp_path / "01.ipynb")
    assert " 7 / 22" in done.stdout, done.stdout + done.stderr


def test_modules_that_an_installer_left_uncompiled_are_compiled_once(tmp_path):
    """A template's modules: it can keep nothing, and would compile them anew for each run. Nothing is written into the user's home."""
    (tmp_path / "home").mkdir()
    settings = {"PYTHONPYCACHEPREFIX": str(tmp_path / "compiled"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "yes", "HOME": str(tmp_path / "home")}
    for say in ("warm.compile_what_templates_import()", "subprocess.run = None; warm.compile_what_templates_import()"):
        words = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import subprocess; from grader.kernels import warm; {say}"
        done = run("-c", words, env=os.environ | settings)
        assert done.returncode == 0, done.stderr
    assert {"torch", "sympy", "ipykernel"} <= {path.parent.name for path in (tmp_path / "compiled").rglob("__init__.*.pyc")}
    assert list((tmp_path / "home").iterdir()) == []


def test_what_is_set_for_a_users_own_pytest_is_not_for_grading(tmp_path):
    env = {**os.environ, "PYTEST_ADDOPTS": f"--junitxml={tmp_path}/own.xml -x --no-such-option", "PYTEST_PLUGINS": "no_such_plugin", "XDG_CACHE_HOME": str(tmp_path)}
    done = run("-m", "grader", "grade", ROOT / "solutions/01_formula.ipynb", "--require-full", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "own.xml").exists()


def test_a_cache_that_cannot_be_entered_costs_nothing(tmp_path, sandbox):
    closed = tmp_path / ".cache"
    closed.mkdir(mode=0)
    script = (
        "from pathlib import Path; from grader.cache import Cache; from grader.kernels.warm import Setting; from grader.verdicts import SubmissionResult\n"
        "cache, readme = Cache(1, Setting()), Path('README.md'); cache.prune(); key = cache.key(readme, 'digest')\n"
        "cache.keep(key, readme, SubmissionResult('x', '', 0, 0)); print(cache.find(key, 'x'))"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(closed)}
    done = subprocess.run(as_nobody_known(sys.executable, "-c", script), cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert (done.stdout, done.stderr) == ("None\n", "")


# Sandboxes


REFUSALS = {  # what bubblewrap says, and the words that help
    "No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.": "kernel.unprivileged_userns_clone=1",
    "Creating new namespace failed: Operation not permitted": "--security-opt seccomp=unconfined",
    "Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)": "sysctl user.max_user_namespaces=",
    "Creating new namespace failed: No space left on device": "sysctl user.max_user_namespaces=",
    "Can't mount proc on /newroot/proc: Operation not permitted": "systempaths=unconfined",
    "setting up uid map: Permission denied": "kernel.apparmor_restrict_unprivileged_userns=0",
    "loopback: Failed RTM_NEWADDR: Operation not permitted": "kernel.apparmor_restrict_unprivileged_userns=0",
}


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
@pytest.mark.parametrize("said", REFUSALS)
def test_a_sandbox_that_is_refused_comes_with_the_advice_that_fits(tmp_path, said):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text(f'#!/bin/sh\necho "bwrap: {said}" >&2\nexit 1\n', encoding="utf-8")
    bwrap.chmod(0o755)
    done = grader("grade", "README.md", env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"})
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert said in done.stderr and REFUSALS[said] in done.stderr


def test_the_only_user_of_a_namespace_has_a_sandbox(sandbox):
    """Root in a rootless or nested container."""
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode:
        pytest.skip("no namespace of users can be made by unshare here")
    words = ["unshare", "-Ur", sys.executable, "-c", "from grader.kernels.sandbox import require; require()"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


# Kernels that cannot be forked


PLAIN = """import importlib.machinery, sys, types
changes = {"grader.kernels.warm": {"AVAILABLE": False}, "grader.workers": {"sys": types.SimpleNamespace(platform="darwin")}}
class Finder:
    def find_spec(name, path, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name in changes else None
        if spec:
            run = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (run(module), vars(module).update(changes[name]))
        return spec
sys.meta_path.insert(0, Finder)
"""


def checked_in_plain_kernels(folder, *notebooks):
    """What `check` says where no process can be forked, as on macOS and in Windows: what the course does there, on this system. And its report."""
    for number, notebook in enumerate(notebooks):
        (folder / f"{number}.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    words = "check", *sorted(path.name for path in folder.glob("*.ipynb")), "--sandbox", "none", "--limit", "cell=3", "--json", "report.json"
    done = grader(*words, cwd=folder, env=with_path(folder / "aside", {"sitecustomize.py": PLAIN}))
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.replace("│", " ").split()), json.loads((folder / "report.json").read_text(encoding="utf-8"))["submissions"]


def test_where_no_process_can_be_forked_plain_kernels_check_a_notebook(tmp_path):
    said, (wrong, right) = checked_in_plain_kernels(tmp_path, answered("01_formula", {"linear": WRONG, "compose": "while True: pass"}), solution("04_source"))
    assert "the product needs weight's transpose" in said and wrong["points"] == 0, said
    assert "timed out: It did not end within 3 s" in said
    assert (right["points"], right["flags"]) == (right["max_points"], []), right


def test_accidents_cost_nothing_in_a_plain_kernel_either(tmp_path):
    """Whatever ends or starves a process, all in one notebook."""
    notebook = solution("01_formula")
    names = "exit, first", "quit, in the middle", "exit without a call", "a restart", "a timer that ends the process later", "a thread that kills", "exit, last"
    for source, place in [CELLS[name] for name in (*names, "a timer that interrupts", "an alarm", "as many open files as may be")]:
        notebook.cells.insert(len(notebook.cells) if place is None else place, new_code_cell(source))
    said, [found] = checked_in_plain_kernels(tmp_path, notebook)
    assert (found["points"], found["notes"]) == (found["max_points"], []), said


# Terminals and files


def test_terminals_that_know_few_letters_get_other_letters(tmp_path):
    notebook = tmp_path / "01.ipynb"
    notebook.write_text(nbformat.writes(answered("01_formula", {"linear": WRONG})), encoding="utf-8")
    for command, encoding in [("check", "ascii"), ("grade", "ascii"), ("grade", "cp1252")]:
        done = grader(command, notebook, "--sandbox", "none", "--seed", "1", env={**os.environ, "PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, "")
        assert ("x linear " if command == "check" else "0 / 22") in done.stdout


def test_check_in_a_script_needs_few_letters_and_one_thread(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "import torch\nfrom grader.learner import check\ntorch.set_num_threads(3)\nseen = set()\n"
        "def linear(x, weight, bias=None):\n    seen.add(torch.get_num_threads())\n    return x @ weight\n"
        "check('linear')\nprint(seen, torch.get_num_threads())\n",
        encoding="utf-8",
    )
    done = run(script, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and "x linear" in done.stdout and done.stdout.endswith("{1} 3\n"), done.stderr


@pytest.mark.parametrize("solutions", ["none", "a teacher's own", "a copy beside it", "one that is no program"])
def test_a_wrong_answer_is_wrong_whatever_has_become_of_the_solutions(tmp_path, solutions):
    """Known mistakes are edits of them: without them a mistake has no name, and that is all."""
    for name in ("grader", "book"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "solutions").mkdir()
    ours = (ROOT / "solutions/01_formula.ipynb").read_text(encoding="utf-8")
    other = ours.replace("x @ weight.T", "(x.unsqueeze(-2) @ weight.mT).squeeze(-2)")
    files = {"none": {}, "a teacher's own": {"01_formula": other}, "a copy beside it": {"01_formula": ours, "01_formula-Copy1": other}}
    for name, text in files.get(solutions, {"01_formula": ours.replace("return w2 @ w1", "return w2 @")}).items():
        (tmp_path / "solutions" / f"{name}.ipynb").write_text(text, encoding="utf-8")
    (tmp_path / "mine.py").write_text(f"from grader.learner import check\n{WRONG}\ncheck('linear')\n", encoding="utf-8")
    done = run(tmp_path / "mine.py", cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0 and "0 / 2" in done.stdout and not done.stderr, done.stdout + done.stderr
    assert ("this looks like" in done.stdout) == (solutions == "a copy beside it")


def test_every_file_is_opened_with_an_encoding():
    """The default is another on Windows. Of the tests, the helpers."""
    for folder in ("grader", "book", "benchmarks", "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            if not file.name.startswith("test_") and ".work" not in file.parts:
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                    assert not isinstance(node, ast.Call) or not _opens_by_default(node), f"{file}:{node.lineno}"


def _opens_by_default(call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {keyword.arg for keyword in call.keywords}
    binary = any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in call.args[1:2])
    opens = name in ("read_text", "write_text") or (name == "open" and isinstance(call.func, ast.Name) and not binary)
    return "encoding" not in given and (opens or "text" in given)
