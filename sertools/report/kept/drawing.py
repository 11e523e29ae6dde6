"""Draws many figures in several processes, because drawing takes most of the time of a page.

Nothing depends on it but the time: a process draws a share of the figures into the folder in which drawings
are kept, and what it does not draw is drawn where it is needed. As a program, `python -m
sertools.report.kept.drawing FOLDER`, it draws the figures that a line of JSON on standard input describes,
and ends as soon as standard input does, and so with the process that started it.
"""

import json
import os
import subprocess  # nosec B404 (starts this program only)
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sertools.report.kept import figures
from sertools.results.result import Figure

MANY = 24
"""Number of figures from which a second process is started; to start one takes as long as half as many."""

MOST = 8
"""Largest number of processes."""

WORKER = [sys.executable, "-m", "sertools.report.kept.drawing"]


def draw_together(
    chosen: Sequence[tuple[Figure, str]], folder: Path | None, cores: int | None = None
) -> None:
    """Draws figures that are not kept yet on all cores, if they are many; afterwards they are kept.

    Args:
        chosen: figures with the prefixes of their ids
        folder: where drawings are kept; None to draw nothing
        cores: number of cores; None for those of the machine
    """
    if folder is None:
        return
    new = [(figure, salt) for figure, salt in chosen if not figures.is_kept(figure, salt, folder)]
    processes = min(cores or os.cpu_count() or 1, len(new) // (MANY // 2), MOST)
    if processes < 2:
        return
    with ExitStack() as started:
        others = [started.enter_context(_other(new[i::processes], folder)) for i in range(1, processes)]
        for figure, salt in new[::processes]:
            figures.draw(figure, salt, folder)
        for other in others:
            other.wait()


@contextmanager
def _other(share: Sequence[tuple[Figure, str]], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that draws a share of the figures; it is killed if it is not waited for."""
    process = subprocess.Popen(  # nosec B603  # noqa: S603 (the command is this program)
        [*WORKER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # what fails is drawn again by this process, which says why
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C is for this process, which ends the others
    )
    assert process.stdin is not None
    try:
        with suppress(BrokenPipeError):
            tasks = json.dumps([[figure.model_dump(mode="json"), salt] for figure, salt in share])
            process.stdin.write(tasks.encode() + b"\n")
            process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            process.stdin.close()


def main() -> None:
    """Draws what standard input describes."""
    tasks = json.loads(sys.stdin.buffer.readline() or "[]")
    threading.Thread(target=_follow, daemon=True).start()
    for figure, salt in tasks:
        figures.draw(Figure.model_validate(figure), salt, Path(sys.argv[1]))


def _follow() -> None:
    """Ends this process when the one that started it has ended."""
    sys.stdin.buffer.read(1)
    os._exit(1)


if __name__ == "__main__":
    main()
