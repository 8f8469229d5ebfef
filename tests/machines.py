"""The machines on which the course must be the same, as settings of a process that starts under them; and pages run so, without building the site.

`failures` runs pages from outside. As a program, this module is the process: it imports torch once, and forks for each page.
"""

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Machine:
    """environment: read by torch and its libraries when they are loaded. one_dnn: whether torch uses it. shift: added to every seed."""

    environment: dict[str, str]
    one_dnn: bool = True
    shift: int = 0


# Each stands for several things at once, since a page must not depend on any of them. The plain machine is the one that builds the site.
MACHINES = {
    "SSE4, one thread, other seeds": Machine(
        {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "OMP_NUM_THREADS": "1"}, shift=1000
    ),
    "AVX2, eight threads": Machine(
        {
            "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "OMP_NUM_THREADS": "8",
            "OMP_WAIT_POLICY": "passive",  # eight that wait by spinning take all of two cores
        }
    ),
    "no oneDNN": Machine({}, one_dnn=False),
}  # fmt: skip


def environment(machine: str) -> dict[str, str]:
    """The whole environment of a process on that machine."""
    return {**os.environ, **MACHINES[machine].environment}


def failures(machine: str, pages: list[str]) -> dict[str, list[str]]:
    """Run the code cells of pages of the book on a machine: for each page a line for each cell that failed."""
    asked = json.dumps({page: _code_cells(page) for page in pages})
    words = [sys.executable, "-m", "tests.machines", machine]
    done = subprocess.run(words, cwd=ROOT, env=environment(machine), input=asked, capture_output=True, encoding="utf-8", timeout=1200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@functools.cache
def _code_cells(page: str) -> list[tuple[int, str]]:
    """The line on which each code cell begins, and its source, as Jupyter Book reads them."""
    from myst_nb.core.read import read_myst_markdown_notebook

    notebook = read_myst_markdown_notebook((ROOT / "book" / page).read_text(encoding="utf-8"), add_source_map=True)
    numbered = zip(notebook.metadata.source_map, notebook.cells, strict=True)
    return [(line + 1, cell.source) for line, cell in numbered if cell.cell_type == "code"]


def _main(machine: Machine):
    asked = json.load(sys.stdin)
    os.environ.update(MPLBACKEND="agg")
    os.chdir(ROOT / "book")
    sys.path.insert(0, os.getcwd())
    import IPython.core.interactiveshell  # noqa: F401  (here and below: what most pages import, once for all)
    import matplotlib.pyplot  # noqa: F401
    import numpy  # noqa: F401
    import torch

    torch.backends.mkldnn.set_flags(machine.one_dnn)
    _shift_seeds(machine.shift)
    json.dump({page: _in_a_fork(cells) for page, cells in asked.items()}, sys.stdout)


def _shift_seeds(shift):
    """Let whoever asks for a seed get another."""
    import torch

    seed = torch.manual_seed

    class Generator(torch.Generator):
        def manual_seed(self, number):
            return super().manual_seed(number + shift)

    torch.manual_seed = lambda number: seed(number + shift)
    torch.Generator = Generator


def _in_a_fork(cells) -> list[str]:
    """What failed of a page's cells, each page in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(writer, "w", encoding="utf-8") as out:
            json.dump(_run(cells), out)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as found:
        text = found.read()
    os.waitpid(child, 0)
    return json.loads(text or '["its process ended"]')


def _run(cells) -> list[str]:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    nowhere = os.open(os.devnull, os.O_WRONLY)
    for standard in (1, 2):
        os.dup2(nowhere, standard)
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    failed = []
    for number, (line, source) in enumerate(cells, 1):
        result = shell.run_cell(source)
        error = result.error_before_exec or result.error_in_exec
        if error:
            failed.append(f"line {line}, code cell {number}: {type(error).__name__}: {error}")
    return failed


if __name__ == "__main__":
    _main(MACHINES[sys.argv[1]])
