import math

import numpy as np
import pandas as pd
import pytest

from sertools.labels import DIMENSIONS
from tests.bench.default_model import (
    PAIRS,
    TABLE,
    TEN,
    answers_of,
    candidate,
    scores,
    table,
    ten,
    with_intervals,
)


def write_answers(path, *, speakers, offset):
    """Answers that are the truth plus an offset, ten clips a speaker, over 0, 0.1 … 0.9."""
    truth = np.tile(np.arange(10) / 10, len(speakers))
    rows = pd.DataFrame({"clip": np.arange(len(truth)), "speaker": np.repeat(speakers, 10)})
    for name in DIMENSIONS:
        rows[f"truth_{name}"], rows[name] = truth, truth + offset
    rows.to_csv(path, index=False)


def concordance(offset):
    """2 s² / (2 s² + offset²) with the variance s² = (10² − 1) / 12 / 100 of 0, 0.1 … 0.9."""
    return 0.165 / (0.165 + offset**2)


def test_every_speaker_is_left_out_once():
    assert sorted(speaker for pair in PAIRS for speaker in pair) == candidate("present").speakers
    assert len({speaker for pair in TEN for speaker in pair}) == 10


@pytest.mark.parametrize("name", TABLE["candidate"])
def test_a_candidate_is_the_base_but_for_what_it_names(name):
    base, changed = (candidate(each).model_dump() for each in ("present", name))
    flat = pd.json_normalize([base, changed]).astype(str).T
    differs = flat.index[flat[0] != flat[1]]
    assert set(differs) == set(pd.json_normalize(TABLE["candidate"][name]).columns)


def test_all_ten_learn_by_the_chosen_recipe():
    assert candidate("ten").speakers == sorted(speaker for pair in TEN for speaker in pair)


def test_the_score_is_the_mean_over_pairs_and_dimensions(tmp_path):
    for pair, offset in zip(PAIRS, (0.0, 0.1, 0.2), strict=True):
        write_answers(answers_of("slim", pair, tmp_path), speakers=pair, offset=offset)
    write_answers(answers_of("deep", PAIRS[0], tmp_path), speakers=PAIRS[0], offset=0.0)
    *_, last = table(tmp_path).splitlines()
    assert last.startswith("| slim | 1.0000 1.0000 1.0000 | 0.9429 0.9429 0.9429 | 0.8049 ")
    assert f"| {(1 + concordance(0.1) + concordance(0.2)) / 3:.4f} |" in last
    assert "deep" not in table(tmp_path), "it has not met every pair"


def test_the_interval_over_ten_speakers_who_are_alike_has_no_width(tmp_path):
    for pair in TEN:
        write_answers(answers_of("ten", pair, tmp_path), speakers=pair, offset=0.1)
    first, *_ = with_intervals(ten(tmp_path)).splitlines()
    assert first == "| arousal | 0.943 | 0.943 to 0.943 | 0.943 to 0.943 | 100 | 10 |"


def test_scores_are_those_of_the_three_dimensions_in_their_order(tmp_path):
    write_answers(tmp_path / "x.csv", speakers=["08"], offset=0.3)
    rows = pd.read_csv(tmp_path / "x.csv")
    rows["valence"] = 0.5
    arousal, dominance, valence = scores(rows)
    assert arousal == dominance == pytest.approx(concordance(0.3), abs=1e-12)
    assert valence == 0
    assert math.isfinite(arousal)
