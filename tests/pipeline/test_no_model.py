"""Audits that ask no model anything name none."""

import pytest

import sertools
from sertools.report.summary.opening import opening, title
from sertools.wording import NO_MODEL
from tests.helpers.small import write_noises


@pytest.fixture
def corpus(tmp_path):
    table = write_noises(tmp_path, 12)
    return sertools.load_corpus(table)


def test_leakage_names_no_model_that_nobody_named(corpus):
    clips = corpus.clips.assign(split=["train", "test"] * 6)
    split = type(corpus)(name="voices", clips=clips, root=corpus.root)
    results = sertools.audit("default", split, "leakage")
    assert results[0].model["name"] == NO_MODEL
    assert results[0].provenance["model_fingerprint"] == "none"
    assert "was not opened" not in results[0].provenance["corpus_fingerprint"]
    assert "default" not in opening(results)
    assert opening(results) == "Everything that was judged for voices passed."
    assert title(results) == "What do audits of voices without a model show?"
    named = sertools.audit("toy:random", split, "leakage")
    assert "random" in named[0].model["name"]
