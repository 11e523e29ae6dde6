"""Formats text and numbers for display: rounded, aligned, and safe whatever the data contains."""

import math
import re
from collections.abc import Iterable, Sequence

from sertools.results.result import Finding, Verdict

SYMBOLS = {
    Verdict.FAIL: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.PASS: "✓",
    Verdict.SKIPPED: "–",
    Verdict.NONE: "·",
}
"""A symbol for each verdict, so that no reader depends on colour; most urgent first."""

WORDS = {
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.PASS: "pass",
    Verdict.SKIPPED: "skipped",
    Verdict.NONE: "no limit",
}

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
    text = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return _LINE_ENDS.sub("\n", text).translate(_CONTROLS)


def clean_unless_safe(value: object) -> object:
    """The cleaned text; markup is returned unchanged."""
    return value if hasattr(value, "__html__") else clean(value)


def one_line(value: object) -> str:
    r"""The cleaned text on one line: every run of white space becomes one space.

    Characters that change the direction of the text after them are escaped.

    >>> one_line("  two\n  words ")
    'two words'
    """
    return " ".join(clean(value).translate(_TURNS).split())


def verdict(value: Verdict) -> str:
    """Symbol and name of a verdict.

    >>> verdict(Verdict.FAIL)
    '✗ fail'
    """
    return f"{SYMBOLS[value]} {WORDS[value]}"


def plural(n: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "clip"), plural(0, "clip")
    ('1 clip', '0 clips')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def decimals(values: Iterable[float | None]) -> int:
    """Number of decimals to show for these numbers: three below 10, fewer above, more below 0.01.

    >>> decimals([0.5, 0.61234]), decimals([1234.5]), decimals([0.00123, None]), decimals([])
    (3, 0, 4, 3)
    """
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    if largest >= 0.01 or largest == 0:
        return max(0, 3 - sum(largest >= bound for bound in (10, 100, 1000)))
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


def finding_places(finding: Finding) -> int:
    """Number of decimals for a finding: enough that no number looks equal to a limit it differs from."""
    shown = [v for v in (finding.value, finding.low, finding.high) if v is not None]
    if shown and all(v.is_integer() for v in shown) and max(map(abs, shown)) >= 2:
        return 0
    places = decimals(shown)
    bounds = [finding.limit.above, finding.limit.below] if finding.limit else []
    pairs = [(v, b) for v in shown for b in bounds if b is not None and v != b]
    while places < 6 and any(fixed(v, places) == fixed(b, places) for v, b in pairs):
        places += 1
    return places


def exact(value: object) -> str:
    """A number in full precision, used for sorting; empty if there is none.

    >>> exact(0.1 + 0.2), exact(None)
    ('0.30000000000000004', '')
    """
    return "" if value is None else str(value)


def value_text(finding: Finding) -> str:
    """A finding's value, rounded for display."""
    return fixed(finding.value, finding_places(finding))


def interval_text(finding: Finding) -> str:
    """A finding's 95 % interval, rounded like its value; a dash if there is none.

    >>> interval_text(Finding(name="ccc", value=0.7, low=0.61234, high=0.78, n=9))
    '0.612 … 0.780'
    """
    if finding.low is None and finding.high is None:
        return ABSENT
    places = finding_places(finding)
    low, high = (fixed(v, places) if v is not None else "?" for v in (finding.low, finding.high))
    return f"{low} … {high}"


def limit_text(finding: Finding) -> str:
    """A finding's limit without its source; a dash if there is none."""
    return str(finding.limit).replace("-", _MINUS) if finding.limit else ABSENT


def is_number(value: object) -> bool:
    """Whether a table cell is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_numeric(column: Sequence[object]) -> bool:
    """Whether a table column contains only numbers, and at least one."""
    known = [value for value in column if value is not None]
    return bool(known) and all(is_number(value) for value in known)


def column_texts(column: Sequence[str | int | float | bool | None]) -> list[str]:
    """The cells of a table column as text; numbers share as few decimals as needed, at most `decimals()`.

    >>> column_texts([0.5, 0.61234, None]), column_texts([40.0, 35]), column_texts([True, "x"])
    (['0.500', '0.612', '–'], ['40', '35'], ['yes', 'x'])
    """
    floats = [float(v) for v in column if isinstance(v, int | float) and not isinstance(v, bool)]
    most = decimals(floats)
    places = next((k for k in range(most) if all(abs(round(v, k) - v) < 1e-12 for v in floats)), most)
    return [_cell_text(value, places) for value in column]


def _cell_text(value: str | int | float | bool | None, places: int) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return clean(value)
    return str(value).replace("-", _MINUS) if isinstance(value, int) else fixed(value, places)
