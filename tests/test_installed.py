"""The course as a package: a wheel of it, away from its folder, does all that a learner and a teacher do there; a bare notebook fetches it."""

import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from .notebooks import ROOT, answer_cell, environment

SITE = "https://course.example/a"
WRONG = "def linear(x, weight, bias=None):\n    return x @ weight"
PIP = {
    "PIP_IGNORE_INSTALLED": "1", "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # which pip takes for "none"
}  # fmt: skip
WALK = (
    "import os\n"
    "found = [os.path.join(folder, file) for folder, _, files in os.walk('/')\n"
    "         if not folder.startswith('/usr/local/share/test_') for file in files\n"  # there test_layouts keeps its course meanwhile
    "         if file.startswith('01_formula') or '/catalogue' in folder or '/packed' in folder]\n"
    "raise OSError(f'found {len(found)}: {found[:3]}')"
)


def call(*words, cwd, **variables):
    """Run a program outside the course's folder; its output as text."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | PIP | variables
    return subprocess.run(list(map(str, words)), cwd=cwd, env=env, capture_output=True, encoding="utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course's repository whose site and repository have addresses."""
    place = tmp_path_factory.mktemp("published") / "course"
    for name in ("grader", "solutions", "exercises", "book"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "_static"))
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, place)
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    config = config.replace('baseurl: ""', f'baseurl: "{SITE}/"').replace('url: ""', f'url: "{place}"')
    (place / "_config.yml").write_text(config, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def installed(course, tmp_path_factory):
    """The folder of programs of an environment in which the course's wheel is installed."""
    place = tmp_path_factory.mktemp("installed")
    programs = environment(place / "env")
    for words in (["wheel", course, "-w", place], ["--python", programs / "python", "install", "--no-compile", "--find-links", place, "linear-inside-out"]):
        done = call(sys.executable, "-m", "pip", "-q", *words, cwd=place)
        assert done.returncode == 0, done.stderr
    shutil.rmtree(course / "build")
    return programs


@pytest.fixture(scope="module")
def started(installed, tmp_path_factory):
    """A folder in which somebody has begun, and answered wrongly; what `start` said."""
    place = tmp_path_factory.mktemp("learner")
    done = call(installed / "linear", "start", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    notebook = nbformat.read(place / "linear-exercises/01_formula.ipynb", 4)
    answer_cell(notebook, "linear").source += f"\n\n{WRONG}"
    nbformat.write(notebook, place / "linear-exercises/01_formula.ipynb")
    return place, done.stdout


def test_start_lays_out_every_exercise_and_says_what_to_do_next(started):
    place, said = started
    names = sorted(path.name for path in (ROOT / "exercises").glob("*.ipynb"))
    assert sorted(path.name for path in (place / "linear-exercises").iterdir()) == names
    assert said.count("wrote") == len(names) and "Next: cd linear-exercises" in said and "`linear check 01`" in said
    for name in names:
        text = (place / "linear-exercises" / name).read_text(encoding="utf-8")
        assert f"]({SITE}/book/{name.removesuffix('.ipynb')}.html)" in text and "../" not in text


def test_start_again_keeps_answers(started, installed):
    place, _ = started
    answers = (place / "linear-exercises/01_formula.ipynb").read_bytes()
    (place / "linear-exercises/02_init.ipynb").unlink()
    done = call(installed / "linear", "start", cwd=place)
    assert done.stdout.splitlines()[:2] == [
        "kept linear-exercises/01_formula.ipynb: it has been worked in, or damaged. To have it made anew, move it away.", "wrote linear-exercises/02_init.ipynb",
    ]  # fmt: skip
    assert (place / "linear-exercises/01_formula.ipynb").read_bytes() == answers
    (place / "file").touch()
    done = call(installed / "linear", "start", "file", cwd=place)
    assert done.returncode == 2 and done.stderr == "file: File exists. Choose another folder.\n"


def test_a_mistake_is_named_and_its_section_is_an_address(started, installed):
    place, _ = started
    for word, where in (("01", place), ("formula", place / "linear-exercises")):
        done = call(installed / "linear", "check", word, "--sandbox", "none", cwd=where)
        said = " ".join(done.stdout.replace("│", " ").split())
        assert done.returncode == 0 and "0 / 7" in said and "the product needs weight's transpose" in said, done.stdout + done.stderr
        assert "chapter 01_formula, section “Any number of leading dimensions”" in said and "book/01_formula.md" not in said
        assert f"{SITE}/book/01_formula.html#formula-leading-dimensions" in done.stdout
    done = call(installed / "linear", "check", "01", cwd=installed)
    assert done.returncode == 2 and done.stderr.startswith("01: there is no 01_formula.ipynb here.") and "linear start" in done.stderr
    done = call(installed / "linear", "status", cwd=installed)
    assert done.returncode == 2 and done.stderr == "There are no exercises here. Go where yours lie, or lay them out: linear start\n"


def test_what_a_teacher_makes_is_made(started, installed, tmp_path):
    for words in (["gradescope", "01"], ["github"], ["release", "--nbgrader", "course"], ["grade", "--sandbox", "none", started[0], "--json", "report.json"]):
        done = call(installed / "linear", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    done = call(installed / "linear", "report", "report.json", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{SITE}/book/01_formula.html#formula-leading-dimensions" in (tmp_path / "out/class.html").read_text(encoding="utf-8")


def test_a_graded_notebook_can_read_none_of_it(started, installed, sandbox, tmp_path):
    notebook = nbformat.read(started[0] / "linear-exercises/01_formula.ipynb", 4)
    answer_cell(notebook, "linear").source += "\n\ndef linear(x, weight, bias=None):\n" + "".join(f"    {line}\n" for line in WALK.split("\n"))
    nbformat.write(notebook, tmp_path / "01_formula.ipynb")
    done = call(installed / "linear", "grade", "01_formula.ipynb", "--sandbox", "bwrap", "--json", "found.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.findall(r"found \d+: \[.*?\]|\w+Error[^\n]{200}", (tmp_path / "found.json").read_text(encoding="utf-8"))
    assert said and set(said) == {"found 0: []"}, said


def test_the_doctor_finds_no_way_to_it_either_and_names_a_namesake(installed, sandbox, tmp_path):
    other = tmp_path / "other" / "other_grader-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Name: other-grader\nVersion: 1.0\n", encoding="utf-8")
    (other / "top_level.txt").write_text("grader\n", encoding="utf-8")
    for _ in range(20):
        done = call(installed / "linear", "doctor", cwd=tmp_path, PYTHONPATH=str(other.parent))
        if "/usr/local/share/test_" not in done.stdout:  # there test_layouts keeps its course meanwhile
            break
    assert done.returncode == 0 and "notebooks find no other" in done.stdout and "make" not in done.stdout, done.stdout
    assert "so is a module of the package other-grader called" in done.stdout


# A bare notebook


@pytest.fixture(scope="module")
def repository(course):
    """The course as what pip fetches, with the exercises that name its address."""
    done = call(sys.executable, "-m", "grader", "release", cwd=course)
    assert done.returncode == 0, done.stderr
    git = ["git", "-C", course, "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "The course"]):
        subprocess.run([*git, *words], check=True)
    return course


def first_cell(course) -> str:
    cells = json.loads((course / "exercises/01_formula.ipynb").read_text(encoding="utf-8"))["cells"]
    return "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "code"))


def test_the_first_cell_installs_the_course_on_colab_and_elsewhere_says_how(repository, tmp_path):
    cell = f"{first_cell(repository)}\nprint('check' in globals())"
    python = environment(tmp_path / "env") / "python"
    done = call(python, "-c", cell, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"No module named 'grader'. The course is not installed here. In a terminal: pip install git+file://{repository}; then restart this notebook.",
        "False",
    ]
    done = call(python, "-c", cell, cwd=tmp_path, COLAB_RELEASE_TAG="x", PATH="")  # no git
    assert done.returncode == 0 and "In a terminal: pip install" in done.stdout and "Traceback" not in done.stdout
    done = call(python, "-c", cell, cwd=tmp_path, COLAB_RELEASE_TAG="x")
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "True", done.stdout + done.stderr
    done = call(python, "-m", "grader", "check", "01", cwd=tmp_path)
    assert done.returncode == 2 and "there is no 01_formula.ipynb here" in done.stderr
