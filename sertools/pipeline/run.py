"""Runs audits of a model on a corpus: predictions, tables, results, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from sertools.auditing import audit as audits_of
from sertools.auditing.audit import Audit
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.features import columns, text_encoder
from sertools.inference import precision
from sertools.inference.build_tables import tables
from sertools.inference.predict import Progress as Progress
from sertools.inference.predict import Settings as Settings
from sertools.inference.predict import jobs as jobs
from sertools.inference.predict import predict as predict
from sertools.models.model import ClipModel, Model
from sertools.models.model import random_twin as twin_of
from sertools.pipeline.collect import seen, with_frame_sums
from sertools.pipeline.needs import conditions, looks_inside, needs_of, sounds
from sertools.pipeline.provenance import described, facts, versions
from sertools.results.limits import Override
from sertools.results.provenance import NOT_OPENED
from sertools.results.result import Result
from sertools.store import store
from sertools.tables.columns import RANDOM_TWIN
from sertools.tables.condition import CLEAN, Condition


def run(
    model: Model | ClipModel,
    corpus: Corpus,
    audits: Sequence[Audit],
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    overrides: Sequence[Override] = (),
    settings: Settings | None = None,
    command: str = "",
    others: Mapping[str, Model | ClipModel] | None = None,
    random_twin: bool | None = False,
) -> list[Result]:
    """Audits a model on a corpus: computes the missing predictions, then runs each audit on the tables.

    Args:
        model: from `load_model`
        corpus: from `load_corpus`
        audits: from `audit.load`
        options: audit → its options
        overrides: limits that replace the audits' own
        settings: how to compute
        command: what the user typed, for the report
        others: role → another model that layer audits compare it with
        random_twin: whether an untrained copy of the model (same architecture, random weights) is one of
            them; None for where it can be built. Its weights are drawn from the seed

    Raises:
        SertoolsError: see `predict`, `tables` and `audit.run`
    """
    settings = settings or Settings()
    sound = "" if isinstance(model, ClipModel) else fingerprint(corpus)
    wanted = conditions(audits, options or {}, settings.seed)
    if wanted:
        # first of all, because the number format is part of the model's fingerprint
        model = precision.settle(model, corpus, sound, settings.cache or store.default_root())
    corpus = heard(corpus, audits, options or {}, settings)

    needs = needs_of(audits, options or {})
    inside = [audit.name for audit in audits if looks_inside(audit, (options or {}).get(audit.name, {}))]
    others = (
        company(model, corpus, others or {}, random_twin, settings=settings, sound=sound) if inside else {}
    )
    table = tables(model, corpus, {}, settings.label_map)
    if wanted:
        beside = {
            role: seen(other, corpus, needs, [Condition()], settings, sound) for role, other in others.items()
        }
        own = seen(model, corpus, needs, wanted, settings, sound)
        table = replace(own.tables, others={role: each.tables for role, each in beside.items()})
    beside_it = {role: described(other) for role, other in others.items()}
    provenance = {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "model_fingerprint": model.fingerprint,
        "corpus_fingerprint": sound or NOT_OPENED,
        "versions": versions(),
    }
    return [
        audits_of.run(
            audit,
            with_frame_sums(table, need.frame_sums, own, beside) if need.frame_sums and wanted else table,
            seed=settings.seed,
            options=(options or {}).get(audit.name, {}),
            limits=[override.limit(override.why) for override in overrides if override.audit == audit.name],
            model=described(model) | ({"others": beside_it} if beside_it and audit.name in inside else {}),
            data=facts(corpus),
            provenance=provenance,
        )
        for audit, need in zip(audits, needs, strict=True)
    ]


def company(
    model: Model | ClipModel,
    corpus: Corpus,
    others: Mapping[str, Model | ClipModel],
    random_twin: bool | None,
    *,
    settings: Settings,
    sound: str,
) -> dict[str, Model | ClipModel]:
    """Comparison models for layer audits by role ("against", "random_twin"), each in its number format.

    Args:
        model: in the format in which it runs
        corpus: the number formats are compared on it
        others: role → model, for the models that were named
        random_twin: whether the model's untrained copy is included; None for where it can be built
        settings: how to compute
        sound: the corpus' fingerprint

    Raises:
        ModelError: the model has no random twin
    """
    root = settings.cache or store.default_root()
    beside = {role: precision.settle(other, corpus, sound, root) for role, other in others.items()}
    if random_twin or (random_twin is None and hasattr(model, "random_twin")):
        # made from the model in its chosen format, so that both have the same number format
        beside[RANDOM_TWIN] = twin_of(model, settings.seed)
    return beside


def heard(
    corpus: Corpus, audits: Sequence[Audit], options: Mapping[str, Mapping[str, Any]], settings: Settings
) -> Corpus:
    """The corpus with the columns computed from its audio and the text vectors that audits need.

    Audits that lack other columns, and so cannot run, are left out.

    Raises:
        ModelError: a package that computes a column is not installed
    """
    needs = needs_of(audits, options)

    def scores_of(measure: columns.Measure, of: Corpus) -> pd.DataFrame:
        named = replace(settings, progress=lambda _, n: settings.progress(measure.name, n))
        return predict(measure, of, settings=named)[CLEAN].scores

    told = columns.measured(corpus, sounds(corpus, needs), scores_of)
    text_vectors = [reading for each in needs for reading in each.text_vectors]
    return text_encoder.read(told, text_vectors, settings.cache or store.default_root(), settings.progress)
