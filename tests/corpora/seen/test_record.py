"""The training record: what it holds, that it is bounded, and what is refused."""

import json
from dataclasses import replace

import pytest
import soundfile

from sertools.corpora.corpus import join_corpora
from sertools.corpora.seen import record
from sertools.corpora.seen.content import clip_hash, corpus_hashes
from sertools.errors import ModelError
from tests.helpers.small import noises

WHOLE = (float("nan"),) * 3


def test_a_hash_is_of_the_samples_whatever_the_name_and_the_lossless_format(tmp_path):
    corpus = noises(tmp_path, 2)
    samples, rate = soundfile.read(tmp_path / "000.wav")
    for name in ("000.wav", "other.flac", "other.wav"):
        soundfile.write(tmp_path / name, (samples * 32768).astype("int16"), rate, subtype="PCM_16")
    both = {clip_hash((tmp_path / name, *WHOLE)) for name in ("other.flac", "other.wav")}
    assert len(both) == 1
    assert both == {corpus_hashes(corpus).iloc[0]}
    assert corpus_hashes(corpus).nunique() == 2


def test_silence_and_what_cannot_be_read_have_no_hash(tmp_path):
    soundfile.write(tmp_path / "silence.wav", [0.0] * 800, 16000)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    names = ("silence.wav", "broken.wav", "missing.wav")
    assert [clip_hash((tmp_path / name, *WHOLE)) for name in names] == ["", "", ""]


def test_a_record_holds_hashes_and_speakers_and_nothing_else(tmp_path):
    corpus = noises(tmp_path, 12)
    made = record.record_of([corpus])
    (tmp_path / "training_record.json").write_text(made.to_json())
    text = json.loads((tmp_path / "training_record.json").read_text())
    assert set(text) == {"version", "clips", "complete", "speakers"}
    assert text["clips"] == 12
    assert [each["speaker"] for each in text["speakers"]] == [f"s{i}" for i in range(6)]
    assert {len(each["clips"]) for each in text["speakers"]} == {2}
    assert ".wav" not in made.to_json()
    back = record.beside(tmp_path)
    assert back is not None
    assert (back.clips, back.speakers, back.spots) == (12, made.speakers, frozenset())
    assert record.beside(tmp_path / "clips.csv") is None


def test_a_record_of_many_clips_keeps_the_smallest_hashes_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "MAX_CLIPS", 5)
    monkeypatch.setattr(record, "MAX_SPEAKERS", 3)
    corpus = noises(tmp_path, 12)
    made = record.record_of([corpus])
    assert (made.clips, made.complete) == (12, False)
    kept = sorted(clip for each in made.speakers for clip in each.clips)
    assert kept == sorted(corpus_hashes(corpus))[:5]
    assert {each.speaker for each in made.speakers} <= {"s0", "s1", "s2", ""}


def test_clips_that_cannot_be_read_are_counted_without_a_hash(tmp_path):
    corpus = noises(tmp_path, 6)
    (tmp_path / "000.wav").unlink()
    made = record.record_of([corpus])
    assert (made.clips, made.complete) == (6, True)
    assert [len(each.clips) for each in made.speakers] == [0, 1, 1, 1, 1, 1]


def test_speakers_of_joined_corpora_are_recorded_under_their_own_corpus(tmp_path):
    one, other = (replace(noises(tmp_path / name, 6), name=name) for name in ("one", "other"))
    made = record.record_of([join_corpora([one, other])])
    assert {(each.corpus, each.speaker) for each in made.speakers} == {
        (name, f"s{i}") for name in ("one", "other") for i in range(6)
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON"),
        ("[]", "is not a training record"),
        ('{"version": 2, "clips": 1, "speakers": []}', "'version'"),
        ('{"clips": 1, "speakers": [{"corpus": "a", "speaker": "b", "clips": ["../x"]}]}', "clips"),
    ],
)
def test_another_file_of_that_name_is_refused_in_one_sentence(tmp_path, text, words):
    (tmp_path / "training_record.json").write_text(text)
    with pytest.raises(ModelError) as refused:
        record.beside(tmp_path)
    assert words in refused.value.message


def test_dev_speakers_are_kept_apart_and_joined(tmp_path):
    corpus = noises(tmp_path, 12)
    made = record.record_of([corpus])
    dev = made.model_copy(update={"speakers": made.speakers[:2], "chosen_on": made.speakers[2:3]})
    (tmp_path / "training_record.json").write_text(dev.to_json())
    back = record.beside(tmp_path)
    assert back is not None
    assert [each.speaker for each in back.chosen_on] == ["s2"]
    assert [each.speaker for each in record.joined_records(back, made).chosen_on] == ["s2"]
