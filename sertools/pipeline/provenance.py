"""What a result records about model, corpus and software versions."""

import importlib.metadata
import platform
from datetime import UTC, datetime
from typing import Any

from sertools.corpora.corpus import Corpus
from sertools.models.model import ClipModel, Model


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
    }


def provenance(model: Model | ClipModel, corpus_fingerprint: str, command: str) -> dict[str, Any]:
    """How a result came about: command, date, fingerprints and software versions.

    Args:
        model: the audited model, in the number format in which it ran
        corpus_fingerprint: empty if no audio was opened
        command: what the user typed
    """
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "model_fingerprint": model.fingerprint,
        "corpus_fingerprint": corpus_fingerprint or "the sound was not opened",
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of sertools, Python and the packages that can change a number."""
    found = {"sertools": importlib.metadata.version("sertools"), "python": platform.python_version()}
    for package in ("torch", "transformers", "numpy", "scipy", "soundfile", "soxr"):
        found[package] = importlib.metadata.version(package)
    return found
