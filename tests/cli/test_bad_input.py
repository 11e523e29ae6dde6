"""Bad input is one clear sentence on stderr, exit code 2, and nothing written half."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.small import write_noises


@pytest.fixture
def here(monkeypatch, tmp_path) -> Path:
    """A folder with a corpus, in which every command of a test runs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    home = tmp_path / "home"
    write_noises(home / "c", 8)
    monkeypatch.chdir(home)
    return home


def sertools(*words: str):
    return CliRunner().invoke(app, list(words))


def refusal(*words: str) -> str:
    """What a command says when it refuses: message and hint; and it leaves no trace."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*") if path.is_file()}
    result = sertools(*words)
    assert result.exit_code == 2, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("Error: ")
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("Hint: "))
    after = {path: path.stat().st_mtime_ns for path in Path().rglob("*") if path.is_file()}
    assert after == before, "something was written"
    assert not Path("out").exists()
    assert not Path("sertools-report").exists()
    return " ".join(lines).removeprefix("Error: ")


def audit(*words: str, model: str = "toy:random") -> str:
    return refusal("audit", "--model", model, "--out", "out", *words)


CORPUS = "file,speaker,arousal\nc/000.wav,a,{}\nc/001.wav,b,0.5\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "m.csv is empty"),
        ("file,speaker\n", "m.csv lists no clips"),
        ("path,speaker\na.wav,1\n", "m.csv has no column 'file'; its columns are path, speaker"),
        (CORPUS.format(7), "arousal of 'c/000.wav' is 7, outside 0 … 1"),
        (CORPUS.format("high"), "arousal of 'c/000.wav' is 'high', not a number"),
        (CORPUS.format("inf"), "arousal of 'c/000.wav' is 'inf', not a number"),
        ("file\nc/000.wav\nc/000.wav\n", "clip 'c/000.wav' appears 2 times"),
        ("file,speaker\nc/000.wav\n", "m.csv, line 2: 1 values for 2 columns"),
        ("file,start,end\nc/000.wav,2,1\n", "starts at 2 s and ends at 1 s"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_which_value_is_wrong(here, text, said):
    Path("m.csv").write_text(text)
    assert said in audit("--data", "m.csv")


def test_a_manifest_that_is_no_text_or_not_there(here):
    Path("m.csv").write_bytes(b"\xff\xfe\x00rubbish\x00")
    assert "m.csv is not" in audit("--data", "m.csv")
    assert "no such file or folder: none.csv" in audit("--data", "none.csv")
    Path("m.parquet").write_bytes(b"PAR1 rubbish")
    assert "m.parquet is not a readable Parquet file" in audit("--data", "m.parquet")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "emodbb"], "unknown corpus 'emodbb' Hint: did you mean 'emodb'?"),
        (["--data", "x" * 400], "unknown corpus 'xxx"),
        (["--data", "c/clips.csv:test"], "has no column 'split'"),
        (
            ["--data", "c/clips.csv", "--scale", "arousal"],
            "--scale arousal is not of the form 1:7 or valence=1:7",
        ),
        (["--data", "c/clips.csv", "--scale", "arousal=7:1"], "--scale arousal=7:1: a scale has two numbers"),
        (["--data", "c/clips.csv", "--scale", "arousal=0:inf"], "--scale arousal=0:inf: a scale has two"),
        (["--data", "c/clips.csv", "--scale", "joy=1:7"], "--scale joy"),
        (["--data", "c/clips.csv", "--map", "x=arousal"], "clips.csv has no column 'x'"),
        (["--data", "c/clips.csv", "--map", "x"], "--map 'x' is not of the form THEIRS=OURS"),
        (
            ["--data", "c/clips.csv", "--label-map", "a=b", "--label-map", "a=c"],
            "--label-map names 'a' twice",
        ),
        (["--data", "c/clips.csv", "--data", "c/clips.csv"], "is in two of the corpora"),
    ],
)
def test_options_of_the_corpus_that_make_no_sense(here, words, said):
    assert said in audit(*words)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("defualt", "no model named 'defualt' Hint: did you mean 'default'?"),
        ("toy:orakel", "no toy model 'orakel' Hint: did you mean 'oracle'?"),
        ("toys:oracle", "unknown kind of model 'toys' in --model 'toys:oracle' Hint: did you mean 'toy'?"),
        ("toy:", "--model 'toy:' has nothing after toy:"),
        ("./none", "no such directory: none"),
        ("c", "c is not a checkpoint: it has no config.json"),
        ("c/clips.csv", "c/clips.csv is a file, not a checkpoint directory"),
        ("nobody/no-such-model", "is not in the local cache of the model hub"),
        ("predictions:none.csv", "no such file: none.csv"),
        ("predictions:c/000.wav", "000.wav is not a manifest"),
        ("x" * 400, "no model named 'xxx"),
    ],
)
def test_a_model_that_is_not_there_is_offered_the_nearest(here, model, said):
    assert said in audit("--data", "c/clips.csv", model=model)


def test_damaged_checkpoints(here):
    whole = write_checkpoint(Path("whole"), num_hidden_layers=1)
    shutil.copytree(whole, "cut")
    weights = Path("cut/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert "is not a complete safetensors file" in audit("--data", "c/clips.csv", model="cut")
    shutil.copytree(whole, "bare")
    Path("bare/model.safetensors").unlink()
    assert "has no weights" in audit("--data", "c/clips.csv", model="bare")
    shutil.copytree(whole, "config")
    Path("config/config.json").write_text("{")
    assert "config.json" in audit("--data", "c/clips.csv", model="config")


def test_a_pickle_with_code_is_refused(here):
    import torch

    write_checkpoint(Path("evil"), num_hidden_layers=1)
    Path("evil/model.safetensors").unlink()

    class Evil:
        def __reduce__(self):
            return (os.mkdir, ("out",))

    torch.save({"classifier.weight": Evil()}, "evil/pytorch_model.bin")
    assert "could run code" in audit("--data", "c/clips.csv", model="evil")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "robustnes"], "no audit named 'robustnes' Hint: did you mean 'robustness'?"),
        (["audit", "--suite", "quik"], "no suite named 'quik' Hint: did you mean 'quick'?"),
        (["audit", "fairness", "--suite", "quick"], "both audits and --suite are given"),
        (["audit", "--audits", "none"], "no folder of audits at none"),
        (["fairnes"], "no command named 'fairnes' Hint: did you mean 'fairness'?"),
        (["fairness", "--group", "hair", "--model", "toy:oracle", "--data", "c/clips.csv", "--out", "out"],
         "the corpus has no column 'hair' to group by"),
        (["gate", "none"], "no folder none"),
        (["gate", "c"], "no results in c"),
        (["report", "none"], "no folder none"),
        (["perturb", "white_nose", "20", "c/000.wav", "o.wav"], "did you mean 'white_noise'?"),
        (["perturb", "white_noise", "20", "none.wav", "o.wav"], "no such file"),
        (["perturb", "white_noise", "20", "c/000.wav", "o.mp3"], "o.mp3"),
        (["finetune", "none.toml", "--out", "out"], "none.toml"),
        (["corpus", "check", "nowhere.csv"], "no such file or folder: nowhere.csv"),
        (["corpus", "scan", "emodb", "c", "--out", "out"], ""),
    ],
)  # fmt: skip
def test_names_that_nobody_knows(here, words, said):
    assert said in refusal(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["audit", "--modle", "x"],
        ["audit", "--batch-size", "0"],
        ["audit", "--batch-size", "many"],
        ["audit", "--format", "yaml"],
        ["audit", "--precision", "fp8"],
        ["fairness", "--draws", "many"],
        ["gate", "--mode", "guess"],
        ["list", "hats"],
        ["perturb", "gain", "loud", "c/000.wav", "o.wav"],
        ["corpus", "chek"],
    ],
)
def test_options_that_do_not_exist_or_have_no_such_value(here, words):
    result = sertools(*words)
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert any(word in result.stderr for word in [*words[1:], "'level'"])
    assert sorted(path.name for path in Path().iterdir()) == ["c"]


def test_every_clip_broken_is_an_error_and_one_is_not(here):
    for path in Path("c").glob("*.wav"):
        path.write_bytes(b"")
    said = audit("--data", "c/clips.csv", "--quiet", model="toy:loudness")
    assert said.startswith("none of the 8 clips of clips could be scored; most frequent reason: ")
    write_noises(Path("c"), 8)
    Path("c/003.wav").write_bytes(b"")
    words = ("audit", "correctness", "--data", "c/clips.csv", "--model", "toy:loudness")
    result = sertools(*words, "--out", "out", "--quiet")
    assert result.exit_code in {0, 1}
    assert Path("out/report.html").exists()


def test_a_table_of_predictions_for_other_clips_or_without_numbers(here):
    for name, text, said in [
        ("other", "clip,arousal\nx,0.5\n", "no clip of other.csv is in the corpus"),
        ("words", "clip,arousal\nclip 000,high\n", "arousal of 'clip 000' is 'high', which is not a number"),
        ("none", "clip\nclip 000\n", "no score columns"),
        ("key", "name,arousal\nclip 000,0.5\n", "neither a column 'clip' nor 'file'"),
        ("twice", "clip,arousal\nclip 000,0.5\nclip 000,0.6\n", "has 'clip 000' more than once"),
        ("infinite", "clip,arousal\nclip 000,inf\n", "arousal of 'clip 000' is infinite"),
        ("long", "clip,arousal\nclip 000,0.5,0.6\n", "line 2: 3 values for 2 columns"),
        ("empty", "", "empty.csv is empty"),
    ]:
        Path(f"{name}.csv").write_text(text)
        assert said in audit("--data", "c/clips.csv", model=f"predictions:{name}.csv"), name


def test_places_that_cannot_be_written(here):
    Path("file").write_text("mine")
    words = ("audit", "--model", "toy:loudness", "--data", "c/clips.csv", "--quiet")
    assert "a file is in its way" in refusal(*words, "--out", "file")
    assert "a file is in its way" in refusal(*words, "--out", "file/deeper")
    assert "a file is in its way" in refusal(*words, "--out", "out", "--cache", "file")
    assert "a file is in its way" in refusal(
        "predict", "--model", "toy:oracle", "--data", "c/clips.csv", "--csv", "file/p.csv"
    )
    assert Path("file").read_text() == "mine"


def test_no_permission(here):
    locked = Path("locked")
    locked.mkdir(mode=0o555)
    root = os.geteuid() == 0
    if root and subprocess.run(["chattr", "+i", locked], capture_output=True, check=False).returncode:
        pytest.skip("root may write everywhere here")
    words = ("audit", "--model", "toy:loudness", "--data", "c/clips.csv", "--quiet")
    try:
        assert "no permission to write" in refusal(*words, "--out", "locked")
        assert "no permission to write" in refusal(*words, "--out", "locked/new")
        assert "no permission to write" in refusal(*words, "--out", "out", "--cache", "locked/new")
        assert (
            "no permission to write" in refusal("report", "r", "--out", "locked") if Path("r").exists() else 1
        )
    finally:
        if root:
            subprocess.run(["chattr", "-i", locked], check=True)


def test_results_of_another_make_are_refused(here):
    Path("r").mkdir()
    for text, said in [
        ("{", "is not a result file of this sertools version"),
        (json.dumps({"schema": 99}), "is not a result file of this sertools version"),
        ("[]", "is not a result file of this sertools version"),
    ]:
        Path("r/correctness.json").write_text(text)
        assert said in refusal("gate", "r")
        assert said in refusal("report", "r")


def test_limits_that_cannot_be_read(here):
    words = ("--model", "toy:oracle", "--data", "c/clips.csv", "--out", "r", "--quiet")
    sertools("audit", "correctness", *words)
    limit = '[[limit]]\naudit = "{}"\nname = "{}"\nabove = 0.5\n{}'
    for text, said in [
        ("limit = 3", "limit"),
        (limit.format("correctness", "ccc", ""), "limit 1 (correctness, ccc) has no 'why'"),
        (limit.format("correctnes", "ccc", 'why = "x"'), "did you mean 'correctness'?"),
        (limit.format("correctness", "cccc", 'why = "x"'), "did you mean 'ccc'?"),
    ]:
        Path("gate.toml").write_text(text)
        assert said in refusal("gate", "r", "--limits", "gate.toml"), text
    assert "cannot read the limits in none.toml" in refusal("gate", "r", "--limits", "none.toml")


def test_a_suite_with_a_wrong_option_or_value(here):
    suite = 'title = "T"\ndescription = "D"\n[[audit]]\nname = "fairness"\noptions = {}\n'
    for options, said in [
        ("{ resampels = 5 }", "audit fairness has no option 'resampels' Hint: did you mean 'resamples'?"),
        ('{ resamples = "many" }', "audit fairness: resamples = 'many': Input should be a valid integer"),
        ("{ group = 3 }", "audit fairness: group = 3: Input should be a valid tuple"),
    ]:
        Path("mine.toml").write_text(suite.replace("{}", options))
        assert said in audit("--data", "c/clips.csv", "--suite", "mine.toml", model="toy:oracle")


def test_a_bare_encoder_is_not_asked_for_predictions(here):
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    from tests.helpers.checkpoints import SMALL

    Wav2Vec2Model(Wav2Vec2Config(**{**SMALL, "num_hidden_layers": 1})).save_pretrained("encoder")
    Wav2Vec2FeatureExtractor().save_pretrained("encoder")
    words = ("correctness", "--data", "c/clips.csv", "--device", "cpu")
    assert "is a bare encoder" in audit(*words, model="encoder")


def test_lists_in_a_parquet_manifest_do_not_stop_an_audit(here):
    table = pd.read_csv("c/clips.csv")
    table["votes"] = [["anger", "fear"]] * len(table)
    table["file"] = "c/" + table["file"]
    table.to_parquet("m.parquet")
    words = ("--data", "m.parquet", "--model", "toy:oracle", "--out", "out", "--quiet")
    result = sertools("audit", "correctness", *words)
    assert result.exit_code == 0, result.output


def test_an_input_is_not_replaced_by_an_output(here):
    before = Path("c/clips.csv").read_bytes()
    words = ["predict", "--model", "toy:oracle", "--data", "c/clips.csv", "--csv", "c/../c/clips.csv"]
    assert "is read by this command, so it is not replaced" in refusal(*words)
    assert Path("c/clips.csv").read_bytes() == before
