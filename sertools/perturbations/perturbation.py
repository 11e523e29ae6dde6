"""Defines a perturbation: a named change of a signal, with a level in a stated unit."""

import dataclasses
import functools
import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sertools.errors import AudioError, AuditError

Signal = npt.NDArray[Any]
"""Samples of one channel, shape (samples,), floats, full scale ±1."""


Change = Callable[..., Signal]
"""(signal, rate, level, rng) → signal; with the keyword `recordings` if `needs` is not empty."""


WAGNER = "Wagner et al. 2023, section 3.4"


SER_TESTS = "audEERING ser-tests"


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """A change of a signal whose strength is set by one number, its level.

    Attributes:
        name: name in commands, e.g. `white_noise`
        family: the file that defines it, e.g. `noise`
        change: the function that does it; call `apply`, which checks input and output
        unit: of the level, e.g. dB, samples, Hz, %
        meaning: what the level measures, in one line
        levels: if one level is drawn per clip, it is one of these
        ladder: levels from mild to severe, for dose-response curves
        identity: the level at which nothing changes at all: 0, or infinity for SNR and bit rates
        lowest, highest: the range of valid levels
        whole: levels are whole numbers
        random: the result depends on `rng`
        length: "same", or how the number of samples follows from the level
        sets: published sets that contain it: `small` (Wagner's eight), `ser-tests`
        needs: other recordings that must be passed through `using`; empty for none
        package: the optional package it uses; empty for none
        lacking: why its installed package cannot do it; empty if it can
        source: origin of the definition
    """

    name: str
    family: str
    change: Change
    unit: str
    meaning: str
    levels: tuple[float, ...]
    ladder: tuple[float, ...] = ()
    identity: float = 0.0
    lowest: float = 0.0
    highest: float = math.inf
    whole: bool = False
    random: bool = False
    length: str = "same"
    sets: tuple[str, ...] = ()
    needs: str = ""
    package: str = ""
    lacking: Callable[[], str] = str
    source: str = ""

    def __post_init__(self) -> None:
        if not self.ladder:
            object.__setattr__(self, "ladder", self.levels)
        for level in (*self.levels, *self.ladder):
            self.check_level(level)

    @property
    def small(self) -> bool:
        """Is this one of the eight small changes of Wagner et al. 2023?"""
        return "small" in self.sets

    @property
    def unavailable(self) -> str:
        """The reason why it cannot run in this installation; empty if it can."""
        if self.package and not importlib.util.find_spec(self.package):
            return f"{self.name} needs the package {self.package}: pip install {self.package}"
        lacks = self.lacking()
        return f"{self.name} cannot run: {lacks}" if lacks else ""

    def check_level(self, level: float) -> None:
        """Raise an error for a level that is not valid for any clip.

        Raises:
            AuditError: nan, out of range, or not a whole number if `whole` is true
        """
        if level == self.identity:
            return
        if math.isnan(level) or not self.lowest <= level <= self.highest or math.isinf(level):
            span = f"{self.lowest:g} to {self.highest:g} {self.unit}"
            raise AuditError(
                f"{self.name} accepts levels from {span}, not {level:g}",
                hint=f"for example {', '.join(f'{each:g}' for each in self.levels)}",
            )
        if self.whole and level != int(level):
            raise AuditError(f"{self.name} accepts whole numbers of {self.unit}, not {level:g}")

    def using(self, recordings: Sequence[Signal]) -> "Perturbation":
        """The same perturbation with the other recordings it needs, in a fixed order, at the clips' rate.

        Only the recordings that are drawn are indexed, so the sequence may decode on access.

        Raises:
            AuditError: it needs no recordings, or the sequence is empty
        """
        if not self.needs:
            raise AuditError(f"{self.name} needs no other recordings")
        if not len(recordings):
            raise AuditError(f"{self.name} needs {self.needs}, but there are none")
        change = functools.partial(self.change, recordings=recordings)
        return dataclasses.replace(self, change=change, needs="")

    def apply(self, signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
        """The changed signal, float32, shape (samples,); the input is not modified.

        Args:
            signal: shape (samples,), full scale ±1
            rate: samples per second
            level: in `unit`; at `identity` the result is an exact copy
            rng: the generator for this seed, clip and perturbation; unused if `random` is false

        Raises:
            AudioError: this clip cannot be changed in this way; it counts as missing, not as unchanged
            AuditError: the level is not valid for any clip, or other recordings are needed
        """
        self.check_level(level)
        if self.unavailable:
            raise AuditError(self.unavailable)
        if self.needs:
            raise AuditError(f"{self.name} needs {self.needs}", hint="pass them with using(recordings)")
        if signal.ndim != 1 or not np.issubdtype(signal.dtype, np.floating):
            raise AudioError(f"{self.name} accepts one channel of floats, not {signal.dtype} {signal.shape}")
        if not len(signal):
            raise AudioError(f"{self.name} cannot change a clip without samples")
        if not np.isfinite(signal).all():
            raise AudioError(f"{self.name} cannot change a clip with samples that are not finite")
        if level == self.identity:
            return signal.astype(np.float32)
        with np.errstate(over="ignore"):
            changed = self.change(signal, rate, level, rng).astype(np.float32)
        if not len(changed):
            raise AudioError(f"{self.name} at {level:g} {self.unit} leaves no samples of {len(signal)}")
        if not np.isfinite(changed).all():
            raise AudioError(f"{self.name} at {level:g} {self.unit} exceeds the range of float32")
        return changed

    def draw_level(self, levels: Sequence[float] | None, rng: np.random.Generator) -> float:
        """One of the levels, each equally likely (Wagner et al. 2023, section 3.4).

        Args:
            levels: levels to draw from; None for the perturbation's own
            rng: the generator for this seed, clip and perturbation. One number is drawn from it, even if
                there is only one level, so that later draws do not depend on the number of levels

        Raises:
            AuditError: a level that the perturbation does not accept

        >>> from sertools.perturbations.registry import get
        >>> get("gain").draw_level((3.0,), np.random.default_rng(0))
        3.0
        """
        choices = self.levels if levels is None else levels
        for level in choices:
            self.check_level(level)
        return float(choices[int(rng.random() * len(choices))])


def rms(signal: Signal) -> float:
    """Root of the mean square of the samples, in float64.

    >>> rms(np.array([3.0, 4.0, 0.0, 0.0]))
    2.5
    """
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64))))


def audible_rms(signal: Signal, name: str) -> float:
    """The RMS of a clip that is not digital silence.

    Raises:
        AudioError: it is digital silence, for which no signal-to-noise ratio is defined
    """
    if (value := rms(signal)) > 0:
        return value
    raise AudioError(f"{name} is undefined for digital silence")


def fitted(signal: Signal, samples: int) -> Signal:
    """The signal cut or padded with zeros at its end to a number of samples.

    >>> fitted(np.array([1.0, 2.0]), 3).tolist(), fitted(np.array([1.0, 2.0]), 1).tolist()
    ([1.0, 2.0, 0.0], [1.0])
    """
    return np.pad(signal, (0, max(0, samples - len(signal))))[:samples]


def match_rms(changed: Signal, signal: Signal) -> Signal:
    """`changed` scaled to the RMS of `signal`; unchanged if it is silent.

    Raises:
        AudioError: the change removed all of the sound
    """
    target, value = rms(signal), rms(changed)
    if target > 0 and not value > 0:
        raise AudioError("the change removes the whole signal")
    return changed * (target / value) if value > 0 else changed


def decibel(level_db: float) -> float:
    """The amplitude factor of a level in dB.

    >>> decibel(-20.0)
    0.1
    """
    return float(10.0 ** (level_db / 20.0))


def scaled_samples(level: float, rate: int) -> int:
    """Number of samples at `rate` that last as long as `level` samples at 16 kHz, rounded.

    >>> scaled_samples(500, 16000), scaled_samples(500, 8000), scaled_samples(500, 44100)
    (500, 250, 1378)
    """
    return round(level * rate / 16000)
