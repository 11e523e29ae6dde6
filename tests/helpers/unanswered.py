"""Models that leave clips unanswered, and their scores by counting."""

import numpy as np

from sertools.tables.tables import Tables
from tests.helpers.audit_tables import made

CLASSES = ("anger", "happiness", "neutral", "sadness")


def middling(seed: int = 0) -> Tables:
    """Twelve speakers, and a model that is wrong about a quarter of the emotions."""
    tables = made([20] * 12, classes=CLASSES, noise=0.1, seed=seed)
    rng = np.random.default_rng(seed)
    scores = tables.predictions["clean"].copy()
    wrong = rng.random(len(scores)) < 0.25
    scores.loc[wrong, list(CLASSES)] = np.roll(scores.loc[wrong, list(CLASSES)].to_numpy(), 1, axis=1)
    return tables.with_predictions({"clean": scores})


def silent_about(tables: Tables, clips) -> Tables:
    """The same model without an answer for these clips, (n,) bool."""
    return tables.with_predictions(
        {
            name: scores.where(np.broadcast_to(~np.asarray(clips)[:, None], scores.shape))
            for name, scores in tables.predictions.items()
        }
    )


def answers(tables: Tables) -> list[tuple[str, str | None]]:
    """True and predicted emotion of each clip, None for no answer; clip by clip."""
    scores = tables.predictions["clean"][list(CLASSES)]
    return [
        (emotion, None if row.isna().any() else str(row.idxmax()))
        for emotion, (_, row) in zip(tables.clips["emotion"], scores.iterrows(), strict=True)
    ]


def naive(pairs: list[tuple[str, str | None]]) -> dict[str, float]:
    """Scores in which no answer is wrong, by counting."""
    recalls, f1s, precisions, support = [], [], [], []
    for name in CLASSES:
        own = [p for t, p in pairs if t == name]
        given = [t for t, p in pairs if p == name]
        right = sum(p == name for p in own)
        recalls.append(right / len(own))
        precisions.append(right / len(given) if given else 0.0)
        f1s.append(2 * right / (len(own) + len(given)))
        support.append(len(own))
    return {
        "uar": sum(recalls) / len(CLASSES),
        "uap": sum(precisions) / len(CLASSES),
        "accuracy": sum(t == p for t, p in pairs) / len(pairs),
        "macro_f1": sum(f1s) / len(CLASSES),
        "weighted_f1": sum(f * n for f, n in zip(f1s, support, strict=True)) / len(pairs),
        **{f"recall {name}": value for name, value in zip(CLASSES, recalls, strict=True)},
    }
