"""The judge's input, mangled far more often than in the tests: `tests/test_fuzz.py` with hypothesis' profile "long" (see tests/conftest.py)."""

import subprocess
import sys
from pathlib import Path


def mangle():
    """Raises CalledProcessError where some answer ends in a fault; pytest shows it."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/test_fuzz.py", "--hypothesis-profile", "long"]
    subprocess.run(command, cwd=Path(__file__).parent.parent, check=True)
