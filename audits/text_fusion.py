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
other data, is given for comparison.

The limit is our own: a gain below .05 means that the states already contain the information in these words.
It is judged if the acoustic or the fused head is shown to be better than a constant (99.9 % interval). In a
corpus of fixed sentences the words carry no information, whatever the model; so if the head on text alone is
not shown to be better than a constant either, the notes say so.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.errors import AuditError
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.regression import CCC, ccc
from sertools.metrics.word_error_rate import WORD_ERROR_RATE, word_errors
from sertools.probing.folds import disjoint_folds
from sertools.probing.fusion import Vectors, fixed, held_out, tf_idf
from sertools.randomness import identity_rng
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.jackknife import MIN_UNITS, Estimate, contrast, estimate
from sertools.tables.condition import CLEAN
from sertools.tables.layers import Layers
from sertools.tables.pairs import Pairs, speaker_codes
from sertools.tables.tables import Tables
from sertools.tables.text_vectors import TextVectors, unpacked

LIMITS = [Limit(name="fusion_gain", below=0.05, source="ours: the states already contain the words")]

COMPONENTS = 64
"""Maximum number of components of TF-IDF vectors."""

INPUTS = ("acoustic", "text", "fused")


def needs(*, text_model: str, asr: str, folds: int, epochs: int) -> Needs:
    """Layer means, text from the corpus or a recogniser, and text vectors if an encoder is named."""
    text = _text_column(asr)
    return Needs(
        columns=() if asr else ("transcript",),
        labels="dimensions",
        layers=True,
        measured_columns=(text,) if asr else (),
        text_vectors=(TextVectors(encoder=text_model, text=text),) if text_model else (),
    )


@dataclass(frozen=True, kw_only=True)
class Material:
    """The clips that have ratings, states and text, ordered by name.

    Attributes:
        clips: names of the clips
        truth: ratings, shape (n, k); nan where a clip has no rating
        inputs: input → the vectors that its head reads
        texts: transcripts of the clips
        unit: speaker codes 0..units−1, shape (n,)
        units: number of speakers, or of clips if the corpus names no speakers
        by_speaker: the units are speakers
    """

    clips: pd.Index
    truth: np.ndarray
    inputs: dict[str, list[Vectors]]
    texts: list[str]
    unit: np.ndarray
    units: int
    by_speaker: bool


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    text_model: str = "",
    asr: str = "",
    folds: int = 5,
    epochs: int = 100,
) -> Outcome:
    """CCC of heads on states, on text and on both, and the gain from adding text.

    Args:
        tables: clips, layer means and clean predictions
        rng: for initial parameters, order of clips and dropout
        text_model: transformers text encoder, a directory or hub id; TF-IDF if empty
        asr: speech recogniser, a directory or hub id (CTC or Whisper); the corpus' transcripts if empty
        folds: number of speaker groups, each held out once
        epochs: maximum number of epochs for each head
    """
    if folds < 3 or epochs < 1:
        raise AuditError(
            f"folds is {folds} and epochs {epochs}", hint="folds must be at least 3 and epochs at least 1"
        )
    material = _material(tables, text_model, asr)
    groups = len(np.unique(material.unit))
    if len(material.clips) < 2 * folds or groups < folds:
        reason = (
            f"{len(material.clips)} clips of {groups} {'speakers' if material.by_speaker else 'clips'} have "
            f"ratings, states and text, too few for {folds} folds"
        )
        if material.by_speaker and groups < MIN_UNITS:
            reason += f"; fewer than {MIN_UNITS} speakers"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("fusion_gain", tables, reason)])
    named = tables.clips.loc[material.clips, "speaker"] if material.by_speaker else material.clips
    group = np.asarray(named.astype(str)) if material.by_speaker else np.asarray(material.clips, dtype=str)
    fold = disjoint_folds(group, np.zeros(len(group)), folds)
    seed = int(rng.integers(2**63))
    rated = {
        name: held_out(
            material.inputs[name],
            material.truth,
            fold,
            inputs_for_width=[read for read in material.inputs["fused"] if read not in material.inputs[name]],
            epochs=epochs,
            rng=identity_rng(seed, name),
        )
        for name in INPUTS
    }
    findings: list[Finding] = []
    rows: list[list[str | int | float | bool | None]] = []
    notes = [_source(tables, text_model, asr)]
    for i, dimension in enumerate(tables.dimensions):
        pairs_of = {name: _pairs(material, i, values[:, i]) for name, values in rated.items()}
        found = _findings(pairs_of, dimension)
        findings += found
        rows.append(_row(found, tables, material, i))
        if not_better_than_constant(pairs_of["text"]):
            notes.append(f"The text alone is not shown to predict {dimension}.")
    findings += _recognised(tables, material, asr)
    return Outcome(
        answer=_answer(findings, tables.dimensions),
        findings=findings,
        tables=[_table(rows)],
        figures=[_figure(findings)],
        notes=notes,
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """States are noise and the words determine the rating: one word per tenth of each dimension's scale."""
    clips = tables.clips.copy()
    words = [
        clips[d].map(lambda value, d=d: f"{d}{int(value * 10)}" if np.isfinite(value) else "").astype(str)
        for d in tables.dimensions
    ]
    clips["transcript"] = [" ".join(row) for row in zip(*words, strict=True)]
    shape = (len(clips), 1, 16)
    noise = {clip: rng.normal(size=shape[1:]) for clip in sorted(map(str, clips.index))}
    states = np.array([noise[str(clip)] for clip in clips.index], dtype=np.float32).reshape(shape)
    return replace(tables, clips=clips, layers=Layers(shards=(states,)))


def _text_column(asr: str) -> str:
    return f"recognised@{asr}" if asr else "transcript"


def _material(tables: Tables, text_model: str, asr: str) -> Material:
    """Training data of the heads; clips without states, text or any rating are left out."""
    assert tables.layers is not None, "the runner provides the layers that needs() requests"
    column = _text_column(asr)
    none = pd.Series(None, index=tables.clips.index, dtype=object)
    said = tables.clips.get(column, none)
    states = tables.layers.layer(-1)
    truth = tables.clips[list(tables.dimensions)].to_numpy(dtype=float)
    known = np.isfinite(states).all(axis=1) & np.isfinite(truth).any(axis=1) & said.notna().to_numpy()
    read = np.zeros((len(tables.clips), 0), dtype=np.float32)
    if text_model:
        read = unpacked(tables.clips.get(TextVectors(encoder=text_model, text=column).column, none))
        known &= np.isfinite(read).all(axis=1) & (read.shape[1] > 0)
    order = np.argsort(tables.clips.index.astype(str), kind="stable")
    rows = order[known[order]]
    clips = tables.clips.iloc[rows]
    texts = clips[column].astype(str).tolist()
    codes, by_speaker = speaker_codes(clips)
    acoustic = fixed(states[rows].astype(np.float64))
    text = fixed(read[rows].astype(np.float64)) if text_model else tf_idf(texts, components=COMPONENTS)
    return Material(
        clips=clips.index,
        truth=truth[rows],
        inputs={"acoustic": [acoustic], "text": [text], "fused": [acoustic, text]},
        texts=texts,
        unit=np.unique(codes, return_inverse=True)[1],
        units=len(np.unique(codes)),
        by_speaker=by_speaker,
    )


def _pairs(material: Material, i: int, rated: np.ndarray) -> Pairs:
    """Ratings of one dimension, and a head's predictions."""
    every = Pairs(
        truth=material.truth[:, i],
        prediction=rated,
        unit=material.unit,
        units=material.units,
        by_speaker=material.by_speaker,
        clips=material.clips,
    )
    return every.take(np.isfinite(every.truth))


def _findings(pairs_of: dict[str, Pairs], dimension: str) -> list[Finding]:
    """CCC of each head, and the gain of the fused head over the acoustic head."""
    found = []
    for name, pair in pairs_of.items():
        value = estimate(CCC, pair.truth, pair.prediction, pair.unit, pair.units)
        found.append(finding(f"{name}_ccc", value, target=dimension, by_speaker=pair.by_speaker))
    acoustic, fused = pairs_of["acoustic"], pairs_of["fused"]
    gain = contrast(CCC, acoustic.truth, acoustic.prediction, fused.prediction, acoustic.unit)
    useless = not_better_than_constant(acoustic) and not_better_than_constant(fused)
    by_speaker = acoustic.by_speaker
    found.append(finding("fusion_gain", gain, target=dimension, by_speaker=by_speaker, withheld=useless))
    return found


def _row(
    found: list[Finding], tables: Tables, material: Material, i: int
) -> list[str | int | float | bool | None]:
    """Table row of one dimension."""
    dimension = tables.dimensions[i]
    own = tables.predictions[CLEAN][dimension].loc[material.clips].to_numpy(dtype=float)
    truth = material.truth[:, i]
    both = np.isfinite(own) & np.isfinite(truth)
    value = {f.name: f for f in found}
    gain = value["fusion_gain"]
    scores = [value[f"{name}_ccc"].value for name in INPUTS]
    return [dimension, gain.n, *scores, gain.value, gain.low, gain.high, ccc(truth[both], own[both])]


def _recognised(tables: Tables, material: Material, asr: str) -> list[Finding]:
    """Word error rate of the recogniser, if the corpus has transcripts."""
    if not asr or "transcript" not in tables.clips:
        return []
    reference = tables.clips.loc[material.clips, "transcript"]
    known = reference.notna().to_numpy()
    heard = [text for text, there in zip(material.texts, known, strict=True) if there]
    wrong, words = word_errors(reference[known].astype(str).tolist(), heard)
    unit = np.unique(material.unit[known], return_inverse=True)[1]
    rate: Estimate = estimate(WORD_ERROR_RATE, words, wrong, unit, int(unit.max(initial=-1)) + 1)
    return [finding("word_error_rate", rate, target="transcript", by_speaker=material.by_speaker)]


def _source(tables: Tables, text_model: str, asr: str) -> str:
    """Note on the source and the encoding of the text."""
    words = "words recognised by the speech recogniser" if asr else "transcripts of the corpus"
    if text_model:
        return f"Text: {words}, encoded by the given text encoder."
    return (
        f"Text: {words}, encoded by TF-IDF with at most {COMPONENTS} components because no text encoder was "
        "given (--text-model). TF-IDF represents which words occur, not their meaning."
    )


def _table(rows: list[list[str | int | float | bool | None]]) -> Table:
    return Table(
        name="heads",
        title="CCC of heads on states, on text, and on both",
        columns=["dimension", "clips", *INPUTS, "fused − acoustic", "low", "high", "the model's own head"],
        rows=rows,
        note="interval of the difference over speakers; the model's own head was trained on other data",
    )


def _figure(findings: list[Finding]) -> Figure:
    shown = [f for f in findings if f.name.endswith("_ccc")]
    targets = list(dict.fromkeys(f.target for f in shown))
    series = []
    for name in INPUTS:
        of = {f.target: f for f in shown if f.name == f"{name}_ccc"}
        series.append(
            Series(
                name=name,
                x=list(targets),
                y=[of[t].value for t in targets],
                low=[of[t].low for t in targets],
                high=[of[t].high for t in targets],
            )
        )
    return Figure(
        name="heads",
        kind="interval",
        title="CCC of heads on states, on text, and on both",
        alt="; ".join(
            f"{f.target}, {f.name.partition('_')[0]}: {f.value:.3f}" for f in shown if f.value is not None
        ),
        x_label="CCC on held-out speakers",
        series=series,
        reference=0.0,
    )


def _answer(findings: list[Finding], dimensions: tuple[str, ...]) -> str:
    of = {(f.name, f.target): f for f in findings}
    sentences = []
    for dimension in dimensions:
        gain = of["fusion_gain", dimension]
        if gain.value is None:
            continue
        ends = "" if gain.low is None or gain.high is None else f" [{gain.low:+.3f}, {gain.high:+.3f}]"
        sentences.append(f"{dimension} {gain.value:+.3f}{ends}")
    if not sentences:
        return "Not measured: no head reached a defined CCC."
    return f"Adding text to the states changes CCC by: {'; '.join(sentences)}."
