"""Scores on folds that share speakers are shown with the reason, and never judged, by the gate either."""

from dataclasses import replace

import sertools
from sertools.inference.settings import Settings
from sertools.results.result import Verdict
from sertools.results.verdicts.gate import gate
from sertools.results.verdicts.limits import Override
from tests.helpers.small import noises

REASON = "6 of 6 speakers of the test side are also in the training side"


def test_nothing_is_judged_and_every_score_says_why(tmp_path):
    corpus = noises(tmp_path / "noises", 24)
    settings = Settings(cache=tmp_path / "cache")
    (plain,) = sertools.audit("toy:loudness", corpus, "correctness", settings=settings)
    (result,) = sertools.audit(
        "toy:loudness", replace(corpus, unjudged=REASON), "correctness", settings=settings
    )
    assert result.answer == f"{REASON}. {plain.answer}"
    assert [(f.key, f.value) for f in result.findings] == [(f.key, f.value) for f in plain.findings]
    assert {f.verdict for f in result.findings} == {Verdict.SKIPPED}
    assert all(REASON in f.reason for f in result.findings)
    assert {f.verdict for f in plain.findings} - {Verdict.SKIPPED}
    (gated,) = gate([result], [Override(audit="correctness", name="*", above=-1e9, why="anything goes")])
    assert {f.verdict for f in gated.findings} == {Verdict.SKIPPED}


def test_audits_that_ask_the_model_nothing_are_judged(tmp_path):
    corpus = replace(noises(tmp_path / "noises", 24), unjudged=REASON)
    halves = ["train" if i < 12 else "test" for i in range(24)]
    corpus = replace(corpus, clips=corpus.clips.assign(split=halves))
    (result,) = sertools.audit("toy:loudness", corpus, "leakage", settings=Settings(cache=tmp_path / "cache"))
    shared = next(f for f in result.findings if f.name == "shared_speakers")
    assert shared.verdict is Verdict.FAIL
