import numpy as np
import pytest
from scipy.signal import correlate

from sertools.errors import AudioError, AuditError
from sertools.perturbations.families import amr
from sertools.perturbations.registry import get
from tests.helpers.sounds import band_of_speech

pytest.importorskip("av", reason="AMR-NB needs PyAV (pip install av)")

RATE = 16000
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("level", get("amr_nb").levels)
def test_call_stays_aligned_with_the_clip(level):
    signal = band_of_speech()
    correlation = correlate(get("amr_nb").apply(signal, RATE, level, RNG), signal, method="fft")
    # one sample at 8 kHz is two at 16 kHz
    assert abs(int(correlation.argmax()) - (len(signal) - 1)) <= 2


@pytest.mark.parametrize("level", get("amr_nb").levels)
def test_packets_have_the_bit_rate_of_their_mode(level):
    packets = amr.encoded(amr.NARROW, band_of_speech()[:16000], amr.NARROW.bit_rates[level])
    assert len(packets) >= 100
    # 20 ms of the mode's bits after one byte of header, in whole bytes (RFC 4867, section 5.3)
    wanted = 1 + -(-round(level * 20) // 8)
    assert {packet.size for packet in packets} == {wanted}


def test_fewer_bits_leave_more_error():
    signal = band_of_speech()
    best, worst = (
        np.mean((get("amr_nb").apply(signal, RATE, level, RNG) - signal) ** 2) for level in (12.2, 4.75)
    )
    assert best < worst


def test_bit_rate_of_no_mode_is_refused():
    with pytest.raises(AudioError, match=r"AMR-NB has no 9 kbit/s \(available: 12.2"):
        get("amr_nb").apply(band_of_speech(), RATE, 9.0, RNG)


def test_amr_wb_runs_or_says_which_encoder_this_build_lacks():
    wide = get("amr_wb")
    if wide.unavailable:
        assert wide.unavailable == (
            "amr_wb cannot run: this build of PyAV has no AMR-WB encoder (libvo_amrwbenc)"
        )
        with pytest.raises(AuditError, match="no AMR-WB encoder"):
            wide.apply(band_of_speech(), RATE, 12.65, RNG)
    else:
        assert len(wide.apply(band_of_speech(), RATE, 12.65, RNG)) == len(band_of_speech())
