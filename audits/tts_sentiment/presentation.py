"""Tables, figures, the answer and notes."""

import pandas as pd

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.labels import DIMENSIONS
from sertools.results.result import Figure, Finding, Series, Table

from .rows import MAX_WORDS_SHOWN
from .shifts import NO_EVIDENCE

FORMS = {
    "positive_minus_neutral": "positive − neutral",
    "negative_minus_neutral": "negative − neutral",
    "negated_shift": "not good − not bad",
    "intensity_shift": "very",
    "control_minus_neutral": "controls − neutral",
}
"""Finding → its name in the figure of forms."""


def tables(words: list[Row], templates: list[Row], shares: list[Row]) -> list[Table]:
    """The tables of words, templates and variance components that have rows."""
    over_voices = "interval over voices, for these words in these templates"
    interval = ["low", "high", "clips"]
    made = [
        Table(
            name="words",
            title="Words whose predictions differ most from the neutral words",
            columns=["target", "language", "word", "sentiment", "minus neutral", *interval],
            rows=words,
            note=f"at most {MAX_WORDS_SHOWN} words per target; {over_voices}",
        ),
        Table(
            name="templates",
            title="Sentiment shift within each template",
            columns=["target", "language", "template", "positive − negative", *interval],
            rows=templates,
            note=over_voices,
        ),
        Table(
            name="variance",
            title="Variance components of the predictions",
            columns=["target", "source", "levels", "variance", "share"],
            rows=shares,
            note="plain sentences only; a component with few levels is uncertain",
        ),
    ]
    return [table for table in made if table.rows]


def figures(findings: list[Finding], shares: list[Row]) -> list[Figure]:
    """Shifts overall, by language and by form of the word, and variance components."""
    overall = [f for f in findings if f.name == "sentiment_shift" and f.slice == "all"]
    by_language = [
        f for f in findings if f.name == "sentiment_shift" and f.slice != "all" and f.target in DIMENSIONS
    ]
    languages = [f"{f.target}, {f.slice.partition('=')[2]}" for f in by_language]
    forms = [f for f in findings if f.name in FORMS]
    drawn = [
        _shift_figure("shift", "Positive minus negative words", overall, [f.target for f in overall]),
        _shift_figure("languages", "Positive minus negative words, by language", by_language, languages),
        _shift_figure(
            "forms", "Shifts by form of the word", forms, [f"{f.target}, {FORMS[f.name]}" for f in forms]
        ),
        _variance_figure(shares),
    ]
    return [figure for figure in drawn if figure.series and figure.series[0].x]


def _shift_figure(name: str, title: str, found: list[Finding], names: list[str]) -> Figure:
    return Figure(
        name=name,
        kind="interval",
        title=title,
        alt="; ".join(
            f"{n}: {f.value:+.3f}" for n, f in zip(names, found, strict=True) if f.value is not None
        ),
        x_label="shift of the prediction",
        series=[interval_series(names, found)],
        band=(-0.05, 0.05) if name != "forms" else None,
        reference=0.0,
    )


def _variance_figure(shares: list[Row]) -> Figure:
    targets = list(dict.fromkeys(str(row[0]) for row in shares))
    sources = list(dict.fromkeys(str(row[1]) for row in shares))
    share = {(str(row[0]), str(row[1])): float(row[4] or 0.0) for row in shares}
    series = [
        Series(name=source, x=list(targets), y=[share.get((t, source)) for t in targets])
        for source in sources
    ]
    return Figure(
        name="variance",
        kind="bar",
        title="Variance components of the predictions",
        alt="Share of the variance of predictions due to words, voices and other sources, by target.",
        y_label="share of the variance",
        series=series,
    )


def notes(clips: pd.DataFrame) -> list[str]:
    """A note if not every voice of a language says every word of it."""
    plain = clips[clips["kind"] == "plain"]
    sizes = plain.groupby("language").agg(items=("item", "nunique"), voices=("voice", "nunique"))
    cells = len(plain.drop_duplicates(["language", "item", "voice"]))
    possible = int((sizes["items"] * sizes["voices"]).sum())
    if cells == possible:
        return []
    return [f"Words and voices are not fully crossed: the corpus has {cells} of {possible} combinations."]


def answer(findings: list[Finding], dimensions: list[str]) -> str:
    """The largest shift, and whether it shows an effect of the words."""
    shifts = [f for f in findings if f.name == "sentiment_shift" and f.slice == "all" and f.value is not None]
    shifts = [f for f in shifts if f.target in dimensions] or shifts
    if not shifts:
        return "Not measured: the corpus lacks sentences with negative or with positive words."
    largest = max(shifts, key=lambda f: abs(f.value or 0.0))
    value = f"{largest.value or 0.0:+.3f}{interval_text(largest, '+.3f')}"
    shift = f"{largest.target} shifts most, by {value} from negative to positive words"
    if NO_EVIDENCE in largest.reason:
        return f"The model is not shown to respond to this speech at all; {shift}."
    if largest.low is None or largest.high is None:
        return f"{shift[0].upper()}{shift[1:]}, but there is no confidence interval."
    if largest.low <= 0 <= largest.high:
        return f"No effect of the words is shown; {shift}."
    return f"The model responds to the words, or to their sound: {shift}."
