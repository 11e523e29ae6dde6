"""The command `view`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import options as o


def view(
    folder: Annotated[Path, typer.Argument(help="Folder with a report, comparison or leaderboard.")] = o.OUT,
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = 0,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Show a report in the browser.

    Serves the folder to this machine only, until Ctrl-C, and prints the address. To look at it from another
    machine, forward the port with ssh -L PORT:127.0.0.1:PORT HOST.

    Example: sertools view sertools-report
    """
    import contextlib

    from sertools.api.show import view as serve
    from sertools.cli import console

    with (
        contextlib.suppress(KeyboardInterrupt),
        serve(folder, port=port, open_browser=open_browser) as page,
    ):
        console.message(f"{page.url} (Ctrl-C ends)")
        page.wait()
