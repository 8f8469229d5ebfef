"""What a running kernel costs: what K kernels at once, each after `import torch`, take more than none, divided by K.

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
before = total()
kernels = [start_new_kernel() for _ in range(KERNELS)]
for _, client in kernels:
    client.execute_interactive("import torch", timeout=120)
report(before)
for manager, client in kernels:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""

# Our kernels are forks of a template, which is there before the first and after the last; so is the grader.
OURS = """
import time
from grader.kernels.sandbox import pick_sandbox
from grader.kernels.session import Session
from grader.kernels.warm import Setting
setting = Setting(pick_sandbox("auto", [], required=False))
Session(setting).stop()
time.sleep(1)
before = total()
sessions = [Session(setting) for _ in range(KERNELS)]
for session in sessions:
    session.run("import torch")
report(before)
for session in sessions:
    session.stop()
"""

REPORT = f"""
import json, pathlib, psutil
KERNELS = {KERNELS}

def pss(process):
    lines = pathlib.Path(f"/proc/{{process.pid}}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

def total():
    return sum(pss(process) for process in (*psutil.Process().children(recursive=True), psutil.Process()))

def report(before):
    print("memory", json.dumps({{"kernel": (total() - before) / KERNELS, "fixed": before}}))
"""


def of_kernels(python: Path, script: str = PLAIN) -> dict:
    """Bytes: `kernel`, for each kernel; `fixed`, of the process that starts them and of what it keeps for them."""
    if "torch" in sys.modules:
        raise RuntimeError("measure memory before torch is imported: its pages would be shared with this process")
    done = subprocess.run([python, "-c", REPORT + script], capture_output=True, encoding="utf-8", check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("memory "))
    return json.loads(line.removeprefix("memory "))
