"""Generates pages from the code: one for each audit, the reference, and the reports of the gallery."""

import html
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sertools.api import lists
from sertools.auditing.audit import Audit, load
from sertools.auditing.discovery import discover
from sertools.cli.audit_commands import audit_command
from sertools.comparison.leaderboards.feed import Feed
from sertools.report.prose import blocks, spans
from sertools.results.result import Result
from sertools.results.terms.glossary import CONCEPTS, TERMS
from sertools.results.terms.names import finding_words

ROOT = Path(__file__).parent.parent
SOURCE = "https://github.com/sertools/sertools/blob/main"
COMMANDS = ("cli", "__main__")
"""Packages and modules that are not in the reference: the command line is documented by --help."""

MOST_NUMBERS = 8
"""Most rows of the table in an example."""

OPTIONS_PANEL = "Audit options"
"""Title of the panel in a command's help that contains the options of the audit itself."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the generated pages to the navigation: audits after the other how-to pages, the reference last."""
    assert isinstance(config.nav, list)
    how_to = next(part["How to"] for part in config.nav if "How to" in part)
    how_to.append({"Audits": [{title(name): f"audits/{name}.md"} for name in discover()]})
    config.nav.append({"Reference": [f"reference/{name}.md" for name in modules()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for each audit and each module, and the reports of the gallery."""
    for name in discover():
        files.append(File.generated(config, f"audits/{name}.md", content=audit_page(name)))
    for name in modules():
        page = f"# sertools.{name}\n\n::: sertools.{name}\n"
        files.append(File.generated(config, f"reference/{name}.md", content=page))
    for page in sorted((ROOT / "reports").glob("*/*.html")):
        place = f"gallery/{page.parent.name}.html"
        files.append(File.generated(config, place, abs_src_path=str(page)))
    for name in discover():
        drawn = figure_of(name)
        if drawn is not None:
            place = f"audits/figures/{name}.svg"
            files.append(File.generated(config, place, abs_src_path=str(drawn)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replaces placeholders: the leaderboard's feed, public checkpoints, terms of reports, the gallery."""
    markdown = markdown.replace("<!-- glossary -->", glossary_table())
    markdown = markdown.replace("<!-- gallery -->", gallery())
    markdown = markdown.replace("<!-- models -->", models_table())
    if "<!-- checkpoints -->" in markdown:
        return markdown.replace("<!-- checkpoints -->", checkpoints_table())
    return markdown.replace("<!-- feed -->", feed_tables())


def modules() -> list[str]:
    """Modules of sertools that have a docstring, except the command line, e.g. `metrics.regression`."""
    found = []
    for path in sorted((ROOT / "sertools").rglob("*.py")):
        parts = path.relative_to(ROOT / "sertools").with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        text = path.read_text(encoding="utf-8")
        if parts and parts[0] not in COMMANDS and text.startswith(('"""', 'r"""')):
            found.append(".".join(parts))
    return found


def audit_page(name: str) -> str:
    """The page of an audit: question, command, method, options, limits, an example, the planted defect."""
    audit = load(name)
    command = name.replace("_", "-")
    data = audit.data or "my-clips.csv"
    parts = [f"# {title(name)}", f"**{prose(audit.question)}**"]
    parts.append(f"```sh\nsertools {command} --model my-checkpoint --data {data}\n```")
    source = f"{SOURCE}/{source_of(audit.path)}"
    parts.append(f"Reads {plain(audit.plan().needs.summary)}. [Source]({source})")
    parts.append("## How it is measured")
    parts += method_of(audit)
    if options := option_rows(command):
        parts += ["## Options", table(["option", "default", "meaning"], options)]
    if limits := limit_rows(audit):
        parts += ["## Limits", table(["measure", "applies to", "limit", "source"], limits)]
    parts += example_of(name)
    planted = (audit.plant.__doc__ or "").strip()
    parts += [
        "## The defect that it must detect",
        prose(" ".join(planted.split())) or "See the source.",
        "`sertools selftest` plants this defect, and the tests check that the audit detects it.",
    ]
    return "\n\n".join(parts) + "\n"


def example_file(name: str) -> Path | None:
    """The result that shows an audit best: on real speech, if reports/ has one; None if it has none."""
    found = [ROOT / "reports" / folder / f"{name}.json" for folder in ("ravdess", "emodb", "sample")]
    return next((path for path in found if path.is_file()), None)


def figure_of(name: str) -> Path | None:
    """The first figure of that result; None if it has none."""
    result = example_file(name)
    drawn = result.parent / "figures" / f"{name}-1.svg" if result else None
    return drawn if drawn and drawn.is_file() else None


def example_of(name: str) -> list[str]:
    """How an audit answered for the embedded model: its sentence, headline numbers and first figure."""
    path = example_file(name)
    if path is None:
        return []
    result = Result.model_validate_json(path.read_text(encoding="utf-8"))
    rows = [
        [
            plain(finding_words(f.key)),
            plain(f.value_text),
            plain(f.interval_text),
            plain(f.limit_text),
            f.verdict.value,
        ]
        for f in result.findings
        if f.headline and f.limit is not None
    ]
    model, corpus = (str(facts.get("name", "")) for facts in (result.model, result.data))
    page = f"../../gallery/{path.parent.name}.html"
    parts = ["## An example", f"{plain(model)} on {plain(corpus)}: {plain(result.answer)}"]
    if rows:
        parts.append(table(["measure", "value", "95 % interval", "limit", "verdict"], rows[:MOST_NUMBERS]))
    if figure_of(name) is not None:
        shown = result.figures[0]
        parts.append(f"![{plain(shown.alt)}](figures/{name}.svg)\n\n{plain(shown.title)}")
    return [*parts, f'<a href="{page}">The whole page</a>']


def method_of(audit: Audit) -> list[str]:
    """The paragraphs, lists and blocks of code of an audit's docstring."""
    return [
        "\n".join(f"- {prose(item)}" for item in items) if kind == "list" else fenced(kind, items)
        for kind, items in blocks(audit.method)
    ]


def option_rows(command: str) -> list[list[str]]:
    """Name, default and meaning of each option of the audit itself."""
    return [
        [f"`{max(option.opts, key=len)}`", code(option.default), prose(getattr(option, "help", "") or "")]
        for option in audit_command(command).params
        if getattr(option, "rich_help_panel", "") == OPTIONS_PANEL
    ]


def limit_rows(audit: Audit) -> list[list[str]]:
    """Measure, targets, bounds and source of each limit of an audit."""
    return [
        [code(limit.name), where(limit.target, limit.slice), plain(str(limit)), prose(limit.source)]
        for limit in audit.limits
    ]


def source_of(path: Path) -> str:
    """Path of an audit in the repository: its file, or its folder."""
    return f"audits/{path.parent.name if path.stem == '__init__' else path.name}"


def title(name: str) -> str:
    """The name of an audit as a heading."""
    return name.replace("_", " ").capitalize().replace("Tts", "TTS")


def feed_tables() -> str:
    """Tables of the fields of the feed, made from its schema."""
    schema = Feed.model_json_schema()
    parts = []
    for name, part in [("The feed", schema), *schema["$defs"].items()]:
        if "properties" in part:
            rows = [
                [code(key), plain(kind_of(value)), prose(value.get("description", ""))]
                for key, value in part["properties"].items()
            ]
            parts += [
                f"## {name}",
                prose(part.get("description", "")),
                table(["name", "type", "meaning"], rows),
            ]
    return "\n\n".join(parts)


def checkpoints_table() -> str:
    """The list of public checkpoints, as `sertools list checkpoints` shows it, with links."""
    columns, rows = lists.rows("checkpoints")
    shown = [name for name in columns if name not in {"source", "tested"}]
    lines = []
    for row in rows:
        known = dict(zip(columns, row, strict=True))
        url = str(known["source"]).partition(" ")[0]
        cells = {name: plain(str(known[name])) for name in shown}
        cells["checkpoint"] = f"[{plain(str(known['checkpoint']))}]({url})"
        cells["how it is loaded"] = code(known["how it is loaded"])
        lines.append([*cells.values(), plain(str(known["tested"]))])
    return table([*shown, "tested"], lines)


def models_table() -> str:
    """The kinds of models, as `sertools list models` shows them."""
    columns, rows = lists.rows("models")
    return table(columns, [[code(str(row[0])), *(prose(str(cell)) for cell in row[1:])] for row in rows])


def gallery() -> str:
    """The reports in reports/: title, picture and answer of each."""
    parts = []
    for page in sorted((ROOT / "reports").glob("*/*.html"), key=lambda page: page.parent.name != "sample"):
        text, name = page.read_text(encoding="utf-8"), page.parent.name
        shown = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
        answer = re.search(r'<p class="headline[^"]*">(.*?)</p>', text, re.DOTALL)
        assert shown, f"{page} has no title"
        assert answer, f"{page} has no answer"
        heading, sentence = (html.unescape(re.sub(r"<.*?>", "", found[1])) for found in (shown, answer))
        parts.append(f"## {plain(heading)}")
        picture = ROOT / "docs" / "images" / f"{name}.png"
        if picture.is_file():
            alt = f"The first screen of the page: {sentence}"
            parts.append(f"[![{plain(alt)}](images/{name}.png)](gallery/{name}.html)")
        parts.append(f"{plain(' '.join(sentence.split()))} **[Open the page](gallery/{name}.html)**")
    return "\n\n".join(parts)


def glossary_table() -> str:
    """Abbreviations and terms of the reports."""
    words = [[f"**{plain(name)}**", plain(meaning)] for name, meaning in CONCEPTS]
    short = [[f"**{plain(term.short)}**", plain(term.long), plain(term.meaning)] for term in TERMS]
    return "\n\n".join(
        [
            "## Words",
            table(["word", "meaning"], words),
            "## Abbreviations",
            table(["abbreviation", "stands for", "says"], short),
        ]
    )


def kind_of(value: dict[str, Any]) -> str:
    """The type of a value in the schema, in a few words."""
    if "anyOf" in value:
        return " or ".join(kind_of(each) for each in value["anyOf"])
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if value.get("type") == "array":
        return f"list of {kind_of(value['items'])}"
    if "const" in value:
        return str(value["const"])
    return " or ".join(map(str, value["enum"])) if "enum" in value else str(value.get("type", "any"))


def where(target: str, part: str) -> str:
    """The targets and slices that a limit applies to, or `all`."""
    return ", ".join(code(text) for text in (target, part) if text != "*") or "all"


def fenced(kind: str, items: list[str]) -> str:
    """A paragraph, or an indented passage as a block of code."""
    return "\n".join(["```text", *items, "```"]) if kind == "code" else prose(items[0])


def prose(line: str) -> str:
    """A line of a docstring as Markdown: `code` and links are kept, all other characters are literal."""
    return "".join(
        code(piece) if kind == "code" else f"<{piece}>" if kind == "link" else plain(piece)
        for kind, piece in spans(line)
    )


def plain(text: str) -> str:
    """Text with all characters escaped that have a meaning in Markdown."""
    return re.sub(r"[\\`*_\[\]<>&|~$#{}^=:!+-]", lambda match: f"&#{ord(match[0])};", text)


def code(value: object) -> str:
    """A value as code; a list or tuple as its items."""
    items = value if isinstance(value, list | tuple) else [value]
    text = " ".join(str(item) for item in items if item is not None)
    return f"<code>{html.escape(text).replace('|', '&#124;').replace('*', '&#42;')}</code>" if text else ""


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
