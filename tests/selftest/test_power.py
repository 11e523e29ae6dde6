import dataclasses
import json

import numpy as np
from typer.testing import CliRunner

from sertools.auditing.audit import load
from sertools.cli.app import app
from sertools.selftest import power as power_module
from sertools.selftest import toy_corpus
from sertools.selftest.power import POWER, power

ANSWERED = ("correctness", "fairness", "speakers")
"""Audits of answers that are quick."""


def test_power_rises_with_the_defect_and_is_lost_in_a_small_corpus():
    large = {
        row[:2][0] + f" {row[1]}": row[2]
        for row in power(toy_corpus.clips(per_speaker=20), ANSWERED, plants=1, strengths=(0.0, 1.0))
    }
    assert large["fairness 0.0"] == 0
    assert large["fairness 1.0"] == large["speakers 1.0"] == large["correctness 1.0"] == 1
    small = {
        row[0]: row[2] for row in power(toy_corpus.clips(speakers=4), ANSWERED, plants=1, strengths=(1.0,))
    }
    assert small["fairness"] == 0


def test_a_diluted_defect_is_in_the_layers_and_words_of_its_share_of_clips_alone():
    clips = toy_corpus.clips(speakers=10, per_speaker=30)
    tables = toy_corpus.answers("oracle", clips)
    rng = np.random.default_rng(0)
    planted = load("embeddings").plant(tables, rng)
    for strength, low, high in ((0.0, 0, 0), (0.3, 0.2, 0.4), (1.0, 1, 1)):
        mixed = power_module._diluted(tables, planted, strength, np.random.default_rng(1))
        carries = np.random.default_rng(1).random(len(clips)) < strength
        assert low <= carries.mean() <= high
        for i in range(tables.layers.n_layers):
            expected = np.where(carries[:, None], planted.layers.layer(i), tables.layers.layer(i))
            np.testing.assert_array_equal(mixed.layers.layer(i), expected)
    copied = dataclasses.replace(tables, clips=clips.assign(transcript="said"))
    words = power_module._diluted(tables, copied, 0.3, np.random.default_rng(1)).clips["transcript"]
    carries = np.random.default_rng(1).random(len(clips)) < 0.3
    assert words.tolist() == np.where(carries, "said", clips["transcript"]).tolist()


def test_a_defect_that_a_corpus_cannot_carry_has_no_power_and_says_why():
    clips = toy_corpus.clips(speakers=6).drop(columns=["arousal", "dominance", "valence"])
    named = ("tts_transcripts", "speakers")
    rows = {row[0]: row for row in power(clips, named, plants=1, strengths=(1.0,))}
    assert rows["tts_transcripts"][1:] == [
        None,
        None,
        "the defect affects labels that the corpus does not have",
    ]
    assert rows["speakers"][2] is not None


def test_power_says_why_an_audit_cannot_run():
    ((*_, share, reason),) = power(toy_corpus.clips(speakers=6).drop(columns="sex"), ["fairness"])
    assert (share, reason) == (None, "the corpus has no column 'sex'")


def test_the_command_prints_the_power_of_the_named_audits_as_json(tmp_path):
    path = tmp_path / "clips.csv"
    clips = toy_corpus.clips(speakers=6, per_speaker=8)
    clips[["file", "speaker", "sex", "emotion", "arousal"]].to_csv(path, index=False)
    words = ["selftest", "fairness", "correctness", "--data", str(path), "--plants", "1", "--format", "json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert set(rows[0]) == set(POWER)
    assert {row["audit"] for row in rows} == {"correctness", "fairness"}
    assert CliRunner().invoke(app, ["selftest", "fairnes", "--data", str(path)]).exit_code == 2
