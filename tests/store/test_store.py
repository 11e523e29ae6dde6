"""Shards are written whole or not at all, and what is damaged counts as not there."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools import files
from sertools.errors import StoreError
from sertools.files import write_text
from sertools.store import store
from sertools.store.store import read_layers, read_shard, write_shard

CLIPS = pd.Index([f"clip {i}" for i in range(5)], name="clip")


def scores() -> pd.DataFrame:
    values = np.random.default_rng(0).random((5, 2)).astype(np.float32)
    values[3] = np.nan
    frame = pd.DataFrame(values, index=CLIPS, columns=["arousal", "valence"])
    frame.insert(0, "reason", ["", "", "", "broken", ""])
    frame.insert(1, "silent", [False, True, False, False, False])
    return frame


def full(folder: Path, name: str) -> None:
    """Lets the next temporary file of this process run into a full disk, a real one."""
    folder.mkdir(parents=True, exist_ok=True)
    os.symlink("/dev/full", folder / f".{name}.{os.getpid()}.part")


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def test_a_shard_comes_back_bit_by_bit(tmp_path):
    layers = np.random.default_rng(1).random((5, 3, 4)).astype(np.float32)
    write_shard(tmp_path, 7, scores(), layers)
    back = read_shard(tmp_path, 7, CLIPS)
    pd.testing.assert_frame_equal(back, scores(), check_exact=True)
    assert back["arousal"].dtype == np.float32
    assert np.array_equal(read_layers(tmp_path, 7, 5), layers)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00007.layers.npy", "00007.parquet"]


def test_the_same_shard_has_the_same_bytes(tmp_path):
    write_shard(tmp_path / "a", 0, scores())
    write_shard(tmp_path / "b", 0, scores())
    assert (tmp_path / "a/00000.parquet").read_bytes() == (tmp_path / "b/00000.parquet").read_bytes()


def test_a_shard_of_other_clips_is_not_there(tmp_path):
    write_shard(tmp_path, 0, scores())
    assert read_shard(tmp_path, 0, CLIPS[::-1]) is None
    assert read_shard(tmp_path, 0, CLIPS[:4]) is None
    assert read_shard(tmp_path, 1, CLIPS) is None


def test_layers_of_another_number_of_clips_are_not_there(tmp_path):
    write_shard(tmp_path, 0, scores(), np.zeros((5, 1, 2)))
    assert read_layers(tmp_path, 0, 5).shape == (5, 1, 2)
    assert read_layers(tmp_path, 0, 4) is None
    assert read_layers(tmp_path, 1, 5) is None


def test_one_flipped_bit_anywhere_is_noticed_or_changes_nothing(tmp_path):
    write_shard(tmp_path, 0, scores())
    path = tmp_path / "00000.parquet"
    whole = path.read_bytes()
    chance = random.Random(0)
    noticed = 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        back = read_shard(tmp_path, 0, CLIPS)
        noticed += back is None
        if back is not None:
            pd.testing.assert_frame_equal(back, scores(), check_exact=True)
    assert noticed > 200, "most of a shard is not padding"


def test_one_flipped_bit_of_layer_means_is_noticed(tmp_path):
    layers = np.random.default_rng(1).random((5, 2, 3)).astype(np.float32)
    write_shard(tmp_path, 0, scores(), layers)
    path = tmp_path / "00000.layers.npy"
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        assert read_layers(tmp_path, 0, 5) is None
    path.write_bytes(whole)
    assert np.array_equal(read_layers(tmp_path, 0, 5), layers)


def test_numpy_reads_a_sealed_array_as_any_other(tmp_path):
    array = np.arange(24.0).reshape(2, 3, 4)
    store.write_array(tmp_path / "a.npy", array)
    assert np.array_equal(np.load(tmp_path / "a.npy"), array)
    content = (tmp_path / "a.npy").read_bytes()
    assert content[-16:] == hashlib.blake2b(content[:-16], digest_size=16).digest()
    np.save(tmp_path / "b.npy", array)
    assert store.read_array(tmp_path / "b.npy") is None, "nothing vouches for an array without a seal"


@pytest.mark.parametrize("shape", [(0,), (5, 0, 0), ()])
def test_an_array_without_numbers_comes_back(tmp_path, shape):
    store.write_array(tmp_path / "a.npy", np.zeros(shape))
    assert store.read_array(tmp_path / "a.npy").shape == shape


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_shard_that_was_cut_off_is_not_there(tmp_path, share):
    write_shard(tmp_path, 0, scores(), np.zeros((5, 2, 2)))
    for name in ("00000.parquet", "00000.layers.npy"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    assert read_shard(tmp_path, 0, CLIPS) is None
    assert read_layers(tmp_path, 0, 5) is None


def test_a_pickled_array_is_never_loaded(tmp_path):
    np.save(tmp_path / "00000.layers.npy", np.array([{"a": 1}] * 5, dtype=object), allow_pickle=True)
    assert read_layers(tmp_path, 0, 5) is None


@needs_full
@pytest.mark.parametrize("name", ["00000.parquet", "00000.layers.npy"])
def test_a_full_disk_is_a_sentence_and_leaves_the_store_usable(tmp_path, name):
    full(tmp_path, name)
    with pytest.raises(StoreError, match=r"the disk is full: cannot write under .*free some space"):
        write_shard(tmp_path, 0, scores(), np.zeros((5, 9, 999)))
    assert not (tmp_path / "00000.parquet").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]
    write_shard(tmp_path, 0, scores(), np.zeros((5, 9, 999)))
    assert read_shard(tmp_path, 0, CLIPS) is not None


@needs_full
def test_a_text_that_does_not_fit_leaves_the_old_one(tmp_path):
    write_text(tmp_path / "a.json", "old")
    full(tmp_path, "a.json")
    with pytest.raises(StoreError, match="the disk is full"):
        write_text(tmp_path / "a.json", "new" * 10000)
    assert (tmp_path / "a.json").read_text() == "old"


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    def fail():
        with files.atomic(tmp_path / "x") as part:
            part.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert list(tmp_path.iterdir()) == []


def dead() -> int:
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("hours", "process", "goes"),
    [(0, dead, False), (2, dead, True), (2, os.getppid, False), (25, os.getppid, True)],
    ids=["just written", "of nobody", "of somebody", "a day old"],
)
def test_leftovers_go_once_nobody_can_still_be_writing_them(tmp_path, hours, process, goes):
    part = tmp_path / f".00000.parquet.{process()}.part"
    part.write_bytes(b"half")
    then = time.time() - hours * 60 * 60
    os.utime(part, (then, then))
    store.sweep(tmp_path)
    assert part.exists() is not goes


def test_only_what_bears_the_name_of_a_leftover_is_swept(tmp_path):
    mine = [tmp_path / name for name in ("a.part", ".mine.part", ".00000.parquet", "00000.parquet.9.part")]
    for path in mine:
        path.write_text("mine")
        os.utime(path, (0, 0))
    store.sweep(tmp_path)
    store.sweep(tmp_path / "absent")
    assert sorted(tmp_path.iterdir()) == sorted(mine)


def test_a_file_in_the_way_of_a_folder_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    for act in (
        lambda: write_text(tmp_path / "file" / "a.json", "text"),
        lambda: write_shard(tmp_path / "file" / "deeper", 0, scores()),
        lambda: files.check_writable(tmp_path / "file"),
        lambda: files.check_writable(tmp_path / "file" / "deeper"),
    ):
        with pytest.raises(StoreError, match="a file is in its way"):
            act()
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_the_way_of_a_file_is_a_sentence(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(StoreError, match=r"cannot write .*a\.json: Is a directory"):
        write_text(tmp_path / "a.json", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_checking_that_a_folder_can_be_written_leaves_nothing_behind(tmp_path):
    files.check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def locked(folder: Path) -> None:
    """Takes the permission to write from a folder: by its mode, and from root by the immutable flag."""
    folder.chmod(0o555)
    if os.geteuid() == 0:
        done = shutil.which("chattr") and subprocess.run(["chattr", "+i", folder], capture_output=True)
        if not done or done.returncode:
            pytest.skip("root may write everywhere here")


def test_no_permission_is_a_sentence(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    try:
        locked(folder)
        for act in (
            lambda: files.check_writable(folder),
            lambda: files.check_writable(folder / "new"),
            lambda: write_shard(folder / "new", 0, scores()),
        ):
            with pytest.raises(StoreError, match=r"no permission to write .*choose another --out or --cache"):
                act()
    finally:
        if os.geteuid() == 0 and shutil.which("chattr"):
            subprocess.run(["chattr", "-i", folder], check=False, capture_output=True)
        folder.chmod(0o755)
    assert list(folder.iterdir()) == []


def shard(clips, first: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Scores and layer means that tell their clips apart."""
    values = first + np.arange(len(clips), dtype=np.float32)
    frame = pd.DataFrame({"reason": "", "silent": False, "arousal": values}, index=clips)
    return frame, values[:, None, None].repeat(2, axis=1)


def test_shards_of_one_division_become_those_of_another(tmp_path):
    clips = pd.Index(list("abcdef"), name="clip")
    parts = [clips[[0, 2, 4]], clips[[1, 3]], clips[[5]]]
    for u, part in enumerate(parts[:2]):
        write_shard(tmp_path / "parts", u, *shard(part, 10.0 * u))
    todo = [(0, clips[:3]), (1, clips[3:])]
    assert store.regroup(tmp_path / "parts", parts, tmp_path / "whole", todo) == (todo[1],), "f is missing"
    moved = read_shard(tmp_path / "whole", 0, clips[:3])
    assert moved["arousal"].tolist() == [0.0, 10.0, 1.0]
    assert read_layers(tmp_path / "whole", 0, 3)[:, 1, 0].tolist() == [0.0, 10.0, 1.0]
    assert read_shard(tmp_path / "whole", 1, clips[3:]) is None
    assert not list((tmp_path / "parts").iterdir())


def kept(folder: Path) -> store.KeptSums:
    return store.KeptSums(folder=folder, name="pass-0", cells=2, size=3, running=1)


def test_sums_that_were_interrupted_resume_after_the_last_saved_part(tmp_path):
    sums, cell = kept(tmp_path), [0, 0, 1, 1]
    assert [part.tolist() for part in sums.resume(cell)[1:]] == [[0, 0, 0], [0]]
    sums.write_cells({0: np.array([1.0, 2.0, 3.0])})
    sums.write_state(3, np.array([4.0, 5.0, 6.0]), np.array([7.0]))
    begin, flat, running = sums.resume(cell)
    assert (begin, flat.tolist(), running.tolist()) == (3, [4, 5, 6], [7])
    assert sums.read() is None, "they are not finished"
    sums.finish({1: np.array([8.0, 9.0, 10.0])}, np.array([11.0]))
    found, running = sums.read()
    assert (found.tolist(), running.tolist()) == ([[1, 2, 3], [8, 9, 10]], [11])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pass-0.between.npy", "pass-0.sums.npy"]


def test_sums_begin_again_if_a_finished_cell_is_gone(tmp_path):
    sums = kept(tmp_path)
    sums.write_cells({0: np.ones(3)})
    sums.write_state(3, np.ones(3), np.ones(1))
    (tmp_path / "pass-0.cell-0.npy").unlink()
    assert sums.resume([0, 0, 1, 1])[0] == 0
    assert sums.resume([0, 0, 0, 0, 1])[0] == 3, "the cell is not finished yet"


def test_a_json_file_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="a file is in its way"):
        store.write_json(tmp_path / "file" / "choice.json", {})
    store.write_json(tmp_path / "new" / "choice.json", {"precision": "fp32"})
    assert (tmp_path / "new" / "choice.json").read_text() == '{\n "precision": "fp32"\n}\n'
