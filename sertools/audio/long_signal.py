"""Long recordings that are read window by window, so that memory does not grow with their length."""

from collections.abc import Callable, Iterator

import numpy as np

from sertools.audio.files import SILENCE, Signal


class LongSignal:
    """The samples of a recording, decoded anew where they are read; a slice is an array.

    Slices whose beginnings do not decrease, such as windows, are read in one pass. The samples are those of
    decoding the whole, to the bit.

    Attributes:
        silent: whether nothing is louder than one step of 16-bit audio
    """

    def __init__(self, blocks: Callable[[], Iterator[Signal]]) -> None:
        """Decodes the recording once, to count its samples.

        Args:
            blocks: begins to decode the recording, block by block

        Raises:
            AudioError: the recording cannot be decoded
        """
        self._blocks = blocks
        self._held: Signal = np.zeros(0, dtype=np.float32)
        self._samples, loudest = 0, 0.0
        for block in blocks():
            self._samples += len(block)
            loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
        self.silent = loudest <= SILENCE
        self._restart()

    def __len__(self) -> int:
        return self._samples

    def __getitem__(self, part: slice) -> Signal:
        """The samples of a slice without a step, shape (samples,)."""
        start, end, step = part.indices(self._samples)
        assert step == 1, "windows have no step"
        if start < self._first:
            self._restart()
        while self._first + len(self._held) < end:
            block = next(self._stream)
            gone = min(max(start - self._first, 0), len(self._held))
            self._held = np.concatenate([self._held[gone:], block])
            self._first += gone
        window: Signal = self._held[start - self._first : end - self._first].copy()
        return window

    def _restart(self) -> None:
        """Begins to decode again; `_held` are the samples from `_first` on that are kept."""
        self._stream = self._blocks()
        self._first, self._held = 0, np.zeros(0, dtype=np.float32)
