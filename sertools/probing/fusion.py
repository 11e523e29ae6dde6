"""Heads that predict several ratings jointly from vectors: acoustic states, text, or both concatenated.

The head of Wagner et al. (2023, §3.1 and §4.8): a hidden layer as wide as the joint input and an output
layer, each preceded by dropout, trained with the mean over ratings of 1 − CCC in batches of 32 for at most
100 epochs; the epoch with the highest mean CCC on the development clips is used. The paper gives neither
activation, dropout nor learning rate of this head; here they are tanh, .5 and 1e-3 (Adam), inputs are
standardised with the training clips' mean and standard deviation, and training stops early when the
development CCC has not risen for 15 epochs.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sertools.errors import AuditError
from sertools.metrics.regression import ccc

EPOCHS, PATIENCE = 100, 15
BATCH, RATE, DROPOUT = 32, 1e-3, 0.5
ADAM = (0.9, 0.999, 1e-8)
"""Decay rates of both moments, and the ε that keeps the divisor from 0 (Kingma & Ba 2015)."""

Vectors = Callable[[np.ndarray], np.ndarray]
"""Training clips (m,) → vectors of all clips (n, d), fitted to the training clips only."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A trained head.

    Attributes:
        mean, scale: mean and standard deviation of the training clips, shape (d,)
        dense: weight (out, in) and bias (out,) of the hidden and of the output layer
        epoch: the epoch whose parameters these are
        score: mean CCC on the development clips
    """

    mean: np.ndarray
    scale: np.ndarray
    dense: tuple[tuple[np.ndarray, np.ndarray], ...]
    epoch: int
    score: float

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Predicted ratings (m, k) for vectors (m, d)."""
        (weight, bias), (out, last) = self.dense
        rated: np.ndarray = np.tanh((vectors - self.mean) / self.scale @ weight.T + bias) @ out.T + last
        return rated


def train_fusion(
    vectors: np.ndarray,
    truth: np.ndarray,
    train: np.ndarray,
    dev: np.ndarray,
    *,
    hidden: int = 0,
    epochs: int = EPOCHS,
    rng: np.random.Generator,
) -> Head:
    """Train a head and return its best epoch on the development clips.

    Args:
        vectors: finite, shape (n, d)
        truth: ratings, shape (n, k); nan where a clip has no rating
        train: positions of the training clips
        dev: positions of the development clips
        hidden: width of the hidden layer; 0 for the width of the input
        epochs: maximum number of epochs
        rng: for initial parameters, order of clips and dropout

    Raises:
        AuditError: fewer than two training clips, or fewer than two development clips
    """
    if len(train) < 2 or len(dev) < 2:
        raise AuditError("training a head needs at least two training and two development clips")
    mean, scale = vectors[train].mean(axis=0), vectors[train].std(axis=0)
    scale = np.where(scale > 1e-6 * np.abs(mean) + 1e-12, scale, 1.0)
    x, y = ((vectors - mean) / scale).astype(np.float32), truth.astype(np.float32)
    width, k = vectors.shape[1], truth.shape[1]
    sizes = (width, hidden or width, k)
    numbers = [part for i, o in itertools.pairwise(sizes) for part in _dense(i, o, rng)]
    # the output bias starts at the mean rating, where CCC has a useful gradient
    numbers[3] = np.nanmean(y[train], axis=0)
    frame_sums = [(np.zeros_like(part), np.zeros_like(part)) for part in numbers]
    step = 0
    best: tuple[float, int, list[np.ndarray]] = (-np.inf, 0, [])
    for epoch in range(1, epochs + 1):
        order = rng.permutation(train)
        for rows in np.array_split(order, max(1, len(order) // BATCH)):
            step += 1
            kept = [_kept((len(rows), size), rng) for size in sizes[:2]]
            _, slopes = loss_and_slopes(x[rows] * kept[0], y[rows], numbers, kept[1])
            _adam(numbers, slopes, frame_sums, step)
        score = _score(truth[dev], _forward(x[dev], numbers)[1])
        if score > best[0] or not best[2]:
            best = score, epoch, [part.astype(np.float64) for part in numbers]
        elif epoch - best[1] >= PATIENCE:
            break
    score, epoch, numbers = best
    pairs = ((numbers[0], numbers[1]), (numbers[2], numbers[3]))
    return Head(mean=mean, scale=scale, dense=pairs, epoch=epoch, score=score)


def held_out(
    inputs: Sequence[Vectors],
    truth: np.ndarray,
    fold: np.ndarray,
    *,
    beside: Sequence[Vectors] = (),
    epochs: int = EPOCHS,
    rng: np.random.Generator,
) -> np.ndarray:
    """Predicted ratings (n, k) of every clip, each by a head that was not trained on the clip's fold.

    The fold after the held-out one is used to choose the epoch; all others are training data.

    Args:
        inputs: inputs of the head, concatenated
        truth: ratings, shape (n, k); nan where a clip has no rating
        fold: the fold in which each clip is held out, shape (n,); at least three folds
        beside: inputs that this head does not read but a head it is compared with does; the hidden layer is
            as wide as for all inputs together, because a wider layer can be better whatever its input
        epochs: maximum number of epochs
        rng: for initial parameters, order of clips and dropout

    Raises:
        AuditError: fewer than three folds, or too few clips in them
    """
    codes = np.unique(fold)
    if len(codes) < 3:
        raise AuditError(f"folds is {len(codes)}", hint="folds must be at least 3")
    rated = np.full(truth.shape, np.nan)
    for i, code in enumerate(codes):
        dev, test = fold == codes[(i + 1) % len(codes)], fold == code
        train = np.flatnonzero(~dev & ~test)
        vectors = np.concatenate([read(train) for read in inputs], axis=1)
        hidden = vectors.shape[1] + sum(read(train).shape[1] for read in beside)
        head = train_fusion(vectors, truth, train, np.flatnonzero(dev), hidden=hidden, epochs=epochs, rng=rng)
        rated[test] = head.predict(vectors[test])
    return rated


def fixed(vectors: np.ndarray) -> Vectors:
    """Vectors that are the same for every training set, such as those of a frozen model."""
    return lambda train: vectors


def tf_idf(texts: Sequence[str], *, components: int) -> Vectors:
    """Text vectors without a text model: TF-IDF reduced by latent semantic analysis.

    TF-IDF of words (sublinear, smoothed, unit length; Salton & Buckley 1988) and a truncated singular value
    decomposition (latent semantic analysis; Deerwester et al. 1990), both fitted to the training clips.

    Args:
        texts: one text per clip
        components: maximum number of components
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    from sertools.metrics.words import words_of

    def read(train: np.ndarray) -> np.ndarray:
        counter = TfidfVectorizer(analyzer=words_of, sublinear_tf=True)
        known = {word for i in train for word in words_of(texts[i])}
        if not known:
            return np.zeros((len(texts), 1))
        counter.fit([texts[i] for i in train])
        weights = counter.transform(texts)
        # numpy's full decomposition is deterministic, and there are few enough training clips for it
        _, values, directions = np.linalg.svd(weights[train].toarray(), full_matrices=False)
        kept = directions[: min(components, int((values > 1e-9 * values[0]).sum()))]
        vectors: np.ndarray = weights @ _signed(kept).T
        return vectors

    return read


def _signed(directions: np.ndarray) -> np.ndarray:
    """Directions with the sign that makes their largest entry positive; the SVD leaves the sign arbitrary."""
    largest = np.abs(directions).argmax(axis=1)
    signed: np.ndarray = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    return signed


def loss_and_slopes(
    x: np.ndarray, truth: np.ndarray, numbers: Sequence[np.ndarray], kept: np.ndarray | float = 1.0
) -> tuple[float, list[np.ndarray]]:
    """Loss and gradient: mean over ratings of 1 − CCC, each over the clips that have the rating.

    Args:
        x: inputs, shape (n, d)
        truth: shape (n, k); a rating that fewer than two clips have is ignored
        numbers: parameters: weight (h, d), bias (h,), weight (k, h) and bias (k,)
        kept: dropout mask of the hidden layer, shape (n, h)
    """
    out = numbers[2]
    hidden, said = _forward(x, numbers, kept)
    known = np.isfinite(truth)
    n = np.maximum(known.sum(axis=0), 1)
    asked = known.sum(axis=0) > 1
    t, p = np.where(known, truth, 0.0), np.where(known, said, 0.0)
    mean_t, mean_p = t.sum(axis=0) / n, p.sum(axis=0) / n
    dt, dp = np.where(known, t - mean_t, 0.0), np.where(known, p - mean_p, 0.0)
    together = (dt * dp).sum(axis=0) / n
    apart = ((dt**2).sum(axis=0) + (dp**2).sum(axis=0)) / n + (mean_p - mean_t) ** 2 + 1e-8
    concordance = 2 * together / apart
    share = asked / max(int(asked.sum()), 1)
    # derivative of 2 c / d by each prediction, where c is `together` and d is `apart`
    by_said = 2 * dt / n / apart - 2 * concordance / apart * (dp + mean_p - mean_t) / n
    slope = np.where(known, -share * by_said, 0.0).astype(x.dtype)
    inside = (slope @ out) * kept * (1 - hidden**2)
    slopes = [inside.T @ x, inside.sum(axis=0), slope.T @ (hidden * kept), slope.sum(axis=0)]
    return float((share * (1 - concordance)).sum()), [part.astype(x.dtype) for part in slopes]


def _forward(
    x: np.ndarray, numbers: Sequence[np.ndarray], kept: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Hidden layer before dropout (n, h), and predicted ratings (n, k)."""
    weight, bias, out, last = numbers
    hidden = np.tanh(x @ weight.T + bias)
    return hidden, (hidden * kept) @ out.T + last


def _adam(
    numbers: Sequence[np.ndarray],
    slopes: Sequence[np.ndarray],
    frame_sums: Sequence[tuple[np.ndarray, np.ndarray]],
    step: int,
) -> None:
    """One step of Adam, in place."""
    first, second, least = ADAM
    for part, slope, (mean, square) in zip(numbers, slopes, frame_sums, strict=True):
        mean += (1 - first) * (slope - mean)
        square += (1 - second) * (slope * slope - square)
        part -= RATE * (mean / (1 - first**step)) / (np.sqrt(square / (1 - second**step)) + least)


def _score(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Mean CCC over ratings; −inf if none is defined."""
    scores = []
    for t, p in zip(truth.T, prediction.T, strict=True):
        known = np.isfinite(t)
        scores.append(ccc(t[known], p[known]))
    defined = [score for score in scores if np.isfinite(score)]
    return float(np.mean(defined)) if defined else -np.inf


def _kept(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Dropout mask (inverted dropout): 0, or 1 / (1 − DROPOUT)."""
    mask: np.ndarray = (rng.random(shape, dtype=np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
    return mask.astype(np.float32)


def _dense(size: int, out: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias, uniform in ±1/√size, the default initialisation of torch's linear layers."""
    bound = 1 / np.sqrt(size)
    weight, bias = (rng.uniform(-bound, bound, shape).astype(np.float32) for shape in ((out, size), (out,)))
    return weight, bias
