"""Show a report in the browser from Python."""

import threading
import webbrowser
from pathlib import Path
from types import TracebackType
from typing import Self

from sertools.report.serve import Pages


class Served:
    """Pages that are served until they are closed, or until Python ends.

    Attributes:
        url: address of the page
    """

    def __init__(self, pages: Pages) -> None:
        self.url = pages.url
        self._pages = pages
        self._thread = threading.Thread(target=pages.serve_forever, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the pages are closed from elsewhere, or until Ctrl-C."""
        self._thread.join()

    def close(self) -> None:
        """Stop serving."""
        self._pages.shutdown()
        self._pages.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def view(folder: str | Path, *, port: int = 0, open_browser: bool = True) -> Served:
    """Serve the pages of an audit, a comparison or a leaderboard to this machine.

    Args:
        folder: folder with `report.html`, `compare.html` or the `index.html` of a leaderboard
        port: port to listen on; 0 takes a free one
        open_browser: open the page in the browser

    Returns:
        The address, and how to stop serving.

    Raises:
        GateError: the folder holds no page, or the port is taken or not allowed

    Example:
        ```python
        with sertools.view("report", open_browser=False) as page:
            print(page.url)  # such as http://127.0.0.1:40123/report.html
        ```
    """
    served = Served(Pages(Path(folder), port))
    if open_browser:
        webbrowser.open(served.url)
    return served
