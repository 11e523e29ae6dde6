"""Simulated raters whose confusion is known, and the votes of CREMA-D."""

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.corpora.attached.beside import Beside
from sertools.corpora.load import load_corpus
from sertools.results.result import Verdict
from sertools.tables.tables import Tables
from sertools.tables.votes import packed
from tests.helpers.audits import run
from tests.helpers.crema_d import HERE, TABLE
from tests.helpers.raters import CLASSES, alpha_of_raters, rated_tables, votes_of_raters


def found(result):
    return {(f.name, f.target): f for f in result.findings}


@pytest.fixture(scope="module")
def simulated():
    """Raters who name the class with probability .7 and each of the three others with .1."""
    return found(
        run(load("ceiling"), votes_of_raters(speakers=40, clips=50, raters=9, right=0.7, seed=0), seed=0)
    )


def test_a_rater_reaches_the_recall_of_the_confusion_that_was_simulated(simulated):
    # with eight others the majority is the class in 99 % of clips
    assert simulated["one_rater_uar", "emotion"].value == pytest.approx(0.7, abs=0.02)
    for name in CLASSES:
        assert simulated["one_rater_recall", name].value == pytest.approx(0.7, abs=0.03)


def test_alpha_is_that_of_the_confusion_that_was_simulated(simulated):
    # two raters agree with probability .7² + 3 · .1² = .52, by chance 1/4: (.52 − .25) / .75
    alpha = simulated["alpha", "emotion"]
    assert alpha.low < 0.36 < alpha.high
    assert alpha.value == pytest.approx(0.36, abs=0.02)


def test_more_raters_reach_more_and_the_best_answer_what_a_rater_allows(simulated):
    half, one = simulated["half_of_raters_uar", "emotion"], simulated["one_rater_uar", "emotion"]
    assert half.low > one.high
    # a random rater names the class with probability .7, and the best answer has some hindsight
    assert 0.69 < simulated["best_answer_accuracy", "emotion"].value < 0.73


def test_raters_of_a_dimension_reach_what_their_noise_allows():
    noise, spread = 0.1, 0.2
    tables = rated_tables(speakers=40, clips=50, raters=5, noise=noise, spread=spread, seed=1)
    by = found(run(load("ceiling"), tables, seed=0))
    within, between = noise**2, spread**2
    assert by["rater_deviation", "arousal"].value == pytest.approx(noise, rel=0.02)
    assert by["alpha", "arousal"].value == pytest.approx(between / (between + within), abs=0.02)
    one = 2 * between / (between + within + between + within / 4)
    assert by["one_rater_ccc", "arousal"].value == pytest.approx(one, abs=0.01)
    half = 2 * between / (2 * between + within / 2 + within / 3)
    assert by["half_of_raters_ccc", "arousal"].value == pytest.approx(half, abs=0.01)
    # the mean of five raters knows .8 of the variance within clips less than each of them
    best = np.sqrt((between + within / 5) / (between + within))
    assert by["best_answer_ccc", "arousal"].value == pytest.approx(best, abs=0.01)
    assert by["one_rater_error", "arousal"].value == pytest.approx(np.sqrt(1 + 1 / 4), rel=0.02)


def test_intervals_cover_what_was_simulated_where_speakers_differ():
    # 95 % of 40 corpora; fewer than 33 would happen once in 3000 times. tests/bench/ceiling.py has more
    right, differ = 0.5, 0.15
    expected = {"alpha": alpha_of_raters(right, differ), "label_recognised": right}
    covered = dict.fromkeys(expected, 0)
    for seed in range(40):
        tables = votes_of_raters(speakers=14, clips=12, raters=4, right=right, differ=differ, seed=seed)
        by = found(run(load("ceiling"), tables, seed=0, options={"halves": 1}))
        for name, value in expected.items():
            covered[name] += by[name, "emotion"].low <= value <= by[name, "emotion"].high
    assert min(covered.values()) >= 33, covered


def test_raters_who_agree_slightly_fail_and_say_so():
    tables = votes_of_raters(speakers=20, clips=20, raters=7, right=0.35, seed=2)
    result = run(load("ceiling"), tables, seed=0)
    assert found(result)["alpha", "emotion"].verdict is Verdict.FAIL


def test_one_rater_per_clip_cannot_be_held_against_others():
    result = run(load("ceiling"), votes_of_raters(speakers=6, clips=4, raters=1, right=1.0, seed=0), seed=0)
    assert [f.reason for f in result.findings] == [
        "every clip has only one rater, who cannot be compared with others"
    ]
    assert result.findings[0].verdict is Verdict.SKIPPED


def test_shares_of_an_unknown_number_of_raters_are_not_measured():
    clips = pd.DataFrame(
        {"file": ["a", "b"], "votes_anger": [0.4, 0.5], "votes_fear": [0.6, 0.5]}, index=["a", "b"]
    )
    result = run(load("ceiling"), Tables(clips=clips, predictions={}), seed=0)
    assert "the number of raters is not known" in result.findings[0].reason


def test_raters_with_names_are_listed_and_those_who_agree_least_come_first():
    rng = np.random.default_rng(3)
    n = 40
    index = pd.Index([f"c{i}" for i in range(n)], name="clip")
    said = [["anger" if i % 2 else "fear"] * 4 + [str(rng.choice(["anger", "fear"]))] for i in range(n)]
    clips = pd.DataFrame(
        {
            "file": index,
            "speaker": [f"s{i % 8}" for i in range(n)],
            "votes_anger": [float(row.count("anger")) for row in said],
            "votes_fear": [float(row.count("fear")) for row in said],
            "ratings_emotion": packed(said, index),
            "raters": packed([["a", "b", "c", "d", "guesses"]] * n, index),
        },
        index=index,
    )
    result = run(load("ceiling"), Tables(clips=clips, predictions={}), seed=0)
    rows = next(table for table in result.tables if table.name == "raters_emotion").rows
    assert rows[0][0] == "guesses"
    assert rows[0][2] < 0.8
    assert rows[1:] == [[name, n, 1.0] for name in "abcd"]


@pytest.mark.skipif(not HERE, reason="../shared/data/crema-d_labels is not here")
def test_the_figures_of_crema_d():
    corpus = load_corpus(str(TABLE), beside=Beside(votes="voice"))
    result = run(load("ceiling"), Tables(clips=corpus.clips, predictions={}), seed=0)
    by = found(result)
    assert by["one_rater_uar", "emotion"].value == pytest.approx(0.5298, abs=5e-5)
    assert by["alpha", "emotion"].value == pytest.approx(0.2811, abs=5e-5)
    assert by["alpha", "emotion"].verdict is Verdict.PASS
    assert by["one_rater_soft_macro_f1", "emotion"].value == pytest.approx(0.486, abs=5e-4)
    assert by["half_of_raters_soft_macro_f1", "emotion"].value == pytest.approx(0.644, abs=0.002)
    recognised = by["label_recognised", "emotion"]
    assert (recognised.value, recognised.n, recognised.speakers) == (
        pytest.approx(0.40003, abs=5e-6),
        7442,
        91,
    )
    assert "one rater reaches a UAR of 0.530" in result.answer
    assert "named by 40.0 % of the votes" in result.answer
