"""Progress bars on the terminal."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from sertools.cli.console import _console, _say


@contextlib.contextmanager
def progress(
    description: str,
    total: int,
    unit: str = "clips",
    *,
    quiet: bool = False,
    every_s: float = 10.0,
    silent_s: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[int], None]]:
    """Shows the progress, speed and remaining time of a long job; yields `advance(n)`.

    Shows a bar on a terminal; elsewhere one line every `every_s` seconds, and one at the end. However the
    job ends, the last line says how much of it was done.

    Args:
        description: what is being done
        total: number of units to process
        unit: name of the units, in the plural
        quiet: show nothing
        every_s: seconds between lines if there is no terminal
        silent_s: a job that is done sooner has no last line
        clock: returns seconds since a fixed moment
    """
    start = last = clock()
    done = 0
    bar, task = (None, None) if quiet or not sys.stderr.isatty() else _bar(description, total, unit)

    def advance(n: int = 1) -> None:
        nonlocal done, last
        done += n
        if bar is not None and task is not None:
            bar.update(task, completed=done, rate=_rate(done, clock() - start, unit))
        elif not quiet and clock() - last >= every_s:
            last = clock()
            _say(f"{description}: {_pace(done, total, last - start, unit)}")

    try:
        with bar or contextlib.nullcontext():
            yield advance
    finally:
        elapsed_s = clock() - start
        if not quiet and (done < total or elapsed_s >= silent_s):
            rest = "" if done >= total else f" of {total}"
            counted = f"{done}{rest} {_of(total, unit)}"
            _say(f"{description}: {counted} in {_duration(elapsed_s)}{_comma(done, elapsed_s, unit)}")


@contextlib.contextmanager
def steps(
    description: str, *, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[str, int, int, float], None]]:
    """Shows how far a training is; yields `advance(phase, step, steps, loss)`.

    One line every `every_s` seconds, and one at the end of each phase.
    """
    start = last = clock()

    def advance(phase: str, step: int, total: int, loss: float) -> None:
        nonlocal last
        if step < total and clock() - last < every_s:
            return
        last = clock()
        _say(f"{description}: {phase}, step {step} of {total}, loss {loss:.4g}, {_duration(last - start)}")

    yield advance


def _bar(description: str, total: int, unit: str) -> tuple[Any, Any]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn(f"{{task.completed:.0f}}/{{task.total:.0f}} {unit}", markup=False),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        console=_console(sys.stderr),
        transient=True,
    )
    return bar, bar.add_task(description, total=total, rate="")


def _of(total: int, unit: str) -> str:
    """The name of the units behind their number.

    >>> _of(1, "clips"), _of(2, "clips")
    ('clip', 'clips')
    """
    return unit.removesuffix("s") if total == 1 else unit


def _rate(done: int, elapsed_s: float, unit: str) -> str:
    if not done or elapsed_s <= 0:
        return ""
    speed = done / elapsed_s
    return f"{speed:.0f} {unit}/s" if speed >= 100 else f"{speed:.1f} {unit}/s"


def _comma(done: int, elapsed_s: float, unit: str) -> str:
    rate = _rate(done, elapsed_s, unit)
    return f", {rate}" if rate else ""


def _pace(done: int, total: int, elapsed_s: float, unit: str) -> str:
    """Units done, speed, and time left at this speed."""
    left = f", {_duration(elapsed_s * (total - done) / done)} left" if done else ""
    return f"{done}/{total} {unit}{_comma(done, elapsed_s, unit)}{left}"


def _duration(seconds: float) -> str:
    """A duration in hours, minutes or seconds.

    >>> _duration(4.24), _duration(75), _duration(7322)
    ('4.2 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
