"""The models that audits of layers compare a model with."""

from collections.abc import Mapping

from sertools.corpora.corpus import Corpus
from sertools.inference.precision import choose_precision
from sertools.inference.predict import Settings
from sertools.models.model import ClipModel, Model
from sertools.models.model import random_twin as build_twin
from sertools.tables.columns import RANDOM_TWIN


def comparison_models(
    model: Model | ClipModel,
    corpus: Corpus,
    others: Mapping[str, Model | ClipModel],
    random_twin: bool | None,
    settings: Settings,
    corpus_fingerprint: str,
) -> dict[str, Model | ClipModel]:
    """Comparison models for layer audits by role ("against", "random twin"), each in its number format.

    Args:
        model: in the format in which it runs
        corpus: the number formats are compared on it
        others: role → model, for the models that were named
        random_twin: whether the model's untrained copy is included; None for where it can be built
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint

    Raises:
        ModelError: the model has no random twin
    """
    found = {
        role: choose_precision(other, corpus, corpus_fingerprint, settings.root)
        for role, other in others.items()
    }
    if random_twin or (random_twin is None and hasattr(model, "random_twin")):
        # made from the model in its chosen format, so that both have the same number format
        found[RANDOM_TWIN] = build_twin(model, settings.seed)
    return found
