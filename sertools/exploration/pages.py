"""The pages of an exploration: one for a browser, one for a repository."""

from collections.abc import Mapping
from urllib.parse import quote

from sertools.exploration.sections import Exploration, Section
from sertools.report import content, figures, pages
from sertools.report import markdown as md
from sertools.report.summary import facts
from sertools.results.display import clean
from sertools.results.result import Figure
from sertools.results.terms import names

Key = tuple[int, int]
"""Index of a section, and of one of its figures."""


def draw(exploration: Exploration) -> tuple[dict[str, str], dict[Key, str]]:
    """The files of all figures, and the figures as markup for a page."""
    drawn = {
        (i, j): figures.draw(figure, f"{section.name}-{j + 1}")
        for i, section in enumerate(exploration.sections)
        for j, figure in enumerate(section.figures)
    }
    files = {
        figure_file(exploration.sections[i], exploration.sections[i].figures[j]): figures.standalone(svg)
        for (i, j), svg in drawn.items()
    }
    return files, drawn


def figure_file(section: Section, figure: Figure) -> str:
    """The file of a figure, relative to the page."""
    return f"figures/{section.name}-{figure.name}.svg"


def html(exploration: Exploration, drawn: Mapping[Key, str]) -> str:
    """The self-contained HTML page."""
    return pages.page(
        "explore.html",
        exploration=exploration,
        title=title(exploration),
        drawn={key: pages.markup(svg) for key, svg in drawn.items()},
    )


def title(exploration: Exploration) -> str:
    """The question of the page."""
    return f"What is in {content.name_of(exploration.data, 'this corpus')}?"


def markdown(exploration: Exploration) -> str:
    """The Markdown page, with figures as separate files."""
    parts = [f"# {md.plain(title(exploration))}"]
    if exploration.data.get("simulated"):
        parts.append(f"> **About the labels:** {md.plain(exploration.data['simulated'])}")
    parts.append("\n".join(f"- **{md.plain(s.title)}:** {md.plain(s.answer)}" for s in exploration.sections))
    for section in exploration.sections:
        parts += [f"## {md.plain(section.title)}", f"**{md.plain(section.answer)}**"]
        parts.append("\n".join(f"- {md.plain(sentence)}" for sentence in section.sentences))
        for figure in section.figures:
            address = quote(figure_file(section, figure))
            parts += [
                f"### {md.plain(figure.title)}",
                f"![{md.plain(figure.alt)}]({address})",
                md.plain(figure.alt),
            ]
        if section.findings:
            parts.append(_findings(section))
        for item in section.tables:
            columns = content.columns(item)
            cells = [[md.plain(c) if right else md.cell(c) for c in values] for _, right, values in columns]
            body = md.table(
                [md.cell(name) for name, _, _ in columns],
                [right for _, right, _ in columns],
                [[values[i] for values in cells] for i in range(len(item.rows))],
            )
            parts += [f"### {md.plain(item.title)}", body, md.plain(item.note)]
    known = facts.facts(exploration.data, ["name", "licence"])
    parts += ["## The corpus", "\n".join(f"- {md.plain(key)}: {md.plain(value)}" for key, value in known)]
    parts.append("\n".join(f"- {md.plain(note)}" for note in exploration.notes))
    if exploration.provenance.get("command"):
        parts += [
            "## How to reproduce this",
            f"```text\n{clean(exploration.provenance['command'])}\n```",
        ]
    parts.append(f"{INTERVALS} Numbers are rounded for display only; explore.json has full precision.")
    return "\n\n".join(part for part in parts if part) + "\n"


INTERVALS = "Intervals are 95 % confidence intervals clustered by speaker."


def _findings(section: Section) -> str:
    rows = [
        [
            md.cell(names.finding_words(f.key)),
            f.value_text,
            md.plain(f.interval_text),
            str(f.n),
            md.cell(f.reason),
        ]
        for f in section.findings
    ]
    return md.table(
        ["Finding", "Value", "95 % interval", "Clips", "Reason"], [False, True, True, True, False], rows
    )
