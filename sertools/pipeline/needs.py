"""What a set of planned audits needs: audio conditions and columns measured from the audio."""

from collections.abc import Sequence
from dataclasses import replace

from sertools.audio import sound_folder
from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
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


def measured_columns(corpus: Corpus, audits: Sequence[PlannedAudit]) -> list[str]:
    """Missing columns to compute from the audio, without duplicates, for audits whose other columns exist."""
    able = [planned.needs for planned in audits if set(planned.needs.columns) <= set(corpus.clips)]
    needed = dict.fromkeys(column for needs in able for column in needs.measured_columns)
    return [column for column in needed if column not in corpus.clips]
