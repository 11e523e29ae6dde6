"""A kept result is used only if everything that decides it is the same."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sertools import files
from sertools.auditing import audit
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions, load_model
from sertools.pipeline import run
from sertools.pipeline.kept import results as kept_results
from sertools.pipeline.kept.results import fingerprint
from sertools.results.result import Limit
from sertools.selftest import toy_corpus
from sertools.tables.layers import Layers
from tests.helpers.small import noises


@pytest.fixture(scope="module")
def tables():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=4, per_speaker=3))


def changed_predictions(tables):
    scores = tables.predictions["clean"].copy()
    scores.iloc[5, 2] = np.nextafter(scores.iloc[5, 2], 2)
    return {"clean": scores}


def changed_clip(tables, column, value):
    clips = tables.clips.copy()
    clips[column] = clips[column].astype(object)
    clips.loc[clips.index[3], column] = value
    return clips


CHANGES = {
    "a prediction in its last bit": lambda t: replace(t, predictions=changed_predictions(t)),
    "an emotion": lambda t: replace(t, clips=changed_clip(t, "emotion", "other")),
    "a speaker": lambda t: replace(t, clips=changed_clip(t, "speaker", 1)),
    "the kind of a value": lambda t: replace(t, clips=t.clips.assign(n=1).astype({"n": float})),
    "the order of clips": lambda t: replace(
        t,
        clips=t.clips.iloc[::-1],
        predictions={c: s.iloc[::-1] for c, s in t.predictions.items()},
        layers=None,
    ),
    "no layers": lambda t: replace(t, layers=None),
    "a layer": lambda t: replace(t, layers=Layers(shards=(t.layers.shards[0] + np.float32(1),))),
    "a missing clip": lambda t: replace(
        t, missing=pd.DataFrame({"clip": ["a"], "condition": ["clean"], "reason": ["short"]})
    ),
    "a note": lambda t: replace(t, notes=("a note",)),
    "the corpus": lambda t: replace(t, corpus="emodb"),
    "another model beside it": lambda t: replace(t, others={"against": t}),
    "never trained": lambda t: replace(t, never_trained=True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_any_change_of_the_tables_is_another_result(tables, what):
    planned = audit.load("correctness").plan()
    assert fingerprint(planned, CHANGES[what](tables), 0) != fingerprint(planned, tables, 0)


def test_equal_tables_have_one_fingerprint(tables):
    planned = audit.load("correctness").plan()
    copied = replace(
        tables,
        clips=tables.clips.copy(),
        predictions={c: s.copy() for c, s in tables.predictions.items()},
        layers=Layers(shards=tuple(shard.copy() for shard in tables.layers.shards)),
    )
    assert fingerprint(planned, copied, 0) == fingerprint(planned, tables, 0)


def test_options_limits_seed_and_audit_are_part_of_the_fingerprint(tables):
    plan = audit.load("correctness").plan()
    limited = audit.load("correctness").plan(limits=[Limit(name="ccc", above=0.9)])
    some = [
        fingerprint(plan, tables, 0),
        fingerprint(plan, tables, 1),
        fingerprint(limited, tables, 0),
        fingerprint(audit.load("speakers").plan(), tables, 0),
        fingerprint(audit.load("speakers").plan({"draws": 7}), tables, 0),
    ]
    assert len(set(some)) == len(some)


def test_code_and_versions_are_part_of_the_fingerprint(tables, tmp_path, monkeypatch):
    plan = audit.load("correctness").plan()
    before = fingerprint(plan, tables, 0)
    monkeypatch.setattr(kept_results, "versions", lambda: ("numpy 0.0",))
    assert fingerprint(plan, tables, 0) != before
    folder = tmp_path / "correctness"
    shutil.copytree(plan.audit.path.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    first = kept_results.of_files([folder])
    (folder / "scores.py").write_text((folder / "scores.py").read_text() + "#")
    assert kept_results.of_files([folder]) != first
    # the code of an audit covers its folder and the packages below it
    assert kept_results.code(plan.audit.path) != kept_results.code(audit.load("speakers").path)


def run_it(folder, **settings):
    corpus = noises(folder / "c")
    planned = [audit.load("correctness").plan()]
    model = load_model("toy:random", LoadOptions())
    return run.run(model, corpus, planned, settings=Settings(cache=folder / "store", **settings))[0]


def kept(folder):
    return sorted((folder / "store" / "results").glob("*.json"))


def poisoned(folder):
    """Replaces the answer in the kept result, and its seal, to see whether it is used."""
    (path,) = kept(folder)
    content = path.read_text().partition("\n")[2].replace('"answer": "', '"answer": "Kept: ')
    path.write_text(f"{files._seal(content)}\n{content}")
    return path


def test_a_second_run_uses_the_kept_result_and_is_equal_to_the_first(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    first = run_it(tmp_path)
    assert run_it(tmp_path).to_json() == first.to_json()
    poisoned(tmp_path)
    assert run_it(tmp_path).answer == f"Kept: {first.answer}"


def test_fresh_computes_again_and_keeps_that(tmp_path):
    first = run_it(tmp_path)
    poisoned(tmp_path)
    assert run_it(tmp_path, fresh=True).answer == first.answer
    assert run_it(tmp_path).answer == first.answer


def test_a_damaged_result_is_computed_again(tmp_path):
    first = run_it(tmp_path)
    path = poisoned(tmp_path)
    path.write_text(path.read_text().replace("Kept", "kept"))
    assert run_it(tmp_path).answer == first.answer


def test_audits_of_users_are_not_kept(tmp_path):
    (tmp_path / "own").mkdir()
    source = audit.load("word_cloud").path.read_text()
    (tmp_path / "own" / "mine.py").write_text(source)
    assert not kept_results.can_be_kept(audit.load("mine", [tmp_path / "own"]).plan())
    assert kept_results.can_be_kept(audit.load("word_cloud").plan())
