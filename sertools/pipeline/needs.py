"""What a set of audits needs: conditions, layers, frame sums, measured columns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sertools.audio import sound_folder
from sertools.auditing.audit import Audit
from sertools.auditing.contract import Needs
from sertools.corpora.corpus import Corpus
from sertools.inference.predict import Progress as Progress
from sertools.inference.predict import Settings as Settings
from sertools.inference.predict import jobs as jobs
from sertools.inference.predict import predict as predict
from sertools.tables.condition import CLEAN, Condition


def looks_inside(audit: Audit, options: Mapping[str, Any]) -> bool:
    """Whether an audit reads layers, so that other models' layers can be compared."""
    needs = audit.needs(**audit.settings(options))
    return needs.layers or needs.frame_sums is not None


def conditions(
    audits: Sequence[Audit], options: Mapping[str, Mapping[str, Any]], seed: int
) -> list[Condition]:
    """All conditions that audits read, clean first, each with the seed of this run.

    A condition that mixes in recordings also has their fingerprint. The list is
    empty if no audit reads predictions or layers.

    Raises:
        CorpusError: a folder with recordings that cannot be read
    """
    wanted: dict[str, Condition] = {}
    for needs in needs_of(audits, options):
        if needs.conditions or needs.layers or needs.frame_sums:
            wanted.setdefault(CLEAN, Condition())
        for condition in needs.conditions:
            content = sound_folder.fingerprint(condition.folder) if condition.folder else ""
            wanted.setdefault(str(condition), replace(condition, seed=seed, content=content))
    return list(wanted.values())


def needs_of(audits: Sequence[Audit], options: Mapping[str, Mapping[str, Any]]) -> list[Needs]:
    """The inputs that each audit reads."""
    return [audit.needs(**audit.settings(options.get(audit.name, {}))) for audit in audits]


def sounds(corpus: Corpus, needs: Sequence[Needs]) -> list[str]:
    """Missing columns to compute from the audio, without duplicates, for audits whose other columns exist."""
    able = [each for each in needs if set(each.columns) <= set(corpus.clips)]
    asked = dict.fromkeys(column for each in able for column in each.measured_columns)
    return [column for column in asked if column not in corpus.clips]
