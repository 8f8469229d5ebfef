"""Which device to grade on. A GPU is used only where a trial says that it can be: as in grading, a process computes something on it,
and so does a kernel of that process, in its sandbox."""

import functools
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass

from .kernels.limits import MIB, Limits
from .kernels.sandbox import GRADER
from .kernels.scratch import Folder
from .kernels.environment import of_device
from .kernels.warm import Setting

TRIAL = 300.0  # seconds that the trial may take: it imports torch twice, and a driver that sleeps takes its time
OWN = 1024 * MIB  # of the GPU's memory that a notebook takes before it asks for any: two processes' contexts, and their libraries
GIB = 1024 * MIB


class DeviceError(Exception):
    """The device asked for cannot be used. The message is one line with the cure."""


@dataclass(frozen=True)
class Gpu:
    """A GPU that can be graded on. free, total: bytes of its memory."""

    name: str
    free: int
    total: int

    def __str__(self):
        return f"{self.name}, {self.free / GIB:.1f} of {self.total / GIB:.1f} GiB free"


def pick_device(wanted: str, sandbox: str, limits: Limits) -> str:
    """ "cpu" or "cuda" for "cpu", "cuda" or "auto"; "auto" that comes to the CPU says why. Raises DeviceError for a "cuda" that cannot be used."""
    if wanted == "cpu":
        return "cpu"
    try:
        try_gpu(Setting(sandbox, "cuda", limits))
    except DeviceError as reason:
        if wanted == "cuda":
            raise DeviceError(f"--device cuda: {reason} Use --device cpu, or see: python -m grader doctor") from None
        print(f"Graded on the CPU: {reason}", file=sys.stderr)
        return "cpu"
    return "cuda"


def most_jobs(setting: Setting) -> int:
    """How many notebooks the GPU has memory for at a time."""
    memory = setting.limits.memory * MIB
    return 1 + int((try_gpu(setting).free - memory) // (memory + OWN))


@functools.cache
def try_gpu(setting: Setting) -> Gpu:
    """The GPU, if notebooks can be graded on it in this setting. Raises DeviceError. Nothing of CUDA is touched in this process, which
    may have to fork; what it finds, the forks know."""
    import torch

    if not torch.backends.cuda.is_built():
        raise DeviceError("the installed torch is built without CUDA.")
    path = os.pathsep.join(filter(None, (str(GRADER.parent), os.environ.get("PYTHONPATH"))))
    with Folder() as folder:
        environment = {**os.environ, **of_device("cuda"), "PYTHONPATH": path, "TMPDIR": folder}
        words = [sys.executable, "-m", "grader.device", json.dumps(asdict(setting))]
        try:
            done = subprocess.run(words, cwd=GRADER.parent, env=environment, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=TRIAL)
        except subprocess.TimeoutExpired:
            raise DeviceError(f"the GPU did not answer within {TRIAL:.0f} s.") from None
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise DeviceError(f"a trial of the GPU ended with code {done.returncode} ({last[:160]}).") from None
    if "reason" in said:
        raise DeviceError(f"{said['reason'].rstrip('.')}.")
    found = Gpu(**said)
    if found.free < setting.limits.memory * MIB:
        raise DeviceError(f"a notebook may take {setting.limits.memory:g} MiB of the GPU's memory, which are not free ({found}): see --limit memory=.")
    return found


def _trial(setting: Setting) -> dict:
    """Use the GPU as a worker and its kernel do, at the same time: some can be used by one process only."""
    import torch

    from .kernels import gpu, warm
    from .kernels.messages import KernelUnavailable
    from .kernels.session import Session

    try:
        gpu.meet(setting.limits.memory)
        with Session(setting):
            return asdict(Gpu(torch.cuda.get_device_name(), *torch.cuda.mem_get_info()))
    except KernelUnavailable as error:
        return {"reason": str(error.__cause__)}
    except Exception as error:
        return {"reason": f"the GPU cannot be used: {gpu.words(error)}"}
    finally:
        warm.close_templates()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps(_trial(Setting(**{**given, "limits": Limits(**given["limits"])}))))
