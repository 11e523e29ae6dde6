"""What an audit will cost, beside what it then costs."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from sertools.audio.files import write_audio
from sertools.auditing import audit
from sertools.auditing.contract import Needs
from sertools.cli.app import app
from sertools.corpora import corpus as corpus_module
from sertools.corpora.load import load_corpus
from sertools.inference import precision
from sertools.inference import predict as predict_module
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.pipeline import collect, needs
from sertools.pipeline.forecast import predictions
from sertools.pipeline.forecast.forecast import forecast, long_clips, sentence, table
from sertools.speech import resynthesis
from sertools.tables.condition import Condition
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.small import RATE, Meter, noises, stored


class Sleeper(Meter):
    """Takes 0.2 s for a second of sound, and a second for its first answer."""

    def predict(self, signals, *, layers=False):
        time.sleep(sum(map(len, signals)) / RATE * 0.2 + (self.calls == 0))
        return super().predict(signals, layers=layers)


def costs_of(model, corpus, names, root, **options):
    chosen = [audit.load(name).plan(options) for name in names]
    return forecast(model, corpus, chosen, settings=Settings(cache=root))


def test_the_conditions_are_the_union_of_the_audits_clean_first(tmp_path):
    corpus = noises(tmp_path / "c")
    one, _ = costs_of(Meter(), corpus, ["correctness", "speakers"], tmp_path / "store")
    assert [(cost.condition, cost.clips, cost.todo) for cost in one] == [("clean", 12, 12)]
    both, _ = costs_of(Meter(), corpus, ["correctness", "robustness"], tmp_path / "store")
    wanted = needs.conditions([audit.load("robustness").plan()], 0)
    assert [cost.condition for cost in both] == [str(condition) for condition in wanted]
    assert len(both) > 3


def test_a_condition_that_cuts_clips_keeps_fewer_seconds(tmp_path):
    corpus, model = noises(tmp_path / "c"), Meter()
    trial = predictions.trial_of(corpus, predictions.seconds_of(corpus, corpus.clips.index), model)
    _, kept_s = predictions.decoding(
        corpus, trial, model, Condition(perturbation="first_seconds", level=0.03), 1, 1
    )
    assert kept_s == pytest.approx(0.03 * len(trial), abs=1e-9)


def test_what_was_computed_is_not_computed_again(tmp_path):
    corpus, settings = noises(tmp_path / "c", 70), Settings(cache=tmp_path / "store")
    model, names = Meter(), ["robustness"]
    audits = [audit.load(name).plan() for name in names]
    predict_module.predict(model, corpus, settings=settings)
    (clean, *others), _ = costs_of(model, corpus, names, tmp_path / "store")
    assert (clean.stored, clean.todo, clean.minutes, clean.megabytes) == (70, 0, 0, 0)
    assert {(cost.stored, cost.todo) for cost in others} == {(0, 70)}
    predict_module.predict(model, corpus, conditions=needs.conditions(audits, 0), settings=settings)
    done, timed = costs_of(model, corpus, names, tmp_path / "store")
    assert {cost.todo for cost in done} == {0}
    assert sentence(done, timed) == "Nothing has to be computed."


def test_minutes_follow_from_the_pace_of_the_model_and_the_seconds_of_sound(tmp_path):
    corpus = noises(tmp_path / "c", 20, samples=RATE // 4)
    (cost,), model = costs_of(Sleeper(), corpus, ["correctness"], tmp_path / "store")
    sound_s = sum(RATE // 4 + 7 * i for i in range(20)) / RATE
    # a sleep is never shorter, and the first answer of all does not count; others may use the machine too
    assert 0.2 * sound_s <= cost.minutes * 60 <= 3 * 0.2 * sound_s
    assert model.clips < 20, "only some clips are timed"


def test_minutes_under_a_voice_follow_from_how_long_its_speech_lasts(tmp_path):
    corpus = noises(tmp_path / "c", 20, samples=2 * RATE)
    texts = [("yes, and tomorrow again", "never", "no")[i % 3] for i in range(20)]
    corpus = replace(corpus, clips=corpus.clips.assign(transcript=texts, language="eng"))
    (clean, spoken), _ = costs_of(
        Sleeper(), corpus, ["tts_transcripts"], tmp_path / "store", voice=["espeak:1"]
    )
    assert (spoken.condition, spoken.todo) == ("spoken@espeak:1", 20)
    spoken_s = (
        sum(len(resynthesis.speech(row, "espeak:1", RATE)) for row in corpus.clips.to_dict("records")) / RATE
    )
    assert spoken_s < 30 < 40 <= clean.minutes * 60 / 0.2, "speech is shorter than the clips"
    # three long texts in eight are timed, of seven in twenty; others may use the machine too
    assert 0.9 * 0.2 * spoken_s <= spoken.minutes * 60 <= 3 * 0.2 * spoken_s


def test_a_service_on_the_network_is_not_asked(tmp_path):
    corpus = noises(tmp_path / "c", 20)
    corpus = replace(corpus, clips=corpus.clips.assign(transcript="yes", language="eng"))
    (clean, spoken), _ = costs_of(Meter(), corpus, ["tts_transcripts"], tmp_path / "store", voice=["gtts:1"])
    assert (spoken.condition, spoken.todo) == ("spoken@gtts:1", 20)
    assert spoken.minutes <= clean.minutes


@pytest.mark.parametrize("layers", [False, True], ids=["scores", "scores and layers"])
def test_megabytes_are_those_that_a_run_then_writes(tmp_path, layers):
    corpus, settings = noises(tmp_path / "c", 150, samples=400), Settings(cache=tmp_path / "store")
    reads = replace(audit.load("correctness"), needs=lambda **options: Needs(layers=layers))
    (cost,), _ = forecast(Meter(), corpus, [reads.plan()], settings=settings)
    assert not stored(tmp_path / "store"), "a forecast stores nothing"
    predict_module.predict(Meter(), corpus, settings=settings, layers=layers)
    # the last shard is smaller than the share of its clips
    assert cost.megabytes * 1e6 == pytest.approx(stored(tmp_path / "store"), rel=0.2)


def test_what_is_measured_in_the_sound_is_a_row_of_its_own(tmp_path):
    corpus = noises(tmp_path / "c")
    assert costs_of(Meter(), corpus, ["leakage"], tmp_path / "store")[0] == [], "it has no splits"
    corpus = replace(corpus, clips=corpus.clips.assign(split=["train", "test"] * 6))
    costs, _ = costs_of(Meter(), corpus, ["leakage"], tmp_path / "store")
    assert [(cost.condition, cost.todo) for cost in costs] == [("fingerprints", 12)]
    audits = [audit.load("leakage").plan()]
    collect.with_measured_columns(corpus, audits, Settings(cache=tmp_path / "store"))
    costs, _ = costs_of(Meter(), corpus, ["leakage"], tmp_path / "store")
    assert [(cost.condition, cost.todo) for cost in costs] == [("fingerprints", 0)]


def test_clips_that_cannot_be_opened_cost_no_time(tmp_path):
    corpus = noises(tmp_path / "c")
    for i in range(12):
        (tmp_path / f"c/{i:03d}.wav").unlink()
    (cost,), _ = costs_of(Meter(), corpus, ["correctness"], tmp_path / "store")
    assert (cost.todo, cost.minutes) == (12, 0)


def test_a_model_that_answers_by_clip_costs_nothing(tmp_path):
    corpus = noises(tmp_path / "c")
    (cost,), _ = costs_of(load_model("toy:random"), corpus, ["robustness"], tmp_path / "store")
    assert (cost.condition, cost.stored, cost.todo) == ("clean", 12, 0)


class Choosy(Meter):
    """May run in bf16, where it answers the same, ten times faster."""

    needs_precision = True

    def with_precision(self, precision, **facts):
        chosen = Choosy()
        chosen.needs_precision, chosen.fingerprint = False, f"choosy {precision}"
        chosen.facts = {"precision": precision, **facts}
        return chosen


def test_the_number_format_is_the_one_that_an_audit_then_takes(tmp_path):
    corpus, settings = noises(tmp_path / "c", 32), Settings(cache=tmp_path / "store")
    (cost,), timed = costs_of(Choosy(), corpus, ["correctness"], tmp_path / "store")
    assert timed.facts["precision"] == "bf16"
    said = "32 clips to compute under 1 condition in bf16 (on all 32 clips, no prediction in bf16 differs by"
    assert said in sentence([cost], timed)
    chosen = precision.choose_precision(Choosy(), corpus, corpus_module.fingerprint(corpus), settings)
    assert chosen.facts == timed.facts
    predict_module.predict(Choosy(), corpus, settings=settings)
    (cost,), _ = costs_of(Choosy(), corpus, ["correctness"], tmp_path / "store")
    assert cost.todo == 0


def test_the_command_plans_what_the_audit_of_the_same_words_computes(tmp_path):
    noises(tmp_path / "c", 24)
    (tmp_path / "model.py").write_text(
        "def loud(signals, rate):\n    return [[float(abs(s).mean())] for s in signals]\n"
        "loud.labels = ('arousal',)\n"
    )
    words = ["--model", f"py:{tmp_path / 'model.py'}:loud", "--data", str(tmp_path / "c/clips.csv")]
    words += ["--suite", "wagner2023", "--cache", str(tmp_path / "store"), "--seed", "3"]
    planned = CliRunner().invoke(app, ["plan", *words, "--format", "json"])
    rows = json.loads(planned.stdout)
    assert len(rows) == 9
    assert {(row["clips"], row["stored"], row["to compute"]) for row in rows} == {(24, 0, 24)}
    assert "216 clips to compute under 9 conditions: about" in planned.stderr
    done = CliRunner().invoke(app, ["audit", *words, "--out", str(tmp_path / "out")])
    assert done.exit_code in {0, 1}, done.output
    after = CliRunner().invoke(app, ["plan", *words, "--format", "json"])
    assert {row["to compute"] for row in json.loads(after.stdout)} == {0}
    assert "Nothing has to be computed." in after.stderr


def test_the_command_plans_the_models_beside_a_model_by_their_roles(tmp_path):
    noises(tmp_path / "c", 14, samples=8000)
    small = write_checkpoint(tmp_path / "small")
    deeper = write_checkpoint(tmp_path / "deeper", num_hidden_layers=4)
    words = [
        "--model",
        str(small),
        "--data",
        str(tmp_path / "c/clips.csv"),
        "--cache",
        str(tmp_path / "store"),
    ]

    def planned(*more):
        done = CliRunner().invoke(app, ["plan", "embeddings", *words, *more, "--format", "json"])
        return [(row["of"], row["condition"], row["to compute"]) for row in json.loads(done.stdout)]

    assert planned("--no-random-twin") == [("model", "clean", 14)]
    assert planned() == [("model", "clean", 14), ("random twin", "clean", 14)]
    both = ["--against", str(deeper)]
    assert planned(*both) == [(role, "clean", 14) for role in ("model", "against", "random twin")]


def test_the_command_refuses_another_model_where_no_audit_looks_at_layers(tmp_path):
    for words, option in ((["--against", "default"], "--against"), (["--random-twin"], "--random-twin")):
        failed = CliRunner().invoke(app, ["plan", "correctness", *words])
        assert failed.exit_code == 2
        assert (
            f"{option} only applies to audits that read layers (probe-layers, embeddings, …), "
            "not to correctness" in failed.stderr
        )


def test_the_command_refuses_names_beside_a_suite_and_names_that_there_are_not():
    for words, said in (
        (["correctness", "--suite", "quick"], "both audits and --suite are given"),
        (["corectness"], "no audit named 'corectness'"),
        (["--suite", "quik"], "no suite named 'quik'"),
    ):
        failed = CliRunner().invoke(app, ["plan", *words])
        assert failed.exit_code == 2
        assert said in failed.stderr


def test_the_table_has_a_row_for_each_cost(tmp_path):
    costs, _ = costs_of(Meter(), noises(tmp_path / "c"), ["correctness"], tmp_path / "store")
    columns, rows = table(costs)
    assert columns == ["of", "condition", "clips", "stored", "to compute", "minutes", "MB"]
    assert rows[0][:5] == ["model", str(Condition()), 12, 0, 12]
    assert np.isfinite(rows[0][5:]).all()


class Framed(Meter):
    """A meter whose layers can be read frame by frame, as those of models with attention; notes lengths."""

    has_frames = True
    most = 0

    def predict(self, signals, *, layers=False):
        self.most = max(self.most, *map(len, signals))
        return super().predict(signals, layers=layers)

    def predict_frames(self, signals):
        raise NotImplementedError


def test_clips_too_long_for_attention_are_not_timed_and_windows_are_suggested(tmp_path):
    noises(tmp_path / "c", 3)
    write_audio(tmp_path / "c" / "001.wav", np.full(90 * RATE, 0.1), RATE)
    corpus = load_corpus(str(tmp_path / "c" / "clips.csv"))
    (cost,), model = costs_of(Framed(), corpus, ["correctness"], tmp_path / "store")
    assert cost.todo == 3
    assert 0 < model.most < RATE
    assert long_clips(model, corpus) == (
        "1 clip is longer than 60 s, up to 1.5 minutes: the time of attention grows with the square of the "
        "length, so this estimate is too low; --window 10 predicts long clips in windows of 10 s"
    )
    assert long_clips(Meter(), corpus) == ""
    assert long_clips(Framed(), noises(tmp_path / "short", 3)) == ""
    for name in ("000.wav", "002.wav"):
        write_audio(tmp_path / "c" / name, np.full(120 * RATE, 0.1), RATE)
    (of_long,), model = costs_of(
        Framed(), load_corpus(str(tmp_path / "c" / "clips.csv")), ["correctness"], tmp_path / "s"
    )
    assert model.most == 60 * RATE, "where all clips are long, the first minute of the shortest is timed"
    assert 0 < of_long.minutes < 1
