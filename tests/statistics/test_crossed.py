import numpy as np
import pytest
from scipy import stats

from sertools.errors import AuditError
from sertools.statistics.crossed import Crossed, components, contrast, systematic

VOICES, WORDS = 6, 14


def layout(groups: int = 2, words: int = WORDS, voices: int = VOICES):
    """Item, voice and group of every clip of a balanced layout."""
    item = np.repeat(np.arange(groups * words), voices)
    return item, np.tile(np.arange(voices), groups * words), item // words


def speech(rng, *, word, voice, shift, rest, size=(2, WORDS, VOICES)):
    """Values with random effects of these standard deviations; `shift` is that of voice × group.

    `size` is the number of groups, of words in each group, and of voices.
    """
    groups, words, voices = size
    item, who, group = layout(groups, words, voices)
    return (
        rng.normal(0, word, groups * words)[item]
        + rng.normal(0, voice, voices)[who]
        + rng.normal(0, shift, (voices, groups))[who, group]
        + rng.normal(0, rest, len(item))
    )


def test_a_difference_worked_by_hand():
    # five words and five voices a group; words move by 0, 1, 2, 3, 4 in both, the second group is 10 higher,
    # and voice v adds v to the second group alone
    item, voice, group = layout(2, 5, 5)
    values = item % 5 + group * (10.0 + voice)
    found = contrast(Crossed.of(values, item, voice), group, [-1, 1])
    assert found.value == pytest.approx(12.0, abs=1e-12)  # 10 and the mean voice
    # words: s² = 2.5 in each group, over 5 words; voices: s² of 0..4 = 2.5, over 5 voices; no residual
    words, voices = 2 * 2.5 / 5, 2.5 / 5
    freedom = (words + voices) ** 2 / (2 * 0.5**2 / 4 + voices**2 / 4)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(words + voices)
    assert (found.low, found.high) == pytest.approx((12 - half, 12 + half), abs=1e-9)
    assert (found.n, found.units) == (50, 5)


def test_in_a_balanced_layout_the_variance_is_that_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    item, voice, group = layout(1)
    values = speech(rng, word=0.2, voice=0.3, shift=0.0, rest=0.1, size=(1, WORDS, VOICES))
    table = values.reshape(WORDS, VOICES)
    off = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    rest = (off**2).sum() / ((WORDS - 1) * (VOICES - 1)) / (WORDS * VOICES)
    parts = table.mean(1).var(ddof=1) / WORDS, table.mean(0).var(ddof=1) / VOICES
    variance = sum(parts) - rest
    freedom = variance**2 / (
        parts[0] ** 2 / (WORDS - 1) + parts[1] ** 2 / (VOICES - 1) + rest**2 / ((WORDS - 1) * (VOICES - 1))
    )
    half = stats.t.ppf(0.975, max(freedom, VOICES - 1)) * np.sqrt(variance)
    found = contrast(Crossed.of(values, item, voice), group, [1])
    assert found.value == pytest.approx(table.mean(), abs=1e-12)
    assert found.high - found.low == pytest.approx(2 * half, abs=1e-12)


@pytest.mark.parametrize(
    "effects",
    [
        {"word": 0.1, "voice": 0.1, "shift": 0.05, "rest": 0.1},
        {"word": 0.1, "voice": 0.3, "shift": 0.0, "rest": 0.01},
        {"word": 0.0, "voice": 0.1, "shift": 0.1, "rest": 0.1},
        {"word": 0.1, "voice": 0.1, "shift": 0.02, "rest": 0.2},
    ],
    ids=["all", "words alone", "voices alone", "noise beside words"],
)
@pytest.mark.parametrize(
    ("missing", "runs", "lowest"),
    [
        (0.1, 250, 0.915),
        pytest.param(0.0, 500, 0.93, marks=pytest.mark.acceptance),
        pytest.param(0.1, 500, 0.93, marks=pytest.mark.acceptance),
    ],
)
def test_intervals_cover_the_truth_as_often_as_they_say(effects, missing, runs, lowest):
    rng = np.random.default_rng(11)
    item, voice, group = layout()
    covered = 0
    for _ in range(runs):
        values = speech(rng, **effects)
        values[rng.random(len(values)) < missing] = np.nan
        found = contrast(Crossed.of(values, item, voice), group[np.isfinite(values)], [-1, 1])
        covered += found.low <= 0 <= found.high
    # 95 % less or plus two standard errors of 500 runs, or of 250
    assert lowest <= covered / runs <= 0.98


def test_pooling_clips_would_cover_far_too_seldom():
    rng = np.random.default_rng(11)
    group = layout()[2]
    covered = 0
    for _ in range(300):
        values = speech(rng, word=0.1, voice=0.1, shift=0.05, rest=0.1)
        a, b = values[group == 1], values[group == 0]
        half = 1.98 * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        covered += abs(a.mean() - b.mean()) <= half
    assert covered / 300 < 0.85


def test_voices_that_differ_alike_everywhere_do_not_blur_a_difference():
    item, voice, group = layout()
    found = contrast(Crossed.of(100.0 * voice + group, item, voice), group, [-1, 1])
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0), abs=1e-9)


def test_of_fixed_words_only_voices_are_drawn():
    item, voice, group = layout()
    values = 1.0 * item + group * voice
    found = contrast(Crossed.of(values, item, voice), group, [-1, 1], fixed_items=True)
    half = stats.t.ppf(0.975, VOICES - 1) * np.sqrt(np.arange(VOICES).var(ddof=1) / VOICES)
    assert found.high - found.value == pytest.approx(half, abs=1e-9)


def test_voices_are_nested_in_strata():
    # the same voice in two languages is two voices, and a difference of languages adds their variances
    item, voice, group = layout(2, 5, 5)
    values = voice * np.where(group == 1, 1.0, 2.0)
    found = contrast(Crossed.of(values, item, voice, group), group, [-1, 1])
    variances = np.array([4 * 2.5 / 5, 2.5 / 5])
    half = stats.t.ppf(0.975, variances.sum() ** 2 / (variances**2 / 4).sum()) * np.sqrt(variances.sum())
    assert (found.value, found.units) == (-2.0, 10)
    assert found.high - found.value == pytest.approx(half, abs=1e-9)


def test_what_cannot_be_said_has_a_reason():
    item, voice, group = layout()
    data = Crossed.of(np.ones(len(item)), item, voice)
    assert contrast(data, group, [1, -1, 1]).reason == "a group has no clips"
    assert np.isnan(contrast(data, np.full(len(item), -1), [1.0]).value)
    few = voice < 4
    assert contrast(data.take(few), group[few], [1, -1]).reason == "fewer than 5 speakers"
    few = item % WORDS < 4
    assert contrast(data.take(few), group[few], [1, -1]).reason == "fewer than 5 sentences or words"
    alone = (group == 0) | (voice == 0)
    found = contrast(data.take(alone), group[alone], [1, -1])
    assert "left out" in found.reason
    assert np.isnan(found.low)
    with pytest.raises(AuditError, match="in two groups"):
        contrast(data, np.arange(len(item)) % 2, [1, -1])


def test_sentences_that_each_voice_says_for_itself_are_not_crossed_and_get_wide_intervals():
    rng = np.random.default_rng(3)
    voice = np.repeat(np.arange(8), 5)
    own = rng.normal(size=40)
    found = contrast(Crossed.of(own, np.arange(40), voice), np.zeros(40, int), [1])
    by_voice = own.reshape(8, 5).mean(1)
    assert (found.high - found.value) ** 2 > 4 * by_voice.var(ddof=1) / 8


def test_chance_is_told_from_voices_and_from_words():
    rng = np.random.default_rng(5)
    item, voice, _ = layout()
    noise = [systematic(Crossed.of(rng.normal(size=len(item)), item, voice)) for _ in range(400)]
    assert np.mean(np.array(noise) < 0.05) == pytest.approx(0.05, abs=0.025)  # two standard errors
    for effects in ({"word": 1.0, "voice": 0.0}, {"word": 0.0, "voice": 1.0}):
        values = speech(rng, shift=0.0, rest=0.5, **effects)
        assert systematic(Crossed.of(values, item, voice)) < 1e-6
    assert systematic(Crossed.of(1.0 * voice, item, voice)) == 0.0
    assert systematic(Crossed.of(np.full(len(item), 0.3), item, voice)) == 1.0
    assert systematic(Crossed.of([], [], [])) == 1.0


def test_the_f_test_is_the_textbooks():
    rng = np.random.default_rng(6)
    item, voice, _ = layout(1)
    values = speech(rng, word=0.0, voice=0.3, shift=0.0, rest=1.0, size=(1, WORDS, VOICES))
    table = values.reshape(WORDS, VOICES)
    off = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    freedom = (WORDS - 1) * (VOICES - 1)
    rest = (off**2).sum() / freedom
    p = [
        stats.f.sf(VOICES * table.mean(1).var(ddof=1) / rest, WORDS - 1, freedom),
        stats.f.sf(WORDS * table.mean(0).var(ddof=1) / rest, VOICES - 1, freedom),
    ]
    assert systematic(Crossed.of(values, item, voice)) == pytest.approx(min(1, 2 * min(p)), abs=1e-9)


def test_components_of_a_balanced_layout_are_those_of_the_analysis_of_variance():
    rng = np.random.default_rng(7)
    item, voice, _ = layout(1)
    table = speech(rng, word=1.0, voice=2.0, shift=0.0, rest=0.5, size=(1, WORDS, VOICES)).reshape(
        WORDS, VOICES
    )
    off = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    rest = (off**2).sum() / ((WORDS - 1) * (VOICES - 1))
    found = components(table.ravel(), {"words": item, "voices": voice})
    assert found["residual"] == pytest.approx(rest, abs=1e-9)
    assert found["words"] == pytest.approx(table.mean(1).var(ddof=1) - rest / VOICES, abs=1e-9)
    assert found["voices"] == pytest.approx(table.mean(0).var(ddof=1) - rest / WORDS, abs=1e-9)


def test_components_find_planted_variances_in_a_holed_layout():
    rng = np.random.default_rng(8)
    item, voice, _ = layout(1, 60, 40)
    found = []
    for _ in range(40):
        values = speech(rng, word=1.0, voice=2.0, shift=0.0, rest=0.5, size=(1, 60, 40))
        kept = rng.random(len(values)) < 0.7
        found.append(components(values[kept], {"words": item[kept], "voices": voice[kept]}))
    mean = {name: np.mean([f[name] for f in found]) for name in found[0]}
    # within three standard errors: 4 √(2/39) / √40 for voices, and so on
    assert mean == pytest.approx({"words": 1.0, "voices": 4.0, "residual": 0.25}, abs=0.43, rel=0.0)
    assert mean["residual"] == pytest.approx(0.25, abs=0.01)


def test_components_that_cannot_be_told_apart_are_undefined():
    one = components([1.0, 2.0, 4.0], {"words": [0, 1, 2], "voices": [0, 0, 0]})
    assert np.isnan(list(one.values())).all()  # one clip a word: words and residual are one
    mixed = components([1.0, 2.0, 4.0, 8.0], {"words": [0, 0, 1, 1], "voices": [0, 0, 1, 1]})
    assert np.isnan([mixed["words"], mixed["voices"]]).all()
    alone = components([1.0, 2.0, 4.0, 5.0], {"words": [0, 0, 1, 1], "voices": [0, 0, 0, 0]})
    assert np.isnan(alone["voices"])
    assert alone["residual"] == pytest.approx(0.5, abs=1e-12)
    assert alone["words"] == pytest.approx(4.5 - 0.25, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "words", "voices"),
    [([], [], []), ([1.0], [0], [0]), ([1.0, 2.0, 4.0], ["a"] * 3, ["v"] * 3)],
    ids=["no clips", "one clip", "a single level each"],
)
def test_there_are_no_components_of_factors_that_do_not_vary(values, words, voices):
    found = components(values, {"words": words, "voices": voices})
    assert list(found) == ["words", "voices", "residual"]
    assert np.isnan(list(found.values())).all()


@pytest.mark.parametrize(
    ("runs", "lowest"), [(150, 0.91), pytest.param(400, 0.93, marks=pytest.mark.acceptance)]
)
def test_a_language_against_the_mean_of_five_is_covered_too(runs, lowest):
    rng = np.random.default_rng(4)
    languages, voices, words = 5, 5, 14
    layouts = np.indices((languages, 3, words, voices)).reshape(4, -1)
    language, sentiment, word, voice = layouts
    item = (language * 3 + sentiment) * words + word
    shift = np.eye(3)[2] - 1 / 3
    weights = np.outer(np.arange(languages) == 1, shift) - shift / languages
    covered = 0
    for _ in range(runs):
        values = (
            rng.normal(0, 0.1, item.max() + 1)[item]
            + rng.normal(0, 0.1, (languages, voices))[language, voice]
            + rng.normal(0, 0.05, (languages, voices, 3))[language, voice, sentiment]
            + rng.normal(0, 0.1, len(item))
        )
        found = contrast(Crossed.of(values, item, voice, language), language * 3 + sentiment, weights.ravel())
        covered += found.low <= 0 <= found.high
    assert lowest <= covered / runs <= 0.98
