"""Probes of layers as an audit: curves, choices and comparisons of corpora whose layers are known."""

import dataclasses

import numpy as np
import pytest

from sertools.auditing.audit import load
from sertools.corpora.load import load_corpus
from sertools.errors import AuditError
from sertools.inference import predict
from sertools.metrics.classification import accuracy, weighted_f1
from sertools.models.load import load_model
from sertools.pipeline import run as pipeline_run
from sertools.probing.layers import INPUTS, probe
from sertools.probing.targets import clips_with_layers, target
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.columns import AGAINST, RANDOM_TWIN
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables
from tests.helpers.audits import run
from tests.helpers.places import ROOT

PROBES = load("probe_layers")
EMODB = ROOT.parent / "shared/data/emodb"


def result(tables, **options):
    return run(PROBES, tables, seed=0, options={"targets": ("emotion",), "shuffles": 1, **options})


def found(result, name, part="all", of="emotion"):
    (one,) = [f for f in result.findings if (f.name, f.slice, f.target) == (name, part, of)]
    return one


def table(result, name):
    (one,) = [t for t in result.tables if t.name == name]
    return [dict(zip(one.columns, row, strict=True)) for row in one.rows]


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips(speakers=12, per_speaker=16)


@pytest.fixture(scope="module")
def oracle(clips):
    return toy_corpus.answers("oracle", clips)


@pytest.fixture(scope="module")
def told(oracle):
    return result(oracle)


def planted(oracle, at):
    """Noise in every layer but one, which is the oracle's last."""
    means = np.concatenate(toy_corpus.layers("random", oracle.clips).shards).copy()
    means[:, at] = oracle.layers.layer(-1)
    return dataclasses.replace(oracle, layers=Layers(shards=(means,)))


@pytest.mark.parametrize("at", [0, 2])
def test_a_planted_layer_is_found_where_it_is(oracle, at):
    made = result(planted(oracle, at))
    rows = table(made, "layers")
    assert [row["best in folds"] for row in rows] == [4 if i == at else 0 for i in range(4)]
    assert max(rows, key=lambda row: row["score"])["layer"] == at
    best = found(made, "probe_uar", "linear, best layer")
    assert best.value == rows[at]["score"]
    assert found(made, "above_chance", "linear, best layer").verdict is Verdict.PASS
    assert found(made, "above_chance", "linear, best layer").value == pytest.approx(best.value - 1 / 8)
    (weights,) = table(made, "weights")
    assert weights[f"layer {at}"] == max(weights[f"layer {i}"] for i in range(4))
    assert f"mostly layer {at}" in made.answer


def test_the_curve_is_that_of_the_table_and_chance_runs_across(told):
    made = told
    (curve,) = [f for f in made.figures if f.name == "curve_emotion"]
    assert curve.series[0].y == [row["score"] for row in table(made, "layers")]
    assert curve.series[0].low == [row["low"] for row in table(made, "layers")]
    assert curve.reference == 1 / 8
    (inputs,) = [f for f in made.figures if f.name == "inputs_emotion"]
    assert inputs.series[0].x == list(INPUTS)
    assert inputs.series[0].y == [row["score"] for row in table(made, "inputs")]


def test_accuracy_and_weighted_f1_stand_beside_the_score(oracle, told):
    (of,) = [target(oracle, "emotion", clips_with_layers(oracle))]
    said = probe(oracle.layers, [of], seed=0)["emotion"].inputs["average without last two"]
    (row,) = [r for r in table(told, "inputs") if r["input"] == "average without last two"]
    assert row["WA"] == pytest.approx(accuracy(of.truth, said))
    assert row["WF1"] == pytest.approx(weighted_f1(of.truth, said, 8))


def test_dimensions_sex_and_speaker_are_read_where_they_are(oracle):
    made = result(oracle, targets=("arousal", "sex", "speaker"))
    last = {row["target"]: row for row in table(made, "layers") if row["layer"] == 3}
    assert last["arousal"]["score"] > 0.7
    assert last["sex"]["score"] > 0.9
    assert last["speaker"]["score"] > 0.3
    asked_for = {row["target"]: row for row in table(made, "targets")}
    assert asked_for["speaker"]["asked about clips"] == "of the same speakers"
    assert asked_for["speaker"]["chance"] == 1 / 12
    assert asked_for["sex"]["asked about clips"] == "of other speakers"
    assert {"voice", "weights_voice", "weights_labels"} <= {f.name for f in made.figures}
    # what else is known is told and not judged
    judged = {f.target for f in made.findings if f.limit is not None}
    assert judged == {"arousal"}


def test_other_models_stand_in_every_curve_with_differences_paired_by_speaker(oracle, clips):
    others = {AGAINST: oracle, RANDOM_TWIN: toy_corpus.answers("random", clips)}
    made = result(dataclasses.replace(oracle, others=others))
    (curve,) = [f for f in made.figures if f.name == "curve_emotion"]
    assert [s.name for s in curve.series] == ["this model", "against", "random twin"]
    same = found(made, "probe_uar_gain", "linear, last layer, minus against")
    assert (same.value, same.low, same.high) == (0, 0, 0)
    twin = found(made, "probe_uar_gain", "linear, last layer, minus random twin")
    assert twin.low > 0.5
    assert {row["minus"] for row in table(made, "differences")} == {"against", "random twin"}


@pytest.mark.parametrize("kind", ["mlp", "superb"])
def test_trained_probes_read_the_oracle_too(oracle, kind):
    made = result(oracle, kind=(kind,), learning_rate=3e-3, folds=3)
    assert f"The learning rate of {kind} probes is 0.003 (" in " ".join(made.notes)
    assert found(made, "probe_uar", f"{kind}, last layer").value > 0.8
    assert len(table(made, "weights")) == 1


def test_clips_without_layers_are_left_out_and_counted(oracle):
    means = np.concatenate(oracle.layers.shards).copy()
    means[:5] = np.nan
    made = result(dataclasses.replace(oracle, layers=Layers(shards=(means,))))
    assert found(made, "probe_uar", "linear, last layer").n == len(oracle.clips) - 5
    assert "5 clips have no layers and are left out." in made.notes


def test_one_layer_has_no_average(oracle):
    means = np.concatenate(oracle.layers.shards)[:, 3:]
    made = result(dataclasses.replace(oracle, layers=Layers(shards=(means,))))
    assert [row["input"] for row in table(made, "inputs")] == ["best layer", "last layer"]
    two = np.concatenate(oracle.layers.shards)[:, 2:]
    made = result(dataclasses.replace(oracle, layers=Layers(shards=(two,))))
    assert "average without last two" not in [row["input"] for row in table(made, "inputs")]


def test_a_layer_that_is_the_same_for_every_clip_is_named(oracle):
    means = np.concatenate(oracle.layers.shards).copy()
    means[:, 1] = 0.5
    made = result(dataclasses.replace(oracle, layers=Layers(shards=(means,))))
    assert "These layers are the same for every clip: 1." in made.notes
    (row,) = [r for r in table(made, "layers") if r["layer"] == 1]
    assert row["score"] == pytest.approx(1 / 8, abs=0.02)


def test_more_dimensions_than_clips_are_regularised_and_said(clips):
    few = clips.groupby("speaker").head(1)
    tables = toy_corpus.answers("oracle", few)
    notes = " ".join(result(tables, targets=("arousal",)).notes)
    assert "a layer has 16 dimensions and a probe is trained on as few as 9 clips" in notes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folds": 13}, "12 speakers are too few for 13 folds"),
        ({"folds": 1}, "folds is 1"),
        ({"targets": ("ennui",)}, "the corpus has no column 'ennui'"),
        ({"group": "session"}, "the corpus has no column 'session'"),
    ],
)
def test_what_cannot_be_asked_is_skipped_with_a_sentence(oracle, options, said):
    made = result(oracle, **options)
    (only,) = made.findings
    assert only.verdict is Verdict.SKIPPED
    assert said in only.reason
    assert made.answer == f"Not measured: {only.reason}."


def test_one_class_and_classes_of_one_speaker_are_no_question(oracle):
    alike = dataclasses.replace(oracle, clips=oracle.clips.assign(emotion="anger"))
    assert "the clips with emotion have only one value" in result(alike).findings[0].reason
    first = oracle.clips["speaker"] == oracle.clips["speaker"].iloc[0]
    emotion = oracle.clips["emotion"].where(~first, "ennui")
    made = result(dataclasses.replace(oracle, clips=oracle.clips.assign(emotion=emotion)))
    assert any("ennui (16 clips) is left out: its clips are in one fold." in note for note in made.notes)
    assert table(made, "targets")[0]["classes"] == 8
    own = oracle.clips.assign(dialect="of " + oracle.clips["speaker"])
    made = result(dataclasses.replace(oracle, clips=own), targets=("dialect",))
    assert "no two classes that are each in two folds" in made.findings[0].reason


def test_an_unknown_kind_of_probe_is_an_error(oracle):
    with pytest.raises(AuditError, match="unknown kind of probe 'lineal'"):
        result(oracle, kind=("lineal",))


def test_numbers_in_the_unit_of_their_column_and_words_as_classes(oracle):
    tables = dataclasses.replace(
        oracle,
        clips=oracle.clips.assign(f0_hz=np.where(oracle.clips["sex"] == "female", 210.0, 120.0), loud=True),
    )
    tables.clips.iloc[0, tables.clips.columns.get_loc("f0_hz")] = np.nan
    made = result(tables, targets=("f0_hz", "language", "loud"))
    last = {row["target"]: row for row in table(made, "layers") if row["layer"] == 3}
    assert last["f0_hz"]["metric"] == "ccc"
    assert last["f0_hz"]["score"] > 0.8
    assert last["language"]["metric"] == "uar"
    assert "f0_hz: 1 clip has no voiced frame and is left out." in made.notes
    assert [f.target for f in made.findings if f.verdict is Verdict.SKIPPED] == ["loud"]


def test_published_values_stand_beside_those_of_the_same_corpus(oracle, told):
    tables = dataclasses.replace(oracle, corpus="ravdess")
    (published,) = [t for t in result(tables).tables if t.name == "published_inputs"]
    assert published.rows[1] == ["last layer", 0.5285, 0.5951, 0.4656]
    assert not [t for t in told.tables if t.name == "published_inputs"]


def test_a_model_without_layers_is_skipped(clips):
    bare = dataclasses.replace(toy_corpus.answers("oracle", clips), layers=None)
    (only,) = result(bare).findings
    assert only.reason == "the model has no layers"


def test_pitch_is_measured_only_where_it_is_asked_for():
    assert PROBES.needs(**PROBES.settings({})).measured_columns == ()
    assert PROBES.needs(**PROBES.settings({"targets": ("emotion",)})).measured_columns == ()
    assert PROBES.needs(**PROBES.settings({"targets": ("f0_hz",)})).measured_columns == ("f0_hz",)


# chance is a tenth; of fewer clips a probe learns less
@pytest.mark.parametrize(
    ("step", "recognised"), [(3, 0.35), pytest.param(1, 0.5, marks=pytest.mark.acceptance)]
)
def test_the_default_model_knows_emotions_and_speakers_of_emodb(tmp_path, step, recognised):
    if not EMODB.is_dir():
        pytest.skip("no EmoDB in ../shared/data")
    settings = predict.Settings(cache=tmp_path)
    options = {"targets": ("emotion", "sex", "speaker")}
    corpus = load_corpus(str(EMODB))
    some = dataclasses.replace(corpus, clips=corpus.clips.iloc[::step])
    (made,) = pipeline_run.run(load_model("default"), some, [PROBES.plan(options)], settings=settings)
    assert found(made, "above_chance", "linear, best layer").verdict is Verdict.PASS
    assert found(made, "probe_accuracy", "linear, best layer", "speaker").value > recognised
    assert isinstance(made.answer, str)


def test_tables_are_not_changed(oracle, told, clips):
    before = np.concatenate(toy_corpus.layers("oracle", clips).shards)
    assert np.array_equal(np.concatenate(oracle.layers.shards), before)
    assert isinstance(oracle, Tables)
