"""Which share of a decision is due to the words, and which to the voice?

Words and voice are exchanged separately. The words of a clip are its sentence, or the sentiment of its
word; the voice is the emotion or the vocal effort in which a speaker says it (`--words`, `--voice` name the
columns). Where a speaker says the same words in several voices, as in RAVDESS, CREMA-D, EmoDB and the
synthetic `tts-listening`, answers are compared within the speaker: other words in the same voice, and the
same words in another voice.

The size of an effect is the root of its consistent square: half the mean product of these differences of two
different speakers, over all pairs of words or of voices, which neither noise nor the peculiarity of one
speaker adds to (half, because a variance is half the mean square of the differences). The share of the words
is a / (a + b) with the sizes a of words and b of voice: 0 for a model that listens to the voice alone, 1 for
one that follows only the words, as relative cue weights in speech perception (Holt & Lotto 2006). For
emotions the answer is the vector of all class scores.

With `--splice` clips are also cut in the middle: their second half comes from another clip of the speaker,
either other words in the same voice or the same words in another voice. Where most texts end alike, as in
RAVDESS, it is their first half. Differences between a splice and its reverse cancel what the cut itself does.
The share of halves need not be that of whole clips; the notes name targets for which the two intervals have
no value in common. This needs two more predictions of each clip, and no synthetic speech.

`tts-listening`, the default corpus, has words that are neutral, match the effort of the voice or contradict
it, and a voice without words (syllables that mean nothing); the table of cells shows the mean answer to
each.

Where there are transcripts (or, with `--asr`, a speech recogniser) an opponent that only reads them is
fitted: ridge regression on TF-IDF vectors or, with `--text-model`, on vectors of a text encoder, scored on
speakers that it was not fitted to. Reported are the shares of the variance of the answers and of the labels
that it explains; in a corpus of fixed sentences it cannot explain labels.

The limit is ours: the words have at most a quarter of the weight, a third of that of the voice. A model
that is meant to use the words needs a limit of its own. It is passed only where the answers are shown to
follow the voice (square above 0, p ≤ .001) and, where the corpus has labels, the model is shown to beat a
constant. The interval of the share holds all shares that the squares do not contradict (Fieller 1954;
jackknife over speakers, Student's t), so it contains 0 or 1 where an effect is not shown.
"""

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.tables.changed.splice import SPLICE, Exchanged, Spliced
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.tables import Tables
from sertools.tables.text_vectors import TextVectors

from . import presentation
from .design import answers_of, design, targets
from .shares import SHARE, share_findings, spliced_findings
from .text_twin import text_column, text_findings

ASKS = Asks(question="Does it listen to the voice, or to the words?", claim="led by the voice", rank=50)

EXPLANATIONS = {
    "share_of_words": (
        "Size of the effect of other words in the same voice, divided by the sum of it and that of another "
        "voice with the same words; 0 if only the voice counts, 1 if only the words do."
    ),
    "share_of_words_spliced": "The same share, when only one half of a clip is exchanged.",
    "effect_of_words": (
        "Standard deviation over words in the same voice that all speakers share: the root of half the mean "
        "product of the differences of two speakers, in the answer's unit."
    ),
    "effect_of_voice": "The same between voices with the same words, in the unit of the answer.",
    "explained_by_text": (
        "Share of the variance of the answers that an opponent explains that only reads the transcript, on "
        "speakers outside its fit; at most 1, below 0 if it is worse than the mean."
    ),
    "labels_explained_by_text": "The same share of the variance of the labels.",
}

LIMITS = [
    Limit(
        name="share_of_words",
        below=0.25,
        source="ours: the voice has at least three times the weight of words",
    )
]
DATA = "tts-listening"


def needs(*, words: str, voice: str, splice: bool, asr: str, text_model: str, folds: int) -> Needs:
    """Predictions of clean audio, and on request of spliced clips, and recognised text, and its vectors."""
    spliced = [_condition(other, words, voice) for other in ("words", "voice")] if splice else []
    measured = (f"recognised@{asr}",) if asr else ()
    return Needs(
        labels="none",
        conditions=(Condition(), *spliced),
        measured_columns=measured,
        text_vectors=(TextVectors(encoder=text_model, text=text_column(asr)),) if text_model else (),
    )


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    words: str = "",
    voice: str = "",
    splice: bool = False,
    asr: str = "",
    text_model: str = "",
    folds: int = 5,
) -> Outcome:
    """Measure the share of the words for each dimension and emotion, and how much the transcript explains.

    Args:
        tables: clips and predictions
        rng: not used, nothing is random
        words: column of what is said; sentiment or transcript by default
        voice: column of how it is said; effort or emotion by default
        splice: also exchange one half of each clip
        asr: speech recogniser whose text the opponent reads, a directory or hub id; the transcripts if empty
        text_model: text encoder of the opponent, a directory or hub id; TF-IDF if empty
        folds: groups of speakers of the opponent, each held out once
    """
    crossed = design(tables, words, voice)
    if crossed.reason:
        none = skipped(SHARE, tables, crossed.reason)
        return Outcome(answer=f"Not measured: {crossed.reason}.", findings=[none])
    findings: list[Finding] = []
    for target in targets(tables):
        values = answers_of(tables, target, CLEAN)
        findings += share_findings(tables, crossed, target, values)
        if splice:
            findings += spliced_findings(tables, crossed, target, values)
        findings += text_findings(
            tables, target, values, TextVectors(encoder=text_model, text=text_column(asr)), folds
        )
    return Outcome(
        answer=presentation.answer(findings, crossed),
        findings=findings,
        tables=presentation.tables(tables, crossed),
        figures=presentation.figures(findings, tables, crossed),
        notes=[*crossed.notes, *(presentation.notes_on_splices(tables, findings, crossed) if splice else [])],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Let the words decide nine tenths of every answer."""
    crossed = design(tables, "", "")
    if crossed.reason:
        return tables
    code = crossed.codes("words", tables.clips.index)
    levels = max(int(code.max()), 1)
    planted = {}
    for name, scores in tables.predictions.items():
        told = scores.copy()
        classes = list(tables.model_classes)
        for dimension in tables.model_dimensions:
            told[dimension] = 0.9 * np.where(code < 0, 0.5, code / levels) + 0.1 * scores[dimension]
        if classes:
            said = np.eye(len(classes))[np.maximum(code, 0) % len(classes)]
            told[classes] = 0.9 * said + 0.1 * scores[classes].to_numpy()
        planted[name] = told.where(scores.notna())
    return tables.with_predictions(planted)


def _condition(other: Exchanged, words: str, voice: str) -> Condition:
    return Condition(perturbation=SPLICE, spliced=Spliced(other=other, words=words, voice=voice))
