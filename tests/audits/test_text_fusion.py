"""Would the words help: noise gives nothing, words that tell give much, and what cannot be asked says so."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.metrics.regression import ccc
from sertools.results.result import Verdict
from sertools.tables.condition import CLEAN
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables
from sertools.tables.text_vectors import TextVectors, packed
from tests.helpers.audits import run

QUICK = {"epochs": 30}


def tables(texts, *, speakers=10, per_speaker=30, seed=0, known=0.15, **columns) -> Tables:
    """States of eight numbers, four of which are the valence with errors of standard deviation `known`."""
    rng = np.random.default_rng(seed)
    n = speakers * per_speaker
    valence = rng.random(n)
    states = rng.normal(size=(n, 2, 8))
    states[:, 1, :4] = valence[:, None] + rng.normal(0, known, (n, 4))
    clips = pd.DataFrame(
        {
            "file": [f"{i}.wav" for i in range(n)],
            "speaker": np.repeat([f"s{i:02d}" for i in range(speakers)], per_speaker),
            "valence": valence,
            "transcript": texts(valence, rng),
            **columns,
        },
        index=pd.Index([f"c{i:04d}" for i in range(n)], name="clip"),
    )
    scores = pd.DataFrame({"valence": valence + rng.normal(0, 0.2, n)}, index=clips.index)
    return Tables(
        clips=clips,
        predictions={CLEAN: scores},
        dimensions=("valence",),
        layers=Layers(shards=(states.astype(np.float32),)),
    )


def noise(valence, rng):
    return [" ".join(f"word{i}" for i in rng.integers(0, 20, 4)) for _ in valence]


def telling(valence, rng):
    return [f"feeling{int(10 * v)} word{rng.integers(9)}" for v in valence]


def found(result, name, target="valence"):
    (one,) = [f for f in result.findings if (f.name, f.target) == (name, target)]
    return one


def result_of(given, **options):
    return run(load("text_fusion"), given, seed=0, options={**QUICK, **options})


@pytest.mark.parametrize("corpora", [1, pytest.param(4, marks=pytest.mark.acceptance)])
def test_words_that_are_noise_add_nothing(corpora):
    """Over several corpora the interval of the gain lies around 0, far inside the limit of .05."""
    gains = [found(result_of(tables(noise, seed=seed), epochs=40), "fusion_gain") for seed in range(corpora)]
    assert abs(np.mean([gain.value for gain in gains])) < 0.01
    # reading noise costs a little, so that not every interval holds 0, but all lie about it
    assert all(-0.02 < gain.low < 0.005 for gain in gains)
    assert all(-0.005 < gain.high < 0.04 for gain in gains)
    assert {gain.verdict for gain in gains} == {Verdict.PASS}


def test_words_that_tell_more_than_the_states_are_a_gain_and_fail():
    result = result_of(tables(telling, known=1.2), folds=4)
    gain = found(result, "fusion_gain")
    assert gain.low > 0.1
    assert gain.verdict is Verdict.FAIL
    assert found(result, "text_ccc").value > 0.8
    assert gain.value == pytest.approx(
        found(result, "fused_ccc").value - found(result, "acoustic_ccc").value, abs=1e-12
    )
    assert (gain.n, gain.speakers) == (300, 10)


def test_states_that_hold_what_the_words_tell_pass():
    result = result_of(tables(telling, known=0.01), folds=3)
    assert found(result, "acoustic_ccc").value > 0.85
    assert found(result, "fusion_gain").verdict is Verdict.PASS


def test_useless_states_and_words_pass_nothing():
    given = tables(noise, known=50.0)
    gain = found(result_of(given, folds=3, epochs=15), "fusion_gain")
    assert gain.verdict is Verdict.INCONCLUSIVE
    assert "not shown to beat a constant" in gain.reason


def test_without_an_encoder_the_notes_say_tf_idf():
    result = result_of(tables(noise), epochs=1)
    assert "TF-IDF" in " ".join(result.notes)
    assert "no text encoder was given" in " ".join(result.notes)


def test_the_models_own_head_stands_beside():
    given = tables(noise)
    (table,) = result_of(given, epochs=1).tables
    assert table.rows[0][-1] == pytest.approx(
        ccc(given.clips["valence"], given.predictions[CLEAN]["valence"]), abs=1e-12
    )


def test_vectors_of_an_encoder_are_read_where_one_is_named():
    given = tables(noise, known=5.0)
    rng = np.random.default_rng(3)
    valence = given.clips["valence"].to_numpy()
    vectors = valence[:, None] + rng.normal(0, 0.1, (len(valence), 8))
    reading = TextVectors(encoder="some/encoder")
    clips = given.clips.assign(**{reading.column: packed(vectors, given.clips.index)})
    given = dataclasses.replace(given, clips=clips)
    result = result_of(given, text_model="some/encoder", folds=3)
    assert found(result, "text_ccc").value > 0.9
    assert "TF-IDF" not in " ".join(result.notes)


def test_an_encoder_that_read_nothing_is_skipped_with_the_reason():
    result = result_of(tables(noise), text_model="some/encoder")
    assert "too few for 5 folds" in found(result, "fusion_gain", "all").reason


def test_recognised_words_come_with_their_error_rate():
    given = tables(lambda valence, rng: ["It is late."] * len(valence))
    clips_with_layers = np.where(np.arange(300) % 3 == 0, "it was late", "it is late")
    given = dataclasses.replace(given, clips=given.clips.assign(**{"recognised@asr": clips_with_layers}))
    rate = found(result_of(given, asr="asr", epochs=1), "word_error_rate", "transcript")
    assert rate.value == pytest.approx(1 / 9, abs=1e-12)
    assert rate.low < 1 / 9 < rate.high
    assert rate.n == 300


def test_recognised_words_need_no_transcripts():
    given = tables(noise)
    clips = given.clips.rename(columns={"transcript": "recognised@asr"})
    result = result_of(dataclasses.replace(given, clips=clips), asr="asr", epochs=1)
    assert found(result, "fusion_gain").value is not None
    assert not [f for f in result.findings if f.name == "word_error_rate"]


def test_clips_without_states_words_or_ratings_are_left_out():
    given = tables(noise)
    clips = given.clips.copy()
    clips.iloc[:20, clips.columns.get_loc("transcript")] = None
    clips.iloc[20:50, clips.columns.get_loc("valence")] = np.nan
    states = given.layers.shards[0].copy()
    states[50:60] = np.nan
    given = dataclasses.replace(given, clips=clips, layers=Layers(shards=(states,)))
    assert found(result_of(given, epochs=1), "fusion_gain").n == 240


def test_fewer_speakers_than_folds_are_skipped_with_the_reason():
    result = result_of(tables(noise, speakers=4))
    reason = found(result, "fusion_gain", "all").reason
    assert "of 4 speakers" in reason
    assert "fewer than 5 speakers" in reason


def test_a_model_without_layers_is_skipped():
    result = result_of(dataclasses.replace(tables(noise), layers=None))
    assert result.findings[0].reason == "the model has no layers"


def test_nonsense_options_are_refused():
    for options in ({"folds": 2}, {"epochs": 0}):
        with pytest.raises(AuditError, match="at least 3 and epochs at least 1"):
            result_of(tables(noise), **options)


def sides(*counts: int) -> list[str]:
    return [name for name, n in zip(("train", "dev", "test"), counts, strict=True) for _ in range(30 * n)]


def test_heads_are_trained_tuned_and_tested_on_the_named_splits():
    given = tables(telling, split=sides(4, 2, 4))
    result = result_of(given, train="train", dev="dev", epochs=5)
    fused, gain = found(result, "fused_ccc"), found(result, "gain_over_own_head")
    assert (fused.n, fused.speakers, gain.n) == (120, 4, 120)
    test = given.clips["split"] == "test"
    own = ccc(given.clips.loc[test, "valence"], given.predictions[CLEAN].loc[test, "valence"])
    assert gain.value == pytest.approx(fused.value - own, abs=1e-12)
    assert gain.limit is None
    # what the test clips say and were rated changes no head
    other = given.clips.copy()
    other.loc[test, "valence"] = 0.5
    again = result_of(dataclasses.replace(given, clips=other), train="train", dev="dev", epochs=5)
    assert found(again, "fused_ccc").n == 120


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": "train"}, "only one of --train and --dev is given"),
        ({"train": "train", "dev": "dve"}, "the split 'dve' has 0 clips"),
        ({"train": "test", "dev": "dev"}, "1 speaker is in 'test' and in the clips to test"),
        ({"train": "dev", "dev": "train"}, "1 speaker is in 'train' and in the clips to test"),
    ],
)
def test_splits_that_cannot_be_are_one_sentence(options, message):
    split = sides(4, 2, 4)
    split[0] = "test"
    with pytest.raises(AuditError, match=message):
        result_of(tables(noise, split=split), **options)
