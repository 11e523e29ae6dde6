import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.corpora.load import load_corpus
from sertools.corpora.seen.sides import load_sides
from sertools.errors import CorpusError
from sertools.inference import predict
from sertools.pipeline.collect import with_measured_columns
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.tables import Tables
from tests.helpers.audits import run
from tests.helpers.places import ROOT
from tests.helpers.small import noises

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


def leaks(tmp_path, train, test, **options):
    """Name → value of the findings on two tables, which are written as CSV."""
    paths = []
    for name, rows in (("train", train), ("test", test)):
        folder = tmp_path / options.get("folder", "").format(name)
        folder.mkdir(exist_ok=True)
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
        paths.append(str(folder / f"{name}.csv"))
    result = result_of(load_sides([paths[0]], [paths[1]]).clips)
    return {f.name: f.value for f in result.findings if f.slice.startswith("split=")} | {
        "answer": result.answer,
        "fails": {f.name for f in result.findings if f.verdict is Verdict.FAIL},
    }


ROWS = [
    {"path": f"{i}.wav", "speaker": f"s{i}", "text": f"text {i}", "dialog": f"d{i // 2}"} for i in range(12)
]


def test_two_tables_are_compared_without_sound(tmp_path):
    found = leaks(tmp_path, ROWS[:8], ROWS[8:])
    assert (found["shared_speakers"], found["shared_sentences"], found["shared_dialogs"]) == (0, 0, 0)
    assert found["shared_partners"] == 0
    assert found["shared_clips"] is None, "no equal path proves nothing about the sound"
    assert found["fails"] == set()


def test_equal_rows_of_a_split_are_found_from_tables_alone(tmp_path):
    found = leaks(tmp_path, ROWS[:8], ROWS[5:])
    assert found["shared_clips"] == 3
    assert {"shared_clips", "shared_speakers", "shared_dialogs"} <= found["fails"]
    assert found["answer"].startswith("3 clips are also in another split or corpus; 3 speakers are in two")


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"speaker": "s1"}, "shared_speakers", 1),
        ({"text": "TEXT 1!"}, "shared_sentences", 1),
        ({"dialog": "d0"}, "shared_dialogs", 1),
        ({"dialog": "d0"}, "shared_partners", 1),
        ({"path": "1.wav"}, "shared_clips", 1),
        ({"path": "./x/../1.wav"}, "shared_clips", 1),
        ({"path": "elsewhere/1.wav"}, "equal_names", 1),
    ],
)
def test_each_kind_of_planted_leak_is_found_and_no_other(tmp_path, change, name, value):
    found = leaks(tmp_path, ROWS[:8], [*ROWS[8:10], {**ROWS[11], **change}])
    assert found[name] == value
    kinds = {"shared_speakers", "shared_dialogs", "shared_partners", "shared_clips"}
    planted = {"shared_dialogs", "shared_partners"} if "dialog" in change else {name} & kinds
    assert found["fails"] == planted


def test_equal_names_in_different_folders_are_no_evidence_but_equal_rows_are(tmp_path):
    other = [{**row, "speaker": f"t{i}", "text": f"other {i}"} for i, row in enumerate(ROWS)]
    names = leaks(tmp_path, [{"path": r["path"]} for r in ROWS], [{"path": r["path"]} for r in ROWS[:3]],
                  folder="{}")  # fmt: skip
    assert (names["shared_clips"], names["equal_names"], names["fails"]) == (None, 3, set())
    other_rows = leaks(tmp_path, ROWS[:6], other[:3], folder="{}")
    assert (other_rows["shared_clips"], other_rows["equal_names"]) == (None, 3)
    assert leaks(tmp_path, ROWS[:6], ROWS[:3], folder="{}")["shared_clips"] == 3


def test_overlapping_parts_of_one_file_are_found_and_parts_side_by_side_are_not(tmp_path):
    train = [{"file": "a.wav", "start": 0, "end": 5}, {"file": "b.wav", "start": 0, "end": 5}]
    test = [{"file": "a.wav", "start": 4, "end": 9}, {"file": "b.wav", "start": 5, "end": 9}]
    assert leaks(tmp_path, train, test)["shared_clips"] == 1


def test_a_test_set_inside_the_training_set_is_said_to_be(tmp_path):
    assert "all of test is in train" in leaks(tmp_path, ROWS, ROWS[3:6])["answer"]


def test_the_sound_decides_where_it_can_be_heard(tmp_path):
    one, other = noises(tmp_path / "train", 12), noises(tmp_path / "test", 6, seed=1)
    sides = load_sides([str(one.root / "clips.csv")], [str(other.root / "clips.csv")])
    measured = with_measured_columns(sides, [LEAKAGE.plan()], predict.Settings(cache=tmp_path))
    result = result_of(measured.clips)
    assert found(result, "shared_clips").value == 0
    assert found(result, "equal_names").value == 6, "equal names that are not equal files"
    assert found(result, "equal_names").verdict is Verdict.NONE


def test_partners_are_told_by_their_column_too(tmp_path):
    rows = [{"file": f"{i}.wav", "speaker": f"s{i}", "partner": f"s{i ^ 1}"} for i in range(8)]
    assert leaks(tmp_path, rows[:4], rows[4:])["shared_partners"] == 0
    assert leaks(tmp_path, rows[:5], rows[5:])["shared_partners"] == 1


def test_names_of_iemocap_tell_speakers_dialogues_and_partners(tmp_path):
    def turn(session, who, dialog="impro01"):
        return {"key": "x", "wav": f"Session{session}/Ses0{session}F_{dialog}_{who}000.wav", "emo": "neu"}

    train = [turn(s, who) for s in (1, 2, 3, 4) for who in "FM"]
    clean = leaks(tmp_path, train, [turn(5, "F"), turn(5, "M")])
    assert (clean["shared_speakers"], clean["shared_dialogs"], clean["shared_partners"]) == (0, 0, 0)
    left_out = leaks(tmp_path, [*train, turn(5, "M", "impro02")], [turn(5, "F"), turn(5, "F", "impro02")])
    assert (left_out["shared_speakers"], left_out["shared_dialogs"]) == (0, 1)
    assert left_out["shared_partners"] == 1


def test_a_published_split_is_read_from_one_table_several_or_folders_of_folds(tmp_path):
    table = pd.DataFrame(
        {"FileName": ["1.wav", "2.wav", "3.wav"], "SpkrID": ["1", "2", "1"],
         "Split_Set": ["Train", "Development", "Test"]}
    )  # fmt: skip
    table.to_csv(tmp_path / "labels_consensus.csv", index=False)
    whole = result_of(load_sides([], [], [str(tmp_path / "labels_consensus.csv")]).clips)
    shared = {f.slice: f.value for f in whole.findings if f.name == "shared_speakers"}
    assert sorted(shared.values()) == [0, 0, 1]
    for fold, test in (("fold_1", "1"), ("fold_2", "2")):
        (tmp_path / "folds" / fold).mkdir(parents=True)
        for side in ("train", "test"):
            lines = [
                f'{{"key": "{i}", "wav": "{i}.wav", "emo": "neu", "spk": "s{i}"}}'
                for i in "123"
                if (i == test) == (side == "test")
            ]
            (tmp_path / "folds" / fold / f"x_{side}_{fold}.jsonl").write_text("\n".join(lines))
    folds = result_of(load_sides([], [], [str(tmp_path / "folds")]).clips)
    slices = {f.slice for f in folds.findings if f.name == "shared_speakers"}
    assert slices == {f"split=fold_{i}/test in fold_{i}/train" for i in (1, 2)}
    assert {f.value for f in folds.findings if f.name == "shared_speakers"} == {0}


def test_a_clip_in_two_splits_of_one_table_is_a_finding_and_stops_other_audits(tmp_path):
    corpus = noises(tmp_path, 6)
    rows = corpus.clips.reset_index(drop=True)[["file", "speaker", "emotion"]].assign(split="train")
    again = rows.iloc[[1]].assign(split="test")
    pd.concat([rows, again]).to_csv(tmp_path / "both.csv", index=False)
    both = load_corpus(str(tmp_path / "both.csv"))
    result = result_of(both.clips)
    assert (found(result, "shared_clips").value, found(result, "shared_clips").verdict) == (1, Verdict.FAIL)
    with pytest.raises(CorpusError, match=r"clip '001.wav' is listed in test and in train"):
        both.check_listed_once()
    load_corpus(f"{tmp_path / 'both.csv'}:test").check_listed_once()
    pd.concat([rows, rows.iloc[[1]]]).to_csv(tmp_path / "twice.csv", index=False)
    with pytest.raises(CorpusError, match="appears 2 times"):
        load_corpus(str(tmp_path / "twice.csv"))


def test_one_side_is_not_a_split(tmp_path):
    pd.DataFrame(ROWS).to_csv(tmp_path / "clips.csv", index=False)
    for given in (([str(tmp_path / "clips.csv")], []), ([], [], [str(tmp_path / "clips.csv")]), ([], [])):
        with pytest.raises(CorpusError):
            load_sides(*given)
