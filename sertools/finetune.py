"""Trains a small speech emotion model from a recipe, reproducibly, and writes a checkpoint."""

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sertools.audio.files import read_audio
from sertools.augment import augmented
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError, ModelError
from sertools.randomness import identity_rng
from sertools.recipe import BaselineRecipe, Recipe
from sertools.tables import emotion_norms

if TYPE_CHECKING:
    import torch

RATE_HZ = 16_000
"""Sampling rate of all models trained here, in Hz."""


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """Clips with their labels, for training or testing.

    Attributes:
        clips: n names, which also seed the augmentation of each clip
        signals: n signals of different lengths
        truth: shape (n, c), in [0, 1]
        emotions: codes of the categories, shape (n,); -1 for a clip without a category
    """

    clips: Sequence[str]
    signals: Sequence[np.ndarray]
    truth: np.ndarray
    emotions: np.ndarray


def filter_bank(channels: int, width: int, *, rate: int = RATE_HZ) -> np.ndarray:
    """Pairs of cosine and sine filters at mel-spaced frequencies, shape (channels, width).

    Centre frequencies run from 60 Hz to 95 % of half the rate. Each filter is a Hann-windowed sinusoid about
    six periods long (at most `width` samples), with a gain of √(1 + f / 500 Hz) at its centre, which partly
    compensates for the falling spectrum of speech. If `channels` is odd, the last channel is zero.
    """
    low_mel, high_mel = (2595 * math.log10(1 + hz / 700) for hz in (60.0, 0.475 * rate))
    filters = np.zeros((channels, width))
    time_s = (np.arange(width) - (width - 1) / 2) / rate
    for i, mel in enumerate(np.linspace(low_mel, high_mel, channels // 2)):
        hz = 700 * (10 ** (mel / 2595) - 1)
        length_s = min(width / rate, max(6 / hz, 0.004))
        window = np.where(abs(time_s) < length_s / 2, 0.5 + 0.5 * np.cos(2 * np.pi * time_s / length_s), 0)
        window *= 2 * math.sqrt(1 + hz / 500) / window.sum()
        filters[2 * i] = window * np.cos(2 * np.pi * hz * time_s)
        filters[2 * i + 1] = window * np.sin(2 * np.pi * hz * time_s)
    return filters


def normalised(signal: np.ndarray) -> np.ndarray:
    """The signal scaled to mean 0 and variance 1, as by transformers' feature extractor."""
    return np.asarray((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7), dtype=np.float32)


def untrained(recipe: Recipe) -> Any:
    """An untrained `Wav2Vec2ForSequenceClassification` of the recipe's shape.

    Its first layer is a filter bank. The layer norm after it divides by the standard deviation over channels.
    Two constant channels prevent it from amplifying silence: quiet inputs stay small and loud ones saturate,
    as on a log scale.
    """
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    shape = recipe.shape
    config = Wav2Vec2Config(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.feed_forward,
        conv_dim=shape.conv_dim,
        conv_kernel=shape.conv_kernel,
        conv_stride=shape.conv_stride,
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=shape.position_kernel,
        num_conv_pos_embedding_groups=shape.position_groups,
        classifier_proj_size=shape.pooled,
        hidden_dropout=shape.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=shape.dropout,
        layerdrop=0.0,
        apply_spec_augment=False,
        problem_type="regression",
        id2label=dict(enumerate(recipe.labels)),
        label2id={name: i for i, name in enumerate(recipe.labels)},
    )
    model = Wav2Vec2ForSequenceClassification(config)
    first, second = (layer.conv for layer in model.wav2vec2.feature_extractor.conv_layers[:2])
    channels, _, width = first.weight.shape
    with torch.no_grad():
        bank = np.zeros((channels, width))
        bank[2:] = filter_bank(channels - 2, width)
        first.weight.copy_(torch.from_numpy(bank).unsqueeze(1))
        first.bias.zero_()
        first.bias[:2] = torch.tensor([0.5, -0.5])
        # at first each envelope is smoothed separately; how to mix them is learnt
        second.weight.mul_(0.3)
        smoothing = torch.hann_window(second.kernel_size[0] + 2, periodic=False)[1:-1]
        same = range(min(second.weight.shape[:2]))
        second.weight[same, same] += 2 * smoothing / smoothing.sum()
        model.classifier.bias.fill_(0.5)
    # the filter bank is frozen: training it on little data would only blur it, and training is a third faster
    encoder = model.wav2vec2.feature_extractor
    encoder.conv_layers[0].requires_grad_(False)
    encoder._requires_grad = False  # otherwise transformers requests gradients with respect to the signal
    return model


def ccc_loss(prediction: "torch.Tensor", truth: "torch.Tensor") -> "torch.Tensor":
    """One minus the concordance (Lin 1989) over a batch, averaged over labels; moments divided by n.

    Args:
        prediction: shape (n, c)
        truth: shape (n, c)
    """
    p, t = prediction - prediction.mean(0), truth - truth.mean(0)
    distance = (prediction.mean(0) - truth.mean(0)) ** 2
    spread = (p**2).mean(0) + (t**2).mean(0) + distance
    return (1 - 2 * (p * t).mean(0) / (spread + 1e-8)).mean()


def _padded(signals: Sequence[np.ndarray]) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Zero-padded signals (n, longest), and the mask (n, longest) that is 1 for samples of the signal."""
    import torch

    longest = max(map(len, signals))
    batch = np.zeros((len(signals), longest), np.float32)
    mask = np.zeros((len(signals), longest), np.int64)
    for row, signal in enumerate(signals):
        batch[row, : len(signal)] = signal
        mask[row, : len(signal)] = 1
    return torch.from_numpy(batch), torch.from_numpy(mask)


def _pooled(model: Any, signals: Sequence[np.ndarray]) -> "torch.Tensor":
    """Input of the classifier, shape (n, pooled): the mean over frames of the projected last layer."""
    batch, mask = _padded(signals)
    states = model.projector(model.wav2vec2(batch, attention_mask=mask).last_hidden_state)
    frames = model._get_feature_vector_attention_mask(states.shape[1], mask).unsqueeze(-1)
    mean: torch.Tensor = (states * frames).sum(1) / frames.sum(1)
    return mean


def predictions(model: Any, signals: Sequence[np.ndarray]) -> np.ndarray:
    """The model's predictions, computed clip by clip, shape (n, c)."""
    import torch

    model.eval()
    with torch.no_grad():
        answers = [model(torch.from_numpy(normalised(signal))[None]).logits[0].numpy() for signal in signals]
    return np.stack(answers)


@contextmanager
def _reproducibly(seed: int) -> Iterator[None]:
    """Uses one thread, deterministic kernels and a seeded generator; restores the caller's settings after."""
    import torch

    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(1)  # with several threads, sums would depend on the number of cores
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)


def fit(recipe: Recipe, lessons: Lessons, *, progress: Callable[[int, float], None]) -> Any:
    """Trains a model by the recipe: CCC loss, AdamW, cosine schedule, weights averaged over steps.

    Args:
        recipe: what to train and how
        lessons: labelled clips of the training speakers
        progress: called after each epoch with its number (from 1) and its mean loss

    Returns:
        The trained model in evaluation mode; identical to the byte for the same recipe, clips and platform.
    """
    import torch

    n = len(lessons.signals)
    with _reproducibly(recipe.seed):
        model = untrained(recipe)
        guess = torch.nn.Linear(recipe.shape.pooled, int(lessons.emotions.max(initial=0)) + 1)
        drop = torch.nn.Dropout(recipe.shape.dropout)
        learnt = {name: value for name, value in model.named_parameters() if value.requires_grad}
        parameters = [*learnt.values(), *guess.parameters()]
        optimizer = torch.optim.AdamW(
            parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
        )
        steps = recipe.epochs * max(1, n // recipe.batch)

        def pace(step: int) -> float:
            warm = max(1, round(recipe.warm_up * steps))
            done = max(0.0, (step - warm) / max(1, steps - warm))
            return (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, pace)
        averages = {name: value.detach().clone() for name, value in learnt.items()}
        truth = torch.from_numpy(lessons.truth.astype(np.float32))
        emotions = torch.from_numpy(lessons.emotions.astype(np.int64))
        step = 0
        for epoch in range(recipe.epochs):
            order = identity_rng(recipe.seed, "order", str(epoch)).permutation(n)
            model.train()
            losses = []
            for rows in np.array_split(order, max(1, n // recipe.batch)):
                signals = [
                    normalised(
                        augmented(
                            lessons.signals[i],
                            RATE_HZ,
                            recipe.augmentation,
                            rng=identity_rng(recipe.seed, "augment", lessons.clips[i], str(epoch)),
                        )
                    )
                    for i in rows
                ]
                pooled = drop(_pooled(model, signals))
                loss = ccc_loss(model.classifier(pooled), truth[rows])
                if recipe.emotion_weight:
                    wrong = torch.nn.functional.cross_entropy(
                        guess(pooled), emotions[rows], ignore_index=-1, label_smoothing=0.1
                    )
                    loss = loss + recipe.emotion_weight * wrong
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                schedule.step()
                step += 1
                # the average forgets faster in early steps, so that the initial weights do not dominate it
                keep = min(recipe.average, step / (step + 9))
                with torch.no_grad():
                    for name, value in learnt.items():
                        averages[name].lerp_(value, 1 - keep)
                losses.append(loss.item())
            progress(epoch + 1, float(np.mean(losses)))
        with torch.no_grad():
            for name, value in learnt.items():
                value.copy_(averages[name])
    return model.eval()


def recipe_corpora(recipe: Recipe | BaselineRecipe, data_root: Path | None = None) -> list[Corpus]:
    """Loads a recipe's corpora: folders or manifests below `data_root`, or anything that `--data` accepts.

    Raises:
        CorpusError: a corpus is missing or cannot be read
    """
    below = [(data_root or Path()) / spec for spec in recipe.corpora]
    return [
        load_corpus(str(path)) if path.exists() else load_corpus(spec, data_root=data_root)
        for spec, path in zip(recipe.corpora, below, strict=True)
    ]


def lessons(recipe: Recipe, corpora: Sequence[Corpus], speakers: Sequence[str]) -> Lessons:
    """Decoded clips of the given speakers with their ground truth; unlabelled clips are left out.

    Args:
        recipe: which labels, and whether they are ratings or derived from the emotion by norms
        corpora: the corpora that the recipe names
        speakers: speaker ids of the corpora; the same id in two corpora means the same person

    Raises:
        CorpusError: a speaker is in no corpus, a column is missing, or no clip has the labels
    """
    parts = []
    for corpus in corpora:
        clips = corpus.clips
        wanted = "emotion" if recipe.norms else recipe.labels[0]
        for column in ("speaker", wanted):
            if column not in clips:
                raise CorpusError(f"corpus {corpus.name!r} has no column {column!r}, which training needs")
        clips = clips[clips["speaker"].isin(list(speakers))]
        truth = (
            emotion_norms.derive(clips["emotion"]) if recipe.norms else clips.reindex(columns=recipe.labels)
        )
        part = pd.DataFrame(truth[recipe.labels].astype(float))
        part["clip"] = [f"{corpus.name}/{clip}" for clip in clips.index]
        part["speaker"] = clips["speaker"]
        part["emotion"] = clips.get("emotion")
        part["path"] = [str(corpus.path(clip)) for clip in clips.index]
        part["start"], part["end"] = clips["start"], clips["end"]
        parts.append(part)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["speaker"])
    absent = [speaker for speaker in speakers if speaker not in set(table["speaker"])]
    if absent:
        raise CorpusError(f"speaker {absent[0]!r} is in none of the recipe's corpora")
    table = table[table[recipe.labels].notna().all(axis="columns")]
    if table.empty:
        raise CorpusError(f"no clip of the recipe's speakers has labels for {', '.join(recipe.labels)}")
    return Lessons(
        clips=table["clip"].tolist(),
        signals=[
            read_audio(path, RATE_HZ, start, end)
            for path, start, end in zip(table["path"], table["start"], table["end"], strict=True)
        ],
        truth=table[recipe.labels].to_numpy(),
        emotions=pd.Categorical(table["emotion"]).codes.astype(np.int64),
    )


def train(
    recipe: Recipe,
    corpora: Sequence[Corpus],
    out: Path,
    *,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Path:
    """Trains a model by the recipe and writes a checkpoint folder that `load_model` accepts.

    The folder contains `config.json`, `preprocessor_config.json`, `model.safetensors` and `recipe.json`. It
    is created only when it is complete.

    Args:
        recipe: what to train and how
        corpora: the corpora that `recipe.corpora` names, loaded
        out: the folder to create; if it exists, it must be empty
        progress: called after each epoch with its number (from 1) and its mean loss

    Returns:
        `out`

    Raises:
        ModelError: `out` is not empty, or cannot be written
        CorpusError: see `lessons`
        AudioError: a training clip cannot be decoded
    """
    from transformers import Wav2Vec2FeatureExtractor

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelError(
            f"{out} already exists and is not empty", hint="name a new folder for the checkpoint"
        )
    model = fit(recipe, lessons(recipe, corpora, recipe.speakers), progress=progress)
    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=RATE_HZ,
        padding_value=0.0,
        do_normalize=True,
        return_attention_mask=True,
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            part = Path(scratch) / out.name
            model.save_pretrained(part)
            extractor.save_pretrained(part)
            (part / "recipe.json").write_text(recipe.model_dump_json(indent=1) + "\n", encoding="utf-8")
            part.replace(out)
    except OSError as error:
        raise ModelError(f"cannot write the checkpoint to {out}: {error.strerror}") from error
    return out
