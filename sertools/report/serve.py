"""Serves a folder of reports to the browser of the same machine."""

import errno
import functools
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from sertools.errors import GateError

HOST = "127.0.0.1"

FIRST_PAGES = ("report.html", "compare.html", "index.html")
"""Pages of an audit, a comparison and a leaderboard, in the order in which a folder is searched for one."""


def first_page(folder: Path) -> str:
    """Name of the page to begin with.

    Raises:
        GateError: there is no such folder, or it holds no page
    """
    if not folder.is_dir():
        raise GateError(f"no folder {folder}", hint="give the --out folder of an earlier sertools command")
    for name in FIRST_PAGES:
        if (folder / name).is_file():
            return name
    raise GateError(
        f"{folder} holds no page", hint=f"write one first: sertools report {folder}, sertools compare, …"
    )


class Pages(ThreadingHTTPServer):
    """A server of the files below one folder, for this machine only.

    It listens on the loopback address, and answers only requests that name it: a page of another site, whose
    name was made to point to this machine, gets nothing.

    Attributes:
        url: address of the page to begin with
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        """Opens the port.

        Args:
            folder: folder to serve
            port: port to listen on; 0 takes a free one

        Raises:
            GateError: the folder holds no page, or the port is taken or not allowed
        """
        page = first_page(folder)
        handler = functools.partial(_Handler, directory=str(folder.resolve()))
        try:
            super().__init__((HOST, port), handler)
        except OverflowError as error:
            raise GateError(f"{port} is not a port", hint="ports are the numbers from 0 to 65535") from error
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            hint = "another program uses it; choose another, or 0 for a free one" if taken else ""
            raise GateError(f"cannot listen on port {port}: {error.strerror}", hint=hint) from error
        self.url = f"http://{HOST}:{self.server_port}/{quote(page)}"


class _Handler(SimpleHTTPRequestHandler):
    """Serves files, lists no folders, and says nothing."""

    def send_head(self):  # type: ignore[no-untyped-def]
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host not in {HOST, "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        return super().send_head()

    def list_directory(self, path):  # type: ignore[no-untyped-def]
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Disables logging."""
