"""Simulated corpora with known true values; speakers differ in the level and the slope of predictions."""

import math

import numpy as np

SD_TRUTH, SLOPE, SD_LEVEL, SD_SLOPE, SD_NOISE, SD_SHIFT = 0.15, 0.6, 0.06, 0.15, 0.08, 0.05


def clips_of(rng, speakers, fewest=10, most=60):
    """Uneven numbers of clips for each speaker; returns the speaker of each clip."""
    return np.repeat(np.arange(speakers), rng.integers(fewest, most + 1, speakers))


def ratings(rng, speakers, slope=SLOPE):
    unit = clips_of(rng, speakers)
    truth = rng.normal(0.5, SD_TRUTH, len(unit))
    level, own = rng.normal(0, SD_LEVEL, speakers)[unit], rng.normal(slope, SD_SLOPE, speakers)[unit]
    return truth, 0.5 + level + own * (truth - 0.5) + rng.normal(0, SD_NOISE, len(unit)), unit


def true_ccc(slope):
    """CCC of infinitely many speakers, from the variances that `ratings` draws with."""
    s_t = SD_TRUTH**2
    s_p = SD_LEVEL**2 + (slope**2 + SD_SLOPE**2) * s_t + SD_NOISE**2
    return 2 * slope * s_t / (s_t + s_p)


def changed(rng, speakers):
    """Ratings and what becomes of them where speakers move by .02 on average, each by another amount."""
    truth, prediction, unit = ratings(rng, speakers)
    shift = rng.normal(0.02, SD_SHIFT, speakers)[unit]
    return truth, prediction, prediction + shift + rng.normal(0, SD_SHIFT, len(unit)), unit


def true_change():
    """The change of CCC of infinitely many speakers under `changed`."""
    s_t = SD_TRUTH**2
    s_p = SD_LEVEL**2 + (SLOPE**2 + SD_SLOPE**2) * s_t + SD_NOISE**2 + 2 * SD_SHIFT**2
    return 2 * SLOPE * s_t / (s_t + s_p + 0.02**2) - true_ccc(SLOPE)


def speaker_means(rng, speakers):
    """Mean truth and prediction of speakers, normal with a correlation of .8."""
    truth, other = rng.normal(0, 1, (2, speakers))
    return truth, 0.8 * truth + 0.6 * other


def mean_distance(mean, deviation):
    """The mean of |x| of a normal x: the folded normal distribution's (Leone et al. 1961)."""
    z = mean / deviation
    return deviation * math.sqrt(2 / math.pi) * math.exp(-z * z / 2) + mean * math.erf(z / math.sqrt(2))


CHANGE = true_change()
RHO = 6 / math.pi * math.asin(0.8 / 2)
"""Spearman's ρ of a normal distribution with a correlation of .8 (Pearson 1907)."""
