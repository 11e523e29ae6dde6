"""A store at a URL: one truth for all machines, a cache in front, and one sentence for what cannot be."""

import os
import uuid
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest

from sertools.errors import StoreError
from sertools.store import remote
from sertools.store.remote import check_writable, local, name_of, remote_of
from sertools.store.store import read_layers, read_shard, write_array, write_shard

CLIPS = pd.Index(["a", "b", "c"], name="clip")


def scores(value: float = 0.5) -> pd.DataFrame:
    return pd.DataFrame({"reason": "", "arousal": [value, 0.25, 0.125]}, index=CLIPS)


@pytest.fixture(params=["memory", "file"])
def url(request, tmp_path, monkeypatch) -> str:
    """A new place, and a user cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "_connected", {})
    name = uuid.uuid4().hex
    return f"memory://{name}/store" if request.param == "memory" else f"file://{tmp_path}/{name}"


def another_machine(monkeypatch, tmp_path, url: str, name: str) -> Path:
    """The folder of the same store as another machine sees it, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
    return local(url)


def test_what_one_machine_writes_another_one_reads(url, tmp_path, monkeypatch):
    here = local(url) / "model" / "corpus" / "clean"
    layers = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    write_shard(here, 0, scores(), layers)
    there = another_machine(monkeypatch, tmp_path, url, "other") / "model" / "corpus" / "clean"
    assert there != here
    pd.testing.assert_frame_equal(read_shard(there, 0, CLIPS), scores())
    np.testing.assert_array_equal(read_layers(there, 0, 3), layers)
    assert (there / "00000.parquet").read_bytes() == (here / "00000.parquet").read_bytes()
    assert read_shard(there, 1, CLIPS) is None


def test_a_shard_that_is_there_is_never_replaced(url, tmp_path, monkeypatch):
    first = local(url)
    write_shard(first / "k", 0, scores(0.5))
    second = another_machine(monkeypatch, tmp_path, url, "other")
    write_shard(second / "k", 0, scores(0.75))  # as another kind of processor might
    assert read_shard(second / "k", 0, CLIPS)["arousal"].iloc[0] == 0.5, "the first one counts for all"
    third = another_machine(monkeypatch, tmp_path, url, "third")
    assert read_shard(third / "k", 0, CLIPS)["arousal"].iloc[0] == 0.5


def test_a_damaged_shard_is_computed_and_written_again(url, tmp_path, monkeypatch):
    first = local(url)
    write_shard(first / "k", 0, scores(0.5))
    system, base = fsspec.url_to_fs(url)
    system.pipe_file(f"{base}/k/00000.parquet", b"half a shar")
    second = another_machine(monkeypatch, tmp_path, url, "other")
    assert read_shard(second / "k", 0, CLIPS) is None
    write_shard(second / "k", 0, scores(0.5))
    third = another_machine(monkeypatch, tmp_path, url, "third")
    pd.testing.assert_frame_equal(read_shard(third / "k", 0, CLIPS), scores(0.5))


def test_what_only_resumes_a_run_stays_here(url):
    root = local(url)
    write_array(root / "k" / "name.begun.npy", np.zeros(3))
    write_array(root / "k" / "name.sums.npy", np.zeros(3))
    system, base = fsspec.url_to_fs(url)
    assert [Path(name).name for name in system.ls(f"{base}/k", detail=False)] == ["name.sums.npy"]


def test_a_check_leaves_nothing_behind(url):
    root = local(url)
    check_writable(root)
    system, base = fsspec.url_to_fs(url)
    assert not system.exists(base) or system.ls(base) == []


def test_a_url_survives_being_taken_for_a_path(url):
    assert local(Path(url)) == local(url)
    assert name_of(local(url)) == url
    assert local("/some/folder") == Path("/some/folder")
    assert name_of(Path("/some/folder")) == "/some/folder"
    assert name_of(None) is None
    assert remote_of(Path("/some/folder/00000.parquet")) is None


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("nothing://x/y", "not installed|cannot read nothing"),
        ("file:///proc/nowhere", "no permission|does not exist|cannot write"),
    ],
)
def test_a_place_that_cannot_be_is_one_sentence(place, problem, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(StoreError, match=problem):
        check_writable(local(place))


class SkewedError(Exception):
    """As a library names the answer of a server whose clock is another one."""

    def __str__(self) -> str:
        return "An error occurred (RequestTimeTooSkewed) when calling the PutObject operation"


@pytest.mark.parametrize(
    ("raised", "problem"),
    [
        (PermissionError("Access Denied"), "no permission to write s3://b: Access Denied"),
        (OSError("the network is down"), "cannot write s3://b: the network is down"),
    ],
)
def test_what_a_file_system_raises_is_explained(raised, problem):
    with pytest.raises(StoreError, match=problem), remote._explained("s3://b", "write"):
        raise raised


def test_a_clock_that_differs_too_much_is_named():
    problem = "the clock of this machine differs too much"
    with pytest.raises(StoreError, match=problem), remote._explained("s3://b", "write"):
        raise PermissionError("The difference between the times is too large") from SkewedError()


@pytest.fixture(scope="module")
def server():
    """A server that speaks S3, on this machine."""
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    started = moto.ThreadedMotoServer(port=0, verbose=False)
    started.start()
    _, port = started.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    started.stop()


@pytest.fixture
def bucket(server, tmp_path, monkeypatch) -> str:
    """A new bucket of the server, and credentials for it."""
    import s3fs

    for name, value in (
        ("XDG_CACHE_HOME", str(tmp_path / "cache")), ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "y"), ("AWS_ENDPOINT_URL", server), ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", os.devnull), ("AWS_EC2_METADATA_DISABLED", "true"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remote, "_connected", {})
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"b{uuid.uuid4().hex[:8]}"
    s3fs.S3FileSystem(endpoint_url=server).mkdir(name)
    return f"s3://{name}/store"


def test_a_store_at_s3(bucket, tmp_path, monkeypatch):
    first = local(bucket)
    check_writable(first)
    write_shard(first / "k", 0, scores(0.5))
    second = another_machine(monkeypatch, tmp_path, bucket, "other")
    write_shard(second / "k", 0, scores(0.75))
    assert read_shard(second / "k", 0, CLIPS)["arousal"].iloc[0] == 0.5
    third = another_machine(monkeypatch, tmp_path, bucket, "third")
    pd.testing.assert_frame_equal(read_shard(third / "k", 0, CLIPS), scores(0.5))


def test_a_bucket_that_does_not_exist_is_one_sentence(bucket):
    with pytest.raises(StoreError, match=r"s3://nowhere-at-all/x does not exist|cannot"):
        check_writable(local("s3://nowhere-at-all/x"))


def test_missing_credentials_are_one_sentence(bucket, monkeypatch):
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    with pytest.raises(StoreError, match="no credentials for s3://"):
        check_writable(local("s3://other/x"))
