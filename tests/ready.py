"""The command line at once: a process that has imported everything and started the sandbox forks for each call, as the grader does for its kernels.

Most of a short call's time would else go into imports. The code that runs is the same; what depends on a process's start (its environment, its
path) is tested in one of its own. As a program, this module is the process that forks.
"""

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

_SIZE = 2**17
_lock = threading.Lock()
_running: list[tuple[subprocess.Popen, socket.socket]] = []


def call(arguments: list[str], cwd, timeout: float, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run `python -m grader` with arguments; its output as text."""
    request = {"arguments": arguments, "cwd": str(cwd), "environment": env}
    with _lock, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        process, control = _process()
        control.settimeout(timeout)
        socket.send_fds(control, [json.dumps(request).encode()], [out.fileno(), error.fileno()])
        try:
            code = int(control.recv(_SIZE))
        except (TimeoutError, ValueError):  # it hangs, or has ended: the next call gets another
            process.kill()
            _running.clear()
            raise
        texts = [each.seek(0) or each.read().decode("utf-8", "replace") for each in (out, error)]
    return subprocess.CompletedProcess(arguments, code, *texts)


def _process():
    if not _running:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, "-m", __name__, str(theirs.fileno())]
            _running.append((subprocess.Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL), ours))
        atexit.register(stop)
    return _running[0]


def pids() -> set[str]:
    """The process that forks, if it runs."""
    return {str(process.pid) for process, _ in _running}


def stop():
    while _running:
        process, control = _running.pop()
        control.close()
        process.wait()


def _serve(control):
    from grader import __main__, device, doctor, digits, running, workers  # noqa: F401  (here and below: what a call imports)
    from grader.kernels import sandbox, warm
    from grader.reports import console, html, machine  # noqa: F401

    workers._import_all()
    if shutil.which("bwrap"):
        warm.template(warm.Setting("bwrap"))
    while True:
        text, files, _, _ = socket.recv_fds(control, _SIZE, 2)
        if not text:
            return
        child = os.fork()
        if child == 0:
            control.close()
            _answer(__main__.main, json.loads(text), files)
        for each in files:
            os.close(each)
        _, status = os.waitpid(child, 0)
        control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _answer(main, request, files):
    """The call, in a process of its own that ends with it."""
    code = 1
    try:
        for number, each in enumerate(files, 1):
            os.dup2(each, number)
            os.close(each)
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False) for number in (1, 2))
        os.environ.clear()
        os.environ.update(request["environment"])
        tempfile.tempdir = None
        os.chdir(request["cwd"])
        code = main(request["arguments"])
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
