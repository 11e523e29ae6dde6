"""Does the model respond to the words, or to how they are spoken?

Synthetic voices say sentences that differ in one negative, neutral or positive word, all in the same tone
(Wagner et al. 2023, §5.3). A model that ignores words predicts the same for all; otherwise predictions shift:

- sentiment shift = m(p | positive) − m(p | negative), and each of both minus neutral (means of a language,
  averaged over languages),
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
is insensitive, too, and the predictions of an untrained network hardly differ: so a shift passes only if
the central 90 % of the predictions span at least a tenth of the scale, and if they vary between voices or
between words beyond chance (F test of the two-way layout, p < .0001), or if the corpus has ratings and the
model is better than a constant.
"""

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.auditing.tables import Row
from sertools.labels import DIMENSIONS
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables

from . import presentation
from .rows import template_rows, variance_rows, word_rows
from .sentences import POLARITY, WordPredictions, worded_clips
from .shifts import form_findings, language_findings, reason_withheld, shift_findings

ASKS = Asks(question="Does it listen to the voice, or to the words?", rank=50)

EXPLANATIONS = {
    "sentiment_shift": (
        "How far positive words move the prediction against negative ones, in the same tone: m(p | "
        "positive) − m(p | negative); 0 if the words are ignored (Wagner et al. 2023, section 5.3)."
    ),
    "intensity_shift": (
        'How much further "very" moves the prediction in the direction of the word; 0 if it does not.'
    ),
    "negation_consistency": (
        "Share of pairs of a sentence and its negation in which the prediction moves against the word."
    ),
    "positive_minus_neutral": "Mean prediction for positive sentences minus that for neutral ones.",
    "negative_minus_neutral": "Mean prediction for negative sentences minus that for neutral ones.",
    "neutral_point": "Mean prediction for neutral sentences, on the scale from 0 to 1.",
    "language_shift": (
        "m(p | language, sentiment) − m(p | language), minus its mean over the languages: whether a "
        "sentiment moves the model more in one language than in others."
    ),
}

NEEDS = Needs(columns=("sentiment", "transcript", "speaker"), labels="none")
DATA = "tts-sentences"
INSENSITIVE = "ours: insensitive to words"

LIMITS = [
    Limit(
        name="sentiment_shift",
        above=-0.05,
        below=0.05,
        source=INSENSITIVE,
    ),
    # each language is a part of the shift over all
    Limit(
        name="sentiment_shift", slice="language=*", above=-0.05, below=0.05, source=INSENSITIVE, detail=True
    ),
    Limit(
        name="language_shift", above=-0.025, below=0.025, source="audEERING ser-tests, linguistic sentiment"
    ),
]


def audit(tables: Tables, *, rng: np.random.Generator) -> Outcome:
    """Measure the shifts of every dimension and of every emotion's score.

    Args:
        tables: clips and clean predictions
        rng: not used, nothing is random
    """
    clips = worded_clips(tables)
    scores = tables.predictions[CLEAN]
    findings: list[Finding] = []
    words: list[Row] = []
    templates: list[Row] = []
    shares: list[Row] = []
    dimensions = [d for d in DIMENSIONS if d in scores]
    targets = [*dimensions, *sorted(str(c) for c in scores if c not in DIMENSIONS)]
    languages = tuple(sorted(clips["language"].unique()))
    for target in targets:
        known = clips.assign(prediction=scores[target]).dropna(subset="prediction")
        kinds = {
            str(kind): WordPredictions(frame=frame, languages=languages)
            for kind, frame in known.groupby("kind")
        }
        plain = kinds.get("plain")
        if plain is None:
            findings.append(skipped("sentiment_shift", tables, "no sentences of kind plain", target))
            continue
        withheld = reason_withheld(tables, plain, target)
        findings += shift_findings(plain, target, withheld, with_halves=target in dimensions)
        if target in dimensions:
            findings += form_findings(tables, plain, kinds, target)
            words += word_rows(plain, target)
            templates += template_rows(plain, target)
        if target in dimensions or not dimensions:
            findings += language_findings(plain, target, withheld)
        shares += variance_rows(plain, target)
    return Outcome(
        answer=presentation.answer(findings, dimensions),
        findings=findings,
        tables=presentation.tables(words, templates, shares),
        figures=presentation.figures(findings, shares),
        notes=presentation.notes(clips),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """A model that spots keywords: a positive word adds a fifth of the scale, a negative one subtracts it."""
    words = worded_clips(tables)
    sign = words["sentiment"].map(POLARITY).reindex(tables.clips.index).fillna(0.0)
    sign = sign.where(words["kind"].reindex(tables.clips.index) != "negated", -sign)
    planted = {}
    for condition, scores in tables.predictions.items():
        moved = scores.copy()
        for dimension in tables.model_dimensions:
            moved[dimension] = scores[dimension] + 0.2 * sign
        planted[condition] = moved
    return tables.with_predictions(planted)
