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
