"""`make bench`: all measurements, one after the other, into benchmarks/results/. Takes most of an hour; let the machine do nothing else.

--quick runs a small part of each, prints it, and keeps no results.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

from rich.console import Console

from . import class_run, doors, fuzz, versus

RESULTS = Path(__file__).parent / "results" / "results.json"


def machine() -> dict:
    """What the figures were taken on."""
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if line.startswith("model name")), "")
    memory = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]) / 2**20
    return {
        "processor": cpu or platform.machine(), "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.release()}", "python": platform.python_version(), "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description="Measure the grader, beside other graders.")
    parser.add_argument("--quick", action="store_true", help="a look, no figures")
    quick = parser.parse_args().quick
    console = Console(highlight=False)
    results = {"machine": machine()}
    results["versus"] = versus.compare(count=3, repeats=1) if quick else versus.compare()
    versus.show(results["versus"], console)
    results["doors"] = doors.measure(repeats=3 if quick else 11)
    doors.show(results["doors"], console)
    results["class_run"] = class_run.measure(40 if quick else 1000)
    class_run.show(results["class_run"], console)
    if not quick:
        fuzz.mangle()
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8", newline="\n")
        console.print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
