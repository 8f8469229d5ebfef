"""The same on every machine: chapters, grades and the kill table on other processors, with more and fewer threads, and with other seeds."""

import os

import pytest

from .machines import MACHINES, ROOT, environment, failures
from .notebooks import answer_cell, grader, run, solution

CHAPTERS = sorted(path.name for path in (ROOT / "book").glob("[0-9]*.md"))
FARTHEST = next(iter(MACHINES))  # from the machines that build the site: its random numbers, its products and its convolutions are all others


@pytest.fixture(scope="module", params=MACHINES)
def failed(request):
    """What failed of each chapter on a machine: of those that are asked for, as imports are shared."""
    asked = {item.callspec.params["chapter"] for item in request.session.items if getattr(item, "originalname", "") == "test_every_cell_of_a_chapter_holds"}
    return failures(request.param, sorted(asked))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_cell_of_a_chapter_holds(failed, chapter):
    assert failed[chapter] == []


def test_the_kill_table_is_whole_on_the_farthest_machine():
    assert failures(FARTHEST, ["kill_table.md"]) == {"kill_table.md": []}


def test_solutions_have_full_marks_on_the_farthest_machine():
    done = grader("grade", ROOT / "solutions", "--require-full", env=environment(FARTHEST))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ATEN_CPU_CAPABILITY=default" in done.stdout


def test_a_convolution_is_computed_with_all_its_bits_where_the_environment_asks_for_fewer():
    """oneDNN's would be, and not the product that it is compared with; with both of the variable's names, at both doors."""
    notebook = solution("07_cnn")
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    asked = "\n".join([*cells[:2], answer_cell(notebook, "conv2d_by_linear").source, "check(conv2d_by_linear)"])
    for name in ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"):
        fewer = {**os.environ, name: "BF16"}
        done = grader("grade", ROOT / "solutions/07_cnn.ipynb", "--require-full", env=fewer)
        assert done.returncode == 0 and f"{name}=STRICT" in done.stdout, done.stdout + done.stderr
        done = run("-c", asked, env=fewer)
        assert "✓ conv2d_by_linear" in done.stdout, done.stdout + done.stderr


def test_inputs_are_drawn_alike_on_the_farthest_machine():
    """The same seed, the same questions, whatever the processor."""
    draws = (
        "import hashlib, torch; from grader.bench import Bench; from grader.digits import digits; bench = Bench(7)\n"
        "drawn = [bench.randn(*shape, dtype=dtype) for shape in [(3,), (40, 50)] for dtype in (torch.float32, torch.float64, torch.complex64)]\n"
        "print(hashlib.sha256(b''.join(part.numpy().tobytes() for part in [*drawn, bench.integers(0, 9, 99), *digits(7).given])).hexdigest())"
    )
    here, there = run("-c", draws), run("-c", draws, env=environment(FARTHEST))
    assert here.returncode == 0 and here.stdout == there.stdout, here.stderr
