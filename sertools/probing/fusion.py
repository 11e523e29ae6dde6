"""Heads that predict several ratings jointly from vectors: acoustic states, text, or both concatenated.

The head of Wagner et al. (2023, §3.1 and §4.8): a hidden layer as wide as the joint input and an output
layer, each preceded by dropout, trained with the mean over ratings of 1 − CCC in batches of 32 for at most
100 epochs; the epoch with the highest mean CCC on the development clips is used. The paper gives neither
activation, dropout nor learning rate of this head; here they are tanh, .5 and 1e-3 (Adam), inputs are
standardised with the training clips' mean and standard deviation, and training stops early when the
development CCC has not risen for 15 epochs.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.probing.heads import Head, HeadShape, train_head

FUSION_SHAPE = HeadShape(
    hidden=(),
    activation="tanh",
    dropout=0.5,
    learning_rate=1e-3,
    weight_decay=0.0,
    batch=32,
    epochs=100,
    patience=15,
    min_improvement=0.0,
)
"""The head of this module; the width of its hidden layer depends on the inputs."""

KEPT = 8
"""Training sets whose vectors of text are kept, because several heads read the same folds."""

Vectors = Callable[[NDArray[np.integer]], NDArray[np.float64]]
"""Positions of training clips (m,) → vectors of all clips (n, d), fitted to the training clips only."""


def train_fusion(
    vectors: NDArray[np.floating],
    truth: NDArray[np.floating],
    train: NDArray[np.integer],
    development: NDArray[np.integer],
    *,
    hidden: int = 0,
    epochs: int = FUSION_SHAPE.epochs,
    rng: np.random.Generator,
) -> Head:
    """Train a head and return its best epoch on the development clips; it takes vectors as a single layer.

    Args:
        vectors: finite, shape (n, d)
        truth: ratings, shape (n, k); nan where a clip has no rating
        train: positions of the training clips
        development: positions of the development clips
        hidden: width of the hidden layer; 0 for the width of the input
        epochs: maximum number of epochs
        rng: for initial parameters, order of clips and dropout

    Raises:
        AuditError: fewer than two training clips, or fewer than two development clips
    """
    if len(train) < 2 or len(development) < 2:
        raise AuditError("training a head needs at least two training and two development clips")
    shape = replace(FUSION_SHAPE, hidden=(hidden or vectors.shape[1],), epochs=epochs)
    fitted, checked = (np.isin(np.arange(len(truth)), rows) for rows in (train, development))
    return train_head(vectors[:, None], truth, fitted, checked, shape=shape, rng=rng)


def held_out(
    inputs: Sequence[Vectors],
    truth: NDArray[np.floating],
    fold: NDArray[np.integer],
    *,
    inputs_for_width: Sequence[Vectors] = (),
    epochs: int = FUSION_SHAPE.epochs,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Predicted ratings (n, k) of every clip, each by a head that was not trained on the clip's fold.

    The fold after the held-out one is used to choose the epoch; all others are training data.

    Args:
        inputs: inputs of the head, concatenated
        truth: ratings, shape (n, k); nan where a clip has no rating
        fold: the fold in which each clip is held out, shape (n,); at least three folds
        inputs_for_width: inputs that this head does not read but a head it is compared with does; the hidden
            layer is as wide as for all inputs together, because a wider layer can be better whatever its
            input
        epochs: maximum number of epochs
        rng: for initial parameters, order of clips and dropout

    Raises:
        AuditError: fewer than three folds, or too few clips in them
    """
    codes = np.unique(fold)
    if len(codes) < 3:
        raise AuditError(f"folds is {len(codes)}", hint="folds must be at least 3")
    predictions = np.full(truth.shape, np.nan)
    for i, code in enumerate(codes):
        development, test = fold == codes[(i + 1) % len(codes)], fold == code
        train = np.flatnonzero(~development & ~test)
        vectors = np.concatenate([read(train) for read in inputs], axis=1)
        hidden = vectors.shape[1] + sum(read(train).shape[1] for read in inputs_for_width)
        head = train_fusion(
            vectors, truth, train, np.flatnonzero(development), hidden=hidden, epochs=epochs, rng=rng
        )
        predictions[test] = head.predict(vectors[test, None])
    return predictions


def by_split(
    inputs: Sequence[Vectors],
    truth: NDArray[np.floating],
    train: NDArray[np.integer],
    development: NDArray[np.integer],
    *,
    inputs_for_width: Sequence[Vectors] = (),
    epochs: int = FUSION_SHAPE.epochs,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Predicted ratings (n, k) of the clips in neither set, by one head; nan for the clips of both sets.

    Arguments are as for `held_out` and `train_fusion`.

    Raises:
        AuditError: fewer than two training clips, or fewer than two development clips
    """
    predictions = np.full(truth.shape, np.nan)
    test = np.setdiff1d(np.arange(len(truth)), np.union1d(train, development))
    vectors = np.concatenate([read(train) for read in inputs], axis=1)
    hidden = vectors.shape[1] + sum(read(train).shape[1] for read in inputs_for_width)
    head = train_fusion(vectors, truth, train, development, hidden=hidden, epochs=epochs, rng=rng)
    predictions[test] = head.predict(vectors[test, None])
    return predictions


def fixed(vectors: NDArray[np.float64]) -> Vectors:
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

    words = [words_of(text) for text in texts]

    def fitted(train: NDArray[np.integer]) -> NDArray[np.float64]:
        if not any(words[i] for i in train):
            return np.zeros((len(texts), 1))
        counter = TfidfVectorizer(analyzer=_as_they_are, sublinear_tf=True)
        counter.fit([words[i] for i in train])
        weights = counter.transform(words)
        # numpy's full decomposition is deterministic, and there are few enough training clips for it
        _, values, directions = np.linalg.svd(weights[train].toarray(), full_matrices=False)
        components_found = directions[: min(components, int((values > 1e-9 * values[0]).sum()))]
        vectors: NDArray[np.float64] = weights @ _signed(components_found).T
        return vectors

    kept: dict[bytes, NDArray[np.float64]] = {}

    def read(train: NDArray[np.integer]) -> NDArray[np.float64]:
        key = train.tobytes()
        if key not in kept:
            if len(kept) == KEPT:
                del kept[next(iter(kept))]
            kept[key] = fitted(train)
        return kept[key]

    return read


def _as_they_are(words: list[str]) -> list[str]:
    return words


def _signed(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions with the sign that makes their largest entry positive; the SVD leaves the sign arbitrary."""
    largest = np.abs(directions).argmax(axis=1)
    signed: NDArray[np.float64] = (
        directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    )
    return signed
