"""Passes tables to another process; memory-mapped arrays are reopened there, not copied."""

import io
import mmap
import pickle  # nosec B403 (of what this program itself has made)
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed(value: Any) -> bytes:
    """A value as bytes, from which `pickle.loads` restores it in a process on the same machine."""
    stream = io.BytesIO()
    _Pickler(stream, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return stream.getvalue()


class _Pickler(pickle.Pickler):
    """Writes of an array in a file only where it lies."""

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, np.memmap) or value.dtype.hasobject or min(value.strides, default=0) < 0:
            return NotImplemented
        root = _root(value)
        if root is None:
            return NotImplemented
        offset = root.offset + _address(value) - _address(root)
        return _opened, (str(root.filename), offset, value.dtype, value.shape, value.strides)


def _root(array: Any) -> "np.memmap[Any, Any] | None":
    """The mapping of a file into which an array is a view; None if there is none."""
    while array is not None:
        base: Any = getattr(array, "base", None)
        if isinstance(array, np.memmap) and isinstance(base, mmap.mmap):
            return array if array.filename else None
        array = base
    return None


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _opened(
    file: str, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], strides: tuple[int, ...]
) -> NDArray[Any]:
    """The part of a file that an array in another process is a view of, read-only."""
    content = np.memmap(file, dtype=np.uint8, mode="r")
    return np.ndarray(shape, dtype, buffer=content.data, offset=offset, strides=strides)
