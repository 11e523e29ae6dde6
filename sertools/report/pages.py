"""Fills a template with text that is escaped whatever it holds: a report, a comparison, a site."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.report import content, text

SORTING = "tables.js"
"""Makes tables sortable by their headers, and long ones filterable."""

_TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, scripts: Sequence[str] = (SORTING,), **values: Any) -> str:
    """A page from `templates/`, with the common style; what is not `markup()` already is escaped.

    The page's policy names the hash of its own script, `script_hash`, so that no other script runs, whatever
    the data holds.

    Args:
        template: name of its file
        scripts: names of script files, for the end of the page
        values: what it shows
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=text.clean_unless_safe,
    )
    script = "".join(map(_read, scripts))
    common = {
        "style": markup(_read("style.css")),
        "script": markup(script),
        "script_hash": script_hash(script),
        "content": content,
        "text": text,
    }
    return environment.get_template(template).render(**common, **values)


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def script_hash(script: str) -> str:
    """How a content security policy names a script that may run.

    >>> script_hash("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def markup(written: str) -> Any:
    """Markup of our own making, such as a drawing, that is shown as it is."""
    from markupsafe import Markup

    return Markup(written)
