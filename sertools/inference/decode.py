"""Decodes the clips of a corpus for a model, clean or under a condition."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.audio.files import ends_early, is_silent
from sertools.audio.sound_folder import Recordings
from sertools.audio.splice import after_change, spliced
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError
from sertools.models.derived import attacks
from sertools.models.model import Model
from sertools.perturbations.apply import perturb
from sertools.randomness import identity_rng
from sertools.speech import resynthesis
from sertools.tables.changed.splice import clip_before, exchanged_half, partner
from sertools.tables.condition import CLEAN, Condition

LONG_S = 300.0
"""A longer clip is read window by window, for a model that cuts clips into windows; in s."""

TOO_LONG = "but the model takes at most"
"""Part of the reason for a missing clip that the model refuses because of its length."""


@dataclass(frozen=True, kw_only=True)
class DecodedClip:
    """A decoded (and perturbed) clip, or the reason why it could not be decoded.

    Attributes:
        signal: samples, shape (samples,); a `LongSignal`, of which slices are arrays, for a long clip and a
            model that reads windows; None if there is a reason
        reason: why there is no signal; empty if there is one
        silent: whether nothing can be heard in it
        cut: whether its file ends before its header says; looked at for clips as they are
    """

    signal: NDArray[np.float32] | None
    reason: str = ""
    silent: bool = False
    cut: bool = False


def decode(
    corpus: Corpus, clip: str, model: Model, condition: Condition, *, whole: bool = False
) -> DecodedClip:
    """Decodes and perturbs a clip at the model's sampling rate; gives the reason if that fails.

    A synthetic voice speaks the clip's transcript, independent of the signal.

    Args:
        corpus: of the clip
        clip: its id
        model: whose sampling rate and lengths apply
        condition: clean, or what is done to the sound
        whole: whether the signal is an array even if the clip is long and the model reads windows
    """
    row: Any = corpus.clips.loc[clip]
    rate = model.sampling_rate
    try:
        if not whole and condition.perturbation == CLEAN and _in_windows(corpus, clip, model):
            long: Any = corpus.long_signal(clip, rate)  # its slices are arrays, and windows are slices
            return _checked(long, model, silent=long.silent, cut=_cut(corpus, clip))
        signal = corpus.signal(clip, rate)
        clean, silent = signal, is_silent(signal)
        cut = condition.perturbation == CLEAN and _cut(corpus, clip)
        if condition.voice:
            signal = resynthesis.speech(row, condition.voice, rate)
        elif condition.spliced:
            other = corpus.signal(partner(corpus.clips, clip, condition.spliced), rate)
            first = exchanged_half(corpus.clips, condition.spliced) == "first"
            signal = spliced(other, signal, rate) if first else spliced(signal, other, rate)
        elif condition.window_s:
            before = corpus.signal(clip_before(corpus.clips, clip), rate)
            signal = after_change(before, signal, rate, condition.level or 0.0, condition.window_s)
        elif condition.perturbation in attacks.METHODS:
            signal = _attacked(signal, clip, model, condition)
        elif condition.perturbation != CLEAN and not condition.asked:
            signal = perturb(
                signal,
                rate,
                clip,
                condition,
                others=OtherClips(corpus=corpus, clip=clip, rate=rate),
                recordings=Recordings(folder=condition.folder, rate=rate) if condition.folder else None,
            )
    except AudioError as error:
        return DecodedClip(signal=None, reason=str(error))
    if getattr(model, "reads_reference", False):
        signal = _beside(clean, signal)
    return _checked(signal, model, silent=silent, cut=cut)


def _attacked(
    signal: NDArray[np.float32], clip: str, model: Any, condition: Condition
) -> NDArray[np.float32]:
    """The signal after an adversarial change, by the gradient of the model's attacker or its own."""
    rng = identity_rng(condition.seed, clip, condition.perturbation, str(condition.draw))
    level = float(condition.level or 0.0)
    return attacks.attacked(getattr(model, "attacker", model), signal, condition.perturbation, level, rng)


def _beside(clean: NDArray[np.float32], changed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both signals as columns, shape (samples, 2); the shorter one is filled with nan."""
    both = np.full((max(len(clean), len(changed)), 2), np.nan, dtype=np.float32)
    both[: len(clean), 0], both[: len(changed), 1] = clean, changed
    return both


def _in_windows(corpus: Corpus, clip: str, model: Model) -> bool:
    """Whether a clip is so long, and cut by the model itself, that it is read window by window."""
    return bool(getattr(model, "reads_windows", False)) and corpus.duration_s(clip) > LONG_S


def _cut(corpus: Corpus, clip: str) -> bool:
    """Whether the file of a clip that has no end of its own ends before its header says."""
    end: Any = corpus.clips.at[clip, "end"]
    return math.isnan(end) and ends_early(corpus.path(clip))


def _checked(signal: NDArray[np.float32], model: Model, *, silent: bool, cut: bool) -> DecodedClip:
    """A decoded clip, or the reason why the model does not take its length."""
    n, rate, reason = len(signal), model.sampling_rate, ""
    longest = getattr(model, "longest", None)
    if n < model.shortest:
        reason = f"{n} samples, but the model needs {model.shortest} ({model.shortest / rate:.3f} s)"
    elif longest is not None and n > longest:
        window = math.floor(100 * longest / rate) / 100
        reason = f"{n / rate:.1f} s, {TOO_LONG} {longest / rate:.1f} s; --window {window:g} cuts longer clips"
    return DecodedClip(signal=None if reason else signal, reason=reason, silent=silent, cut=cut)


@dataclass(frozen=True, kw_only=True)
class OtherClips(Sequence[NDArray[np.float32]]):
    """The signals of all clips of a corpus except one, decoded on access."""

    corpus: Corpus
    clip: str
    rate: int

    def __len__(self) -> int:
        return len(self.corpus.clips) - 1

    def __getitem__(self, i: Any) -> Any:
        own = int(self.corpus.clips.index.get_loc(self.clip))  # type: ignore[arg-type] # ids are unique
        position = i % len(self)
        return self.corpus.signal(self.corpus.clips.index[position + (position >= own)], self.rate)
