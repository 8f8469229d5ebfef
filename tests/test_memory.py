"""Memory that does not show in the notebook's own process counts like any other, with a memory cgroup and without."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .notebooks import ROOT
from .test_accidents import FULL, later

HOLD = """import ctypes, os, socket, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def hold(mib):
    global held
    held = b'x' * (mib * 2**20)
    time.sleep(30)
def child(work, *arguments):
    if os.fork() == 0:
        work(*arguments)
        os._exit(0)
def huge_in_pipe():  # a page of 2 MiB stays taken as long as 4 KiB of it are in a pipe
    libc.mmap.restype = ctypes.c_void_p
    start = libc.mmap(None, ctypes.c_size_t(2**26), 3, 0x22, -1, ctypes.c_long(0)) + 2**21 - 1 >> 21 << 21
    libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(2**25), 14)
    ctypes.memset(start, 1, 2**25)
    into = os.pipe()[1]
    for page in range(16):
        part = (ctypes.c_size_t * 2)(start + page * 2**21, 4096)
        if libc.vmsplice(into, part, ctypes.c_ulong(1), 2) < 0: raise OSError(ctypes.get_errno(), 'vmsplice')
    libc.munmap(ctypes.c_void_p(start), ctypes.c_size_t(2**25))
def fill(ours, theirs):
    for end in (ours, theirs):
        end.setblocking(False)
        try:
            while True: end.send(b'x' * 2**16)
        except OSError: pass
    pairs.append((ours, theirs))
pairs = []
def large_sockets():
    for _ in range(60):
        two = socket.socketpair()
        for end in two: end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**23)
        fill(*two)
    time.sleep(30)
def sockets(kind):
    for _ in range(60): fill(*socket.socketpair(socket.AF_UNIX, kind))
    time.sleep(30)
def mappings():
    libc.mmap.restype = ctypes.c_void_p
    for number in range(32000): libc.mmap(None, ctypes.c_size_t(4096), 1 + number % 2 * 2, 0x22, -1, ctypes.c_long(0))
    time.sleep(30)
"""
HIDDEN = {  # from one who looks at a process's own figures, or at its first thread's
    "in children of a thread": "def start():\n    for _ in range(6): child(hold, 160)\n    time.sleep(30)\nthreading.Thread(target=start).start(); time.sleep(30)",
    "in orphans of a thread's children": "def start():\n    for _ in range(6): child(child, hold, 160)\n    time.sleep(30)\nthreading.Thread(target=start).start(); time.sleep(30)",
    "in a process whose first thread has ended": "def leave():\n    threading.Thread(target=hold, args=[160]).start(); libc.syscall(60 if os.uname().machine == 'x86_64' else 93, 0)\n"
    "for _ in range(6): child(leave)\ntime.sleep(30)",
    "pinned by pipes": "for _ in range(24): huge_in_pipe()\ntime.sleep(30)",
    "pinned by pipes of a child": "for _ in range(24): child(lambda: (huge_in_pipe(), time.sleep(30)))\ntime.sleep(30)",
    "in large sockets": "large_sockets()",
    "in sockets of many processes": "for _ in range(40): child(sockets, socket.SOCK_STREAM)\ntime.sleep(30)",
    "in sockets of packets, of threads": "for _ in range(40): child(lambda: threading.Thread(target=sockets, args=[socket.SOCK_SEQPACKET]).start() or time.sleep(30))\ntime.sleep(30)",
    "behind thousands of mappings": "for _ in range(30): child(mappings)\ntime.sleep(1)\nfor _ in range(6): child(hold, 160)\ntime.sleep(30)",
    "behind processes that only wait": "for _ in range(40): child(time.sleep, 30)\nfor _ in range(6): child(hold, 160)\ntime.sleep(30)",
}
GRADE = [sys.executable, "-m", "grader", "grade", ".", "-j1", "--json", "r.json", *(word for limit in ("memory=256", "disk=32") for word in ("--limit", limit))]
# A machine on which no cgroup is to be had.
WITHOUT = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/sys/fs/cgroup", *(["--cap-add", "ALL"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []), "--"]
pytestmark = pytest.mark.usefixtures("sandbox")


def graded(folder: Path, before: list[str]) -> dict[str, dict]:
    """What came of each of HIDDEN."""
    for number, code in enumerate(HIDDEN.values()):
        notebook = later("")
        notebook.cells.insert(2, later(HOLD + code).cells[-1])
        (folder / f"{number:02}.ipynb").write_text(json.dumps(notebook))
    done = subprocess.run([*before, *GRADE], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(zip(HIDDEN, sorted(json.loads((folder / "r.json").read_text())["submissions"], key=lambda each: each["path"])))


@pytest.fixture(scope="module", params=["as it is", "without a cgroup"])
def results(request, tmp_path_factory):
    return graded(tmp_path_factory.mktemp("memory"), [] if request.param == "as it is" else WITHOUT)


@pytest.mark.parametrize("variant", HIDDEN)
def test_hidden_memory_is_found_or_refused(results, variant):
    [note] = results[variant]["notes"]
    assert "used more than 256 MiB of memory" in note or "PermissionError" in note
    assert results[variant]["points"] == FULL
