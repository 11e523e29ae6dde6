"""Words with low and high ratings: planted words, worked lists, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.results.result import Verdict
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables
from tests.helpers.audits import run

GOOD, BAD, PLAIN = "wonderful", "terrible", "table"


def clips(*, speakers=10, per_speaker=40, seed=0) -> pd.DataFrame:
    """A third of the clips has a good word and a high valence, a third a bad and a low one; all say "the"."""
    rng = np.random.default_rng(seed)
    n = speakers * per_speaker
    kind = rng.integers(0, 3, n)
    word = np.array([BAD, PLAIN, GOOD])[kind]
    filler = np.array([f"word{i}" for i in rng.integers(0, 12, n)])
    return pd.DataFrame(
        {
            "file": [f"{i}.wav" for i in range(n)],
            "speaker": [f"s{code:02d}" for code in np.repeat(np.arange(speakers), per_speaker)],
            "transcript": [f"The {a} {b}." for a, b in zip(word, filler, strict=True)],
            "valence": 0.2 + 0.3 * kind + rng.normal(0, 0.05, n),
        },
        index=pd.Index([f"c{i:04d}" for i in range(n)], name="clip"),
    )


def result_of(frame, prediction, **options):
    scores = pd.DataFrame({"valence": prediction}, index=frame.index)
    tables = Tables(clips=frame, predictions={CLEAN: scores}, dimensions=("valence",))
    return run(load("word_cloud"), tables, seed=0, options=options)


def effect(result, of):
    (one,) = [f for f in result.findings if f.slice == f"of={of}"]
    return one


def rows(result, by, end):
    (table,) = result.tables
    return [row for row in table.rows if row[:2] == [by, end]]


def test_the_words_that_decide_are_at_the_ends():
    frame = clips()
    result = result_of(frame, frame["valence"], shown=3)
    assert rows(result, "ratings", "lowest")[0][2] == BAD
    assert rows(result, "ratings", "highest")[0][2] == GOOD
    clouds = {figure.name: figure for figure in result.figures}
    assert set(clouds) == {"words_valence_ratings", "words_valence_predictions"}
    low, high = clouds["words_valence_ratings"].series
    assert (low.name, low.x[0], high.name, high.x[0]) == ("lowest ratings", BAD, "highest ratings", GOOD)
    assert low.y[0] == frame["transcript"].str.contains(BAD).sum()
    assert len(low.x) == len(high.x) == 3


def test_the_table_holds_plain_and_shrunk_means_of_ratings_and_predictions():
    frame = clips()
    prediction = 0.5 + 0.2 * (frame["valence"] - 0.5)
    row = rows(result_of(frame, prediction), "ratings", "highest")[0]
    has = frame["transcript"].str.contains(GOOD)
    assert row[2:5] == [GOOD, int(has.sum()), 10]
    assert row[5] == pytest.approx(frame["valence"][has].mean(), abs=1e-12)
    assert row[7] == pytest.approx(prediction[has].mean(), abs=1e-12)
    assert frame["valence"].mean() < row[6] < row[5]
    assert prediction.mean() < row[8] < row[7]


def test_a_model_that_is_deaf_to_words_errs_with_them():
    frame = clips()
    rng = np.random.default_rng(1)
    # it hears the feeling, but only half of it, and so its errors go with the words
    deaf = 0.5 + 0.3 * (frame["valence"] - 0.5) + rng.normal(0, 0.02, len(frame))
    result = result_of(frame, deaf)
    ratings, errors = effect(result, "ratings"), effect(result, "errors")
    assert effect(result, "predictions").value == pytest.approx(0.3 * ratings.value, rel=0.05)
    assert errors.value == pytest.approx(0.7 * ratings.value, rel=0.05)
    assert errors.verdict is Verdict.FAIL
    assert errors.low > 0.05
    assert ratings.verdict is Verdict.NONE


def test_words_without_effect_pass_though_rare_words_differ_by_chance():
    frame = clips()
    rng = np.random.default_rng(2)
    prediction = frame["valence"] + rng.normal(0, 0.1, len(frame))
    errors = effect(result_of(frame, prediction), "errors")
    assert errors.value < 0.02
    assert errors.verdict is Verdict.PASS


def test_words_that_differ_by_chance_alone_are_said_to():
    frame = clips()
    frame["valence"] = np.random.default_rng(4).random(len(frame))
    result = result_of(frame, frame["valence"] ** 2)
    said = [note for note in result.notes if "beyond chance" in note]
    shrunk = {row[6] for row in result.tables[0].rows}
    assert (len(shrunk) == 1) == any("in ratings of valence" in note for note in said)
    assert said
    means = [row[5] for row in rows(result, "ratings", "lowest")]
    assert means == sorted(means)
    assert not [n for n in result_of(clips(), clips()["valence"]).notes if "beyond chance" in n]


def test_the_word_effect_on_the_errors_of_a_constant_is_that_of_the_ratings_and_fails():
    frame = clips()
    result = result_of(frame, np.full(len(frame), 0.5))
    errors = effect(result, "errors")
    assert errors.value == pytest.approx(effect(result, "ratings").value, abs=1e-12)
    assert errors.verdict is Verdict.FAIL
    assert "not shown to beat a constant prediction" in errors.reason


def test_a_word_of_one_speaker_or_of_few_clips_is_left_out():
    frame = clips()
    frame.loc[frame["speaker"] == "s00", "transcript"] += " selfish"
    frame.iloc[::50, frame.columns.get_loc("transcript")] += " seldom"
    words = {row[2] for row in result_of(frame, frame["valence"]).tables[0].rows}
    assert GOOD in words
    assert not words & {"selfish", "seldom"}
    assert "seldom" in {row[2] for row in result_of(frame, frame["valence"], min_clips=8).tables[0].rows}


def test_clips_without_a_transcript_are_left_out():
    frame = clips()
    frame.iloc[::4, frame.columns.get_loc("transcript")] = None
    assert effect(result_of(frame, frame["valence"]), "ratings").n == 300


def test_too_few_words_are_skipped_with_the_reason():
    frame = clips(speakers=6, per_speaker=1).assign(transcript=["All", "different"] * 3)
    result = result_of(frame, frame["valence"])
    assert (
        result.findings[0].reason == "no word occurs in 10 clips of at least two speakers rated for valence"
    )
    assert result.answer.startswith("Not measured")


def test_nonsense_options_are_refused():
    frame = clips()
    for options in ({"min_clips": 1}, {"shown": 0}):
        with pytest.raises(AuditError, match="min-clips must be at least 2 and shown at least 1"):
            result_of(frame, frame["valence"], **options)


def test_hostile_transcripts_stay_words():
    frame = clips()
    frame["transcript"] += " <script>alert(1)</script> 'quoted' \u202ereversed 😀"
    words = [row[2] for row in result_of(frame, frame["valence"]).tables[0].rows]
    assert not [word for word in words if set(word) & set("<>()\u202e😀")]
