import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.corpora.split import split, summary
from sertools.errors import CorpusError
from sertools.selftest import toy_corpus
from tests.helpers.places import ROOT

CREMA_D = ROOT.parent / "shared/data/crema-d_labels/crema-d_labels.csv"


def corpus_of(clips) -> Corpus:
    return Corpus(name="toy", clips=clips, root=Path())


@pytest.fixture(scope="module")
def corpus():
    return corpus_of(toy_corpus.clips(speakers=40, per_speaker=30))


def shares(clips, column="clips"):
    if column == "clips":
        return clips["split"].value_counts(normalize=True).to_dict()
    return pd.crosstab(clips[column], clips["split"], normalize="index")


@pytest.mark.parametrize("seed", range(5))
def test_no_speaker_is_in_two_parts(corpus, seed):
    clips = split(corpus, seed=seed).clips
    assert (clips.groupby("speaker")["split"].nunique() == 1).all()
    assert set(clips["split"]) == {"train", "dev", "test"}


def test_parts_have_the_shares_that_were_asked_for(corpus):
    found = shares(split(corpus, test=0.25, dev=0.15).clips)
    # all speakers have as many clips, so 6 and 10 of 40 speakers hit the shares
    assert found == pytest.approx({"train": 0.6, "dev": 0.15, "test": 0.25}, abs=1e-12)


def test_sexes_are_shared_out_alike(corpus):
    clips = split(corpus, test=0.2, dev=0.1).clips
    assert np.allclose(shares(clips, "sex").loc["female"], shares(clips, "sex").loc["male"], atol=1e-12)


def test_emotions_are_nearer_to_their_shares_than_in_a_random_split(corpus):
    wanted = {"dev": 0.1, "test": 0.2, "train": 0.7}

    def distance(clips):
        return float(((shares(clips, "emotion") - pd.Series(wanted)) ** 2).to_numpy().sum())

    rng = np.random.default_rng(0)
    speakers = corpus.clips["speaker"].unique()
    drawn = [
        distance(
            corpus.clips.assign(
                split=corpus.clips["speaker"].map(
                    dict(
                        zip(
                            rng.permutation(speakers),
                            ["dev"] * 4 + ["test"] * 8 + ["train"] * 28,
                            strict=True,
                        )
                    )
                )
            )
        )
        for _ in range(200)
    ]
    assert distance(split(corpus).clips) < np.quantile(drawn, 0.05)


def test_the_same_seed_gives_the_same_split_and_another_seed_another(corpus):
    first = split(corpus, seed=1).clips["split"]
    assert first.equals(split(corpus, seed=1).clips["split"])
    assert not first.equals(split(corpus, seed=2).clips["split"])


def test_the_order_of_the_clips_does_not_matter(corpus):
    shuffled = corpus.clips.sample(frac=1, random_state=np.random.default_rng(0))
    again = split(dataclasses.replace(corpus, clips=shuffled)).clips["split"]
    assert again.sort_index().equals(split(corpus).clips["split"].sort_index())


def test_speakers_with_uneven_numbers_of_clips_are_shared_by_clips():
    clips = toy_corpus.clips(speakers=30, per_speaker=40)
    kept = clips.groupby("speaker").cumcount() < 5 + clips["speaker"].astype(int)
    found = shares(split(corpus_of(clips[kept])).clips)
    assert found == pytest.approx({"train": 0.7, "dev": 0.1, "test": 0.2}, abs=0.03)


def test_clips_of_nobody_go_to_train_and_a_note_says_so(corpus):
    clips = corpus.clips.copy()
    clips.loc[clips.index[:7], "speaker"] = None
    made = split(corpus_of(clips))
    assert (made.clips["split"].iloc[:7] == "train").all()
    assert "7 clips of unknown speakers are in train" in made.notes


def test_a_part_too_small_for_a_speaker_gets_one(corpus):
    made = split(corpus, test=0.01, dev=0).clips
    assert made.loc[made["split"] == "test", "speaker"].nunique() == 1
    assert set(made["split"]) == {"train", "test"}


def test_without_sex_and_emotion_the_clips_alone_are_shared(corpus):
    clips = corpus.clips[["file", "start", "end", "speaker"]]
    assert shares(split(corpus_of(clips)).clips)["test"] == pytest.approx(0.2, abs=1e-12)


def test_the_given_corpus_stays_as_it_was(corpus):
    before = corpus.clips.copy()
    split(corpus)
    pd.testing.assert_frame_equal(corpus.clips, before)


@pytest.mark.parametrize(("test", "dev"), [(0, 0.1), (0.5, 0.5), (1.2, 0), (0.2, -0.1)])
def test_shares_that_leave_nothing_are_refused(corpus, test, dev):
    with pytest.raises(CorpusError, match="leave no train split"):
        split(corpus, test=test, dev=dev)


def test_no_speakers_are_refused(corpus):
    with pytest.raises(CorpusError, match="has no speaker labels"):
        split(corpus_of(corpus.clips.drop(columns="speaker")))


def test_two_speakers_make_no_three_parts(corpus):
    few = corpus.clips[corpus.clips["speaker"].isin(["000", "001"])]
    with pytest.raises(CorpusError, match="2 speakers, too few for train, dev, test .3 parts .* at least 3"):
        split(corpus_of(few))


def test_the_summary_counts_each_part(corpus):
    train, dev, test = summary(split(corpus))
    assert train.startswith("train: 840 clips (70%); 28 speakers; 14 female, 14 male; ")
    assert dev.startswith("dev: 120 clips (10%); 4 speakers; 2 female, 2 male; ")
    assert test.startswith("test: 240 clips (20%); 8 speakers; 4 female, 4 male; ")


def test_crema_d_is_parted_with_sexes_and_emotions_alike():
    if not CREMA_D.is_file():
        pytest.skip("shared/data/crema-d_labels is not there")
    clips = split(load_corpus(str(CREMA_D))).clips
    assert (clips.groupby("speaker")["split"].nunique() == 1).all()
    for column in ("emotion", "sex"):
        # tolerance: a speaker is 1.1 % of the clips
        assert np.allclose(shares(clips, column)["test"], 0.2, atol=0.011), column


def test_the_command_writes_a_corpus_whose_splits_can_be_named(tmp_path, corpus):
    manifest = tmp_path / "made.csv"
    corpus.clips[["file", "speaker", "sex", "emotion"]].to_csv(manifest, index=False)
    done = CliRunner().invoke(
        app,
        ["corpus", "split", str(manifest), "--out", str(tmp_path / "parted"), "--test", "0.3", "--dev", "0"],
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("train: 840 clips (70%); 28 speakers")
    found = load_corpus(f"{tmp_path / 'parted'}:test")
    assert len(found.clips) == 360
    assert found.path(found.clips.index[0]).parent == tmp_path


def test_clips_without_emotion_or_sex_are_split_too(tmp_path):
    rows = "".join(f"{i}.wav,s{i % 4},{'f' if i % 3 else ''},{'joy' if i % 2 else ''}\n" for i in range(16))
    (tmp_path / "m.csv").write_text(f"file,speaker,sex,emotion\n{rows}")
    parted = split(load_corpus(str(tmp_path / "m.csv")), test=0.25, dev=0)
    assert set(parted.clips["split"]) == {"train", "test"}
    assert parted.clips.groupby("speaker")["split"].nunique().max() == 1
