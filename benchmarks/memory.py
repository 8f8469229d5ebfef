"""What a running kernel costs: the memory of K kernels at once, each after `import torch`, divided by K.

PSS counts a page that n processes share as 1/n in each, so the sum over processes is the memory they take together. A process
that has mapped the same torch would take a part of it off the sum: whoever measures must not import torch.
"""

import json
import subprocess
import sys
from pathlib import Path

KERNELS = 4

# Run by the Python of the environment whose kernels are measured.
PLAIN = """
from jupyter_client.manager import start_new_kernel
kernels = [start_new_kernel() for _ in range(KERNELS)]
for _, client in kernels:
    client.execute_interactive("import torch", timeout=120)
report()
for manager, client in kernels:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""

# Our kernels are forks of a template and share torch with it, and with the grader itself: both are counted in full.
OURS = """
from grader.kernels.sandbox import pick_sandbox
from grader.kernels.session import Session
from grader.kernels.warm import Setting
setting = Setting(pick_sandbox("auto", [], required=False))
sessions = [Session(setting) for _ in range(KERNELS)]
for session in sessions:
    session.run("import torch")
report(psutil.Process())
for session in sessions:
    session.stop()
"""

REPORT = f"""
import json, pathlib, psutil
KERNELS = {KERNELS}

def pss(process):
    lines = pathlib.Path(f"/proc/{{process.pid}}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

def report(*others):
    print("memory", json.dumps([pss(process) for process in (*psutil.Process().children(recursive=True), *others)]))
"""


def of_kernels(python: Path, script: str = PLAIN) -> float:
    """Bytes for each kernel: all processes below the one that started the kernels (ours: that one too), divided by KERNELS."""
    if "torch" in sys.modules:
        raise RuntimeError("measure memory before torch is imported: its pages would be shared with this process")
    done = subprocess.run([python, "-c", REPORT + script], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("memory "))
    return sum(json.loads(line.removeprefix("memory "))) / KERNELS
