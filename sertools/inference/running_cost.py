"""Measures what it costs to run a model on this machine: time, memory, arithmetic, energy."""

import ctypes
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sertools.inference.precision import chooses_precision
from sertools.models.model import Model, Signal
from sertools.store.machine import processor
from sertools.tables.running_cost import CostNeeded, CostOfLength, RunningCost
from sertools.wording import plural

MOST_RUNS, FEWEST_RUNS = 15, 3
ENOUGH_S = 2.0
"""Seconds after which a length is not run again, once it has been run `FEWEST_RUNS` times."""

POWERCAP = Path("/sys/class/powercap")
"""Where Linux tells the energy that processors have used (RAPL)."""

RESET_WITHIN_BYTES = 16e6
"""The largest memory and the one in use differ by less, right after the largest has been reset."""

LEVEL = 0.05
"""Root mean square of the noise that models are timed on; what it sounds like does not change the time."""

NO_ENERGY = "energy was not measured: this platform does not report it (RAPL), or only to administrators"
NO_FLOPS = "arithmetic was not counted: the model does not compute with torch"
NO_MEMORY = "memory was not measured: that is not possible on this platform"


def running_cost(model: Model, needed: CostNeeded, powercap: Path = POWERCAP) -> RunningCost:
    """The cost of predicting clips of some lengths, one at a time, in every number format of the model.

    Each format and length is run once to warm up, and then at least three times.

    Args:
        model: the model, in the format in which it runs
        needed: the lengths
        powercap: folder in which the platform tells the energy used
    """
    energy = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if _joules_of(zone) is not None]
    current = str(model.facts.get("precision", ""))
    found: list[tuple[float, CostOfLength]] = []
    flops: dict[float, float | None] = {}
    for precision, variant in _formats(model, current):
        for length_s in needed.lengths_s:
            at_least = max(round(length_s * model.sampling_rate), model.shortest)
            signal = np.random.default_rng(0).normal(0, LEVEL, at_least).astype(np.float32)
            cost = _measured(variant, signal, precision, in_use=precision == current, energy=energy)
            # in bf16, torch multiplies with functions that it does not count; the arithmetic is the same
            if precision != "bf16":
                flops[length_s] = _flops(variant, signal)
            found.append((length_s, cost))
    lengths = tuple(replace(cost, flops=flops.get(length_s)) for length_s, cost in found)
    notes = [] if energy else [NO_ENERGY]
    notes += [] if any(each.flops is not None for each in lengths) else [NO_FLOPS]
    notes += [] if any(each.working_bytes is not None for each in lengths) else [NO_MEMORY]
    parameters = model.facts.get("parameters")
    return RunningCost(
        machine=machine(model),
        parameters=int(parameters) if parameters is not None else None,
        lengths=lengths,
        notes=tuple(notes),
    )


def machine(model: Model) -> str:
    """The processor or graphics card that a model runs on, and the number of threads."""
    device = str(model.facts.get("device", "cpu"))
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    return f"{processor()}, {plural(_threads(), 'thread')}" + (f" ({device})" if device != "cpu" else "")


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _formats(model: Model, current: str) -> Iterator[tuple[str, Model]]:
    """The model in each of its number formats, the current one first."""
    yield current, model
    if chooses_precision(model):
        for precision in ("fp32", "bf16"):
            if precision != current:
                yield precision, model.with_precision(precision)


def _measured(
    model: Model, signal: Signal, precision: str, *, in_use: bool, energy: list[Path]
) -> CostOfLength:
    """The cost of predicting one signal."""
    model.predict([signal])
    seconds: list[float] = []
    with _peak(model) as peak:
        before = [_joules_of(zone) for zone in energy]
        while len(seconds) < FEWEST_RUNS or (sum(seconds) < ENOUGH_S and len(seconds) < MOST_RUNS):
            began = time.perf_counter()
            model.predict([signal])
            seconds.append(time.perf_counter() - began)
        used = _used(energy, before)
    return CostOfLength(
        precision=precision,
        in_use=in_use,
        length_s=len(signal) / model.sampling_rate,
        seconds=tuple(seconds),
        working_bytes=peak.bytes,
        joules=None if used is None else used / len(seconds),
    )


def _flops(model: Model, signal: Signal) -> float | None:
    """Multiplications and additions of one prediction; None if torch does not see them."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        model.predict([signal])
    return float(counter.get_total_flops()) or None


@dataclass
class _Peak:
    """Most memory in use on top of what was in use before, in bytes; None until it is known."""

    bytes: float | None = None


@contextmanager
def _peak(model: Model) -> Iterator[_Peak]:
    """Follows the memory in use on top of that in use before: of the graphics card, or of this process."""
    found = _Peak()
    if str(model.facts.get("device", "")).startswith("cuda"):
        import torch

        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        yield found
        found.bytes = float(torch.cuda.max_memory_allocated() - before)
        return
    resident = _resident("VmRSS") if _give_back() and _reset_peak() else None
    yield found
    peak = _resident("VmHWM")
    found.bytes = None if resident is None or peak is None else max(peak - resident, 0.0)


def _give_back() -> bool:
    """Gives memory that is not in use back to the platform, so that it counts when it is used again.

    Returns:
        whether that was possible; it is with the GNU C library only
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):
        return False
    library.malloc_trim(0)
    return True


def _reset_peak() -> bool:
    """Makes the largest resident memory of this process the current one; whether that was possible.

    Some kernels accept the request and ignore it: the largest then stays above what is resident now.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    peak, now = _resident("VmHWM"), _resident("VmRSS")
    return peak is not None and now is not None and peak - now < RESET_WITHIN_BYTES


def _resident(line: str) -> float | None:
    """Bytes that a line of this process's status tells; None where the platform tells nothing."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [each.split()[1] for each in lines if each.startswith(f"{line}:")]
    return float(found[0]) * 1024 if found else None


def _joules_of(zone: Path) -> float | None:
    """Energy that a processor has used, in J, until its counter starts again at 0; None if it is not told."""
    try:
        return float((zone / "energy_uj").read_text(encoding="ascii")) / 1e6
    except (OSError, ValueError):
        return None


def _used(energy: list[Path], before: list[float | None]) -> float | None:
    """Energy used since `before`, in J, of all processors; None if one does not tell it."""
    total = 0.0
    for zone, then in zip(energy, before, strict=True):
        now = _joules_of(zone)
        if now is None or then is None:
            return None
        if now < then:
            now += _range_of(zone)
        total += now - then
    return total if energy else None


def _range_of(zone: Path) -> float:
    """Energy after which a counter starts again at 0, in J."""
    try:
        return float((zone / "max_energy_range_uj").read_text(encoding="ascii")) / 1e6
    except (OSError, ValueError):
        return 0.0
