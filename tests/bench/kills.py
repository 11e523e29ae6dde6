"""Is every file whole or absent after a kill, and does a second run end with the same bytes?

    nice -n 5 python -m tests.bench.kills [--kills 300] [--seed 0] [COMMAND …]

Each trial runs a command that writes in a process of its own (a fork, so that nothing is imported again),
which is killed by SIGKILL: half of them at a random moment of the time that the command takes, half of them
when they open, rename or remove a random one of the files that the command touches. Then every output must be
absent or equal to that of an undisturbed run, byte by byte, and the same command must end with the same
outputs. Hidden files ending in `.part`, and the state of an unfinished `tts`, are no outputs.
"""

import argparse
import functools
import importlib
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.helpers.kills import COMMANDS, Command, prepare

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
"""Audit events of Python at which a process touches files."""


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What a command does if it is left alone.

    Attributes:
        outputs: file → its bytes
        seconds: how long it takes
        events: how often it touches files
        code: its exit code
        repeated: its exit code where it has been run before; `train` refuses a folder that is not empty
    """

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


@functools.cache
def import_first() -> None:
    """Imports what every command needs, so that not every fork does; none of it starts a thread."""
    for name in ("pandas", "sertools.cli.app", "sertools.corpora.load", "sertools.perturbations.apply"):
        importlib.import_module(name)


def run(command: Command, folder: Path, *, watch: Callable[[], None] | None = None) -> int:
    """Starts the command in a fork, in its folder and without output; returns its process id."""
    import_first()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.chdir(folder)
        os.environ["SOURCE_DATE_EPOCH"] = "0"  # results say when they were computed
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        if watch:
            watched = watch
            sys.addaudithook(lambda event, _: watched() if event in EVENTS else None)
        code = command.run()
    finally:
        os._exit(code)


def undisturbed(command: Command, folder: Path) -> Undisturbed:
    """Runs the command in a prepared folder."""
    counter = folder / ".events"
    counter.touch()

    def count() -> None:
        nonlocal n
        n += 1
        os.pwrite(stream, str(n).encode(), 0)

    n, stream = 0, os.open(counter, os.O_RDWR)
    began = time.perf_counter()
    _, status = os.waitpid(run(command, folder, watch=count), 0)
    seconds = time.perf_counter() - began
    os.close(stream)
    events = int(counter.read_text() or 0)
    counter.unlink()
    written = outputs(command, folder)
    _, again = os.waitpid(run(command, folder), 0)
    assert written == outputs(command, folder), f"{command.name} does not write the same again"
    code, repeated = os.waitstatus_to_exitcode(status), os.waitstatus_to_exitcode(again)
    assert code in {0, 1}, f"{command.name} failed"
    return Undisturbed(outputs=written, seconds=seconds, events=events, code=code, repeated=repeated)


def outputs(command: Command, folder: Path) -> dict[str, bytes]:
    """The files that the command wrote for its user, besides its inputs and the cache."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for out in command.outputs
        for path in sorted([folder / out, *(folder / out).rglob("*")])
        if path.is_file()
        and not path.name.endswith(".part")
        and path.name != ".unfinished.json"
        and not any(part.endswith(".part") for part in path.relative_to(folder).parts)
    }


def killed(command: Command, folder: Path, whole: Undisturbed, *, rng: np.random.Generator) -> Trial:
    """Kills the command once in a prepared folder, looks at what it left, and runs it again."""
    at_event = bool(rng.integers(2))
    if at_event:
        last = int(rng.integers(1, max(2, whole.events + 1)))
        n = 0

        def stop() -> None:
            nonlocal n
            n += 1
            if n == last:
                os.kill(os.getpid(), signal.SIGKILL)

        child = run(command, folder, watch=stop)
    else:
        child = run(command, folder)
        time.sleep(float(rng.uniform(0, whole.seconds)))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    was_killed = os.WIFSIGNALED(status)
    left = outputs(command, folder)
    faults = [f"{name} is neither whole nor absent" for name in left if left[name] != whole.outputs.get(name)]
    _, status = os.waitpid(run(command, folder), 0)
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


def trials(names: Sequence[str], kills: int, seed: int) -> list[Trial]:
    """Kills the commands in turn.

    Args:
        names: names of commands
        kills: number of kills
        seed: random seed
    """
    found = []
    known: dict[str, Undisturbed] = {}
    with TemporaryDirectory() as place:
        for i in range(kills):
            command = COMMANDS[names[i % len(names)]]
            inputs, folder = Path(place) / command.name, Path(place) / "work"
            if command.name not in known:
                shutil.copytree(prepare(command, inputs), folder)
                known[command.name] = undisturbed(command, folder)
                shutil.rmtree(folder)
            shutil.copytree(inputs, folder)
            trial = killed(command, folder, known[command.name], rng=np.random.default_rng([seed, i]))
            shutil.rmtree(folder)
            found.append(trial)
            for fault in trial.faults:
                sys.stderr.write(f"{i}: {command.name}: {fault}\n")
    return found


def table(found: Sequence[Trial]) -> str:
    """The tally by command, as Markdown."""
    lines = ["| command | kills | ended before | outputs left | faults |", "|---|---|---|---|---|"]
    for name, n in Counter(trial.command for trial in found).items():
        own = [trial for trial in found if trial.command == name]
        early, left = sum(not t.killed for t in own), sum(t.present for t in own)
        lines.append(f"| {name} | {n} | {early} | {left} | {sum(bool(t.faults) for t in own)} |")
    return "\n".join([*lines, f"| all | {len(found)} | | | {sum(bool(t.faults) for t in found)} |"])


def main() -> None:
    """Reads the command line, and shows the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="*", default=list(COMMANDS))
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.stdout.write(table(trials(given.commands or list(COMMANDS), given.kills, given.seed)) + "\n")


if __name__ == "__main__":
    main()
