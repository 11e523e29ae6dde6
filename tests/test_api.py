"""The public Python interface does what the command line does, in one call each."""

import ast
import importlib.util
import inspect
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.main
from typer.testing import CliRunner

import sertools
from sertools.api.commands import COMMANDS
from sertools.auditing.discovery import discover
from sertools.cli.app import app
from sertools.errors import AuditError, CorpusError, GateError, SertoolsError
from tests.helpers.checkpoints import DIMENSIONS
from tests.helpers.places import ROOT
from tests.helpers.project import write_project
from tests.helpers.small import write_noises


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder `here` with a corpus, models, limits and the results of two models; and the cache `cache`."""
    top = tmp_path_factory.mktemp("prepared")
    folder = write_project(top / "here")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(top / "cache"))
        for model, out in {"toy:loudness": "report", "toy:random": "report-of-another"}.items():
            sertools.audit(model, "clips.csv", "correctness", out=out, recordings=0)
    return top


@pytest.fixture
def here(prepared, monkeypatch, tmp_path) -> Path:
    """A copy of the prepared folder, as the current folder."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def run_command(*words: str):
    return CliRunner().invoke(app, list(words))


def numbers(results) -> list[str]:
    """The findings, tables, figures and data of results; without date, command and duration."""
    return [result.model_copy(update={"provenance": {}}).to_json() for result in results]


def commands(group, before: str = "") -> list[str]:
    """Full names of all commands of a group and of its groups."""
    found = []
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        full = f"{before}{name}"
        found += commands(command, f"{full} ") if hasattr(command, "list_commands") else [full]
    return found


def test_every_command_has_its_functions():
    audits = {name.replace("_", "-") for name in discover()}
    assert set(commands(typer.main.get_command(app))) - audits == set(COMMANDS)
    assert {name for names in COMMANDS.values() for name in names} <= set(sertools.__all__)


def test_every_function_belongs_to_a_command():
    functions = {name for name in sertools.__all__ if inspect.isfunction(getattr(sertools, name))}
    assert functions - {"load_model"} == {name for names in COMMANDS.values() for name in names}


def test_public_names_are_typed_loaded_lazily_and_listed():
    tree = ast.parse(Path(sertools.__file__).read_text(encoding="utf-8"))
    (typed,) = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    seen = {
        alias.asname: f"{node.module}.{alias.name}".removeprefix("sertools.")
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {"metrics": "metrics"} | {n: f"{m}.{n}" for n, m in sertools._PUBLIC.items()}
    assert sorted(sertools.__all__) == sorted(seen)
    assert set(sertools.__all__) <= set(dir(sertools))


def test_no_public_name_is_hidden_by_a_package_of_the_same_name():
    inside = {path.stem for path in (ROOT / "sertools").iterdir()}
    assert set(sertools.__all__) & inside == {"metrics"}
    assert inspect.ismodule(sertools.metrics)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'audits_of'"):
        _ = sertools.audits_of


def test_importing_everything_public_about_results_loads_no_torch():
    code = "import sys; from sertools import gate, compare, read_results, render; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"torch", "transformers"} & set(done.stdout.split())


@pytest.mark.parametrize("name", [n for n in sertools.__all__ if inspect.isfunction(getattr(sertools, n))])
def test_every_function_says_what_it_takes_gives_and_raises(name):
    function = getattr(sertools, name)
    text = inspect.getdoc(function)
    assert text
    for parameter, each in inspect.signature(function).parameters.items():
        assert each.annotation is not inspect.Parameter.empty
        assert re.search(rf"^    {parameter}: ", text, flags=re.MULTILINE), parameter
    assert "\nReturns:\n" in text
    assert "\nExample:\n    ```python\n" in text


MLFLOW = importlib.util.find_spec("mlflow") is not None
SLOW = {
    "check_audits",
    "merge_corpora",
    "audit_power",
    "plan",
    "inspect_model",
    "synthesise_corpus",
    "train",
    "study",
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n
        for n in sertools.__all__
        if inspect.isfunction(getattr(sertools, n)) and (n != "log_results" or MLFLOW)
    ],
)
def test_the_example_of_every_function_runs(name, here, request, monkeypatch):
    text = inspect.getdoc(getattr(sertools, name))
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    if '"voices"' in code:  # a corpus that takes seconds to make
        monkeypatch.setenv("XDG_CACHE_HOME", str(request.getfixturevalue("embedded_cache")))
    exec(textwrap.dedent(code), {"sertools": sertools})


def test_an_audit_gives_what_the_command_gives(here):
    results = sertools.audit("my-checkpoint", "clips.csv", "correctness", "fairness", out="python")
    words = "audit correctness fairness --model my-checkpoint --data clips.csv --out command --quiet"
    done = run_command(*words.split())
    assert done.exit_code in {0, 1}, done.stderr
    assert numbers(results) == numbers(sertools.read_results("command"))
    assert numbers(results) == numbers(sertools.read_results("python"))
    names = [{path.name for path in Path(out).rglob("*") if path.is_file()} for out in ("python", "command")]
    assert names[0] == names[1]


def test_objects_and_texts_give_the_same_results(here):
    model, corpus = sertools.load_model("toy:loudness"), sertools.load_corpus("clips.csv")
    results = sertools.audit(model, corpus, "correctness")
    assert numbers(results) == numbers(sertools.read_results("report"))
    assert results[0].provenance["command"] == "sertools.audit(model, corpus, 'correctness')"
    assert not (here / "sertools-report").exists()


def test_options_go_to_the_audit_that_they_name(here):
    both = {"robustness": {"perturbations": ("gain",)}}
    results = sertools.audit("toy:loudness", "clips.csv", "correctness", "robustness", options=both)
    assert [result.options.get("perturbations") for result in results] == [None, ["gain"]]
    with pytest.raises(AuditError, match="'fairness', which is not run"):
        sertools.audit("toy:loudness", "clips.csv", "correctness", options={"fairness": {}})
    with pytest.raises(AuditError, match="has no option 'perturbation'.*did you mean"):
        sertools.audit(
            "toy:loudness", "clips.csv", "robustness", options={"robustness": {"perturbation": ()}}
        )


def test_options_for_all_audits_go_to_those_that_have_them(here):
    results = sertools.audit(
        "toy:loudness", "clips.csv", "correctness", "robustness",
        options={"*": {"perturbations": ("gain",)}},
    )  # fmt: skip
    assert [result.options.get("perturbations") for result in results] == [None, ["gain"]]


def test_limits_given_to_an_audit_judge_as_in_the_gate(here):
    results = sertools.audit("toy:loudness", "clips.csv", "correctness", limits="gate.toml")
    (ccc,) = [f for f in results[0].findings if (f.name, f.target) == ("ccc", "arousal")]
    outcome = sertools.gate("report", limits="gate.toml")
    (judged,) = [f for f in outcome.results[0].findings if (f.name, f.target) == ("ccc", "arousal")]
    assert ccc.verdict == judged.verdict
    assert ccc.limit is not None
    assert ccc.limit.above == 0.1
    with pytest.raises(GateError, match="'correctness', which is not run"):
        sertools.audit("toy:loudness", "clips.csv", "fairness", limits="gate.toml")


def test_a_second_model_needs_an_audit_that_reads_layers(here):
    with pytest.raises(AuditError, match="against only applies to audits that read layers"):
        sertools.audit("toy:loudness", "clips.csv", "correctness", against="toy:random")


def test_predictions_are_those_that_the_command_exports(here):
    table = sertools.predict("my-checkpoint", "clips.csv", out="python.csv")
    assert run_command(
        "predict", "--model", "my-checkpoint", "--data", "clips.csv", "--csv", "command.csv", "--quiet"
    ).exit_code == 0  # fmt: skip
    assert Path("python.csv").read_text() == Path("command.csv").read_text()
    assert list(table) == ["file", *DIMENSIONS, "reason"]
    assert table.index.tolist() == sertools.load_corpus("clips.csv").clips.index.tolist()
    assert set(table["reason"]) == {""}


def test_a_clip_without_a_prediction_has_a_reason(here):
    (here / "003.wav").write_bytes(b"no sound")
    table = sertools.predict("my-checkpoint", "clips.csv")
    assert table.loc[table["reason"] != "", "file"].tolist() == ["003.wav"]
    assert table.loc["clip 003", DIMENSIONS].isna().all()


def test_the_gate_gives_the_exit_code_of_the_command(here):
    for strict in (False, True):
        for folder in ("report", "report-of-another"):
            outcome = sertools.gate(folder, limits="gate.toml", strict=strict)
            words = ["gate", folder, "--limits", "gate.toml", *(["--strict"] if strict else [])]
            assert outcome.exit_code == run_command(*words).exit_code
            assert outcome.passed == (outcome.exit_code == 0)
            assert len(outcome.failed) == outcome.verdicts.get("fail", 0)


def test_the_gate_compares_with_a_baseline_from_memory_as_from_a_folder(here):
    new, old = sertools.read_results("report-of-another"), sertools.read_results("report")
    outcome = sertools.gate(new, baseline=old)
    assert outcome.verdicts == sertools.gate("report-of-another", baseline="report").verdicts
    assert any(f.name.endswith("_against_baseline") for f in outcome.results[0].findings)
    outcome.write_junit("junit.xml")
    done = run_command("gate", "report-of-another", "--baseline", "report", "--junit", "command.xml")
    assert done.exit_code == outcome.exit_code
    cases = [Path(name).read_text().count("<testcase") for name in ("junit.xml", "command.xml")]
    assert cases[0] == cases[1] > 0


def test_results_from_memory_and_from_folders_compare_alike(here):
    folders = sertools.compare("report", "report-of-another", out="comparison")
    memory = sertools.compare(*map(sertools.read_results, ("report", "report-of-another")))
    assert memory.findings == folders.findings
    assert memory.answer == folders.answer
    assert (here / "comparison" / "compare.html").exists()
    with pytest.raises(GateError, match="at least two"):
        sertools.compare("report")


def test_two_results_of_one_model_are_told_apart_by_number(here):
    results = sertools.read_results("report")
    comparison = sertools.compare(results, results)
    assert "run 1" in str(comparison.model) + comparison.answer + str(comparison.tables)


def test_the_leaderboard_is_the_same_with_and_without_a_site(here):
    ranked = sertools.leaderboard(".").to_pandas()
    assert ranked.equals(sertools.leaderboard(".", "site").to_pandas())
    assert ranked["model"].str.contains("loudness").any()
    assert (here / "site" / "index.html").exists()


def test_a_report_from_memory_is_the_report_of_the_folder(here):
    sertools.render(sertools.read_results("report"), "memory", formats=["json"])
    assert (here / "memory" / "report.json").read_text() == (here / "report" / "report.json").read_text()


def test_single_files_and_folders_are_read_in_order(here):
    results = sertools.read_results("report-of-another/correctness.json", "report")
    assert [result.model["name"] for result in results] == ["toy-random", "toy-loudness"]


def test_several_corpora_are_joined(here):
    write_noises(here / "more", 6)
    (here / "more" / "clips.csv").rename(here / "more" / "others.csv")
    assert len(sertools.load_corpus(["clips.csv", "more/others.csv"]).clips) == 30


def test_one_scale_for_all_dimensions(here):
    table = pd.read_csv("clips.csv")
    table[["arousal", "valence"]] = 1 + 6 * table[["arousal", "valence"]]
    table.to_csv("rated.csv", index=False)
    rated = sertools.load_corpus("rated.csv", scale=(1, 7)).clips
    assert np.allclose(rated["arousal"], sertools.load_corpus("clips.csv").clips["arousal"], atol=1e-15)
    by_name = sertools.load_corpus("rated.csv", scale={"arousal": (1, 7), "valence": (1, 7)}).clips
    pd.testing.assert_frame_equal(rated, by_name)


def test_derived_dimensions_need_emotions(here):
    derived = sertools.load_corpus("clips.csv", derive=True)
    assert derived.simulated.startswith("The dimensions are derived from the emotion labels")
    assert derived.clips["dominance"].notna().all()
    pd.read_csv("clips.csv").drop(columns="emotion").to_csv("rated.csv", index=False)
    with pytest.raises(CorpusError, match="no emotion labels to derive"):
        sertools.load_corpus("rated.csv", derive=True)


def test_a_perturbed_signal_is_that_of_the_file(here):
    sentence = sertools.perturb_file("clip.wav", "python.wav", "white_noise", 20, seed=3)
    done = run_command("perturb", "white_noise", "20", "clip.wav", "command.wav", "--seed", "3")
    assert (here / "python.wav").read_bytes() == (here / "command.wav").read_bytes()
    assert sentence.replace("python.wav", "command.wav") in done.stderr.replace("\n", "")
    assert "20.0 dB below the signal" in sentence


def test_perturbing_leaves_the_signal_alone_and_depends_on_seed_and_clip():
    signal = np.sin(np.arange(1600) / 10)
    before = signal.copy()
    changed = [
        sertools.perturb(signal, 16000, "white_noise", 10, seed=seed, clip=clip)
        for seed, clip in [(0, "a"), (0, "a"), (1, "a"), (0, "b")]
    ]
    assert (signal == before).all()
    assert (changed[0] == changed[1]).all()
    assert not (changed[0] == changed[2]).all()
    assert not (changed[0] == changed[3]).all()
    with pytest.raises(AuditError, match="did you mean 'white_noise'"):
        sertools.perturb(signal, 16000, "white_nois", 10)


def test_lists_are_those_of_the_command():
    listed = json.loads(run_command("list", "--format", "json").stdout)
    for what in ("audits", "models", "corpora", "perturbations", "suites"):
        table = getattr(sertools, f"list_{what}")()
        assert len(table) == len(listed[what]) > 0


def test_the_cache_is_listed_verified_and_pruned(here):
    assert sertools.list_cache()["model"].str.contains("loudness").any()
    assert sertools.verify_cache().empty
    files, size = sertools.prune_cache(model="toy-loudness")
    assert files > 0
    assert size > 0
    assert not sertools.list_cache()["model"].str.contains("loudness").any()
    with pytest.raises(SertoolsError):
        sertools.prune_cache()


def test_a_split_shares_no_speaker_and_is_read_again(here):
    corpus = sertools.split_corpus("clips.csv", test=0.3, dev=0.2)
    folder = sertools.write_corpus(corpus, "split")
    parts = [sertools.load_corpus(f"{folder}:{name}").clips for name in ("train", "dev", "test")]
    assert sum(map(len, parts)) == 24
    assert not set(parts[0]["speaker"]) & set(parts[2]["speaker"])


def test_a_plan_computes_nothing_that_is_cached(here):
    planned = sertools.plan("toy:loudness", "clips.csv", "correctness")
    assert planned.summary == "Nothing has to be computed."
    assert planned.to_pandas()["to compute"].sum() == 0
    assert planned.minutes == 0
    assert planned.megabytes == 0
    assert "<table" in planned._repr_html_()


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: sertools.load_model("no-such-model"), "ModelError"),
        (lambda: sertools.load_corpus("no-such.csv"), "CorpusError"),
        (lambda: sertools.read_results("no-such-folder"), "GateError"),
        (lambda: sertools.audit("toy:random", "voices", "correctnes"), "AuditError"),
        (lambda: sertools.finetune("no-such.toml", "out"), "ModelError"),
        (lambda: sertools.compare([], []), "GateError"),
        (lambda: sertools.synthesise_corpus("out", voices="en"), "CorpusError"),
    ],
)
def test_errors_are_one_sentence_of_our_own(call, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SertoolsError) as raised:
        call()
    assert type(raised.value).__name__ == kind
    assert raised.value.message
    assert "\n" not in raised.value.message
