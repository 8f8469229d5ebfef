"""A GPU of straw: torch as it is on a machine with a GPU, on one without. What is "on it" lies on the CPU; what it refuses is for a test to say.

A process has it whose PYTHONPATH leads to a `sitecustomize.py` made by `write`.
"""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
GIB = 2**30


def write(folder: Path, **settings) -> dict:
    """Have such a GPU in processes with the environment that is returned. settings: those of `set_up`."""
    folder.mkdir()
    (folder / "uses").touch()
    (folder / "sitecustomize.py").write_text(f"from tests.straw_gpu import set_up\nset_up({str(folder / 'uses')!r}, **{settings})", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def set_up(log: str, refuses: str = "nobody", words: str = "", free: int = 20):
    """Put it into torch. refuses: "nobody", "all", "kernels", or those who "grade" after the trial. free: GiB of 24.

    Each use is written to `log`: the process and its parent.
    """
    import torch

    class State:
        lost = ""  # what all further computations in this process answer
        used = False
        seeds = True
        fraction = 1.0

    state = State()
    state.free = free * GIB
    in_kernel = "LINEAR_GRADER" in os.environ

    def use(*_, **__):
        state.used = True
        before = {line.split()[0] for line in Path(log).read_text(encoding="utf-8").splitlines()}
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {os.getppid()}\n")
        late = str(os.getpid()) not in before and len(before) > 1  # after the trial's two processes
        if refuses == "all" or refuses == "kernels" and in_kernel or refuses == "grade" and late:
            state.lost = words
        if state.lost:
            raise torch.AcceleratorError(f"{state.lost}\nCUDA kernel errors might be asynchronously reported at some other API call.")

    def answering(value):
        return lambda *_, **__: (use(), value() if callable(value) else value)[1]

    def get_rng_state(*_):
        use()
        if not state.seeds:
            raise torch.AcceleratorError("CUDA error: unknown error")
        return torch.empty(0)

    def fail_an_assert():
        state.lost = "CUDA error: device-side assert triggered"
        use()

    def set_fraction(fraction, *_):
        use()
        state.fraction = fraction

    own = torch.Tensor.to

    def to(tensor, *args, **kwargs):
        if any(torch.device(each).type == "cuda" for each in (*args, *kwargs.values()) if isinstance(each, (str, torch.device))):
            use()
            args = [torch.device("cpu") if isinstance(each, (str, torch.device)) else each for each in args]
            kwargs = {name: torch.device("cpu") if name == "device" else value for name, value in kwargs.items()}
        return own(tensor, *args, **kwargs)

    torch.Tensor.to = to
    torch.Tensor.cuda = lambda tensor: tensor.to("cuda")
    torch.backends.cuda.is_built = torch.cuda.is_available = lambda: True
    replaced = {
        "is_initialized": lambda: state.used, "synchronize": answering(None), "manual_seed": answering(None), "set_rng_state": answering(None),
        "get_rng_state": get_rng_state,  # each a function of its own: torch's compiler keeps a rule for each
        "mem_get_info": answering(lambda: (state.free, 24 * GIB)), "memory_reserved": answering(0), "get_device_name": answering("GPU of straw"),
        "set_per_process_memory_fraction": set_fraction, "get_per_process_memory_fraction": answering(lambda: state.fraction),
        "straw": state, "fail_an_assert": fail_an_assert,
    }  # fmt: skip
    for name, function in replaced.items():
        setattr(torch.cuda, name, function)
