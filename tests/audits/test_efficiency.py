import math
from dataclasses import replace

import numpy as np
import pytest
from sertools.audits.efficiency import factor_of

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.tables.running_cost import CostOfLength
from tests.helpers.audits import run

AUDIT = load("efficiency")


@pytest.fixture(scope="module")
def oracle():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=8, per_speaker=12))


def cost(seconds, length_s=2.0, **more):
    return CostOfLength(precision="fp32", in_use=True, length_s=length_s, seconds=seconds, **more)


def test_real_time_factor_is_time_by_length_with_the_interval_of_its_logarithm():
    found = factor_of(cost((0.2, 0.4, 0.8)))
    assert found.value == pytest.approx((0.1 + 0.2 + 0.4) / 3)
    # the logarithms are log 2 apart, so their deviation is log 2; t.975 with 2 degrees of freedom is 4.303
    half = 4.302652729696142 * math.log(2) / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx(
        (found.value * math.exp(-half), found.value * math.exp(half))
    )
    assert np.isnan(factor_of(cost((0.2,))).low)


def test_the_middle_length_in_the_format_in_use_is_judged(oracle):
    lengths = (
        cost((1.0, 1.0, 1.0), 1.0),
        cost((6.0, 6.01, 6.02), 3.0),
        cost((1.0, 1.0, 1.0), 10.0),
        replace(cost((0.1, 0.1, 0.1), 3.0), precision="bf16", in_use=False),
    )
    assert oracle.running_cost is not None
    tables = replace(oracle, running_cost=replace(oracle.running_cost, lengths=lengths))
    result = run(AUDIT, tables, seed=0)
    (judged,) = [f for f in result.findings if f.verdict is not Verdict.NONE]
    assert (judged.name, judged.slice, judged.verdict) == ("real_time_factor", "all", Verdict.FAIL)
    assert judged.value == pytest.approx(6.01 / 3)
    assert "2 times slower than it lasts" in result.answer


def test_arithmetic_memory_and_energy_are_given_for_each_second_of_audio(oracle):
    assert oracle.running_cost is not None
    lengths = (cost((0.1, 0.1, 0.1), 2.0, flops=4e9, working_bytes=5e8, joules=3.0),)
    tables = replace(oracle, running_cost=replace(oracle.running_cost, lengths=lengths))
    found = {f.name: f.value for f in run(AUDIT, tables, seed=0).findings if f.slice == "fp32, 2 s"}
    assert found == {"gflops_per_second": 2.0, "working_memory_mb": 500.0, "joules_per_second": 1.5}


def test_a_table_of_answers_needs_no_running(oracle):
    result = run(AUDIT, replace(oracle, running_cost=None), seed=0)
    assert "is not timed" in result.answer
    assert result.findings[0].verdict is Verdict.SKIPPED


@pytest.mark.parametrize("lengths", [(), (0.0,), (-1.0, 2.0), (float("nan"),), (1e9,)])
def test_impossible_lengths_are_refused(lengths):
    with pytest.raises(AuditError, match="lengths above 0 s"):
        AUDIT.plan({"lengths": lengths})
