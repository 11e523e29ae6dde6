"""Writes a corpus as Parquet files that contain the audio, as datasets of the Hugging Face hub are stored."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import soundfile

from sertools.audio.files import sampling_rate
from sertools.corpora.corpus import Corpus
from sertools.corpora.making.new import Advance, check_new_folder
from sertools.corpora.values import counted
from sertools.errors import AudioError, CorpusError
from sertools.files import atomic_folder

AUDIO = "audio"

PLACE = ("start", "end", "channel")
"""Columns that have no meaning for sound that is cut out."""


def write(corpus: Corpus, folder: Path, advance: Advance) -> None:
    """Writes `data/SPLIT-00000-of-00001.parquet` for each split, `train` without one, and a card.

    `datasets.load_dataset(FOLDER)` and `--data datasets:FOLDER:SPLIT` read it. Each clip is 24-bit FLAC at
    the rate of its file.

    Raises:
        CorpusError: the folder is not empty or cannot be written, or a clip cannot be read
    """
    import pyarrow.parquet

    check_new_folder(folder)
    clips = corpus.clips
    alone = pd.Series("train", index=clips.index)
    splits = clips["split"].fillna("train").astype(str) if "split" in clips else alone
    with atomic_folder(folder, error=CorpusError) as part:
        (part / "data").mkdir()
        for split, rows in clips.groupby(splits, sort=True):
            name = "".join(c if c.isalnum() else "_" for c in str(split))
            table = _table(corpus, rows, advance)
            pyarrow.parquet.write_table(table, part / "data" / f"{name}-00000-of-00001.parquet")
        (part / "README.md").write_text(_card(corpus), encoding="utf-8")


def _table(corpus: Corpus, clips: pd.DataFrame, advance: Advance) -> Any:
    """The clips of a split as an Arrow table whose metadata say which column is sound."""
    import pyarrow as pa

    columns: dict[str, Any] = {"clip": pa.array(map(str, clips.index), pa.string())}
    kinds = {"clip": "string"}
    for name in (str(each) for each in clips if each not in PLACE):
        numeric = pd.api.types.is_numeric_dtype(clips[name])
        kinds[name] = "float64" if numeric else "string"
        cells = [None if _is_missing(v) else (float(v) if numeric else str(v)) for v in clips[name]]
        columns[name] = pa.array(cells, pa.float64() if numeric else pa.string())
    sounds = []
    for clip in map(str, clips.index):
        sounds.append(
            {"bytes": _flac(corpus, clip), "path": f"{Path(str(clips.at[clip, 'file'])).stem}.flac"}
        )
        advance(1)
    columns[AUDIO] = pa.array(sounds, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    features = {name: {"dtype": kind, "_type": "Value"} for name, kind in kinds.items()}
    features[AUDIO] = {"_type": "Audio"}
    told = json.dumps({"info": {"features": features}})
    return pa.table(columns).replace_schema_metadata({"huggingface": told})


def _is_missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _flac(corpus: Corpus, clip: str) -> bytes:
    try:
        rate = sampling_rate(corpus.path(clip))
        signal = corpus.signal(clip, rate)
    except AudioError as error:
        raise CorpusError(
            f"clip {clip!r} cannot be written: {error.message}",
            hint="a dataset contains the audio; csv and parquet do not need it",
        ) from error
    content = io.BytesIO()
    soundfile.write(content, signal.clip(-1, 1), rate, format="FLAC", subtype="PCM_24")
    return content.getvalue()


def _card(corpus: Corpus) -> str:
    """A card with the facts of the corpus."""
    facts = {
        "Clips": counted(len(corpus.clips), "clip"),
        "Licence": corpus.licence or "not stated",
        "Citation": corpus.citation or "not stated",
        "Labels": corpus.simulated or "as provided by the corpus",
    }
    lines = [f"# {corpus.name}", "", *(f"- {name}: {fact}" for name, fact in facts.items())]
    return "\n".join([*lines, *(f"- {note}" for note in corpus.notes)]) + "\n"
