"""An IPython kernel in a process that was forked from the template: ipykernel's, without what a fork has no use for.

All of its start that needs no sockets and no threads is done once, in the template (`prepare`): a kernel is served 0.02 s after its fork.
"""

import _thread
import functools
import os
import subprocess
import sys
import threading

import zmq
from IPython.core.application import BaseIPythonApplication
from ipykernel.iostream import OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.parentpoller import ParentPollerUnix, ParentPollerWindows
from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets.config import Config
from zmq.eventloop.zmqstream import ZMQStream

CHANNELS = ("shell", "iopub", "stdin")  # control has nothing to say: signals interrupt and end a kernel
PORTS = {channel: number + 1 for number, channel in enumerate(CHANNELS)}
WATCHES = ParentPollerUnix, ParentPollerWindows  # threads of ipykernel's, where it has any, that end a kernel whose grader is gone


class Shell(ZMQInteractiveShell):
    """Jupyter's shell, but for `exit` and `quit`: a notebook is graded to its end, wherever they stand in it."""

    def _update_exit_now(self, change):
        """Nothing ends here."""


class _ForkedShell(Shell):
    """One that may be confined."""

    def system_piped(self, cmd):
        """`!cmd`, without a terminal: that would take a session of its own, which the sandbox does not give (see confine)."""
        if cmd.rstrip().endswith("&"):
            raise OSError("Background processes not supported.")  # IPython's words
        words = {"shell": True, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(self.var_expand(cmd, depth=1), **words) as process:
            try:
                for part in iter(lambda: process.stdout.read1(2**16), b""):
                    sys.stdout.write(part.decode(errors="replace"))
            except BaseException:
                process.kill()
                raise
        self.user_ns["_exit_code"] = process.returncode

    system = system_piped


class Stream(OutStream):
    """ipykernel's, but to flush it when there is nothing to send waits for no thread: every answer that is published asks for it, twice."""

    _unsent = False

    def write(self, string):
        self._unsent = True
        return super().write(string)

    def flush(self):
        if self._unsent:
            self._unsent = False
            super().flush()


class _NoThread:
    """Stands where ipykernel keeps the thread of its shell channel: the main thread reads it."""

    parent_thread = threading.main_thread()

    def __bool__(self):
        return False


class _Kernel(IPythonKernel):
    """ipykernel's own, with one thread for all it is asked."""

    _supports_kernel_subshells = False


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
        kernel = self.kernel = _Kernel.instance()
        kernel.shell_stream = ZMQStream(self.shell_socket)
        kernel.stdin_socket, kernel.iopub_socket, kernel.iopub_thread = self.stdin_socket, self.iopub_socket, self.iopub_thread
        kernel._stdout, kernel._stderr = sys.stdout, sys.stderr
        kernel.shell.displayhook.pub_socket = kernel.shell.display_pub.pub_socket = self.iopub_socket
        kernel.shell_channel_thread = _NoThread()
        self.displayhook.get_execution_count = lambda: kernel.execution_count

    def _try_bind_socket(self, s, port):
        s.setsockopt(zmq.USE_FD, self.listening[port])
        return super()._try_bind_socket(s, port)


def settings() -> Config:
    """What every kernel is set to: it keeps no history, and makes no pause before a reply."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    config.IPKernelApp.capture_fd_output = False
    config.IPKernelApp.outstream_class = f"{__name__}.{Stream.__name__}"
    config.Kernel._execute_sleep = 0
    return config


def prepare():
    """Do what can be done before the fork."""
    app = ForkedKernelApp.instance(config=settings(), transport="ipc", ip="kernel", **{f"{name}_port": port for name, port in PORTS.items()})
    BaseIPythonApplication.initialize(app, [])
    _Kernel.instance(shell_class=_ForkedShell, parent=app, session=app.session, log=app.log, profile_dir=app.profile_dir)


def _from_main_thread_only(end, kernel: int):
    """A way to end this process, which a thread that the notebook left behind, such as a timer's, cannot take: it would hit just any probe.
    What it ends is itself."""

    @functools.wraps(end)
    def end_or_leave(*arguments):
        others = end.__name__ == "kill" and arguments[:1] != (kernel,)
        thread = threading.current_thread()
        if others or os.getpid() != kernel or thread is threading.main_thread() or isinstance(thread, WATCHES):
            return end(*arguments)
        raise SystemExit

    return end_or_leave


def end_from_main_thread_only():
    """See that no thread but the main one can end this process, a kernel, or interrupt it."""
    for module, name in ((os, "_exit"), (os, "abort"), (os, "kill"), (_thread, "interrupt_main")):
        setattr(module, name, _from_main_thread_only(getattr(module, name), os.getpid()))


def serve(key: str, sockets: list[int], started=None):
    """Be a kernel until killed. sockets: listening Unix sockets, one for each of CHANNELS. started() is called when it is up."""
    app = ForkedKernelApp.instance()
    app.listening = dict(zip(PORTS.values(), sockets))
    app.session.key, app.session.pid = key.encode(), os.getpid()
    app.initialize([])
    end_from_main_thread_only()
    if started:
        started()
    app.start()
