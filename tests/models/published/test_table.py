"""The table of public checkpoints: its fields are valid, and what it claims of tests and commands is so."""

import ast
import json
import re
import shlex
import tomllib

import pytest
import typer
from typer.testing import CliRunner

import sertools
from sertools.cli.app import app
from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, SYNONYMS, canonical, is_unknown
from sertools.models.checkpoints import foreign_layouts
from sertools.models.checkpoints.hub.files import hub_id
from sertools.models.checkpoints.layouts import LAYOUTS
from sertools.models.load import originals, schemes
from sertools.models.published import table
from sertools.models.published.table import NOT_TRIED, checkpoints, of_source
from tests.helpers.places import ROOT

ROWS = checkpoints()

COMPARISONS = {
    "native": "kinds/test_transformers.py::"
    "test_a_batch_of_unequal_clips_equals_the_stock_forward_clip_by_clip",
    "dense-tanh-out": "checkpoints/test_layouts.py::test_pooling_mode_of_the_template_is_obeyed",
    "dense-tanh-output": "checkpoints/test_layouts.py::test_the_head_of_ehcalabres_equals_its_class",
    "age-gender": "checkpoints/test_layouts.py::test_the_two_heads_for_age_and_gender_equal_their_class",
    "attentive-statistics": "checkpoints/foreign/test_odyssey.py::test_it_equals_the_network_of_its_authors",
    "normalised-mean": "checkpoints/foreign/test_speechbrain.py::"
    "test_it_equals_the_computation_of_its_authors",
    "weighted-layers-mean": "checkpoints/foreign/test_vox_profile.py::"
    "test_emotions_equal_the_network_of_its_authors",
    "mean-feedforward": "checkpoints/foreign/test_autrainer.py::test_it_equals_the_network_of_its_authors",
    "emotion2vec": "kinds/test_emotion2vec.py::test_scores_and_features_are_those_of_funasrs_own_inference",
    "sensevoice": "kinds/test_sensevoice.py::test_answers_are_those_of_funasr",
    "cnn14": "kinds/test_cnn14.py::test_scores_and_blocks_equal_the_papers_table_written_a_second_time",
    "onnx": "kinds/test_onnx.py::test_audonnx_directory_equals_the_torch_network_clip_by_clip",
}
"""Layout or kind of model → the test, below tests/models/, that compares it with its original."""

OWN_NAMES = {"a", "h", "n", "s", "age", "female", "male", "child", "positive", "enthusiasm"}
"""Labels of public checkpoints that are neither an emotion of the vocabulary nor a rating."""


def test_there_are_many_and_each_is_listed_once():
    ids = [row.id.lower() for row in ROWS]
    assert len(ids) >= 25
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_fields_of_a_row_are_valid(row):
    named = hub_id(row.id)
    assert named is not None
    assert (named.inside, named.revision) == ("", "")
    known = {*LAYOUTS, *foreign_layouts.originals(), *schemes()}
    assert row.head is None or row.head in known
    assert row.scheme in schemes()
    assert row.architecture != ""
    assert row.licence is None or re.fullmatch(r"[a-z0-9.-]+", row.licence)
    assert row.facts
    assert row.labels is None or len({canonical(label) for label in row.labels}) == len(row.labels)
    assert all(not text or text.endswith(".") for text in (row.reason, row.note))
    assert not (row.reason and (row.head or row.options)), "what cannot be loaded has no head that is read"


def test_labels_are_those_of_the_vocabulary_or_known_not_to_be():
    labels = {canonical(label) for row in ROWS for label in row.labels or ()}
    strange = {label for label in labels if label not in SYNONYMS and not is_unknown(label)}
    assert strange == OWN_NAMES
    assert set(DIMENSIONS) <= labels


def test_an_extra_is_one_of_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {row.extra for row in ROWS if row.extra} <= set(extras)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_line_is_understood_and_names_the_checkpoint(row):
    words = shlex.split(row.line)
    assert words[0] == "--model"
    expected = "py:my_model.py:predict" if row.reason else row.id
    assert words[1] in {expected, f"{row.scheme}:{expected}"}
    command = typer.main.get_command(app).get_command(None, "predict")
    command.make_context("predict", [*words, "--data", "clips.csv"])


def test_what_claims_to_have_been_compared_has_a_test_that_compares_it():
    layouts = {name for name, layout in LAYOUTS.items() if layout.original}
    claimed = layouts | set(foreign_layouts.originals()) | set(originals())
    assert claimed == set(COMPARISONS)
    for place in COMPARISONS.values():
        file, _, name = place.partition("::")
        tree = ast.parse((ROOT / "tests" / "models" / file).read_text(encoding="utf-8"))
        test = next(each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name)
        assert "assert_allclose" in ast.unparse(test) or "check_equal" in ast.unparse(test)


def test_every_row_says_that_the_real_weights_were_not_tried():
    assert all(row.tested.startswith(NOT_TRIED) for row in ROWS)
    compared = {row.head for row in ROWS if row.tested != NOT_TRIED}
    assert compared == {row.head for row in ROWS} & set(COMPARISONS)


def test_the_command_shows_the_table_and_names_what_is_unknown():
    made = CliRunner().invoke(app, ["list", "checkpoints", "--format", "json"])
    assert made.exit_code == 0, made.output
    shown = {row["checkpoint"]: row for row in json.loads(made.stdout)}
    assert list(shown) == [row.id for row in ROWS]
    for row in ROWS:
        cells = shown[row.id]
        assert all(cells[name] for name in cells if name not in {"labels", "extra", "remark"})
        assert cells["source"].startswith(f"https://huggingface.co/{row.id} (")
        assert (cells["licence"] == "unknown") == (row.licence is None)
        assert (cells["labels"] == "unknown") == (row.labels is None)
    assert shown["emotion2vec/emotion2vec_base"]["labels"] == ""
    assert len(sertools.list_checkpoints()) == len(ROWS)


def test_the_page_shows_every_row(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import hooks

    page = hooks.checkpoints_table()
    assert len(page.splitlines()) == len(ROWS) + 2
    assert all(f"](https://huggingface.co/{row.id}) |" in page for row in ROWS)
    assert (ROOT / "docs" / "checkpoints.md").read_text().count("<!-- checkpoints -->") == 1


def test_a_checkpoint_is_found_by_its_id_alone():
    assert of_source("superb/hubert-base-superb-er@0123abc").head == "native"
    assert of_source("superb/hubert-base") is None
    assert of_source("some/folder") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[[checkpoint]]\nid = "a/b"\n', r"facts: Field required"),
        ('[[checkpoint]]\nid = "a/b"\nfacts = ["card"]\nlabel = ["x"]\n', r"label: Extra inputs"),
        ('[[checkpoint]]\nid = "a/b"\nfacts = ["rumour"]\n', r"facts\.0: Input should be"),
    ],
)
def test_a_row_that_is_not_valid_is_one_sentence(tmp_path, monkeypatch, content, said):
    (tmp_path / "checkpoints.toml").write_text(content)
    monkeypatch.setattr(table, "files", lambda _: tmp_path)
    with pytest.raises(ModelError, match=said):
        checkpoints()
