"""Words or voice: models that mix both by known shares are recovered, crossed and spliced."""

import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sertools.audio.splice import middle, spliced
from sertools.auditing.audit import load
from sertools.corpora.registered import tts_listening
from sertools.errors import AudioError
from sertools.inference.decode import decode
from sertools.inference.settings import Settings
from sertools.models.kinds.toy import LoudnessModel
from sertools.pipeline.run import run as run_all
from sertools.results.result import Verdict
from sertools.tables.changed.splice import Spliced, fingerprint, partner, partners
from sertools.tables.condition import Condition
from sertools.tables.tables import Tables
from sertools.tables.text_vectors import TextVectors, packed
from tests.helpers.audits import run
from tests.helpers.small import noises

AUDIT = load("listening")
WORDS, VOICES = ("negative", "neutral", "positive"), ("low", "normal", "high")
SPLICES = {other: Spliced(other=other) for other in ("words", "voice")}


@functools.cache  # inputs are never modified
def mixed(share, *, speakers=12, repeats=2, seed=0) -> Tables:
    """A model whose answer is `share` of what the words say and the rest of what the voice says."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"s{g:02d}", said, how)
        for g in range(speakers)
        for said in WORDS
        for how in VOICES
        for _ in range(repeats)
    ]
    clips = pd.DataFrame(rows, columns=["speaker", "sentiment", "effort"])
    clips.index = pd.Index([f"c{i:04d}" for i in range(len(clips))], name="clip")
    clips["transcript"] = [f"it was {said}" for said in clips["sentiment"]]
    clips["arousal"] = clips["effort"].map({"low": 0.2, "normal": 0.5, "high": 0.8})
    own = rng.normal(0, 0.05, speakers)[clips["speaker"].str[1:].astype(int)]
    word, voice = (
        clips[name].map({x: i - 1.0 for i, x in enumerate(levels)})
        for name, levels in (("sentiment", WORDS), ("effort", VOICES))
    )

    def answers(word, voice, cut=0.0):
        noise = rng.normal(0, 0.05, len(clips))
        return pd.DataFrame(
            {"arousal": 0.5 + 0.2 * (share * word + (1 - share) * voice) + own + noise + cut},
            index=clips.index,
        )

    scores = {"clean": answers(word, voice)}
    for name, how in SPLICES.items():
        others = list(map(partners(clips, how), clips.index))
        halves = [(part + part.loc[others].to_numpy()) / 2 for part in (word, voice)]
        scores[f"splice@{name}"] = answers(*halves, cut=0.15)  # the cut itself moves every answer
    return Tables(clips=clips, predictions=scores, dimensions=("arousal",))


def audited(tables, **options):
    result = run(AUDIT, tables, options=options, seed=0)
    return result, {(f.name, f.target): f for f in result.findings}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_known_shares_are_recovered_within_the_interval_whether_crossed_or_spliced(share):
    _, found = audited(mixed(share), splice=True)
    for name in ("share_of_words", "share_of_words_spliced"):
        one = found[name, "arousal"]
        assert one.low <= share <= one.high
        assert one.value == pytest.approx(share, abs=0.06)
        assert one.high - one.low < 0.25
        assert one.speakers == 12
    verdict = {0.0: Verdict.PASS, 0.5: Verdict.FAIL, 1.0: Verdict.FAIL}.get(share)
    assert verdict is None or found["share_of_words", "arousal"].verdict is verdict


def test_shares_of_whole_clips_and_of_halves_that_disagree_are_noted():
    tables = mixed(0.5)
    voice = tables.predictions["clean"] + tables.predictions["splice@voice"] * 0
    result, _ = audited(tables.with_predictions({**tables.predictions, "splice@words": voice}), splice=True)
    assert result.notes[-1].startswith("The shares of the words disagree for arousal: 5")
    assert "disagree" not in " ".join(audited(tables, splice=True)[0].notes)


def test_a_reader_of_the_text_explains_what_the_words_decide_and_nothing_else():
    _, voice = audited(mixed(0.0))
    _, words = audited(mixed(1.0))
    assert abs(voice["explained_by_text", "arousal"].value) < 0.05
    # words have a variance of .0267, speakers and noise of .005
    assert words["explained_by_text", "arousal"].value == pytest.approx(0.0267 / 0.0317, abs=0.05)
    assert abs(words["labels_explained_by_text", "arousal"].value) < 0.05
    # the same from vectors of a text encoder; one clip has none
    tables = mixed(1.0)
    said = tables.clips["sentiment"].map({name: i for i, name in enumerate(WORDS)}).to_numpy()
    vectors = np.eye(3, dtype=np.float32)[said]
    vectors[0] = np.nan
    read = TextVectors(encoder="e")
    assert AUDIT.needs(**AUDIT.settings({"text_model": "e"})).text_vectors == (read,)
    clips = tables.clips.assign(**{read.column: packed(vectors, tables.clips.index)})
    _, encoded = audited(replace(tables, clips=clips), text_model="e")
    one, other = encoded["explained_by_text", "arousal"], words["explained_by_text", "arousal"]
    assert one.value == pytest.approx(other.value, abs=0.01)
    assert one.n == other.n - 1


def test_emotions_are_compared_as_vectors_of_all_scores():
    tables = mixed(0.0)
    high = (tables.clips["effort"] == "high").to_numpy(dtype=float)
    scores = pd.DataFrame({"anger": high, "neutral": 1 - high}, index=tables.clips.index)
    clips = tables.clips.assign(emotion=np.where(high == 1, "anger", "neutral")).drop(columns="arousal")
    classes = ("anger", "neutral")
    emotions = Tables(clips=clips, predictions={"clean": scores}, classes=classes, model_classes=classes)
    result, found = audited(emotions)
    share = found["share_of_words", "emotion"]
    assert (share.value, share.low, share.high, share.verdict) == (0, 0, 0, Verdict.PASS)
    assert "0% [0%, 0%] for emotion" in result.answer


def test_what_a_corpus_lacks_is_the_reason():
    tables = mixed(0.0)
    for clips, reason in (
        (tables.clips.drop(columns="effort"), "no column that says the voice"),
        (tables.clips.drop(columns="speaker"), "names no speakers"),
        (tables.clips.assign(effort="low"), "no speaker says the same sentiment in two of effort"),
    ):
        result, _ = audited(replace(tables, clips=clips, dimensions=()))
        assert [f.verdict for f in result.findings] == [Verdict.SKIPPED]
        assert reason in result.answer
    _, found = audited(mixed(0.0, speakers=4))
    assert "fewer than 5 speakers" in found["share_of_words", "arousal"].reason


def test_clips_without_words_are_shown_and_not_compared():
    tables = mixed(0.0)
    clips = tables.clips.copy()
    clips.loc[clips["sentiment"] == "neutral", "sentiment"] = "none"
    result, found = audited(replace(tables, clips=clips))
    assert found["share_of_words", "arousal"].n == 144
    rows = [dict(zip(result.tables[0].columns, row, strict=True)) for row in result.tables[0].rows]
    assert {row["together"] for row in rows} == {"", "matched", "mismatched", "voice only"}


def test_a_partner_differs_in_one_thing_and_does_not_depend_on_the_order():
    clips = mixed(0.0).clips
    for other, same, differs in (("words", "effort", "sentiment"), ("voice", "sentiment", "effort")):
        for clip in clips.index[::17]:
            found = partner(clips, clip, SPLICES[other])
            assert clips.at[found, "speaker"] == clips.at[clip, "speaker"]
            assert clips.at[found, same] == clips.at[clip, same]
            assert clips.at[found, differs] != clips.at[clip, differs]
            assert partner(clips.iloc[::-1], clip, SPLICES[other]) == found
            assert partners(clips, SPLICES[other])(clip) == found
    alone = clips.assign(effort="low")
    with pytest.raises(AudioError, match="no clip of the speaker has the same sentiment and another effort"):
        partner(alone, clips.index[0], SPLICES["voice"])
    with pytest.raises(AudioError, match="no clip of the speaker has the same sentiment and another effort"):
        partners(alone, SPLICES["voice"])(clips.index[0])


def test_a_splice_is_cut_in_the_pause_and_keeps_both_halves():
    rate = 16000
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, rate).astype(np.float32)
    first, second = noise.copy(), -noise
    first[7800:8300] = second[7000:7600] = 0
    assert 7800 <= middle(first, rate) < 8300
    made = spliced(first, second, rate)
    np.testing.assert_array_equal(made[:7700], first[:7700])
    np.testing.assert_array_equal(made[-8000:], second[-8000:])
    with pytest.raises(AudioError, match="too short"):
        middle(np.zeros(100, np.float32), rate)


def test_a_run_splices_clips_and_a_corpus_without_columns_is_skipped(tmp_path):
    corpus = noises(tmp_path / "c", samples=4000)
    table = corpus.clips.assign(
        speaker=["a", "b"] * 6, transcript=["x", "x", "y", "y"] * 3, emotion=["anger"] * 4 + ["fear"] * 8
    )
    corpus = replace(corpus, clips=table)
    (result,) = run_all(
        LoudnessModel(), corpus, [AUDIT.plan({"splice": True})], settings=Settings(cache=tmp_path / "s")
    )
    spliced_share = next(f for f in result.findings if f.name == "share_of_words_spliced")
    assert spliced_share.n == 24
    clip = str(table.index[0])
    other = partner(table, clip, SPLICES["voice"])
    condition = Condition(perturbation="splice", spliced=SPLICES["voice"])
    decoded = decode(corpus, clip, LoudnessModel(), condition)
    np.testing.assert_array_equal(
        decoded.signal, spliced(corpus.signal(clip, 16000), corpus.signal(other, 16000), 16000)
    )
    assert str(condition) == "splice@voice"
    assert result.notes[-1] == "Spliced: the second half of clips was exchanged."
    alike = replace(corpus, clips=table.assign(transcript=table["transcript"] + " by the door"))
    np.testing.assert_array_equal(
        decode(alike, clip, LoudnessModel(), condition).signal,
        spliced(corpus.signal(other, 16000), corpus.signal(clip, 16000), 16000),
    )
    assert fingerprint(alike.clips, SPLICES["voice"]) != fingerprint(table, SPLICES["voice"])
    without = replace(corpus, clips=table.drop(columns=["transcript", "speaker"]))
    (none,) = run_all(
        LoudnessModel(), without, [AUDIT.plan({"splice": True})], settings=Settings(cache=tmp_path / "s")
    )
    assert [f.verdict for f in none.findings] == [Verdict.SKIPPED]


def test_the_synthetic_corpus_crosses_words_and_voices():
    planned = pd.DataFrame([vars(each) for each in tts_listening.utterances()])
    assert len(planned) == tts_listening.EXPECTED["clips"]
    assert planned["file"].is_unique
    counts = planned.groupby(["speaker", "sentiment", "effort"]).size()
    assert set(counts) == {2}
    assert len(counts) == 12 * 4 * 3
    assert planned.groupby("transcript")["speaker"].nunique().unique().tolist() == [12]
    assert set(planned.loc[planned["sentiment"] == "none", "valence"]) == {0.5}
