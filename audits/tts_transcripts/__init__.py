"""How much of the model's agreement with raters remains when a synthetic voice says the same words?

The model predicts each clip twice: from the recording, and from its transcript spoken by a synthetic voice
(Wagner et al. 2023, §5.3). Both predictions are compared with the ratings that people gave the recording: by
CCC for a dimension, by UAR for emotions, on the clips that have both; the change is synthetic minus original,
paired over speakers. The synthetic voice says every sentence in one tone and at its own loudness, so any
remaining agreement comes from the words, or from how these words sound. Also reported are the distributions
of ratings and of both predictions, their Jensen-Shannon distances (10 bins, base 2), the mean of the
synthetic predictions, and the ratio of their spread to that of the original predictions; for a model that
ignores words, the synthetic predictions form a narrow peak.

In a corpus of fixed sentences the words may carry no information on the label. So the audit also measures how
well the sentence alone predicts the label: each clip is predicted by the mean rating of the same sentence by
all other speakers (for emotions, by their most frequent label), scored in the same way (this is not possible
if no sentence is repeated). If the sentence carries no information, no model can retain its agreement, and
the test instead shows how the sentence and the voice alone affect the predictions; see the table of
sentences.

The limit is our own: the words must not mislead the model, so CCC on synthetic speech must not be below −.1.
It is judged if the model is shown to be better than a constant on the original audio, and if the sentences or
the predictions on synthetic speech are shown (by 99.9 % intervals) to be related to the ratings; otherwise no
effect could have been detected. Intervals are leave-one-speaker-out jackknives for these sentences and these
voices: as fixed sentences are few, other sentences could give other values.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.metrics.better_than_chance import LEVEL_OF_SKILL_TEST, not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.distribution import jensen_shannon_statistic
from sertools.metrics.regression import CCC
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.jackknife import Estimate, contrast, estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables

from .sentences import SPREAD_RATIO, told_by_sentence

LIMITS = [Limit(name="synthetic_ccc", above=-0.1, source="ours: words do not mislead the model")]

REPEATED = 0.5
"""Least share of clips with a sentence that another speaker says, needed to score the sentence alone."""

NOTHING_TO_SEE = "neither the sentences nor the predictions on synthetic speech are related to the ratings"
SHOWN = 20
"""Most sentences in the table for each target."""

Row = list[str | int | float | bool | None]


@dataclass(frozen=True, kw_only=True)
class Both:
    """One target on the clips with predictions for both the recording and synthetic speech.

    Attributes:
        pair: truth and prediction on the original audio
        synthetic: prediction on synthetic speech of the same words, shape (n,)
        statistic: CCC or UAR
        classes: number of class codes; 0 for a dimension
    """

    pair: Pairs
    synthetic: np.ndarray
    statistic: Statistic
    classes: int

    def score(self, prediction: np.ndarray) -> Estimate:
        """The statistic for given predictions of these clips, with its interval."""
        return estimate(self.statistic, self.pair.truth, prediction, self.pair.unit, self.pair.units)


def needs(*, voice: tuple[str, ...]) -> Needs:
    """The recordings, and their transcripts spoken by each voice."""
    spoken = tuple(_condition(name) for name in voice)
    return Needs(columns=("transcript",), labels="either", conditions=(Condition(), *spoken))


def audit(
    tables: Tables, *, rng: np.random.Generator, voice: tuple[str, ...] = ("espeak:1", "espeak:2")
) -> Outcome:
    """Measure agreement on original and synthetic audio, per dimension or for emotion, and per voice.

    Args:
        tables: clips, and predictions for the recordings and for each voice
        rng: not used, nothing is random
        voice: synthetic voice, ENGINE:NUMBER (in the language of each clip; espeak:1 is female, espeak:2
            male) or ENGINE:NAME, as in sertools tts; engines are espeak (offline), gtts (network), piper
    """
    findings: list[Finding] = []
    rows: list[Row] = []
    sentences: list[Row] = []
    figures: list[Figure] = []
    notes: list[str] = []
    for target in [*tables.dimensions, *(["emotion"] if tables.classes else [])]:
        metric = "uar" if target == "emotion" else "ccc"
        told = _told(tables, target)
        findings.append(told.finding)
        if told.finding.value is not None:
            notes.append(_of_words(told, metric))
        for name in voice:
            both = _both(tables, target, name)
            if not both.pair.n:
                reason = _why_none(tables, str(_condition(name)))
                findings.append(_at(skipped(f"synthetic_{metric}", tables, reason, target), name))
                continue
            found = _findings(both, target, name, told)
            findings += found
            rows.append(_row(found, target, name))
        if target != "emotion":
            drawn = _distribution(tables, target, voice)
            figures += [drawn] if drawn else []
            sentences += _sentences(tables, target, voice)
    figures = [*_scores(findings, voice), *figures]
    return Outcome(
        answer=_answer(findings),
        findings=findings,
        tables=_tables(rows, sentences, voice),
        figures=figures,
        notes=list(dict.fromkeys(notes)),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Words mislead the model: predictions on synthetic speech are mirrored about the middle of the scale."""
    planted = {}
    for condition, scores in tables.predictions.items():
        wrong = scores.copy()
        if condition != CLEAN:
            for dimension in tables.model_dimensions:
                wrong[dimension] = 1 - scores[dimension]
        planted[condition] = wrong
    return tables.with_predictions(planted)


def _condition(voice: str) -> Condition:
    return Condition(perturbation="spoken", voice=voice)


def _both(tables: Tables, target: str, voice: str) -> Both:
    """One target on the clips with a truth and both predictions."""
    original, synthetic = pairs(tables, target), pairs(tables, target, str(_condition(voice)))
    both = original.take(original.clips.isin(synthetic.clips))
    said = pd.Series(synthetic.prediction, index=synthetic.clips)
    classes = len(tables.model_classes) if target == "emotion" else 0
    return Both(
        pair=both,
        synthetic=said.reindex(both.clips).to_numpy(dtype=both.prediction.dtype),
        statistic=uar_statistic(classes) if classes else CCC,
        classes=classes,
    )


@dataclass(frozen=True, kw_only=True)
class Told:
    """How well the sentence alone predicts a target: the score, and whether it is better than a constant."""

    finding: Finding
    something: bool


def _told(tables: Tables, target: str) -> Told:
    """Score the sentence alone as a predictor, on the clips whose sentence another speaker says too."""
    pair = pairs(tables, target)
    classes = len(tables.model_classes) if target == "emotion" else 0
    said = tables.clips["transcript"].loc[pair.clips]
    pair, said = pair.take(said.notna().to_numpy()), said.dropna()
    text = said.astype(str).str.casefold().str.split().str.join(" ").to_numpy()
    told = told_by_sentence(pair.truth, text, pair.unit, classes)
    known = np.isfinite(told)
    name = "sentence_uar" if classes else "sentence_ccc"
    if not pair.by_speaker or known.sum() < max(REPEATED * pair.n, 2):
        reason = (
            f"only {int(known.sum())} of {pair.n} clips have a sentence that another speaker says"
            if pair.by_speaker
            else "the corpus has no speakers, so sentences of other speakers are unknown"
        )
        return Told(finding=skipped(name, tables, reason, target), something=True)
    some = replace(pair.take(known), prediction=told[known])
    statistic = uar_statistic(classes) if classes else CCC
    found = estimate(statistic, some.truth, some.prediction, some.unit, some.units)
    return Told(
        finding=finding(name, found, target=target, by_speaker=True),
        something=not not_better_than_constant(some, classes),
    )


def _findings(both: Both, target: str, voice: str, told: Told) -> list[Finding]:
    """Findings for one target and one voice."""
    pair, metric = both.pair, both.statistic.name
    original, synthetic = both.score(pair.prediction), both.score(both.synthetic)
    change = contrast(both.statistic, pair.truth, pair.prediction, both.synthetic, pair.unit)
    named: list[tuple[str, Estimate, str]] = [
        (f"original_{metric}", original, ""),
        (f"synthetic_{metric}", synthetic, _withheld(both, told)),
        (f"{metric}_change", change, ""),
    ]
    if not both.classes:
        distance = jensen_shannon_statistic()
        for name, prediction in (("original", pair.prediction), ("synthetic", both.synthetic)):
            value = estimate(distance, pair.truth, prediction, pair.unit, pair.units)
            named.append((f"{name}_jensen_shannon", value, ""))
        spread = estimate(SPREAD_RATIO, pair.prediction, both.synthetic, pair.unit, pair.units)
        mean = estimate(MEAN, both.synthetic, both.synthetic, pair.unit, pair.units)
        named += [("synthetic_spread", spread, ""), ("synthetic_mean", mean, "")]
    where = f"voice={voice}"
    return [
        finding(name, value, target=target, slice=where, by_speaker=pair.by_speaker, withheld=withheld)
        for name, value, withheld in named
    ]


def _withheld(both: Both, told: Told) -> str:
    """Why the score on synthetic speech must not be judged; empty if it can be."""
    if both.classes:
        return ""
    useless = not_better_than_constant(both.pair)
    if useless or told.something:
        return useless
    truth, unit, units = both.pair.truth, both.pair.unit, both.pair.units
    answers = estimate(both.statistic, truth, both.synthetic, unit, units, level=LEVEL_OF_SKILL_TEST)
    return NOTHING_TO_SEE if answers.low <= 0 <= answers.high else ""


MEAN = Statistic(
    name="mean",
    sums=lambda truth, prediction, unit, units: unit_sums(
        np.stack([np.ones(len(prediction)), prediction], axis=1), unit, units
    ),
    value=lambda sums: ratio(sums[..., 1], sums[..., 0]),
)
"""Mean of the predictions."""


def _at(one: Finding, voice: str) -> Finding:
    return one.model_copy(update={"slice": f"voice={voice}"})


def _why_none(tables: Tables, condition: str) -> str:
    """Why no clip has both predictions: the most frequent reason for missing synthetic speech."""
    reasons = tables.missing.loc[tables.missing["condition"] == condition, "reason"]
    most = f": {reasons.value_counts().index[0]}" if len(reasons) else ""
    return f"no clip has predictions for both the recording and synthetic speech{most}"


def _row(found: list[Finding], target: str, voice: str) -> Row:
    value = {f.name: f for f in found}
    metric = "uar" if target == "emotion" else "ccc"
    change = value[f"{metric}_change"]
    cells = [value[name].value if name in value else None for name in _OF_DISTRIBUTION]
    scores = [value[f"{kind}_{metric}"].value for kind in ("original", "synthetic")]
    return [target, voice, change.n, *scores, change.value, change.low, change.high, *cells]


_OF_DISTRIBUTION = (
    "original_jensen_shannon",
    "synthetic_jensen_shannon",
    "synthetic_mean",
    "synthetic_spread",
)


def _sentences(tables: Tables, target: str, voice: tuple[str, ...]) -> list[Row]:
    """Table rows of the most frequent sentences: mean rating, and mean predictions by recording and voice."""
    scores = {CLEAN: tables.predictions[CLEAN][target]}
    scores |= {name: tables.predictions[str(_condition(name))][target] for name in voice}
    frame = pd.DataFrame({"said": tables.clips["transcript"], "truth": tables.clips[target], **scores})
    known = frame.dropna(subset=["said", "truth", CLEAN])
    counts = known["said"].value_counts()
    common = [text for _, text in sorted((-n, str(text)) for text, n in counts.items() if n > 1)][:SHOWN]
    means = known.groupby("said")[["truth", *scores]].mean()
    return [[target, text, int(counts[text]), *means.loc[[text]].to_numpy()[0].tolist()] for text in common]


def _tables(rows: list[Row], sentences: list[Row], voice: tuple[str, ...]) -> list[Table]:
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
            note=f"means over the clips of a sentence; at most {SHOWN} sentences that occur more than once",
        ),
    ]
    return [table for table in made if table.rows]


def _distribution(tables: Tables, target: str, voice: tuple[str, ...]) -> Figure | None:
    """Histograms of ratings, original and synthetic predictions, on the clips that have all of them."""
    frame = pd.DataFrame({"rating": tables.clips[target], "original": tables.predictions[CLEAN][target]})
    spoken = {name: tables.predictions[str(_condition(name))][target] for name in voice}
    frame = frame.assign(**{name: values for name, values in spoken.items() if values.notna().any()}).dropna()
    if frame.empty:
        return None
    edges = np.linspace(0, 1, 11)
    bins = [f"{low:.1f}-{high:.1f}" for low, high in itertools.pairwise(edges)]
    return Figure(
        name=f"distribution_{target}",
        kind="histogram",
        title=f"Distribution of {target}, original and synthetic",
        alt=f"Share of {len(frame)} clips in each tenth of the scale of {target}: ratings, predictions on "
        "the original audio, and predictions on synthetic speech of the same words.",
        x_label=target,
        y_label="share of clips",
        series=[
            Series(
                name=str(name),
                x=list(bins),
                y=(np.histogram(np.clip(frame[name], 0, 1), bins=edges)[0] / len(frame)).tolist(),
            )
            for name in frame
        ],
    )


def _scores(findings: list[Finding], voice: tuple[str, ...]) -> list[Figure]:
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
    series = Series(
        x=list(names), y=[f.value for f in shown], low=[f.low for f in shown], high=[f.high for f in shown]
    )
    return [
        Figure(
            name="scores",
            kind="interval",
            title="Agreement with the ratings of the original audio",
            alt="; ".join(f"{name}: {f.value:.3f}" for name, f in zip(names, shown, strict=True)),
            x_label="CCC for dimensions, UAR for emotion",
            series=[series],
            reference=0.0,
        )
    ]


def _of_words(told: Told, metric: str) -> str:
    """Note on how well the sentence alone predicts the label."""
    said = f"The sentence alone reaches {metric.upper()} {told.finding.value:.3f} for {told.finding.target}"
    if told.something:
        return f"{said}: the words carry some information on the label."
    return (
        f"{said}: the words are not shown to carry information on the label. So no model can retain its "
        "agreement; the test shows how sentence and voice alone affect the predictions."
    )


def _answer(findings: list[Finding]) -> str:
    sentences = []
    for metric in ("ccc", "uar"):
        for target in dict.fromkeys(f.target for f in findings if f.name == f"synthetic_{metric}"):
            of = [f for f in findings if f.target == target and f.value is not None]
            pairs_of = [
                (next(o for o in of if o.name == f"original_{metric}" and o.slice == s.slice), s)
                for s in of
                if s.name == f"synthetic_{metric}"
            ]
            if not pairs_of:
                continue
            synthetic = ", ".join(f"{s.value:.3f} ({s.slice.partition('=')[2]})" for _, s in pairs_of)
            sentences.append(
                f"{target}: {metric.upper()} {pairs_of[0][0].value:.3f} on the original audio, {synthetic} "
                "on synthetic speech of the same words."
            )
    if not sentences:
        return "Not measured: no clip has predictions for both the recording and a synthetic voice."
    text = " ".join(sentences)
    return text[0].upper() + text[1:]
