"""What a device can do: which there is, what fits into its memory, and which number format it multiplies."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sertools.errors import ModelError

if TYPE_CHECKING:
    import torch

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_halves(compute: Callable[[Sequence[Item]], Answer], items: Sequence[Item]) -> list[Answer]:
    """Answers for all items in their order: in one go, or in halves (of halves …) where memory runs out.

    Args:
        compute: answers for some items; raises torch.OutOfMemoryError when they are too many
        items: at least one

    Raises:
        ModelError: not even a single item fits
    """
    import torch

    try:
        return [compute(items)]
    except torch.OutOfMemoryError as error:
        sentence = str(error).partition(".")[0]
    # outside the handler, so that the traceback no longer holds the tensors of the failed attempt
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if len(items) == 1:
        raise ModelError(
            f"one clip alone does not fit into the memory of the device: {sentence}",
            hint="--device cpu, or cut the clip",
        )
    half = len(items) // 2
    return in_halves(compute, items[:half]) + in_halves(compute, items[half:])


def find_device(name: str) -> "torch.device":
    """The device of a name: `cpu`, `cuda`, `cuda:N`, `mps`, or `auto` for the fastest there is.

    Raises:
        ModelError: there is none of that name here
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"no device {name!r} here", hint="--device cpu, cuda, cuda:N, mps or auto"
        ) from error
    return device


def moved(tensor: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """The tensor on a device; to a GPU from pinned memory, so that copying does not wait for computing."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def first_precision(asked: str, device: "torch.device") -> tuple[str, str, bool]:
    """Format to begin with, why, and whether a comparison on the first clips may still change it."""
    if asked != "auto":
        return asked, "asked for", False
    if native_bf16(str(device)):
        return "fp32", "bf16 was not yet compared with it", True
    return "fp32", f"this {device.type} does not multiply bf16 natively", False


def only_fp32(asked: str, kind: str) -> str:
    """The format of a kind of model that has but one.

    Raises:
        ModelError: another one was asked for
    """
    if asked == "bf16":
        raise ModelError(
            f"a model of the kind {kind}: runs in the format it is written in, not in bf16",
            hint="--precision auto",
        )
    return "fp32"


def multiplies_bf16(cpuinfo: str) -> bool:
    r"""Whether a processor multiplies bf16 itself, by the flags in the text of /proc/cpuinfo.

    >>> multiplies_bf16("flags\t\t: fpu avx512f avx512_bf16"), multiplies_bf16("flags : avx512f")
    (True, False)
    """
    flags: set[str] = set()
    for line in cpuinfo.splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == "flags":
            flags |= set(rest.split())
    return bool(flags & {"avx512_bf16", "amx_bf16"})


def native_bf16(device: str) -> bool:
    """Whether a device multiplies bf16 natively; False where that cannot be told."""
    if device.startswith("cuda"):
        import torch

        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device != "cpu":
        return False
    try:
        return multiplies_bf16(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        return False


def stamped(content: str, precision: str, device: "torch.device") -> str:
    """Fingerprint of weights and settings in a format; in bf16 the kind of device changes numbers too."""
    where = device.type if precision == "bf16" else ""
    return hashlib.blake2b(f"{content} {precision} {where}".encode(), digest_size=16).hexdigest()
