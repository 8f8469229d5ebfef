"""Virtual environments for the peers, and running commands in them. Only the base below is shared, so that no peer's pins
meet another's. The peers are pinned; what they require in turn comes in the newest version they allow."""

import os
import subprocess
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BASE = ("torch==2.13.0", "numpy==2.4.6", "ipykernel==7.4.0")  # torch first and alone: it decides which build comes
CACHE = ".cache"


def environment(folder: Path, name: str, packages: tuple[str, ...]) -> Path:
    """A peer's environment under `folder`, made unless it is complete; the folder of its programs.

    A .pth file shows each peer the base's site-packages, so that torch lies on the disk once. A package that a peer wants
    in another version is installed into the peer's own site-packages, which Python searches first.
    """
    base = _made(folder / "base", BASE)
    return _made(folder / name, packages, sees=base)


def _made(folder, packages, sees=None):
    programs, marker = folder / "bin", folder / "complete.txt"
    wanted = "\n".join(packages)
    if not marker.exists() or marker.read_text(encoding="utf-8") != wanted:
        venv.create(folder, clear=True, with_pip=True)
        if sees:
            (_site_packages(programs) / "base.pth").write_text(f"{_site_packages(sees)}\n", encoding="utf-8")
        for package in packages:
            subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", package], check=True)
        marker.write_text(wanted, encoding="utf-8")
    return programs


def _site_packages(programs) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.check_output([programs / "python", "-c", code], encoding="utf-8").strip())


def run(command: list, cwd: Path, timeout: float | None = None):
    """Run a command; its exit code is not looked at (a failed check is one to some peers), its output is kept beside its files.

    The environment is as if activated (nbgrader calls alembic by name); the user's own Jupyter and caches are out of sight.
    """
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    folders = {f"JUPYTER_{kind}_DIR": str(cwd / ".jupyter" / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    env = {**os.environ, **folders, "PATH": path, "XDG_CACHE_HOME": str(cwd / CACHE)}
    with open(cwd / "output.txt", "ab") as output:
        try:
            subprocess.run(list(map(str, command)), cwd=cwd, timeout=timeout, env=env, stdout=output, stderr=output)
        except subprocess.TimeoutExpired:
            output.write(b"killed: out of time\n")


def seconds(jobs: int, work, *arguments) -> float:
    """The seconds it takes to do `work` for all arguments, `jobs` at a time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(work, *arguments))
    return time.perf_counter() - start
