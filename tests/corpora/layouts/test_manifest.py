"""The file of a manifest is read, or one sentence says why it cannot be."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError


def test_rubbish_wrong_encodings_and_missing_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "rubbish.csv").write_bytes(bytes(range(256)))
    (tmp_path / "latin.csv").write_bytes("file,transcript\na,schön\n".encode("latin-1"))
    (tmp_path / "rubbish.parquet").write_bytes(b"PAR1 this is none")
    (tmp_path / "notes.docx").write_bytes(b"PK")
    said = {}
    for name in ("rubbish.csv", "latin.csv", "rubbish.parquet", "notes.docx", "none.csv"):
        with pytest.raises(CorpusError) as caught:
            read_table(tmp_path / name)
        said[name] = str(caught.value)
    assert said["rubbish.csv"] == "rubbish.csv is not UTF-8 text (byte 128) (save it as CSV, UTF-8)"
    assert said["latin.csv"] == "latin.csv is not UTF-8 text (byte 21) (save it as CSV, UTF-8)"
    assert said["rubbish.parquet"].startswith("rubbish.parquet is not a readable Parquet file: ")
    assert (
        said["notes.docx"] == "notes.docx is not a manifest (manifests end in .csv, .tsv, .parquet, .jsonl)"
    )
    assert said["none.csv"] == f"no such file: {tmp_path / 'none.csv'}"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that exists but gives no bytes")
def test_file_that_the_system_does_not_give_out_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "locked.csv").symlink_to("/proc/self/mem")
    with pytest.raises(CorpusError, match=r"^cannot read .*locked\.csv: "):
        read_table(tmp_path / "locked.csv")


def test_json_lines_are_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / "clips.jsonl"
    path.write_text(
        '{"file": "a.wav", "speaker": "03", "arousal": 0.5}\n\n{"file": "b.wav", "speaker": null}\n'
    )
    table = read_table(path)
    assert table["speaker"].tolist()[0] == "03"
    assert table["arousal"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{\n", "clips.jsonl, line 1 is not JSON: "),
        ('{"file": "a"}\n["a"]\n', "clips.jsonl, line 2: not an object"),
        ('{"file": ["a"]}\n', "clips.jsonl, line 1: 'file' is not a single value"),
        ("", "clips.jsonl lists no clips"),
    ],
)
def test_json_that_is_no_table_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "clips.jsonl").write_text(text)
    with pytest.raises(CorpusError) as caught:
        read_table(tmp_path / "clips.jsonl")
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("column", ["file", "speaker"])
def test_text_in_parquet_that_is_not_utf8_is_one_sentence(tmp_path, column):
    damaged = pa.Array.from_buffers(pa.string(), 1, [None, *pa.array([b"a\xf6b"]).buffers()[1:]])
    columns = {"file": pa.array(["a.wav"]), "speaker": pa.array(["s"]), column: damaged}
    pq.write_table(pa.table(columns), tmp_path / "m.parquet")
    with pytest.raises(CorpusError, match=r"^m\.parquet is not a readable Parquet file: "):
        read_table(tmp_path / "m.parquet")
