"""A model is not judged on what it was trained on, unless the user asks for it."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import sertools
from sertools.cli.app import app
from sertools.comparison.compare import compare
from sertools.corpora.load import load_corpus
from sertools.corpora.seen.record import record_of
from sertools.errors import CorpusError
from sertools.inference.settings import Settings
from sertools.report import content
from sertools.results.provenance import ON_TRAINING_DATA
from sertools.results.result import Verdict
from tests.helpers.places import ROOT
from tests.helpers.small import noises

EMODB = ROOT.parent / "shared" / "data" / "emodb"
OTHERS = [f"s{i}" for i in range(2, 6)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return noises(tmp_path_factory.mktemp("noises"), 48)


def trained(corpus, speakers, name="toy:loudness"):
    model = sertools.load_model(name)
    chosen = corpus.clips[corpus.clips["speaker"].isin(speakers)]
    model.training = record_of([replace(corpus, clips=chosen)])
    return model


def audited(model, corpus, tmp_path, *names, **options):
    settings = Settings(cache=tmp_path / "cache")
    return sertools.audit(model, corpus, *(names or ["correctness"]), settings=settings, **options)


def test_only_unseen_speakers_are_judged_and_the_rest_is_shown_apart(corpus, tmp_path):
    (result,) = audited(trained(corpus, ["s0", "s1"]), corpus, tmp_path)
    line = "16 of 48 clips, 2 of 6 speakers, were in its training. The other 32 clips are judged."
    assert result.answer.startswith(line)
    assert content.warnings([result])[0] == line
    unseen = replace(corpus, clips=corpus.clips[corpus.clips["speaker"].isin(OTHERS)])
    (alone,) = audited("toy:loudness", unseen, tmp_path)
    judged = [f for f in result.findings if not f.name.endswith(ON_TRAINING_DATA)]
    assert judged == alone.findings
    seen = replace(corpus, clips=corpus.clips[corpus.clips["speaker"].isin(["s0", "s1"])])
    (rest,) = audited("toy:loudness", seen, tmp_path)
    apart = {f.key: f for f in result.findings if f.name.endswith(ON_TRAINING_DATA)}
    for finding in rest.findings:
        if finding.slice == "all" and finding.value is not None and finding.name != "coverage":
            shown = apart.pop(replace(finding.key, name=finding.name + ON_TRAINING_DATA))
            assert (shown.value, shown.n, shown.verdict, shown.limit) == (
                finding.value,
                finding.n,
                Verdict.NONE,
                None,
            )
    assert not apart
    assert result.data["clips"] == 32


def test_clips_of_dev_speakers_are_judged_and_named(corpus, tmp_path):
    model = trained(corpus, ["s0", "s1"])
    dev = trained(corpus, ["s2"]).training
    model.training = model.training.model_copy(update={"chosen_on": dev.speakers})
    (result,) = audited(model, corpus, tmp_path)
    line = (
        "The other 32 clips are judged. 8 of the judged clips are of dev speakers, by whose scores its "
        "weights were chosen, so its scores on these are likely too high."
    )
    assert line in result.answer
    assert line in content.warnings([result])[0]
    rest = replace(corpus, clips=corpus.clips[corpus.clips["speaker"].isin(["s3", "s4"])])
    (other,) = audited(model, rest, tmp_path)
    assert "dev speakers" not in other.answer
    alone = replace(corpus, clips=corpus.clips[corpus.clips["speaker"].isin(["s2", "s4"])])
    (of_dev,) = audited(model, alone, tmp_path)
    assert of_dev.answer.startswith("8 of the judged clips are of dev speakers")


def test_the_result_file_records_what_was_in_the_training(corpus, tmp_path):
    audited(trained(corpus, ["s0", "s1"]), corpus, tmp_path, out=tmp_path / "out")
    (back,) = sertools.read_results(tmp_path / "out")
    facts = back.provenance["training"]
    assert (facts["clips"], facts["of_clips"], facts["speakers"], facts["of_speakers"]) == (16, 48, 2, 6)
    assert (facts["judged_clips"], facts["allowed"], facts["record"]) == (32, False, "next to the weights")
    shown = CliRunner().invoke(app, ["gate", str(tmp_path / "out")])
    assert "16 of 48 clips, 2 of 6 speakers, were in its training" in shown.stderr


def test_a_plan_counts_the_clips_that_an_audit_predicts(corpus, tmp_path):
    model, settings = trained(corpus, ["s0", "s1"]), Settings(cache=tmp_path / "cache")
    planned = sertools.plan(model, corpus, "correctness", "robustness", settings=settings)
    todo = {cost.condition: cost.todo for cost in planned.costs}
    assert (todo.pop("clean"), set(todo.values())) == (48, {32})


def test_training_data_are_judged_on_request_and_the_answer_says_so(corpus, tmp_path):
    (result,) = audited(trained(corpus, ["s0"]), corpus, tmp_path, allow_training_data=True)
    (plain,) = audited("toy:loudness", corpus, tmp_path)
    assert result.findings == plain.findings
    assert result.answer == (
        "8 of 48 clips, 1 of 6 speakers, were in its training. They are judged like the others "
        f"(--allow-training-data). {plain.answer}"
    )


def test_a_model_is_not_tested_on_nothing_but_its_training_data(corpus, tmp_path):
    speakers = [f"s{i}" for i in range(6)]
    with pytest.raises(CorpusError, match="48 of 48 clips, 6 of 6 speakers, were in its training"):
        audited(trained(corpus, speakers), corpus, tmp_path)


def test_trained_on_does_the_same_for_a_model_without_a_record(corpus, tmp_path):
    table = corpus.root / "training.csv"
    table.write_text("path,speaker_id,activation\n000.wav,s0,7\n001.wav,s1,1\n")
    (result,) = audited("toy:loudness", corpus, tmp_path, trained_on=table)
    assert result.answer.startswith(
        "2 of 48 clips, 2 of 6 speakers, were in its training. 14 other clips are of these speakers. "
        "The other 32 clips are judged."
    )
    assert result.provenance["training"]["record"] == "training"


def test_rows_about_clips_that_are_not_judged_are_not_said_to_match_nothing(corpus, tmp_path):
    rows = pd.DataFrame({"clip": [*corpus.clips.index, "elsewhere.wav"], "arousal": 0.5})
    rows.to_csv(tmp_path / "p.csv", index=False)
    known = replace(corpus, clips=corpus.clips[corpus.clips["speaker"] == "s0"])
    (result,) = audited(f"predictions:{tmp_path / 'p.csv'}", corpus, tmp_path, trained_on=known)
    assert result.model["unmatched"] == "1 of 49 rows"
    assert "1 row matches no clip of the corpus: elsewhere.wav." in result.notes


def test_nothing_is_said_where_nothing_was_in_the_training(corpus, tmp_path):
    new = noises(tmp_path / "new", 12, seed=9)
    others = replace(new, clips=new.clips.assign(speaker="new " + new.clips["speaker"]))
    (result,) = audited(trained(corpus, ["s0"]), others, tmp_path)
    assert "in its training" not in result.answer
    assert result.provenance["training"]["clips"] == 0


def test_speakers_of_the_same_table_who_are_known_by_their_id_alone_are_left_out_and_that_is_said(
    corpus, tmp_path
):
    new = noises(tmp_path / "new", 48, seed=9)
    (result,) = audited(trained(corpus, ["s0"]), new, tmp_path)
    assert result.answer.startswith(
        "1 of 6 speakers were in its training. The speakers are recognised by their ids "
        "alone. 8 clips are of these speakers. The other 40 clips are judged."
    )


def test_audits_without_a_model_see_the_whole_corpus_and_keep_their_place(corpus, tmp_path):
    halves = corpus.clips.assign(split=["train"] * 24 + ["test"] * 24)
    split = replace(corpus, clips=halves)
    model = trained(corpus, ["s0"])
    leakage, correctness = audited(model, split, tmp_path, "leakage", "correctness")
    assert (leakage.audit, correctness.audit) == ("leakage", "correctness")
    assert (leakage.data["clips"], correctness.data["clips"]) == (48, 40)
    assert "training" not in leakage.provenance


def test_a_comparison_says_which_model_knew_the_clips(corpus, tmp_path):
    runs = [
        ("fresh", audited("toy:loudness", corpus, tmp_path)),
        ("trained", audited(trained(corpus, ["s0"]), corpus, tmp_path)),
    ]
    assert "trained: 8 of 48 clips, 1 of 6 speakers, were in its training." in compare(runs).answer


def test_exported_predictions_carry_the_record_of_their_model(corpus, tmp_path):
    table = tmp_path / "answers.csv"
    sertools.predict(trained(corpus, ["s0"]), corpus, out=table, settings=Settings(cache=tmp_path / "cache"))
    (result,) = audited(f"predictions:{table}", corpus, tmp_path)
    assert result.answer.startswith("8 of 48 clips, 1 of 6 speakers, were in its training.")
    sertools.predict("toy:loudness", corpus, out=table, settings=Settings(cache=tmp_path / "cache"))
    assert "training" not in audited(f"predictions:{table}", corpus, tmp_path)[0].provenance


def test_the_embedded_model_knows_its_speakers_of_emodb():
    """The record holds 304 official clips, 180 takes of lower agreement and 256 synthetic clips."""
    record = sertools.load_model("default").training
    assert record is not None
    assert record.clips == 740
    counts = {of: sum(len(s.clips) for s in record.speakers if s.corpus == of) for of in ("emodb", "x")}
    assert counts == {"emodb": 304, "x": 0}
    people = {s.speaker for s in record.speakers if s.corpus.startswith("emodb")}
    assert people == {"03", "08", "09", "10", "11", "13"}
    voices = [s for s in record.speakers if s.corpus == "training-voices"]
    assert [len(s.clips) for s in voices] == [32] * 8
    if not EMODB.is_dir():
        pytest.skip("needs the corpus EmoDB in ../shared/data/emodb")
    corpus = load_corpus(str(EMODB))
    some = corpus.clips[::5]
    from sertools.corpora.seen.overlap import seen

    found = seen(record, replace(corpus, clips=some))
    assert found.clips.tolist() == some["speaker"].isin(people).tolist()
    assert (
        Path(sertools.__file__).parent.joinpath("data/default/training_record.json").stat().st_size < 20_000
    )
