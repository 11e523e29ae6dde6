import mmap
from dataclasses import dataclass

import numpy as np
import pytest

from sertools.inference.running_cost import NO_ENERGY, NO_FLOPS, running_cost
from sertools.models.kinds.toy import LoudnessModel
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs
from sertools.tables.running_cost import CostNeeded


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Times each length for a tenth of a second."""
    monkeypatch.setattr("sertools.inference.running_cost.ENOUGH_S", 0.1)


TWO = CostNeeded(lengths_s=(0.5, 1.0))


@dataclass(kw_only=True)
class Multiplier(LoadedSignalModel):
    """A model that multiplies a (1, 16) matrix by a (16, 32) one for each 100 samples."""

    name: str = "multiplier"
    labels: tuple[str, ...] = ("arousal",)
    task: str = "regression"
    sampling_rate: int = 1000
    shortest: int = 1
    fingerprint: str = "0"

    def predict(self, signals, *, layers=False):
        import torch

        for signal in signals:
            for _ in range(len(signal) // 100):
                torch.ones(1, 16) @ torch.ones(16, 32)
        return Outputs(scores=np.zeros((len(signals), 1)))


def test_flops_are_those_of_the_matrix_products():
    found = running_cost(Multiplier(), TWO)
    # 2 · 1 · 16 · 32 for each product, 5 and 10 of them
    assert [each.flops for each in found.lengths] == [5 * 1024, 10 * 1024]
    assert [each.length_s for each in found.lengths] == [0.5, 1.0]
    assert all(len(each.seconds) >= 3 for each in found.lengths)


def test_what_cannot_be_measured_is_said(tmp_path):
    found = running_cost(LoudnessModel(), TWO, powercap=tmp_path)
    assert {each.flops for each in found.lengths} == {None}
    assert {each.joules for each in found.lengths} == {None}
    assert set(found.notes) >= {NO_ENERGY, NO_FLOPS}


def test_energy_is_what_the_counters_tell_also_where_they_start_again(tmp_path, monkeypatch):
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    (zone / "max_energy_range_uj").write_text("10000000\n")
    counter = zone / "energy_uj"
    counter.write_text("9000000\n")

    class Heater(Multiplier):
        def predict(self, signals, *, layers=False):
            used = float(counter.read_text()) + 500_000  # half a joule for each prediction
            counter.write_text(str(used % 10_000_000))
            return super().predict(signals, layers=layers)

    monkeypatch.setattr("sertools.inference.running_cost.MOST_RUNS", 4)
    (half, one) = running_cost(Heater(), TWO, powercap=tmp_path).lengths
    assert (half.joules, one.joules) == pytest.approx((0.5, 0.5))


def test_memory_holds_at_least_what_a_prediction_needs():
    class Hungry(Multiplier):
        def predict(self, signals, *, layers=False):
            with mmap.mmap(-1, int(1e8 * len(signals[0]) / 1000)) as held:  # 100 MB for each second
                for page in range(0, len(held), mmap.PAGESIZE):
                    held[page] = 1
            return Outputs(scores=np.zeros((len(signals), 1)))

    half, one = running_cost(Hungry(), TWO).lengths
    if half.working_bytes is None or one.working_bytes is None:
        pytest.skip("this platform does not tell the memory of a process")
    assert one.working_bytes - half.working_bytes > 3e7  # 50 MB, less what other threads give back
