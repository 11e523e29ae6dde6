"""A corpus is found by name or path, checked, written, joined and told apart from others."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.audio.files import write_audio
from sertools.cli.app import app
from sertools.corpora.check import check
from sertools.corpora.corpus import Corpus, fingerprint, join_corpora, write_corpus
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from tests.helpers.places import ROOT

DATA = ROOT / ".." / "shared" / "data"
needs_speech = pytest.mark.skipif(not DATA.is_dir(), reason="the speech in ../shared/data is not here")

MANIFEST = """file,speaker,sex,emotion,arousal,split
wav/a.wav,03,f,angry,0.9,train
wav/b.wav,03,f,neutral,0.4,test
wav/c.wav,07,m,sad,,test
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A manifest of three clips with a second of noise each."""
    (tmp_path / "wav").mkdir()
    for seed, name in enumerate("abc"):
        noise = np.random.default_rng(seed).uniform(-0.5, 0.5, 16000)
        write_audio(tmp_path / "wav" / f"{name}.wav", noise, 16000)
    (tmp_path / "mine.csv").write_text(MANIFEST)
    return tmp_path


def said(spec: str, **options: object) -> str:
    with pytest.raises(CorpusError) as caught:
        load_corpus(spec, **options)  # type: ignore[arg-type]  # options of the tests
    return str(caught.value)


def test_manifest_is_a_corpus_with_paths_relative_to_it(folder: Path) -> None:
    corpus = load_corpus(str(folder / "mine.csv"))
    assert corpus.name == "mine"
    assert corpus.clips.index.tolist() == ["wav/a.wav", "wav/b.wav", "wav/c.wav"]
    assert corpus.path("wav/b.wav") == folder / "wav" / "b.wav"
    assert corpus.path("wav/b.wav").is_file()
    assert corpus.clips["emotion"].tolist() == ["anger", "neutral", "sadness"]


def test_split_is_chosen_after_the_colon(folder: Path) -> None:
    corpus = load_corpus(f"{folder / 'mine.csv'}:test")
    assert corpus.name == "mine:test"
    assert corpus.clips.index.tolist() == ["wav/b.wav", "wav/c.wav"]


def test_absolute_files_are_not_moved(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "m.csv").write_text(f"file\n{folder / 'wav' / 'a.wav'}\n")
    corpus = load_corpus(str(tmp_path / "elsewhere" / "m.csv"))
    assert corpus.path(corpus.clips.index[0]) == folder / "wav" / "a.wav"


def test_folder_with_metadata_is_a_manifest(folder: Path) -> None:
    (folder / "metadata.csv").write_text(MANIFEST)
    assert load_corpus(str(folder)).name == folder.name
    assert len(load_corpus(f"{folder}:test").clips) == 2


def test_label_under_another_name_is_pointed_out(folder: Path) -> None:
    (folder / "other.csv").write_text("file,activation\nwav/a.wav,0.5\n")
    corpus = load_corpus(str(folder / "other.csv"))
    assert corpus.notes == (
        "column 'activation' is kept as an attribute; if it is arousal, use --map activation=arousal",
        "there are no speaker labels, so confidence intervals are too narrow if speakers repeat",
    )


def test_corpus_without_speakers_says_so_once(folder: Path) -> None:
    (folder / "none.csv").write_text("file,speaker\nwav/a.wav,?\n")
    corpus = load_corpus(str(folder / "none.csv"))
    sentence = "there are no speaker labels, so confidence intervals are too narrow if speakers repeat"
    assert corpus.notes[-1] == sentence
    assert check(corpus).sentences.count(sentence) == 1
    assert sentence not in load_corpus(str(folder / "mine.csv")).notes


def test_written_corpus_is_read_back_the_same(folder: Path) -> None:
    corpus = load_corpus(str(folder / "mine.csv"))
    facts = {"version": "1.0", "licence": 'CC "0" \\', "citation": "Müller 😀\n2020", "simulated": "by rule"}
    facts["recordings"] = "must not be passed on"
    corpus = Corpus(name="mine:x", clips=corpus.clips, root=corpus.root, notes=("a", "b\tc"), **facts)
    for target in (folder, folder / "deep" / "er"):
        write_corpus(corpus, target)
        back = load_corpus(str(target))
        pd.testing.assert_frame_equal(back.clips, corpus.clips)
        assert (back.name, back.notes) == (corpus.name, corpus.notes)
        assert {key: getattr(back, key) for key in facts} == facts
        assert fingerprint(back) == fingerprint(corpus)
    names = sorted(path.name for path in (folder / "deep" / "er").iterdir())
    assert names == ["clips.parquet", "corpus.toml"]


def test_written_corpus_moves_with_its_sound(folder: Path) -> None:
    corpus = load_corpus(str(folder / "mine.csv"))
    write_corpus(corpus, folder)
    moved = folder.with_name("moved")
    folder.rename(moved)
    assert fingerprint(load_corpus(str(moved))) == fingerprint(
        Corpus(name="x", clips=corpus.clips, root=moved)
    )
    moved.rename(folder)


def test_damaged_corpus_files_are_refused(folder: Path) -> None:
    write_corpus(load_corpus(str(folder / "mine.csv")), folder / "out")
    toml = folder / "out" / "corpus.toml"
    whole = toml.read_text()
    toml.write_text(whole.replace("schema = 2", "schema = 99"))
    assert said(str(folder / "out")) == f"{toml} does not have schema 2 (write it again with this version)"
    toml.write_text(whole.replace("licence", "license"))
    assert said(str(folder / "out")) == f"{toml} has no key 'licence'"
    toml.write_text("name = ")
    assert said(str(folder / "out")).startswith(f"{toml} is not valid TOML: ")
    toml.write_text(whole)
    (folder / "out" / "clips.parquet").unlink()
    assert said(str(folder / "out")) == f"no such file: {folder / 'out' / 'clips.parquet'}"


KILLED_BETWEEN = """
import os, sys
from pathlib import Path

from sertools.corpora.corpus import write_corpus
from sertools.corpora.load import load_corpus

rename, renamed = os.replace, []

def replace(self, target):
    if len(renamed) == int(sys.argv[3]):
        os._exit(9)
    renamed.append(target)
    rename(self, target)

Path.replace = replace
write_corpus(load_corpus(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("renamed", [0, 1])
def test_a_corpus_is_never_read_with_a_table_that_is_not_its_own(folder: Path, renamed: int) -> None:
    out = folder / "out"
    write_corpus(load_corpus(str(folder / "mine.csv")), out)
    before = load_corpus(str(out)).clips
    (folder / "other.csv").write_text((folder / "mine.csv").read_text().replace("angry", "sad"))
    command = [sys.executable, "-c", KILLED_BETWEEN, str(folder / "other.csv"), str(out), str(renamed)]
    assert subprocess.run(command, check=False).returncode == 9
    if renamed:
        assert said(str(out)).startswith(
            f"{out / 'clips.parquet'} is not the table that corpus.toml describes: writing was interrupted"
        )
    else:
        pd.testing.assert_frame_equal(load_corpus(str(out)).clips, before)
    other = load_corpus(str(folder / "other.csv"))
    write_corpus(other, out)
    pd.testing.assert_frame_equal(load_corpus(str(out)).clips, other.clips)


@pytest.mark.parametrize("renamed", [0, 1, 2])
def test_a_new_folder_has_table_and_head_or_is_not_there(folder: Path, renamed: int) -> None:
    out = folder / "out"
    command = [sys.executable, "-c", KILLED_BETWEEN, str(folder / "mine.csv"), str(out), str(renamed)]
    assert subprocess.run(command, check=False).returncode == 9
    assert not out.exists()


def test_written_corpus_is_not_scaled_twice(folder: Path) -> None:
    write_corpus(load_corpus(str(folder / "mine.csv")), folder / "out")
    assert said(str(folder / "out"), scale={"arousal": (0, 2)}) == (
        "--scale arousal: the rating scale of mine is fixed"
    )


def test_folder_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    corpus = load_corpus(str(folder / "mine.csv"))
    with pytest.raises(CorpusError, match=r"^cannot write .*mine\.csv"):
        write_corpus(corpus, folder / "mine.csv")


def test_speakers_of_joined_corpora_are_different_people(folder: Path) -> None:
    clips = load_corpus(str(folder / "mine.csv")).clips
    parts = [Corpus(name=name, clips=clips, root=folder, licence="CC0", notes=("n",)) for name in ("x", "y")]
    joined = join_corpora(parts)
    assert joined.clips.index.tolist()[:2] == ["x:wav/a.wav", "x:wav/b.wav"]
    assert sorted(joined.clips["speaker"].unique()) == ["x:03", "x:07", "y:03", "y:07"]
    assert joined.clips["corpus"].value_counts().to_dict() == {"x": 3, "y": 3}
    assert joined.path("y:wav/c.wav").is_file()
    assert (joined.name, joined.licence, joined.notes) == ("x+y", "x: CC0 · y: CC0", ("x: n", "y: n"))
    assert clips["speaker"].tolist() == ["03", "03", "07"]


def test_joined_splits_of_one_corpus_keep_their_people(folder: Path) -> None:
    parts = [load_corpus(f"{folder / 'mine.csv'}:{split}") for split in ("train", "test")]
    joined = join_corpora(parts)
    assert sorted(joined.clips["speaker"].unique()) == ["mine:03", "mine:07"]
    with pytest.raises(CorpusError) as caught:
        join_corpora([parts[0], parts[0]])
    assert str(caught.value) == "clip 'mine:wav/a.wav' is in two of the corpora (join each split once)"
    with pytest.raises(CorpusError, match=r"^no corpora to join$"):
        join_corpora([])


def test_joined_corpus_survives_writing(folder: Path) -> None:
    clips = load_corpus(str(folder / "mine.csv")).clips
    joined = join_corpora([Corpus(name=name, clips=clips, root=folder) for name in ("x", "y")])
    write_corpus(joined, folder / "both")
    back = load_corpus(str(folder / "both")).clips
    pd.testing.assert_frame_equal(back, joined.clips[back.columns])


def test_fingerprint_depends_on_sound_and_not_on_labels(folder: Path) -> None:
    corpus = load_corpus(str(folder / "mine.csv"))
    original = fingerprint(corpus)
    assert len(original) == 32
    int(original, 16)
    (folder / "mine.csv").write_text(MANIFEST.replace("angry", "happy").replace("0.9", "0.1"))
    assert fingerprint(load_corpus(str(folder / "mine.csv"))) == original

    changed = {original}
    for edit in (
        corpus.clips.iloc[::-1],
        corpus.clips.iloc[:2],
        corpus.clips.assign(start=0.5),
        corpus.clips.assign(end=0.5),
        corpus.clips.rename(index={"wav/a.wav": "a"}),
    ):
        changed.add(fingerprint(Corpus(name="mine", clips=edit, root=folder)))
    sound = folder / "wav" / "a.wav"
    whole = sound.read_bytes()
    sound.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    changed.add(fingerprint(corpus))
    sound.unlink()
    changed.add(fingerprint(corpus))
    assert len(changed) == 8
    sound.write_bytes(whole)
    assert fingerprint(corpus) == original


def test_check_counts_what_is_there(folder: Path) -> None:
    assert list(check(load_corpus(str(folder / "mine.csv"))).sentences) == [
        "mine: 3 clips in 3 files",
        "2 speakers (1 female, 1 male)",
        "emotion: 3 of 3 clips",
        "arousal: 2 of 3 clips",
        "emotions: anger 1, neutral 1, sadness 1",
        "0.1 minutes of audio",
        "sampling rate: 16000 Hz (3)",
        "number of channels: 1 (3)",
        "effective bandwidth: up to 8 kHz (3)",
        "polarity of the voice: unclear (3)",
    ]


def test_check_finds_what_is_wrong(folder: Path) -> None:
    write_audio(folder / "silent.wav", np.zeros(16000), 16000)
    write_audio(folder / "short.wav", np.ones(399), 16000)
    (folder / "broken.wav").write_bytes(b"RIFF")
    (folder / "twin.wav").write_bytes((folder / "wav" / "a.wav").read_bytes())
    (folder / "all.csv").write_text(
        "file\nwav/a.wav\ntwin.wav\nsilent.wav\nshort.wav\nbroken.wav\nnone.wav\n"
    )
    found = list(check(load_corpus(str(folder / "all.csv"))).sentences)
    assert found[:3] == [
        "all: 6 clips in 6 files",
        "there are no speaker labels, so confidence intervals are too narrow if speakers repeat",
        "no labels: none of emotion, arousal, dominance, valence",
    ]
    assert found[3] == "0.1 minutes of audio"
    assert "1 clip with clipping: short.wav" in found
    at = next(i for i, said in enumerate(found) if said.startswith("broken.wav: "))
    assert found[at].startswith("broken.wav: broken.wav cannot be decoded as audio: ")
    assert found[at + 1 :] == [
        f"none.wav: no such file: {folder / 'none.wav'}",
        "2 of 6 clips cannot be read",
        "1 clips are digital silence: silent.wav",
        "1 clips are shorter than 25 ms: short.wav",
        "identical audio: wav/a.wav, twin.wav",
    ]


def test_clips_of_unknown_speakers_are_counted(folder: Path) -> None:
    (folder / "some.csv").write_text("file,speaker\nwav/a.wav,1\nwav/b.wav,\n")
    found = list(check(load_corpus(str(folder / "some.csv"))).sentences)
    assert found[1:3] == ["1 speaker", "1 clip without a speaker label"]
    assert load_corpus(str(folder / "some.csv")).notes[-1] == (
        "1 clip without a speaker label: in intervals it counts as a speaker of its own"
    )


def test_nothing_there_is_said_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    manifest = folder / "mine.csv"
    assert said("no.csv") == "no such file or folder: no.csv"
    assert said("no.csv:test") == "no such file or folder: no.csv"
    assert said("./no") == "no such file or folder: ./no"
    assert said(f"{tmp_path}/no:test") == f"no such file or folder: {tmp_path}/no:test"
    assert said("emodbb") == "unknown corpus 'emodbb' (did you mean 'emodb'?)"
    assert said("ravdes:test") == "unknown corpus 'ravdes' (did you mean 'ravdess'?)"
    assert said(f"{manifest}:tset") == "mine has no split 'tset' (did you mean 'test'?)"
    assert said(f"{manifest}:dev") == "mine has no split 'dev' (known: test, train)"
    assert said("msp-test1:train") == "'msp-test1' is already a split, so 'msp-test1:train' is not valid"
    assert said(str(tmp_path / "empty")).startswith(
        f"{tmp_path / 'empty'} is not a corpus: it has no corpus.toml, db.yaml or metadata.csv, "
        "no recordings, no folders named like emotions, and no known layout "
        "(use a manifest (.csv, .tsv, .parquet, .jsonl); known layouts: sertools list corpora)"
    )
    (folder / "plain.csv").write_text("file\nwav/a.wav\n")
    assert said(f"{folder / 'plain.csv'}:test") == "plain has no column 'split', so it has no split 'test'"


@needs_speech
def test_emodb_is_read_by_folder_with_its_counts_verified() -> None:
    corpus = load_corpus(str(DATA / "emodb:test"))
    assert corpus.name == "emodb:test"
    assert sorted(corpus.clips["speaker"].unique()) == ["12", "14", "15", "16"]
    assert len(corpus.clips) == 231
    assert corpus.notes[0].startswith(
        "as published: 535 of 535 clips, 10 of 10 speakers, 5 of 5 female speakers, 5 of 5 male speakers"
    )
    assert "CC0" in corpus.licence
    assert "Burkhardt" in corpus.citation
    assert corpus.path(corpus.clips.index[0]).is_file()


@needs_speech
def test_registered_name_finds_its_folder_below_the_data_root() -> None:
    by_name = load_corpus("ravdess:test", data_root=DATA)
    by_folder = load_corpus(str(DATA / "ravdess:test"))
    pd.testing.assert_frame_equal(by_name.clips, by_folder.clips)
    assert load_corpus("ravdess:test", data_root=DATA / "ravdess").name == "ravdess:test"


@needs_speech
def test_the_one_recording_that_ravdess_holds_twice_is_found() -> None:
    corpus = load_corpus(str(DATA / "ravdess"))
    # One actor's happy clips hold the pair and are decoded in no time.
    few = corpus.clips[(corpus.clips["speaker"] == "07") & (corpus.clips["emotion"] == "happiness")]
    found = list(check(Corpus(name="few", clips=few, root=corpus.root)).sentences)
    assert found[-1] == ("identical audio: audio/03-01-03-01-02-01-07.flac, audio/03-01-03-01-02-02-07.flac")


@needs_speech
def test_a_published_corpus_has_its_own_scale() -> None:
    assert said(str(DATA / "emodb"), scale={"arousal": (1, 7)}) == (
        "--scale arousal: emodb has no column 'arousal'"
    )
    rated = load_corpus(
        str(DATA / "emodb"), column_map={"naturalness_rate": "valence"}, scale={"valence": (0, 2)}
    )
    assert math.isclose(rated.clips.at["audio/03a01Fa.flac", "valence"], 0.375)


def test_data_root_is_the_folder_of_the_paths(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "mine.csv").write_text("file\nwav/a.wav\n")
    spec = str(tmp_path / "tables" / "mine.csv")
    assert load_corpus(spec, data_root=folder).root == folder
    assert load_corpus(spec).root == tmp_path / "tables"
    # with several --data, one folder cannot serve all: a table whose files are beside it keeps its own
    assert load_corpus(str(folder / "mine.csv"), data_root=tmp_path / "tables").root == folder


def test_suffix_in_other_case_is_found(folder: Path) -> None:
    (folder / "wav" / "a.wav").rename(folder / "wav" / "a.WAV")
    corpus = load_corpus(str(folder / "mine.csv"))
    assert corpus.path("wav/a.wav") == folder / "wav" / "a.WAV"
    assert check(corpus).unread == 0


@pytest.mark.parametrize(
    ("files", "options", "code"),
    [(("wav/a.wav",), (), 0), (("wav/a.wav", "no.wav"), (), 1),
     (("wav/a.wav", "no.wav"), ("--allow-missing",), 0), (("no.wav", "none.wav"), (), 2)],
)  # fmt: skip
def test_exit_code_says_whether_clips_can_be_read(
    folder: Path, files: tuple[str, ...], options: tuple[str, ...], code: int
) -> None:
    (folder / "some.csv").write_text("file\n" + "\n".join(files) + "\n")
    done = CliRunner().invoke(app, ["corpus", "check", str(folder / "some.csv"), *options])
    assert done.exit_code == code
    assert done.stdout.startswith(f"some: {len(files)} clip")
    assert ("Error: no clip of some can be read" in done.stderr) == (code == 2)
