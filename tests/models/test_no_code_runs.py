"""No file that sertools reads runs code: each reader gets a payload that would leave a mark."""

import copy
import io
import json
import pickle
import warnings
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError, ModelError, SertoolsError
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.load import load_model
from tests.helpers.checkpoints import write_checkpoint


class Payload:
    """Pickled, it makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path) -> Path:
    """The file that a payload makes; that payloads work is checked first."""
    working = tmp_path / "works"
    pickle.loads(pickle.dumps(Payload(working)))  # noqa: TID251 (the payload itself is tested)
    assert working.exists()
    return tmp_path / "mark"


def refused(spec: str, mark: Path) -> str:
    with pytest.raises(ModelError) as told:
        load_model(spec)
    assert not mark.exists(), "code was run"
    assert "\n" not in told.value.message
    return told.value.message


@pytest.mark.parametrize("how", ["torch", "torch old", "pickle", "joblib", "numpy", "tensor"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_weights_run_no_code(tmp_path, mark, how, name):
    folder = write_checkpoint(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    payload = {"a.weight": Payload(mark)}
    content = io.BytesIO()
    if how == "pickle":
        pickle.dump(payload, content)
    elif how == "joblib":
        joblib.dump(payload, content)
    elif how == "numpy":
        np.save(content, np.array([payload], dtype=object), allow_pickle=True)
    elif how == "tensor":
        torch.save({"a.weight": torch.zeros(2), "_metadata": Payload(mark)}, content)
    else:
        torch.save(payload, content, _use_new_zipfile_serialization=how == "torch")
    (folder / name).write_bytes(content.getvalue())
    assert name in refused(str(folder), mark)
    with pytest.raises(ModelError):
        tensors_in(folder / name)
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "config.json").write_text('{"labels": ["anger", "fear"]}')
    (tmp_path / "cnn" / "Cnn14.pth").write_bytes(content.getvalue())
    assert "Cnn14.pth" in refused(f"cnn14:{tmp_path / 'cnn'}", mark)


def test_a_compiled_module_is_not_run(tmp_path, mark):
    class Module(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old files are what is tested
        torch.jit.script(Module()).save(tmp_path / "weights.pt")
    with pytest.raises(ModelError, match=r"weights\.pt"):
        tensors_in(tmp_path / "weights.pt")


@pytest.mark.parametrize("kind", ["object", "archive", "pickle", "joblib"])
def test_arrays_run_no_code(tmp_path, mark, kind):
    path = tmp_path / "layers.npy"
    (tmp_path / "layers.csv").write_text("clip\na\n")
    if kind == "object":
        np.save(path, np.array([Payload(mark)], dtype=object), allow_pickle=True)
    elif kind == "archive":
        with path.open("wb") as file:
            np.savez(file, a=np.array([Payload(mark)], dtype=object))
    elif kind == "joblib":
        joblib.dump(Payload(mark), path)
    else:
        path.write_bytes(pickle.dumps(Payload(mark)))
    assert "layers.npy" in refused(f"features:{path}", mark)


def skops_file(path: Path, state: dict[str, object], inner: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("schema.json", json.dumps(state))
        for name, content in (inner or {}).items():
            file.writestr(name, content)
    return path


def test_estimators_run_no_code(tmp_path, mark):
    pytest.importorskip("skops", reason="estimators are read by skops")
    path = tmp_path / "m.skops"
    for content in (pickle.dumps(Payload(mark)), b"PK\x03\x04"):
        path.write_bytes(content)
        assert "m.skops" in refused(f"sklearn:{path}", mark)
    joblib.dump(Payload(mark), path)
    assert "m.skops" in refused(f"sklearn:{path}", mark)
    common = {"__id__": 1, "protocol": 2, "_skops_version": "0.16.0"}
    function = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {}}
    called = {
        "__class__": "system", "__module__": "os", "__loader__": "ReduceNode",
        "content": {}, "args": {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode",
        "content": [{"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode",
                     "content": json.dumps(f"touch {mark}"), "is_json": True}]},
    }  # fmt: skip
    operator = {
        "__class__": "call", "__module__": "operator", "__loader__": "OperatorFuncNode",
        "attrs": {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": []},
    }  # fmt: skip
    array = {
        "__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy",
        "file": "a.npy",
    }  # fmt: skip
    inner = io.BytesIO()
    np.save(inner, np.array([Payload(mark)], dtype=object), allow_pickle=True)
    for node in (function, called, operator, array):
        skops_file(path, {**common, **node}, {"a.npy": inner.getvalue()})
        assert "m.skops" in refused(f"sklearn:{path}", mark)


def test_an_estimator_that_unpacks_to_gigabytes_is_refused_unopened(tmp_path, mark):
    pytest.importorskip("skops", reason="estimators are read by skops")
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("0.npy", bytes(2**26))
        for i in range(1, 33):  # names of the same bytes, as in archives that are made to burst
            same = copy.copy(file.filelist[0])
            same.filename = f"{i}.npy"
            file.filelist.append(same)
    with zipfile.ZipFile(path) as file:
        assert sum(each.file_size for each in file.infolist()) == 33 * 2**26
    assert "unpacks to 2.2 GB, too large for an estimator" in refused(f"sklearn:{path}", mark)


def test_tables_run_no_code(tmp_path, mark):
    """Old versions of Arrow unpickled the type `arrow.py_extension_type`."""
    kind = pa.field(
        "file",
        pa.string(),
        metadata={
            b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": pickle.dumps(Payload(mark)),
        },
    )
    schema = pa.schema([kind], metadata={b"pandas": pickle.dumps(Payload(mark))})
    pq.write_table(pa.table({"file": ["a.wav"]}, schema=schema), tmp_path / "m.parquet")
    with pytest.raises(CorpusError, match="m.parquet is not a readable Parquet file"):
        load_corpus(str(tmp_path / "m.parquet"))
    pq.write_table(pa.table({"file": ["a.wav"]}, schema=pa.schema([kind])), tmp_path / "m.parquet")
    assert load_corpus(str(tmp_path / "m.parquet")).clips.index.tolist() == ["a.wav"]
    assert not mark.exists()
    pd.to_pickle(Payload(mark), tmp_path / "m.parquet")
    (tmp_path / "m.csv").write_bytes(pickle.dumps(Payload(mark)))
    for name in ("m.parquet", "m.csv"):
        with pytest.raises(SertoolsError):
            load_corpus(str(tmp_path / name))
        refused(f"predictions:{tmp_path / name}", mark)


@pytest.mark.parametrize("name", ["model.yaml", "labels.yaml", "transform.yaml"])
def test_descriptions_of_audonnx_run_no_code(tmp_path, mark, name):
    (tmp_path / name).write_text(f"a: !!python/object/apply:os.system ['touch {mark}']\n")
    assert "has the tag" in refused(f"onnx:{tmp_path}", mark)


def test_a_configuration_of_emotion2vec_runs_no_code(tmp_path, mark):
    (tmp_path / "model.pt").write_bytes(b"")
    (tmp_path / "config.yaml").write_text(f"a: !!python/object/apply:os.system ['touch {mark}']\n")
    assert "has the tag" in refused(f"emotion2vec:{tmp_path}", mark)


def test_a_model_card_runs_no_code_and_prevents_nothing(tmp_path, mark):
    folder = write_checkpoint(tmp_path / "m")
    (folder / "README.md").write_text(f"---\na: !!python/object/apply:os.system ['touch {mark}']\n---\n")
    assert load_model(str(folder)).facts["licence"] is None
    (folder / "README.md").write_text("---\nlicense: " + "[" * 5000 + "\n---\n")
    assert load_model(str(folder)).facts["licence"] is None
    assert not mark.exists()


def test_a_tokenizer_runs_no_code(tmp_path, mark):
    from sertools.features.speech_recognition import Recogniser

    folder = write_checkpoint(tmp_path / "m")
    content = json.loads((folder / "config.json").read_text()) | {"architectures": ["Wav2Vec2ForCTC"]}
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "own.py").write_text(f"from pathlib import Path\nPath({str(mark)!r}).touch()\nclass Own: ...\n")
    named = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    with pytest.raises(ModelError):
        Recogniser(checkpoint=str(folder))
    assert not mark.exists()
