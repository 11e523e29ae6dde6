"""What is left of agreement when a synthetic voice says the same words: worked cases and real speech."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.metrics.regression import ccc
from sertools.results.read import read_result
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables
from tests.helpers.audit_tables import unheard
from tests.helpers.audits import run
from tests.helpers.places import ROOT

VOICES = ("espeak:1", "espeak:2")
SPOKEN = tuple(f"spoken@{voice}" for voice in VOICES)


def rated(*, speakers=10, sentences=20, by_words=0.0, seed=0) -> pd.DataFrame:
    """Every speaker says every sentence; `by_words` of the rating is the sentence's, the rest chance."""
    rng = np.random.default_rng(seed)
    n = speakers * sentences
    said, speaker = np.tile(np.arange(sentences), speakers), np.repeat(np.arange(speakers), sentences)
    of_words = rng.uniform(0.1, 0.9, sentences)[said]
    frame = pd.DataFrame(
        {
            "file": [f"{i}.wav" for i in range(n)],
            "start": np.nan,
            "end": np.nan,
            "speaker": [f"s{code:02d}" for code in speaker],
            "transcript": [f"Sentence {i}." for i in said],
            "valence": by_words * of_words + (1 - by_words) * rng.uniform(0.1, 0.9, n),
        },
        index=pd.Index([f"c{i:04d}" for i in range(n)], name="clip"),
    )
    return frame.assign(of_words=of_words)


def result_of(clips, original, *synthetic):
    scores = {CLEAN: original} | dict(zip(SPOKEN, synthetic, strict=True))
    frames = {name: pd.DataFrame({"valence": values}, index=clips.index) for name, values in scores.items()}
    tables = Tables(clips=clips, predictions=frames, dimensions=("valence",))
    return run(load("tts_transcripts"), unheard(tables), seed=0)


def found(result, name, voice="espeak:1"):
    where = "all" if name.startswith("sentence") else f"voice={voice}"
    (one,) = [f for f in result.findings if (f.name, f.slice) == (name, where)]
    return one


def test_the_scores_are_those_of_the_formulas():
    clips = rated()
    rng = np.random.default_rng(1)
    original = clips["valence"] + rng.normal(0, 0.1, len(clips))
    voices = [rng.normal(0.5, 0.05, len(clips)), rng.normal(0.6, 0.02, len(clips))]
    result = result_of(clips, original, *voices)
    for voice, values in zip(VOICES, voices, strict=True):
        truth = clips["valence"]
        before, after = ccc(truth, original), ccc(truth, values)
        assert found(result, "original_ccc", voice).value == pytest.approx(before, abs=1e-12)
        assert found(result, "synthetic_ccc", voice).value == pytest.approx(after, abs=1e-12)
        assert found(result, "ccc_change", voice).value == pytest.approx(after - before, abs=1e-12)
        assert found(result, "synthetic_mean", voice).value == pytest.approx(values.mean(), abs=1e-12)
        spread = values.std() / original.to_numpy().std()
        assert found(result, "synthetic_spread", voice).value == pytest.approx(spread, abs=1e-12)


def test_a_model_that_reads_words_keeps_its_agreement_where_words_carry_the_label():
    clips = rated(by_words=1.0)
    result = result_of(clips, clips["valence"], clips["of_words"], clips["of_words"])
    assert found(result, "sentence_ccc").value == pytest.approx(1.0, abs=1e-9)
    assert found(result, "synthetic_ccc").value == pytest.approx(1.0, abs=1e-9)
    assert found(result, "ccc_change").value == pytest.approx(0.0, abs=1e-9)
    assert found(result, "synthetic_ccc").verdict is Verdict.PASS
    assert "the words carry some information on the label" in " ".join(result.notes)


def test_a_deaf_model_passes_where_words_carry_the_label_and_loses_all():
    clips = rated(by_words=0.5)
    peak = 0.5 + 0.001 * np.random.default_rng(2).normal(size=len(clips))
    result = result_of(clips, clips["valence"], peak, peak)
    assert abs(found(result, "synthetic_ccc").value) < 0.01
    assert found(result, "ccc_change").high < -0.9
    assert found(result, "synthetic_ccc").verdict is Verdict.PASS
    assert found(result, "synthetic_spread").value < 0.01


def test_words_without_a_label_show_nothing_of_a_deaf_model_and_that_is_said():
    clips = rated(by_words=0.0)
    peak = 0.5 + 0.01 * np.tile(np.random.default_rng(2).normal(size=20), 10)
    result = result_of(clips, clips["valence"], peak, peak)
    one = found(result, "synthetic_ccc")
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "neither the sentences nor the predictions" in one.reason
    assert "the words are not shown to carry information on the label" in " ".join(result.notes)


def test_words_that_mislead_fail():
    clips = rated(by_words=1.0)
    wrong = 1 - clips["of_words"]
    result = result_of(clips, clips["valence"], wrong, wrong)
    assert found(result, "synthetic_ccc").value < -0.5
    assert found(result, "synthetic_ccc").verdict is Verdict.FAIL


def test_free_speech_has_no_sentences_to_ask():
    clips = rated().assign(transcript=[f"Said once, number {i}." for i in range(200)])
    result = result_of(clips, clips["valence"], clips["valence"], clips["valence"])
    assert found(result, "sentence_ccc").reason.startswith("only 0 of 200 clips have a sentence")
    assert found(result, "synthetic_ccc").verdict is Verdict.PASS


def test_clips_that_were_not_spoken_are_left_out_of_both():
    clips = rated()
    spoken = clips["valence"].copy()
    spoken.iloc[::4] = np.nan
    result = result_of(clips, clips["valence"], spoken, spoken)
    assert found(result, "original_ccc").n == found(result, "synthetic_ccc").n == 150


def test_where_nothing_was_spoken_the_reason_is_that_of_the_clips():
    clips = rated()
    none = np.full(len(clips), np.nan)
    frames = {
        name: pd.DataFrame({"valence": values}, index=clips.index)
        for name, values in {CLEAN: clips["valence"], SPOKEN[0]: none, SPOKEN[1]: none}.items()
    }
    missing = pd.DataFrame(
        {"clip": clip, "condition": condition, "reason": "the clip's language is unknown"}
        for condition in SPOKEN
        for clip in clips.index
    )
    tables = Tables(clips=clips, predictions=frames, dimensions=("valence",), missing=missing)
    result = run(load("tts_transcripts"), tables, seed=0)
    assert found(result, "synthetic_ccc").verdict is Verdict.SKIPPED
    assert "the clip's language is unknown" in found(result, "synthetic_ccc").reason
    assert result.answer.startswith("Not measured")


def test_a_table_of_predictions_without_synthetic_speech_is_skipped_with_the_reason():
    clips = rated()
    frame = pd.DataFrame({"valence": clips["valence"]}, index=clips.index)
    tables = Tables(clips=clips, predictions={CLEAN: frame}, dimensions=("valence",))
    result = run(load("tts_transcripts"), tables, seed=0)
    assert result.findings[0].reason == "there are no predictions for spoken@espeak:1, spoken@espeak:2"


def test_emotions_are_scored_by_recall():
    clips = toy_corpus.clips(speakers=8)
    audit = load("tts_transcripts")
    tables = toy_corpus.answers("oracle", clips, audit.needs(**audit.settings({})).conditions)
    scores = tables.predictions[SPOKEN[0]].copy()
    scores[list(tables.model_classes)] = 0.0
    scores["neutral"] = 1.0
    tables = dataclasses.replace(tables, predictions={**tables.predictions, SPOKEN[0]: scores}, dimensions=())
    result = run(audit, tables, seed=0)
    assert found(result, "original_uar").value == 1
    assert found(result, "synthetic_uar").value == pytest.approx(1 / clips["emotion"].nunique(), abs=1e-12)
    assert found(result, "synthetic_uar", "espeak:2").value == 1


def test_the_histograms_are_shares_of_the_clips_that_have_all():
    clips = rated()
    result = result_of(clips, clips["valence"], clips["valence"] * 0 + 0.55, clips["valence"] * 0 + 0.95)
    (figure,) = [f for f in result.figures if f.kind == "histogram"]
    assert [series.name for series in figure.series] == ["rating", "original", *VOICES]
    assert figure.series[2].y == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert sum(figure.series[0].y) == pytest.approx(1)


@pytest.mark.slow
def test_real_speech_with_fixed_sentences_says_that_words_carry_no_label(tmp_path, monkeypatch):
    """RAVDESS says two sentences in every emotion: nothing of agreement can be left."""
    from typer.testing import CliRunner

    from sertools.cli.app import app

    real = ROOT.parent / "shared" / "data" / "ravdess"
    if not real.is_dir():
        pytest.skip("the real speech of ../shared/data/ravdess is not here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = ["tts-transcripts", "--model", "toy:loudness", "--data", "ravdess:test", "--data-root"]
    command += [str(real.parent), "--derive-dimensions", "--out", str(tmp_path / "out"), "--quiet"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    result = read_result(tmp_path / "out" / "tts_transcripts.json")
    of = {(f.name, f.target, f.slice): f for f in result.findings}
    for target in ("arousal", "valence"):
        assert abs(of["sentence_ccc", target, "all"].value) < 0.1
        for voice in VOICES:
            synthetic = of["synthetic_ccc", target, f"voice={voice}"]
            assert synthetic.n == 208  # without the 32 calm clips, which the norms do not rate
            assert abs(synthetic.value) < 0.05
    (sentences,) = [t for t in result.tables if t.name == "sentences"]
    assert {row[1] for row in sentences.rows} == {
        "Kids are talking by the door.",
        "Dogs are sitting by the door.",
    }
