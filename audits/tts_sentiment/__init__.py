"""Does the model listen to what is said, or to how it is said?

Synthetic voices say sentences that differ in one negative, neutral or positive word, all in the same tone
(Wagner et al. 2023, §5.3). A model that ignores words predicts the same for all; otherwise predictions shift:

- sentiment shift = m(p | positive) − m(p | negative), and each of both minus neutral,
- neutral point = m(p | neutral),
- negated shift, the same difference for "not good" and "not bad": a model that spots keywords shifts as
  before, one that understands negation shifts the other way; negation consistency is the share of pairs of a
  sentence and its negation in which the prediction moves against the word,
- intensity shift: how much further "very" moves the prediction in the direction of the word,
- controls: sentences with nouns that are related to feelings but express no judgement, minus neutral,
- across languages shift(l, s) = m(p | l, s) − m(p | l), minus its mean over languages (ser-tests),
- variance components of words, voices, templates, languages, engines and the residual (Henderson 1953).

Voices are crossed with words, and the intervals generalise to other words and other voices: jackknives leave
out one word and one voice at a time, and the variance that both count is subtracted once. The column `kind`
gives the form of the word in the sentence (plain, negated, intense, control); without it all sentences are
plain. Words also differ in their acoustics, so a shift can be due to the sound of these words; the more words
are tested, the less so.

The limit of the shift is our own: up to a twentieth of the scale, a model counts as insensitive to words.
Whether it should be insensitive is up to its user; a model that is meant to use the words needs a limit of
its own. The limit over languages (.025) is that of audEERING's ser-tests. A model with constant predictions
is insensitive, too: so a shift is judged only if predictions vary between voices or between words beyond
chance (F test of the two-way layout, p < .0001), or if the corpus has ratings and the model is better than a
constant.
"""

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.labels import DIMENSIONS
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.crossed import Crossed, codes, components, contrast, systematic
from sertools.statistics.jackknife import Estimate
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables

from .sentences import POLARITY, SENTIMENTS, Spoken, changes, worded_clips

NEEDS = Needs(columns=("sentiment", "transcript", "speaker"), labels="none")
DATA = "tts-sentences"

LIMITS = [
    Limit(
        name="sentiment_shift",
        above=-0.05,
        below=0.05,
        source="ours: insensitive to words",
    ),
    Limit(
        name="language_shift", above=-0.025, below=0.025, source="audEERING ser-tests, linguistic sentiment"
    ),
]
BY_CHANCE = 1e-4
HEARS_NOTHING = (
    "predictions do not vary between voices or sentences beyond chance, so finding no effect of the words is "
    "not evidence"
)
SHOWN = 20
"""Most words in the table for each target."""


def audit(tables: Tables, *, rng: np.random.Generator) -> Outcome:
    """Measure the shifts of every dimension and of every emotion's score.

    Args:
        tables: clips and clean predictions
        rng: not used, nothing is random
    """
    clips = worded_clips(tables)
    scores = tables.predictions[CLEAN]
    findings: list[Finding] = []
    words: list[list[str | float | int | None]] = []
    templates: list[list[str | float | int | None]] = []
    shares: list[list[str | float | int | None]] = []
    dimensions = [d for d in DIMENSIONS if d in scores]
    targets = [*dimensions, *sorted(str(c) for c in scores if c not in DIMENSIONS)]
    languages = tuple(sorted(clips["language"].unique()))
    for target in targets:
        known = clips.assign(prediction=scores[target]).dropna(subset="prediction")
        kinds = {str(kind): Spoken(frame=part, languages=languages) for kind, part in known.groupby("kind")}
        plain = kinds.get("plain")
        if plain is None:
            findings.append(skipped("sentiment_shift", tables, "no sentences of kind plain", target))
            continue
        useless = _useless(tables, plain, target)
        findings += _shifts(plain, target, useless, whole=target in dimensions)
        if target in dimensions:
            findings += _forms(tables, plain, kinds, target)
            words += _words(plain, target)
            templates += _templates(plain, target)
        if target in dimensions or not dimensions:
            findings += _across_languages(plain, target, useless)
        shares += _shares(plain, target)
    return Outcome(
        answer=_answer(findings, dimensions),
        findings=findings,
        tables=_tables(words, templates, shares),
        figures=_figures(findings, shares),
        notes=_notes(clips),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """A model that spots keywords: a positive word adds a fifth of the scale, a negative one subtracts it."""
    of_word = worded_clips(tables)
    sign = of_word["sentiment"].map(POLARITY).reindex(tables.clips.index).fillna(0.0)
    sign = sign.where(of_word["kind"].reindex(tables.clips.index) != "negated", -sign)
    planted = {}
    for condition, scores in tables.predictions.items():
        moved = scores.copy()
        for dimension in tables.model_dimensions:
            moved[dimension] = scores[dimension] + 0.2 * sign
        planted[condition] = moved
    return tables.with_predictions(planted)


def _useless(tables: Tables, plain: Spoken, target: str) -> str:
    """Why the absence of a shift would not be evidence; empty if it would be."""
    data = plain.data
    if systematic(data) < BY_CHANCE:
        return ""
    if target in tables.dimensions:
        return HEARS_NOTHING if not_better_than_constant(pairs(tables, target)) else ""
    if target in tables.classes:
        return (
            HEARS_NOTHING
            if not_better_than_constant(pairs(tables, "emotion"), len(tables.model_classes))
            else ""
        )
    return HEARS_NOTHING


def _shifts(plain: Spoken, target: str, useless: str, *, whole: bool) -> list[Finding]:
    """The sentiment shift and, if `whole`, its two halves and the neutral point."""
    asked = [("sentiment_shift", (-1.0, 0.0, 1.0), useless)]
    if whole:
        asked += [
            ("positive_minus_neutral", (0.0, -1.0, 1.0), ""),
            ("negative_minus_neutral", (1.0, -1.0, 0.0), ""),
            ("neutral_point", (0.0, 1.0, 0.0), ""),
        ]
    return [_of(name, plain.mean_over_languages(signs), target, withheld) for name, signs, withheld in asked]


def _forms(tables: Tables, plain: Spoken, kinds: dict[str, Spoken], target: str) -> list[Finding]:
    """Findings on negation, intensity ("very") and controls, where the corpus has such sentences."""
    found = []
    for kind, name in (("negated", "negation_consistency"), ("intense", "intensity_shift")):
        if kind not in kinds:
            continue
        if kind == "negated":
            # the sentiment of "not bad" is positive but its word is negative; the shift refers to the words
            value = kinds[kind].mean_over_languages((1.0, 0.0, -1.0))
            found.append(_of("negated_shift", value, target))
        moved = changes(plain, kinds[kind], reverse=kind == "negated")
        if moved.empty:
            found.append(skipped(name, tables, f"no {kind} sentence has a plain counterpart", target))
            continue
        if kind == "negated":
            sign = moved["sentiment"].map(POLARITY).to_numpy(dtype=float)
            against = (moved["prediction"].to_numpy(dtype=float) * sign < 0).astype(float)
            share = Spoken(frame=moved.assign(prediction=against), languages=plain.languages)
            value = contrast(share.data, np.zeros(len(moved), dtype=np.int64), [1.0])
        else:
            value = Spoken(frame=moved, languages=plain.languages).mean_over_languages((-0.5, 0.0, 0.5))
        found.append(_of(name, value, target))
    if "control" in kinds:
        both = pd.concat([plain.frame[plain.frame["sentiment"] == "neutral"], kinds["control"].frame])
        is_control = (both["kind"] == "control").to_numpy()
        language = Spoken(frame=both, languages=plain.languages).language
        weights = np.tile([-1.0, 1.0], len(plain.languages))
        code = language * 2 + is_control
        there = (np.bincount(code, minlength=len(weights)).reshape(-1, 2) > 0).all(axis=1)
        weights = np.repeat(there, 2) * weights / max(int(there.sum()), 1)
        item = both["item"] + "\n" + both["kind"]
        if there.any():
            data = Crossed.of(both["prediction"], item, both["voice"], both["language"])
            found.append(_of("control_minus_neutral", contrast(data, code, weights), target))
    return found


def _of(name: str, value: Estimate, target: str, withheld: str = "", slice: str = "all") -> Finding:
    withheld = withheld or (value.reason if np.isnan(value.value) else "")
    return finding(name, value, target=target, slice=slice, by_speaker=True, withheld=withheld)


def _across_languages(plain: Spoken, target: str, useless: str) -> list[Finding]:
    """Each language's shift, and shift(l, s) minus its mean over languages."""
    if len(plain.languages) < 2:
        return []
    found = []
    for language in plain.languages:
        value = plain.only(plain.frame["language"] == language).mean_over_languages((-1.0, 0.0, 1.0))
        found.append(_of("sentiment_shift", value, target, useless, f"language={language}"))
    counts = plain.counts().astype(float)
    spoken = counts.sum(axis=1) > 0
    mean = np.divide(
        counts, counts.sum(axis=1, keepdims=True), where=spoken[:, None], out=np.zeros_like(counts)
    )
    for s, sentiment in enumerate(SENTIMENTS):
        has = counts[:, s] > 0
        if has.sum() < 2:
            continue
        # one row per language: the weights of m(p | l, s) − m(p | l) on the language's three groups
        shift = np.where(has[:, None], np.eye(3)[s] - mean, 0.0)
        for i in np.flatnonzero(has):
            own = np.arange(len(counts)) == i
            weights = shift * (own[:, None] - 1 / has.sum())
            value = contrast(plain.data, plain.group, weights.ravel())
            where = f"language={plain.languages[i]}, sentiment={sentiment}"
            found.append(_of("language_shift", value, target, useless, where))
    return found


def _words(plain: Spoken, target: str) -> list[list[str | float | int | None]]:
    """Words whose predictions differ most from the neutral words of their language; interval over voices."""
    rows: list[list[str | float | int | None]] = []
    for language in plain.languages:
        part = plain.only(plain.frame["language"] == language)
        data, frame = part.data, part.frame
        for item, own in frame.groupby("item"):
            inside = (frame["item"] == item).to_numpy()
            others = ((frame["sentiment"] == "neutral") & (frame["item"] != item)).to_numpy()
            value = contrast(
                data, np.where(inside, 0, np.where(others, 1, -1)), [1.0, -1.0], fixed_items=True
            )
            first = own.iloc[0]
            rows.append(
                [
                    target,
                    language,
                    first["word"],
                    first["sentiment"],
                    value.value,
                    value.low,
                    value.high,
                    len(own),
                ]
            )
    known = [row for row in rows if isinstance(row[4], float) and np.isfinite(row[4])]
    return sorted(known, key=lambda row: (-abs(float(row[4] or 0.0)), str(row[2])))[:SHOWN]


def _templates(plain: Spoken, target: str) -> list[list[str | float | int | None]]:
    """The sentiment shift within each template; interval over voices, for the words in the template."""
    rows: list[list[str | float | int | None]] = []
    for (language, template), frame in plain.frame.groupby(["language", "template"]):
        if not template or set(frame["sentiment"]) < {"negative", "positive"}:
            continue
        part = Spoken(frame=frame, languages=plain.languages)
        code = frame["sentiment"].map({"negative": 0, "neutral": -1, "positive": 1}).to_numpy(dtype=np.int64)
        value = contrast(part.data, code, [-1.0, 1.0], fixed_items=True)
        rows.append([target, str(language), str(template), value.value, value.low, value.high, value.n])
    return rows


def _shares(plain: Spoken, target: str) -> list[list[str | float | int | None]]:
    """Table rows: target, source, levels, variance, share of the total variance."""
    frame = plain.frame
    factors: dict[str, np.ndarray] = {"words": codes(frame["item"]), "voices": codes(frame["voice"])}
    for name, column in (("templates", "template"), ("languages", "language"), ("engines", "engine")):
        if frame[column].nunique() > 1:
            factors[name] = codes(frame[column])
    found = components(frame["prediction"], factors)
    total = sum(found.values())
    return [
        [
            target,
            name,
            int(factors[name].max()) + 1 if name in factors else len(frame),
            variance,
            variance / total if total > 0 else float("nan"),
        ]
        for name, variance in found.items()
    ]


def _tables(*rows: list[list[str | float | int | None]]) -> list[Table]:
    words, templates, shares = rows
    over_voices = "interval over voices, for these words in these templates"
    interval = ["low", "high", "clips"]
    made = [
        Table(
            name="words",
            title="Words whose predictions differ most from the neutral words",
            columns=["target", "language", "word", "sentiment", "minus neutral", *interval],
            rows=words,
            note=f"at most {SHOWN} words per target; {over_voices}",
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


def _figures(findings: list[Finding], shares: list[list[str | float | int | None]]) -> list[Figure]:
    drawn = []
    overall = [f for f in findings if f.name == "sentiment_shift" and f.slice == "all"]
    drawn.append(_dots("shift", "Positive minus negative words", overall, [f.target for f in overall]))
    by_language = [f for f in findings if f.name == "sentiment_shift" and f.slice != "all"]
    by_language = [f for f in by_language if f.target in DIMENSIONS]
    names = [f"{f.target}, {f.slice.partition('=')[2]}" for f in by_language]
    drawn.append(_dots("languages", "Positive minus negative words, by language", by_language, names))
    named = {
        "positive_minus_neutral": "positive − neutral",
        "negative_minus_neutral": "negative − neutral",
        "negated_shift": "not good − not bad",
        "intensity_shift": "very",
        "control_minus_neutral": "controls − neutral",
    }
    forms = [f for f in findings if f.name in named]
    drawn.append(
        _dots("forms", "Shifts by form of the word", forms, [f"{f.target}, {named[f.name]}" for f in forms])
    )
    targets = list(dict.fromkeys(str(row[0]) for row in shares))
    share = {(str(row[0]), str(row[1])): float(row[4] or 0.0) for row in shares}
    sources = list(dict.fromkeys(str(row[1]) for row in shares))
    series = [
        Series(name=source, x=list(targets), y=[share.get((t, source)) for t in targets])
        for source in sources
    ]
    drawn.append(
        Figure(
            name="variance",
            kind="bar",
            title="Variance components of the predictions",
            alt="Share of the variance of predictions due to words, voices and other sources, by target.",
            y_label="share of the variance",
            series=series,
        )
    )
    return [figure for figure in drawn if figure.series and figure.series[0].x]


def _dots(name: str, title: str, found: list[Finding], names: list[str]) -> Figure:
    series = Series(
        x=list(names), y=[f.value for f in found], low=[f.low for f in found], high=[f.high for f in found]
    )
    return Figure(
        name=name,
        kind="interval",
        title=title,
        alt="; ".join(
            f"{n}: {f.value:+.3f}" for n, f in zip(names, found, strict=True) if f.value is not None
        ),
        x_label="shift of the prediction",
        series=[series],
        band=(-0.05, 0.05) if name != "forms" else None,
        reference=0.0,
    )


def _notes(clips: pd.DataFrame) -> list[str]:
    """A note if not every voice of a language says every word of it."""
    plain = clips[clips["kind"] == "plain"]
    said = plain.groupby("language").agg(items=("item", "nunique"), voices=("voice", "nunique"))
    cells = len(plain.drop_duplicates(["language", "item", "voice"]))
    possible = int((said["items"] * said["voices"]).sum())
    loose = f"Words and voices are not fully crossed: the corpus has {cells} of {possible} combinations."
    return [loose] if cells < possible else []


def _answer(findings: list[Finding], dimensions: list[str]) -> str:
    shifts = [f for f in findings if f.name == "sentiment_shift" and f.slice == "all" and f.value is not None]
    shifts = [f for f in shifts if f.target in dimensions] or shifts
    if not shifts:
        return "Not measured: the corpus lacks sentences with negative or with positive words."
    largest = max(shifts, key=lambda f: abs(f.value or 0.0))
    value = largest.value or 0.0
    ends = (
        "" if largest.low is None or largest.high is None else f" [{largest.low:+.3f}, {largest.high:+.3f}]"
    )
    said = f"{largest.target} shifts most, by {value:+.3f}{ends} from negative to positive words"
    if HEARS_NOTHING in largest.reason:
        return f"The model is not shown to respond to this speech at all; {said}."
    if largest.low is None or largest.high is None:
        return f"{said[0].upper()}{said[1:]}, but there is no confidence interval."
    if largest.low <= 0 <= largest.high:
        return f"No effect of the words is shown; {said}."
    return f"The model responds to the words, or to their sound: {said}."
