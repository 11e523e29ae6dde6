"""What the store holds, what of it can be read, and what goes when it is pruned."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.errors import StoreError
from sertools.store import cache, store
from sertools.store.key import Key


def fill(root: Path, model: str = "m", corpus: str = "c", shards: int = 2, layers: bool = False) -> Path:
    """A store with shards of three clips under one condition; returns their folder."""
    folder = Key(model=(model, "1"), corpus=(corpus, "2"), condition=("clean", "3")).folder(root)
    for i in range(shards):
        clips = pd.Index([f"{i}-{k}" for k in range(3)], name="clip")
        scores = pd.DataFrame({"reason": "", "silent": False, "arousal": np.float32(0.5)}, index=clips)
        store.write_shard(folder, i, scores, np.zeros((3, 2, 4)) if layers else None)
    return folder


def aged(path: Path, hours: float) -> None:
    then = time.time() - hours * 60 * 60
    os.utime(path, (then, then))


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_sizes_are_those_of_the_files(tmp_path):
    fill(tmp_path, "m", "c", shards=2, layers=True)
    fill(tmp_path, "m", "d", shards=1)
    first, second = cache.entries(tmp_path)
    assert first.bytes + second.bytes == sum(path.stat().st_size for path in files(tmp_path))
    assert (first.model.rpartition("-")[0], first.corpus.rpartition("-")[0]) == ("m", "c")
    assert (first.conditions, first.shards, second.shards) == (1, 2, 1)


def test_a_store_that_is_not_there_is_empty(tmp_path):
    assert cache.entries(tmp_path / "absent") == []
    assert cache.verify(tmp_path / "absent") == []


def test_a_whole_store_verifies(tmp_path):
    fill(tmp_path, layers=True)
    assert cache.verify(tmp_path) == []


def test_a_truncated_table_is_named_and_the_others_are_not(tmp_path):
    folder = fill(tmp_path)
    path = folder / "00001.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert cache.verify(tmp_path) == [(path, "the file cannot be read, or its content has changed")]


def test_a_number_that_was_changed_in_place_is_named(tmp_path):
    folder = fill(tmp_path, layers=True)
    whole = (folder / "00000.layers.npy").read_bytes()
    for name, number in (("00000.layers.npy", np.float32(0)), ("00001.parquet", np.float32(0.5))):
        content = bytearray((folder / name).read_bytes())
        at = content.index(number.tobytes())
        content[at] ^= 1
        (folder / name).write_bytes(content)
    assert [path.name for path, _ in cache.verify(tmp_path)] == ["00000.layers.npy", "00001.parquet"]
    (folder / "00000.layers.npy").write_bytes(whole)
    assert [path.name for path, _ in cache.verify(tmp_path)] == ["00001.parquet"]


def test_layer_means_that_are_cut_off_or_of_other_clips_are_named(tmp_path):
    folder = fill(tmp_path, layers=True, shards=3)
    cut = folder / "00000.layers.npy"
    cut.write_bytes(cut.read_bytes()[:-4])
    store.write_array(folder / "00002.layers.npy", np.zeros((2, 2, 4), dtype=np.float32))
    assert [(path.name, reason) for path, reason in cache.verify(tmp_path)] == [
        ("00000.layers.npy", "the file cannot be read, or its content has changed"),
        ("00002.layers.npy", "it has 2 rows, but its table has 3"),
    ]


def test_an_array_that_is_no_layer_means_is_verified_by_itself(tmp_path):
    folder = fill(tmp_path)
    store.write_array(folder / "frame.moments.npy", np.zeros(7))
    assert cache.verify(tmp_path) == []
    assert cache.entries(tmp_path)[0].bytes == sum(path.stat().st_size for path in files(tmp_path))
    (folder / "frame.moments.npy").write_bytes(b"short")
    assert [path.name for path, _ in cache.verify(tmp_path)] == ["frame.moments.npy"]


def test_what_a_killed_write_left_behind_is_found_once_it_is_old(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    shard = fill(tmp_path) / f".00000.parquet.{ended.pid}.part"
    choice = tmp_path / "precision" / f".ab.json.{ended.pid}.part"
    choice.parent.mkdir()
    for part in (shard, choice):
        part.write_bytes(b"half")
    assert cache.verify(tmp_path) == []
    for part in (shard, choice):
        aged(part, hours=2)
    assert [path for path, _ in cache.verify(tmp_path)] == [shard, choice]
    assert cache.prune(tmp_path, damaged=True) == (2, 8)
    assert not shard.exists()
    assert not choice.parent.exists()


def test_pruning_damage_leaves_what_can_be_read(tmp_path):
    folder = fill(tmp_path, layers=True)
    (folder / "00000.parquet").write_bytes(b"")
    assert cache.prune(tmp_path, damaged=True)[0] == 1
    assert [path.name for path in files(tmp_path)] == [
        "00000.layers.npy",
        "00001.layers.npy",
        "00001.parquet",
    ]
    assert cache.verify(tmp_path) == []


def test_pruning_a_model_takes_all_of_it_and_nothing_else(tmp_path):
    fill(tmp_path, "m", "c")
    fill(tmp_path, "m", "d")
    kept = fill(tmp_path, "m-2", "c")
    size = sum(path.stat().st_size for path in files(tmp_path) if kept not in path.parents)
    assert cache.prune(tmp_path, model="m") == (4, size)
    assert {path.parent for path in files(tmp_path)} == {kept}
    assert [path.name for path in tmp_path.iterdir()] == [kept.parent.parent.name], "no empty folder stays"
    assert cache.prune(tmp_path, model=kept.parent.parent.name)[0] == 2


def test_pruning_by_age_looks_at_the_newest_file_of_an_entry(tmp_path):
    old, mixed = fill(tmp_path, "old"), fill(tmp_path, "mixed")
    long_ago = time.time() - 10 * cache.DAY_S
    for path in [*old.iterdir(), mixed / "00000.parquet"]:
        os.utime(path, (long_ago, long_ago))
    assert cache.prune(tmp_path, older_than_days=11)[0] == 0
    assert cache.prune(tmp_path, older_than_days=9)[0] == 2
    assert [path.parent for path in files(tmp_path)] == [mixed, mixed]


def test_files_of_other_names_are_neither_counted_nor_deleted(tmp_path):
    own = tmp_path / "letters" / "2024" / "may" / "aunt.parquet"
    own.parent.mkdir(parents=True)
    own.write_text("dear aunt")
    os.utime(own, (0, 0))
    assert cache.entries(tmp_path) == []
    assert cache.verify(tmp_path) == []
    assert cache.prune(tmp_path, older_than_days=0) == (0, 0)
    assert own.exists()


def test_pruning_needs_to_be_told_what(tmp_path):
    fill(tmp_path)
    with pytest.raises(StoreError, match="no entries to delete are selected"):
        cache.prune(tmp_path)
    with pytest.raises(StoreError, match=r"no predictions of a model 'other' \(it has m-"):
        cache.prune(tmp_path, model="other")
    with pytest.raises(StoreError, match="-1 is not a valid number of days"):
        cache.prune(tmp_path, older_than_days=-1)
    assert len(files(tmp_path)) == 2


def test_the_command_shows_verifies_and_prunes(tmp_path):
    folder = fill(tmp_path)
    runner = CliRunner()
    shown = runner.invoke(app, ["cache", "--cache", str(tmp_path), "--format", "json"])
    (row,) = json.loads(shown.stdout)
    assert (row["shards"], row["conditions"]) == (2, 1)
    assert row["MB"] * 1e6 == pytest.approx(sum(path.stat().st_size for path in files(tmp_path)))
    whole = runner.invoke(app, ["cache", "verify", "--cache", str(tmp_path)])
    assert (whole.exit_code, whole.stdout) == (0, "")
    assert "are intact" in whole.stderr
    (folder / "00000.parquet").write_bytes(b"")
    verified = runner.invoke(app, ["cache", "verify", "--cache", str(tmp_path), "--format", "json"])
    assert verified.exit_code == 2
    assert [Path(row["file"]).name for row in json.loads(verified.stdout)] == ["00000.parquet"]
    assert "1 file is damaged; nothing is lost" in verified.stderr
    pruned = runner.invoke(app, ["cache", "prune", "--model", "m", "--cache", str(tmp_path)])
    assert "Deleted 2 files" in pruned.stderr
    assert files(tmp_path) == []
    assert runner.invoke(app, ["cache", "prune", "--cache", str(tmp_path)]).exit_code == 2


def test_a_file_in_the_place_of_a_store_is_a_sentence(tmp_path):
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(StoreError, match="store is a file, not a cache folder"):
        cache.entries(tmp_path / "store")


def test_kept_results_of_audits_are_shown_and_go_with_age(tmp_path):
    fill(tmp_path)
    (tmp_path / cache.RESULTS).mkdir()
    for hours, name in ((1, "new.svg"), (80, "old.json")):
        path = tmp_path / cache.RESULTS / name
        path.write_text("x" * 1000)
        aged(path, hours)
    _, rows = cache.table(tmp_path)
    assert rows[-1][0] == "results and figures"
    assert rows[-1][3] == 2
    assert rows[-1][4] == pytest.approx(0.002)
    assert cache.prune(tmp_path, model="m")[0] == 2
    assert cache.prune(tmp_path, older_than_days=2) == (1, 1000)
    assert [path.name for path in files(tmp_path)] == ["new.svg"]
