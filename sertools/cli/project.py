"""Options that `sertools.toml` in the working directory gives to the commands that are run there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sertools.cli import commands
from sertools.errors import SertoolsError, nearest
from sertools.files import read_toml

if TYPE_CHECKING:
    from sertools.api.suggest import Suggestion

PROJECT = "sertools.toml"

TYPES = (str, int, float, bool)

RUN_CODE = ("trust-remote-code", "audits")
"""Options that let code run, besides models that are Python functions."""


HEADER = """\
# Options of sertools in this folder. An option on the command line replaces the one here.
# A key is an option of every command that has it; a table such as [fairness] is for one command.
"""


class Completed(NamedTuple):
    """A command line with the options of a project: the words to run, and those of them that were added."""

    words: list[str]
    added: list[str]


def complete(words: Sequence[str], folder: Path) -> Completed:
    """Adds the options in `sertools.toml` to a command line.

    A key at the top is an option of every command that has it; a table such as `[fairness]` is for one
    command, `["corpus check"]` for one of a group. An option on the command line is left as it is. Options
    that let code run are refused: a folder of somebody else may hold such a file.

    Args:
        words: the command line without the name of the program
        folder: where to look for the file

    Returns:
        The command line; the same words if there is no such file.

    Raises:
        SertoolsError: the file cannot be read, has a key that no command has or a value that no option can
            have, or lets code run
    """
    path = folder / PROJECT
    if not path.is_file():
        return Completed(list(words), [])
    n, name = _command(words)
    if name in {"", "init"}:  # init writes the file, also in place of one that cannot be read
        return Completed(list(words), [])
    given = read_toml(path, error=SertoolsError, what="the options of this folder")
    own = _flags(name)
    everywhere = {key: value for key, value in given.items() if not isinstance(value, dict)}
    _refuse_code(path, given)
    _check(path, everywhere, given)
    here = given.get(name, {})
    absent = [key for key in here if key not in own]
    if absent:
        hint = nearest(absent[0], sorted(own))
        raise SertoolsError(f"{path.name}: sertools {name} has no option {absent[0]!r}", hint=hint)
    added: list[str] = []
    for key, value in {**{k: v for k, v in everywhere.items() if k in own}, **here}.items():
        flags = own[key]
        typed = any(word == flag or word.startswith(f"{flag}=") for word in words for flag in flags)
        if not typed:
            added += _words(path, key, value, flags)
    return Completed([*words[:n], *added, *words[n:]], added)


def _command(words: Sequence[str]) -> tuple[int, str]:
    """Number of words up to the name of the command, and that name; no name if there is none."""
    known = commands.names()
    for i, word in enumerate(words):
        if word.startswith("-"):
            continue
        if word not in known:
            return (i + 1, word) if word in _audits() else (0, "")
        inside = _members(word)
        if not inside:
            return i + 1, word
        if i + 1 < len(words) and words[i + 1] in inside:
            return i + 2, f"{word} {words[i + 1]}"
        return 0, ""
    return 0, ""


def _audits() -> list[str]:
    from sertools.auditing.discovery import discover

    return [name.replace("_", "-") for name in discover()]


def _members(name: str) -> list[str]:
    """Names of the commands of a group; none for a single command."""
    return list(getattr(commands.build(name), "commands", {}))


def _flags(name: str) -> dict[str, list[str]]:
    """Option without dashes → its flags, for a command; those that switch something off come last."""
    group, _, member = name.partition(" ")
    if group in commands.names():
        built: Any = commands.build(group)
        command = built.commands[member] if member else built
    else:
        from sertools.cli.audit_commands import audit_command

        command = audit_command(name)
    found = {}
    for parameter in command.params:
        flags = [*parameter.opts, *parameter.secondary_opts]
        long = [flag for flag in flags if flag.startswith("--")]
        if long:
            found[long[0].removeprefix("--")] = flags
    return found


def _refuse_code(path: Path, given: dict[str, Any]) -> None:
    """Refuses options that let code run, wherever they stand."""
    pairs = [pair for value in given.values() if isinstance(value, dict) for pair in value.items()]
    for key, value in (*given.items(), *pairs):
        texts = value if isinstance(value, list) else [value]
        if (key in RUN_CODE and value is not False) or any(str(text).startswith("py:") for text in texts):
            raise SertoolsError(
                f"{path.name}: {key} = {value!r} lets code run, which only the command line may do",
                hint=f"remove it from {path.name}, and add --{key} to the command",
            )


def _check(path: Path, everywhere: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuses options that no command has, and tables that are no command."""
    single = [name for name in commands.names() if not _members(name)]
    grouped = [f"{name} {member}" for name in commands.names() for member in _members(name)]
    tables = [*single, *grouped, *_audits()]
    for key, value in given.items():
        if isinstance(value, dict) and key not in tables:
            raise SertoolsError(f"{path.name}: no command named {key!r}", hint=nearest(key, tables))
    known = {option for name in (*single, *grouped) for option in _flags(name)}
    for key in everywhere:
        if key not in known:
            hint = (
                f"{nearest(key, sorted(known))}; an option of one audit goes into a table such as [fairness]"
            )
            raise SertoolsError(f"{path.name}: no command has an option {key!r}", hint=hint)


def _words(path: Path, key: str, value: Any, flags: Sequence[str]) -> list[str]:
    """The words that give an option its value.

    Raises:
        SertoolsError: the value is neither a text, a number, true or false, nor a list of them
    """
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, TYPES) for each in values):
        raise SertoolsError(
            f"{path.name}: {key} is {value!r}", hint="use a text, a number, true or false, or a list"
        )
    found = []
    for each in values:
        if each is True:
            found.append(f"--{key}")
        elif each is False:
            off = next((flag for flag in flags if flag.startswith("--no-")), None)
            found += [off] if off else []
        else:
            text = str(each)
            found += [f"--{key}={text}"] if text.startswith("-") else [f"--{key}", text]
    return found


def text_of(found: "Suggestion") -> str:
    """The content of `sertools.toml` that uses what was suggested."""
    scale = [] if found.scale is None else [":".join(f"{end:g}" for end in found.scale)]
    lists = {
        "data": found.data,
        "map": [f"{theirs}={ours}" for theirs, ours in found.column_map.items()],
        "scale": scale,
    }
    lines = [f"model = {_quoted(found.model)}"] if found.model else []
    lines += [f"{key} = [{', '.join(map(_quoted, values))}]" for key, values in lists.items() if values]
    if found.groups and found.groups != ["sex"]:  # by sex is the default
        lines += ["", "[fairness]", f"group = [{', '.join(map(_quoted, found.groups))}]"]
    return "\n".join([HEADER.rstrip("\n"), *lines, ""])


def _quoted(text: str) -> str:
    """A text as a basic string of TOML, which escapes like JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
