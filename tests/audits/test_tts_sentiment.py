import dataclasses

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.auditing.audit import load
from sertools.cli.app import app
from sertools.cli.audit_commands import audit_command
from sertools.corpora import speak
from sertools.randomness import identity_rng
from sertools.results.read import read_result
from sertools.results.result import Verdict
from sertools.speech.engines import engine
from sertools.speech.sentiment_sentences import wordings
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables
from tests.helpers.audits import run

POLARITY = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}


def clips(*, languages=("eng",), voices=6, per_word=2, rated=False) -> pd.DataFrame:
    """Every built-in sentence by every voice of its language."""
    rows = [
        {
            "file": f"{i}.flac",
            "start": np.nan,
            "end": np.nan,
            "speaker": f"{each.language}-{voice}",
            "language": each.language,
            "transcript": each.text,
            "sentiment": each.sentiment,
            "kind": each.kind,
            "template": each.template or None,
            "word": each.word,
        }
        for i, each in enumerate(w for lang in languages for w in wordings(lang, per_word=per_word))
        for voice in range(voices)
    ]
    frame = pd.DataFrame(rows, index=pd.Index([f"c{i:05d}" for i in range(len(rows))], name="clip"))
    frame["file"] = frame.index + ".flac"
    if rated:
        frame["valence"] = 0.5 + 0.3 * frame["sentiment"].map(POLARITY)
    return frame


def clips_with_layers(frame, *, sd=0.01, seed=0):
    """A deaf model's answers: a mean of each voice's own, and noise."""
    rng = np.random.default_rng(seed)
    voice = pd.factorize(frame["speaker"])[0]
    return 0.5 + rng.normal(0, 0.1, voice.max() + 1)[voice] + rng.normal(0, sd, len(frame))


def tables(frame, **answers) -> Tables:
    scores = pd.DataFrame(answers, index=frame.index)
    return Tables(clips=frame, predictions={CLEAN: scores})


def result_of(frame, **answers):
    return run(load("tts_sentiment"), tables(frame, **answers), seed=0)


def found(result, name, target="valence", slice="all"):
    (one,) = [f for f in result.findings if (f.name, f.target, f.slice) == (name, target, slice)]
    return one


def word_polarity(frame):
    """The polarity of the word, whatever stands before it."""
    sign = frame["sentiment"].map(POLARITY)
    return sign.where(frame["kind"] != "negated", -sign).to_numpy()


def test_a_deaf_model_has_no_shift_and_passes():
    frame = clips()
    shift = found(result_of(frame, valence=clips_with_layers(frame)), "sentiment_shift")
    assert shift.verdict is Verdict.PASS
    assert abs(shift.value) < 0.005
    assert shift.low < 0 < shift.high
    assert (shift.n, shift.speakers) == (6 * 56, 6)


def test_a_constant_per_voice_has_a_shift_of_exactly_zero():
    frame = clips()
    shift = found(result_of(frame, valence=clips_with_layers(frame, sd=0.0)), "sentiment_shift")
    assert shift.value == pytest.approx(0.0, abs=1e-12)
    assert shift.verdict is Verdict.PASS


def test_planted_effects_come_out_as_they_were_put_in():
    frame = clips()
    polarity, kind = word_polarity(frame), frame["kind"].to_numpy()
    effect = np.select(
        [kind == "plain", kind == "negated", kind == "intense"],
        [0.1 * polarity, -0.04 * polarity, 0.15 * polarity],
        0.02,
    )
    voice = pd.factorize(frame["speaker"])[0]
    result = result_of(frame, valence=0.4 + 0.01 * voice + effect)
    expected = {
        "sentiment_shift": 0.2,
        "positive_minus_neutral": 0.1,
        "negative_minus_neutral": -0.1,
        "neutral_point": 0.425,
        "negated_shift": -0.08,
        "negation_consistency": 1.0,
        "intensity_shift": 0.05,
        "control_minus_neutral": 0.02,
    }
    assert {name: found(result, name).value for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found(result, "sentiment_shift").verdict is Verdict.FAIL
    assert "responds to the words" in result.answer


def test_a_model_of_keywords_takes_not_good_for_good():
    frame = clips()
    result = result_of(frame, valence=clips_with_layers(frame) + 0.1 * word_polarity(frame))
    assert found(result, "negated_shift").low > 0.1
    # half of the pairs move against the word by noise alone
    consistency = found(result, "negation_consistency")
    assert consistency.value == pytest.approx(0.5, abs=0.15)
    assert consistency.n == 6 * 32


def test_the_plant_is_a_model_of_keywords():
    frame = clips()
    audit, before = load("tts_sentiment"), tables(frame, valence=clips_with_layers(frame))
    planted = audit.plant(before, identity_rng(0, "plant")).predictions[CLEAN]["valence"]
    moved = (planted - before.predictions[CLEAN]["valence"]).to_numpy()
    assert moved == pytest.approx(0.2 * word_polarity(frame), abs=1e-12)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.acceptance) for seed in range(1, 10))]
)
def test_noise_and_constants_are_skipped_because_they_hear_nothing(seed):
    frame = clips(languages=("eng", "deu"), rated=True)
    rng = np.random.default_rng(seed)
    result = result_of(frame, arousal=rng.normal(0.5, 0.01, len(frame)), valence=np.full(len(frame), 0.5))
    judged = [f for f in result.findings if f.limit is not None]
    assert judged
    assert {f.verdict for f in judged if f.headline} == {Verdict.INCONCLUSIVE}
    assert all("hardly differ" in f.reason for f in judged)
    assert result.answer.startswith("The model is not shown to respond to this speech at all")


def test_one_language_that_is_read_and_others_that_are_not():
    languages = ("deu", "eng", "fra")
    frame = clips(languages=languages, voices=5)
    english = (frame["language"] == "eng").to_numpy()
    result = result_of(
        frame, valence=clips_with_layers(frame, sd=1e-3) + np.where(english, 0.1 * word_polarity(frame), 0.0)
    )
    for language in languages:
        value = found(result, "sentiment_shift", slice=f"language={language}").value
        assert value == pytest.approx(0.2 if language == "eng" else 0.0, abs=1e-3)
        # shift(l, positive) is .1 in English and 0 elsewhere; the mean over the three is .0333
        off = found(result, "language_shift", slice=f"language={language}, sentiment=positive")
        assert off.value == pytest.approx(0.1 * 2 / 3 if language == "eng" else -0.1 / 3, abs=1e-3)
        assert off.verdict is Verdict.FAIL
    assert found(result, "sentiment_shift").value == pytest.approx(0.2 / 3, abs=1e-3)
    assert found(result, "language_shift", slice="language=eng, sentiment=neutral").verdict is Verdict.PASS


def test_the_language_shift_is_the_definitions():
    # unequal numbers of clips: shift(l, s) = m(p | l, s) − m(p | l), minus its mean over languages
    frame = clips(languages=("eng", "ita"), voices=5)
    keep = np.random.default_rng(1).random(len(frame)) < np.where(frame["language"] == "eng", 0.9, 0.7)
    frame = frame[keep]
    values = pd.Series(clips_with_layers(frame, sd=0.1), index=frame.index)
    result = result_of(frame, valence=values)
    plain = frame["kind"] == "plain"
    mean = values[plain].groupby(frame.loc[plain, "language"]).mean()
    of = values[plain].groupby([frame.loc[plain, "language"], frame.loc[plain, "sentiment"]]).mean()
    for sentiment in POLARITY:
        shifts = {language: of[language, sentiment] - mean[language] for language in ("eng", "ita")}
        for language, shift in shifts.items():
            got = found(result, "language_shift", slice=f"language={language}, sentiment={sentiment}")
            assert got.value == pytest.approx(shift - np.mean(list(shifts.values())), abs=1e-12)


def test_variance_is_shared_out_among_words_and_voices():
    frame = clips()
    rng = np.random.default_rng(2)
    word, voice = (pd.factorize(frame[c])[0] for c in ("word", "speaker"))
    values = (
        rng.normal(0, 0.2, word.max() + 1)[word]
        + rng.normal(0, 0.1, 6)[voice]
        + rng.normal(0, 0.05, len(frame))
    )
    (table,) = [t for t in result_of(frame, valence=values).tables if t.name == "variance"]
    share = {row[1]: row[4] for row in table.rows}
    assert sum(share.values()) == pytest.approx(1.0, abs=1e-12)
    assert share["words"] > share["voices"] > share["templates"]
    assert share["residual"] == pytest.approx(0.0025 / 0.0525, abs=0.03)
    assert [row[2] for row in table.rows][:2] == [42, 6]


def test_the_table_of_words_is_by_how_far_they_move():
    frame = clips()
    values = clips_with_layers(frame, sd=1e-3) + 0.3 * (frame["word"] == "awful") * (frame["kind"] == "plain")
    (table,) = [t for t in result_of(frame, valence=values).tables if t.name == "words"]
    first = dict(zip(table.columns, table.rows[0], strict=True))
    assert (first["word"], first["sentiment"], first["clips"]) == ("awful", "negative", 12)
    assert first["minus neutral"] == pytest.approx(0.3, abs=2e-3)
    assert first["low"] < 0.3 < first["high"] < 0.31
    assert len(table.rows) == 20


def test_scores_of_emotions_have_shifts_too():
    frame = clips()
    result = result_of(
        frame,
        happiness=clips_with_layers(frame) + 0.1 * word_polarity(frame),
        sadness=clips_with_layers(frame, seed=1),
    )
    assert found(result, "sentiment_shift", "happiness").verdict is Verdict.FAIL
    assert found(result, "sentiment_shift", "sadness").verdict is Verdict.PASS
    assert {f.name for f in result.findings} == {"sentiment_shift"}


def test_a_plain_corpus_needs_no_more_than_sentiment_transcript_and_speaker():
    frame = clips()
    frame = frame.loc[
        frame["kind"] == "plain", ["file", "start", "end", "speaker", "transcript", "sentiment"]
    ]
    result = result_of(frame, valence=clips_with_layers(frame))
    assert found(result, "sentiment_shift").verdict is Verdict.PASS
    assert {f.name for f in result.findings} >= {"neutral_point", "positive_minus_neutral"}
    assert not any("fully crossed" in note for note in result.notes)


def test_what_a_corpus_lacks_is_said():
    frame = clips()
    few = frame[frame["speaker"].isin(["eng-0", "eng-1", "eng-2", "eng-3"])]
    shift = found(result_of(few, valence=2 * clips_with_layers(few) - 0.5), "sentiment_shift")
    assert (shift.verdict, shift.low) == (Verdict.INCONCLUSIVE, None)
    assert shift.reason == "fewer than 5 speakers"
    glad = frame[frame["sentiment"] == "positive"]
    shift = found(result_of(glad, valence=clips_with_layers(glad)), "sentiment_shift")
    assert shift.verdict is Verdict.SKIPPED
    assert "no language has negative and positive sentences" in shift.reason
    pairs = found(result_of(glad, valence=clips_with_layers(glad)), "negation_consistency")
    assert pairs.reason == "no negated sentence has a plain counterpart"
    holed = frame.drop(frame.index[(frame["speaker"] == "eng-0") & (frame["word"] == "bad")])
    assert any(
        "not fully crossed: the corpus has 251 of 252" in n
        for n in result_of(holed, valence=clips_with_layers(holed)).notes
    )
    odd = frame.assign(kind="sung")
    shift = found(result_of(odd, valence=clips_with_layers(odd)), "sentiment_shift")
    assert shift.reason == "no sentences of kind plain"


def test_a_word_with_two_sentiments_is_two_words():
    frame = clips()
    frame["word"] = "word"
    frame["transcript"] = [f"{w} {t}" for w, t in zip(frame["word"], frame["transcript"], strict=True)]
    shift = found(result_of(frame, valence=clips_with_layers(frame)), "sentiment_shift")
    assert shift.reason == "fewer than 5 sentences or words"


def test_nothing_depends_on_the_order_of_clips():
    frame = clips(languages=("eng", "spa"), voices=5)
    both = tables(frame, valence=clips_with_layers(frame))
    order = np.random.default_rng(0).permutation(len(frame))
    shuffled = dataclasses.replace(
        both, clips=frame.iloc[order], predictions={CLEAN: both.predictions[CLEAN].iloc[order]}
    )
    audit = load("tts_sentiment")
    for a, b in zip(run(audit, both, seed=0).findings, run(audit, shuffled, seed=0).findings, strict=True):
        assert (a.name, a.target, a.slice, a.n, a.verdict) == (b.name, b.target, b.slice, b.n, b.verdict)
        assert [a.value, a.low, a.high] == pytest.approx([b.value, b.low, b.high], abs=1e-9)


def test_the_command_takes_the_spoken_sentences_by_default():
    (data,) = [p for p in audit_command("tts-sentiment").params if p.name == "data"]
    assert data.default == ["tts-sentences"]
    (data,) = [p for p in audit_command("fairness").params if p.name == "data"]
    assert data.default == ["voices"]


def test_from_sentences_to_a_report_a_model_that_hears_loudness_alone_is_deaf_to_words(tmp_path):
    # few words with the same sound at the end, so that what is said hardly changes how loud it is
    script = speak.built_in(["eng"], per_word=1)
    plain = [line for line in script.lines if line.labels["kind"] == "plain"]
    short = dataclasses.replace(script, lines=plain)
    speak.make_corpus(short, engine("espeak"), tmp_path / "corpus")
    command = ["tts-sentiment", "--model", "toy:loudness", "--data", str(tmp_path / "corpus"), "-q"]
    done = CliRunner().invoke(
        app, [*command, "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    )
    assert done.exit_code == 0, done.output
    result = read_result(tmp_path / "out" / "tts_sentiment.json")
    for dimension in ("arousal", "dominance", "valence"):
        shift = found(result, "sentiment_shift", dimension)
        assert shift.verdict is Verdict.PASS
        assert (shift.n, shift.speakers) == (28 * 6, 6)
    assert "Does the model respond to the words" in (tmp_path / "out" / "report.html").read_text()
