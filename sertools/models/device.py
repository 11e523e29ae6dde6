"""Finds the device to compute on, splits batches that exceed its memory, and chooses its number format."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sertools.errors import ModelError

if TYPE_CHECKING:
    import torch

WORTH_ROUNDING = 1.25
"""How much faster than fp32 a processor has to multiply bf16 for `auto` to consider its coarser rounding."""

EXACT_PARTS = "precision_exact_parts"
"""Fact that names the parts of a model in bf16 that are computed in fp32."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Chosen(NamedTuple):
    """Properties of a model that depend on its number format: parts in fp32, fingerprint, and facts."""

    exact: tuple[str, ...]
    fingerprint: str
    facts: dict[str, Any]


def in_halves(compute: Callable[[Sequence[Item]], Result], items: Sequence[Item]) -> list[Result]:
    """Results for all items in order, computed in one batch or, if memory runs out, in ever smaller halves.

    Args:
        compute: computes the result for some items; raises torch.OutOfMemoryError if there are too many
        items: at least one

    Raises:
        ModelError: even a single item does not fit into memory
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
            f"a single clip does not fit into the memory of the device: {sentence}",
            hint="use --device cpu, or shorten the clip",
        )
    half = len(items) // 2
    return in_halves(compute, items[:half]) + in_halves(compute, items[half:])


def find_device(name: str) -> "torch.device":
    """The device called `cpu`, `cuda`, `cuda:N` or `mps`, or with `auto` the fastest available one.

    Raises:
        ModelError: the device is not available on this machine
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
            f"device {name!r} is not available", hint="use --device cpu, cuda, cuda:N, mps or auto"
        ) from error
    return device


def moved(tensor: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """The tensor on a device; copied to a GPU from pinned memory, so that copies and computation overlap."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def first_precision(requested: str, device: "torch.device") -> tuple[str, str, bool]:
    """Initial number format, the reason, and whether a comparison on the first clips may still change it."""
    if requested != "auto":
        return requested, "requested", False
    if not native_bf16(str(device)):
        return "fp32", f"this {device.type} has no native bf16 multiplication", False
    if device.type == "cpu" and bf16_speed() < WORTH_ROUNDING:
        return "fp32", "this processor multiplies bf16, but not faster than fp32", False
    return "fp32", "bf16 has not been compared with fp32 yet", True


@lru_cache(maxsize=1)
def bf16_speed() -> float:
    """Speed of a bf16 matrix product on this processor relative to fp32.

    It has to be measured: among processors with `avx512_bf16` and without AMX, some multiply bf16 more than
    twice as fast as fp32 and some at half its speed. The fastest of three products in each format, in CPU
    time of this thread, so that other work on the machine hardly matters.
    """
    import torch

    def seconds(dtype: torch.dtype) -> float:
        one, other = (torch.ones(n, 1024, dtype=dtype) for n in (256, 1024))
        found = []
        for _ in range(4):
            began = time.thread_time()
            torch.nn.functional.linear(one, other)
            found.append(time.thread_time() - began)
        return min(found[1:])  # the first one compiles

    with torch.inference_mode():
        return seconds(torch.float32) / seconds(torch.bfloat16)


def in_precision(content: str, facts: Mapping[str, Any], precision: str, stated: Mapping[str, Any]) -> Chosen:
    """The changed properties of a model after its number format is chosen.

    Args:
        content: fingerprint of its weights and settings
        facts: its facts, with its device
        precision: `fp32` or `bf16`
        stated: facts about the choice; parts of the network under `EXACT_PARTS` stay in fp32
    """
    exact = tuple(stated.get(EXACT_PARTS, ())) if precision == "bf16" else ()
    others = {name: value for name, value in facts.items() if name != EXACT_PARTS}
    return Chosen(
        exact=exact,
        fingerprint=stamped(" ".join([content, *exact]), precision, str(facts["device"])),
        facts={**others, "precision": precision, **stated},
    )


def multiplies_bf16(cpuinfo: str) -> bool:
    r"""Whether a processor has native bf16 multiplication, according to the flags in /proc/cpuinfo.

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
    """Whether a device has native bf16 multiplication; False if that cannot be determined."""
    if device.startswith("cuda"):
        import torch

        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device != "cpu":
        return False
    try:
        return multiplies_bf16(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        return False


def stamped(content: str, precision: str, device: "torch.device | str") -> str:
    """Fingerprint of weights, settings and number format; in bf16 also of the type of device."""
    where = str(device).partition(":")[0] if precision == "bf16" else ""
    return hashlib.blake2b(f"{content} {precision} {where}".encode(), digest_size=16).hexdigest()
