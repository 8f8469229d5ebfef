"""An IPython kernel in a process that was forked from the template: ipykernel's, without what a fork has no use for.

The half of its start that needs no sockets and no threads is done once, in the template.
"""

import zmq
from IPython.core.application import BaseIPythonApplication
from ipykernel.compiler import XCachingCompiler
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets.config import Config

CHANNELS = ("shell", "iopub", "stdin", "control")
PORTS = {channel: number + 1 for number, channel in enumerate(CHANNELS)}


class _Prepared(BaseIPythonApplication):
    """Between ipykernel's application and IPython's: the latter's part of `initialize` has been done before."""

    def initialize(self, argv=None):
        """Nothing is left to do (see prepare)."""


class ForkedKernelApp(IPKernelApp, _Prepared):
    """Serves on sockets that were opened for it, reads no files, and starts no thread that it can do without."""

    listening: dict[int, int] = {}  # a channel's port to the file descriptor of its listening socket

    def init_crash_handler(self):
        """An error is the supervisor's to notice."""

    def init_connection_file(self):
        """The connection was handed over."""

    def write_connection_file(self, **_):
        """Nobody needs to be told."""

    def log_connection_info(self):
        """Nor here."""

    def init_heartbeat(self):
        """The supervisor knows whether the kernel lives."""

    def init_poller(self):
        """The supervisor ends the kernel; no parent needs watching."""

    def init_control(self, context):
        super().init_control(context)
        self.shell_channel_thread = None  # without subshells the main thread reads the shell channel itself

    def init_shell(self):
        super().init_shell()
        self.shell.kernel = self.kernel

    def _try_bind_socket(self, s, port):
        s.setsockopt(zmq.USE_FD, self.listening[port])
        return super()._try_bind_socket(s, port)


def prepare():
    """Do what can be done before the fork."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    config.IPKernelApp.capture_fd_output = False
    config.Kernel._execute_sleep = 0  # a pause before each reply, for slow terminals
    ports = {f"{channel}_port": port for channel, port in PORTS.items()}
    app = ForkedKernelApp.instance(config=config, transport="ipc", ip="kernel", hb_port=len(CHANNELS) + 1, **ports)
    BaseIPythonApplication.initialize(app, [])
    ZMQInteractiveShell.instance(parent=app, profile_dir=app.profile_dir, compiler_class=XCachingCompiler)


def serve(key: str, sockets: list[int], started=None):
    """Be a kernel until killed. sockets: listening Unix sockets, one for each of CHANNELS. started() is called when it is up."""
    app = ForkedKernelApp.instance()
    app.listening = dict(zip(PORTS.values(), sockets))
    app.session.key = key.encode()
    app.initialize([])
    if started:
        started()
    app.start()
