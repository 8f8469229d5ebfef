"""What one notebook does while another is graded beside it costs the other nothing."""

import pytest

from .notebooks import answer_cell, grade, solution, tasks
from .test_accidents import later

EXERCISE, FULL = "01_formula", 22
BURN = """import os, threading, time
end = time.monotonic() + 6
def burn():
    while time.monotonic() < end: pass
    os._exit(0)
def start(number):
    for _ in range(number):
        if os.fork() == 0: {0}
"""
THREADS = """import hashlib, os, threading, time
end, data = time.monotonic() + 6, bytes(2**22)
def work():
    while time.monotonic() < end: hashlib.sha256(data)
for _ in range(40): threading.Thread(target=work).start()
time.sleep(2)
"""
BUSY = {
    "processes": BURN.format("burn()") + "start(58)\ntime.sleep(7)",
    "processes with sessions of their own": BURN.format("os.setsid(), burn()") + "start(58)\ntime.sleep(7)",
    "threads that need no interpreter": THREADS,
}
TELL = "\nraise RuntimeError(f'nice {os.nice(0)}')"
SLOW = """def linear(x, weight, bias=None):
    import time
    end = time.process_time() + 0.1
    while time.process_time() < end: pass
    y = x @ weight.T
    return y if bias is None else y + bias
"""
pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.mark.parametrize("variant", BUSY)
def test_a_notebook_with_much_to_do_at_once_takes_no_time_from_its_neighbour(tmp_path, variant):
    honest, busy = solution(EXERCISE), solution(EXERCISE)
    answer_cell(honest, "linear").source = SLOW
    busy.cells.insert(2, later(BUSY[variant] + TELL).cells[-1])
    found = grade(tmp_path, {"busy": busy, "honest": honest}, "-j", "2", "--limit", "probe=1", "--limit", "cell=20")
    assert found["honest"]["points"] == FULL, tasks(found["honest"])["linear"]["verdicts"]
    [nice] = [int(note.rpartition(" ")[2]) for note in found["busy"]["notes"] if "nice" in note]
    assert nice > 10  # where each session has its share of the processors (see autogroups in sched(7)), points alone would not show it
