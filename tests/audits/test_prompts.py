"""Ranges, biases and shares of the variance in worlds where they are known, and computed naively."""

import itertools

import numpy as np
import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.results.result import Verdict
from sertools.tables.condition import CLEAN, asked_condition
from tests.helpers.audit_tables import EMOTIONS, made
from tests.helpers.audits import run

PROMPTS, ORDERS, REPEATS = 3, 4, 2


def world(answer, sizes=(10,) * 12, prompts=PROMPTS, orders=ORDERS, repeats=REPEATS):
    """Tables in which the answer to clip i with truth t is the code `answer(t, i, prompt, order, repeat)`."""
    tables = made(sizes, dimensions=(), classes=EMOTIONS)
    truth = [EMOTIONS.index(name) for name in tables.clips["emotion"]]
    predictions = {}
    for p, o, r in itertools.product(range(prompts), range(orders), range(repeats)):
        codes = [answer(t, i, p, o, r) for i, t in enumerate(truth)]
        rows = [np.full(4, np.nan) if code is None else np.eye(4)[code] for code in codes]
        scores = pd.DataFrame(np.array(rows), index=tables.clips.index, columns=list(EMOTIONS))
        predictions[str(asked_condition(p + 1, o + 1, r + 1))] = scores
    return tables.with_predictions(predictions)


def findings(tables, prompts=PROMPTS, orders=ORDERS, repeats=REPEATS):
    options = {"prompts": prompts, "orders": orders, "repeats": repeats}
    return {(f.name, f.slice): f for f in run(load("prompts"), tables, options=options, seed=0).findings}


def test_the_truth_whatever_is_asked_has_no_range_no_bias_and_passes():
    found = findings(world(lambda t, i, p, o, r: t))
    for name in ("prompt_range", "order_range", "first_option_bias", "last_option_bias"):
        finding = found[name, "all"]
        assert finding.value == 0
        assert finding.verdict is Verdict.PASS
        assert finding.high > 0, "no interval has width 0"
    assert found["variance_of_prompt", "all"].value == 0
    assert found["variance_of_clip", "all"].value == pytest.approx(1)


def test_a_prompt_that_breaks_every_second_clip_is_worth_what_it_costs():
    found = findings(world(lambda t, i, p, o, r: (t + 1) % 4 if p == 1 and i // 4 % 2 else t))
    assert found["uar_of_prompt", "prompt=1"].value == 1
    worth = 1 - found["uar_of_prompt", "prompt=2"].value
    assert found["prompt_range", "all"].value == pytest.approx(worth)
    assert worth == pytest.approx(0.5, abs=0.05)
    assert found["prompt_range", "all"].verdict is Verdict.FAIL
    assert found["order_range", "all"].value == 0
    assert found["first_option_bias", "all"].value == 0


@pytest.mark.parametrize(("position", "offset"), [("first", 0), ("last", 3)])
def test_a_model_that_takes_one_option_on_every_tenth_clip_has_that_bias(position, offset):
    found = findings(world(lambda t, i, p, o, r: (o + offset) % 4 if i % 10 == 0 else t, (20,) * 24))
    bias = found[f"{position}_option_bias", "all"]
    assert bias.value == pytest.approx(0.1)
    assert bias.low < 0.1 < bias.high
    assert bias.verdict is Verdict.FAIL
    other = "last" if position == "first" else "first"
    # where one option gains, the others lose: a tenth of the answers, by a third, as there are four options
    assert found[f"{other}_option_bias", "all"].value == pytest.approx(-0.1 / 3)


def naive_shares(codes, unit):
    """Components of the nested analysis of variance, term by term, from codes (p, o, r, n)."""
    prompts, orders, repeats, n = codes.shape
    y = np.eye(codes.max() + 1)[codes]
    cells = [(p, o, r) for p in range(prompts) for o in range(orders) for r in range(repeats)]
    clip = [np.mean([y[(*c, i)] for c in cells], axis=0) for i in range(n)]
    speakers = sorted(set(unit))
    mean = {s: np.mean([clip[i] for i in range(n) if unit[i] == s], axis=0) for s in speakers}
    grand = np.mean(clip, axis=0)
    square = lambda a, b: float(((a - b) ** 2).sum())  # noqa: E731
    po = {
        (p, o, i): y[p, o, :, i].mean(axis=0) for p in range(prompts) for o in range(orders) for i in range(n)
    }
    pp = {(p, i): y[p, :, :, i].mean(axis=(0, 1)) for p in range(prompts) for i in range(n)}
    ms = [
        len(cells) * sum(square(mean[s], grand) * sum(unit == s) for s in speakers) / (len(speakers) - 1),
        len(cells) * sum(square(clip[i], mean[unit[i]]) for i in range(n)) / (n - len(speakers)),
        orders * repeats * sum(square(pp[p, i], clip[i]) for p, i in pp) / (n * (prompts - 1)),
        repeats * sum(square(po[k], pp[k[0], k[2]]) for k in po) / (n * prompts * (orders - 1)),
        sum(square(y[(*c, i)], po[c[0], c[1], i]) for c in cells for i in range(n))
        / (n * prompts * orders * (repeats - 1)),
    ]
    sizes = np.bincount(unit)
    n0 = (n - (sizes**2).sum() / n) / (len(speakers) - 1)
    counts = [len(cells) * n0, len(cells), orders * repeats, repeats, 1]
    parts = [max(0.0, (a - b) / c) for a, b, c in zip(ms, [*ms[1:], 0.0], counts, strict=True)]
    return np.array(parts) / sum(parts)


def test_shares_of_the_variance_equal_the_naive_analysis():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 100, (PROMPTS, ORDERS, REPEATS, 200))
    sizes = (3, 8, 12, 5, 9, 20, 4)

    def answer(t, i, p, o, r):
        if noise[0, 0, 0, i] < 30 + 20 * p:
            return noise[p, 0, 0, i] % 4
        return noise[p, o, r, i] % 4 if noise[p, o, 0, i] < 20 else t

    tables = world(answer, sizes)
    found = findings(tables)
    codes = np.empty((PROMPTS, ORDERS, REPEATS, len(tables.clips)), dtype=int)
    for p, o, r in np.ndindex(PROMPTS, ORDERS, REPEATS):
        scores = tables.predictions[str(asked_condition(p + 1, o + 1, r + 1))]
        codes[p, o, r] = scores.to_numpy().argmax(axis=1)
    expected = naive_shares(codes, pd.factorize(tables.clips["speaker"])[0])
    names = ("speaker", "clip", "prompt", "order", "repeat")
    got = [found[f"variance_of_{name}", "all"].value for name in names]
    np.testing.assert_allclose(got, expected, atol=1e-12)
    assert min(expected[1:]) > 0.01, "every level must vary, or the test shows nothing"


def test_refusals_under_one_prompt_count_as_wrong():
    found = findings(world(lambda t, i, p, o, r: None if p == 2 and i // 4 % 5 == 0 else t))
    assert found["uar_of_prompt", "prompt=3"].value == pytest.approx(0.8, abs=0.03)
    assert found["prompt_range", "all"].verdict is Verdict.FAIL


def test_options_that_ask_nothing_twice_are_refused_or_said():
    with pytest.raises(AuditError, match="prompts is 1, orders 1 and repeats 4"):
        findings(world(lambda t, i, p, o, r: t), 1, 1, 4)
    tables = world(lambda t, i, p, o, r: t, repeats=1)
    result = run(
        load("prompts"), tables, options={"prompts": PROMPTS, "orders": ORDERS, "repeats": 1}, seed=0
    )
    assert any("No question was repeated" in note for note in result.notes)
    assert not [f for f in result.findings if f.name == "variance_of_repeat"]


def test_a_model_without_prompts_is_skipped_with_the_reason():
    tables = made((10,) * 6, dimensions=(), classes=EMOTIONS)
    assert list(tables.predictions) == [CLEAN]
    result = run(load("prompts"), tables, seed=0)
    assert "the model takes no prompts" in result.findings[0].reason
