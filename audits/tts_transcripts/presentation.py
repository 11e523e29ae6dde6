"""Tables, figures, notes and the answer."""

import pandas as pd

from sertools.auditing.figures import interval_series, rating_histogram
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Finding, Table
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables
from sertools.wording import plural

from .scores import metric_of, voice_condition
from .sentences import SentenceScore

MAX_SENTENCES_SHOWN = 20
"""Most sentences in the table for each target."""

DISTRIBUTION_MEASURES = (
    "original_jensen_shannon",
    "synthetic_jensen_shannon",
    "synthetic_mean",
    "synthetic_spread",
)


def voice_row(found: list[Finding], target: str, voice: str) -> Row:
    """Table row of one target and one voice."""
    by_name = {f.name: f for f in found}
    metric = metric_of(target)
    change = by_name[f"{metric}_change"]
    scores = [by_name[f"{kind}_{metric}"].value for kind in ("original", "synthetic")]
    cells = [by_name[name].value if name in by_name else None for name in DISTRIBUTION_MEASURES]
    return [target, voice, change.n, *scores, change.value, change.low, change.high, *cells]


def sentence_rows(tables: Tables, target: str, voice: tuple[str, ...]) -> list[Row]:
    """Table rows of the most frequent sentences: mean rating, and mean predictions by recording and voice."""
    scores = {CLEAN: tables.predictions[CLEAN][target]}
    scores |= {name: tables.predictions[str(voice_condition(name))][target] for name in voice}
    frame = pd.DataFrame({"sentence": tables.clips["transcript"], "truth": tables.clips[target], **scores})
    known = frame.dropna(subset=["sentence", "truth", CLEAN])
    counts = known["sentence"].value_counts()
    common = [text for _, text in sorted((-n, str(text)) for text, n in counts.items() if n > 1)][
        :MAX_SENTENCES_SHOWN
    ]
    means = known.groupby("sentence")[["truth", *scores]].mean()
    return [[target, text, int(counts[text]), *means.loc[[text]].to_numpy()[0].tolist()] for text in common]


def tables_with_rows(rows: list[Row], sentences: list[Row], voice: tuple[str, ...]) -> list[Table]:
    """The tables of voices and of sentences, if they have rows."""
    made = [
        Table(
            name="voices",
            title="Agreement of original and synthetic speech with the ratings of the original",
            columns=[
                *("target", "voice", "clips", "original", "synthetic", "change", "low", "high"),
                *("distance of original", "distance of synthetic", "mean of synthetic", "spread"),
            ],
            rows=rows,
            note="CCC for a dimension, UAR for emotion; change with its 95 % interval over speakers; "
            "distance: Jensen-Shannon distance to the ratings; spread: standard deviation of synthetic "
            "predictions divided by that of original predictions",
        ),
        Table(
            name="sentences",
            title="Mean rating and predictions by sentence",
            columns=["target", "sentence", "clips", "rating", "original", *voice],
            rows=sentences,
            note=f"means over the clips of a sentence; at most {MAX_SENTENCES_SHOWN} sentences that occur "
            "more than once",
        ),
    ]
    return [table for table in made if table.rows]


def distribution_figure(tables: Tables, target: str, voice: tuple[str, ...]) -> list[Figure]:
    """Histograms of ratings, original and synthetic predictions, on the clips that have all of them."""
    frame = pd.DataFrame({"rating": tables.clips[target], "original": tables.predictions[CLEAN][target]})
    spoken = {name: tables.predictions[str(voice_condition(name))][target] for name in voice}
    frame = frame.assign(**{name: values for name, values in spoken.items() if values.notna().any()}).dropna()
    if frame.empty:
        return []
    return [
        rating_histogram(
            {str(name): frame[name].to_numpy(dtype=float) for name in frame},
            name=f"distribution_{target}",
            title=f"Distribution of {target}, original and synthetic",
            alt=f"Share of {plural(len(frame), 'clip')} in each tenth of the scale of {target}: ratings, "
            "predictions on the original audio, and predictions on synthetic speech of the same words.",
            x_label=target,
        )
    ]


def score_figure(findings: list[Finding], voice: tuple[str, ...]) -> list[Figure]:
    """Figure of the scores on original and synthetic audio, and of the sentence alone."""
    chosen = [f for f in findings if f.name.partition("_")[2] in {"ccc", "uar"} and f.value is not None]
    first = f"voice={voice[0]}" if voice else ""
    shown = [f for f in chosen if not (f.name.startswith("original") and f.slice != first)]
    if not shown:
        return []
    names = [
        f"{f.target}, {f.name.partition('_')[0]}"
        + (f" {f.slice.partition('=')[2]}" if f.name.startswith("synthetic") else "")
        for f in shown
    ]
    return [
        Figure(
            name="scores",
            kind="interval",
            title="Agreement with the ratings of the original audio",
            alt="; ".join(f"{name}: {f.value:.3f}" for name, f in zip(names, shown, strict=True)),
            x_label="CCC for dimensions, UAR for emotion",
            series=[interval_series(names, shown)],
            reference=0.0,
        )
    ]


def note_on_sentences(score: SentenceScore) -> str:
    """Note on how well the sentence alone predicts the label."""
    target, metric = score.finding.target, metric_of(score.finding.target).upper()
    reached = f"The sentence alone reaches {metric} {score.finding.value:.3f} for {target}"
    if score.may_inform:
        return f"{reached}: the words carry some information on the label."
    return (
        f"{reached}: the words are not shown to carry information on the label. So no model can retain its "
        "agreement; the test shows how sentence and voice alone affect the predictions."
    )


def answer(findings: list[Finding]) -> str:
    """The scores on the original audio and on synthetic speech, for each target."""
    sentences = []
    for metric in ("ccc", "uar"):
        for target in dict.fromkeys(f.target for f in findings if f.name == f"synthetic_{metric}"):
            own = [f for f in findings if f.target == target and f.value is not None]
            originals = {f.slice: f for f in own if f.name == f"original_{metric}"}
            synthetic = [f for f in own if f.name == f"synthetic_{metric}"]
            if not synthetic:
                continue
            scores = ", ".join(f"{f.value:.3f} ({f.slice.partition('=')[2]})" for f in synthetic)
            original = originals[synthetic[0].slice]
            sentences.append(
                f"{target.capitalize()}: {metric.upper()} {original.value:.3f} on the original audio, "
                f"{scores} on synthetic speech of the same words."
            )
    if not sentences:
        return "Not measured: no clip has predictions for both the recording and a synthetic voice."
    return " ".join(sentences)
