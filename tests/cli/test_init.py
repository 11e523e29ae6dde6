"""What is suggested for tables, folders and models, and that commands then need no options."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import sertools
from sertools.api.suggest import Suggestion
from sertools.cli.app import app
from sertools.cli.project import complete, text_of
from sertools.errors import CorpusError, ModelError
from tests.helpers.checkpoints import DIMENSIONS, write_checkpoint
from tests.helpers.small import write_noises

THEIRS = {"file": "path", "speaker": "SpkrID", "sex": "Gender", "emotion": "label", "arousal": "EmoAct"}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with a table of 24 clips in other people's words, rated from 1 to 7."""
    table = pd.read_csv(write_noises(tmp_path, 24))
    keep = table[["file", "speaker", "sex", "emotion", "arousal", "valence"]]
    keep[["arousal", "valence"]] = 1 + 6 * keep[["arousal", "valence"]]
    keep = keep.assign(accent=[{"s0": "a", "s1": "a", "s2": "a"}.get(s, "b") for s in keep["speaker"]])
    keep.rename(columns=THEIRS).to_csv(tmp_path / "clips.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_names_scale_and_groups_of_a_table_are_suggested(here):
    found = sertools.suggest("clips.csv", "toy:oracle")
    assert found.model == "toy:oracle"
    assert found.data == ["clips.csv"]
    assert found.column_map == {theirs: ours for ours, theirs in THEIRS.items()}
    assert found.scale == (1, 7)
    assert found.groups == ["sex", "accent"]
    assert any(note.startswith("clips: 24 clips, 6 speakers, 4 emotions") for note in found.notes)


def test_what_is_written_is_enough_to_load_the_corpus(here):
    assert run("init", "clips.csv").exit_code == 0
    written = tomllib.loads((here / "sertools.toml").read_text())
    assert written["fairness"] == {"group": ["sex", "accent"]}
    words = complete(["corpus", "check", "clips.csv"], here).words
    checked = run(*words)
    assert checked.exit_code == 0, checked.output
    assert "6 speakers (3 male, 3 female)" in checked.stdout
    refused = run("corpus", "check", "clips.csv")
    assert refused.exit_code == 2


def test_a_folder_is_searched_for_corpora_and_models(here):
    write_checkpoint(here / "net", labels=DIMENSIONS, problem_type="regression")
    pd.DataFrame({"clip": ["a"], "anger": [1.0], "sadness": [0.0]}).to_csv(here / "scores.csv", index=False)
    (here / "other.csv").write_text("file\n000.wav\n")
    (here / "notes.txt").touch()
    found = sertools.suggest()
    assert (found.data, found.model) == (["clips.csv"], "net")
    assert [note for note in found.notes if "too" in note] == [
        "other.csv seems to be a corpus too; audit it with --data other.csv.",
        "scores.csv is a model too; audit it with --model predictions:scores.csv.",
    ]


def test_columns_are_recognised_by_their_values_and_the_others_are_named(here):
    table = pd.read_csv(here / "clips.csv")
    odd = {
        "path": "Aufnahme",
        "SpkrID": "Spk-Nr.",
        "Gender": "G",
        "label": "Q1 (majority)",
        "EmoAct": "Erregung",
    }
    table["label"] = table["label"].str[:3]
    table.rename(columns=odd).to_csv(here / "clips.csv", index=False)
    for path in here.glob("*.wav"):
        path.rename(path.with_name(f"{path.stem}_{'sad' if path.stem < '012' else 'angry'}.wav"))
    found = sertools.suggest(here / "clips.csv")
    assert found.column_map == {
        "Spk-Nr.": "speaker", "Aufnahme": "file", "G": "sex", "Q1 (majority)": "emotion"
    }  # fmt: skip
    (note,) = (note for note in found.notes if note.startswith("Not recognised"))
    assert note == (
        "Not recognised: Erregung. If one of them is arousal, dominance or transcript, add it to map "
        'in sertools.toml, as "Erregung=arousal".'
    )
    (here / "clips.csv").unlink()
    (here / "metadata.csv").unlink(missing_ok=True)
    assert any("(000_sad.wav), and are not read" in note for note in sertools.suggest(here).notes)


def test_nothing_is_written_for_a_folder_that_holds_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = run("init")
    assert found.exit_code == 2
    assert "nothing was written" in found.stderr
    assert not (tmp_path / "sertools.toml").exists()


def test_a_folder_of_recordings_is_a_corpus(here):
    (here / "clips.csv").unlink()
    (here / "metadata.csv").unlink(missing_ok=True)
    found = sertools.suggest(here)
    assert found.data == [str(here)]
    assert any("no labels" in note for note in found.notes)


def test_registered_names_and_splits_are_corpora():
    assert sertools.suggest("voices").data == ["voices"]
    assert "voices: 288 clips, 16 speakers, arousal, dominance, valence." in sertools.suggest("voices").notes


def test_ratings_from_0_to_1_need_no_scale(here):
    pd.DataFrame({"file": ["000.wav", "001.wav"], "arousal": [0.2, 0.9]}).to_csv("unit.csv", index=False)
    found = sertools.suggest("unit.csv")
    assert found.scale is None
    assert found.groups == []


def test_a_corpus_that_cannot_be_read_yet_says_why(here):
    pd.DataFrame({"file": ["000.wav"] * 2, "emotion": ["0", "1"]}).to_csv("numbers.csv", index=False)
    (note, *_) = sertools.suggest("numbers.csv").notes
    assert note.startswith("numbers.csv cannot be read yet: ")


def test_nothing_found_is_said(tmp_path):
    notes = sertools.suggest(tmp_path).notes
    assert notes[0].startswith("No corpus was found")
    assert notes[1].startswith("No model was found")


def test_what_is_wrong_with_the_words_is_one_sentence(here):
    with pytest.raises(CorpusError, match="no such file or folder: nope"):
        sertools.suggest("nope")
    with pytest.raises(ModelError, match="are two models"):
        sertools.suggest("toy:oracle", "toy:random")


def test_an_existing_file_is_only_replaced_on_request(here):
    (here / "sertools.toml").write_text("mine")
    assert run("init", "clips.csv").exit_code == 2
    assert (here / "sertools.toml").read_text() == "mine"
    assert complete(["init", "--replace"], here).words == ["init", "--replace"]
    assert run("init", "clips.csv", "--replace").exit_code == 0
    assert (here / "sertools.toml").read_text() != "mine"


def test_a_model_that_runs_code_is_not_kept(here):
    done = run("init", "clips.csv", "py:model.py:predict")
    assert "add --model py:model.py:predict yourself" in done.stdout
    assert "model" not in tomllib.loads((here / "sertools.toml").read_text())


def test_odd_names_survive_the_file():
    odd = 'a "b"\\c\n\x7f=ä'
    found = Suggestion(model=odd, data=[odd], column_map={odd: "file"}, scale=(-0.5, 100), groups=["sex"])
    assert tomllib.loads(text_of(found)) == {
        "model": odd, "data": [odd], "map": [f"{odd}=file"], "scale": ["-0.5:100"],
    }  # fmt: skip
