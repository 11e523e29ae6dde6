"""The heavy loop: nothing twice, nothing half, and no number that depends on how it was computed."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.audio.files import write_audio
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.corpora.load import load_corpus
from sertools.errors import ModelError, StoreError
from sertools.inference import engine
from sertools.inference.decode import DecodedClip
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions, load_model
from sertools.tables.condition import Condition
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.places import ROOT
from tests.helpers.small import RATE, Meter, jobs, noises, write_noises

DATA = ROOT.parent / "shared" / "data"


def computed(model, corpus: Corpus, root: Path, layers=False, condition=None, **settings):
    """Scores with reasons, and layer means, after what was missing has been computed."""
    job = jobs(model, corpus, root, layers=layers, condition=condition)
    return engine.run(job, corpus, model, Settings(**settings))


def test_scores_are_those_of_the_model_asked_clip_by_clip(tmp_path):
    corpus, model = noises(tmp_path / "c", 12), Meter()
    frame, _ = computed(model, corpus, tmp_path / "store", batch_size=5)
    for i, clip in enumerate(corpus.clips.index):
        rng = np.random.default_rng(0)
        for k in range(i + 1):  # the noises, drawn a second time
            noise = (0.01 + 0.3 * k / 12) * rng.standard_normal(800 + 7 * k)
        wanted = model.answer(np.clip(noise, -1, 1).astype(np.float32))
        assert frame.loc[clip, list(model.labels)].tolist() == np.float32(wanted).tolist()
    assert (frame["reason"] == "").all()
    assert model.clips == 12


def test_a_second_run_asks_the_model_nothing(tmp_path):
    corpus, model = noises(tmp_path / "c", 70), Meter()
    first, _ = computed(model, corpus, tmp_path / "store")
    asked = model.calls
    assert model.clips == 70
    second, _ = computed(model, corpus, tmp_path / "store")
    assert model.calls == asked
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_only_the_damaged_shard_is_computed_again(tmp_path):
    corpus, model = noises(tmp_path / "c", 70), Meter()
    computed(model, corpus, tmp_path / "store")
    job = jobs(model, corpus, tmp_path / "store")
    path = job.folder / "00001.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    model.clips = 0
    computed(model, corpus, tmp_path / "store")
    assert model.clips == 6
    assert path.read_bytes() == whole


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_neither_batch_size_nor_workers_change_a_bit_of_a_model_that_hears_clip_by_clip(
    tmp_path, batch_size, workers
):
    corpus = noises(tmp_path / "c", 20)
    one, _ = computed(Meter(), corpus, tmp_path / "one", batch_size=8, workers=2)
    other, _ = computed(Meter(), corpus, tmp_path / "other", batch_size=batch_size, workers=workers)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def files(root: Path) -> dict[str, bytes]:
    """What a store holds, by name; temporary files of killed processes are none of it."""
    kept = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in kept}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = write_checkpoint(tmp_path_factory.mktemp("network") / "w", num_hidden_layers=1)
    return load_model(str(folder), LoadOptions(device="cpu"))


def test_neither_batches_nor_groups_change_a_bit_of_a_network_that_packs_clips(
    tmp_path, network, monkeypatch
):
    corpus = noises(tmp_path / "c", 10, samples=1000)
    one, means = computed(network, corpus, tmp_path / "1", batch_size=1, layers=True)
    assert one[list(network.labels)].std().max() > 1e-3, "clips differ"
    for samples in (1000, 3500):
        monkeypatch.setattr(engine, "PACKED_SAMPLES", samples)
        other, others = computed(network, corpus, tmp_path / str(samples), batch_size=8, layers=True)
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        np.testing.assert_array_equal(np.concatenate(means), np.concatenate(others))


def test_clips_are_grouped_in_order_within_the_limit_on_samples(monkeypatch):
    monkeypatch.setattr(engine, "PACKED_SAMPLES", 10)
    signals = [np.zeros(n, np.float32) if n else None for n in (4, 6, 0, 5, 20, 1, 1)]
    clips = [DecodedClip(signal=s, reason="" if s is not None else "gone", silent=False) for s in signals]
    assert engine.groups(clips) == [[0, 1], [3], [4], [5, 6]]


def test_the_same_batch_size_gives_the_same_bytes_with_any_number_of_workers(tmp_path, network):
    corpus = noises(tmp_path / "c", 10, samples=1000)
    for workers in (1, 4):
        computed(network, corpus, tmp_path / str(workers), batch_size=4, workers=workers, layers=True)
    assert files(tmp_path / "1") == files(tmp_path / "4")


@pytest.mark.parametrize("condition", [Condition(), Condition(perturbation="white_noise", level=20)])
def test_the_order_of_the_manifest_changes_no_prediction(tmp_path, network, condition):
    manifest = write_noises(tmp_path / "c", 10, samples=1000)
    corpus = load_corpus(str(manifest))
    header, *rows = manifest.read_text().splitlines()
    random.Random(0).shuffle(rows)
    manifest.write_text("\n".join([header, *rows]) + "\n")
    shuffled = load_corpus(str(manifest))
    assert list(shuffled.clips.index) != list(corpus.clips.index)
    one, _ = computed(network, corpus, tmp_path / "1", batch_size=3, condition=condition)
    other, _ = computed(network, shuffled, tmp_path / "2", batch_size=3, condition=condition)
    pd.testing.assert_frame_equal(one, other.loc[one.index], check_exact=True)


def test_broken_clips_are_missing_with_their_reason_and_the_others_are_scored(tmp_path):
    corpus = noises(tmp_path / "c", 12)
    (tmp_path / "c/003.wav").unlink()
    (tmp_path / "c/004.wav").write_bytes(b"")
    (tmp_path / "c/005.wav").write_bytes(b"this is no sound" * 50)
    whole = (tmp_path / "c/006.wav").read_bytes()
    (tmp_path / "c/006.wav").write_bytes(whole[: len(whole) // 2])
    frame, _ = computed(Meter(), corpus, tmp_path / "store")
    reasons = frame["reason"]
    assert "no such file" in reasons["clip 003"]
    assert "is empty" in reasons["clip 004"]
    assert "cannot be decoded as audio" in reasons["clip 005"]
    assert (reasons != "").sum() == 3
    assert list(frame.index[frame["cut"].eq(True)]) == ["clip 006"]
    assert frame.loc[reasons != "", ["arousal", "dominance", "valence"]].isna().all().all()
    assert frame.loc[reasons == "", ["arousal", "dominance", "valence"]].notna().all().all()


def test_a_clip_that_is_too_short_is_missing_with_both_lengths(tmp_path):
    from sertools.audio.files import write_audio

    corpus = noises(tmp_path / "c", 6)
    write_audio(tmp_path / "c/002.wav", np.full(399, 0.1), 16000)
    write_audio(tmp_path / "c/003.wav", np.full(400, 0.1), 16000)
    frame, _ = computed(Meter(), corpus, tmp_path / "store")
    assert frame.at["clip 002", "reason"] == "399 samples, but the model needs 400 (0.025 s)"
    assert frame.at["clip 003", "reason"] == ""


def test_a_clip_longer_than_the_model_hears_is_missing_and_not_cut(tmp_path):
    corpus, model = noises(tmp_path / "c", 6), Meter()
    model.longest = 820
    frame, _ = computed(model, corpus, tmp_path / "store")
    assert [bool(reason) for reason in frame["reason"]] == [False, False, False, True, True, True]
    said = "0.1 s, but the model takes at most 0.1 s; --window 0.05 cuts longer clips"
    assert frame.at["clip 005", "reason"] == said


def test_digital_silence_is_scored_and_flagged(tmp_path):
    from sertools.audio.files import write_audio

    corpus = noises(tmp_path / "c", 6)
    write_audio(tmp_path / "c/001.wav", np.zeros(1000), 16000)
    frame, _ = computed(Meter(), corpus, tmp_path / "store")
    assert frame["silent"].tolist() == [False, True, False, False, False, False]
    assert frame.loc["clip 001", ["arousal", "valence"]].tolist() == [0.0, 0.0]
    assert frame.at["clip 001", "reason"] == ""


@pytest.mark.parametrize("answer", [np.nan, np.inf, -np.inf, 1e300])
def test_an_answer_that_is_no_finite_number_is_missing_and_never_zero(tmp_path, answer):
    class Odd(Meter):
        def answer(self, signal):
            row = super().answer(signal)
            return [row[0], answer, row[2]] if len(signal) == 807 else row

    frame, _ = computed(Odd(), noises(tmp_path / "c", 6), tmp_path / "store")
    assert frame.at["clip 001", "reason"] == "the model's prediction is not a finite number"
    assert frame.loc["clip 001", ["arousal", "dominance", "valence"]].isna().all()
    assert (frame["reason"] != "").sum() == 1


def test_scores_of_another_shape_are_refused_and_not_spread_over_labels(tmp_path):
    class Narrow(Meter):
        def answer(self, signal):
            return [0.5]

    corpus = noises(tmp_path / "c", 3)
    with pytest.raises(ModelError, match=r"meter returned, for 3 clips, scores of shape \(3, 1\).*3 labels"):
        computed(Narrow(), corpus, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_layer_means_of_missing_clips_are_nan_and_the_others_are_the_models(tmp_path):
    corpus = noises(tmp_path / "c", 5)
    (tmp_path / "c/003.wav").unlink()
    frame, (means,) = computed(Meter(), corpus, tmp_path / "store", layers=True)
    assert means.shape == (5, 1, 3)
    assert np.isnan(means[3]).all()
    known = [0, 1, 2, 4]
    assert np.array_equal(means[known, 0], frame[["arousal", "dominance", "valence"]].to_numpy()[known])


def test_progress_counts_every_clip_once_missing_ones_too(tmp_path):
    corpus = noises(tmp_path / "c", 70)
    (tmp_path / "c/003.wav").unlink()
    seen: list[int] = []
    computed(Meter(), corpus, tmp_path / "store", progress=lambda what, n: nullcontext(seen.append))
    assert sum(seen) == 70


def test_a_long_clip_runs_alone(tmp_path):
    batches = engine.batches(
        [DecodedClip(signal=np.zeros(n, np.float32)) for n in (engine.BATCH_SAMPLES + 1, 500, 400)], 8
    )
    assert batches == [[2, 1], [0]]


def test_a_disk_that_fills_up_keeps_the_finished_shards(tmp_path):
    corpus, model = noises(tmp_path / "c", 70), Meter()
    job = jobs(model, corpus, tmp_path / "store")
    job.folder.mkdir(parents=True)
    (job.folder / f".00001.parquet.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="the disk is full"):
        engine.run(job, corpus, model, Settings())
    assert sorted(files(tmp_path / "store")) == [
        f"{job.folder.relative_to(tmp_path / 'store')}/00000.parquet"
    ]
    model.clips = 0
    frame, _ = computed(model, corpus, tmp_path / "store")
    assert model.clips == 6
    assert len(frame) == 70


def test_a_run_sweeps_what_a_dead_one_left_in_its_folder(tmp_path):
    corpus, model = noises(tmp_path / "c", 3), Meter()
    job = jobs(model, corpus, tmp_path / "store")
    job.folder.mkdir(parents=True)
    left = job.folder / ".00000.parquet.1.part"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    engine.run(job, corpus, model, Settings())
    assert [path.name for path in job.folder.iterdir()] == ["00000.parquet"]


CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from sertools.corpora.load import load_corpus
from tests.helpers.small import Meter, jobs
from sertools.inference import engine
from sertools.inference.settings import Settings

class Slow(Meter):
    def predict(self, signals, *, layers=False):
        time.sleep(0.002 * len(signals))
        return super().predict(signals, layers=layers)

corpus = load_corpus(sys.argv[1])
model = Slow()
for root in sys.argv[2:]:
    job = jobs(model, corpus, Path(root), layers=True)
    print("ready", flush=True)
    engine.run(job, corpus, model, Settings())
print("done", flush=True)
"""

FORKS = (
    CHILD.partition("for root in")[0]
    + """
import os
for line in sys.stdin:  # a process each, which need not import everything again
    if (child := os.fork()) == 0:
        job = jobs(model, corpus, Path(line.strip()), layers=True)
        print("ready", flush=True)
        engine.run(job, corpus, model, Settings())
        os._exit(0)
    if sys.stdin.readline() == "kill\\n":
        os.kill(child, 9)
    print(os.waitpid(child, 0)[1], flush=True)
"""
)


def child(manifest: Path, *roots: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", CHILD, str(manifest), *map(str, roots)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_a_store_that_the_next_one_completes(tmp_path):
    manifest = write_noises(tmp_path / "c", 300, samples=400)
    command = [sys.executable, "-c", FORKS, str(manifest)]
    forks = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def asked(words: Path | str) -> str:
        forks.stdin.write(f"{words}\n")
        return forks.stdout.readline()

    assert asked(tmp_path / "whole") == "ready\n"
    began = time.monotonic()
    assert asked("wait") == "0\n"
    takes_s = time.monotonic() - began
    whole = files(tmp_path / "whole")
    assert len(whole) == 2 * 5
    chance, killed, partial = random.Random(0), 0, 0
    roots, another = [], True
    while killed < 8:
        assert len(roots) < 100, "it is always done before it is killed"
        if another:
            roots.append(tmp_path / f"store {len(roots)}")
        assert asked(roots[-1]) == "ready\n"
        time.sleep(chance.uniform(0, takes_s))
        died = int(asked("kill")) == signal.SIGKILL
        killed += died
        another = not died or killed % 4 == 0  # four deaths to a store at most
        there = files(roots[-1]) if roots[-1].exists() else {}
        assert there.items() <= whole.items(), "what has a name is whole"
        partial += 0 < len(there) < len(whole)
    forks.stdin.close()
    forks.stdout.close()
    assert forks.wait(timeout=60) == 0
    assert partial >= 2, "some of the deaths came in the middle"
    with child(manifest, *roots) as process:
        assert process.stdout.read() == "ready\n" * len(roots) + "done\n"
    for root in roots:
        assert files(root) == whole


@pytest.mark.slow
def test_two_processes_at_once_leave_what_one_leaves(tmp_path):
    manifest = write_noises(tmp_path / "c", 200, samples=400)
    one, other = child(manifest, tmp_path / "shared"), child(manifest, tmp_path / "shared")
    with one, other:
        assert one.stdout.read() == "ready\ndone\n"
        assert other.stdout.read() == "ready\ndone\n"
    with child(manifest, tmp_path / "alone") as process:
        process.wait()
    assert files(tmp_path / "shared") == files(tmp_path / "alone")
    assert not list((tmp_path / "shared").rglob(".*"))


@pytest.mark.skipif(not (DATA / "emodb").is_dir(), reason="no ../shared/data/emodb")
def test_real_speech_is_scored_as_the_model_scores_each_file_alone(tmp_path, network):
    from dataclasses import replace

    from sertools.audio.files import read_audio

    corpus = load_corpus(str(DATA / "emodb:test"))
    corpus = replace(corpus, clips=corpus.clips.iloc[::40])
    frame, _ = computed(network, corpus, tmp_path / "store", batch_size=6)
    for clip in corpus.clips.index:
        alone = network.predict([read_audio(corpus.path(clip), 16000)]).scores[0]
        assert np.abs(frame.loc[clip, list(network.labels)].to_numpy(float) - alone).max() < 1e-5


def test_what_is_no_sound_or_too_long_is_missing_and_the_rest_is_scored(tmp_path):
    corpus = noises(tmp_path, 8)
    files = [str(corpus.root / file) for file in corpus.clips["file"]]
    Path(files[0]).unlink()
    os.mkfifo(files[0])
    Path(files[1]).unlink()
    Path(files[1]).symlink_to("/dev/zero")
    Path(files[2]).unlink()
    Path(files[2]).mkdir()
    Path(files[3]).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 1\n")
    write_audio(files[4], np.zeros(4 * RATE), RATE)
    corpus = replace(corpus, max_minutes=0.05)
    assert fingerprint(corpus) != fingerprint(replace(corpus, max_minutes=60.0))
    frame = computed(Meter(), corpus, tmp_path / "store")[0]
    reasons = frame["reason"].tolist()
    for reason, said in zip(reasons, ["not a file"] * 3 + ["git-lfs", "longer than the limit"], strict=False):
        assert said in reason
    assert reasons[5:] == ["", "", ""]
