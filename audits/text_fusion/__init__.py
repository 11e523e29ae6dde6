"""Does adding the transcript improve the prediction over the audio states alone?

The model is frozen. Its pooled states (the last layer's mean over time), text vectors, and the concatenation
of both are each the input of a separate head (Wagner et al. 2023, §4.8): a hidden layer as wide as both
inputs together (for all three heads, so that they differ only in their input) and an output layer, trained
with the loss 1 − CCC on all dimensions jointly for at most 100 epochs, selecting the epoch with the highest
CCC on the development speakers. Every clip is predicted once, by heads that were trained neither on its
speaker nor on the development speakers: folds share no speaker (in a corpus without speakers, no clip).

Text comes from the corpus' transcripts, or, with `--asr`, from a speech recogniser, whose word error rate
against the transcripts is then reported. It is encoded by a transformers text encoder (`--text-model`; mean
over tokens of the last layer); without one by TF-IDF of words, reduced to at most 64 components (latent
semantic analysis), fitted to each fold's training clips. The notes say which.

Reported are the CCC of each head, and the fusion gain: CCC of the fused head minus CCC of the acoustic head,
on the same clips, paired over speakers (leave-one-speaker-out jackknife). Intervals hold for the heads that
were trained here: they do not cover the variation from other initial parameters, and adding pure noise as an
input lowers the score a little (.005 in our tests). The CCC of the model's own head, which was trained on
other data, is given for comparison, and the gain over it (CCC of the fused head minus CCC of the own head).

With `--train` and `--dev` the heads are trained on one split of the corpus and tuned on another, as in the
paper, and the other clips are tested; without them every clip is, in folds.

The limit is our own: a gain below .05 means that the states already contain the information in these words.
It is passed if the acoustic or the fused head is shown to beat a constant (predictions permuted among each
speaker's clips, p ≤ .001). In a corpus of fixed sentences the words carry no information, whatever the model;
so if the head on text alone is not shown to be better than a constant either, the notes say so.
"""

from dataclasses import replace

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import skipped
from sertools.auditing.tables import Row
from sertools.errors import AuditError
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables
from sertools.tables.text_vectors import TextVectors

from . import presentation
from .heads import (
    INPUTS,
    head_findings,
    held_out_predictions,
    own_head_gain,
    predictions_of_split,
    rated_pairs,
)
from .material import fusion_material, reason_too_few, sides_of, text_column
from .recognition import recognition_findings

ASKS = Asks(question="Does it listen to the voice, or to the words?", rank=50)

EXPLANATIONS = {
    "acoustic_ccc": (
        "CCC of a head on the model's pooled states alone, on speakers that it was not trained on; from −1 "
        "to 1."
    ),
    "text_ccc": "CCC of the same head on the vector of the transcript alone.",
    "fused_ccc": "CCC of a head on both together.",
    "fusion_gain": "CCC with the transcript minus CCC without it; above 0 the words help.",
    "gain_over_own_head": (
        "CCC of the head on both minus CCC of the model's own head, on clips that both answered."
    ),
    "word_error_rate": (
        "(substitutions + deletions + insertions) / words of the reference, of the recognised transcripts; 0 "
        "is perfect."
    ),
}

LIMITS = [Limit(name="fusion_gain", below=0.05, source="ours: the states already contain the words")]


def needs(*, text_model: str, asr: str, folds: int, epochs: int, train: str, dev: str) -> Needs:
    """Layer means, text from the corpus or a recogniser, and text vectors if an encoder is named."""
    text = text_column(asr)
    if bool(train) != bool(dev):
        raise AuditError("only one of --train and --dev is given", hint="name both splits, or none")
    return Needs(
        columns=(*(() if asr else ("transcript",)), *(("split",) if train else ())),
        labels="dimensions",
        layers=True,
        measured_columns=(text,) if asr else (),
        text_vectors=(TextVectors(encoder=text_model, text=text),) if text_model else (),
    )


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    text_model: str = "",
    asr: str = "",
    folds: int = 5,
    epochs: int = 100,
    train: str = "",
    dev: str = "",
) -> Outcome:
    """CCC of heads on states, on text and on both, and the gain from adding text.

    Args:
        tables: clips, layer means and clean predictions
        rng: for initial parameters, order of clips and dropout
        text_model: transformers text encoder, a directory or hub id; TF-IDF if empty
        asr: speech recogniser, a directory or hub id (CTC or Whisper); the corpus' transcripts if empty
        folds: number of speaker groups, each held out once
        epochs: maximum number of epochs for each head
        train: split that the heads are trained on, with dev instead of folds; all other clips are tested
        dev: split that chooses the epoch
    """
    if folds < 3 or epochs < 1:
        raise AuditError(
            f"folds is {folds} and epochs {epochs}", hint="folds must be at least 3 and epochs at least 1"
        )
    material = fusion_material(tables, text_model, asr)
    reason = reason_too_few(material, 3 if train else folds)
    if reason:
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("fusion_gain", tables, reason)])
    seed = int(rng.integers(2**63))
    if train:
        sides = sides_of(tables, material, train, dev)
        predictions = predictions_of_split(material, sides, epochs, seed=seed)
    else:
        predictions = held_out_predictions(tables, material, folds, epochs, seed=seed)
    findings: list[Finding] = []
    rows: list[Row] = []
    notes = [presentation.note_on_text(text_model, asr)]
    for i, dimension in enumerate(tables.dimensions):
        pairs = {name: rated_pairs(material, i, predictions[name][:, i]) for name in INPUTS}
        found = [*head_findings(pairs, dimension), own_head_gain(tables, material, i, pairs["fused"])]
        findings += found
        rows.append(presentation.head_row(found, tables, material, i))
        if not_better_than_constant(pairs["text"]):
            notes.append(f"The text alone is not shown to predict {dimension}.")
    findings += recognition_findings(tables, material, asr)
    return Outcome(
        answer=presentation.answer(findings, tables.dimensions),
        findings=findings,
        tables=[presentation.heads_table(rows)],
        figures=[presentation.heads_figure(findings)],
        notes=notes,
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """States are noise and the words determine the rating: one word per tenth of each dimension's scale."""
    clips = tables.clips.copy()
    words = [
        clips[d]
        .map(lambda value, name=d: f"{name}{int(value * 10)}" if np.isfinite(value) else "")
        .astype(str)
        for d in tables.dimensions
    ]
    clips["transcript"] = [" ".join(row) for row in zip(*words, strict=True)]
    shape = (len(clips), 1, 16)
    noise = {clip: rng.normal(size=shape[1:]) for clip in sorted(map(str, clips.index))}
    states = np.array([noise[str(clip)] for clip in clips.index], dtype=np.float32).reshape(shape)
    return replace(tables, clips=clips, layers=Layers(shards=(states,)))
