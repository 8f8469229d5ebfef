"""The sandbox around the template: what of this machine it may see. Made by bubblewrap (bwrap).

Only what Python and torch need is there, to be read: system libraries, this environment, and those of the grader's own files that
ask a probe. No solutions, no catalogue, nobody's home.
"""

import contextlib
import functools
import glob
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import course

GRADER = Path(__file__).parent.parent
COURSE = str(GRADER.parent)  # in its own folder, with solutions/ and exercises/; where it is installed, other packages lie there
PYTHON = os.path.abspath(sys.executable)  # a folder named on the way there, as in ../.venv/bin/python, need not be in the sandbox
INSIDE = (  # of the grader's files: what a kernel runs
    "__init__.py", "learner.py", "asking.py", "bench.py", "flags.py", "lent.py", "operations.py", "rounds.py", "sources.py", "state.py", "texts.py", "watch.py", "wire.py",
    "kernels/__init__.py", "kernels/cgroup.py", "kernels/clock.py", "kernels/confine.py", "kernels/gpu.py", "kernels/inside.py", "kernels/kernel.py",
    "kernels/limits.py", "kernels/memory.py", "kernels/template.py",
)  # fmt: skip
LIBRARIES = ("bin", "sbin", "lib", "lib32", "lib64", "libexec", "include", "share", "etc", "ssl")  # where programs and libraries lie, in a system or an environment
SYSTEM = (
    *(f"{root}/{name}" for root in ("/usr", "/usr/local") for name in LIBRARIES),
    "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives",
)  # fmt: skip
GPU_SYSTEM = ("/sys/bus/pci", "/sys/devices", "/sys/module/nvidia", "/sys/module/nvidia_uvm")  # where a driver looks for its devices
GPU_LIBRARIES = ("/usr/local/nvidia", "/usr/local/cuda*")
PACKAGES = ("torch", "numpy", "IPython", "ipykernel", "jupyter_client", "zmq", "matplotlib", "matplotlib_inline")
PRIVATE = "/private"  # the only folder that a notebook may write to; /tmp leads there
WORK = f"{PRIVATE}/work"  # where it finds itself
KILLED = (-9, 128 + 9)  # bubblewrap itself, or what runs in it, by the machine

HOWTO = "Grading others' notebooks needs a sandbox, and {reason}. {cure} Or choose: --sandbox none (notebooks then run with your own rights)."
INSTALL = "Install bubblewrap (Debian or Ubuntu: sudo apt install bubblewrap)."
PERMIT = (  # words of bubblewrap's last line, and what helps; the last entry where nothing else fits
    (("No space left", "ENOSPC"), "Allow more user namespaces: sudo sysctl user.max_user_namespaces=10000."),
    (("mount proc",), "Start the container so that it does not cover parts of /proc: --security-opt systempaths=unconfined (podman: unmask=ALL)."),
    (("uid map", "RTM_NEWADDR"), "Allow user namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0."),
    (
        ("",),
        "Allow user namespaces: in a container, start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined; elsewhere, "
        "sudo sysctl kernel.unprivileged_userns_clone=1 (Debian) or kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu).",
    ),
)


class NoSandbox(Exception):
    """There is no sandbox here. The message is one line with the cure."""


def pick_sandbox(wanted: str, paths: list[Path], required: bool = True) -> str:
    """ "bwrap" or "none" for "bwrap", "none" or "auto", to grade these files and folders.

    Raises NoSandbox where there is none, unless it is not asked for by name and either all paths lie in the course's own exercises/ and
    solutions/ or it is not `required`.
    """
    if wanted == "none":
        return "none"
    own = [course.ROOT / folder for folder in ("exercises", "solutions")]
    try:
        require()
    except NoSandbox:
        if wanted == "auto" and (not required or all(any(path.resolve().is_relative_to(folder) for folder in own) for path in paths)):
            return "none"
        raise
    return "bwrap"


@functools.cache
def require():
    """Raises NoSandbox unless bubblewrap works here, namespaces within its own included."""
    if sys.platform != "linux":
        raise NoSandbox(HOWTO.format(reason="bubblewrap is for Linux only", cure="Use a Linux machine, a virtual one for example."))
    if not shutil.which("bwrap"):
        raise NoSandbox(HOWTO.format(reason="bubblewrap is not installed", cure=INSTALL))
    trial = (
        "from grader.kernels import confine, limits; import os; confine.next_child_apart(); pid = os.fork(); "
        f"pid or (confine.separate(limits.Limits(), {PRIVATE!r}), os._exit(0)); confine.next_child_here(); os._exit(os.waitpid(pid, 0)[1] and 1)"
    )
    environment = {**os.environ, "PYTHONPATH": str(GRADER.parent)}
    for _ in range(2):
        code, said = _run([*command(cuda=False), PYTHON, "-c", trial], environment)
        if code not in KILLED:  # which says nothing of the sandbox
            break
    if code:
        last = (said.strip().splitlines() or ["no reason given"])[-1]
        cure = next(cure for words, cure in PERMIT if any(word in last for word in words))
        raise NoSandbox(HOWTO.format(reason=f"bubblewrap does not work here ({last})", cure=cure))


def _run(words, environment):
    """The exit code of a command, and what it wrote to standard error. What it leaves behind is ended: where bubblewrap is killed before its child is tied
    to it, that child would wait for ever, and who reads from it, too."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=environment, process_group=0)
        code = process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        said.seek(0)
        return code, said.read().decode("utf-8", "replace")


def command(cuda: bool) -> list[str]:
    """The words to put before a command so that it runs in the sandbox."""
    words = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    # for the template: to make kernels' namespaces, map their nobody to a 0 that may be a namespace's only user, see their memory, slow and end them
    capabilities = ["SYS_ADMIN", "SETFCAP", "SYS_PTRACE", "SYS_NICE", "KILL"]
    if os.geteuid() == 0:  # each kernel becomes nobody
        capabilities += ["SETUID", "SETGID"]
    else:
        words += ["--unshare-user", "--uid", "0", "--gid", "0"]  # else bubblewrap nests two user namespaces, and these rights hold in one
    words += ["--cap-drop", "ALL", *(word for name in capabilities for word in ("--cap-add", f"CAP_{name}"))]
    shown = _shown(cuda)
    within = [path for path in shown if _is_in(path, COURSE)]
    around = [path for path in shown if path not in within]
    words += _folders(shown)
    for path in around:
        words += ["--symlink", os.readlink(path), path] if _is_link_of_root(path) else ["--ro-bind", path, path]
    covered = [COURSE] if any(_is_in(COURSE, path) for path in around) and not course.INSTALLED else []
    for folder in covered:  # nothing of a checkout is seen but what follows
        words += ["--tmpfs", folder, *_folders(within)]
    for path in within:
        words += ["--ro-bind", path, path]
    hidden = [road for folder in (*covered, str(GRADER)) for road in _other_roads(folder, shown)]
    for road in hidden:
        words += ["--tmpfs", road]
    words += ["--tmpfs", str(GRADER), "--dir", str(GRADER / "kernels")]
    for name in INSIDE:
        words += ["--ro-bind", str(GRADER / name), str(GRADER / name)]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", PRIVATE]
    if not any(path.startswith("/tmp/") for path in (*shown, str(GRADER))):  # unless the course itself lies there
        words += ["--symlink", PRIVATE, "/tmp"]
    if not cuda:
        words += ["--dev-bind", "/dev/null", "/dev/zero"]  # mapped, it is memory that belongs to no process
    if cuda:
        for device in gpu_nodes():
            words += ["--dev-bind", device, device]
        words += ["--dir", "/sys", "--dir", "/sys/bus", "--dir", "/sys/module"]
        for path in filter(os.path.exists, GPU_SYSTEM):
            words += ["--ro-bind", path, path]
    locked = (word for folder in (*covered, *hidden, str(GRADER), "/dev", "/") for word in ("--remount-ro", folder))
    return [*words, *locked, "--chdir", PRIVATE, "--"]


def seen(names: list[str]) -> list[str]:
    """Files of these names, and of the catalogue, that can be found from within the sandbox."""
    walk = (
        "import os, sys\n"
        "for folder, folders, files in os.walk('/'):\n"
        "    if folder == '/': folders[:] = set(folders) - {'proc', 'sys', 'dev'}\n"
        "    print(*(os.path.join(folder, file) for file in files if file in sys.argv[2:] or folder.startswith(sys.argv[1])), sep='\\n', end='\\n')\n"
    )
    done = subprocess.run([*command(cuda=False), PYTHON, "-c", walk, str(GRADER / "catalogue"), *names], capture_output=True, encoding="utf-8", errors="replace")
    return [line for line in done.stdout.splitlines() if line]


def gpu_nodes() -> list[str]:
    """The files through which GPUs are reached: Linux's own, and that of Linux on Windows."""
    return glob.glob("/dev/nvidia*") + glob.glob("/dev/dxg")


def gpu_groups() -> list[int]:
    """Groups whose members may use GPUs, where others may not; but not root's."""
    return sorted({os.stat(node).st_gid for node in gpu_nodes()} - {0})


def _folders(paths) -> list[str]:
    """The words that make the folders on the way to paths: those that bubblewrap makes by itself, only root could pass through."""
    folders = {str(parent) for path in (*paths, GRADER) for parent in Path(path).parents} - {"/"}
    return [word for folder in sorted(folders) for word in ("--dir", folder)]


def _other_roads(folder, shown) -> list[str]:
    """The paths by which a folder could be reached beside its own: an environment's lib64, say, is a link to its lib."""
    real, roads = os.path.realpath(folder), set()
    for path in shown:
        if _is_in(real, os.path.realpath(path)) and not _is_link_of_root(path):
            roads.add(os.path.normpath(os.path.join(path, os.path.relpath(real, os.path.realpath(path)))))
    return sorted(roads - {folder})


def _is_link_of_root(path) -> bool:
    """Whether a path such as /bin is a link, and is one in the sandbox, too."""
    return os.path.islink(path) and path.count("/") == 1


def _is_in(path, folder) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _shown(cuda) -> list[str]:
    """What is to be seen of the system, and of this Python and its packages, with the links that lead to its program; outer folders first.

    Of an environment, only its libraries: it may be that of a folder in which other things lie, such as the course's.
    """
    system = [path for pattern in (*SYSTEM, *(GPU_LIBRARIES if cuda else ())) for path in glob.glob(pattern)]
    folders = {f"{prefix}/{name}" for prefix in (sys.prefix, sys.base_prefix) for name in (*LIBRARIES, "pyvenv.cfg")}
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        folders.add(str(Path(found.origin).parents[1]))
    link = PYTHON
    while os.path.islink(link):
        folders.add(link)
        link = os.path.join(os.path.dirname(link), os.readlink(link))
    folders.add(link)
    kept = []
    for path in sorted(filter(os.path.exists, map(os.path.abspath, folders)), key=len):
        if not any(_is_in(path, other) for other in (*kept, *system)):
            kept.append(path)
    return [*system, *kept]
