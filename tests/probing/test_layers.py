"""What probes read, and what shuffled labels leave of it."""

import numpy as np
import pytest

from sertools.probing.layers import score_of_shuffled_labels
from sertools.probing.targets import clips_with_layers, target
from sertools.selftest import toy_corpus


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips(speakers=12, per_speaker=16)


@pytest.fixture(scope="module")
def oracle(clips):
    return toy_corpus.answers("oracle", clips)


def test_shuffled_labels_leave_chance(oracle):
    rows = clips_with_layers(oracle)
    for name, chance, tolerance in (("emotion", 1 / 8, 0.05), ("arousal", 0, 0.1), ("speaker", 1 / 12, 0.05)):
        of = target(oracle, name, rows)
        assert score_of_shuffled_labels(oracle.layers, of, draws=6, seed=0) == pytest.approx(
            chance, abs=tolerance
        ), name
    # twelve speakers decide the chance of what is one for each speaker
    assert score_of_shuffled_labels(
        oracle.layers, target(oracle, "sex", rows), draws=6, seed=0
    ) == pytest.approx(0.5, abs=0.3)
    assert np.isnan(score_of_shuffled_labels(oracle.layers, target(oracle, "emotion", rows), draws=0, seed=0))
