"""Entry point of the command `sertools` and of `python -m sertools`."""

import os
import signal
import sys
from types import FrameType


def start() -> None:
    """Runs the command line; Ctrl-C while it is still imported, or when all is done, ends it at once.

    An exception in the middle of an import may be lost, or come out as another one, and one at the end is
    shown as a traceback; nothing is being written at either time.
    """
    handler = signal.getsignal(signal.SIGINT)
    ours = handler is signal.default_int_handler  # a shell lets jobs in the background ignore Ctrl-C
    if ours:
        signal.signal(signal.SIGINT, _end)
    from sertools.cli.app import main

    try:
        if ours:
            signal.signal(signal.SIGINT, handler)
        main()
    finally:
        if ours:
            signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    """Ends the process as after Ctrl-C, without an exception."""
    try:
        sys.stdout.flush()
    finally:
        os._exit(130)


if __name__ == "__main__":
    start()
