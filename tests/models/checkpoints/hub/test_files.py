"""Checkpoints of the hub: ids with a revision, one file of a checkpoint, and reasons why there is none."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from sertools.models.checkpoints.hub.files import commit_of, hub_id
from tests.helpers.checkpoints import speech, write_checkpoint
from tests.helpers.hub_server import COMMIT, HubServer
from tests.helpers.onnx_networks import write_network

RATINGS = ("arousal", "dominance", "valence")
ONNX = ["onnx:lab/model/onnx/small.onnx@main", "onnx.npy", *RATINGS]
ASKING = """
import json, sys
import numpy as np
from typer.testing import CliRunner
from sertools.cli.app import app
from sertools.errors import ModelError
from sertools.models.load import LoadOptions, check_on_hub, load_model
from tests.helpers.checkpoints import speech

def inspected(spec):
    done = CliRunner().invoke(app, ["model", "inspect", spec])
    try:
        before = check_on_hub(spec)  # as a sweep does before it starts
    except ModelError as error:
        before = error.message
    return [done.exit_code, done.stderr, before]

loaded, reasons, never = map(json.loads, sys.argv[1:])
told = []
for spec, file, *labels in loaded:
    model = load_model(spec, LoadOptions(labels=tuple(labels)))
    np.save(file, model.predict(speech([8000, 5000])).scores)
    told.append(f'{model.name} {model.facts["source"]} {model.facts["revision"]}')
print(json.dumps([told, [inspected(spec) for spec in reasons]]), flush=True)
input()  # until the hub is closed
print(json.dumps(inspected(never)))
"""
"""A process of its own, because the address of the hub is read when its library is imported."""


REASONS = {
    "lab/model@nope": "lab/model has no revision 'nope' on the model hub",
    "lab/none": "the model hub has no checkpoint lab/none, or does not show it to you",
    "lab/gated": "access to lab/gated has to be granted by its owners",
    "cnn14:lab/none": "the model hub has no checkpoint lab/none, or does not show it to you",
    "onnx:lab/model/absent.onnx": "the checkpoint lab/model has no file absent.onnx",
}
NEVER = "lab/never@v1"
"""What is asked for when the hub is gone."""


class Asked(NamedTuple):
    """What a process was told by a hub, and then without one; `folder` is where it wrote."""

    checkpoint: Path
    files: list[str]
    folder: Path
    loaded: list[str]
    reasons: list[tuple[int, str, str | None]]
    without: tuple[int, str, str]


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> Asked:
    """A hub with a checkpoint of transformers, which also has code, and one that is not for everybody."""
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("hub") / "model")
    (checkpoint / "own.py").write_text("print('never')\n")
    (checkpoint / "onnx").mkdir()
    write_network(checkpoint / "onnx" / "small.onnx")
    folder, server = tmp_path_factory.mktemp("asked"), HubServer({"lab/model": checkpoint}, gated="lab/gated")
    try:
        words = [json.dumps(each) for each in ([["lab/model@v1", "scores.npy"], ONNX], [*REASONS], NEVER)]
        with asking(words, server.url, folder) as process:
            first = process.stdout.readline()
            server.close()
            rest, said = process.communicate("\n", timeout=280)
        assert process.returncode == 0, said
    finally:
        server.close()
    return Asked(checkpoint, server.asked, folder, *json.loads(first), json.loads(rest))


def asking(words: list[str], url: str, folder: Path) -> subprocess.Popen[str]:
    changes = {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(folder / "hf")}
    root = str(Path(__file__).parents[4])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", ASKING, *words],
        env={**os.environ, **changes, "PYTHONPATH": path},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_revision_is_downloaded_and_its_commit_recorded(asked):
    import numpy as np

    from sertools.models.load import load_model

    assert asked.loaded == [
        f"lab--model@v1 lab/model@v1 {COMMIT}",
        # one file of a checkpoint is named after its id
        f"lab--model--onnx--small.onnx@main lab/model/onnx/small.onnx@main {COMMIT}",
    ]
    expected = load_model(str(asked.checkpoint)).predict(speech([8000, 5000])).scores
    np.testing.assert_array_equal(np.load(asked.folder / "scores.npy"), expected)
    assert any("model.safetensors" in each for each in asked.files)
    assert "own.py" not in asked.files  # code is not even downloaded


def test_each_reason_is_one_sentence(asked):
    for reason, (code, said, before) in zip(REASONS.values(), asked.reasons, strict=True):
        assert code == 2, said
        assert reason in said
        assert "Traceback" not in said
        assert before is None if "absent.onnx" in reason else reason in before  # files inside are not listed


def test_without_a_network_the_sentence_says_what_to_do(asked):
    code, said, before = asked.without
    assert code == 2
    assert "the hub cannot be reached" in before
    assert "the hub cannot be reached" in said
    assert "copy the checkpoint here" in said


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
