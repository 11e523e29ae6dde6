"""Ctrl-C at moments at which Python would forget it."""

import contextlib
import signal
import sys
import threading

AGAIN_S = 0.05
"""Seconds until a lost Ctrl-C is repeated, by when the finaliser that lost it has ended."""


def repeat_lost() -> None:
    """Lets an interrupt that arrives within a finaliser reach the program a moment later.

    No exception can leave a finaliser or a callback of a weak reference, and imports are full of both: Python
    would print the interrupt as an exception that it ignores, and go on.
    """
    otherwise = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            otherwise(unraisable)
            return
        # sent to the main thread, so that it also ends a call that waits
        main = threading.main_thread().ident
        timer = threading.Timer(AGAIN_S, signal.pthread_kill, (main, signal.SIGINT))
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # the interpreter is ending anyway
            timer.start()

    sys.unraisablehook = hook
