"""Renders HTML templates with escaped text: report, comparison and leaderboard."""

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.report import content, prose, text
from sertools.report.summary import facts
from sertools.results import display
from sertools.results.terms import glossary, names
from sertools.wording import plural

SORTING = "tables.js"
"""Script that makes tables sortable by header, and long tables filterable."""

_TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, scripts: Sequence[str] = (SORTING,), **values: Any) -> str:
    """A page from `templates/` with the common style; values are escaped unless they are `markup()`.

    The page's content security policy contains the hash of its own script, `script_hash`, so that no other
    script runs, whatever the data contains.

    Args:
        template: file name of the template
        scripts: file names of scripts, placed at the end of the page
        values: variables of the template
    """
    script = "".join(map(_read, scripts))
    common = {
        "style": markup(_read("style.css")),
        "script": markup(script),
        "script_hash": script_hash(script),
        "content": content,
        "about": facts,
        "prose_of": prose,
        "glossary": glossary,
        "names": names,
        "say": said,
        "markup": markup,
        "display": display,
        "text": text,
        "plural": plural,
    }
    return str(_environment().get_template(template).render(**common, **values))


@functools.cache
def look() -> str:
    """A hash of all templates, styles and scripts; pages from other ones look different."""
    content = b"".join(path.read_bytes() for path in sorted(_TEMPLATES.iterdir()) if path.is_file())
    return hashlib.blake2b(content, digest_size=16).hexdigest()


@functools.cache
def _environment() -> Any:
    """The settings of templates, which keep what was compiled, because a page is rendered repeatedly."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=text.clean_unless_safe,
    )


@functools.lru_cache(maxsize=2**14)
def said(line: object) -> Any:
    """A text as markup, in which terms are explained on hover; kept, because pages repeat what they say.

    >>> said("n < 1")
    Markup('n &lt; 1')
    """
    from markupsafe import Markup, escape

    pieces = []
    for piece, term in glossary.marked(display.clean(line)):
        shown = escape(display.clean(piece))
        if term:
            shown = Markup('<abbr title="{}">{}</abbr>').format(display.clean(term.on_hover), shown)
        pieces.append(shown)
    return Markup("").join(pieces)


@functools.cache
def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def script_hash(script: str) -> str:
    """The hash with which a content security policy allows a script.

    >>> script_hash("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def markup(written: str) -> Any:
    """Marks text as our own markup, such as a figure, so that it is not escaped."""
    from markupsafe import Markup

    return Markup(written)  # nosec B704  # noqa: S704 (only figures that sertools drew)
