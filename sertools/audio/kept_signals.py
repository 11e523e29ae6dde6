"""Decoded clips that are kept in memory, because every condition of an audit reads the same clips again."""

import threading
from itertools import islice
from pathlib import Path

import numpy as np

from sertools.audio.files import Signal, read_audio
from sertools.files import state_of

BUDGET = 128 * 2**20
"""Most memory of one process for decoded clips, in bytes: 35 minutes at 16 kHz."""


class KeptSignals:
    """Clips as `read_audio` reads them, decoded once while there is room.

    Where there is no room, a clip drawn at random makes way: clips are read in the same order again and
    again, so that the one read longest ago would always be the next one needed. A clip that cannot be read is
    not kept, and neither is one whose file has been written since.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        """Starts with no clips.

        Args:
            budget: most memory for samples, in bytes
        """
        self._budget = budget
        self._used = 0
        self._signals: dict[tuple[object, ...], Signal] = {}
        self._lock = threading.Lock()
        self._draw = np.random.default_rng(0)  # it decides what is decoded again, and no number

    def read(
        self, path: Path, rate: int, start: float, end: float, channel: float, *, max_minutes: float
    ) -> Signal:
        """A copy of the clip; arguments, result and errors as for `read_audio`."""
        try:
            written = state_of(path)
        except (OSError, ValueError):  # reading it says why
            return read_audio(path, rate, start, end, channel, max_minutes=max_minutes)
        # numbers as text, since nan is not equal to itself
        part = repr((float(start), float(end), float(channel), max_minutes))
        key = (path, *written, rate, part)
        with self._lock:
            known = self._signals.get(key)
        if known is not None:
            return known.copy()
        signal = read_audio(path, rate, start, end, channel, max_minutes=max_minutes)
        self._keep(key, signal)
        return signal

    def _keep(self, key: tuple[object, ...], signal: Signal) -> None:
        if signal.nbytes > self._budget // 4:
            return
        with self._lock:
            if key in self._signals:
                return
            while self._used + signal.nbytes > self._budget:
                leaving = next(islice(self._signals, int(self._draw.integers(len(self._signals))), None))
                self._used -= self._signals.pop(leaving).nbytes
            self._signals[key] = signal.copy()
            self._used += signal.nbytes


KEPT = KeptSignals()
"""The clips of this process."""
