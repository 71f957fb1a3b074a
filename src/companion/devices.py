"""Which device a chapter computes on."""

from __future__ import annotations

from companion.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> str:
    """`cpu` or `cuda` for a parameter value of `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: the name is none of these, or CUDA is asked for and this machine has none.
    """
    if name not in DEVICES:
        raise UsageError(f"device {name!r} is not one of {' | '.join(DEVICES)}")
    if name == "cpu":
        return name
    import torch

    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError("device 'cuda': this machine or this build of torch has no CUDA device")
    return "cuda" if there else "cpu"


def describe_device(device: str) -> str:
    """The device as the records name it: `cpu`, or `cuda` with the model."""
    if device == "cpu":
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name()})"
