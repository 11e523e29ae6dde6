"""Predictions that leave out clips, or whose labels mean nothing here, on the command line."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.cli.app import app

CLASSES = ("anger", "happiness", "neutral", "sadness")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A corpus of 60 clips by six speakers, and predictions that are wrong for every fifth clip."""
    monkeypatch.chdir(tmp_path)
    names = [f"{i:02d}.wav" for i in range(60)]
    emotion = [CLASSES[i % 4] for i in range(60)]
    clips = pd.DataFrame({"file": names, "speaker": [f"s{i % 6}" for i in range(60)], "emotion": emotion})
    clips.to_csv("clips.csv", index=False)
    scores = pd.DataFrame({"file": names})
    said = [CLASSES[(i + (i % 5 == 0)) % 4] for i in range(60)]
    for name in CLASSES:
        scores[name] = [0.7 if answer == name else 0.1 for answer in said]
    scores.to_csv("all.csv", index=False)
    scores[[i % 5 > 0 for i in range(60)]].to_csv("right.csv", index=False)
    return tmp_path


def audit(predictions: str, *more: str):
    words = ["audit", "correctness", "--model", f"predictions:{predictions}", "--data", "clips.csv", *more]
    return CliRunner().invoke(app, [*words, "--audio", "none", "--out", predictions.removesuffix(".csv")])


def test_a_table_of_right_answers_alone_fails_and_is_no_better(folder):
    assert audit("all.csv").exit_code == 0
    done = audit("right.csv")
    assert done.exit_code == 1
    assert "Warning: 12 of 60 clips were not answered (emotion); they count against the model" in done.stderr
    assert "✗ fail correctness: coverage of emotion is 0.800, wanted > 0.95" in done.stdout
    assert CliRunner().invoke(app, ["gate", "right"]).exit_code == 1
    assert CliRunner().invoke(app, ["gate", "right", "--baseline", "all"]).exit_code == 1
    compared = CliRunner().invoke(app, ["compare", "all", "right"])
    assert "better beyond chance than all in 0 and worse in 0" in compared.stderr
    assert "compared on the 48 clips that both answered" in compared.stderr


def test_a_table_whose_rows_match_no_clip_says_so_and_fails(folder):
    table = pd.read_csv("all.csv")
    table.loc[3:, "file"] = "elsewhere/" + table["file"]
    table.to_csv("odd.csv", index=False)
    done = audit("odd.csv")
    assert done.exit_code == 1
    assert "Warning: 57 of 60 clips were not answered (emotion)" in done.stderr
    assert "Warning: 57 of 60 rows of the predictions match no clip of the corpus" in done.stderr


def test_labels_that_share_nothing_are_bad_input_with_the_line_to_copy(folder):
    table = pd.read_csv("all.csv")
    table.columns = ["file", *(f"LABEL_{k}" for k in range(4))]
    table.to_csv("labels.csv", index=False)
    done = audit("labels.csv")
    assert done.exit_code == 2
    assert (
        "the labels of the model (LABEL_0, LABEL_1, LABEL_2, LABEL_3) and of the corpus (anger (15)"
        in done.stderr
    )
    assert "--label-map LABEL_0=NAME --label-map LABEL_1=NAME" in done.stderr
    assert (folder / "labels" / "report.html").is_file()
    assert audit("labels.csv", "--allow-empty").exit_code == 0
    named = [f"--label-map=LABEL_{k}={name}" for k, name in enumerate(CLASSES)]
    assert audit("labels.csv", *named).exit_code == 0


def test_part_of_the_clips_unknown_speakers_and_a_closed_set_are_said_beside_the_verdict(folder):
    done = audit("all.csv")
    assert "Warning" not in done.stderr
    pd.read_csv("clips.csv").drop(columns="speaker").to_csv("clips.csv", index=False)
    pd.read_csv("all.csv").drop(columns="sadness").to_csv("three.csv", index=False)
    done = audit("three.csv")
    left_out = "(15 clips with emotions that the model lacks are left out)"
    assert f"Warning: The scores of emotion are on 45 of 60 clips {left_out}" in done.stderr
    too_narrow = "the corpus names no speakers: the interval is too narrow if speakers repeat"
    assert f"Warning: {too_narrow}" in done.stderr
    done = audit("all.csv", "--classes", "anger,neutral")
    assert "on 30 of 60 clips (30 clips with emotions that the closed set lacks are left out)" in done.stderr


def test_only_answers_about_clips_of_a_closed_set_count_as_unparsed(folder):
    truth = pd.read_csv("clips.csv")["emotion"]
    words = truth.where(truth.index % 3 > 0, "no idea")
    pd.DataFrame({"file": pd.read_csv("clips.csv")["file"], "emotion": words}).to_csv(
        "words.csv", index=False
    )
    done = audit("words.csv", "--classes", "anger,neutral", "--format", "json")
    assert done.exit_code == 1
    (result,) = [json.loads(path.read_text()) for path in folder.glob("words/correctness.json")]
    assert any(note.startswith("10 of 30 answers in words name no class") for note in result["notes"])


def test_columns_under_other_names_are_named_with_their_options(folder):
    names = {"speaker": "speaker_id", "emotion": "label"}
    pd.read_csv("clips.csv").rename(columns=names).to_csv("clips.csv", index=False)
    done = audit("all.csv")
    assert done.exit_code == 2
    for option in ("--map speaker_id=speaker", "--map label=emotion"):
        assert done.stderr.count(option) == 2, "as a warning, and as what to do"
    done = audit("all.csv", "--map", "label=emotion")
    assert done.exit_code == 0
    assert "if it is speaker, use --map speaker_id=speaker" in done.stderr


def test_a_model_that_answers_too_little_is_not_called_unfair(folder):
    clips = pd.read_csv("clips.csv")
    clips.assign(sex=["female" if i % 2 else "male" for i in range(60)]).to_csv("clips.csv", index=False)
    words = ["audit", "correctness", "fairness", "--model", "predictions:right.csv", "--data", "clips.csv"]
    done = CliRunner().invoke(app, [*words, "--audio", "none", "--out", "both"])
    assert done.exit_code == 1
    assert "right answered too few clips to be called correct or fair to all groups." in done.stdout
    assert "not fair" not in done.stdout
