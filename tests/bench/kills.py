"""Is every file whole or absent after a kill, and does a second run end with the same bytes?

    nice -n 5 python -m tests.bench.kills [--kills 300] [--seed 0] [COMMAND …]

Each trial runs a command that writes in a process of its own (a fork, so that nothing is imported again),
which is killed by SIGKILL: half of them at a random moment of the time that the command takes, half of them
when they are about to write, rename or remove a random one of the files that the command changes. Then every
output must be absent or equal to that of an undisturbed run, byte by byte (a file that was there before may
also be as it was), and the same command must end with the same outputs. Trials go on until as many processes
as asked for were killed before they had ended. Hidden files ending in `.part`, the state of an unfinished
`tts` or of a cell of a study, and what a leaderboard keeps to be faster next time are no outputs.
"""

import argparse
import contextlib
import functools
import importlib
import os
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.helpers.kills import COMMANDS, Command, prepare

EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
"""Audit events of Python, beside `open`, at which a process changes files."""


STATE = {".kept", "model"}
"""Folders that are no outputs: what a leaderboard keeps, and the model of a study until it is scored."""


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What a command does if it is left alone.

    Attributes:
        before: file → its bytes before, of those among the outputs that were there
        outputs: file → its bytes
        seconds: how long it takes
        events: how often it changes files
        code: its exit code
        repeated: its exit code where it has been run before; `train` refuses a folder that is not empty
    """

    before: dict[str, bytes]
    outputs: dict[str, bytes]
    seconds: float
    events: int
    code: int
    repeated: int


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What became of one kill.

    Attributes:
        command: name of the command
        killed: whether the process was killed, and had not ended before
        present: number of outputs that it left
        faults: what is wrong, in words
    """

    command: str
    killed: bool
    present: int
    faults: tuple[str, ...]


def import_first(command: Command, folder: Path) -> None:
    """Imports what a command imports, so that not every fork does, and no kill falls into an import."""
    names = folder / ".modules"

    def noting() -> None:
        command.run()
        names.write_text("\n".join(sys.modules))

    os.waitpid(run(noting, folder), 0)
    for name in names.read_text().splitlines():
        with contextlib.suppress(Exception):  # some are made while a program runs
            importlib.import_module(name)


def run(do: Callable[[], object], folder: Path, *, watch: Callable[[], None] | None = None) -> int:
    """Does something in a fork, in a folder and without output; returns the process id.

    Args:
        do: what to do; what it returns is the exit code of the process
        folder: its working directory
        watch: called whenever the process is about to change a file
    """
    with warnings.catch_warnings():
        # since Python 3.12, where libraries have threads: a child that hangs for that would be seen to
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setpgid(0, 0)  # so that workers that it starts can be ended too
        os.chdir(folder)
        os.environ["SOURCE_DATE_EPOCH"] = "0"  # results say when they were computed
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        if watch:
            watched = watch
            sys.addaudithook(lambda event, about: watched() if _changes(event, about) else None)
        done = do()
        code = done if isinstance(done, int) else 0
    finally:
        os._exit(code)


def _changes(event: str, about: tuple[Any, ...]) -> bool:
    """Whether an audit event is a change of a file."""
    return event in EVENTS or (event == "open" and bool((about[2] or 0) & (os.O_WRONLY | os.O_RDWR)))


def undisturbed(command: Command, folder: Path) -> Undisturbed:
    """Runs the command in a prepared folder."""
    counter = folder / ".events"
    counter.touch()

    def count() -> None:
        nonlocal n
        n += 1
        os.pwrite(stream, str(n).encode(), 0)

    before = outputs(command, folder)
    n, stream = 0, os.open(counter, os.O_RDWR)
    began = time.perf_counter()
    _, status = os.waitpid(run(command.run, folder, watch=count), 0)
    seconds = time.perf_counter() - began
    os.close(stream)
    events = int(counter.read_text() or 0)
    counter.unlink()
    written = outputs(command, folder)
    _, again = os.waitpid(run(command.run, folder), 0)
    assert written == outputs(command, folder), f"{command.name} does not write the same again"
    code, repeated = os.waitstatus_to_exitcode(status), os.waitstatus_to_exitcode(again)
    assert code in {0, 1}, f"{command.name} failed"
    return Undisturbed(
        before=before, outputs=written, seconds=seconds, events=events, code=code, repeated=repeated
    )


def outputs(command: Command, folder: Path) -> dict[str, bytes]:
    """The files that the command wrote for its user, besides its inputs and the cache."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for out in command.outputs
        for path in sorted([folder / out, *(folder / out).rglob("*")])
        if path.is_file()
        and not path.name.endswith(".part")
        and path.name != ".unfinished.json"
        and not any(part.endswith(".part") or part in STATE for part in path.relative_to(folder).parts)
    }


def killed(command: Command, folder: Path, whole: Undisturbed, *, rng: np.random.Generator) -> Trial:
    """Kills the command once in a prepared folder, looks at what it left, and runs it again."""
    at_event = bool(rng.integers(2)) and whole.events > 0
    if at_event:
        last = int(rng.integers(1, whole.events + 1))
        n = 0

        def stop() -> None:
            nonlocal n
            n += 1
            if n == last:
                os.kill(os.getpid(), signal.SIGKILL)

        child = run(command.run, folder, watch=stop)
    else:
        child = run(command.run, folder)
        time.sleep(float(rng.uniform(0, whole.seconds)))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    was_killed = os.WIFSIGNALED(status)
    if rng.integers(2):  # else its workers go on, beside the second run
        end_workers(child)
    left = outputs(command, folder)
    whole_or_as_before = {name: {whole.outputs.get(name), whole.before.get(name)} for name in left}
    faults = [f"{n} is neither whole nor absent" for n in left if left[n] not in whole_or_as_before[n]]
    faults += [f"{n} is lost" for n in whole.before if n in whole.outputs and n not in left]
    second = run(command.run, folder)
    _, status = os.waitpid(second, 0)
    end_workers(child)
    end_workers(second)
    code, expected = (
        os.waitstatus_to_exitcode(status),
        whole.repeated if left == whole.outputs else whole.code,
    )
    if code != expected:
        faults.append(f"the second run ended with {code} instead of {expected}")
    again = outputs(command, folder)
    names = sorted({*again, *whole.outputs})
    faults += [f"{n} differs after the second run" for n in names if again.get(n) != whole.outputs.get(n)]
    return Trial(command=command.name, killed=was_killed, present=len(left), faults=tuple(faults))


def end_workers(leader: int) -> None:
    """Kills what a process started and left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def trials(names: Sequence[str], kills: int, seed: int, most: int) -> Iterator[Trial]:
    """Kills the commands in turn.

    Args:
        names: names of commands
        kills: number of processes that have to be killed before they had ended
        seed: random seed
        most: number of tries after which it gives up
    """
    known: dict[str, Undisturbed] = {}
    left = kills
    with TemporaryDirectory() as place:
        for i in range(most):
            command = COMMANDS[names[i % len(names)]]
            inputs, folder = Path(place) / command.name, Path(place) / "work"
            if command.name not in known:
                os.waitpid(run(functools.partial(prepare, command, inputs), Path(place)), 0)
                shutil.copytree(inputs, folder)
                import_first(command, folder)
                shutil.rmtree(folder)
                shutil.copytree(inputs, folder)
                known[command.name] = undisturbed(command, folder)
                shutil.rmtree(folder)
            shutil.copytree(inputs, folder)
            trial = killed(command, folder, known[command.name], rng=np.random.default_rng([seed, i]))
            shutil.rmtree(folder)
            for fault in trial.faults:
                sys.stderr.write(f"{i}: {command.name}: {fault}\n")
            yield trial
            left -= trial.killed
            if not left:
                return


def table(found: Sequence[Trial]) -> str:
    """The tally by command, as Markdown."""
    lines = ["| command | tried | really killed | outputs left | faults |", "|---|---|---|---|---|"]
    for name in [*dict.fromkeys(trial.command for trial in found), "all"]:
        own = [trial for trial in found if name in {trial.command, "all"}]
        n, left = sum(trial.killed for trial in own), sum(trial.present for trial in own)
        lines.append(f"| {name} | {len(own)} | {n} | {left} | {sum(bool(t.faults) for t in own)} |")
    return "\n".join(lines)


def main() -> None:
    """Reads the command line, and shows the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="*", default=list(COMMANDS))
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    names = given.commands or list(COMMANDS)
    most = 10 * given.kills
    found: list[Trial] = []
    with contextlib.suppress(KeyboardInterrupt):  # it takes long; Ctrl-C shows the tally so far
        found.extend(trials(names, given.kills, given.seed, most))
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()
