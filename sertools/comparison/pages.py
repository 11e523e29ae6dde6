"""Comparisons of models as HTML and Markdown pages: differences with an interval first, then the rest."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sertools.report import content, markdown, pages, prose, text
from sertools.report.summary import facts
from sertools.results.result import Figure, Finding, Result, Table
from sertools.results.terms.names import audit_words, in_words

FIRST = ("verdicts", "ranks", "people")
"""Short summary tables that are shown first."""

AUDITS = "audits"
"""The table of a study with what audits of its models answer."""

SHARED = ("corpus", "measure")
"""Columns of the tables of a study that are said below the table, where all rows have the same value."""

SCORES = "scores"
"""The figure that is shown first."""

SHORT, LONG, MOST_LISTED = 15, 40, 500
"""Most rows of a table that may be shown first; rows above which a table is folded; most findings without an
interval that a page lists, because pages of many models would open slowly."""


def title(comparison: Result) -> str:
    """Page title: a question that names two models, or counts more, and the corpus."""
    models, corpus = list(comparison.provenance), content.name_of(comparison.data, "unnamed data")
    if len(models) == 2:
        return f"Which serves {corpus} better, {models[0]} or {models[1]}?"
    return f"Which of {len(models)} models serves {corpus} best?"


def html(comparison: Result, drawn: Sequence[str]) -> str:
    """The self-contained HTML page.

    Args:
        comparison: result of `sertools.comparison.compare`
        drawn: SVG of each of its figures
    """
    paired, unpaired = _parted(comparison.findings)
    first, rest = _tables(comparison)
    scores = [figure.name for figure in comparison.figures].index(SCORES) if _has_scores(comparison) else None
    return pages.page(
        "compare.html",
        scores=scores,
        result=comparison,
        title=title(comparison),
        paired=paired,
        unpaired=unpaired,
        most_listed=MOST_LISTED,
        sentences=_sentences(comparison.answer),
        first=first,
        rest=rest,
        drawn=[pages.markup(svg) for svg in drawn],
    )


def study_html(study: Result, drawn: Sequence[str]) -> str:
    """The self-contained HTML page of a study of trainings.

    Args:
        study: result of `sertools.studies`
        drawn: SVG of each of its figures
    """
    markup = [pages.markup(svg) for svg in drawn]
    return pages.page(
        "study.html",
        result=study,
        title=study.question,
        long=LONG,
        drawn=markup,
        tables=[_narrow(table) for table in study.tables],
        reports=_reports(study),
    )


def _reports(study: Result) -> list[tuple[str, str]]:
    """What was audited, and the address of the report, beside the page."""
    rows = [row for table in study.tables if table.name == AUDITS for row in table.rows]
    return [
        (
            ", ".join(filter(None, [str(variant), str(at), f"seed {seed}", audit_words(str(audit))])),
            quote(str(place)),
        )
        for variant, at, seed, audit, _, _, place in rows
    ]


def _narrow(table: Table) -> Table:
    """A table of a study as a page shows it: what all rows share is said once, intervals have one column."""
    columns = list(table.columns)
    by_name = {name: [row[i] for row in table.rows] for i, name in enumerate(columns)}
    shared = {name: by_name.pop(name)[0] for name in SHARED if len(set(by_name.get(name, ()))) == 1}
    if table.name == AUDITS:
        by_name.pop("report")  # the page has links
    if "measure" in by_name:
        by_name["measure"] = [in_words(str(name)) for name in by_name["measure"]]
    cells: dict[str, list[Any]] = {}
    for name, values in by_name.items():
        end, _, of = name.partition(" over ")
        if end == "low":
            highs = by_name[f"high over {of}"]
            texts = text.column_texts([*values, *highs])  # with the same number of decimals
            cells[f"95 % interval over {of}"] = [
                "" if low is None or high is None else f"{low_text} to {high_text}"
                for low, high, low_text, high_text in zip(
                    values, highs, texts[: len(values)], texts[len(values) :], strict=True
                )
            ]
        elif end != "high":
            cells[name] = values
    said = ", ".join(f"{name} {in_words(str(value))}" for name, value in shared.items())
    return table.model_copy(
        update={
            "columns": list(cells),
            "rows": [list(row) for row in zip(*cells.values(), strict=True)],
            "note": " ".join(filter(None, [f"All rows: {said}." if said else "", table.note])),
        }
    )


def page(comparison: Result, files: Sequence[str]) -> str:
    """The Markdown page.

    Args:
        comparison: result of `sertools.comparison.compare`
        files: file of each of its figures, relative to the page
    """
    plain = markdown.plain
    paired, _ = _parted(comparison.findings)
    first, rest = _tables(comparison)
    parts = [f"# {plain(title(comparison))}"]
    parts += [f"> **About the labels:** {plain(s)}" for s in content.simulated([comparison])]
    parts.append(f"**{plain(comparison.answer)}**")
    shown = list(zip(comparison.figures, files, strict=True))
    parts += [part for figure, file in shown if figure.name == SCORES for part in _figure(figure, file)]
    if paired:
        rows = [
            [
                *map(markdown.cell, (f.name, f.target, f.slice)),
                f.value_text,
                f.interval_text,
                f"{f.speakers}",
            ]
            for f in paired
        ]
        header = ["Measure", "Target", "Difference", "Value", "95 % interval", "Speakers"]
        parts += [
            "## Differences paired by speaker",
            markdown.table(header, [False] * 3 + [True] * 3, rows),
            "A difference is significant if its 95 % interval excludes 0. Intervals are not adjusted for "
            f"multiple comparisons (number of differences: {len(paired)}). The summary above leaves out "
            "differences on which either model was found useless.",
        ]
    for item in first:
        parts += [f"## {plain(item.title)}", *_table(item)]
    parts += [part for figure, file in shown if figure.name != SCORES for part in _figure(figure, file)]
    for item in rest:
        folded = len(item.rows) > LONG
        summary = f"<details><summary>{plain(item.title)} ({len(item.rows)})</summary>"
        parts += [summary if folded else f"## {plain(item.title)}", *_table(item)]
        parts += ["</details>"] if folded else []
    if comparison.notes:
        parts += ["## Notes", "\n".join(f"- {markdown.prose(note)}" for note in comparison.notes)]
    parts.append("## How the models were compared")
    parts += [markdown.prose(" ".join(items)) for _, items in prose.blocks(comparison.method)]
    parts.append("## How to reproduce this")
    origin = [row for _, rows in facts.provenance([comparison]) for row in rows]
    parts.append("\n".join(f"- {plain(key)}: {plain(value)}" for key, value in origin))
    parts.append("Numbers are rounded for display only; compare.json has full precision.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _sentences(answer: str) -> tuple[str, str]:
    """The sentences of an answer on the best model, and the others without the list of what was compared.

    >>> _sentences("Compared on x: a and b. a has the highest UAR, .5. 0 verdicts differ.")
    ('a has the highest UAR, .5.', '0 verdicts differ.')
    """
    opening, *found = re.split(r"(?<=\.) (?=\S)", answer)
    found = found if opening.startswith("Compared on ") else [opening, *found]
    best = [each for each in found if " the highest " in each] or found[:1]
    return " ".join(best), " ".join(each for each in found if each not in best)


def _has_scores(comparison: Result) -> bool:
    return any(figure.name == SCORES for figure in comparison.figures)


def _figure(figure: Figure, file: str) -> list[str]:
    plain = markdown.plain
    return [f"## {plain(figure.title)}", f"![{plain(figure.alt)}]({quote(file)})", plain(figure.alt)]


def _parted(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Differences with an interval, and all other findings."""
    paired: list[Finding] = []
    rest: list[Finding] = []
    for finding in findings:
        has_interval = finding.low is not None and not finding.name.endswith(".agreement")
        (paired if has_interval else rest).append(finding)
    return paired, rest


def _tables(comparison: Result) -> tuple[list[Table], list[Table]]:
    """Tables shown first, and tables shown below them; a long table is never shown first."""
    first = [t for t in comparison.tables if t.name in FIRST and len(t.rows) <= SHORT]
    return first, [t for t in comparison.tables if t not in first]


def _table(item: Table) -> list[str]:
    columns = content.columns(item)
    cells = [
        [markdown.plain(c) if right else markdown.cell(c) for c in values] for _, right, values in columns
    ]
    body = markdown.table(
        [markdown.cell(name) for name, _, _ in columns],
        [right for _, right, _ in columns],
        [[values[i] for values in cells] for i in range(len(item.rows))],
    )
    return [body if item.rows else "no rows", markdown.prose(item.note)]
