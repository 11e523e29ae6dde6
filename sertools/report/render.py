"""Writes audit results as a report: HTML, Markdown, JSON, CSV, Parquet and LaTeX."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sertools.errors import GateError
from sertools.files import write_bytes
from sertools.report import captions, figures, markdown, pages, prose
from sertools.report.excerpts.excerpt import LEVELS, Excerpt, excerpt
from sertools.report.formats import export
from sertools.report.kept import figures as kept_figures
from sertools.report.kept import pages as kept_pages
from sertools.report.kept.drawing import draw_together
from sertools.report.summary import bars, opening, panels, rows, tracks
from sertools.results import audio_clips
from sertools.results.result import Figure, Result

Format = Literal["html", "md", "json", "csv", "parquet", "latex"]

USUAL: tuple[Format, ...] = ("html", "md", "json")
"""Formats that are written by default."""

MOST_BYTES = 3_000_000
"""Largest size of a page without recordings."""


def render(
    results: Sequence[Result],
    folder: Path,
    *,
    recordings: Path | None = None,
    formats: Sequence[Format] = USUAL,
    spreadsheet_safe: bool = False,
    kept: Path | None = None,
) -> list[Path]:
    """Writes a report into `folder`; returns the files written.

    `report.html` is self-contained: it needs no other file and no network, and embeds as many recordings as
    fit into `audio_clips.MOST_BYTES`; without recordings it has at most `MOST_BYTES`. Of long tables and
    figures both pages show a part, say so, and link to the whole in `tables/*.parquet`. `report.md` links to
    `figures/*.svg` and `sounds/*` in the same folder. `report.json` contains all results. csv and parquet
    write `tables/*`, latex `latex/*.tex`. The same results give the same bytes. Each file is replaced
    atomically.

    Args:
        results: audit results; the report has them in the order of their questions
        folder: where to write the report
        recordings: folder of the recordings that the results name; `folder/sounds` by default
        formats: formats to write
        spreadsheet_safe: put `'` before texts in CSV that a spreadsheet would run as formulas
        kept: folder in which drawn figures are kept between runs, and which pages were written, so that
            unchanged ones are left as they are; None keeps nothing

    Raises:
        GateError: there are no results, or a recording cannot be read
        StoreError: the folder cannot be written
    """
    if not results:
        raise GateError("there are no results to report", hint="run sertools audit first")
    results = sorted(results, key=lambda result: result.asks.rank if result.asks else 0)
    sounds = recordings or folder / audio_clips.FOLDER
    seal = kept_pages.Seal(results, sounds, [*formats, str(spreadsheet_safe)], kept) if kept else None
    known = seal.unchanged(folder) if seal else None
    if known is not None:
        return known
    written: dict[str, str | bytes] = {}
    if {"html", "md"} & set(formats):
        written |= _pages(results, folder, sounds, formats, kept)
    if "json" in formats:
        written["report.json"] = export.combined(results)
    if "csv" in formats:
        tables = export.csv(results, spreadsheet_safe=spreadsheet_safe)
        written |= {f"tables/{name}": each for name, each in tables.items()}
    if "parquet" in formats:
        written |= {f"tables/{name}": each for name, each in export.parquet(results).items()}
    if "latex" in formats:
        written |= {f"latex/{name}": each for name, each in export.latex(results).items()}
    for name, page in written.items():
        content = page.encode("utf-8") if isinstance(page, str) else page
        write_bytes(folder / name, content, error=GateError)
    if seal:
        seal.keep(folder, list(written))
    return [folder / name for name in written]


def _pages(
    results: Sequence[Result], folder: Path, recordings: Path, formats: Sequence[Format], kept: Path | None
) -> dict[str, str | bytes]:
    """The HTML and Markdown pages, and the files that they link to: file → content."""
    there = audio_clips.recordings_of(results, recordings)
    short, drawn, page = _short(results, there, kept)
    anchors = prose.slugs([result.audit for result in short.results])
    written: dict[str, str | bytes] = {}
    if "html" in formats:
        written["report.html"] = fitting(results, drawn, there, shown=short.results, silent=page)
    if "md" in formats:
        images = {(i, j): f"figures/{anchors[i].removeprefix('audit-')}-{j + 1}.svg" for i, j in drawn}
        written["report.md"] = markdown.page(results, images, there, shown=short.results)
        written |= {images[key]: figures.standalone(svg) for key, svg in drawn.items()}
        if recordings.resolve() != (folder / audio_clips.FOLDER).resolve():
            written |= {f"{audio_clips.FOLDER}/{name}": each for name, each in there.content.items()}
    return written | {name: export.parquet_bytes(table) for name, table in short.tables.items()}


def _short(
    results: Sequence[Result], there: audio_clips.Recordings, kept: Path | None
) -> tuple[Excerpt, dict[tuple[int, int], str], str]:
    """What the pages show, as much as gives a page of `MOST_BYTES`: results, figures, and that HTML page."""
    drawn: dict[tuple[int, int], str] = {}
    known: dict[tuple[str, str], str] = {}
    page = ""

    def svg(figure: Figure, salt: str) -> str:
        """The figure, drawn once for all bounds that leave it as it is."""
        key = (figure.model_dump_json(), salt)
        if key not in known:
            known[key] = kept_figures.draw(figure, salt, kept)
        return known[key]

    for bounds in LEVELS:
        short, page = excerpt(results, bounds), ""
        if short.characters > 2 * MOST_BYTES:  # not worth drawing
            continue
        anchors = prose.slugs([result.audit for result in short.results])
        chosen = {
            (i, j): (figure, f"{anchors[i]}-{j + 1}")
            for i, result in enumerate(short.results)
            for j, figure in enumerate(result.figures)
        }
        draw_together(list(chosen.values()), kept)
        drawn = {place: svg(figure, salt) for place, (figure, salt) in chosen.items()}
        if sum(map(len, drawn.values())) > MOST_BYTES:
            continue
        page = html(results, drawn, there.without_content(), shown=short.results)
        if len(page.encode()) <= MOST_BYTES:
            break
    return short, drawn, page


def fitting(
    results: Sequence[Result],
    drawn: dict[tuple[int, int], str],
    there: audio_clips.Recordings,
    most: int = audio_clips.MOST_BYTES,
    *,
    shown: Sequence[Result] | None = None,
    silent: str = "",
) -> str:
    """The HTML page with as many recordings as keep it within `most` bytes; `silent` is it without any."""
    silent = silent or html(results, drawn, there.without_content(), shown=shown)
    if not there.n:
        return silent
    chosen = there.within(most - len(silent.encode()))
    return html(results, drawn, chosen, left_out=there.n - chosen.n, shown=shown)


def html(
    results: Sequence[Result],
    drawn: dict[tuple[int, int], str],
    recordings: audio_clips.Recordings = audio_clips.NO_RECORDINGS,
    *,
    left_out: int = 0,
    shown: Sequence[Result] | None = None,
) -> str:
    """The self-contained HTML page, with style, figures and recordings embedded.

    Args:
        results: audit results, in the order of the page
        drawn: (index of result, index of figure) → its SVG
        recordings: recordings to embed
        left_out: number of further clips whose recordings do not fit into the page
        shown: the same results, shortened, for all that is not a count; the whole results by default
    """
    shown = results if shown is None else shown
    return pages.page(
        "report.html",
        results=results,
        shown=shown,
        anchors=prose.slugs([result.audit for result in shown]),
        # only our own figures are markup; all other text is escaped
        drawn={key: pages.markup(svg) for key, svg in drawn.items()},
        captions=captions,
        tracks=tracks,
        opening=opening,
        rows=rows,
        bars=bars,
        panels=panels,
        recordings=recordings,
        urls=recordings.urls,
        left_out=left_out,
    )
