"""Means by word: worked by hand, by a naive second implementation, and by simulation."""

import numpy as np
import pytest

from sertools.metrics.regression import pcc
from sertools.metrics.words import Vocabulary, word_agreement, word_effect, word_means, words_of
from sertools.statistics.crossed import components
from sertools.statistics.jackknife import estimate
from sertools.statistics.statistic import overall


def corpus(rng, *, speakers=12, clips=60, words=15, effect=0.0, between=0.0, within=0.1):
    """Texts of one to three of some words, speakers, values with effects of words and speakers."""
    n = speakers * clips
    unit = np.repeat(np.arange(speakers), clips)
    has = np.zeros((n, words), dtype=bool)
    has[np.arange(n), rng.integers(0, words, n)] = True
    has |= rng.random((n, words)) < 0.05
    effects = rng.normal(0, effect, words)
    values = has @ effects + rng.normal(0, between, speakers)[unit] + rng.normal(0, within, n)
    texts = [" ".join(f"w{i:02d}" for i in np.flatnonzero(row)) for row in has]
    return texts, unit, values, effects


def naive(texts, unit, values, words):
    """v of each word and τ², by loops over the definition."""
    n, speakers = len(values), int(unit.max()) + 1
    of = [np.flatnonzero(unit == s) for s in range(speakers)]
    within = sum(((values[i] - values[i].mean()) ** 2).sum() for i in of) / (n - speakers)
    grand = sum(len(i) * (values[i].mean() - values.mean()) ** 2 for i in of) / (speakers - 1)
    size = (n - sum(len(i) ** 2 for i in of) / n) / (speakers - 1)
    between = max((grand - within) / size, 0.0)
    chance, apart = [], []
    for word in words:
        inside = np.array([word in text.split() for text in texts])
        shares = [(inside[i].sum() / inside.sum() - len(i) / n) ** 2 for i in of]
        chance.append(between * sum(shares) + within * (1 / inside.sum() - 1 / n))
        apart.append((values[inside].mean() - values.mean()) ** 2 - chance[-1])
    return np.array(chance), float(np.mean(apart))


def test_words_are_counted_once_a_clip_in_lower_case():
    assert words_of("No, NO — no!") == ["no"]
    assert words_of("Straße strasse") == ["strasse"]
    assert words_of("  ?! ") == []


def test_the_vocabulary_is_the_words_of_enough_clips_and_of_two_speakers():
    texts = ["a b", "a a", "a c", "c", "c b"]
    found = Vocabulary.of(texts, np.array([0, 0, 1, 2, 2]), min_clips=3)
    assert found.words == ("a", "c")
    assert found.clips.tolist() == [3, 3]
    assert found.speakers.tolist() == [2, 2]
    alone = Vocabulary.of(["a", "a", "a", "b"], np.array([0, 0, 0, 1]), min_clips=2)
    assert alone.words == ()


def test_a_word_shrinks_by_hand():
    # two speakers, no difference between them: b = 0, w = variance within
    texts = ["x", "x", "y", "y"] * 2
    unit = np.repeat([0, 1], 4)
    values = np.array([0.2, 0.4, 0.6, 0.8] * 2)
    found = word_means(values, Vocabulary.of(texts, unit, min_clips=2), unit, 2)
    within = 2 * (0.09 + 0.01 + 0.01 + 0.09) / 6
    chance = within * (1 / 4 - 1 / 8)
    effect = 0.2**2 - chance
    assert found.mean == pytest.approx([0.3, 0.7], abs=1e-12)
    assert found.effect == pytest.approx(effect, abs=1e-12)
    moved = 0.2 * effect / (effect + chance)
    assert found.shrunk == pytest.approx([0.5 - moved, 0.5 + moved], abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_effects_and_shrinkage_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    texts, unit, values, _ = corpus(rng, effect=0.05, between=0.1)
    values += 0.5
    keep = rng.random(len(values)) < 0.6  # speakers of different size
    texts, unit, values = [t for t, k in zip(texts, keep, strict=True) if k], unit[keep], values[keep]
    vocabulary = Vocabulary.of(texts, unit, min_clips=10)
    chance, effect = naive(texts, unit, values, vocabulary.words)
    found = word_means(values, vocabulary, unit, 12)
    assert found.effect == pytest.approx(effect, abs=1e-12)
    share = max(effect, 0) / (max(effect, 0) + chance)
    expected = values.mean() + share * (found.mean - values.mean())
    assert found.shrunk == pytest.approx(expected, abs=1e-12)


def test_the_variances_are_those_of_the_analysis_of_variance():
    rng = np.random.default_rng(5)
    texts, unit, values, _ = corpus(rng, between=0.1)
    known = components(values, {"speaker": unit})
    chance, _ = naive(texts, unit, values, ["w00"])
    inside = np.array(["w00" in text.split() for text in texts])
    n = len(values)
    shares = sum((inside[unit == s].sum() / inside.sum() - 60 / n) ** 2 for s in range(12))
    expected = known["speaker"] * shares + known["residual"] * (1 / inside.sum() - 1 / n)
    assert chance[0] == pytest.approx(expected, rel=1e-9)


def test_without_effects_the_estimate_is_zero_on_average():
    found = []
    for seed in range(150):
        texts, unit, values, _ = corpus(np.random.default_rng(seed), between=0.1)
        found.append(overall_effect(texts, unit, values))
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert error < 1e-5


def overall_effect(texts, unit, values):
    return word_means(values, Vocabulary.of(texts, unit, min_clips=10), unit, 12).effect


def test_planted_effects_are_found():
    found = []
    for seed in range(60):
        texts, unit, values, effects = corpus(np.random.default_rng(seed), words=40, effect=0.1, between=0.1)
        found.append(overall_effect(texts, unit, values) - np.var(effects))
    # about 18 clips have a word: a twentieth is lost to the residual, another to the other words of a clip
    assert np.mean(found) == pytest.approx(0, abs=0.15 * 0.1**2)


def test_shrunk_means_are_nearer_to_the_effects_than_plain_ones():
    plain, shrunk = [], []
    for seed in range(20):
        texts, unit, values, effects = corpus(
            np.random.default_rng(seed), clips=12, words=40, effect=0.03, within=0.2
        )
        vocabulary = Vocabulary.of(texts, unit, min_clips=2)
        found = word_means(values, vocabulary, unit, 12)
        true = effects[[int(word[1:]) for word in vocabulary.words]]
        for errors, m in ((plain, found.mean), (shrunk, found.shrunk)):
            errors.append(np.mean((m - values.mean() - true + true.mean()) ** 2))
    assert np.mean(shrunk) < 0.7 * np.mean(plain)


def test_equal_values_have_no_effect_and_stay():
    texts, unit, _, _ = corpus(np.random.default_rng(0))
    found = word_means(np.full(len(texts), 0.3), Vocabulary.of(texts, unit, min_clips=10), unit, 12)
    assert found.effect == pytest.approx(0, abs=1e-15)
    assert found.shrunk == pytest.approx(np.full(15, 0.3), abs=1e-12)


def test_a_word_in_every_clip_has_no_effect():
    texts = ["the x", "the y"] * 20
    unit = np.repeat(np.arange(4), 10)
    values = np.tile([0.2, 0.8], 20)
    vocabulary = Vocabulary.of(texts, unit, min_clips=2)
    found = word_means(values, vocabulary, unit, 4)
    assert found.shrunk[vocabulary.words.index("the")] == pytest.approx(0.5, abs=1e-12)
    without = word_means(values, Vocabulary.of([t[4:] for t in texts], unit, min_clips=2), unit, 4)
    assert found.effect == pytest.approx(without.effect, abs=1e-12)


def test_without_words_effect_and_agreement_are_undefined():
    vocabulary = Vocabulary.of(["a", "b"], np.array([0, 1]), min_clips=2)
    for statistic in (word_effect(vocabulary), word_agreement(vocabulary)):
        assert np.isnan(overall(statistic, [0.1, 0.2], [0.3, 0.4]))


def test_without_speakers_clips_are_independent():
    rng = np.random.default_rng(1)
    texts, _, values, _ = corpus(rng, effect=0.1)
    unit = np.arange(len(values))
    vocabulary = Vocabulary.of(texts, unit, min_clips=10)
    n, within = len(values), values.var(ddof=1)
    inside = [np.array([word in text.split() for text in texts]) for word in vocabulary.words]
    apart = [(values[i].mean() - values.mean()) ** 2 - within * (1 / i.sum() - 1 / n) for i in inside]
    assert word_means(values, vocabulary, unit, n).effect == pytest.approx(np.mean(apart), abs=1e-12)


def test_agreement_is_the_correlation_of_means():
    rng = np.random.default_rng(2)
    texts, unit, truth, _ = corpus(rng, effect=0.1)
    prediction = 0.5 * truth + rng.normal(0, 0.1, len(truth))
    vocabulary = Vocabulary.of(texts, unit, min_clips=10)
    by_word = [word_means(x, vocabulary, unit, 12).mean for x in (truth, prediction)]
    found = estimate(word_agreement(vocabulary), truth, prediction, unit, 12)
    assert found.value == pytest.approx(pcc(*by_word), abs=1e-12)
    assert found.low < found.value < found.high
    assert np.isnan(overall(word_agreement(vocabulary), truth, np.full(len(truth), 0.5)))


def test_leaving_a_speaker_out_is_a_subtraction():
    texts, unit, values, _ = corpus(np.random.default_rng(3), effect=0.1, between=0.1)
    vocabulary = Vocabulary.of(texts, unit, min_clips=10)
    statistic = word_effect(vocabulary)
    sums = statistic.sums(values, values, unit, 12)
    rest = unit != 4
    part = [text for text, kept in zip(texts, rest, strict=True) if kept]
    _, expected = naive(part, np.unique(unit[rest], return_inverse=True)[1], values[rest], vocabulary.words)
    assert statistic.value(sums.sum(axis=0) - sums[4]) == pytest.approx(expected, abs=1e-12)
