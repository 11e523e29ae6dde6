"""Pages that are made from the code itself: one for each audit, the reference, the gallery's reports."""

import html
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sertools.auditing import audit as audits
from sertools.auditing.discovery import discover
from sertools.cli.audit_commands import audit_command
from sertools.comparison.leaderboard_feed import Feed
from sertools.report.prose import blocks, spans

ROOT = Path(__file__).parent.parent
SOURCE = "https://github.com/sertools/sertools/blob/main"
COMMANDS = ("cli", "__main__")
"""Packages and modules of the command line, which explains itself by --help."""

OWN = "Audit options"
"""The panel of a command's help that holds an audit's own options."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the generated pages into the navigation: audits after the other how-tos, the reference last."""
    assert isinstance(config.nav, list)
    how_to = next(part["How to"] for part in config.nav if "How to" in part)
    how_to.append({"Audits": [{title(name): f"audits/{name}.md"} for name in discover()]})
    config.nav.append({"Reference": [f"reference/{name}.md" for name in modules()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for each audit and each module, and the reports that the gallery shows."""
    for name in discover():
        files.append(File.generated(config, f"audits/{name}.md", content=audit_page(name)))
    for name in modules():
        page = f"# sertools.{name}\n\n::: sertools.{name}\n"
        files.append(File.generated(config, f"reference/{name}.md", content=page))
    for page in sorted((ROOT / "reports").glob("*/*.html")):
        place = f"gallery/{page.parent.name}.html"
        files.append(File.generated(config, place, abs_src_path=str(page)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fills the table of the leaderboard's feed from its schema."""
    return markdown.replace("<!-- feed -->", feed_tables())


def modules() -> list[str]:
    """Modules of sertools with a docstring, but for those of the command line, as `metrics.classify`."""
    found = []
    for path in sorted((ROOT / "sertools").rglob("*.py")):
        parts = path.relative_to(ROOT / "sertools").with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        text = path.read_text(encoding="utf-8")
        if parts and parts[0] not in COMMANDS and text.startswith(('"""', 'r"""')):
            found.append(".".join(parts))
    return found


def audit_page(name: str) -> str:
    """How to run an audit, what it asks, how it measures, and what it judges by."""
    audit = audits.load(name)
    command = name.replace("_", "-")
    data = audit.data or "my-clips.csv"
    parts = [f"# {title(name)}", f"**{prose(audit.question)}**"]
    parts.append(f"```sh\nsertools {command} --model my-checkpoint --data {data}\n```")
    source = f"{SOURCE}/{source_of(audit.path)}"
    parts.append(f"Reads {plain(audit.plan().needs.summary)}. [Source]({source})")
    parts.append("## How it is measured")
    for kind, items in blocks(audit.method):
        parts.append("\n".join(f"- {prose(i)}" for i in items) if kind == "list" else fenced(kind, items))
    rows = [
        [f"`{max(option.opts, key=len)}`", code(option.default), prose(getattr(option, "help", "") or "")]
        for option in audit_command(command).params
        if getattr(option, "rich_help_panel", "") == OWN
    ]
    if rows:
        parts += ["## Options of its own", table(["option", "default", "meaning"], rows)]
    limits = [
        [code(limit.name), where(limit.target, limit.slice), plain(str(limit)), prose(limit.source)]
        for limit in audit.limits
    ]
    if limits:
        parts += ["## Limits", table(["measure", "of", "limit", "source"], limits)]
    planted = (audit.plant.__doc__ or "").strip()
    parts += ["## What it must catch", prose(" ".join(planted.split())) or "See the source."]
    parts.append("`sertools selftest` plants this defect, and the tests hold the audit to finding it.")
    return "\n\n".join(parts) + "\n"


def source_of(path: Path) -> str:
    """Place of an audit in the repository: its file, or its folder."""
    return f"audits/{path.parent.name if path.stem == '__init__' else path.name}"


def title(name: str) -> str:
    """An audit's name as a heading."""
    return name.replace("_", " ").capitalize().replace("Tts", "TTS")


def feed_tables() -> str:
    """What each part of the feed holds, from the schema that is written beside it."""
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


def kind_of(value: dict) -> str:
    """The type of a value in the schema in few words."""
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
    """On what a limit is held, where it is not on everything."""
    return ", ".join(code(text) for text in (target, part) if text != "*") or "all"


def fenced(kind: str, items: list[str]) -> str:
    """A paragraph, or an indented passage as a block."""
    return "\n".join(["```text", *items, "```"]) if kind == "code" else prose(items[0])


def prose(line: str) -> str:
    """A line of a docstring as Markdown: its `code` and links, all else literal."""
    return "".join(
        code(piece) if kind == "code" else f"<{piece}>" if kind == "link" else plain(piece)
        for kind, piece in spans(line)
    )


def plain(text: str) -> str:
    """Text in which no character means anything to Markdown."""
    return re.sub(r"[\\`*_\[\]<>&|~$#{}^=:!+-]", lambda match: f"&#{ord(match[0])};", text)


def code(value: object) -> str:
    """A value as code; a tuple as its items."""
    items = value if isinstance(value, list | tuple) else [value]
    text = " ".join(str(item) for item in items if item is not None)
    return f"<code>{html.escape(text).replace('|', '&#124;').replace('*', '&#42;')}</code>" if text else ""


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
