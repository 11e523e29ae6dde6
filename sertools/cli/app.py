"""The command line: each command parses its options, makes one library call, shows the result and exits.

Exit codes: 0 pass · 1 a limit failed · 2 usage or input error · 3 (`--strict`) nothing failed, but something
was skipped or inconclusive · 4 sertools itself failed · 130 interrupted · 141 nobody reads the output. Data
goes to stdout, messages and progress to stderr.
"""

import contextlib
import functools
import shlex
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from sertools.cli import commands
from sertools.cli.interrupts import repeat_lost
from sertools.cli.streams import PipeClosed, guard
from sertools.errors import SertoolsError, nearest

OUR_FAULT = 4
"""Exit code of an unexpected internal error; it differs from that of a failed limit, which is 1."""


INTERRUPT_CODE = 130
"""Exit code after Ctrl-C, by the convention of shells."""


INTERRUPTED = "interrupted; finished work is saved: run the same command again to continue"


class Commands(TyperGroup):
    """The commands in `commands/`, and one per audit; an error becomes a sentence and exit code 2."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands; the audits come last."""
        return [*commands.names(), *_audits()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command with this name; an audit's own options are only loaded when it is called."""
        if cmd_name in commands.names():
            return commands.build(cmd_name)
        if cmd_name not in _audits():
            return None
        from sertools.auditing.discovery import question

        text = question(_audits()[cmd_name])
        return TyperCommand(cmd_name, help=text, rich_help_panel="Audits")

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Same as in Typer, but loads all options of an audit, and suggests a name for an unknown command."""
        if args and args[0] not in (known := self.list_commands(ctx)):
            raise SertoolsError(f"no command named {args[0]!r}", hint=nearest(args[0], known))
        name, command, rest = super().resolve_command(ctx, args)
        if name in _audits():
            from sertools.cli.audit_commands import audit_command

            command = audit_command(str(name))
        return name, command, rest

    def make_context(self, *words: Any, **settings: Any) -> Any:
        """Same as in Typer, also if it is interrupted."""
        with _interruptible():
            return super().make_context(*words, **settings)

    def invoke(self, ctx: Any) -> Any:
        """Runs a command; shows tracebacks only with --debug."""
        try:
            with _interruptible():
                return super().invoke(ctx)
        except SertoolsError as error:
            if ctx.params.get("debug"):
                raise
            from sertools.cli import console

            console.fail(error)
            raise typer.Exit(2) from error
        except PipeClosed:
            raise
        except Exception as error:
            # the class of an unknown option is public in some versions of Typer only, its name in all
            if type(error).__name__ == "NoSuchOption":
                _say_whose_option(str(getattr(error, "option_name", "")))
            raise
        except SystemExit as error:
            # commands end with `typer.Exit`; an exit code from elsewhere would be taken for a verdict
            raise RuntimeError(f"a library ended the program with exit code {error.code!r}") from error


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Turns Ctrl-C into a message and its exit code."""
    try:
        yield
    except KeyboardInterrupt as error:
        from sertools.cli import console

        console.warn(INTERRUPTED)
        raise typer.Exit(INTERRUPT_CODE) from error


def _say_whose_option(option: str) -> None:
    """Ends the program with the commands that take an option, if it is an option of single audits."""
    from sertools.auditing.discovery import may_have_option

    name = option.lstrip("-").replace("-", "_")
    likely = [audit for audit, path in _audits().items() if may_have_option(path, name)]
    if not likely:
        return
    from sertools.auditing.audit import load

    owners = [audit for audit in likely if name in load(audit).options()]
    if not owners:
        return
    from sertools.cli import console

    commands_of_them = " or ".join(f"sertools {owner} {option} …" for owner in owners)
    hint = f"run {commands_of_them}, or write it into a suite file: options = {{ {name} = … }}"
    console.fail(SertoolsError(f"{option} is an option of single audits", hint=hint))
    raise typer.Exit(2)


@functools.cache
def _audits() -> dict[str, Path]:
    """The name of each command that is an audit, and its file; nobody adds audits while a command runs."""
    from sertools.auditing.discovery import discover

    return {name.replace("_", "-"): path for name, path in discover().items()}


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        import sertools

        typer.echo(f"sertools {sertools.__version__}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit."),
    ] = False,
) -> None:
    """Audit a speech emotion recognition model before people rely on it.

    Example: sertools audit --model default --data voices
    """


def _add_options_of_project() -> None:
    """Adds the options in `sertools.toml` to the command line, where results find them too, and says so."""
    if not Path("sertools.toml").is_file():
        return
    from sertools.cli import console, project

    sys.argv[1:], added = project.complete(sys.argv[1:], Path())
    if added and not {"--quiet", "-q"} & set(sys.argv):
        console.message(f"Options from {project.PROJECT}: {shlex.join(added)}")


def main() -> None:
    """Entry point of the console script."""
    try:
        guard()
        repeat_lost()
        _add_options_of_project()
        app(prog_name="sertools")
    except KeyboardInterrupt:
        sys.exit(INTERRUPT_CODE)
    except Exception as error:  # the outermost level: nothing is computed here, and nothing runs after it
        from sertools.cli import console

        if "--debug" in sys.argv:
            traceback.print_exception(error)
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{Path(where.filename).name}, line {where.lineno}"
        hint = (
            "finished work is saved; please report this, with the output of the same command run with --debug"
        )
        if isinstance(error, SertoolsError):  # outside any command, such as while help is shown
            console.fail(error)
            sys.exit(2)
        console.fail(
            SertoolsError(f"sertools itself failed ({at}): {type(error).__name__}: {error}", hint=hint)
        )
        sys.exit(OUR_FAULT)
