"""`make bench`: all measurements, one after the other, into benchmarks/results/. Takes most of an hour; let the machine do nothing else.

--quick runs a small part of each, prints it, and keeps no results.
"""

import argparse
import json
from pathlib import Path

from rich.console import Console

from . import class_run, doors, fuzz, versus
from .machine import machine

RESULTS = Path(__file__).parent / "results" / "results.json"


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
