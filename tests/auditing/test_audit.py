"""What an audit file must hold, how one is found, and what the runner watches over."""

import dataclasses
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.auditing.audit import load
from sertools.auditing.contract import Needs
from sertools.auditing.discovery import discover, embedded_folder, may_have_option, name_of, question
from sertools.auditing.run import _digest, obstacle, tables_of
from sertools.auditing.suites import choose
from sertools.cli.app import app
from sertools.errors import AuditError
from sertools.randomness import identity_rng
from sertools.results.result import Limit, Verdict
from sertools.selftest import toy_corpus
from sertools.tables.running_cost import RunningCost
from sertools.tables.tables import ModelData
from tests.helpers.audits import run
from tests.helpers.places import ROOT
from tests.helpers.small import write_noises

EXAMPLES = ROOT / "examples"

WHOLE = '''"""Is this the answer?

It is.
"""
from sertools.auditing.contract import Needs, Outcome
from sertools.results.result import Finding, Limit

NEEDS = Needs(labels="none")
LIMITS = [Limit(name="answer", above=0.5, source="ours")]


def audit(tables, *, rng, size: int = 42, names: tuple[str, ...] = ("a",)):
    """One number.

    Args:
        size: how large it is
    """
    findings = [Finding(name="answer", value=size, low=size, high=size, n=1, speakers=9)]
    return Outcome(answer=str(size), findings=findings)


def plant(tables, rng):
    return tables
'''


@pytest.fixture
def mine(tmp_path):
    """Writes an audit file, WHOLE with something replaced, into a folder of its own."""

    def write(old: str = "", new: str = "", name: str = "my_own") -> Path:
        assert old in WHOLE
        folder = tmp_path / "audits"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(WHOLE.replace(old, new) if old else WHOLE)
        return folder

    return write


@pytest.fixture(scope="module")
def tables():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=12, per_speaker=10))


def test_the_folder_is_the_registry(mine):
    found = discover([mine()])
    embedded = {
        name_of(path)
        for pattern in ("[a-z]*.py", "[a-z]*/__init__.py")
        for path in embedded_folder().glob(pattern)
    }
    assert set(found) == embedded | {"my_own"}
    assert {"correctness", "leakage"} <= embedded


def test_an_audit_of_ones_own_is_loaded_with_its_words_and_options(mine):
    loaded = load("my-own", [mine()])
    assert (loaded.name, loaded.question, loaded.method) == ("my_own", "Is this the answer?", "It is.")
    assert list(loaded.options()) == ["size", "names"]
    assert loaded.options()["names"].annotation == tuple[str, ...]
    assert question(loaded.path) == "Is this the answer?"


def test_options_are_recorded_and_lists_become_tuples(mine, tables):
    loaded = load("my_own", [mine()])
    result = run(loaded, tables, seed=0, options={"names": ["x", "y"]})
    assert result.options == {"size": 42, "names": ["x", "y"]}
    assert loaded.settings({"names": ["x", "y"]}) == {"size": 42, "names": ("x", "y")}
    assert result.answer == "42"
    assert result.findings[0].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sise": 3}, "audit my_own has no option 'sise'.*did you mean 'size'"),
        ({"size": "large"}, "audit my_own: size = 'large': Input should be a valid integer"),
        ({"names": 3}, "audit my_own: names = 3: Input should be a valid tuple"),
        ({"rng": 3}, "audit my_own has no option 'rng'"),
    ],
)
def test_a_wrong_option_is_named(mine, tables, given, said):
    with pytest.raises(AuditError, match=said):
        run(load("my_own", [mine()]), tables, seed=0, options=given)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def plant", "def plants", "has no plant"),
        ("def audit", "def audits", "has no audit"),
        ("LIMITS", "LIMIT_LIST", "has no LIMITS"),
        ("NEEDS", "NEED", "has no NEEDS"),
        ('NEEDS = Needs(labels="none")', "NEEDS = ['sex']", "its NEEDS are not Needs"),
        ('"""Is this the answer?\n\nIt is.\n"""', "", "has no docstring"),
        ("size: int = 42", "size: int", "its option 'size' has no default"),
        ("def plant(", "def plant((", "cannot be loaded: SyntaxError"),
        (
            "from sertools.auditing.contract import Needs",
            "from sertools.auditing.audit import Need",
            "cannot be loaded: ImportError",
        ),
        ("above=0.5, ", "", "cannot be loaded: ValidationError"),
        ('Needs(labels="none")', "Needs(colour='red')", "cannot be loaded: TypeError"),
    ],
)
def test_a_file_that_is_no_audit_says_what_it_lacks(mine, old, new, said):
    with pytest.raises(AuditError, match=said):
        load("my_own", [mine(old, new)])


def test_an_unknown_name_is_offered_the_nearest():
    with pytest.raises(AuditError, match="no audit named 'fairnes'.*did you mean 'fairness'"):
        load("fairnes")


def test_two_audits_of_one_name_are_an_error(mine):
    with pytest.raises(AuditError, match="two audits are named 'fairness'"):
        discover([mine(name="fairness")])


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(AuditError, match="no folder of audits at"):
        discover([tmp_path / "none"])


@pytest.mark.parametrize(
    "deed",
    [
        "tables.clips.loc[tables.clips.index[0], 'arousal'] = 9.0",
        "tables.clips['new'] = 1",
        "tables.predictions['clean'].iloc[0, 0] = 9.0",
        "tables.clips.pop('sex')",
        "tables.clips.columns = [name.upper() for name in tables.clips]",
        "tables.missing.loc[0] = ['a', 'b', 'c', False]",
    ],
)
def test_an_audit_that_changes_its_tables_is_caught(mine, deed):
    loaded = load("my_own", [mine("    findings = [", f"    {deed}\n    findings = [")])
    tables = toy_corpus.answers("oracle", toy_corpus.clips(speakers=6, per_speaker=4))
    with pytest.raises(AuditError, match="audit my_own changed its input tables"):
        run(loaded, tables, seed=0)


def test_an_audit_that_returns_something_else_is_caught(mine, tables):
    loaded = load("my_own", [mine("return Outcome(answer=str(size), findings=findings)", "return findings")])
    with pytest.raises(AuditError, match="audit my_own returned list, not an Outcome"):
        run(loaded, tables, seed=0)


def test_the_generator_belongs_to_seed_and_audit(mine, tables):
    new = "    size = float(rng.random())\n    findings = ["
    loaded = load("my_own", [mine("    findings = [", new)])
    value = run(loaded, tables, seed=3).findings[0].value
    assert value == identity_rng(3, "my_own").random()
    assert run(loaded, tables, seed=4).findings[0].value != value


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        (Needs(), ""),
        (Needs(columns=("sex", "age")), "the corpus has no column 'age'"),
        (Needs(columns=("empty",)), "the corpus has no column 'empty'"),
        (Needs(labels="dimensions"), ""),
        (Needs(labels="emotion"), ""),
    ],
)
def test_what_an_audit_needs_and_does_not_find_is_the_reason(tables, needs, reason):
    with_empty = dataclasses.replace(tables, clips=tables.clips.assign(empty=np.nan))
    assert obstacle(needs, with_empty) == reason


def test_without_shared_labels_an_audit_is_skipped_with_the_reason():
    clips = toy_corpus.clips(speakers=6, per_speaker=4)
    bare = toy_corpus.answers("random", clips[["file", "start", "end", "speaker"]])
    for labels, reason in [
        ("dimensions", "corpus and model share no dimension"),
        ("emotion", "corpus and model share no emotion"),
        ("either", "corpus and model share neither a dimension nor an emotion"),
        ("none", ""),
    ]:
        assert obstacle(Needs(labels=labels), bare) == reason
    result = run(load("fairness"), bare, seed=0)
    assert result.answer == "Not measured: corpus and model share neither a dimension nor an emotion."
    (skipped,) = result.findings
    assert (skipped.value, skipped.verdict, skipped.n) == (None, Verdict.SKIPPED, 24)


def test_a_limit_of_the_caller_stands_in_the_place_of_the_audits_own(mine, tables):
    loaded = load("my_own", [mine()])
    limit = Limit(name="answer", below=0.5, source="mine", why="a test")
    found = run(loaded, tables, seed=0, limits=[limit]).findings[0]
    assert (found.verdict, found.limit.source) == (Verdict.FAIL, "mine")


def test_needs_say_themselves_in_a_few_words():
    assert Needs(columns=("sex",), labels="either").summary == "dimensions or emotion, sex"
    assert Needs(labels="none").summary == "predictions"


def folder_of_the_example(tmp_path) -> Path:
    folder = tmp_path / "audits"
    folder.mkdir()
    shutil.copy(EXAMPLES / "my_audit.py", folder)
    return folder


def test_the_example_runs_among_all_audits_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    manifest = write_noises(tmp_path / "c", 24)
    folder = folder_of_the_example(tmp_path)
    words = ["--data", str(manifest), "--model", "toy:loudness", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["audit", "my-audit", "correctness", "--audits", str(folder), *words])
    assert result.exit_code in {0, 1}, result.output
    written = json.loads((tmp_path / "out" / "my_audit.json").read_text())
    assert written["question"] == "Do the predictions vary as much as the ratings?"
    assert {f["target"] for f in written["findings"]} == {"arousal", "valence"}
    assert "spread_ratio" in (tmp_path / "out" / "report.md").read_text()
    assert (tmp_path / "out" / "correctness.json").exists()


def test_the_example_keeps_the_contract():
    mine = load("my_audit", [EXAMPLES])
    clips = toy_corpus.clips()
    oracle = toy_corpus.answers("oracle", clips)
    honest = run(mine, oracle, seed=0).findings[:3]
    assert [f.value for f in honest] == pytest.approx([1.0, 1.0, 1.0], abs=1e-12)
    assert {f.verdict for f in honest} == {Verdict.PASS}
    timid = run(mine, mine.plant(oracle, identity_rng(0)), seed=0).findings[:3]
    assert [f.value for f in timid] == pytest.approx([0.25, 0.25, 0.25], abs=1e-9)
    assert {f.verdict for f in timid} == {Verdict.FAIL}
    for kind in ("constant", "random"):
        trivial = run(mine, toy_corpus.answers(kind, clips), seed=0)
        assert Verdict.PASS not in {f.verdict for f in trivial.findings}


def test_the_ratio_of_the_example_is_numpys():
    clips = toy_corpus.clips(speakers=6, per_speaker=5)
    tables = toy_corpus.answers("random", clips)
    result = run(load("my_audit", [EXAMPLES]), tables, seed=0)
    for found in result.findings[:3]:
        p, t = tables.predictions["clean"][found.target], clips[found.target]
        assert found.value == pytest.approx(np.std(p) / np.std(t), abs=1e-9)


def test_a_digest_of_tables_holds_lists_too(mine, tables):
    clips = tables.clips.assign(votes=[["a", "b"]] * len(tables.clips))
    with_lists = dataclasses.replace(tables, clips=clips)
    assert run(load("my_own", [mine()]), with_lists, seed=0).answer == "42"
    assert isinstance(clips, pd.DataFrame)
    assert _digest(with_lists) != _digest(tables)


def test_an_audit_on_request_runs_only_where_it_is_named():
    without_names = {planned.name for planned in choose([], None, [])}
    on_request = {name for name in discover() if load(name).on_request}
    assert on_request == {"adversarial", "audibility"}
    assert without_names == set(discover()) - on_request
    assert [planned.name for planned in choose(["adversarial"], None, [])] == ["adversarial"]
    assert "adversarial" in {planned.name for planned in choose([], "trust", [])}


def test_what_few_audits_need_is_not_given_to_others():
    cost = RunningCost(machine="m", parameters=1, lengths=(), notes=())
    answers = toy_corpus.answers("oracle", toy_corpus.clips(speakers=6, per_speaker=4))
    own = ModelData(tables=replace(answers, running_cost=cost), frame_sums={})
    given = {name: tables_of(load(name).plan(), own, {}).running_cost for name in ("fairness", "efficiency")}
    assert given == {"fairness": None, "efficiency": cost}


@pytest.mark.parametrize(
    "text",
    [
        '"""What is it?"""\n',
        '"""What is it?\n\nMore.\n"""\n',
        "'What is it?'\n",
        '# a remark\n\n"""What is it?\n"""\n',
        'r"""What is it?\n\nRaw.\n"""\n',
        '"""What is \\x69t?"""\n',
    ],
)
def test_the_question_is_the_first_line_of_the_docstring_however_it_is_written(tmp_path, text):
    path = tmp_path / "asks.py"
    path.write_text(text, encoding="utf-8")
    assert question(path) == "What is it?"


def test_every_option_of_an_audit_is_seen_in_its_source():
    for name, path in discover().items():
        for option in load(name).options():
            assert may_have_option(path, option), f"{name} {option}"
    assert not any(may_have_option(path, "no_such_option") for path in discover().values())
