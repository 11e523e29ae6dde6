"""Speakers who cannot be ranked or compared: alike, of one emotion, with one rating, with few clips."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sertools.results.result import Verdict
from sertools.tables.condition import CLEAN
from tests.helpers.audit_tables import EMOTIONS, made
from tests.helpers.speaker_audits import found, result, rows


def reversed_levels(spread):
    """Each speaker's own clips are understood, the speakers' levels are mirrored."""
    tables = made([20] * 12, levels=np.linspace(0.4, 0.6, 12), spread=spread, noise=0)
    scores = tables.predictions[CLEAN].copy()
    mean = tables.clips.groupby("speaker")["arousal"].transform("mean")
    scores["arousal"] -= 1.5 * (mean - 0.5)
    return tables.with_predictions({CLEAN: scores})


def test_a_reversed_ranking_fails_although_its_size_is_perfect():
    ranking = found(result(reversed_levels(0.1)), "speaker_ranking")
    assert ranking.value == pytest.approx(-1, abs=1e-12)
    assert ranking.verdict is Verdict.FAIL


def test_a_reversed_order_that_is_not_there_is_no_fault():
    ranking = found(result(reversed_levels(0.8)), "speaker_ranking")
    assert ranking.value == pytest.approx(-1, abs=1e-12)
    assert ranking.high < 0
    assert (ranking.verdict, ranking.reason) == (
        Verdict.SKIPPED,
        "the speakers' true means do not differ significantly, so their order is not meaningful",
    )


def test_a_balanced_corpus_has_no_order_of_speakers():
    """86 of 91 speakers have the same share of each class, as in CREMA-D."""
    tables = made([16] * 86 + [40] * 5, dimensions=(), classes=EMOTIONS, noise=0)
    clips = tables.clips.copy()
    clips.loc[clips["speaker"].isin([f"s{i}" for i in range(86, 91)]), "emotion"] = "anger"
    # some speakers have more anger than others in the predictions
    scores = pd.DataFrame(0.0, index=clips.index, columns=list(EMOTIONS))
    for name in EMOTIONS:
        scores.loc[clips["emotion"] == name, name] = 1.0
    wrong = clips.index[(clips["emotion"] == "neutral") & (np.arange(len(clips)) % 7 == 0)]
    scores.loc[wrong, "anger"] = 2.0
    balanced = dataclasses.replace(tables, clips=clips, predictions={CLEAN: scores})
    p_value = stats.f_oneway(*((part["emotion"] == "anger") for _, part in clips.groupby("speaker"))).pvalue
    assert p_value < 1e-9, "five speakers make the means differ"
    ranking = found(result(balanced), "speaker_ranking", "anger")
    assert ranking.verdict is Verdict.SKIPPED
    assert ranking.reason.startswith("more than half of the speakers have the same true mean")


def test_speakers_of_one_emotion_are_named_and_have_no_score():
    tables = made([16] * 10, dimensions=(), classes=EMOTIONS, noise=0)
    clips = tables.clips.copy()
    alone = clips["speaker"].isin([f"s{i}" for i in range(6)])
    clips.loc[alone, "emotion"] = clips.loc[alone, "speaker"].map(lambda s: EMOTIONS[int(s[1:]) % 4])
    r = result(dataclasses.replace(tables, clips=clips))
    assert r.answer.startswith("6 of 10 speakers have clips of one emotion only, so effects of speakers")
    assert "the worst of 4 speakers" in r.answer
    assert rows(r)["emotion", "s0"]["score"] is None
    assert found(r, "spread", "emotion").speakers == 4
    assert "emotion: 6 speakers have the same emotion in all clips and no UAR." in r.notes
    assert "one emotion only" not in result(tables).answer


def test_a_speaker_whose_ratings_are_all_the_same_has_no_ccc():
    tables = made([62] * 7, noise=0.1)
    clips = tables.clips.copy()
    clips.loc[clips["speaker"] == "s3", "arousal"] = 0.5
    r = result(dataclasses.replace(tables, clips=clips))
    assert rows(r)["arousal", "s3"]["score"] is None
    assert "the worst of 6 speakers" in r.answer
    assert (found(r, "spread").speakers, found(r, "worst_speaker").slice != "speaker=s3") == (6, True)


def test_a_spread_of_few_clips_is_not_told():
    spread = found(result(made([59] * 8, noise=0.1)), "spread")
    assert (spread.value, spread.reason) == (None, "fewer than two speakers have 60 clips, which a CCC needs")


def test_a_fair_model_has_no_spread_beyond_chance():
    zero = []
    for seed in range(12):
        tables = made([60] * 10, levels=[0.5] * 10, noise=0.15, seed=seed)
        spread = found(result(tables, draws=2), "spread")
        assert spread.high > 0
        zero.append(spread.low == 0)
    # 97.5 % for a normal distribution; ten and fewer of twelve happen once in 300 times
    assert sum(zero) > 10
