"""How much of the model's agreement with raters remains when a synthetic voice says the same words?

The model predicts each clip twice: from the recording, and from its transcript spoken by a synthetic voice
(Wagner et al. 2023, §5.3). Both predictions are compared with the ratings that people gave the recording: by
CCC for a dimension, by UAR for emotions, on the clips that the model was asked twice; the change is synthetic
minus original, paired over speakers. The synthetic voice says every sentence in one tone and at its own
loudness, so any remaining agreement comes from the words, or from how these words sound. Also reported are
the distributions of ratings and of both predictions, their Jensen-Shannon distances (10 bins, base 2, without
what chance gives), the mean of the synthetic predictions, and the ratio of their spread to that of the
original predictions; for a model that ignores words, the synthetic predictions form a narrow peak.

In a corpus of fixed sentences the words may carry no information on the label. So the audit also measures how
well the sentence alone predicts the label: each clip is predicted by the mean rating of the same sentence by
all other speakers (for emotions, by their most frequent label), scored in the same way (this is not possible
if no sentence is repeated). If the sentence carries no information, no model can retain its agreement, and
the test instead shows how the sentence and the voice alone affect the predictions; see the table of
sentences.

The limit is our own: the words must not mislead the model, so CCC on synthetic speech must not be below −.1.
It is passed if the model is shown to beat a constant on the original audio (predictions permuted among each
speaker's clips, p ≤ .001), and if the sentences are shown to predict the ratings (by the same test, or no
sentence is repeated) or the predictions on synthetic speech to be related to them (by a 99.9 % interval);
otherwise no effect could have been detected. A failure stands.
Intervals are leave-one-speaker-out jackknives (of a change of UAR, Wilson's bounds of gains and losses) for
these sentences and these voices: as fixed sentences are few, other sentences could give other values.
"""

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.auditing.tables import Row
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, Limit
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.pairs import scored_targets
from sertools.tables.tables import Tables

from . import presentation
from .scores import metric_of, predicted_twice, reason_without_clips, voice_condition, voice_findings
from .sentences import score_of_sentences

ASKS = Asks(question="Does it listen to the voice, or to the words?", rank=50)

EXPLANATIONS = {
    "original_ccc": "CCC of the predictions for the recordings with the ratings; from −1 to 1.",
    "synthetic_ccc": (
        "CCC of the predictions for the same words in a synthetic voice with the ratings of the recordings: "
        "what remains when only the words are the same."
    ),
    "ccc_change": "CCC with the synthetic voice minus CCC with the recordings.",
    "sentence_ccc": (
        "CCC of predicting each clip from other speakers' ratings of the same sentence: what the words alone "
        "can predict in this corpus."
    ),
    "original_uar": "UAR for the recordings; from 0 to 1.",
    "synthetic_uar": "UAR for the same words in a synthetic voice.",
    "uar_change": "UAR with the synthetic voice minus UAR with the recordings.",
    "sentence_uar": "UAR of naming the emotion that other speakers most often have in the same sentence.",
    "original_jensen_shannon": (
        "Distance between the distributions of the predictions for the recordings and of the ratings, beyond "
        "what chance gives, from 0 to 1."
    ),
    "synthetic_jensen_shannon": "The same for the synthetic voice.",
    "synthetic_spread": (
        "Standard deviation of the predictions for the synthetic voice over that of those for the "
        "recordings; 0 if every sentence gets the same."
    ),
    "synthetic_mean": "Mean prediction for the synthetic voice, on the scale from 0 to 1.",
}

LIMITS = [Limit(name="synthetic_ccc", above=-0.1, source="ours: words do not mislead the model")]


def needs(*, voice: tuple[str, ...]) -> Needs:
    """The recordings, and their transcripts spoken by each voice."""
    spoken = tuple(voice_condition(name) for name in voice)
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
    for target in scored_targets(tables):
        sentence_score = score_of_sentences(tables, target)
        findings.append(sentence_score.finding)
        if sentence_score.finding.value is not None:
            notes.append(presentation.note_on_sentences(sentence_score))
        for name in voice:
            clips = predicted_twice(tables, target, name)
            if not clips.pair.n:
                reason = reason_without_clips(tables, name)
                none = skipped(f"synthetic_{metric_of(target)}", tables, reason, target)
                findings.append(none.model_copy(update={"slice": f"voice={name}"}))
                continue
            found = voice_findings(clips, target, name, sentence_score)
            findings += found
            rows.append(presentation.voice_row(found, target, name))
        if target != "emotion":
            figures += presentation.distribution_figure(tables, target, voice)
            sentences += presentation.sentence_rows(tables, target, voice)
    return Outcome(
        answer=presentation.answer(findings),
        findings=findings,
        tables=presentation.tables_with_rows(rows, sentences, voice),
        figures=[*presentation.score_figure(findings, voice), *figures],
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
