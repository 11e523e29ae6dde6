"""Would the words help: does a head that reads the text beside the model's states do better?

The model is frozen. Its pooled states (the last layer's mean over time), vectors of the text, and both side
by side are each given to a head of their own (Wagner et al. 2023, §4.8): a hidden layer as wide as both
inputs together (for all three heads, so that they differ in what they read alone) and an output layer,
trained by 1 − CCC of all dimensions together for at most 100 epochs, of which the one with the highest CCC on
development speakers is kept. Every clip is rated once, by heads that have heard neither its speaker nor, in
training, the development speakers: folds share no speaker (without speakers, no clip).

Text comes from the corpus' transcripts, or, with `--asr`, from a speech recogniser, whose word error rate
against the transcripts is then reported. It is read by a transformers text encoder (`--text-model`; mean over
tokens of the last layer); without one by TF-IDF of words and its 64 largest directions (latent semantic
analysis), fitted anew to each fold's training clips. The notes say which.

Reported are the CCC of each head, and the fusion gain: CCC of the fused head minus that of the acoustic one,
on the same clips, paired over speakers (leave-one-speaker-out jackknife). Intervals are those for the heads
that were trained here: that other first parameters would give other heads is not in them, and reading pure
noise costs a head a little (.005 in our tests). Beside stands the CCC of the model's own head, which has
learnt from other data.

The limit is ours: a gain below .05 means that the states already hold what these words tell. It is judged
where the acoustic or the fused head is shown, by a 99.9 % interval, to be better than a constant. In a corpus
of fixed sentences there is nothing in the words to be gained, whatever the model; so where the head of the
text alone is not shown to be better than a constant either, the notes say so.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sertools.audit import Needs, Outcome, finding, skipped
from sertools.errors import AuditError
from sertools.metrics.fusion import Vectors, fixed, held_out, tf_idf
from sertools.metrics.intervals import MIN_UNITS, Estimate, contrast, estimate
from sertools.metrics.probes import disjoint_folds
from sertools.metrics.recognition import WORD_ERROR_RATE, word_errors
from sertools.metrics.regress import CCC, ccc
from sertools.metrics.skill import doubt
from sertools.reading import Reading, unpacked
from sertools.result import Figure, Finding, Limit, Series, Table
from sertools.seeds import identity_rng
from sertools.tables import CLEAN, Layers, Pairs, Tables, speaker_codes

LIMITS = [Limit(name="fusion_gain", below=0.05, source="ours: the states already hold what the words tell")]

COMPONENTS = 64
"""Directions of TF-IDF at most."""

INPUTS = ("acoustic", "text", "fused")


def needs(*, text_model: str, asr: str, folds: int, epochs: int) -> Needs:
    """Layer means, words from the corpus or a recogniser, and, where an encoder is named, its vectors."""
    text = _text_column(asr)
    return Needs(
        columns=() if asr else ("transcript",),
        labels="dimensions",
        layers=True,
        sound=(text,) if asr else (),
        readings=(Reading(encoder=text_model, text=text),) if text_model else (),
    )


@dataclass(frozen=True, kw_only=True)
class Material:
    """The clips that have ratings, states and words, in the order of their names.

    Attributes:
        clips: their names
        truth: ratings, shape (n, k); nan where nobody rated
        inputs: input → what its head reads
        texts: what is said in them
        unit: speaker codes 0..units−1, shape (n,)
        units: number of speakers, or of clips where the corpus names none
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
    """CCC of heads on states, on text and on both, and what the text adds.

    Args:
        tables: clips, layer means and clean predictions
        rng: of first parameters, order of clips and dropout
        text_model: transformers text encoder, a directory or hub id; TF-IDF where none is named
        asr: speech recogniser, a directory or hub id (CTC or Whisper); the corpus' transcripts where none is
        folds: groups of speakers, each held out once
        epochs: at most, of each head
    """
    if folds < 3 or epochs < 1:
        raise AuditError(f"folds is {folds} and epochs {epochs}", hint="3 folds and 1 epoch at least")
    material = _material(tables, text_model, asr)
    groups = len(np.unique(material.unit))
    if len(material.clips) < 2 * folds or groups < folds:
        reason = (
            f"{len(material.clips)} clips of {groups} {'speakers' if material.by_speaker else 'clips'} have "
            f"ratings, states and words, too few for {folds} folds"
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
            beside=[read for read in material.inputs["fused"] if read not in material.inputs[name]],
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
        if doubt(pairs_of["text"]):
            notes.append(f"The text alone is not shown to tell anything of {dimension}.")
    findings += _recognised(tables, material, asr)
    return Outcome(
        answer=_answer(findings, tables.dimensions),
        findings=findings,
        tables=[_table(rows)],
        figures=[_figure(findings)],
        notes=notes,
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """The states know nothing and the words tell all: a word for each tenth of each dimension's scale."""
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
    """What heads are trained on; clips without states, words or any rating are left out."""
    assert tables.layers is not None, "the runner has asked for them"
    column = _text_column(asr)
    none = pd.Series(None, index=tables.clips.index, dtype=object)
    said = tables.clips.get(column, none)
    states = tables.layers.layer(-1)
    truth = tables.clips[list(tables.dimensions)].to_numpy(dtype=float)
    known = np.isfinite(states).all(axis=1) & np.isfinite(truth).any(axis=1) & said.notna().to_numpy()
    read = np.zeros((len(tables.clips), 0))
    if text_model:
        read = unpacked(tables.clips.get(Reading(encoder=text_model, text=column).column, none))
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
    """Ratings of one dimension, and what a head says of them."""
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
    """CCC of each head, and the gain of the fused one over the acoustic one."""
    found = []
    for name, pair in pairs_of.items():
        value = estimate(CCC, pair.truth, pair.prediction, pair.unit, pair.units)
        found.append(finding(f"{name}_ccc", value, target=dimension, by_speaker=pair.by_speaker))
    acoustic, fused = pairs_of["acoustic"], pairs_of["fused"]
    gain = contrast(CCC, acoustic.truth, acoustic.prediction, fused.prediction, acoustic.unit)
    useless = doubt(acoustic) and doubt(fused)
    by_speaker = acoustic.by_speaker
    found.append(finding("fusion_gain", gain, target=dimension, by_speaker=by_speaker, withheld=useless))
    return found


def _row(
    found: list[Finding], tables: Tables, material: Material, i: int
) -> list[str | int | float | bool | None]:
    """One dimension in the table."""
    dimension = tables.dimensions[i]
    own = tables.predictions[CLEAN][dimension].loc[material.clips].to_numpy(dtype=float)
    truth = material.truth[:, i]
    both = np.isfinite(own) & np.isfinite(truth)
    value = {f.name: f for f in found}
    gain = value["fusion_gain"]
    scores = [value[f"{name}_ccc"].value for name in INPUTS]
    return [dimension, gain.n, *scores, gain.value, gain.low, gain.high, ccc(truth[both], own[both])]


def _recognised(tables: Tables, material: Material, asr: str) -> list[Finding]:
    """How many words the recogniser gets wrong, where the corpus knows what was said."""
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
    """Where the words come from, and what read them."""
    words = "words that the recogniser heard" if asr else "transcripts of the corpus"
    if text_model:
        return f"Text: {words}, read by the text encoder named."
    return (
        f"Text: {words}, by TF-IDF and {COMPONENTS} directions at most, since no text encoder was named "
        "(--text-model): it knows words, not what they mean."
    )


def _table(rows: list[list[str | int | float | bool | None]]) -> Table:
    return Table(
        name="heads",
        title="CCC of heads on states, on text, and on both",
        columns=["dimension", "clips", *INPUTS, "fused − acoustic", "low", "high", "the model's own head"],
        rows=rows,
        note="interval of the difference over speakers; the model's own head has learnt from other data",
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
        title="What heads reach on states, on text, and on both",
        alt="; ".join(
            f"{f.target}, {f.name.partition('_')[0]}: {f.value:.3f}" for f in shown if f.value is not None
        ),
        x_label="CCC on speakers not trained on",
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
    return f"Reading the words beside the states changes CCC by: {'; '.join(sentences)}."
