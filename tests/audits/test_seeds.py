from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sertools.audits.seeds.claims import Claim, claims
from sertools.audits.seeds.spread import spread

from sertools.auditing.audit import load
from sertools.auditing.run import tables_of
from sertools.randomness import identity_rng
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.statistics.jackknife import Estimate
from sertools.tables.columns import CHECKPOINT, RANDOM_TWIN
from sertools.tables.tables import ModelData, Tables
from tests.helpers.audits import run

AUDIT = load("seeds")
T_2 = 4.302652729696142  # t.975 with 2 degrees of freedom


def estimates(*values, half=0.1):
    return tuple(Estimate(value=v, low=v - half, high=v + half, n=100, units=20) for v in values)


def claim(*values, error=0.02, reference=0.0, half=0.1):
    mean = float(np.mean(values))
    return Claim(
        name="ccc",
        target="arousal",
        slice="all",
        reference=reference,
        estimates=estimates(*values, half=half),
        mean=mean,
        error=error,
    )


def test_spread_over_seeds_is_their_standard_deviation_with_the_interval_of_chi_square():
    found = spread(claim(0.4, 0.5, 0.6), 100, 20)
    assert found.seeds.value == pytest.approx(0.1)
    # chi-square quantiles with 2 degrees of freedom: −2 log p
    assert found.seeds.low == pytest.approx(np.sqrt(0.02 / (-2 * np.log(0.025))))
    assert found.seeds.high == pytest.approx(np.sqrt(0.02 / (-2 * np.log(0.975))))
    assert found.share == pytest.approx(0.01 / (0.01 + 0.0004))


def test_the_mean_of_a_recipe_has_the_variance_of_seeds_and_of_speakers():
    without_speakers = spread(claim(0.4, 0.5, 0.6, error=0.0), 100, 20).recipe
    assert without_speakers.high - without_speakers.value == pytest.approx(T_2 * 0.1 / np.sqrt(3))
    undefined = spread(claim(0.4, np.nan, 0.6), 100, 20).recipe
    assert (np.isnan(undefined.value), undefined.reason) == (True, "it is undefined for a checkpoint")
    without_seeds = spread(claim(0.5, 0.5, 0.5), 100, 20).recipe
    assert without_seeds.high - without_seeds.value == pytest.approx(2.093024054408263 * 0.02)  # 19 degrees


def test_a_finding_survives_if_all_intervals_are_on_one_side():
    assert claim(0.4, 0.5, 0.6).survives
    assert not claim(0.05, 0.5, 0.6).survives
    assert not claim(-0.4, 0.5, 0.6).survives
    assert claim(0.4, 0.5, 0.6, reference=0.9).survives  # below the reference is a finding, too


def tables(rng, seeds, *, seed_sd, speakers=20, per_speaker=30):
    """Checkpoints whose predictions of arousal differ by a slope of their own."""
    clips = toy_corpus.clips(speakers=speakers, per_speaker=per_speaker, seed=int(rng.integers(999)))
    made = []
    for i in range(seeds):
        slope = 0.6 + rng.normal(0, seed_sd)
        noise = rng.normal(0, 0.08, len(clips))
        predicted = 0.5 + slope * (clips["arousal"] - 0.5) + noise
        scores = pd.DataFrame({"arousal": predicted})
        made.append(
            Tables(clips=clips, predictions={"clean": scores}, dimensions=("arousal",), model=f"m{i}")
        )
    others = {f"{CHECKPOINT}{i + 2}": each for i, each in enumerate(made[1:])}
    return replace(made[0], others=others)


def test_checkpoints_that_differ_are_told_from_those_that_do_not():
    rng = np.random.default_rng(0)
    alike = run(AUDIT, tables(rng, 5, seed_sd=0.0), seed=0)
    apart = run(AUDIT, tables(rng, 5, seed_sd=0.3), seed=0)
    verdicts = [next(f for f in r.findings if f.name == "spread_over_seeds").verdict for r in (alike, apart)]
    assert verdicts == [Verdict.PASS, Verdict.FAIL]
    assert "Over 5 checkpoints" in alike.answer
    table = alike.tables[0]
    assert [c for c in table.columns if c.startswith(("1: ", "5: "))] == ["1: m0", "5: m4"]


def test_speakers_are_left_out_of_all_checkpoints_at_once():
    made = tables(np.random.default_rng(1), 3, seed_sd=0.1)
    every = [made, *made.others.values()]
    found = next(c for c in claims(every, "sex") if c.name == "ccc")
    from sertools.metrics.regression import ccc

    speaker = made.clips["speaker"].to_numpy()
    left_out = [
        np.mean(
            [
                ccc(
                    each.clips["arousal"][speaker != one],
                    each.predictions["clean"]["arousal"][speaker != one],
                )
                for each in every
            ]
        )
        for one in np.unique(speaker)
    ]
    assert found.error == pytest.approx(np.sqrt(19 * np.var(left_out)), abs=1e-12)
    gap = next(c for c in claims(every, "sex") if c.name == "gap")
    assert gap.slice == "sex=female minus male"


def test_a_planted_checkpoint_fails_and_identical_ones_are_named():
    made = toy_corpus.answers("oracle", toy_corpus.clips(speakers=8, per_speaker=20), checkpoints=3)
    others = {role: other.with_predictions(made.predictions) for role, other in made.others.items()}
    twice = replace(made, others=others)
    verdicts = {f.verdict for f in run(AUDIT, twice, seed=0).findings if f.name == "spread_over_seeds"}
    assert verdicts == {Verdict.INCONCLUSIVE}  # a spread of 0 over the same checkpoint shows nothing
    result = run(AUDIT, AUDIT.plant(twice, identity_rng(0)), seed=0)
    assert Verdict.FAIL in {f.verdict for f in result.findings}
    assert any("1 and 2" in note and "exactly the same" in note for note in result.notes)
    least = [f for f in result.findings if f.name == "agreement" and f.target == "emotion"]
    assert least[0].value < 0.5
    turned = {
        role: replace(other, model_classes=other.model_classes[::-1]) for role, other in made.others.items()
    }
    assert run(AUDIT, replace(made, others=turned), seed=0).findings == run(AUDIT, made, seed=0).findings
    fewer = {
        role: replace(other, model_classes=other.model_classes[1:]) for role, other in made.others.items()
    }
    other_recipe = run(AUDIT, replace(made, others=fewer), seed=0)
    assert "no checkpoints of one recipe" in other_recipe.answer
    assert {f.verdict for f in other_recipe.findings if not f.detail} == {Verdict.SKIPPED}


def test_one_checkpoint_is_not_enough():
    result = run(AUDIT, toy_corpus.answers("oracle", toy_corpus.clips(speakers=6, per_speaker=5)), seed=0)
    assert "name several with --model" in result.answer


def test_only_the_audit_that_names_checkpoints_reads_them():
    made = toy_corpus.answers("oracle", toy_corpus.clips(speakers=6, per_speaker=5))
    data = ModelData(tables=made, frame_sums={})
    comparison = {f"{CHECKPOINT}2": data, RANDOM_TWIN: data}
    named = AUDIT.plan({"checkpoints": ("other",)})
    assert list(tables_of(named, data, comparison).others) == [f"{CHECKPOINT}2"]
    assert list(tables_of(load("embeddings").plan(), data, comparison).others) == [RANDOM_TWIN]
