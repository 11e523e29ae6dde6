"""Results as pages that people read: one for a browser, one for a repository."""

import os
from collections.abc import Sequence
from pathlib import Path

from sertools.errors import GateError
from sertools.report import content, figures, markdown, text
from sertools.result import Result

_TEMPLATES = Path(__file__).parent / "templates"


def render(results: Sequence[Result], folder: Path) -> list[Path]:
    """Writes `report.html`, `report.md` and the figures of the latter into `folder`; returns what it wrote.

    The page in HTML needs no other file and no network; the one in Markdown refers to `figures/*.svg`
    beside it. Same results, same bytes. A file is replaced whole or not at all.

    Raises:
        GateError: there is no result, or the folder cannot be written
    """
    if not results:
        raise GateError("there is no result to report", hint="run sertools audit first")
    anchors = content.slugs([result.audit for result in results])
    drawn = {
        (i, j): figures.draw(figure, f"{anchors[i]}-{j + 1}")
        for i, result in enumerate(results)
        for j, figure in enumerate(result.figures)
    }
    files = {(i, j): f"figures/{anchors[i].removeprefix('audit-')}-{j + 1}.svg" for i, j in drawn}
    pages = {"report.html": html(results, drawn), "report.md": markdown.page(results, files)}
    pages |= {files[key]: figures.standalone(svg) for key, svg in drawn.items()}
    try:
        return [_write(folder / name, page) for name, page in pages.items()]
    except OSError as error:
        raise GateError(
            f"cannot write the report to {folder}: {error.strerror}", hint="name another folder with --out"
        ) from error


def html(results: Sequence[Result], drawn: dict[tuple[int, int], str]) -> str:
    """The page for a browser: style, figures and all in one text.

    Args:
        results: what was found, in the order of the page
        drawn: (index of result, index of figure) → its SVG
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=text.clean_unless_safe,
    )
    page = environment.get_template("report.html").render(
        results=results,
        anchors=content.slugs([result.audit for result in results]),
        # our own drawings and style are the only text that is markup already
        drawn={key: Markup(svg) for key, svg in drawn.items()},
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),
        content=content,
        text=text,
    )
    return str(page)


def _write(path: Path, page: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(page, encoding="utf-8", newline="\n")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
