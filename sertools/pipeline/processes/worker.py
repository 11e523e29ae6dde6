"""The process that runs one audit: `python -m sertools.pipeline.processes.worker`, for `side_by_side`.

It gets name, options and limits of the audit, its tables and the seed on standard input, and writes the
result as JSON to standard output, or nothing if the audit fails: then the process that started it runs the
audit itself and sees the error. It ends as soon as standard input does, and so with the process that started
it.
"""

import os
import pickle  # nosec B403 (of what `side_by_side` wrote)
import sys
import threading
from contextlib import suppress


def main() -> None:
    """Runs the audit that standard input describes."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no result
    given = sys.stdin.buffer
    content = given.read(int.from_bytes(given.read(8), "big"))
    threading.Thread(target=_follow, daemon=True).start()

    from sertools.auditing import audit, run

    task = pickle.loads(content)  # nosec B301  # noqa: S301, TID251 (`side_by_side` wrote it)
    with suppress(Exception):
        planned = audit.load(task.name).plan(task.settings, task.limits)
        result = run.run(planned, task.tables, seed=task.seed)
        answer.write(result.to_json().encode())
    answer.close()


def _follow() -> None:
    """Ends this process when the one that started it has ended."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
