import os
from pathlib import Path

import pytest

from sertools.errors import AuditError, CorpusError, StoreError
from sertools.files import atomic, atomic_folder, read_json, read_toml, read_yaml, write_bytes, write_text

READERS = {"TOML": read_toml, "JSON": read_json, "YAML": read_yaml}
VALID = {"TOML": "a = [1, 2]", "JSON": '{"a": [1, 2]}', "YAML": "a: [1, 2]"}


@pytest.mark.parametrize("language", READERS)
def test_a_valid_file_is_read(language, tmp_path):
    path = tmp_path / "file"
    path.write_text(VALID[language], encoding="utf-8")
    assert READERS[language](path, error=AuditError, what="the suite") == {"a": [1, 2]}


@pytest.mark.parametrize("language", READERS)
def test_a_file_that_is_missing_or_a_folder_is_named_with_its_role(language, tmp_path):
    read = READERS[language]
    with pytest.raises(AuditError) as caught:
        read(tmp_path / "none", error=AuditError, what="the suite", hint="name a suite")
    assert caught.value.message == f"cannot read the suite {tmp_path / 'none'}: No such file or directory"
    assert caught.value.hint == "name a suite"
    with pytest.raises(CorpusError, match=r"^cannot read the corpus .*: Is a directory$"):
        read(tmp_path, error=CorpusError, what="the corpus")


DEEP = b"[" * 10_000
LONG = b"9" * 5_000

LAUGHS = b"a0: &a0 [x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 9)
)
"""Twenty lines that stand for 9^8 values."""

INVALID = [
    ("TOML", b"a = [", ""),
    ("TOML", b"a = '\xff'", "byte 5 is not UTF-8 text$"),
    ("TOML", b"a = " + DEEP, "it is nested too deeply$"),
    ("TOML", b"a = " + LONG, "Exceeds the limit"),
    ("TOML", b"a\x00", ""),
    ("JSON", b"", ""),
    ("JSON", b'{"a": 1,}', ""),
    ("JSON", b'"\xff"', "byte 1 is not UTF-8 text$"),
    ("JSON", b"[" * 100_000, "it is nested too deeply$"),
    ("JSON", LONG, "Exceeds the limit"),
    ("YAML", b"a: [", ""),
    ("YAML", b"a: \xff", "byte 3 is not UTF-8 text$"),
    ("YAML", DEEP, "it is nested too deeply$"),
    ("YAML", b"a: " + LONG, "Exceeds the limit"),
    ("YAML", b"a\x00", ""),
    (
        "YAML",
        b"a: !!python/object/apply:os.getcwd []",
        "it has the tag 'tag:yaml.org,2002:python/object/apply:os.getcwd'",
    ),
    ("YAML", b"{a: " * 1_000_000, "it is nested too deeply$"),
    ("YAML", LAUGHS, "it has more than 5000000 values$"),
]


@pytest.mark.parametrize(("language", "content", "reason"), INVALID)
def test_invalid_content_is_refused_in_one_sentence(language, content, reason, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(AuditError, match=rf"^.*file is not valid {language}: {reason}") as caught:
        READERS[language](path, error=AuditError, what="the suite")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < len(str(path)) + 230


@pytest.mark.parametrize("language", READERS)
def test_a_file_of_100_mb_is_refused_before_it_is_parsed(language, tmp_path):
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(AuditError, match="file is larger than 32 MB, too large for the suite"):
        READERS[language](path, error=AuditError, what="the suite")


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_its_name_at_the_end(tmp_path, monkeypatch):
    path, synced = tmp_path / "new" / "a.txt", []
    fsync = os.fsync

    def record(number):
        synced.append((Path(os.readlink(f"/proc/self/fd/{number}")).name, path.exists()))
        fsync(number)

    monkeypatch.setattr(os, "fsync", record)
    write_text(path, "café\n")
    assert synced == [(f".a.txt.{os.getpid()}.part", False), ("new", True)]
    assert path.read_bytes() == "café\n".encode()


def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("old")
    (tmp_path / "link").symlink_to("real/a.txt")
    (tmp_path / "dangling").symlink_to("real/b.txt")
    (tmp_path / "folder").symlink_to("real")
    write_text(tmp_path / "link", "new")
    write_text(tmp_path / "dangling", "b")
    write_text(tmp_path / "folder" / "c.txt", "c")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "dangling").is_symlink()
    assert {path.name: path.read_text() for path in (tmp_path / "real").iterdir()} == {
        "a.txt": "new",
        "b.txt": "b",
        "c.txt": "c",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "folder", "link", "real"]


def test_a_device_or_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(pipe, b"content")
    assert os.read(reader, 100) == b"content"
    os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_an_error_while_writing_keeps_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def fail():
        with atomic(tmp_path / "a.txt", error=CorpusError) as part:
            part.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(CorpusError, match=r"^the disk is full: cannot write under .*a\.txt"):
        fail()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_gets_its_name_when_it_is_complete(tmp_path):
    with atomic_folder(tmp_path / "deep" / "made") as part:
        (part / "sub").mkdir()
        (part / "sub" / "a.txt").write_text("a")
        assert not (tmp_path / "deep" / "made").exists()
    assert (tmp_path / "deep" / "made" / "sub" / "a.txt").read_text() == "a"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["made"]


def test_a_folder_that_is_not_empty_is_kept_and_nothing_is_left(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine").write_text("mine")

    def make(fail):
        with atomic_folder(tmp_path / "made") as part:
            (part / "a.txt").write_text("a")
            if fail:
                raise ValueError("stop")

    with pytest.raises(StoreError, match=r"cannot write .*made"):
        make(fail=False)
    with pytest.raises(ValueError, match="stop"):
        make(fail=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "mine"]


def test_a_file_keeps_its_permissions_when_it_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o664)
    write_text(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o664)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_keeps_its_owner_when_another_user_replaces_it(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    os.chown(path, 12345, 12346)
    write_text(path, "new")
    assert (path.read_text(), path.stat().st_uid, path.stat().st_gid) == ("new", 12345, 12346)

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    write_text(path, "newer")
    assert (path.read_text(), path.stat().st_uid, path.stat().st_gid) == ("newer", 12345, 12346)
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
