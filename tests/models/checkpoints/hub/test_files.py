"""Checkpoints of the hub: ids with a revision, one file of a checkpoint, and reasons why there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sertools.models.checkpoints.hub.files import commit_of, hub_id
from tests.helpers.checkpoints import speech, write_checkpoint
from tests.helpers.hub_server import COMMIT, HubServer
from tests.helpers.onnx_networks import write_network

RATINGS = ("arousal", "dominance", "valence")
PREDICT = """
import sys
import numpy as np
import sertools
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech
for spec, file, *labels in [words.split() for words in sys.argv[1:]]:
    model = load_model(spec, LoadOptions(labels=tuple(labels)))
    np.save(file, model.predict(speech([8000, 5000])).scores)
    print(model.name, model.facts["source"], model.facts["revision"])
"""

INSPECT = """
import json, sys
from typer.testing import CliRunner
from sertools.cli.app import app
for spec in sys.argv[1:]:
    done = CliRunner().invoke(app, ["model", "inspect", spec])
    print(json.dumps([done.exit_code, done.stderr]))
"""
"""Processes of their own, because the address of the hub is read when its library is imported."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with a checkpoint of transformers, which also has code, and one that is not for everybody."""
    folder = write_checkpoint(tmp_path_factory.mktemp("hub") / "model")
    (folder / "own.py").write_text("print('never')\n")
    (folder / "onnx").mkdir()
    write_network(folder / "onnx" / "small.onnx")
    server = HubServer({"lab/model": folder}, gated="lab/gated")
    yield server
    server.close()


def run(words: list[str], url: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    changes = {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
    root = str(Path(__file__).parents[4])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **changes, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_a_revision_is_downloaded_and_its_commit_recorded(hub, tmp_path):
    import numpy as np

    from sertools.models.load import load_model

    onnx = ["onnx:lab/model/onnx/small.onnx@main", "onnx.npy", *RATINGS]
    done = run(["-c", PREDICT, "lab/model@v1 scores.npy", " ".join(onnx)], hub.url, tmp_path)
    assert done.stdout.splitlines() == [
        f"lab--model@v1 lab/model@v1 {COMMIT}",
        # one file of a checkpoint is named after its id
        f"lab--model--onnx--small.onnx@main lab/model/onnx/small.onnx@main {COMMIT}",
    ], done.stderr
    expected = load_model(str(hub.checkpoints["lab/model"])).predict(speech([8000, 5000])).scores
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), expected)
    assert "own.py" not in hub.asked  # code is not even downloaded


REASONS = {
    "lab/model@nope": "lab/model has no revision 'nope' on the model hub",
    "lab/none": "the model hub has no checkpoint lab/none, or does not show it to you",
    "lab/gated": "access to lab/gated has to be granted by its owners",
    "cnn14:lab/none": "the model hub has no checkpoint lab/none, or does not show it to you",
    "onnx:lab/model/absent.onnx": "the checkpoint lab/model has no file absent.onnx",
}


def test_each_reason_is_one_sentence(hub, tmp_path):
    done = run(["-c", INSPECT, *REASONS], hub.url, tmp_path)
    assert done.returncode == 0, done.stderr
    for reason, line in zip(REASONS.values(), done.stdout.splitlines(), strict=True):
        code, said = json.loads(line)
        assert code == 2, said
        assert reason in said
        assert "Traceback" not in said


def test_without_a_network_the_sentence_says_what_to_do(tmp_path):
    done = run(["-m", "sertools", "model", "inspect", "lab/model@v1"], "http://127.0.0.1:9", tmp_path)
    assert done.returncode == 2
    assert "the hub cannot be reached" in done.stderr
    assert "copy the checkpoint here" in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b", ("a/b", "", "")),
        ("a/b@refs/pr/1", ("a/b", "", "refs/pr/1")),
        ("a/b/c/d.onnx", ("a/b", "c/d.onnx", "")),
        ("./a/b", None), ("/a/b", None), ("~/a", None), ("a", None), ("a/b@", None), ("a/b/", None),
    ],
)  # fmt: skip
def test_ids(text, expected):
    assert hub_id(text) == expected


def test_the_commit_is_that_of_the_cache_of_the_hub_alone():
    assert commit_of(Path(f"/x/hub/models--a--b/snapshots/{COMMIT}/onnx/m.onnx")) == COMMIT
    assert commit_of(Path("/x/snapshots/run-1")) == ""
