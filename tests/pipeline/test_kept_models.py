"""What an earlier run knew of a checkpoint is all that a run needs that computes nothing."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sertools import files
from sertools.cli.app import app
from sertools.inference.predict import predict
from sertools.inference.settings import Settings
from sertools.models.kinds.transformers import TransformersModel
from sertools.models.load import LoadOptions, load_model
from sertools.pipeline.kept import costs, models
from sertools.pipeline.kept.models import STATED, UnloadedModel, loaded
from tests.helpers.checkpoints import speech, write_checkpoint
from tests.helpers.small import noises, write_noises


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture
def both(tmp_path, checkpoint):
    """The loaded model, and the same one as a second run knows it."""
    first = load_model(str(checkpoint))
    loaded(str(checkpoint), LoadOptions(), tmp_path)
    second = loaded(str(checkpoint), LoadOptions(), tmp_path)
    assert isinstance(first, TransformersModel)
    assert isinstance(second, UnloadedModel)
    return first, second


def stated(model):
    return {name: getattr(model, name) for name in (*STATED, "training")}


def test_all_that_is_known_is_that_of_the_loaded_model_in_either_format(both):
    first, second = both
    assert stated(second) == stated(first)
    for facts in ({}, {"precision_exact_parts": ["front_end"], "precision_clips": 4}):
        one, other = (each.with_precision("bf16", precision_reason="x", **facts) for each in both)
        assert stated(other) == stated(one)
        assert stated(other.with_precision("fp32")) == stated(one.with_precision("fp32"))


def test_the_random_twin_is_known_from_its_second_run_on(both):
    first, second = both
    once = second.random_twin(3)
    again = second.random_twin(3)
    assert isinstance(once, TransformersModel)
    assert isinstance(again, UnloadedModel)
    assert stated(again) == stated(once) == stated(first.random_twin(3))
    signals = speech([4000])
    assert np.array_equal(
        again.predict(signals, layers=True).layers, once.predict(signals, layers=True).layers
    )
    assert second.random_twin(4).fingerprint != again.fingerprint


def test_it_computes_what_the_loaded_model_computes(both):
    first, second = both
    signals = speech([4000, 5000])
    assert np.array_equal(second.predict(signals).scores, first.predict(signals).scores)
    assert np.array_equal(second.hidden(signals), first.hidden(signals))
    (one,), (other,) = (model.predict_frames(signals[:1])[1] for model in both)
    assert all(np.array_equal(a, b) for a, b in zip(one.states, other.states, strict=True))


def test_weights_are_loaded_before_a_step_is_timed(tmp_path, both):
    _, second = both
    steps = []

    @contextlib.contextmanager
    def progress(step, *_):
        steps.append((step, second.open.cache_info().misses))
        yield lambda n: None

    corpus = noises(tmp_path / "data")
    predict(second, corpus, settings=Settings(cache=tmp_path / "store", progress=progress))
    assert steps == [("clean", 1)]


def test_what_could_change_a_model_is_not_known(tmp_path, checkpoint, monkeypatch):
    spec, options = str(checkpoint), LoadOptions()

    calls = []
    monkeypatch.setattr(models, "load_model", lambda *given: calls.append(given) or load_model(*given))

    def known(spec=spec, options=options):
        before = len(calls)
        assert isinstance(loaded(spec, options, tmp_path / "store"), UnloadedModel)
        return len(calls) == before

    assert not known()
    assert known()
    assert not known(options=replace(options, labels=("anger", "fear", "neutral", "sadness")))
    assert not known(options=replace(options, precision="fp32"))
    other = write_checkpoint(tmp_path / "other")
    assert not known(spec=str(other))
    assert known(spec=str(other))
    weights = other / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert not known(spec=str(other))
    monkeypatch.setattr(models, "machine", lambda: ("another processor",))
    assert not known()


def test_damaged_facts_are_not_read(tmp_path, checkpoint):
    first = loaded(str(checkpoint), LoadOptions(), tmp_path)
    (path,) = tmp_path.rglob("model-*.json")
    path.write_text(path.read_text().replace("16000", "8000"))
    assert stated(loaded(str(checkpoint), LoadOptions(), tmp_path)) == stated(first)


@pytest.mark.parametrize("spec", ["toy:loudness", "no/such/folder"])
def test_other_models_are_loaded_as_ever(tmp_path, spec):
    try:
        expected = load_model(spec).fingerprint
    except Exception as error:
        with pytest.raises(type(error)):
            loaded(spec, LoadOptions(), tmp_path)
    else:
        assert loaded(spec, LoadOptions(), tmp_path).fingerprint == expected


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def exit_code(words: list[str]) -> int:
    """That of the command line, which is 0 or 1 where audits have run."""
    found = CliRunner().invoke(app, words)
    if isinstance(found.exception, AssertionError):
        raise found.exception
    assert found.exit_code in {0, 1}, found.output
    return found.exit_code


def test_a_second_run_computes_and_writes_the_same_from_what_is_kept(tmp_path, checkpoint, monkeypatch):
    data, out = write_noises(tmp_path / "data"), tmp_path / "out"
    words = ["audit", "correctness", "efficiency", "slices"]
    words += ["--model", str(checkpoint), "--data", str(data), "--cache", str(tmp_path / "store")]
    words += ["--out", str(out), "--audio", "1", "--quiet"]
    first = exit_code(words)
    written = contents(out)

    def refused(*_):
        raise AssertionError("nothing is to be computed or written")

    with monkeypatch.context() as patched:
        patched.setattr(models, "load_model", refused)
        patched.setattr(costs.measuring, "running_cost", refused)
        patched.setattr("sertools.auditing.run.run", refused)
        patched.setattr("sertools.pipeline.audio_clips._write_clip", refused)
        patched.setattr("sertools.report.render._pages", refused)
        assert exit_code(words) == first
        assert contents(out) == written
        patched.setattr(files, "read_sealed", lambda path: None)  # as if nothing were kept
        with pytest.raises(AssertionError, match="nothing is to be computed"):
            exit_code(words)
    (out / "report.md").write_text("changed by somebody")
    (out / next(name for name in written if name.endswith(".flac"))).unlink()
    assert exit_code(words) == first
    assert contents(out) == written


def test_weights_are_read_again_only_if_their_file_was_touched(tmp_path, monkeypatch):
    folder = write_checkpoint(tmp_path / "model")
    weights = folder / "model.safetensors"
    reads = []
    digest = models.content_digest
    monkeypatch.setattr(models, "content_digest", lambda *given: reads.append(1) or digest(*given))

    def content():
        return models._content(folder, LoadOptions(), tmp_path / "kept")

    first = content()
    assert content() == first
    assert len(reads) == 2, "a file that was just written could change without another time of change"
    monkeypatch.setattr(models, "SETTLED_NS", 0)
    assert [content(), content()] == [first, first]
    assert len(reads) == 3
    stat, changed = weights.stat(), bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content() != first, "another byte, though size and time of modification are the same"
