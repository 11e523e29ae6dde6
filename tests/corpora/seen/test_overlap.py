"""Which clips and speakers of a corpus were in a training."""

from dataclasses import replace

import numpy as np
import soundfile

from sertools.corpora.load import load_corpus
from sertools.corpora.seen.overlap import seen
from sertools.corpora.seen.record import record_of
from tests.helpers.small import noises


def part(corpus, speakers, name=None):
    chosen = corpus.clips[corpus.clips["speaker"].isin(speakers)]
    return replace(corpus, clips=chosen, name=name or corpus.name)


def test_clips_of_the_training_and_their_speakers_are_counted(tmp_path):
    corpus = noises(tmp_path, 12)
    found = seen(record_of([part(corpus, ["s0", "s1", "s2"])]), corpus)
    assert found.sentence == "6 of 12 clips, 3 of 6 speakers, were in its training"
    assert found.left_out.tolist() == corpus.clips["speaker"].isin(["s0", "s1", "s2"]).tolist()


def test_another_clip_of_a_training_speaker_is_left_out_too(tmp_path):
    corpus = noises(tmp_path, 12)
    found = seen(record_of([replace(corpus, clips=corpus.clips[:3])]), corpus)
    assert found.clips.tolist() == [True] * 3 + [False] * 9
    assert found.left_out.tolist() == [i % 6 < 3 for i in range(12)]
    assert found.sentence == "3 of 12 clips, 3 of 6 speakers, were in its training"


def test_recordings_are_recognised_under_other_paths_names_formats_and_speaker_ids(tmp_path):
    corpus = noises(tmp_path / "a", 12)
    rows = ["file,speaker,emotion"]
    (tmp_path / "b").mkdir()
    for i, file in enumerate(corpus.clips["file"]):
        samples, rate = soundfile.read(tmp_path / "a" / file)
        for path in (tmp_path / "a" / file, tmp_path / "b" / f"x{i}.flac"):
            soundfile.write(path, (samples * 32768).astype("int16"), rate, subtype="PCM_16")
        rows.append(f"x{i}.flac,person {i % 6},anger")
    (tmp_path / "b" / "other.csv").write_text("\n".join(rows))
    found = seen(record_of([part(corpus, ["s0", "s1"])]), load_corpus(str(tmp_path / "b" / "other.csv")))
    assert found.sentence == "4 of 12 clips, 2 of 6 speakers, were in its training"


def test_ids_of_different_published_corpora_are_different_persons_and_said_to_be(tmp_path):
    corpus = noises(tmp_path / "a", 12)
    other = noises(tmp_path / "b", 12, seed=1)
    record = record_of([part(corpus, ["s0", "s1"], "emodb")])
    found = seen(record, replace(other, name="ravdess"))
    assert not found.any
    assert found.notes == (
        "2 speakers (s0, s1) have ids of training speakers of another corpus (emodb) and count as different "
        "persons.",
    )
    mine = seen(record, replace(other, name="clips"))
    assert not mine.any, "a table of the user names its own people"


def test_ids_of_one_corpus_are_the_same_persons_however_they_are_spelt(tmp_path):
    corpus = noises(tmp_path / "a", 12)
    corpus = replace(corpus, clips=corpus.clips.assign(speaker=[f"{i % 6:02d}" for i in range(12)]))
    other = noises(tmp_path / "b", 12, seed=1)
    other = replace(other, clips=other.clips.assign(speaker=[f"{i % 6}" for i in range(12)]))
    for names in (("emodb:train", "emodb"), ("train", "test")):
        record = record_of([part(corpus, ["00", "01"], names[0])])
        found = seen(record, replace(other, name=names[1]))
        assert found.sentence == "2 of 6 speakers were in its training", names
        assert found.left_out.sum() == 4


def test_a_shared_recording_shows_that_two_corpora_name_people_alike(tmp_path):
    corpus = noises(tmp_path / "a", 12)
    record = record_of([replace(corpus, name="emodb", clips=corpus.clips[:6])])
    later = noises(tmp_path / "a", 12)
    mixed = replace(later, name="clips", clips=later.clips[5:])  # one training clip, six new ones
    found = seen(record, mixed)
    assert found.sentence == "1 of 7 clips, 6 of 6 speakers, were in its training"


def test_without_speakers_only_clips_are_left_out(tmp_path):
    corpus = noises(tmp_path, 12)
    nobody = replace(corpus, clips=corpus.clips.drop(columns="speaker"))
    found = seen(record_of([part(corpus, ["s0"])]), nobody)
    assert found.sentence == "2 of 12 clips were in its training"
    assert found.left_out.sum() == 2


def test_files_that_are_not_there_are_recognised_by_their_path(tmp_path):
    corpus = noises(tmp_path, 12)
    for file in corpus.clips["file"]:
        (tmp_path / file).unlink()
    nobody = replace(corpus, clips=corpus.clips.drop(columns="speaker"))
    found = seen(record_of([replace(nobody, clips=nobody.clips[:4])]), nobody)
    assert np.flatnonzero(found.left_out).tolist() == [0, 1, 2, 3]


def test_equal_names_in_other_folders_are_other_files(tmp_path):
    one, other = noises(tmp_path / "a", 6), noises(tmp_path / "b", 6, seed=1)
    nobody = [replace(each, clips=each.clips.drop(columns="speaker")) for each in (one, other)]
    assert not seen(record_of([nobody[0]]), nobody[1]).any
