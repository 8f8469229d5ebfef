"""What a kernel's process finds in its environment: enough to compute as the grader does, and nothing of whoever grades."""

import os
import site

from . import sandbox

ARITHMETIC = ("ATEN_", "BLIS_", "CUBLAS_", "CUDNN_", "DNNL_", "MKL_", "NPY_", "NVIDIA_TF32_", "ONEDNN_", "OPENBLAS_", "PYTORCH_TUNABLEOP_", "TORCH_")


def arithmetic() -> dict[str, str]:
    """Variables of the environment by which torch, NumPy and their libraries choose how to compute. They hold for answers and for references."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(ARITHMETIC) and not name.endswith("_NUM_THREADS")}


def of_kernel(home: str) -> dict:
    """A kernel's environment: enough to import torch, no secrets, the grader's own arithmetic, one thread for each library, and the mark that
    grading is going on."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "SYSTEMROOT", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
    path = filter(None, (str(sandbox.GRADER.parent), os.environ.get("PYTHONPATH")))
    own = {"HOME": home, "IPYTHONDIR": home, "MPLCONFIGDIR": home, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    own["LOGNAME"] = "learner"  # torch 2.11 asks for the user's name when it is imported, and no file in a sandbox knows one
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    user = {"PYTHONUSERBASE": site.USER_BASE} if site.ENABLE_USER_SITE else {}  # packages installed with --user, of which another HOME knows nothing
    fixed = {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1", "LINEAR_GRADER": "1"}
    return {**{name: os.environ[name] for name in kept if name in os.environ}, **arithmetic(), **own, **threads, **user, **fixed}


def of_device(device: str) -> dict:
    """What a process that computes on this device has in its environment besides."""
    if device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": ""}  # a notebook that takes a GPU where it finds one is graded alike on all machines
    blocking = {"CUDA_LAUNCH_BLOCKING": "1"}  # an error is raised where it is made
    exact = {"NVIDIA_TF32_OVERRIDE": "0", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}  # all bits of a float32; deterministic algorithms, for who asks for them
    return {**blocking, **exact, "CUDA_CACHE_DISABLE": "1"}  # a private folder holds no driver's files
