"""Which device to grade on."""

import glob
import os
import sys


class DeviceError(Exception):
    """The device asked for is not there. The message is one line with the cure."""


def pick_device(wanted: str) -> str:
    """ "cpu" or "cuda" for "cpu", "cuda" or "auto". Raises DeviceError where CUDA is asked for and missing."""
    if wanted == "cpu" or (wanted == "auto" and sys.platform == "linux" and not glob.glob("/dev/nvidia*") + glob.glob("/dev/dxg")):
        return "cpu"
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # the other check would make CUDA unusable in forked processes
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise DeviceError("No CUDA device is available to torch. Use --device cpu, or see: python -m grader doctor")
    return "cpu"
