import pytest

from sertools.errors import AuditError, CorpusError
from sertools.files import read_json, read_toml, read_yaml

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
    ("YAML", b"a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
]


@pytest.mark.parametrize(("language", "content", "reason"), INVALID)
def test_invalid_content_is_refused_in_one_sentence(language, content, reason, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(AuditError, match=rf"^.*file is not valid {language}: {reason}") as caught:
        READERS[language](path, error=AuditError, what="the suite")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < len(str(path)) + 230
