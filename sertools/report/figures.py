"""Draws figures as SVG: text stays text, lines take the page's text colour, and ids are unique."""

import hashlib
import io
import re
import warnings
from html import escape
from itertools import groupby
from typing import Any

from sertools.report import figure_axes, figure_kinds
from sertools.results.display import one_line
from sertools.results.result import Figure

_WIDTH_IN = 6.0
# 336 px wide, the least that a page gives a figure, text of 14.2 points has 11 px
_FONTS = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sertools",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 14.2,
    "axes.labelsize": 14.2,
    "xtick.labelsize": 14.2,
    "ytick.labelsize": 14.2,
    "legend.fontsize": 14.2,
    "legend.frameon": False,
    "text.color": figure_axes.INK,
    "axes.labelcolor": figure_axes.INK,
    "axes.edgecolor": figure_axes.INK,
    "axes.linewidth": 0.8,
    "xtick.color": figure_axes.INK,
    "ytick.color": figure_axes.INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
}


_MOST_REMEMBERED = 128
_remembered: dict[tuple[str, str], str] = {}
"""The last drawings: content of the figure and prefix of its ids → SVG."""


def forget() -> None:
    """Forgets what was drawn in this process, so that all is drawn anew."""
    _remembered.clear()


def draw(figure: Figure, salt: str = "") -> str:
    """The figure as one `<svg>` element for a page; `standalone()` makes it a file.

    The same figure gives the same bytes, and is drawn once by a process that writes several reports with it.
    Missing values leave gaps. Ids are prefixed with `salt` or, by default, with a hash of the figure, so that
    several figures can share a page.

    Args:
        figure: what to draw
        salt: prefix of ids; letters, digits and hyphens
    """
    content = figure.model_dump_json()
    known = _remembered.get((content, salt))
    if known is None:
        known = _drawn(figure, salt or f"f{hashlib.sha256(content.encode()).hexdigest()[:10]}")
        while len(_remembered) >= _MOST_REMEMBERED:
            _remembered.pop(next(iter(_remembered)), None)
        _remembered[content, salt] = known
    return known


def _drawn(figure: Figure, salt: str) -> str:
    """The figure as one `<svg>` element, drawn by matplotlib."""
    import matplotlib.figure
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # a reader's own matplotlibrc must not change the report
        matplotlib.rcParams.update(_STYLE)
        # the browser renders the text, so glyphs missing from matplotlib's font do no harm
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support .* natively")
        # a name too long for the layout is shown anyway
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        size_in = (_WIDTH_IN, figure_kinds.height_in(figure))
        canvas = matplotlib.figure.Figure(figsize=size_in, layout="constrained")
        FigureCanvasSVG(canvas)
        axes = canvas.add_subplot()
        if figure_kinds.has_values(figure):
            figure_kinds.DRAW[figure.kind](axes, figure)
        else:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "no values to draw", ha="center", va="center", transform=axes.transAxes)
        _lay_out(canvas)
        file = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        canvas.savefig(file, format="svg", metadata=nothing, dpi=150)
    return _tidy(file.getvalue(), figure, salt)


def _lay_out(canvas: Any) -> None:
    """Arranges a figure once; matplotlib itself would draw all of it twice, the first time for the layout."""
    canvas.get_layout_engine().execute(canvas)
    canvas.set_layout_engine(None)


def standalone(svg: str) -> str:
    """A drawn figure as the text of an SVG file, with text colours for light and dark mode."""
    style = (
        "<style>svg{color:#1b1f24}@media (prefers-color-scheme:dark){svg{color:#e6e8eb}}"
        "@media print{svg{color:#000}}</style>"
    )
    return svg.replace("<title", style + "<title", 1)


_MARK = r'<use href="(#[^"]*)" x="([^"]*)" y="([^"]*)" style="([^"]*)"/>'
_MARKS = re.compile(rf"(?:{_MARK}\s*){{3,}}")
"""Points that follow each other."""


def _together(found: re.Match[str]) -> str:
    """The points, those of one look in one group, at places to a tenth of a point: half as many bytes."""
    marks = re.findall(_MARK, found[0])
    parts = []
    for (shape, style), group in groupby(marks, key=lambda mark: (mark[0], mark[3])):
        places = [f'x="{float(x):.1f}" y="{float(y):.1f}"' for _, x, y, _ in group]
        points = "".join(f'<use href="{shape}" {place}/>' for place in places)
        parts.append(f'<g style="{style}">{points}</g>')
    return "\n".join(parts) + "\n"


def _tidy(svg: str, figure: Figure, salt: str) -> str:
    """Matplotlib's SVG without prologue, with unique ids, the page's text colour, title and description."""
    svg = svg[svg.index("<svg") :].strip() + "\n"
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # this style rule would apply to the whole page; it is set on the root element instead
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*</defs>", "", svg)
    svg = svg.replace("xlink:href", "href").replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    used = dict.fromkeys(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    short = {name: f"{salt}-{i}" for i, name in enumerate(used)}
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{short[m[1]]}"' if m[1] in short else "", svg)
    svg = re.sub(r'(url\(#|href="#)([^)"]+)', lambda m: m[1] + short[m[2]], svg)
    svg = _MARKS.sub(_together, svg)
    svg = svg.replace("'DejaVu Sans'", _FONTS).replace(figure_axes.INK, "currentColor")
    opening, rest = svg.split(">", 1)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', opening)
    assert size is not None
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[1]} {size[2]}" '
        f'width="{float(size[1]) * 4 / 3:.0f}" height="{float(size[2]) * 4 / 3:.0f}" role="img" '
        f'aria-labelledby="{salt}-title {salt}-desc" '
        'style="stroke-linejoin:round;stroke-linecap:butt">'
    )
    title = f'<title id="{salt}-title">{escape(one_line(figure.title))}</title>'
    return f'{root}{title}<desc id="{salt}-desc">{escape(one_line(figure.alt))}</desc>{rest}'
