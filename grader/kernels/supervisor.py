"""The process between the template and a kernel: it confines the kernel, watches it, and ends it with all that it started.

Its lifeline is a socket to the grader. From there: b"interrupt". To there: b"born" at once, b"memory" when the kernel used too much, and the end of
the connection when the kernel is gone; b"failed: ..." where none could be started. When the grader's end closes, the kernel is ended.
"""

import os
import select
import signal
import socket

from . import confine, kernel
from .limits import MIB, Limits

WATCH = 0.1  # seconds between looks at the memory in use


def supervise(request: dict, sockets: list[int], lifeline: socket.socket):
    """Become a kernel's supervisor; never returns. request: key, folder, limits, confined and cuda (see Template.fork)."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        lifeline.send(b"born")
        limits = Limits(**request["limits"])
        if request["confined"]:
            confine.separate()
            if os.fork():
                os._exit(0)
            confine.furnish(limits)
            confine.renounce()
        else:
            confine.prctl(confine.PR_SET_CHILD_SUBREAPER, 1)
            confine.prctl(confine.PR_SET_PDEATHSIG, signal.SIGKILL)
        child = os.fork()
        if child == 0:
            lifeline.close()
            _be_kernel(request, limits, sockets)
        for descriptor in sockets:
            os.close(descriptor)
        _watch(child, limits, lifeline)
    except Exception as error:
        lifeline.send(f"failed: {error}".encode())
    finally:
        os._exit(1)


def _be_kernel(request, limits, sockets):
    folder = request["folder"]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    os.environ.update(HOME=folder, IPYTHONDIR=f"{folder}/.ipython", TMPDIR=folder)
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    confine.prctl(confine.PR_SET_DUMPABLE, 1)  # the supervisor looks into its memory, and nobody else is there to
    confine.limit(limits, request["confined"], request["cuda"])
    if request["confined"]:
        confine.refuse_system_calls(request["cuda"])
    kernel.serve(request["key"], sockets)


def _watch(child, limits, lifeline):
    """Until the kernel or the lifeline ends, or memory runs out; then end everything that is left."""
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    bound = _resident([child]) + limits.memory * MIB
    poller = select.poll()
    poller.register(lifeline, select.POLLIN)
    poller.register(wake_reader, select.POLLIN)
    alive = True
    while alive:
        for ready, _ in poller.poll(1000 * WATCH):
            if ready == wake_reader:
                os.read(wake_reader, 4096)
                alive = alive and not _reap(child)
            elif lifeline.recv(64) == b"interrupt":
                os.kill(child, signal.SIGINT)
            else:
                alive = False
        if alive and _exceeds(bound):
            lifeline.send(b"memory")
            alive = False
    while left := _descendants():
        for pid in left:
            _kill(pid)
        _reap(child)


def _reap(child) -> bool:
    """Bury the dead; whether the kernel is among them."""
    dead = False
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return dead
        dead |= pid == child


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _descendants() -> list[int]:
    """The kernel and all that it started: orphans become children of this process."""
    found, left = [], [os.getpid()]
    while left:
        try:
            with open(f"/proc/{(pid := left.pop())}/task/{pid}/children") as children:
                new = [int(child) for child in children.read().split()]
        except OSError:  # it ended meanwhile
            continue
        found += new
        left += new
    return found


def _exceeds(bound) -> bool:
    """Whether the memory in use is over the bound. Pages shared with the template are counted only where the quick sum alarms."""
    pids = _descendants()
    return _resident(pids) > bound and sum(_figure(pid, "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")) for pid in pids) > bound


def _resident(pids) -> int:
    return sum(_figure(pid, "status", ("RssAnon:", "RssShmem:")) for pid in pids)


def _figure(pid, file, names) -> int:
    """The sum of some lines of a file in /proc, in bytes; 0 for a process that has ended."""
    try:
        with open(f"/proc/{pid}/{file}") as lines:
            return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))
    except OSError:
        return 0
