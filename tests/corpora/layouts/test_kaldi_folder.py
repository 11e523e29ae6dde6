"""Data folders of Kaldi and manifests of lhotse are read without running or fetching anything."""

import gzip
import json
from pathlib import Path

import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError

KALDI = {
    "wav.scp": "r1 /data/a.wav\nr2 /data/b.wav\n",
    "segments": "u1 r1 0.5 2.0\nu2 r1 2.5 4\nu3 r2 0 1\n",
    "utt2spk": "u1 anna\nu2 ben\nu3 anna\n",
    "text": "u1 so it goes\nu3 yes\n",
    "spk2gender": "anna f\nben m\n",
    "utt2emo": "u1 ang\nu2 neu\nu3 hap\n",
}


def folder(root: Path, **files: str) -> str:
    for name, text in {**KALDI, **files}.items():
        (root / name).write_text(text)
    return str(root)


def test_files_of_kaldi_are_columns(tmp_path: Path) -> None:
    clips = load_corpus(folder(tmp_path)).clips
    columns = ["file", "start", "end", "speaker", "sex", "emotion"]
    assert clips[columns].to_numpy().tolist() == [
        ["/data/a.wav", 0.5, 2.0, "anna", "female", "anger"],
        ["/data/a.wav", 2.5, 4.0, "ben", "male", "neutral"],
        ["/data/b.wav", 0.0, 1.0, "anna", "female", "happiness"],
    ]
    assert clips["transcript"].tolist()[::2] == ["so it goes", "yes"]
    (tmp_path / "segments").unlink()
    assert load_corpus(str(tmp_path)).clips.index.tolist() == ["r1", "r2"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("wav.scp", "r1 sph2pipe -f wav a.sph |\n", "wav.scp: 'r1' is a command, and commands are not run"),
        ("utt2spk", "u1 anna\nu1 ben\n", "utt2spk, line 2: 'u1' is listed twice"),
        ("segments", "u1 r9 0 1\n", "segments names recordings that wav.scp does not have: r9"),
        ("segments", "u1 r1 0\n", "segments: 'u1' has 2 values, not recording, start and end"),
        ("wav.scp", "\n", "wav.scp is empty"),
    ],
)
def test_wrong_files_of_kaldi_are_one_sentence(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        load_corpus(folder(tmp_path, **{name: text}))
    assert message in str(caught.value)


def lhotse(root: Path, kind: str = "file") -> str:
    recording = {"id": "r1", "sources": [{"type": kind, "channels": [0], "source": "a.wav"}], "duration": 9.0}
    with gzip.open(root / "my_recordings_test.jsonl.gz", "wt") as stream:
        stream.write(json.dumps(recording))
    told = {"id": "u1", "recording_id": "r1", "start": 1.5, "duration": 2.0, "channel": 0, "speaker": "anna",
            "gender": "F", "text": "yes", "custom": {"emotion": "sad", "nested": {"a": 1}}}  # fmt: skip
    (root / "my_supervisions_test.jsonl").write_text(json.dumps(told) + "\n")
    return str(root)


def test_supervisions_of_lhotse_are_clips(tmp_path: Path) -> None:
    clips = load_corpus(lhotse(tmp_path)).clips
    assert clips.loc["u1", ["file", "start", "end", "speaker", "sex", "emotion", "transcript"]].tolist() == [
        "a.wav", 1.5, 3.5, "anna", "female", "sadness", "yes",
    ]  # fmt: skip
    assert "nested" not in clips


def test_recordings_of_lhotse_that_are_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="recording 'r1' is not a file but a command"):
        load_corpus(lhotse(tmp_path, kind="command"))
    (tmp_path / "my_supervisions_test.jsonl").write_text("{")
    with pytest.raises(CorpusError, match="recording 'r1' is not a file"):
        load_corpus(str(tmp_path))
