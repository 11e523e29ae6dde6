from dataclasses import replace

import numpy as np
import pytest
import torch

from sertools.errors import ModelError
from sertools.models import device
from sertools.models.device import find_device, first_precision, in_halves, moved, stamped
from sertools.models.load import load_model
from tests.helpers.checkpoints import speech, write_checkpoint


def roomy(limit: int, seen: list[int]):
    """A computation that has room for so many items, and writes down how many it was given."""

    def compute(items):
        seen.append(len(items))
        if len(items) > limit:
            raise torch.OutOfMemoryError(f"tried to allocate {len(items)} GiB. Try less.")
        return [item * 10 for item in items]

    return compute


def test_a_batch_that_fits_is_computed_in_one_go():
    seen: list[int] = []
    assert in_halves(roomy(8, seen), [1, 2, 3]) == [[10, 20, 30]]
    assert seen == [3]


def test_out_of_memory_halves_the_batch_and_keeps_the_order():
    seen: list[int] = []
    parts = in_halves(roomy(2, seen), [1, 2, 3, 4, 5, 6, 7])
    assert [answer for part in parts for answer in part] == [10, 20, 30, 40, 50, 60, 70]
    assert seen == [7, 3, 1, 2, 4, 2, 2]


def test_a_single_clip_that_does_not_fit_is_one_sentence():
    with pytest.raises(ModelError, match="a single clip does not fit .* tried to allocate 1 GiB"):
        in_halves(roomy(0, []), [1, 2])


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def broken(items):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        in_halves(broken, [1, 2])


class Crowded(torch.nn.Module):
    """A network in a device with room for two clips."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network, self.config = network, network.config

    def forward(self, input_values: torch.Tensor, **settings: torch.Tensor):
        if len(input_values) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.network(input_values, **settings)


def test_a_model_that_runs_out_of_memory_gives_the_answers_of_one_that_does_not(tmp_path):
    folder = write_checkpoint(tmp_path, "wavlm")
    signals = speech([8000, 8000, 8000, 8000, 8000])
    expected = load_model(str(folder)).predict(signals).scores
    model = load_model(str(folder))
    model.network = replace(model.network, held=Crowded(model.network.module))
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-6)


def test_device_names_are_read_as_torch_reads_them():
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in {"cpu", "cuda", "mps"}
    for absent in ("cuda:99", "tpu", "cuda:x"):
        with pytest.raises(ModelError, match=f"device '{absent}' is not available"):
            find_device(absent)


def test_moving_to_the_cpu_changes_nothing():
    tensor = torch.arange(3.0)
    assert moved(tensor, torch.device("cpu")) is tensor


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_pinned_transfer_to_a_gpu_keeps_the_numbers():
    tensor = torch.arange(3.0)
    torch.testing.assert_close(moved(tensor, torch.device("cuda")).cpu(), tensor)


def test_what_was_asked_for_is_taken_and_stays():
    for asked in ("fp32", "bf16"):
        assert first_precision(asked, torch.device("cpu")) == (asked, "requested", False)


def test_auto_begins_in_fp32():
    precision, reason, _ = first_precision("auto", torch.device("cpu"))
    assert precision == "fp32"
    assert reason


@pytest.mark.parametrize(("speed", "compared"), [(0.53, False), (1.2, False), (2.3, True), (7.0, True)])
def test_auto_considers_bf16_only_where_the_processor_multiplies_it_faster(monkeypatch, speed, compared):
    monkeypatch.setattr(device, "native_bf16", lambda name: True)
    monkeypatch.setattr(device, "bf16_speed", lambda: speed)
    precision, reason, needs_comparison = first_precision("auto", torch.device("cpu"))
    assert (precision, needs_comparison) == ("fp32", compared)
    assert ("not faster" in reason) is not compared


def test_the_speed_of_bf16_is_measured():
    assert 0.01 < device.bf16_speed() < 100


def test_a_format_has_its_own_fingerprint_and_in_bf16_each_device_its_own():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert stamped("abc", "fp32", cpu) == stamped("abc", "fp32", cuda)
    assert len({stamped("abc", "fp32", cpu), stamped("abc", "bf16", cpu), stamped("abc", "bf16", cuda)}) == 3
