"""Splits the text of docstrings into paragraphs, lists, code and links."""

import itertools
import re
import textwrap
from collections.abc import Sequence

from sertools.results.display import clean

_ITEM = re.compile(r"(?:[-*•]|\d+[.)])\s+")


_FILE = re.compile(r"tables/[a-z0-9_-]+\.parquet")
"""A complete table beside a page that shows a part of it."""

_SPANS = re.compile(r"`([^`\n]+)`|(https?://[^\s<>\"'`)\]]*[^\s<>\"'`)\].,;:])")


def blocks(text: str) -> list[tuple[str, list[str]]]:
    r"""Splits a docstring into paragraphs, lists and indented passages: kind, and its items or lines.

    >>> blocks("One\nparagraph.\n\n- a\n  b\n- c\n\n    x = 1")
    [('paragraph', ['One paragraph.']), ('list', ['a b', 'c']), ('code', ['x = 1'])]
    """
    found: list[tuple[str, list[str]]] = []
    for part in re.split(r"\n[ \t]*\n", textwrap.dedent(clean(text)).strip()):
        lines = part.strip("\n").split("\n")
        if not part.strip():
            continue
        indented = all(line.startswith((" ", "\t")) for line in lines)
        if indented and not _ITEM.match(lines[0].strip()):
            found.append(("code", textwrap.dedent("\n".join(lines)).split("\n")))
            continue
        kind = "paragraph"
        items: list[str] = []
        for line in lines:
            item = _ITEM.match(line.strip())
            if item:
                if kind == "paragraph" and items:
                    found.append((kind, [" ".join(items)]))
                    items = []
                kind = "list"
                items.append(line.strip()[item.end() :])
            elif kind == "list":
                items[-1] += " " + line.strip()
            else:
                items.append(line.strip())
        found.append((kind, items if kind == "list" else [" ".join(items)]))
    return found


def spans(text: str) -> list[tuple[str, str]]:
    """Splits a line of prose into text, `code`, links, and names of complete tables in separate files.

    >>> spans("see `f(x)` in https://example.org/a.")
    [('text', 'see '), ('code', 'f(x)'), ('text', ' in '), ('link', 'https://example.org/a'), ('text', '.')]
    """
    pieces, end = [], 0
    for match in _SPANS.finditer(text):
        pieces.append(("text", text[end : match.start()]))
        code = "file" if match[1] and _FILE.fullmatch(match[1]) else "code"
        pieces.append((code, match[1]) if match[1] else ("link", match[2]))
        end = match.end()
    pieces.append(("text", text[end:]))
    return [piece for piece in pieces if piece[1]]


def slugs(names: Sequence[str]) -> list[str]:
    """A unique anchor for each name, made of letters, digits and hyphens.

    >>> slugs(["fairness", "a b", "a-b", "<>"])
    ['audit-fairness', 'audit-a-b', 'audit-a-b-2', 'audit']
    """
    anchors: list[str] = []
    for name in names:
        base = "-".join(["audit", *re.findall(r"[a-z0-9_]+", name.lower())])
        tried = (base if n == 1 else f"{base}-{n}" for n in itertools.count(1))
        anchors.append(next(anchor for anchor in tried if anchor not in anchors))
    return anchors
