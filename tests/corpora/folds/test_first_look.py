"""A first look takes some clips of all speakers, the same ones whatever the order."""

import math

import pytest
from typer.testing import CliRunner

from sertools import load_corpus
from sertools.cli.app import app
from sertools.corpora.folds.first_look import Limit, first_look
from sertools.errors import CorpusError
from tests.helpers.small import noises, write_noises


def test_clips_are_drawn_in_turn_from_all_speakers_and_a_larger_limit_keeps_them(tmp_path):
    corpus = noises(tmp_path, 24)
    speakers = corpus.clips["speaker"].nunique()
    few, more = (first_look(corpus, Limit(clips=n)) for n in (speakers, 2 * speakers + 1))
    assert few.clips["speaker"].nunique() == len(few.clips) == speakers
    assert set(few.clips.index) < set(more.clips.index)
    assert list(more.clips.index) == [clip for clip in corpus.clips.index if clip in set(more.clips.index)]
    assert more.notes[-1].startswith(
        f"Only {2 * speakers + 1} clips of 24, drawn at random from all speakers"
    )
    assert first_look(corpus, Limit(clips=24)) is corpus
    assert first_look(corpus, Limit()) is corpus


def test_minutes_are_those_of_the_clips_together(tmp_path):
    corpus = noises(tmp_path, 12, samples=16000)
    part = first_look(corpus, Limit(minutes=5 / 60))
    seconds = sum(part.duration_s(clip) for clip in part.clips.index)
    assert 3 < seconds <= 5
    assert len(first_look(corpus, Limit(minutes=0.001)).clips) == 1
    assert first_look(corpus, Limit(minutes=1.0)) is corpus
    (tmp_path / str(part.clips["file"].iloc[0])).unlink()
    kept = first_look(corpus, Limit(minutes=5 / 60)).clips
    assert len(kept) > len(part.clips), "a clip that cannot be read counts as 0 minutes"


@pytest.mark.parametrize("text", ["0", "-1", "five", "3 clips", "0min", "1e3", "nanmin", "5 h"])
def test_another_limit_is_refused(text):
    with pytest.raises(CorpusError, match="is neither a number of clips nor of minutes"):
        Limit.of(text)


def test_the_command_and_the_function_take_it(tmp_path):
    manifest = str(write_noises(tmp_path / "c", 24))
    assert len(load_corpus(manifest, limit=7).clips) == 7
    words = ["audit", "correctness", "--model", "toy:loudness", "--data", manifest, "--limit", "7"]
    words += ["--out", str(tmp_path / "o"), "--cache", str(tmp_path / "k")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code in {0, 1}, done.output
    assert "Only 7 clips of 24" in (tmp_path / "o" / "report.md").read_text(encoding="utf-8")
    refused = CliRunner().invoke(app, ["leakage", "--train", manifest, "--test", manifest, "--limit", "7"])
    assert refused.exit_code == 2
    assert math.isnan(load_corpus(manifest, limit="1min").clips["start"].iloc[0])
