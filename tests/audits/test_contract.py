"""The contract that every audit keeps: it catches its planted defect and does not accuse the oracle."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from sertools.api.show import of_metric
from sertools.auditing.audit import load
from sertools.auditing.discovery import discover
from sertools.randomness import identity_rng
from sertools.results.keys import FindingKey
from sertools.results.result import Result, Verdict
from sertools.results.terms import glossary
from sertools.selftest import toy_corpus
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables
from tests.helpers.audits import run

AUDITS = sorted(discover())
SMALL = {
    "resamples": 200,
    "epochs": 12,
    "folds": 3,
    "targets": ("emotion", "arousal"),
    "shuffles": 1,
    "maps": (),
    "by_group": False,
    "read_layers": False,
    "trait": ("sex", "speaker"),
}
"""Less than by default, where an audit resamples, probes or draws, so that the contract is quick to check."""


def options_of(audit) -> dict:
    return {key: value for key, value in SMALL.items() if key in audit.options()}


@functools.cache
def needs_of(name):
    audit = load(name)
    return audit.needs(**audit.settings(options_of(audit)))


FEW = 16
"""Clips per speaker where few will do. An audit that does not ask whether a model is better than a constant
still passes a random one on so few clips, in seven of eight corpora or more."""

SEEDS = 1
"""Corpora on which every audit is asked in each run of the tests; of more, before a release."""

ESTIMATES = [n for n in AUDITS if needs_of(n).conditions or needs_of(n).layers or needs_of(n).frame_sums]
"""Audits that read a model. The others, by declaring that they read none, look at the corpus alone: what they
find is counted, not estimated; no model is trivially good at it, and few speakers make it no less sure.
"""

ANSWERED = [
    n for n in AUDITS if needs_of(n).conditions and not (needs_of(n).layers or needs_of(n).frame_sums)
]
"""Audits that hold a model's predictions against the truth."""

OF_LABELS = [name for name in AUDITS if needs_of(name).frame_sums is None]
"""Audits that read labels. The others hold a model's frames against acoustics, which any speech has."""


def result_of(name, tables, seed=0) -> Result:
    audit = load(name)
    return run(audit, tables, seed=seed, options=options_of(audit))


def answers(kind, clips, name) -> Tables:
    """The answers of a toy model under every condition that an audit reads."""
    needs, checkpoints = needs_of(name), 3 if load(name).models else 1
    return toy_corpus.answers(
        kind, clips, needs.conditions, needs.frame_sums, checkpoints, attacks=needs.attacks
    )


@functools.cache
def clips_of(*, per_speaker=FEW, speakers=24) -> pd.DataFrame:
    """Clips of the toy corpus, which no audit may change."""
    return toy_corpus.clips(per_speaker=per_speaker, speakers=speakers)


@functools.cache
def oracle_of(name, per_speaker) -> Tables:
    """The answers of a model that knows the truth, which several tests change in their way."""
    return answers("oracle", clips_of(per_speaker=per_speaker), name)


@functools.cache
def constant_of(name) -> Tables:
    """The answers of a model that gives the same to every clip."""
    return answers("constant", clips_of(), name)


@functools.cache
def planted_of(name, per_speaker) -> Tables:
    """The same with the planted defect."""
    return load(name).plant(oracle_of(name, per_speaker), identity_rng(0, "plant", name))


def under_all(scores, tables) -> Tables:
    """The same scores whatever the condition."""
    return tables.with_predictions({condition: scores.copy() for condition in tables.predictions})


def unanswered(tables) -> dict[str, pd.DataFrame]:
    """The predictions without the silent clips, under every condition."""
    return {
        condition: scores.where(np.broadcast_to(~silent_clips()[:, None], scores.shape))
        for condition, scores in tables.predictions.items()
    }


def with_layers(tables, change) -> Layers:
    """Layer means of which `change` makes others: (n, l, d) → (m, l, d)."""
    return Layers(shards=(change(np.concatenate(tables.layers.shards)),))


def rows(tables, chosen) -> Tables:
    """These rows of the tables, and of those of the models beside; sums over frames know no rows."""
    return dataclasses.replace(
        tables,
        clips=tables.clips.iloc[chosen],
        predictions={key: scores.iloc[chosen] for key, scores in tables.predictions.items()},
        layers=with_layers(tables, lambda means: means[chosen]) if tables.layers else None,
        others={role: rows(other, chosen) for role, other in tables.others.items()},
    )


def verdicts(result: Result) -> set[Verdict]:
    return {finding.verdict for finding in result.findings}


@functools.cache
def is_explained(measure: str) -> bool:
    """Whether `sertools explain` has a sentence of its own for a measure: of an audit, a metric or a term."""
    return measure in explained() or bool(of_metric(measure))


@functools.cache
def explained() -> set[str]:
    """What audits and the glossary explain."""
    terms = {term.short.lower() for term in glossary.TERMS}
    return terms.union(*(load(audit).measures for audit in AUDITS))


@pytest.fixture(scope="module")
def few():
    return clips_of()


@functools.cache
def result_of_oracle(name: str, per_speaker: int) -> Result:
    """The result on a model that knows the truth, which several tests look at."""
    return result_of(name, oracle_of(name, per_speaker))


@functools.cache
def result_of_planted(name: str, per_speaker: int) -> Result:
    """The result on the planted defect, which several tests look at."""
    return result_of(name, planted_of(name, per_speaker))


def silent_clips() -> NDArray[np.bool_]:
    """Every tenth clip, shape (n,)."""
    return np.arange(len(clips_of())) % 10 == 0


@functools.cache
def result_of_answered(name: str) -> Result:
    """The result on the planted defect in a corpus without the silent clips."""
    return result_of(name, rows(planted_of(name, FEW), np.flatnonzero(~silent_clips())))


@functools.cache
def result_of_unanswered(name: str) -> Result:
    """The result on the planted defect where the model does not answer the silent clips."""
    planted = planted_of(name, FEW)
    return result_of(name, planted.with_predictions(unanswered(planted)))


SIZES = [FEW, pytest.param(40, marks=pytest.mark.acceptance)]
"""Clips per speaker on which audits meet the oracle and the planted defect: few in each run of the tests."""


@pytest.mark.parametrize("per_speaker", SIZES)
@pytest.mark.parametrize("name", AUDITS)
def test_the_oracle_is_not_accused(name, per_speaker):
    result = result_of_oracle(name, per_speaker)
    assert Verdict.FAIL not in verdicts(result), [f for f in result.findings if f.verdict is Verdict.FAIL]
    assert Verdict.PASS in verdicts(result), "an audit that never passes anything shows nothing"


@pytest.mark.parametrize("per_speaker", SIZES)
@pytest.mark.parametrize("name", AUDITS)
def test_the_planted_defect_is_caught(name, per_speaker):
    assert Verdict.FAIL in verdicts(result_of_planted(name, per_speaker))


@pytest.mark.parametrize("name", ESTIMATES)
def test_a_constant_never_passes(name):
    result = result_of(name, constant_of(name))
    assert Verdict.PASS not in verdicts(result), [f for f in result.findings if f.verdict is Verdict.PASS]


@pytest.mark.parametrize(
    ("seed", "name"),
    [
        pytest.param(seed, name, marks=[pytest.mark.acceptance] if seed >= SEEDS else [])
        for seed in range(16)
        for name in ESTIMATES
    ],
)
def test_a_random_model_never_passes(name, seed):
    result = result_of(name, answers("random", toy_corpus.clips(per_speaker=FEW, seed=seed), name))
    assert Verdict.PASS not in verdicts(result), [f for f in result.findings if f.verdict is Verdict.PASS]


@pytest.mark.parametrize("name", ANSWERED)  # the layers of both constants are the same
def test_a_constant_at_the_mean_never_passes(name, few):
    tables = constant_of(name)
    scores = tables.predictions["clean"].copy()
    for dimension in tables.dimensions:
        scores[dimension] = few[dimension].mean()
    result = result_of(name, under_all(scores, tables))
    assert Verdict.PASS not in verdicts(result), [f for f in result.findings if f.verdict is Verdict.PASS]


@pytest.mark.parametrize("name", AUDITS)
def test_a_seed_decides_the_result_whatever_the_order_of_the_clips(name, few):
    noisy = planted_of(name, FEW)
    first = result_of_planted(name, FEW)
    assert first == result_of(name, noisy)
    order = np.random.default_rng(0).permutation(len(few))
    shuffled = result_of(name, rows(noisy, order))
    for before, after in zip(first.findings, shuffled.findings, strict=True):
        assert (before.name, before.target, before.slice) == (after.name, after.target, after.slice)
        assert after.value == pytest.approx(before.value, abs=1e-9)


@pytest.mark.parametrize("name", AUDITS)
def test_every_number_carries_clips_speakers_and_an_interval_or_a_reason(name):
    for finding in result_of_oracle(name, FEW).findings:
        assert finding.n > 0
        assert finding.speakers or finding.reason
        assert (finding.low is not None and finding.high is not None) or finding.reason, finding
        if finding.value is not None and finding.low is not None:
            assert finding.low - 1e-9 <= finding.high
        assert is_explained(finding.name), f"EXPLANATIONS of {name} lack {finding.name}"


@pytest.mark.parametrize("name", ESTIMATES)
def test_no_gate_is_passed_without_speakers(name, few):
    tables = answers("oracle", few.drop(columns="speaker"), name)
    assert Verdict.PASS not in verdicts(result_of(name, tables))


@pytest.mark.parametrize("name", ESTIMATES)
def test_too_few_speakers_are_inconclusive_and_say_so(name):
    result = result_of(name, answers("oracle", clips_of(speakers=4), name))
    assert Verdict.PASS not in verdicts(result)
    assert any("fewer than 5 speakers" in finding.reason for finding in result.findings)


@pytest.mark.parametrize("name", OF_LABELS)
def test_a_corpus_without_labels_is_skipped_with_the_reason(name, few):
    bare = few[["file", "start", "end", "speaker"]]
    result = result_of(name, answers("random", bare, name))
    assert verdicts(result) == {Verdict.SKIPPED}
    assert all(finding.reason for finding in result.findings)
    assert all(finding.value is None for finding in result.findings)


@pytest.mark.parametrize("name", ESTIMATES)
def test_missing_predictions_are_left_out_and_never_scored(name):
    tables = planted_of(name, FEW)
    heard = ~silent_clips()
    missing = pd.DataFrame(
        {"clip": clip, "condition": condition, "reason": "broken"}
        for condition in tables.predictions
        for clip in tables.clips.index[~heard]
    )
    holed = dataclasses.replace(
        tables.with_predictions(unanswered(tables)),
        missing=missing,
        layers=with_layers(tables, lambda means: np.where(heard[:, None, None], means, np.nan)),
    )
    for with_holes, without in zip(
        result_of(name, holed).findings, result_of_answered(name).findings, strict=True
    ):
        assert with_holes.value == pytest.approx(without.value, abs=1e-12)
        assert with_holes.n == without.n


@pytest.mark.parametrize("name", ANSWERED)
def test_clips_that_are_not_answered_are_counted_and_never_help(name):
    found = {finding.key: finding for finding in result_of_unanswered(name).findings}
    coverage = [finding for key, finding in found.items() if key.name == "coverage"]
    assert coverage
    share = (~silent_clips()).mean()
    assert {(finding.value, finding.verdict) for finding in coverage} == {(share, Verdict.FAIL)}
    whole = {finding.key: finding for finding in result_of_planted(name, FEW).findings}
    improved = [
        key
        for key, finding in found.items()
        if finding.verdict is Verdict.PASS and key in whole and whole[key].verdict is Verdict.FAIL
    ]
    assert not improved


@pytest.mark.parametrize("name", ANSWERED)
def test_the_findings_on_the_answered_clips_are_those_of_a_corpus_without_the_others(name):
    alone = {f.key: f.value for f in result_of_answered(name).findings}
    beside = [f for f in result_of_unanswered(name).findings if f.name.endswith("_of_answered")]
    for finding in beside:
        key = FindingKey(finding.name.removesuffix("_of_answered"), finding.target, finding.slice)
        assert finding.value == pytest.approx(alone[key], abs=1e-12)
        assert (finding.verdict, finding.limit) == (Verdict.NONE, None)


@pytest.mark.parametrize("name", AUDITS)
def test_the_file_explains_itself(name):
    audit = load(name)
    assert audit.question.endswith("?")
    assert len(audit.method) > 200
    assert all(limit.source for limit in audit.limits), "a limit says where it comes from"


@pytest.mark.parametrize("name", AUDITS)
def test_results_survive_their_file(name):
    result = result_of_oracle(name, FEW)
    assert Result.model_validate_json(result.to_json()) == result
    assert "NaN" not in result.to_json()
