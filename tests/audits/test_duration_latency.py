"""How fast a change of emotion is followed: planted latencies are recovered, on known change points."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sertools.audits.duration.latency import times, window_conditions

from sertools.audio.splice import after_change
from sertools.auditing.audit import load
from sertools.errors import AudioError
from sertools.inference.decode import decode
from sertools.inference.settings import Settings
from sertools.models.kinds.toy import LoudnessModel
from sertools.pipeline.run import run as run_all
from sertools.tables.changed.splice import clip_before
from sertools.tables.tables import Tables
from tests.helpers.audits import run
from tests.helpers.small import noises

AUDIT = load("duration")
WINDOWS, STEP = (1.0, 2.0), 0.5
OPTIONS = {"resamples": 200, "windows": WINDOWS, "lengths": (1.0,)}


def follower(full=None, speakers=12, each=40, seed=0) -> Tables:
    """A model whose answer, t seconds after the change, is a mixture t / w of the new label and noise.

    Args:
        full: window → weight of the label when the window is full; the rest is noise
        speakers: number of speakers
        each: clips of each
        seed: random seed
    """
    rng = np.random.default_rng(seed)
    n = speakers * each
    truth = rng.normal(0.5, 0.1, n)
    clips = pd.DataFrame(
        {"speaker": [f"s{i % speakers}" for i in range(n)], "arousal": truth},
        index=pd.Index([f"c{i:03d}" for i in range(n)], name="clip"),
    )
    predictions = {"clean": truth, "first_seconds@1s": truth}
    for condition in window_conditions(WINDOWS, STEP):
        weight = (full or {}).get(condition.window_s, 1.0) * condition.level / condition.window_s
        noise = rng.normal(0, 0.1, n)
        # with a truth and noise of equal spread, the CCC at a weight is the weight
        predictions[str(condition)] = 0.5 + weight * (truth - 0.5) + np.sqrt(1 - weight**2) * noise
    frames = {
        name: pd.DataFrame({"arousal": values}, index=clips.index) for name, values in predictions.items()
    }
    return Tables(clips=clips, predictions=frames, dimensions=("arousal",))


def audited(tables):
    result = run(AUDIT, tables, options=OPTIONS, seed=0)
    return result, {(f.name, f.slice): f for f in result.findings}


def test_the_latency_is_that_at_which_the_score_has_reached_95_percent():
    result, found = audited(follower())
    # scores rise from .5 to 1 within the last .5 s of a window of 1 s, from .75 to 1 in that of 2 s
    assert found["latency", "window=1s"].value == pytest.approx(0.95, abs=0.02)
    assert found["latency", "window=2s"].value == pytest.approx(1.9, abs=0.04)
    for window, wanted in (("1s", 0.95), ("2s", 1.9)):
        assert found["latency", f"window={window}"].low <= wanted <= found["latency", f"window={window}"].high
    assert found["ccc", "window=1s"].value == pytest.approx(1, abs=1e-6)
    assert found["suggested_window", "all"].value == 1
    assert "95% of the best score take at least --window 1 for arousal." in result.answer


def test_a_short_window_that_scores_worse_is_not_suggested():
    _, found = audited(follower({1.0: 0.8, 2.0: 1.0}))
    assert found["ccc", "window=1s"].value == pytest.approx(0.8, abs=0.1)
    assert found["suggested_window", "all"].value == 2
    assert found["suggested_window", "all"].reason.startswith("one of the windows")


def test_a_model_that_knows_nothing_has_no_window_to_recommend():
    tables = follower()
    rng = np.random.default_rng(5)
    noise = {name: scores.apply(rng.permutation) for name, scores in tables.predictions.items()}
    result, _ = audited(tables.with_predictions(noise))
    assert "No window for arousal can be recommended." in result.answer


def test_times_and_names():
    assert times(2.0, 0.5) == [0.5, 1.0, 1.5, 2.0]
    assert times(0.3, 0.5) == [0.3]
    assert [str(c) for c in window_conditions([1.0], 0.5)] == ["after_change@0.5s/1s", "after_change@1s/1s"]


def test_the_window_ends_some_time_after_the_change():
    before, after = np.full(8000, 0.1, np.float32), np.arange(1, 8001, dtype=np.float32) / 8000
    heard = after_change(before, after, 8000, 0.25, 0.75)
    np.testing.assert_array_equal(heard, np.concatenate([before[:4000], after[:2000]]))
    np.testing.assert_array_equal(after_change(before, after, 8000, 0.5, 0.5), after[:4000])
    assert len(after_change(before[:100], after, 8000, 0.25, 0.75)) == 2100
    with pytest.raises(AudioError, match="1.00 s is not longer than 1 s"):
        after_change(before, after, 8000, 1.0, 1.0)


def test_a_run_joins_clips_of_one_speaker_in_two_emotions(tmp_path):
    corpus = noises(tmp_path / "c", samples=9000)
    table = corpus.clips.assign(speaker=["a", "b"] * 6)
    corpus = replace(corpus, clips=table)
    options = {"windows": (0.2,), "step": 0.1, "lengths": (0.3,), "resamples": 50}
    (result,) = run_all(
        LoudnessModel(), corpus, [AUDIT.plan(options)], settings=Settings(cache=tmp_path / "s")
    )
    rows = next(t for t in result.tables if t.name == "after_change").rows
    assert [row[1:3] for row in rows if row[0] == "arousal"] == [[0.2, 0.1], [0.2, 0.2]]
    clip = str(table.index[0])
    other = clip_before(table, clip)
    assert table.at[other, "speaker"] == "a"
    assert table.at[other, "emotion"] != table.at[clip, "emotion"]
    condition = window_conditions([0.2], 0.1)[0]
    decoded = decode(corpus, clip, LoudnessModel(), condition)
    joined = after_change(corpus.signal(other, 16000), corpus.signal(clip, 16000), 16000, 0.1, 0.2)
    np.testing.assert_array_equal(decoded.signal, joined)
