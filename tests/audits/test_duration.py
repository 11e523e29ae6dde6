"""How long must a model listen: planted lengths are recovered, and nothing is passed where nothing is cut."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sertools.audits.duration import LENGTHS, needs, shortest_length

from sertools.auditing.audit import load
from sertools.errors import AudioError
from sertools.perturbations.registry import get
from sertools.results.result import Verdict
from sertools.tables.condition import NOT_LONGER
from sertools.tables.tables import Tables
from tests.helpers.audits import run

NAMES = [
    str(condition)
    for condition in needs(lengths=LENGTHS, share=0.95, resamples=200, windows=(), step=0.5).conditions
]


def listener(weights: list[float], speakers: int = 12, each: int = 40, seed: int = 0) -> Tables:
    """A model whose answer to whole clips is the truth, and to excerpts w · truth + √(1 − w²) · noise.

    With a truth and noise of equal spread, the CCC at a weight w is w.
    """
    rng = np.random.default_rng(seed)
    n = speakers * each
    truth = rng.normal(0.5, 0.1, n)
    clips = pd.DataFrame(
        {"speaker": [f"s{i % speakers}" for i in range(n)], "arousal": truth},
        index=pd.Index([f"c{i}" for i in range(n)], name="clip"),
    )
    predictions = {}
    for name, weight in zip(NAMES, [1.0, *weights], strict=True):
        noise = rng.normal(0, 0.1, n)
        answer = 0.5 + weight * (truth - 0.5) + np.sqrt(1 - weight**2) * noise
        predictions[name] = pd.DataFrame({"arousal": answer}, index=clips.index)
    return Tables(clips=clips, predictions=predictions, dimensions=("arousal",))


def audited(tables: Tables):
    result = run(load("duration"), tables, options={"resamples": 200}, seed=0)
    return result, {(f.name, f.slice): f for f in result.findings}


def test_scores_at_each_length_are_the_planted_ones():
    _, found = audited(listener([0.2, 0.5, 0.8, 0.96, 1.0]))
    for name, wanted in zip(NAMES[1:], [0.2, 0.5, 0.8, 0.96, 1.0], strict=True):
        finding = found["ccc", name]
        assert finding.low <= wanted <= finding.high
        assert finding.value == pytest.approx(wanted, abs=0.1)  # 480 clips: a standard error of .03
        assert finding.speakers == 12


def test_the_shortest_length_is_interpolated_and_has_an_interval():
    result, found = audited(listener([0.2, 0.5, 0.8, 0.98, 1.0]))
    shortest = found["shortest_length", "all"]
    # .95 lies five sixths of the way from .8 at 2 s to .98 at 3 s
    assert shortest.value == pytest.approx(2 + 0.15 / 0.18, abs=0.2)
    assert shortest.low <= 2 + 0.15 / 0.18 <= shortest.high
    assert "95% of the CCC on whole clips is reached after 2." in result.answer


def test_a_late_listener_fails_and_an_early_one_passes():
    _, late = audited(listener([0.1, 0.2, 0.3, 0.4, 0.9]))
    assert late["change_of_ccc", "first_seconds@3s"].verdict is Verdict.FAIL
    assert late["shortest_length", "all"].value is None
    assert "does not reach 95%" in late["shortest_length", "all"].reason
    _, early = audited(listener([0.99, 0.995, 0.998, 0.999, 0.9999]))
    assert early["change_of_ccc", "first_seconds@3s"].verdict is Verdict.PASS
    assert early["shortest_length", "all"].value == 0.5


def test_a_clip_that_is_not_longer_is_heard_whole_and_has_no_part_in_the_change():
    tables = listener([0.2, 0.3, 0.4, 0.5, 0.6])
    name, half = "first_seconds@3s", tables.clips.index[::2]
    predictions = dict(tables.predictions)
    predictions[name] = predictions[name].copy()
    predictions[name].loc[half] = np.nan
    reason = f"a clip of 2.50 s {NOT_LONGER} 3 s"
    missing = pd.DataFrame({"clip": half, "condition": name, "reason": reason})
    _, found = audited(replace(tables, predictions=predictions, missing=missing))
    assert found["change_of_ccc", name].n == 240
    assert found["change_of_ccc", name].value == pytest.approx(-0.5, abs=0.1)
    # half of the answers are the truth, the others correlate by .5
    assert found["ccc", name].value == pytest.approx(0.75, abs=0.05)
    assert found["ccc", name].n == 480


def test_without_longer_clips_nothing_is_judged():
    tables = listener([0.99, 0.995, 0.998, 0.999, 1.0])
    name = "first_seconds@3s"
    reason = f"a clip of 2.50 s {NOT_LONGER} 3 s"
    missing = pd.DataFrame({"clip": tables.clips.index, "condition": name, "reason": reason})
    empty = tables.predictions[name] * np.nan
    tables = replace(tables, predictions={**tables.predictions, name: empty}, missing=missing)
    _, found = audited(tables)
    assert found["change_of_ccc", name].verdict is Verdict.SKIPPED
    assert found["change_of_ccc", name].reason == "no clip is longer"


def test_a_model_that_knows_nothing_passes_nothing():
    tables = listener([0.0] * 5, seed=3)
    rng = np.random.default_rng(4)
    noise = {name: scores.apply(rng.permutation) for name, scores in tables.predictions.items()}
    result, found = audited(tables.with_predictions(noise))
    assert Verdict.PASS not in {finding.verdict for finding in result.findings}
    assert "not shown to beat a constant" in found["shortest_length", "all"].reason


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([1.0, 1.0, 1.0], 1.0),  # at once: the shortest length
        ([0.0, 0.0, 0.0], np.nan),  # never
        ([0.95, 0.0, 1.0], 2 + 2 * 0.95),  # a length that falls below again has not reached it
        ([0.5, 0.9, 1.0], 3.0),
    ],
)
def test_shortest_length_by_hand(scores, wanted):
    found = shortest_length(np.array(scores), np.array(1.0), np.array([1.0, 2.0, 4.0]), 0.95)
    assert found == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_the_first_seconds_are_the_first_samples():
    signal = np.arange(1, 8001, dtype=np.float32) / 8000
    cut = get("first_seconds").apply(signal, 8000, 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(cut, signal[:4000])
    with pytest.raises(AudioError, match="1.00 s is not longer than 3 s"):
        get("first_seconds").apply(signal, 8000, 3.0, np.random.default_rng(0))
