"""What figures were taken on."""

import os
import platform
import time
from pathlib import Path


def machine() -> dict:
    """Processor, cores, memory, system, Python, and the day."""
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("model name")), "")
    memory = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]) / 2**20
    return {
        "processor": cpu or platform.machine(), "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.release()}", "python": platform.python_version(), "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip
