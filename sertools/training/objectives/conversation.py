"""Predicts the emotion of the next utterance from the six turns before it (Ma et al. 2024, table 6).

The encoder that `init` names is frozen; each utterance is the mean of its last layer over time, the vector of
its words, or both. As the answer depends on a conversation and not on a clip, the result is a table of
predictions for the clips of the test speakers, to be audited with `--model predictions:FILE`. A training
utterance is left out if a dev or test speaker speaks in the turns before it: in IEMOCAP, that is the session
of such a speaker.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.record import path_of
from sertools.errors import AudioError, CorpusError, ModelError
from sertools.features.text_encoder import load_encoder
from sertools.files import write_text
from sertools.models.frames.clip_frames import contextual, features, frame_counts, masked_mean, projected
from sertools.training.data.batches import RATE_HZ, Clips, collate, scaled
from sertools.training.data.select import Part
from sertools.training.encoders import seeded
from sertools.training.kept.clips import KeptClips, keep
from sertools.training.kept.phase import answering_head
from sertools.training.loop import descend
from sertools.training.networks.conversation import contexts, dialogues, network, rows_of
from sertools.training.output.files import record_of
from sertools.training.phases import GradientPhase, Phase, Setting
from sertools.training.recipe import Strict
from sertools.wording import plural

DEFAULTS: dict[str, Any] = {
    "freeze": "encoder",
    "hidden": 128,
    "dropout": 0.2,
    "epochs": 50,
    "batch": 32,
    "learning_rate": 1e-3,
}
HIDDEN = 128
"""Size of the states of both GRUs, if the recipe names none."""

UNLABELLED = True  # the turns before are heard too
PREDICTIONS = "predictions.csv"
MODEL = f"predictions:{{out}}/{PREDICTIONS}"


class Options(Strict):
    """The part of a conversation that is read.

    Attributes:
        turns: number of turns before an utterance
        reads: speech, the words of the transcripts, or both
        text_encoder: checkpoint of a text encoder, for words
    """

    turns: Annotated[int, Field(gt=0)] = 6
    reads: Literal["speech", "text", "both"] = "speech"
    text_encoder: str = "google-bert/bert-base-uncased"


def phases(setting: Setting) -> Sequence[Phase]:
    """One phase.

    Raises:
        CorpusError: no test speakers are named, whose clips are to be answered, or the target is not classes
    """
    if setting.train.targets is None or setting.train.targets.dimensions:
        raise CorpusError('method conversation predicts classes: use target = "categories"')
    if not len(setting.test):
        raise CorpusError(
            "method conversation answers the clips of test speakers, and the recipe names none",
            hint="name test_speakers, or a test corpus",
        )
    return [_Conversation()]


@dataclass(frozen=True, kw_only=True)
class _Conversation:
    """Vectors of utterances, the network on them, and its answers to the test speakers."""

    name: str = "conversation"

    def run(self, before: Path | None, out: Path, setting: Setting) -> None:
        """See `Phase`."""
        recipe, targets = setting.recipe, setting.train.targets
        assert targets is not None, "clips of this phase have labels"
        vectors = Vectors(setting)
        train = _training_clips(setting, vectors)
        dev = None if setting.dev is None else _kept(setting.dev, setting, vectors, "dev")
        shape = vectors.width, recipe.hidden or HIDDEN, len(targets.labels), setting.dropout()
        made = seeded(lambda: network(*shape), recipe.seed, "conversation").train()

        def write(module: Any, folder: Path) -> None:
            _answers(module.head, setting, vectors).to_csv(folder / PREDICTIONS, index=False)
            record = record_of(setting).to_json()
            write_text(path_of(folder / PREDICTIONS), record, error=ModelError)

        phase = GradientPhase(
            name=self.name,
            build=lambda _: answering_head(made, train, recipe),
            write=write,
            clips=train,
            dev=dev,
            how=recipe,
        )
        descend(phase, phase.build(before), out, setting)


class Vectors(dict[str, NDArray[np.float32]]):
    """Utterance (CORPUS/CLIP) → its vector, computed when `fill` first asks for it.

    Args:
        setting: encoder and options
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.reads = setting.options.reads
        self.encoder, self.scaled = setting.start.encoder.eval(), setting.start.scaled
        self.shortest = setting.start.shortest
        self.text: Any = None if self.reads == "speech" else load_encoder(setting.options.text_encoder)
        heard = 0 if self.reads == "text" else int(self.encoder.config.hidden_size)
        self.width = heard + (0 if self.text is None else int(self.text.module.config.hidden_size))

    def fill(self, corpora: Sequence[Corpus], utterances: pd.DataFrame) -> None:
        """Computes the vectors of utterances; one that cannot be read, or has no words, has none."""
        for name, source, key in utterances[["clip", "source", "key"]].itertuples(index=False, name=None):
            if name not in self:
                with contextlib.suppress(AudioError):
                    self[name] = self._of(corpora[source], key)

    def _of(self, corpus: Corpus, key: str) -> NDArray[np.float32]:
        parts = [] if self.reads == "text" else [self._heard(corpus.signal(key, RATE_HZ), key)]
        if self.text is not None:
            words: Any = corpus.clips["transcript"].get(key) if "transcript" in corpus.clips else None
            if not isinstance(words, str) or not words.strip():
                raise AudioError(f"{key} has no transcript")
            parts.append(self.text.vector(words))
        return np.concatenate(parts)

    def _heard(self, signal: NDArray[np.float32], key: str) -> NDArray[np.float32]:
        """Mean of the last layer over time."""
        import torch

        if len(signal) < self.shortest:
            raise AudioError(f"{key} is too short")
        given = scaled(signal, "clip" if self.scaled else "none")
        batch = collate([{"signal": given, "key": 0, "epoch": 0}])
        with torch.no_grad():
            found = projected(self.encoder, features(self.encoder, batch["signals"], batch["lengths"]))
            frames = frame_counts(self.encoder, batch["lengths"])
            mean = masked_mean(contextual(self.encoder, found, frames)[-1], frames)[0]
        vector: NDArray[np.float32] = mean.numpy()
        return vector


def _contexts(part: Part, setting: Setting, vectors: Vectors) -> dict[str, pd.DataFrame]:
    """Clip → the utterances before it that have a vector; none without any."""
    every = dialogues(part)
    found = contexts(every, list(map(str, part.table["clip"])), setting.options.turns)
    if found:
        vectors.fill(part.corpora, pd.concat(found.values()).drop_duplicates("clip"))
    known = {name: context[context["clip"].isin(list(vectors))] for name, context in found.items()}
    return {name: context for name, context in known.items() if len(context)}


def _training_clips(setting: Setting, vectors: Vectors) -> KeptClips:
    """The training clips without those that are preceded by a speaker who does not train."""
    part = setting.train.part
    pairs = set(setting.pool.part.table["clip"])
    every = dialogues(part)
    before = contexts(every, list(map(str, part.table["clip"])), setting.options.turns)
    strange = {name for name, context in before.items() if not set(context["clip"]) <= pairs}
    if strange:
        n = plural(len(strange), "training clip is", "training clips are")
        setting.warn(f"{n} left out, because others than training speakers speak before them")
    kept = setting.train.subset(~part.table["clip"].isin(strange).to_numpy())
    return _kept(kept, setting, vectors, "train")


def _kept(clips: Clips, setting: Setting, vectors: Vectors, name: str) -> KeptClips:
    """The clips with what the network reads before them.

    Raises:
        CorpusError: nothing precedes any of them
    """
    found = _contexts(clips.part, setting, vectors)
    kept = clips.subset(clips.part.table["clip"].isin(list(found)).to_numpy())
    if len(kept) < 2:
        raise CorpusError(f"fewer than two {name} clips are preceded by a turn of their dialogue")
    rows = [rows_of(found[clip], vectors) for clip in kept.names]

    def compute(_: Clips) -> Iterator[tuple[int, NDArray[np.float32]]]:
        return iter(enumerate(rows))

    return keep(kept, compute, setting.work / f"conversation.{name}.npy")


def _answers(head: Any, setting: Setting, vectors: Vectors) -> pd.DataFrame:
    """The probability of each class for the clips of the test speakers that something precedes."""
    import torch

    targets = setting.train.targets
    assert targets is not None, "clips of this phase have labels"
    found = _contexts(setting.test, setting, vectors)
    rows = []
    for name, context in found.items():
        read = torch.from_numpy(rows_of(context, vectors))[None]
        with torch.no_grad():
            logits = head.cpu()(read, torch.tensor([read.shape[1]]))[0]
        rows.append([name.partition("/")[2], *logits.softmax(-1).tolist()])
    return pd.DataFrame(rows, columns=["clip", *targets.labels])
