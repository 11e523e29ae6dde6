"""What a set of planned audits needs: audio conditions and columns measured from the audio."""

from collections.abc import Sequence
from dataclasses import replace

from sertools.audio import sound_folder
from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
from sertools.inference.build_tables import shared_labels
from sertools.inference.settings import Settings
from sertools.models.model import ClipModel, Model
from sertools.tables.changed.quality import QualityNeeded
from sertools.tables.columns import CHECKPOINT
from sertools.tables.condition import CLEAN, Condition


def conditions(audits: Sequence[PlannedAudit], seed: int) -> list[Condition]:
    """All conditions that audits read, clean first, each with the seed of this run.

    A condition that mixes in recordings also has their fingerprint. The list is
    empty if no audit reads predictions or layers.

    Raises:
        CorpusError: a folder with recordings that cannot be read
    """
    found: dict[str, Condition] = {}
    for planned in audits:
        if planned.needs.conditions or planned.reads_layers:
            found.setdefault(CLEAN, Condition())
        for condition in planned.needs.conditions:
            content = sound_folder.fingerprint(condition.folder) if condition.folder else ""
            found.setdefault(str(condition), replace(condition, seed=seed, content=content))
    return list(found.values())


def conditions_to_predict(
    audits: Sequence[PlannedAudit], corpus: Corpus, model: Model | ClipModel, settings: Settings
) -> list[Condition]:
    """The conditions that audits read, without those of audits that corpus and model lack the labels for.

    Such audits are skipped, and a model of an endpoint is paid for each answer. Clean audio stays: its
    predictions say what is missing.
    """
    every = conditions(audits, settings.seed)
    return [*every[:1], *conditions(with_labels(audits, corpus, model, settings), settings.seed)[1:]]


def with_labels(
    audits: Sequence[PlannedAudit], corpus: Corpus, model: Model | ClipModel, settings: Settings
) -> list[PlannedAudit]:
    """The audits for which corpus and model have the labels."""
    shared = shared_labels(model, corpus, settings.label_map, settings.classes)
    met = {
        "dimensions": bool(shared.rated),
        "emotion": bool(shared.emotions),
        "either": bool(shared.rated or shared.emotions),
        "predicted": bool(shared.dimensions or shared.emotions),
        "none": True,
    }
    return [planned for planned in audits if met[planned.needs.labels]]


def measured_columns(corpus: Corpus, audits: Sequence[PlannedAudit]) -> dict[str, bool]:
    """Missing columns to compute from the audio → whether one may stay empty.

    Audits that lack other columns, and so cannot run, are left out.
    """
    found: dict[str, bool] = {}
    for needs in (planned.needs for planned in audits):
        if set(needs.columns) <= set(corpus.clips):
            found |= {column: found.get(column, True) for column in needs.optional_columns}
            found |= dict.fromkeys(needs.measured_columns, False)
    return {column: optional for column, optional in found.items() if column not in corpus.clips}


def quality_needed(audits: Sequence[PlannedAudit]) -> QualityNeeded | None:
    """Number of clips whose audio quality audits read: the most that one of them reads; None for none."""
    needed = [each.needs.sound_quality for each in audits if each.needs.sound_quality]
    clips = [each.clips for each in needed]
    visqol = any(each.visqol for each in needed)
    return QualityNeeded(clips=0 if 0 in clips else max(clips), visqol=visqol) if clips else None


def checkpoints(audits: Sequence[PlannedAudit]) -> dict[str, str]:
    """Role → text of each further model that audits read, in their order, numbered from 2."""
    specs = dict.fromkeys(spec for planned in audits for spec in planned.needs.models)
    return {f"{CHECKPOINT}{i}": spec for i, spec in enumerate(specs, start=2)}
