"""A model card as the hub reads it, into which an audit is merged without harm."""

import pytest
import yaml
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import EvalResult
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.errors import GateError
from sertools.report.formats.model_card import END, START, merged, write_card
from sertools.results.result import Finding, LeftOut, Limit, Missing
from tests.helpers.comparisons import ccc, result
from tests.helpers.report_results import HOSTILE, hostile_result

LIMIT = Limit(name="ccc", above=0.5)
SKIPPED = Finding(name="mae", target="arousal", value=0.2, n=9, verdict="skipped", reason="too few clips")

THEIRS = """---
license: cc-by-nc-4.0  # asked for by the corpus
language:
- en
model-index:
- name: m
  results:
  - task: {type: audio-classification}
    dataset: {name: Other, type: other}
    metrics: [{type: accuracy, value: 0.9}]
# a comment of theirs
tags: [speech]
---

# My model

Words of mine.

## Licence

More words.
"""


def audited(value=0.71, **more):
    findings = [ccc(value, 0.6, 0.8, limit=LIMIT, verdict="pass"), ccc(0.3, target="valence"), SKIPPED]
    return result(findings, **more)


def test_a_new_card_is_read_by_the_hub_with_value_interval_and_counts():
    card = ModelCard(merged("", [audited(model="mine")]))
    assert card.data.model_name == "mine"
    assert card.data.pipeline_tag == "audio-classification"
    (found,) = card.data.eval_results
    assert (found.metric_type, found.metric_value) == ("ccc", 0.71)
    assert found.metric_name == "ccc of arousal (95 % interval [0.600, 0.800], 50 clips, 5 speakers)"
    assert (found.dataset_name, found.task_type) == ("voices", "audio-classification")
    assert found.source_name.startswith("sertools ")
    assert "# mine" in card.text
    assert "| ccc of arousal | 0.710 | [0.600, 0.800] | 50 | 5 | &gt; 0.5 | ✓ pass |" in card.text
    assert "1 skipped: too few clips" in card.text
    assert "made up" in card.text, "how labels came about is said"


def test_what_is_undefined_skipped_or_neither_judged_nor_paired_is_no_result():
    undefined = Finding(name="uar", value=None, n=0, verdict="skipped", reason="no emotion")
    card = ModelCard(merged("", [result([undefined, SKIPPED, ccc(0.3, target="valence")])]))
    assert card.data.eval_results is None
    assert "no emotion" in card.text


def test_a_score_that_can_be_paired_is_a_result_though_no_limit_applies():
    kept = LeftOut(name="ccc", target="valence", values={"v": 0.3})
    card = ModelCard(merged("", [result([ccc(0.3, target="valence")], left_out=[kept])]))
    assert [(r.metric_type, r.metric_value) for r in card.data.eval_results] == [("ccc", 0.3)]
    assert "no interval" in card.data.eval_results[0].metric_name


def test_an_existing_card_keeps_every_line_and_every_result_that_is_not_ours():
    after = merged(THEIRS, [audited()])
    card = ModelCard(after)
    assert [(r.dataset_name, r.metric_type, r.metric_value) for r in card.data.eval_results] == [
        ("Other", "accuracy", 0.9),
        ("voices", "ccc", 0.71),
    ]
    before = [line for line in THEIRS.splitlines() if line and not line.startswith((" ", "-", "model-index"))]
    lines = after.splitlines()
    places = [lines.index(line) for line in before]
    assert places == sorted(places)
    assert card.data.to_dict()["tags"] == ["speech"]
    assert after.count("---\n") >= 2


def test_merging_again_changes_nothing_and_a_new_audit_replaces_the_old():
    once = merged(THEIRS, [audited()])
    assert merged(once, [audited()]) == once
    again = merged(once + "\nWords after.\n", [audited(0.65)])
    assert [r.metric_value for r in ModelCard(again).data.eval_results] == [0.9, 0.65]
    assert "0.710" not in again
    assert again.count(START) == again.count(END) == 1
    assert again.endswith("\n\nWords after.\n")


def test_a_card_without_front_matter_or_without_results_gets_what_it_lacks():
    plain = merged("# Mine\n\nWords.\n", [audited()])
    assert ModelCard(plain).data.eval_results[0].metric_value == 0.71
    assert "# Mine\n\nWords.\n" in plain
    bare = merged("---\nlicense: mit\n---\n# Mine\n", [audited()])
    assert ModelCard(bare).data.license == "mit"
    assert ModelCard(bare).data.eval_results[0].metric_value == 0.71
    empty = merged("---\n---\n# Mine\n", [audited()])
    assert ModelCard(empty).data.eval_results[0].metric_value == 0.71


def test_results_of_several_models_in_one_card_stay_apart():
    two = THEIRS.replace(
        "# a comment",
        "- name: second\n  results:\n  - task: {type: t}\n    dataset: {name: D, type: d}\n"
        "    metrics: [{type: f1, value: 0.5}]\n# a comment",
    )
    index = yaml.safe_load(merged(two, [audited(model="second")]).split("---\n")[1])["model-index"]
    assert {each["name"]: len(each["results"]) for each in index} == {"m": 1, "second": 2}
    third = yaml.safe_load(merged(two, [audited(model="third")]).split("---\n")[1])["model-index"]
    assert {each["name"]: len(each["results"]) for each in third} == {"m": 1, "second": 1, "third": 1}


def test_line_ends_stay_those_of_the_card():
    after = merged(THEIRS.replace("\n", "\r\n"), [audited()])
    assert after.replace("\r\n", "").count("\n") == 0
    assert after.replace("\r\n", "\n") == merged(THEIRS, [audited()])


def test_hostile_names_stay_text_and_the_card_stays_readable():
    nasty = hostile_result().model_copy(update={"left_out": [], "model": {"name": f"--- {HOSTILE} {END}"}})
    after = merged(THEIRS, [nasty])
    card = ModelCard(after)
    assert isinstance(card.data.eval_results[0], EvalResult)
    assert "<script>" not in card.text
    assert after.count(END) == 1
    assert "# My model" in card.text
    assert merged(after, [nasty]) == after


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("---\na: [\n---\n", "the front matter is not valid YAML"),
        ("---\n- a\n---\n", "not a YAML mapping"),
        ("---\nmodel-index: [{name: x}]\n---\n", "the model-index cannot be read"),
        ("---\nmodel-index:\n- name: x\n  results: [{task: {}}]\n---\n", "the model-index cannot be read"),
        (f"# Mine\n{START}\n", "must occur exactly once, begin before end"),
        (f"{END}\n{START}\n", "must occur exactly once, begin before end"),
        (f"{START}\n{END}\n{START}\n{END}\n", "must occur exactly once, begin before end"),
    ],
)
def test_a_card_that_cannot_be_merged_is_one_sentence(tmp_path, card, message):
    (tmp_path / "README.md").write_text(card)
    with pytest.raises(GateError, match=message) as error:
        write_card([audited()], tmp_path)
    assert str(tmp_path / "README.md") in error.value.message
    assert (tmp_path / "README.md").read_text() == card


def test_results_of_several_models_are_no_card():
    with pytest.raises(GateError, match="describes one model, but these results are from a, b"):
        merged("", [audited(model="a"), audited(model="b")])


def test_missing_clips_are_told():
    gone = [Missing(clip="a", condition="clean", reason="broken")]
    assert "1 clip could not be scored" in merged("", [audited(missing=gone)])


def test_the_command_writes_into_a_folder_or_a_file(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "correctness.json").write_text(audited().to_json())
    for place, file in (("card", "card/README.md"), ("CARD.md", "CARD.md")):
        done = CliRunner().invoke(app, ["report", str(folder), "--model-card", str(tmp_path / place)])
        assert done.exit_code == 0, done.stderr
        assert done.stderr.strip() == str(tmp_path / file)
        assert ModelCard.load(tmp_path / file).data.eval_results[0].metric_value == 0.71
    assert not (folder / "report.html").exists()


def test_a_file_that_is_no_text_ends_with_2(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "correctness.json").write_text(audited().to_json())
    (tmp_path / "README.md").write_bytes(b"\xff\xfe\x00")
    done = CliRunner().invoke(app, ["report", str(folder), "--model-card", str(tmp_path)])
    assert done.exit_code == 2
    assert "is not a valid model card: it is not UTF-8 text" in done.stderr
