"""Results as pages that people read: one for a browser, one for a repository."""

import os
from collections.abc import Sequence
from pathlib import Path

from sertools.errors import GateError
from sertools.report import content, figures, markdown, pages, sounds
from sertools.result import Result


def render(results: Sequence[Result], folder: Path, *, recordings: Path | None = None) -> list[Path]:
    """Writes `report.html`, `report.md` and the figures of the latter into `folder`; returns what it wrote.

    The page in HTML needs no other file and no network; the one in Markdown refers to `figures/*.svg` and
    `sounds/*` beside it. Same results, same bytes. A file is replaced whole or not at all. The page in HTML
    holds as many recordings as fit into `sounds.MOST_BYTES`.

    Args:
        results: what was found, in the order of the pages
        folder: where the pages go
        recordings: where the sounds lie that the results name; `folder/sounds` by default

    Raises:
        GateError: there is no result, a recording cannot be read, or the folder cannot be written
    """
    if not results:
        raise GateError("there is no result to report", hint="run sertools audit first")
    there = sounds.beside(results, recordings or folder / sounds.FOLDER)
    anchors = content.slugs([result.audit for result in results])
    drawn = {
        (i, j): figures.draw(figure, f"{anchors[i]}-{j + 1}")
        for i, result in enumerate(results)
        for j, figure in enumerate(result.figures)
    }
    files = {(i, j): f"figures/{anchors[i].removeprefix('audit-')}-{j + 1}.svg" for i, j in drawn}
    written: dict[str, str | bytes] = {
        "report.html": fitting(results, drawn, there),
        "report.md": markdown.page(results, files, there),
    }
    written |= {files[key]: figures.standalone(svg) for key, svg in drawn.items()}
    if recordings and recordings.resolve() != (folder / sounds.FOLDER).resolve():
        written |= {f"{sounds.FOLDER}/{name}": each for name, each in there.content.items()}
    try:
        return [_write(folder / name, page) for name, page in written.items()]
    except OSError as error:
        raise GateError(
            f"cannot write the report to {folder}: {error.strerror}", hint="name another folder with --out"
        ) from error


def fitting(
    results: Sequence[Result],
    drawn: dict[tuple[int, int], str],
    there: sounds.Recordings,
    most: int = sounds.MOST_BYTES,
) -> str:
    """The page for a browser with as many of the recordings as let it stay within `most` bytes."""
    if not there.n:
        return html(results, drawn, there)
    # without their content the recordings take the room of their words
    bare = sounds.Recordings(heard=there.heard, content=dict.fromkeys(there.content, b""))
    kept = there.within(most - len(html(results, drawn, bare).encode()))
    return html(results, drawn, kept, left_out=there.n - kept.n)


def html(
    results: Sequence[Result],
    drawn: dict[tuple[int, int], str],
    recordings: sounds.Recordings = sounds.NOTHING,
    *,
    left_out: int = 0,
) -> str:
    """The page for a browser: style, figures, sounds and all in one text.

    Args:
        results: what was found, in the order of the page
        drawn: (index of result, index of figure) → its SVG
        recordings: what there is to hear
        left_out: how many more clips there are to hear, for which the page has no room
    """
    return pages.page(
        "report.html",
        results=results,
        anchors=content.slugs([result.audit for result in results]),
        # our own drawings are the only text that is markup already
        drawn={key: pages.markup(svg) for key, svg in drawn.items()},
        recordings=recordings,
        urls=recordings.urls,
        left_out=left_out,
    )


def _write(path: Path, page: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(page.encode("utf-8") if isinstance(page, str) else page)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
