"""Which device to grade on."""


class DeviceError(Exception):
    """The device asked for is not there. The message is one line with the cure."""


def pick_device(wanted: str) -> str:
    """ "cpu" or "cuda" for "cpu", "cuda" or "auto". Raises DeviceError where CUDA is asked for and missing."""
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise DeviceError("No CUDA device is available to torch. Use --device cpu, or see: python -m grader doctor")
    return "cpu"
