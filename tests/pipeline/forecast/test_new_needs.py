"""What running costs, further checkpoints, optional columns and optional layers cost."""

from dataclasses import replace

import pytest

from sertools.audio import opensmile
from sertools.auditing import audit
from sertools.auditing.contract import Needs
from sertools.errors import ModelError
from sertools.inference.settings import Settings
from sertools.pipeline.forecast.forecast import forecast
from sertools.pipeline.run import run
from sertools.tables.columns import CHECKPOINT
from tests.helpers.small import Meter, noises


def planned(name="correctness", needs=None, **options):
    chosen = audit.load(name).plan(options)
    return chosen if needs is None else replace(chosen, needs=needs)


def other():
    """A second model, whose predictions are stored apart."""
    made = Meter()
    made.fingerprint = "meter-2"
    return made


def test_timing_and_checkpoints_have_rows_of_their_own(tmp_path):
    corpus, settings = noises(tmp_path / "c"), Settings(cache=tmp_path / "store")
    costs, _ = forecast(Meter(), corpus, [planned("efficiency")], settings=settings)
    assert [cost.condition for cost in costs] == ["clean", "timing"]
    assert costs[1].minutes >= 3 * 2 / 60  # three lengths of two seconds each at least
    seeds = planned("seeds", checkpoints=("other",))
    costs, _ = forecast(Meter(), corpus, [seeds], settings=settings, others={f"{CHECKPOINT}2": other()})
    assert [(cost.of, cost.condition, cost.todo) for cost in costs] == [
        ("model", "clean", 12),
        (f"{CHECKPOINT}2", "clean", 12),
    ]


def test_an_optional_column_whose_package_is_missing_costs_nothing(tmp_path, monkeypatch):
    def missing(level=None):
        raise ModelError("opensmile is not installed")

    monkeypatch.setattr(opensmile, "_order", missing)
    corpus, settings = noises(tmp_path / "c", samples=2000), Settings(cache=tmp_path / "store")
    optional = planned(needs=Needs(labels="none", conditions=(), optional_columns=("f0_hz", "duration_s")))
    costs, _ = forecast(Meter(), corpus, [optional], settings=settings)
    assert [cost.condition for cost in costs] == ["sound"]
    required = planned(needs=Needs(labels="none", conditions=(), measured_columns=("f0_hz",)))
    with pytest.raises(ModelError, match="opensmile is not installed"):
        forecast(Meter(), corpus, [required], settings=settings)


def test_a_run_times_the_model_and_reads_checkpoints_and_layers_where_there_are_any(tmp_path, monkeypatch):
    monkeypatch.setattr("sertools.inference.running_cost.ENOUGH_S", 0.01)
    seen = {}

    def look(tables, *, rng):
        seen["tables"] = tables
        return audit.load("efficiency").function(tables, rng=rng)

    corpus, settings = noises(tmp_path / "c"), Settings(cache=tmp_path / "store", fresh=True)
    needs = replace(planned("efficiency").needs, optional_layers=True, models=("other",))
    watched = replace(
        planned("efficiency", needs=needs), audit=replace(audit.load("efficiency"), function=look)
    )
    watched = replace(watched, settings={})
    run(Meter(), corpus, [watched], settings=settings, others={f"{CHECKPOINT}2": other()})
    tables = seen["tables"]
    assert [each.length_s for each in tables.running_cost.lengths] == [1.0, 3.0, 10.0]
    assert list(tables.others) == [f"{CHECKPOINT}2"]
    assert tables.layers is not None
