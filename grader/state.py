"""The state of a process while a probe is asked: the same for everyone, whatever a notebook has set; afterwards it is as it was."""

import random
import sys
import warnings
from contextlib import contextmanager

import numpy as np
import torch


def _default_device():
    try:
        place = torch.get_default_device()
    except Exception:  # a device that this machine has not
        return None
    return None if place.type == "cpu" else place


_SETTINGS = (  # how to read it, how to set it, and what it is for a probe
    (_default_device, torch.set_default_device, None),
    (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    (torch.get_num_threads, torch.set_num_threads, 1),  # tensors this small only make threads wait for each other
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, "default"),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False),
    (lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on), False),
    (np.geterr, lambda handling: np.seterr(**handling), {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}),
    (sys.getrecursionlimit, sys.setrecursionlimit, 3000),  # Jupyter's
)


def reading() -> dict:
    """What a candidate has no business to change, by its name."""
    return {
        "the default device": _default_device(), "the default dtype": torch.get_default_dtype(), "the number of threads": torch.get_num_threads(),
        "whether gradients are recorded": torch.is_grad_enabled(), "deterministic algorithms": torch.get_deterministic_debug_mode(),
        "the seed of torch's generator": torch.initial_seed(),
    }  # fmt: skip


@contextmanager
def defaults():
    """A block with torch's and NumPy's defaults, gradients and no warnings."""
    before = [get() for get, _, _ in _SETTINGS]
    with torch.inference_mode(False), torch.enable_grad(), warnings.catch_warnings(action="ignore"):
        try:
            for _, set_to, known in _SETTINGS:
                set_to(known)
            yield
        finally:
            for (_, set_to, _), value in zip(_SETTINGS, before):
                set_to(value)


@contextmanager
def seeded(seed: int, device: str):
    """A block with `defaults`, whose global random generators start from a seed."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with defaults(), torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which seeds every GPU, too
        for each in devices:
            torch.cuda.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
