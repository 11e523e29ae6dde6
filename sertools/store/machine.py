"""Properties of this machine that can change stored numbers, found without loading numerical libraries."""

import os
import platform
from pathlib import Path

GRAPHICS_CARD = Path("/proc/driver/nvidia/version")
"""Where the driver of graphics cards tells its version."""


def machine() -> tuple[str, ...]:
    """The processor, its number of cores, the driver of graphics cards, and limits of their use."""
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    return (
        processor(),
        str(_cores()),
        _text(GRAPHICS_CARD),
        *(os.environ.get(name, "") for name in limits),
    )


def processor() -> str:
    """Name of the processor, where the platform reports it."""
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1


def _text(path: Path) -> str:
    """The text of a file of the system; empty where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
