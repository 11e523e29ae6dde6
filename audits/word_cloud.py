"""Which words occur with low and with high ratings, and do the predictions agree?

Of all words that occur in at least ten clips, the figures show the 50 with the lowest and the 50 with the
highest mean rating, sized by their number of clips (Wagner et al. 2023, §5.3), once ranked by ratings and
once by predictions. A word counts once per clip; words of a single speaker are left out.

A rare word, or a word of few speakers, can be far from the mean by chance alone. So words are ranked by means
that are shrunk towards the mean of all clips: m + τ² / (τ² + v) (m_word − m) (empirical Bayes). v is the
variance of m_word − m if words have no effect, b Σ_s (n_ws / n − n_s / N)² + w (1/n − 1/N), from the
variances b between and w within speakers; τ² is the variance of the words' effects, the mean over words of
(m_word − m)² − v. The table gives plain and shrunk means. A word represents the clips that contain it, with
all their other words and their topic.

Word effect is the standard deviation τ: of ratings (how much they depend on words), of predictions, and of
errors (prediction minus rating). Word agreement is the correlation, over words, of mean rating and mean
prediction of the same clips. The limit is our own: the word effect on errors is below a twentieth of the
scale. It is passed only if the model is shown to beat a constant (predictions permuted among each speaker's
clips, p ≤ .001). Intervals are leave-one-speaker-out jackknives; those of a word effect are computed on τ².
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.auditing.tables import Row
from sertools.errors import AuditError
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.words import Vocabulary, WordMeans, word_agreement, word_effect, word_means, words_of
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.jackknife import Estimate, estimate
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables
from sertools.wording import plural

ASKS = Asks(question="Does it listen to the voice, or to the words?", rank=50)

EXPLANATIONS = {
    "word_effect": (
        "τ, the standard deviation over words of their effect on the predictions (or on the errors p − t), "
        "without what chance adds; on the scale from 0 to 1."
    ),
}

NEEDS = Needs(columns=("transcript",), labels="dimensions")

LIMITS = [Limit(name="word_effect", slice="of=errors", below=0.05, source="ours: a twentieth of the scale")]


@dataclass(frozen=True, kw_only=True)
class Words:
    """Means of one dimension by word.

    Attributes:
        pair: ratings and predictions of the answered clips with a transcript
        vocabulary: words of these clips
        by: ratings, predictions → means by word
        coverage: share of the clips that the model answered
    """

    pair: Pairs
    vocabulary: Vocabulary
    by: dict[str, WordMeans]
    coverage: float


def audit(tables: Tables, *, rng: np.random.Generator, min_clips: int = 10, shown: int = 50) -> Outcome:
    """Means of ratings and predictions by word, and the effect of words on both and on the errors.

    Args:
        tables: clips and clean predictions
        rng: not used, nothing is random
        min_clips: words in fewer clips are left out
        shown: number of lowest and of highest words that are drawn and listed
    """
    if min_clips < 2 or shown < 1:
        raise AuditError(
            f"min-clips is {min_clips} and shown {shown}",
            hint="min-clips must be at least 2 and shown at least 1",
        )
    findings: list[Finding] = []
    made: list[Table] = []
    figures: list[Figure] = []
    sentences: list[str] = []
    notes: list[str] = []
    for dimension in tables.dimensions:
        words = _words(tables, dimension, min_clips)
        if not words.vocabulary.words:
            reason = f"no word occurs in {min_clips} clips of at least two speakers rated for {dimension}"
            findings.append(skipped("word_effect", tables, reason, dimension))
            continue
        found = _findings(words, dimension)
        findings += found
        made.append(_table(words, dimension, shown))
        figures += [_cloud(words, dimension, by, shown) for by in words.by]
        sentences.append(_sentence(words, dimension, found))
        notes += [
            f"Words do not differ in {by} of {dimension} beyond chance, so their order is not meaningful."
            for by, each in words.by.items()
            if not each.effect > 0
        ]
    return Outcome(
        answer=" ".join(sentences)
        or f"Not measured: no word occurs in {min_clips} clips of at least two speakers.",
        findings=findings,
        tables=made,
        figures=figures,
        notes=notes,
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Words affect the model: half of all words add a fifth of the scale, the others subtract it."""
    texts = tables.clips["transcript"].fillna("").astype(str)
    every = sorted({word for text in texts for word in words_of(text)})
    sign = dict(zip(every, rng.permutation(len(every)) % 2 * 2 - 1, strict=True))
    moved = np.array([sum(sign[word] for word in words_of(text)) for text in texts]) / 5
    planted = {}
    for condition, scores in tables.predictions.items():
        wrong = scores.copy()
        for dimension in tables.model_dimensions:
            wrong[dimension] = scores[dimension] + moved
        planted[condition] = wrong
    return tables.with_predictions(planted)


def _words(tables: Tables, dimension: str, min_clips: int) -> Words:
    """Means by word of a dimension, on the clips with a transcript."""
    asked = pairs(tables, dimension)
    pair = asked.of_answered
    said = tables.clips["transcript"].loc[pair.clips]
    pair = pair.take(said.notna().to_numpy())
    vocabulary = Vocabulary.of(said.dropna().astype(str).tolist(), pair.unit, min_clips=min_clips)
    values = {"ratings": pair.truth, "predictions": pair.prediction}
    by = {name: word_means(value, vocabulary, pair.unit, pair.units) for name, value in values.items()}
    return Words(pair=pair, vocabulary=vocabulary, by=by, coverage=asked.coverage)


def _findings(words: Words, dimension: str) -> list[Finding]:
    """Word effects and word agreement of a dimension."""
    pair, statistic = words.pair, word_effect(words.vocabulary)
    values = {
        "ratings": pair.truth,
        "predictions": pair.prediction,
        "errors": pair.prediction - pair.truth,
    }
    found = []
    for name, value in values.items():
        effect = _root(estimate(statistic, value, value, pair.unit, pair.units))
        useless = not_better_than_constant(pair) if name == "errors" else ""
        where = f"of={name}"
        one = finding(
            "word_effect",
            effect,
            target=dimension,
            slice=where,
            by_speaker=pair.by_speaker,
            withheld=useless,
            coverage=1.0 if name == "ratings" else words.coverage,
        )
        found.append(one)
    agreement = estimate(word_agreement(words.vocabulary), pair.truth, pair.prediction, pair.unit, pair.units)
    return [*found, finding("word_agreement", agreement, target=dimension, by_speaker=pair.by_speaker)]


def _root(squared: Estimate) -> Estimate:
    """τ from τ²; values below 0, which occur by chance, become 0."""
    return squared.mapped(lambda value: math.sqrt(max(value, 0.0)))


def _ends(words: Words, by: str, shown: int) -> dict[str, NDArray[np.integer]]:
    """Indices of the lowest and of the highest words, most extreme first; no word is in both."""
    # if chance explains all differences, all shrunk means are equal, and the plain means give the order
    order = np.lexsort((words.by[by].mean, words.by[by].shrunk.round(12)))
    each = min(shown, len(order) // 2) or 1
    return {"lowest": order[:each], "highest": order[::-1][:each] if len(order) > 1 else order[:0]}


def _table(words: Words, dimension: str, shown: int) -> Table:
    vocabulary, (ratings, predictions) = words.vocabulary, (words.by["ratings"], words.by["predictions"])
    rows: list[Row] = [
        [by, end, vocabulary.words[i], int(vocabulary.clips[i]), int(vocabulary.speakers[i])]
        + [float(m[i]) for m in (ratings.mean, ratings.shrunk, predictions.mean, predictions.shrunk)]
        for by in words.by
        for end, chosen in _ends(words, by, shown).items()
        for i in chosen
    ]
    return Table(
        name=f"words_{dimension}",
        title=f"Words with the lowest and highest {dimension}",
        columns=[
            *("by", "end", "word", "clips", "speakers"),
            *("mean rating", "shrunk rating", "mean prediction", "shrunk prediction"),
        ],
        rows=rows,
        note=f"{plural(len(vocabulary.words), 'word occurs', 'words occur')} in enough clips; ranked by the "
        "shrunk mean of ratings, then by that of predictions",
    )


def _cloud(words: Words, dimension: str, by: str, shown: int) -> Figure:
    vocabulary, ends = words.vocabulary, _ends(words, by, shown)
    series = [
        Series(
            name=f"{end} {by}",
            x=[vocabulary.words[i] for i in chosen],
            y=[float(vocabulary.clips[i]) for i in chosen],
        )
        for end, chosen in ends.items()
        if len(chosen)
    ]
    first = "; ".join(f"{s.name}: {', '.join(map(str, s.x[:5]))}" for s in series)
    return Figure(
        name=f"words_{dimension}_{by}",
        kind="cloud",
        title=f"Words by {by} of {dimension}",
        alt=f"Words with the lowest and highest {by} of {dimension}, sized by number of clips. {first}.",
        series=series,
    )


def _sentence(words: Words, dimension: str, found: list[Finding]) -> str:
    effect = {f.slice.partition("=")[2]: f.value for f in found if f.name == "word_effect"}
    if any(value is None for value in effect.values()):
        return f"The word effect on {dimension} is undefined."
    return (
        f"{dimension.capitalize()}: the word effect is {effect['ratings']:.3f} in ratings, "
        f"{effect['predictions']:.3f} in predictions and {effect['errors']:.3f} in errors "
        f"(standard deviation over {plural(len(words.vocabulary.words), 'word')})."
    )
