"""Fills a template with text that is escaped whatever it holds: a report, a comparison, a site."""

from pathlib import Path
from typing import Any

from sertools.report import content, text

_TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, **values: Any) -> str:
    """A page from `templates/`, with the common style; what is not `markup()` already is escaped.

    Args:
        template: name of its file
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
    style = markup((_TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(**values, style=style, content=content, text=text)


def markup(written: str) -> Any:
    """Markup of our own making, such as a drawing, that is shown as it is."""
    from markupsafe import Markup

    return Markup(written)
