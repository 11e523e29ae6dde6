"""The provenance of a result: model, corpus, software versions, and the answers of the model."""

import functools
import importlib.metadata
import os
import platform
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from sertools import __version__
from sertools.corpora.corpus import Corpus
from sertools.models.model import ClipModel, Model
from sertools.results.answers import COLUMNS, Answers
from sertools.results.provenance import DATE
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import class_names, pairs, scored_targets
from sertools.tables.tables import Tables


def model_facts(model: Model | ClipModel) -> dict[str, Any]:
    """The facts about a model that a report shows."""
    return {"name": model.name, "labels": list(model.labels), "task": model.task, **model.facts}


def corpus_facts(corpus: Corpus) -> dict[str, Any]:
    """The facts about a corpus that a report shows."""
    clips = corpus.clips
    speakers = int(clips["speaker"].nunique()) if "speaker" in clips else None
    sexes = {}
    if speakers and "sex" in clips:
        sexes = {str(sex): int(n) for sex, n in clips.groupby("sex")["speaker"].nunique().items()}
    return {
        "name": corpus.name,
        "clips": len(clips),
        "speakers": speakers,
        "speakers_by_sex": sexes,
        "version": corpus.version,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "simulated": corpus.simulated,
        **({"recordings": corpus.recordings} if corpus.recordings else {}),
    }


def provenance(
    model: Model | ClipModel, corpus: Corpus, corpus_fingerprint: str, command: str
) -> dict[str, Any]:
    """How a result came about: command, date, fingerprints and software versions.

    Args:
        model: the audited model, in the number format in which it ran
        corpus: the audited corpus
        corpus_fingerprint: empty if no audio was opened
        command: what the user typed
    """
    return {
        "command": command,
        DATE: date(),
        "model_fingerprint": model.fingerprint,
        "corpus_fingerprint": corpus_fingerprint or "the sound was not opened",
        **({"max_minutes": corpus.max_minutes} if corpus_fingerprint else {}),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of sertools, Python and the packages that can change a number."""
    packages = ("torch", "transformers", "numpy", "scipy", "soundfile", "soxr")
    own = {"sertools": __version__, "python": platform.python_version()}
    return own | {package: _version(package) for package in packages}


_version = functools.cache(importlib.metadata.version)
"""Each call of the library reads and parses the whole description of a package."""


def answers(tables: Tables) -> Answers | None:
    """The truth and the answer of every clip that the model was asked; None if it was asked nothing."""
    if CLEAN not in tables.predictions:
        return None
    parts = [_of_target(tables, target) for target in scored_targets(tables)]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    return Answers(table.astype("string")) if len(table) else None


def _of_target(tables: Tables, target: str) -> pd.DataFrame:
    pair = pairs(tables, target)
    names = class_names(pair, tables)

    def texts(values: list[float]) -> list[str]:
        return [names[int(value)] if pair.classes else repr(float(value)) for value in values]

    frame = pd.DataFrame(
        {
            "clip": pair.clips.astype(str),
            "speaker": None,
            "target": target,
            "truth": texts(pair.truth.tolist()),
            "answer": texts(pair.prediction.tolist()),
        },
        dtype="string",
    )
    if pair.by_speaker:
        frame["speaker"] = tables.clips.loc[pair.clips, "speaker"].astype("string").to_numpy()
    if pair.answered is not None:
        frame.loc[~pair.answered, "answer"] = pd.NA
    return frame


def date(known: str = "") -> str:
    """The date and time of a result: `known`, or now for one that is computed now.

    That of the environment variable SOURCE_DATE_EPOCH comes before either; it makes files reproducible.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    if known and not fixed.isdecimal():
        return known
    now = datetime.fromtimestamp(int(fixed), UTC) if fixed.isdecimal() else datetime.now(UTC)
    return now.strftime("%Y-%m-%d %H:%M UTC")
