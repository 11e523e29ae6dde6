"""Computing on one thread, so that no number depends on how many cores there are.

With several threads, a sum is cut into as many parts, which changes its last digits. Processes side by side
would also wait for each other's threads: 21 audits of 535 clips took four times the processor time.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import TypeVar

T = TypeVar("T")

BLAS = "OPENBLAS_NUM_THREADS"
"""Number of threads of a linear algebra library that is loaded while this is set."""

ALONE = {BLAS: "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment of a process that computes on one thread from its start."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Products and sums of numpy, scipy and torch on one thread; those of torch only if it is loaded."""
    from threadpoolctl import threadpool_limits

    before = os.environ.get(BLAS)
    os.environ[BLAS] = "1"  # for libraries that are loaded later
    try:
        with threadpool_limits(limits=1), one_thread_of_torch() if "torch" in sys.modules else nullcontext():
            yield
    finally:
        if before is None:
            del os.environ[BLAS]
        else:
            os.environ[BLAS] = before


@contextmanager
def one_thread_of_torch() -> Iterator[None]:
    """Operations of torch on one thread.

    The number is one of the whole process: if two threads of Python are in such blocks at the same time, it
    can stay at one, which makes torch slower and changes no number.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """The results of tasks of torch in their order, as many at a time as torch has threads.

    One core computes a task, because more of them would change where a sum is cut. Gradients are not kept.
    """
    import torch

    def alone(task: Callable[[], T]) -> T:
        with torch.inference_mode():  # which holds for a thread
            return task()

    threads = torch.get_num_threads()
    with one_thread_of_torch():
        if threads == 1 or len(tasks) < 2:
            return [alone(task) for task in tasks]
        with ThreadPoolExecutor(min(threads, len(tasks))) as pool:
            return list(pool.map(alone, tasks))
