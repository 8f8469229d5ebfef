"""An IPython kernel in a process that was forked from the template: ipykernel's, without what a fork has no use for.

All of its start that needs no sockets and no threads is done once, in the template (`prepare`): a kernel is served 0.02 s after its fork.
"""

import os
import sys

import zmq
from IPython.core.application import BaseIPythonApplication
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets.config import Config
from zmq.eventloop.zmqstream import ZMQStream

CHANNELS = ("shell", "iopub", "stdin")  # control has nothing to say: signals interrupt and end a kernel
PORTS = {channel: number + 1 for number, channel in enumerate(CHANNELS)}


class _Prepared(BaseIPythonApplication):
    """Stands between ipykernel's application and IPython's, whose part of `initialize` is done before the fork."""

    def initialize(self, argv=None):
        """Nothing is left to do."""


class ForkedKernelApp(IPKernelApp, _Prepared):
    """Serves on sockets that were opened for it, reads no files, and starts one thread only, for its output."""

    listening: dict[int, int] = {}  # a channel's port to the file descriptor of its listening socket

    def init_crash_handler(self):
        """The template sees a kernel end."""

    def init_connection_file(self):
        """The connection was handed over."""

    def write_connection_file(self, **_):
        """Nobody needs to be told."""

    def log_connection_info(self):
        """Nor here."""

    def init_heartbeat(self):
        """The template knows whether the kernel lives."""

    def init_poller(self):
        """The template ends the kernel; no parent needs watching."""

    def init_control(self, context):
        """No control channel, and no thread for subshells: the main thread reads the shell channel."""

    def init_kernel(self):
        """Give the kernel made before the fork its sockets."""
        kernel = self.kernel = IPythonKernel.instance()
        kernel.shell_stream = ZMQStream(self.shell_socket)
        kernel.stdin_socket, kernel.iopub_socket, kernel.iopub_thread = self.stdin_socket, self.iopub_socket, self.iopub_thread
        kernel._stdout, kernel._stderr = sys.stdout, sys.stderr
        kernel.shell.displayhook.pub_socket = kernel.shell.display_pub.pub_socket = self.iopub_socket
        self.displayhook.get_execution_count = lambda: kernel.execution_count

    def _try_bind_socket(self, s, port):
        s.setsockopt(zmq.USE_FD, self.listening[port])
        return super()._try_bind_socket(s, port)


def prepare():
    """Do what can be done before the fork."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    config.IPKernelApp.capture_fd_output = False
    config.Kernel._execute_sleep = 0  # a pause before each reply
    app = ForkedKernelApp.instance(config=config, transport="ipc", ip="kernel", **{f"{name}_port": port for name, port in PORTS.items()})
    BaseIPythonApplication.initialize(app, [])
    IPythonKernel.instance(parent=app, session=app.session, log=app.log, profile_dir=app.profile_dir)


def serve(key: str, sockets: list[int], started=None):
    """Be a kernel until killed. sockets: listening Unix sockets, one for each of CHANNELS. started() is called when it is up."""
    app = ForkedKernelApp.instance()
    app.listening = dict(zip(PORTS.values(), sockets))
    app.session.key, app.session.pid = key.encode(), os.getpid()
    app.initialize([])
    if started:
        started()
    app.start()
