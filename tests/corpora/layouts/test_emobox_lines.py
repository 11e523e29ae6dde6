"""EmoBox's JSON lines are read with their labels merged, from wherever the repository lies."""

import json
from pathlib import Path

import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError


def lines(root: Path, *emotions: str) -> Path:
    folder = root / "data" / "emodb" / "fold_1"
    folder.mkdir(parents=True)
    (root / "downloads" / "emodb").mkdir(parents=True)
    rows = []
    for i, emotion in enumerate(emotions):
        wav = f"downloads/emodb/0{3 + i}a01Wa.wav"
        (root / wav).touch()
        told = {"type": "raw", "sample_rate": 16000, "num_frame": 1.0, "task": "category", "length": 1.0}
        rows.append(
            {"key": f"emodb-{i}", "dataset": "emodb", "wav": wav, **told, "emo": emotion, "channel": 1}
        )
    path = folder / "emodb_test_fold_1.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_names_paths_and_speakers_are_found(tmp_path: Path) -> None:
    path = lines(tmp_path, "hap", "exc")
    (tmp_path / "data" / "emodb" / "label_map.json").write_text(json.dumps({"hap": "hap", "exc": "hap"}))
    corpus = load_corpus(str(path))
    assert corpus.clips.index.tolist() == ["emodb-0", "emodb-1"]
    assert corpus.clips["emotion"].tolist() == ["happiness", "happiness"]
    assert corpus.clips["speaker"].tolist() == ["03", "04"]
    assert all(corpus.path(clip).is_file() for clip in corpus.clips.index)
    assert "1 label is renamed by label_map.json" in corpus.notes
    assert "channel" not in corpus.clips


def test_map_without_a_label_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path, "hap", "fea")
    (path.parent / "label_map.json").write_text(json.dumps({"hap": "hap"}))
    with pytest.raises(CorpusError, match=r"label_map\.json has no label 'fea'"):
        load_corpus(str(path))
