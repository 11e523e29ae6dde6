import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.corpora.load import load_corpus
from sertools.inference import predict
from sertools.pipeline.collect import with_measured_columns
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.tables import Tables
from tests.helpers.audits import run
from tests.helpers.places import ROOT

LEAKAGE = load("leakage")
RAVDESS = ROOT.parent / "shared/data/ravdess"


def result_of(clips, **options):
    return run(LEAKAGE, Tables(clips=clips, predictions={}), seed=0, options=options)


def found(result, name, slice="split=test in train"):
    (finding,) = [f for f in result.findings if (f.name, f.slice) == (name, slice)]
    return finding


@pytest.fixture
def clips():
    return toy_corpus.clips(speakers=10, per_speaker=6)


def copy(clips, source, target, columns=("audio_hash", "audio_print")):
    """The clip `source` of the test split once more, as the clip `target` of the training split."""
    of, to = (clips.index[clips["split"] == split][i] for split, i in (("test", source), ("train", target)))
    clips.loc[to, list(columns)] = clips.loc[of, list(columns)].to_numpy()
    return str(of), str(to)


def test_nothing_is_shared_in_a_clean_split(clips):
    result = result_of(clips)
    assert {f.verdict for f in result.findings if f.limit} == {Verdict.PASS}
    assert result.answer == (
        "No clips are also in another split or corpus; no speakers are in two splits or corpora."
    )
    assert result.tables == []


def test_shared_clips_are_counted_listed_and_fail(clips):
    pairs = [copy(clips, 0, 3), copy(clips, 2, 5), copy(clips, 2, 6)]
    result = result_of(clips)
    shared = found(result, "shared_clips")
    assert (shared.value, shared.low, shared.high) == (2, 2, 2), "one clip has two copies"
    assert shared.verdict is Verdict.FAIL
    assert [tuple(row[1:3]) for row in result.tables[0].rows if row[0] == shared.slice] == pairs
    assert found(result, "shared_clips", "split=dev in train").verdict is Verdict.PASS


def test_a_copy_with_other_samples_is_the_same_recording(clips):
    copy(clips, 1, 1, ["audio_print"])
    result = result_of(clips)
    assert found(result, "shared_clips").value == 1
    assert result.tables[0].rows[0][-1] == "the same recording"


def test_equal_samples_count_where_a_clip_is_too_quiet_for_a_fingerprint(clips):
    clips["audio_print"] = "-" * 768
    copy(clips, 1, 1, ["audio_hash"])
    assert found(result_of(clips), "shared_clips").value == 1


def test_alike_clips_are_listed_but_not_judged(clips):
    of, to = copy(clips, 0, 0)
    bits = np.array([int(c, 16) for c in clips.at[to, "audio_print"]])
    bits[np.arange(len(bits)) % 4 < 3] ^= 1  # 3 of 16 bits are the other way: 81 % agree
    clips.at[to, "audio_print"] = "".join(f"{b:x}" for b in bits)
    clips.at[to, "audio_hash"] = "another"
    result = result_of(clips)
    assert found(result, "shared_clips").value == 0
    assert found(result, "near_duplicates").value == 1
    assert found(result, "near_duplicates").verdict is Verdict.NONE
    ((_, one, other, equal, evidence),) = result.tables[0].rows
    assert (one, other, evidence) == (of, to, "near-duplicate: listen")
    assert equal == pytest.approx(13 / 16, abs=1e-6)  # float32


def test_the_same_file_name_is_no_evidence(clips):
    clips["file"] = "same.wav"
    assert found(result_of(clips), "shared_clips").verdict is Verdict.PASS


def test_shared_speakers_fail(clips):
    clips.loc[clips.index[clips["split"] == "test"][0], "speaker"] = "000"
    shared = found(result_of(clips), "shared_speakers")
    assert (shared.value, shared.verdict) == (1, Verdict.FAIL)


def test_shared_sentences_are_reported_without_a_verdict_whatever_their_case(clips):
    clips["transcript"] = np.where(clips["split"] == "train", "Good morning!", "good  MORNING")
    shared = found(result_of(clips), "shared_sentences")
    assert (shared.value, shared.verdict) == (1, Verdict.NONE)


def test_a_clip_twice_in_one_part_is_reported(clips):
    of, to = clips.index[:2]
    clips.loc[to, ["audio_hash", "audio_print"]] = clips.loc[of, ["audio_hash", "audio_print"]].to_numpy()
    result = result_of(clips)
    assert found(result, "repeated_clips", "split=train").value == 1
    assert found(result, "repeated_clips", "split=test").value == 0
    assert "1 clip occurs twice within one split or corpus" in result.answer


def test_without_sound_speakers_are_compared_all_the_same(clips):
    result = result_of(clips.drop(columns=["audio_hash", "audio_print"]))
    assert found(result, "shared_clips").verdict is Verdict.SKIPPED
    assert found(result, "shared_clips").value is None
    assert found(result, "shared_speakers").verdict is Verdict.PASS
    assert "60 of 60 clips could not be decoded" in result.notes[0]


def test_without_speakers_a_copy_fails_and_its_absence_proves_nothing(clips):
    anonymous = clips.drop(columns="speaker")
    assert found(result_of(anonymous), "shared_clips").verdict is Verdict.INCONCLUSIVE
    copy(anonymous, 0, 0)
    assert found(result_of(anonymous), "shared_clips").verdict is Verdict.FAIL


def test_one_part_cannot_leak(clips):
    result = result_of(clips[clips["split"] == "train"])
    assert {f.verdict for f in result.findings} == {Verdict.SKIPPED}
    assert "only 'train'" in result.findings[0].reason


def test_speaker_ids_of_different_corpora_are_compared_only_on_request(clips):
    joined = clips.assign(corpus=np.where(clips["split"] == "test", "b", "a"))
    joined["speaker"] = joined["corpus"] + ":" + np.where(joined["split"] == "test", "000", joined["speaker"])
    where = "corpus=b in a"
    unasked = found(result_of(joined, between="corpus"), "shared_speakers", where)
    assert unasked.verdict is Verdict.SKIPPED
    assert unasked.reason == (
        "speaker ids of different corpora are not comparable; if they are, add --same-ids"
    )
    assert unasked.speakers == joined["speaker"].nunique()
    shared = found(result_of(joined, between="corpus", same_ids=True), "shared_speakers", where)
    assert (shared.value, shared.verdict) == (1, Verdict.FAIL)


def test_the_known_duplicate_of_ravdess_is_found_and_no_other(tmp_path):
    if not RAVDESS.is_dir():
        pytest.skip("shared/data/ravdess is not there")
    corpus = load_corpus(str(RAVDESS))
    some = corpus.clips[corpus.clips["speaker"].isin(["07", "21"])]
    measured = with_measured_columns(
        dataclasses.replace(corpus, clips=some), [LEAKAGE.plan()], predict.Settings(cache=tmp_path)
    )
    result = result_of(measured.clips)
    (row,) = result.tables[0].rows
    assert [Path(clip).stem for clip in row[1:3]] == ["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]
    assert row[-1] == "the same samples"
    assert found(result, "shared_sentences").value == 2
    assert pd.notna(measured.clips["audio_print"]).all()
