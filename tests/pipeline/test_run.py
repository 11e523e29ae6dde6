"""The whole way in the library: predictions, the meeting of labels, results, exports."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.auditing import audit, contract
from sertools.auditing import run as auditing
from sertools.auditing.suites import read_suite
from sertools.corpora.corpus import Corpus
from sertools.errors import AuditError, CorpusError, ModelError, StoreError
from sertools.inference import predict
from sertools.inference.build_tables import Predicted
from sertools.inference.build_tables import tables as tables_of
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions, load_model
from sertools.pipeline import export, run, write
from sertools.results.read import read_results
from sertools.tables.condition import Condition
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.small import Meter, noises

NOTHING_MISSING = pd.DataFrame(columns=["clip", "condition", "reason"])


def answered(
    rows: dict[str, list[float]],
    truth: dict[str, list],
    *,
    task="single_label",
    label_map=None,
    perturbed: dict[str, list[float]] | None = None,
):
    """The tables of a model with these scores on clips with this truth."""
    n = len(next(iter(rows.values())))
    index = pd.Index([f"c{i}" for i in range(n)], name="clip")
    clips = pd.DataFrame({"file": "x.wav", "start": np.nan, "end": np.nan, **truth}, index=index)
    model = Meter(labels=tuple(rows), task=task)
    predicted = {"clean": Predicted(scores=pd.DataFrame(rows, index=index), missing=NOTHING_MISSING)}
    if perturbed:
        predicted["gain@2dB"] = Predicted(
            scores=pd.DataFrame(perturbed, index=index), missing=NOTHING_MISSING
        )
    return tables_of(model, Corpus(name="toy", clips=clips, root=Path()), predicted, label_map)


def test_labels_meet_by_synonym_whatever_their_order():
    rows = {"sad": [0.1, 0.2], "ANG": [0.9, 0.2], "Joy": [0.0, 0.6]}
    tables = answered(rows, {"emotion": ["anger", "happiness"]})
    assert list(tables.predictions["clean"]) == ["sadness", "anger", "happiness"]
    assert tables.predictions["clean"].loc["c1", "happiness"] == 0.6
    assert tables.classes == ("anger", "happiness")
    assert tables.model_classes == ("sadness", "anger", "happiness")


def test_dimensions_meet_by_synonym():
    rows = {"activation": [0.1, 0.2], "sentiment": [0.3, 0.4], "control": [0.5, 0.6]}
    tables = answered(rows, {"arousal": [0.0, 1.0], "valence": [0.2, 0.3]}, task="regression")
    assert tables.dimensions == ("arousal", "valence")
    assert tables.predictions["clean"]["dominance"].tolist() == [0.5, 0.6]
    assert tables.notes == ("The corpus does not rate dominance.",)


def test_a_label_map_is_asked_first_and_several_labels_become_one_class():
    rows = {"LABEL_0": [0.2, 0.1], "excited": [0.3, 0.5], "happy": [0.5, 0.4]}
    mapped = {"LABEL_0": "sad", "excited": "happiness"}
    tables = answered(rows, {"emotion": ["sadness", "happiness"]}, label_map=mapped)
    assert tables.predictions["clean"]["sadness"].tolist() == [0.2, 0.1]
    assert tables.predictions["clean"]["happiness"].tolist() == pytest.approx([0.8, 0.9], abs=1e-15)


def test_classes_that_only_one_side_has_are_listed():
    rows = {"ang": [0.9, 0.1, 0.1], "calm": [0.1, 0.9, 0.9]}
    tables = answered(rows, {"emotion": ["anger", "fear", "fear"]})
    assert tables.classes == ("anger",)
    assert tables.notes == (
        "Emotion metrics use 1 classes: anger.",
        "Only the corpus has fear (2): these clips are excluded from emotion metrics.",
        "Only the model has calm: such a prediction counts as wrong.",
    )


def test_names_that_nobody_knows_are_said_with_what_to_do():
    tables = answered({"LABEL_0": [0.9], "LABEL_1": [0.1]}, {"emotion": ["anger"]})
    assert tables.classes == ()
    assert tables.notes[-1] == (
        "The model predicts label_0, label_1, but the corpus has none of these labels; map names that mean "
        "the same with --label-map THEIRS=OURS."
    )
    tables = answered({"LABEL_0": [0.9]}, {"valence": [0.1]}, task="regression")
    assert tables.dimensions == ()
    assert tables.notes[-1] == (
        "The model's label_0 is not a known dimension; name the dimension with --label-map THEIRS=OURS."
    )


def test_ratings_that_are_constants_of_the_emotion_are_noted_with_their_number_of_values():
    """Dimensions derived from the emotion of a clip have a value for each emotion."""
    derived = [0.2, 0.5, 0.8] * 10
    (note,) = [n for n in answered({"arousal": derived}, {"arousal": derived}).notes if "distinct" in n]
    assert note.startswith("The ratings of arousal have only 3 distinct values: ")
    rated = np.linspace(0, 1, 30).tolist()
    assert not [n for n in answered({"arousal": rated}, {"arousal": rated}).notes if "distinct" in n]


def test_two_labels_for_one_dimension_are_an_error():
    with pytest.raises(ModelError, match="two labels of meter mean valence"):
        answered({"valence": [0.1], "sentiment": [0.2]}, {"valence": [0.1]}, task="regression")


@pytest.mark.parametrize("labels", [("anger", "anger"), ("anger", "reason"), ("clip",)])
def test_labels_that_are_taken_are_an_error(tmp_path, labels):
    with pytest.raises(ModelError, match="meter has a label .* which is a duplicate or a reserved name"):
        predict.predict(Meter(labels=labels), noises(tmp_path / "c", 3), settings=Settings(cache=tmp_path))


def test_a_scale_that_is_not_zero_to_one_is_pointed_out():
    tables = answered({"arousal": [1.0, 6.5]}, {"arousal": [0.0, 1.0]}, task="regression")
    assert tables.notes == (
        "Predictions of arousal range from 1 to 6.5, but ratings are in [0, 1]: if the model uses another "
        "scale, name it, as in --model-scale 1:7.",
    )
    within = answered({"arousal": [-0.4, 1.4]}, {"arousal": [0.0, 1.0]}, task="regression")
    assert within.notes == ()


def test_a_condition_that_lost_every_clip_takes_no_label_from_the_others():
    tables = answered(
        {"arousal": [0.1, 0.2]},
        {"arousal": [0.0, 1.0]},
        task="regression",
        perturbed={"arousal": [np.nan, np.nan]},
    )
    assert tables.dimensions == ("arousal",)
    assert tables.predictions["clean"]["arousal"].tolist() == [0.1, 0.2]
    assert tables.predictions["gain@2dB"]["arousal"].isna().all()


def test_a_label_without_a_single_number_is_no_label():
    rows = {"arousal": [0.1, 0.2], "anger": [np.nan, np.nan]}
    tables = answered(rows, {"arousal": [0.0, 1.0], "emotion": ["anger", "anger"]})
    assert list(tables.predictions["clean"]) == ["arousal"]
    assert tables.classes == ()


def test_permuting_id2label_and_its_rows_changes_no_result(tmp_path):
    """Labels are names: a checkpoint whose outputs are stored in another order is the same model."""
    import torch
    from safetensors.torch import load_file, save_file

    one = write_checkpoint(tmp_path / "one", num_hidden_layers=1)
    other = write_checkpoint(tmp_path / "other", num_hidden_layers=1)
    order = [2, 0, 3, 1]
    config = json.loads((other / "config.json").read_text())
    names = [config["id2label"][str(i)] for i in order]
    config["id2label"] = {str(i): name for i, name in enumerate(names)}
    config["label2id"] = {name: i for i, name in enumerate(names)}
    (other / "config.json").write_text(json.dumps(config))
    tensors = load_file(other / "model.safetensors")
    for key in ("classifier.weight", "classifier.bias"):
        tensors[key] = tensors[key][torch.tensor(order)].contiguous()
    save_file(tensors, other / "model.safetensors", metadata={"format": "pt"})

    corpus = noises(tmp_path / "c", 12, samples=1000)
    settings = Settings(cache=tmp_path / "cache")
    found = []
    for folder in (one, other):
        model = load_model(str(folder), LoadOptions(device="cpu"))
        tables = tables_of(model, corpus, predict.predict(model, corpus, settings=settings))
        found.append(auditing.run(audit.load("correctness").plan(), tables, seed=0).findings)
    key = {(f.name, f.target, f.slice): f.value for f in found[0]}
    assert len(key) == len(found[1]) > 10
    for f in found[1]:
        assert f.value == pytest.approx(key[f.name, f.target, f.slice], abs=1e-12, nan_ok=True)


def test_one_output_is_a_regression_of_the_dimension_it_names(tmp_path):
    folder = write_checkpoint(tmp_path / "one", labels=["activation"], num_hidden_layers=1)
    model = load_model(str(folder), LoadOptions(device="cpu"))
    assert (model.task, model.labels) == ("regression", ("activation",))
    corpus = noises(tmp_path / "c", 8, samples=1000)
    predicted = predict.predict(model, corpus, settings=Settings(cache=tmp_path / "cache"))
    tables = tables_of(model, corpus, predicted)
    assert tables.dimensions == ("arousal",)
    assert tables.classes == ()


def test_a_second_audit_asks_the_model_nothing_and_finds_the_same(tmp_path):
    corpus, model = noises(tmp_path / "c", 12), Meter()
    settings = Settings(cache=tmp_path / "cache")
    audits = [audit.load("correctness").plan()]
    first = run.run(model, corpus, audits, settings=settings)
    assert model.clips == 12
    second = run.run(model, corpus, audits, settings=settings)
    assert model.clips == 12
    assert [r.findings for r in first] == [r.findings for r in second]


def test_missing_clips_enter_no_number_and_are_listed_in_the_result(tmp_path):
    corpus = noises(tmp_path / "c", 12)
    (tmp_path / "c/003.wav").write_bytes(b"rubbish")
    (result,) = run.run(
        Meter(), corpus, [audit.load("correctness").plan()], settings=Settings(cache=tmp_path / "cache")
    )
    assert {f.n for f in result.findings if f.target in {"arousal", "valence"}} == {11}
    assert [(m.clip, m.condition) for m in result.missing] == [("clip 003", "clean")]
    assert "003.wav cannot be decoded as audio" in result.missing[0].reason
    assert result.data["clips"] == 12


def test_digital_silence_is_kept_and_noted(tmp_path):
    from sertools.audio.files import write_audio

    corpus = noises(tmp_path / "c", 12)
    write_audio(tmp_path / "c/003.wav", np.zeros(900), 16000)
    (result,) = run.run(
        Meter(), corpus, [audit.load("correctness").plan()], settings=Settings(cache=tmp_path / "cache")
    )
    assert "1 clips are digital silence; they are included and scored." in result.notes
    assert {f.n for f in result.findings if f.target == "arousal"} == {12}


def test_a_corpus_that_is_all_broken_is_an_error_with_the_usual_reason(tmp_path):
    corpus = noises(tmp_path / "c", 5)
    for path in (tmp_path / "c").glob("*.wav"):
        path.write_bytes(b"")
    with pytest.raises(CorpusError, match=r"none of the 5 clips of clips could be scored; .* is empty"):
        predict.predict(Meter(), corpus, settings=Settings(cache=tmp_path / "cache"))


def test_a_bare_encoder_predicts_nothing_and_says_so(tmp_path):
    model = Meter(labels=(), task="encoder")
    with pytest.raises(ModelError, match=r"meter is a bare encoder.*sertools finetune"):
        predict.predict(model, noises(tmp_path / "c", 3), settings=Settings(cache=tmp_path))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_export_has_every_bit_in_corpus_order(tmp_path, suffix):
    corpus = noises(tmp_path / "c", 9)
    (tmp_path / "c/004.wav").unlink()
    predicted = predict.predict(Meter(), corpus, settings=Settings(cache=tmp_path / "cache"))["clean"]
    path = tmp_path / f"p{suffix}"
    export.to_table(predicted, corpus, path)
    back = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    assert list(back) == ["clip", "file", "arousal", "dominance", "valence"]
    assert back["clip"].tolist() == list(corpus.clips.index)
    assert back["file"].tolist() == [f"{i:03d}.wav" for i in range(9)]
    scores = back[["arousal", "dominance", "valence"]].to_numpy().astype(np.float32)
    stored = predicted.scores.to_numpy()
    assert stored.dtype == np.float32
    assert np.array_equal(scores, stored, equal_nan=True), "not one bit is lost on the way"
    assert np.isnan(scores[4]).all()
    if suffix == ".csv":
        assert path.read_text().splitlines()[5] == "clip 004,004.wav,,,"


def test_an_export_is_read_back_as_a_model_with_the_same_result(tmp_path):
    corpus = noises(tmp_path / "c", 12)
    (tmp_path / "c/004.wav").unlink()
    predicted = predict.predict(Meter(), corpus, settings=Settings(cache=tmp_path / "cache"))
    export.to_table(predicted["clean"], corpus, tmp_path / "p.csv")
    again = load_model(f"predictions:{tmp_path / 'p.csv'}")
    results = [
        run.run(
            model, corpus, [audit.load("correctness").plan()], settings=Settings(cache=tmp_path / "cache")
        )[0]
        for model in (Meter(), again)
    ]
    # the model could not hear clip 004; a table that lacks it leaves a clip unanswered
    coverage = {f.value for f in results[1].findings if f.name == "coverage"}
    assert coverage == {11 / 12}
    alone = {f.key.label: f for f in results[1].findings}
    for one in (f for f in results[0].findings if f.name != "coverage"):
        key = replace(one.key, name=f"{one.name}_of_answered")
        if key.label in alone:
            other = alone[key.label]
            assert (one.value, one.low, one.high, one.n) == (other.value, other.low, other.high, other.n)
        else:  # given only where it differs
            assert one.value == alone[one.label].value
    assert results[1].missing[0].reason == "p has no complete row for this clip"


def test_the_model_must_answer_about_each_condition_or_the_audit_says_what_is_absent(tmp_path):
    corpus = noises(tmp_path / "c", 12)
    gain = Condition(perturbation="gain", level=2, unit="dB")
    predicted = predict.predict(
        Meter(), corpus, conditions=[Condition(), gain], settings=Settings(cache=tmp_path / "cache")
    )
    assert list(predicted) == ["clean", "gain@2dB"]
    ratio = predicted["gain@2dB"].scores["arousal"] / predicted["clean"].scores["arousal"]
    assert np.allclose(ratio, 10 ** (2 / 20), atol=1e-6)  # float32 samples
    tables = tables_of(Meter(), corpus, {"clean": predicted["clean"]})
    needs = contract.Needs(labels="none", conditions=(gain,))
    assert auditing.obstacle(needs, tables) == "there are no predictions for gain@2dB"


def test_results_are_files_named_after_their_audits(tmp_path):
    results = run.run(
        Meter(),
        noises(tmp_path / "c", 12),
        [audit.load("correctness").plan(), audit.load("fairness").plan({"resamples": 50})],
        settings=Settings(cache=tmp_path / "cache", seed=7),
        command="sertools audit",
    )
    paths = write.write_results(results, tmp_path / "out")
    assert [path.name for path in paths] == ["correctness.json", "fairness.json"]
    assert read_results(tmp_path / "out") == results
    provenance = results[0].provenance
    assert provenance["seed"] == 7
    assert provenance["command"] == "sertools audit"
    assert set(provenance["versions"]) >= {"sertools", "python", "torch", "numpy"}
    assert results[1].options.items() >= {"group": ["sex"], "resamples": 50}.items()
    assert results[0].data["speakers_by_sex"] == {"female": 3, "male": 3}
    keys = set(json.loads(paths[0].read_text()))
    assert keys >= {"schema", "audit", "model", "data", "findings", "tables", "figures", "provenance"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_results_that_do_not_fit_leave_the_old_file(tmp_path):
    (result,) = run.run(
        Meter(),
        noises(tmp_path / "c", 6),
        [audit.load("correctness").plan()],
        settings=Settings(cache=tmp_path),
    )
    write.write_results([result], tmp_path / "out")
    old = (tmp_path / "out/correctness.json").read_text()
    (tmp_path / f"out/.correctness.json.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="the disk is full"):
        write.write_results([result], tmp_path / "out")
    assert (tmp_path / "out/correctness.json").read_text() == old


def test_suites_are_found_by_name_and_by_file(tmp_path):
    assert read_suite("quick").audit[0].name == "correctness"
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "T"\ndescription = "D"\n[[audit]]\nname = "fairness"\noptions = { resamples = 9 }\n'
    )
    assert read_suite(str(path)).audit[0].options == {"resamples": 9}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "is not valid TOML"),
        ('title = "T"\ndescription = "D"\naudit = []\nlimits = []\n', "limits: Extra inputs"),
        ('title = "T"\ndescription = "D"\n[[audit]]\n', "audit.0.name: Field required"),
    ],
)
def test_a_file_that_is_no_suite_is_a_sentence(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(AuditError, match=said):
        read_suite(str(path))


def test_an_unknown_suite_is_offered_the_nearest(tmp_path):
    with pytest.raises(AuditError, match="no suite named 'quik'.*did you mean 'quick'"):
        read_suite("quik")
    with pytest.raises(AuditError, match=r"cannot read the suite .*none\.toml: No such file"):
        read_suite(str(tmp_path / "none.toml"))


def test_nothing_is_predicted_for_audits_that_lack_labels(tmp_path):
    corpus = noises(tmp_path, 6)
    corpus = replace(corpus, clips=corpus.clips.drop(columns=["emotion", "arousal"], errors="ignore"))
    asked = []

    class Counting(Meter):
        def predict(self, signals, *, layers=False):
            asked.append(len(signals))
            return super().predict(signals, layers=layers)

    audits = [audit.load(name).plan() for name in ("robustness", "prompts", "fairness")]
    model = Counting(labels=("anger", "neutral"), task="single_label")
    results = run.run(model, corpus, audits, settings=Settings(cache=tmp_path / "cache"))
    assert sum(asked) == len(corpus.clips), "only the clean clips"
    reasons = {result.audit: result.findings[0].reason for result in results}
    assert reasons["prompts"] == "corpus and model share no emotion"
    assert reasons["robustness"] == "the model predicts no dimension and no emotion of the corpus"
