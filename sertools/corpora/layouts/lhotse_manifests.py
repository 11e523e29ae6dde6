"""Reads manifests of lhotse: recordings and supervisions, as JSON lines, packed with gzip or not.

A supervision is a segment of a recording with speaker, gender, language and text; the emotion is in its
`custom` values, under the name `emotion` or `emo`. Recordings that are not files, as commands and addresses,
are refused.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.errors import CorpusError, foreign

EMOTION = ("emotion", "emo", "label")


def manifests(root: Path) -> tuple[Path, Path] | None:
    """The manifests of recordings and of supervisions in a folder; None if it does not have one of each."""
    found = []
    for kind in ("recordings", "supervisions"):
        paths = [p for p in sorted(root.glob(f"*{kind}*")) if p.name.endswith((".jsonl", ".jsonl.gz"))]
        if len(paths) != 1:
            return None
        found.append(paths[0])
    return found[0], found[1]


def read_lhotse(recordings: Path, supervisions: Path) -> pd.DataFrame:
    """One row per supervision.

    Raises:
        CorpusError: a manifest cannot be read, a recording is not a file, or a supervision has no recording
    """
    files = {}
    for told in _lines(recordings):
        sources = told.get("sources") or [{}]
        if sources[0].get("type") != "file":
            kind = sources[0].get("type", "nothing")
            raise CorpusError(f"{recordings.name}: recording {told.get('id')!r} is not a file but a {kind}")
        files[told["id"]] = str(sources[0]["source"])
    rows = []
    for told in _lines(supervisions):
        if told["recording_id"] not in files:
            raise CorpusError(
                f"{supervisions.name}: {told['id']!r} has no recording {told['recording_id']!r}"
            )
        custom = told.get("custom") or {}
        plain = {key: value for key, value in custom.items() if isinstance(value, str | int | float)}
        emotion = next((plain.pop(key) for key in EMOTION if key in plain), None)
        rows.append({
            "clip": told["id"],
            "file": files[told["recording_id"]],
            "start": told["start"],
            "end": told["start"] + told["duration"],
            "speaker": told.get("speaker"),
            "sex": told.get("gender"),
            "language": told.get("language"),
            "transcript": told.get("text"),
            "emotion": emotion,
            **{key: value for key, value in plain.items() if key not in ("clip", "file")},
        })  # fmt: skip
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with (
        foreign(f"{path.name} is not a readable manifest of lhotse", CorpusError),
        opener(path, "rt", encoding="utf-8") as lines,
    ):
        for line in lines:
            if line.strip():
                told = json.loads(line)
                yield told
