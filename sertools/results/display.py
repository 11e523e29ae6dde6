"""Shows text and numbers: rounded, and safe whatever the data contains; shared by all outputs."""

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import TypeGuard

ABSENT = "–"
"""Shown in place of a missing number."""

_MINUS = "\u2212"
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_TURNS = {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), 0xFFFE, 0xFFFF], 0xFFFD)


def clean(value: object) -> str:
    r"""The text with control characters, which a page or terminal would interpret, made visible.

    Control characters become their Unicode pictures (escape: ␛), line endings become newlines, and lone
    surrogates (bytes that were never text) are escaped. Markup is not escaped here: the page writer does it.

    >>> clean("a\x1b[31mb\r\nc")
    'a␛[31mb\nc'
    """
    text = str(value)
    if text.isprintable():  # nothing of all this, as almost always
        return text
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _LINE_ENDS.sub("\n", text).translate(_CONTROLS)


def one_line(value: object) -> str:
    r"""The cleaned text on one line: every run of white space becomes one space.

    Characters that change the direction of the text after them are escaped.

    >>> one_line("  two\n  words ")
    'two words'
    """
    return " ".join(clean(value).translate(_TURNS).split())


def decimals(values: Iterable[float | None]) -> int:
    """Number of decimals to show for these numbers: three significant digits of the largest, two below 0.01.

    >>> decimals([0.5, 0.61234]), decimals([1.0]), decimals([123.4]), decimals([0.00123, None]), decimals([])
    (3, 2, 0, 4, 3)
    """
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    if largest >= 0.01 or largest == 0:
        return max(0, 3 - sum(largest >= bound for bound in (1, 10, 100)))
    return 1 - math.floor(math.log10(largest))


def fixed(value: float | None, places: int) -> str:
    """A number with this many decimals and a true minus sign; a dash for None.

    >>> fixed(-0.12345, 3), fixed(None, 3), fixed(-0.0001, 3), fixed(1.2e-9, 10)
    ('−0.123', '–', '0.000', '1.2e−09')
    """
    if value is None or math.isnan(value):
        return ABSENT
    text = f"{value:.1e}" if places > 6 and value else f"{value:.{places}f}"
    if not places > 6 and not float(text):
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def finding_decimals(numbers: Iterable[float | None], bounds: Iterable[float | None] = ()) -> int:
    """Number of decimals for a value and its interval; 0 for counts, which are whole and above 1.

    There are enough decimals that no number looks equal to a bound that it differs from.

    >>> finding_decimals([0.7, 0.61234, 0.78]), finding_decimals([12.0, 12.0, 12.0])
    (3, 0)
    >>> finding_decimals([0.50004], [0.5])
    5
    """
    shown = [number for number in numbers if number is not None]
    if shown and all(number.is_integer() for number in shown) and max(map(abs, shown)) >= 2:
        return 0
    chosen = decimals(shown)
    pairs = [(number, bound) for number in shown for bound in bounds if bound is not None and number != bound]
    while chosen < 6 and any(fixed(number, chosen) == fixed(bound, chosen) for number, bound in pairs):
        chosen += 1
    return chosen


def interval(low: float | None, high: float | None, places: int) -> str:
    """Both ends of an interval with this many decimals; a dash if there is none.

    >>> interval(0.61234, 0.78, 3), interval(None, 0.78, 3), interval(None, None, 3)
    ('[0.612, 0.780]', '[?, 0.780]', '–')
    """
    if low is None and high is None:
        return ABSENT
    ends = ("?" if end is None else fixed(end, places) for end in (low, high))
    return f"[{', '.join(ends)}]"


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """A value, with its interval if it has one.

    >>> with_interval(-0.1, -0.2, 0.05), with_interval(0.5, None, None)
    ('−0.100 [−0.200, 0.050]', '0.500')
    """
    chosen = finding_decimals([value, low, high])
    ends = interval(low, high, chosen)
    return fixed(value, chosen) + ("" if ends == ABSENT else f" {ends}")


def with_minus(text: str) -> str:
    """Text of a number with a true minus sign.

    >>> with_minus("-1")
    '−1'
    """
    return text.replace("-", _MINUS)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a table cell is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shared_decimals(values: Sequence[float]) -> int:
    """Number of decimals for a column of numbers: as few as lose nothing, at most `decimals()`.

    >>> shared_decimals([0.5, 0.61234]), shared_decimals([40.0, 35.0]), shared_decimals([0.5, 0.25])
    (3, 0, 2)
    """
    most = decimals(values)
    return next((k for k in range(most) if all(abs(round(v, k) - v) < 1e-12 for v in values)), most)


def html_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A plain HTML table; all text is escaped.

    >>> html_table("a & b", ["n"], [["<i>"]])
    '<table><caption>a &amp; b</caption><tr><th>n</th></tr><tr><td>&lt;i&gt;</td></tr></table>'
    """
    head = "".join(f"<th>{escaped(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escaped(caption)}</caption><tr>{head}</tr>{body}</table>"


def escaped(value: object) -> str:
    """One line of text as HTML in which nothing is markup.

    >>> escaped("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return html.escape(one_line(value))
