"""The process that kernels are forked from. It has imported everything, started no thread, and run nobody's code.

It reads requests from the socket whose number is its first argument: a JSON datagram, with the kernel's listening sockets and its
lifeline as file descriptors. When that socket closes, it ends.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys

import matplotlib.pyplot  # noqa: F401  (what learners import, so that no kernel need)
import matplotlib_inline.backend_inline  # noqa: F401
import numpy  # noqa: F401
import torch
import torch.fx.experimental.symbolic_shapes  # noqa: F401  (the first backward pass imports it, and half a second with it)
from ipykernel import debugger  # noqa: F401  (imported late, it costs every kernel a quarter of a second)

from .. import asking
from . import inside  # noqa: F401
from .kernel import CHANNELS, prepare, serve
from .supervisor import supervise

MAX_REQUEST = 65536


def main(control: socket.socket):
    """Serve until the grader is gone."""
    prepare()
    _rehearse()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for: their lifelines tell of them
    gc.collect()
    gc.freeze()  # the collector leaves what is here alone, and so shared with all kernels
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        sys.exit(f"the template has {threads} threads; a fork of it would not be safe")
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, len(CHANNELS) + 1)
        if not text:
            return
        if os.fork() == 0:
            control.close()
            supervise(json.loads(text), descriptors[:-1], socket.socket(fileno=descriptors[-1]))
        for descriptor in descriptors:
            os.close(descriptor)


def _rehearse():
    """Import what a kernel imports while it starts, and warm up what the asking of probes uses.

    A child starts as a kernel and tells which modules that took.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        before = set(sys.modules)
        sockets = [socket.socket(socket.AF_UNIX) for _ in CHANNELS]
        for number, listening in enumerate(sockets):
            listening.bind(f"\0{os.getpid()}-{number}")
            listening.listen()
        tell = lambda: (os.write(writer, " ".join(set(sys.modules) - before).encode()), os._exit(0))  # noqa: E731
        serve("rehearsal", [listening.fileno() for listening in sockets], started=tell)
    os.close(writer)
    with open(reader) as names:
        for name in names.read().split():
            try:
                importlib.import_module(name)
            except ImportError:  # a module's alias, or one that only a running kernel can import
                pass
    os.waitpid(child, 0)

    def probe(candidate, bench):
        return candidate(bench.randn(2, 3), bench.array(2))

    with torch.no_grad():  # a backward pass may start threads
        asking.ask(probe, lambda x, y: (x @ x.T, y + y), 0, "cpu", ("torch.nn.functional.linear",))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
