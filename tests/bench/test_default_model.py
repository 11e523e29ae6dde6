import numpy as np
import pandas as pd
import pytest

from sertools.labels import DIMENSIONS
from tests.bench.default_model import (
    EMOTIONS,
    PAIRS,
    TABLE,
    VOICES,
    answers_of,
    candidate,
    difference,
    left_out,
    scores,
    table,
    with_intervals,
)


def write_answers(path, *, speakers, offset, wrong=0):
    """Answers that are the truth plus an offset, ten clips a speaker, over 0, 0.1 … 0.9.

    Emotions follow each other; the first `wrong` clips of each speaker are taken for another one.
    """
    truth = np.tile(np.arange(10) / 10, len(speakers))
    rows = pd.DataFrame({"clip": np.arange(len(truth)), "speaker": np.repeat(speakers, 10)})
    for name in DIMENSIONS:
        rows[f"truth_{name}"], rows[name] = truth, truth + offset
    code = np.arange(len(truth)) % len(EMOTIONS)
    rows["emotion"] = np.array(EMOTIONS)[code]
    said = (code + (np.arange(len(truth)) % 10 < wrong)) % len(EMOTIONS)
    rows[EMOTIONS] = np.eye(len(EMOTIONS))[said]
    rows.to_csv(path, index=False)


def concordance(offset):
    """2 s² / (2 s² + offset²) with the variance s² = (10² − 1) / 12 / 100 of 0, 0.1 … 0.9."""
    return 0.165 / (0.165 + offset**2)


def test_every_speaker_is_left_out_once():
    assert sorted(speaker for pair in PAIRS for speaker in pair) == sorted(candidate("real").speakers)


def test_a_difference_has_the_interval_of_its_jackknife(tmp_path):
    for name, wrong in (("one", 0), ("two", 4)):
        write_answers(tmp_path / f"{name}.csv", speakers=["a", "b", "c"], offset=0.1, wrong=wrong)
    one, two = (pd.read_csv(tmp_path / f"{name}.csv", dtype={"speaker": str}) for name in ("one", "two"))
    one.loc[one["speaker"] == "a", "arousal"] = 0.2  # so that speakers differ
    rows = difference(one, two).splitlines()
    assert rows[1] == "| dominance, CCC | +0.000 | +0.000 to +0.000 |"
    both = [scores(each)[0] for each in (one, two)]
    left = [scores(one[one["speaker"] != s])[0] - scores(two[two["speaker"] != s])[0] for s in "abc"]
    pseudo = [3 * (both[0] - both[1]) - 2 * value for value in left]  # Tukey's pseudo-values
    reach = 4.302652729911275 * np.std(pseudo, ddof=1) / np.sqrt(3)  # t, two degrees of freedom
    value = both[0] - both[1]
    assert rows[0] == f"| arousal, CCC | {value:+.3f} | {value - reach:+.3f} to {value + reach:+.3f} |"


@pytest.mark.parametrize("name", TABLE["candidate"])
def test_a_candidate_is_the_base_but_for_what_it_names(name):
    base, changed = (candidate(each).model_dump() for each in ("spoken", name))
    rows = pd.json_normalize([base, changed]).astype(object)
    flat = rows.where(rows.notna(), "").astype(str).T
    differs = flat.index[flat[0] != flat[1]]
    named = pd.json_normalize(TABLE["candidate"][name]).columns
    assert set(map(one_phase, differs)) == set(map(one_phase, named))


def one_phase(key):
    """The key of a recipe; one for all of a pre-training, most of whose settings the base does not have."""
    return "pretraining" if key.startswith("pretraining") else key


def test_the_score_is_the_mean_of_the_averages_of_ratings_emotions_and_voices(tmp_path):
    for pair, offset in zip(PAIRS, (0.0, 0.1, 0.2), strict=True):
        write_answers(answers_of("light", pair, tmp_path), speakers=pair, offset=offset)
        spoken = answers_of("light", pair, tmp_path, VOICES)
        write_answers(spoken, speakers=["v"], offset=2 * offset)
        pd.read_csv(spoken).drop(columns=["emotion", *EMOTIONS]).to_csv(spoken)
    write_answers(answers_of("real", PAIRS[0], tmp_path), speakers=PAIRS[0], offset=0.0)
    *_, last = table(tmp_path).splitlines()
    assert last.startswith(
        "| light | 1.0000 1.0000 1.0000 1.0000 1.0000 | 0.9429 0.9429 0.9429 1.0000 0.8049 |"
    )
    heard = (1 + concordance(0.1) + concordance(0.2)) / 3
    spoken = (1 + concordance(0.2) + concordance(0.4)) / 3
    assert f"| {heard:.4f} | 1.0000 | {spoken:.4f} | {(heard + 1 + spoken) / 3:.4f} |" in last
    assert "real" not in table(tmp_path), "it has not met every pair"


def test_the_interval_over_speakers_who_are_alike_has_no_width(tmp_path):
    for pair in PAIRS:
        write_answers(answers_of("light", pair, tmp_path), speakers=pair, offset=0.1)
    first, *_ = with_intervals(left_out("light", tmp_path)).splitlines()
    assert first == "| arousal, CCC | 0.943 | 0.943 to 0.943 | 0.943 to 0.943 | 60 | 6 |"


def test_scores_are_those_of_the_dimensions_in_their_order_and_the_recall(tmp_path):
    write_answers(tmp_path / "x.csv", speakers=["08"], offset=0.3, wrong=7)
    rows = pd.read_csv(tmp_path / "x.csv")
    rows["valence"] = 0.5
    arousal, dominance, valence, recall = scores(rows)
    assert arousal == dominance == pytest.approx(concordance(0.3), abs=1e-12)
    assert valence == 0
    assert recall == pytest.approx(3 * 0.5 / 7)  # the first three emotions occur twice, once right
    rows["emotion"] = None
    assert len(scores(rows)) == 3
