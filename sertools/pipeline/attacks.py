"""Attacks a model on a sample of clips, with its own gradient or that of another model."""

from collections.abc import Sequence
from dataclasses import replace

from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError
from sertools.inference.build_tables import tables
from sertools.inference.jobs import Job, jobs
from sertools.inference.predict import predict_conditions
from sertools.inference.settings import Settings
from sertools.inference.sound_quality import sample
from sertools.labels import canonical
from sertools.models.derived.attacked import AttackedModel, attacked_model
from sertools.models.derived.attacks import has_gradient
from sertools.models.load import load_model
from sertools.models.model import ClipModel, Model, hears, is_by_clip, is_prompted
from sertools.pipeline.kept.models import with_weights
from sertools.tables.changed.attacks import Attacks, AttacksNeeded
from sertools.tables.condition import Condition

EMBEDDED = "default"
"""The model whose gradient is followed where the audited one has none."""


def attack_conditions(audits: Sequence[PlannedAudit], seed: int) -> list[Condition]:
    """The attacks that audits read, each with the seed of this run."""
    found = {str(c): c for each in audits if each.needs.attacks for c in each.needs.attacks.conditions}
    return [replace(condition, seed=seed) for condition in found.values()]


def attacks_needed(audits: Sequence[PlannedAudit]) -> AttacksNeeded | None:
    """The attacks that audits read; None if none reads any. Only one audit reads them in a run."""
    return next((each.needs.attacks for each in audits if each.needs.attacks), None)


def with_attacker(model: Model | ClipModel, needed: AttacksNeeded) -> AttackedModel:
    """The model together with its attacker.

    Raises:
        ModelError: the model does not take audio or costs money, or the surrogate cannot attack it
    """
    if is_by_clip(model) or is_prompted(model) or not hears(model):
        raise ModelError("the model is a table of predictions or takes text prompts, and is not attacked")
    model = with_weights(model)  # of which the attacker is a copy
    own = not needed.surrogate and has_gradient(model)
    surrogate = None if own else load_model(needed.surrogate or EMBEDDED)
    if surrogate is not None and not hears(surrogate):
        raise ModelError(f"{surrogate.name} does not take audio", hint="name a checkpoint with --surrogate")
    return attacked_model(model, surrogate)


def attacks(model: Model | ClipModel, corpus: Corpus, needed: AttacksNeeded, settings: Settings) -> Attacks:
    """The answers to clean and attacked clips; what the store has is not computed again.

    Args:
        model: in the number format in which it runs
        corpus: the corpus that is audited
        needed: which attacks, on how many clips
        settings: how to compute

    Raises:
        ModelError: a surrogate that was named cannot attack the model
        StoreError: the store cannot be written
    """
    try:
        attacked = with_attacker(model, needed)
    except ModelError as error:
        if needed.surrogate:
            raise
        return Attacks(tables=None, reason=error.message)
    chosen = sample(corpus, needed.clips)
    under = [Condition(), *(replace(each, seed=settings.seed) for each in needed.conditions)]
    planned = jobs(attacked, chosen, under, settings)
    predicted = predict_conditions(attacked, chosen, under, planned, settings, False)
    closed = [canonical(name, settings.label_map) for name in settings.classes]
    found = tables(attacked, chosen, predicted, settings.label_map, classes=closed)
    surrogate = attacked.attacker.name if attacked.attacker.name != model.name or needed.surrogate else ""
    return Attacks(tables=found, surrogate=surrogate)


def attack_jobs(
    attacked: AttackedModel, corpus: Corpus, needed: AttacksNeeded, settings: Settings
) -> tuple[Corpus, list[Job]]:
    """The clips that are attacked, and what is still to be computed for them."""
    chosen = sample(corpus, needed.clips)
    return chosen, jobs(attacked, chosen, [Condition(), *needed.conditions], settings)
