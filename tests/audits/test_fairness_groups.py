"""Groups other than the sexes, matched truth, and what a corpus is too small to show."""

import dataclasses
import re

import numpy as np
import pytest
from sertools.audits.fairness.gaps import with_power

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.results.result import Finding, Limit, Verdict
from sertools.results.verdicts.gate import judge
from sertools.selftest import toy_corpus
from sertools.statistics.permutation import NullGap
from tests.helpers.audits import run

FAIRNESS = load("fairness")


def result_of(tables, **options):
    return run(FAIRNESS, tables, seed=0, options={"resamples": 200, **options})


def named(result, name, target=None, slice=None):
    return [
        f
        for f in result.findings
        if f.name == name and target in (None, f.target) and slice in (None, f.slice)
    ]


def noisy(clips, noise=0.1, seed=0):
    """The oracle's answers with noise in the dimensions, and a tenth of the emotions drawn anew."""
    tables = toy_corpus.answers("oracle", clips)
    rng = np.random.default_rng(seed)
    scores = tables.predictions["clean"].copy()
    for dimension in tables.dimensions:
        scores[dimension] += rng.normal(0, noise, len(scores))
    emotions = list(tables.model_classes)
    drawn = rng.random(len(scores)) < 0.1
    scores.loc[drawn, emotions] = rng.dirichlet(np.ones(len(emotions)), int(drawn.sum()))
    return tables.with_predictions({"clean": scores})


def harmed(tables, harmed_clips, seed=1):
    """The same answers, but those to some clips are shuffled among each other."""
    rows = np.flatnonzero(harmed_clips)
    scores = tables.predictions["clean"].copy()
    scores.iloc[rows] = scores.iloc[np.random.default_rng(seed).permutation(rows)].to_numpy()
    return tables.with_predictions({"clean": scores})


@pytest.fixture(scope="module")
def clips():
    made = toy_corpus.clips(speakers=30)
    made["age"] = [20 + int(speaker) * 2 for speaker in made["speaker"]]
    return made


@pytest.fixture(scope="module")
def plain(clips):
    """The result on the noisy answers, by sex, which several tests look at."""
    return result_of(noisy(clips))


@pytest.fixture(scope="module")
def planted(clips):
    """The same with the planted defect."""
    return result_of(FAIRNESS.plant(noisy(clips), np.random.default_rng(0)))


def test_a_language_that_is_served_worse_is_found_by_score_recall_and_precision(clips):
    result = result_of(harmed(noisy(clips), clips["language"] == "deu"), group=["language"])
    for name in ("group_minus_all", "recall_gap", "precision_gap", "bin_recall_gap", "bin_precision_gap"):
        found = named(result, name, slice="language=deu")
        assert all(f.value < 0 for f in found), name
        assert all(f.detail for f in found) or Verdict.FAIL in {f.verdict for f in found}, name
    assert any(f.watch for f in named(result, "recall_difference"))
    (difference,) = named(result, "group_difference", target="arousal")
    assert difference.slice == "language=deu - eng"
    assert difference.high < 0


def test_the_difference_of_two_groups_is_the_difference_of_their_scores(clips):
    result = result_of(noisy(clips), group=["age"])
    scores = {f.slice: f.value for f in named(result, "ccc", "valence")}
    assert list(scores) == ["age=<30", "age=30-50", "age=>50"]
    for pair in named(result, "group_difference", "valence"):
        first, second = pair.slice.removeprefix("age=").split(" - ")
        assert pair.value == pytest.approx(scores[f"age={first}"] - scores[f"age={second}"], abs=1e-12)
    assert len(named(result, "group_difference", "valence")) == 3


def test_a_harm_that_only_an_intersection_shows_is_found(clips):
    crossed = (clips["sex"] == "female") & (clips["language"] == "deu")
    crossed |= (clips["sex"] == "male") & (clips["language"] == "eng")
    result = result_of(harmed(noisy(clips), crossed), group=["sex", "language", "sex+language"])
    verdicts = {f.slice: f.verdict for f in named(result, "group_minus_all", "arousal")}
    assert verdicts["sex+language=female+deu"] is verdicts["sex+language=male+eng"] is Verdict.FAIL
    assert Verdict.FAIL not in {verdicts[f"sex={sex}"] for sex in ("female", "male")}
    assert Verdict.FAIL not in {verdicts[f"language={code}"] for code in ("deu", "eng")}


def test_a_mean_shift_is_the_difference_of_mean_errors(clips):
    tables = noisy(clips, noise=0.01)
    scores = tables.predictions["clean"].copy()
    german = (clips["language"] == "deu").to_numpy()
    scores.loc[german, "arousal"] += 0.1
    result = result_of(tables.with_predictions({"clean": scores}), group=["language"])
    error = (scores["arousal"] - clips["arousal"]).to_numpy()
    (shift,) = named(result, "mean_shift", "arousal", "language=deu")
    assert shift.value == pytest.approx(error[german].mean() - error.mean(), abs=1e-12)
    assert (shift.verdict, shift.limit.below) == (Verdict.FAIL, 0.03)


def test_matching_removes_a_gap_that_comes_from_the_truth_alone():
    clips = toy_corpus.clips(speakers=40, per_speaker=60)
    # one prediction error for all, but women's clips are mostly of middling arousal: their CCC is lower
    middling = clips["arousal"].between(0.35, 0.65)
    rng = np.random.default_rng(0)
    kept = np.where(clips["sex"] == "female", middling | (rng.random(len(clips)) < 0.2), True).astype(bool)
    tables = noisy(clips[kept], noise=0.15)
    (free,) = named(result_of(tables), "sex_score", "arousal")
    matched = result_of(tables, match="truth")
    (alike,) = named(matched, "sex_score", "arousal")
    assert free.high < 0
    assert alike.low < 0 < alike.high
    assert abs(alike.value) < abs(free.value) / 2
    assert any("Groups were matched" in note for note in matched.notes)


def test_matched_groups_have_equally_many_clips(clips):
    uneven = clips[(clips["sex"] == "female") | (np.arange(len(clips)) % 3 == 0)]
    result = result_of(noisy(uneven), match="truth")
    for target in ("arousal", "valence"):
        sizes = {f.n for f in named(result, "ccc", target)}
        assert len(sizes) == 1
    recalls = {(f.target, f.n) for f in named(result, "recall_gap")}
    assert len(recalls) == len({target for target, _ in recalls}), "each class has as many of both"


def test_one_sex_alone_says_so(clips):
    result = result_of(noisy(clips[clips["sex"] == "female"]))
    assert {f.verdict for f in result.findings} == {Verdict.SKIPPED}
    assert "all are female" in result.findings[0].reason


def test_one_speaker_has_no_gap_between_the_sexes(clips):
    result = result_of(noisy(clips[clips["speaker"] == "000"]))
    assert all(f.value is None and "fewer than two groups" in f.reason for f in result.findings)


def test_groups_of_too_few_speakers_pass_nothing_and_are_named(clips):
    small = clips[(clips["sex"] == "female") | clips["speaker"].isin(["001", "003", "005"])]
    result = result_of(noisy(small))
    about_men = [f for f in result.findings if f.slice in {"sex=male", "female-male"} and f.headline]
    assert {f.verdict for f in about_men} == {Verdict.INCONCLUSIVE}
    assert any("no interval for male (fewer than 5 speakers)" in note for note in result.notes)


def test_a_corpus_too_small_for_the_limit_says_so_in_a_sentence():
    small = toy_corpus.clips(speakers=10, per_speaker=12)
    result = result_of(noisy(small, noise=0.2))
    table = result.tables[0]
    assert table.name == "chance"
    at = {name: i for i, name in enumerate(table.columns)}
    too_wide = [row for row in table.rows if row[at["smallest verifiable limit"]] > 0.15]
    said = [note for note in result.notes if note.endswith("such as 0.15.") and "too small to verify" in note]
    assert len(said) == len(too_wide) > 0


@pytest.mark.parametrize("limit", [0.01, 0.15, 0.9])
def test_only_an_undecided_score_says_that_the_corpus_is_too_small(limit):
    """A pass next to "this corpus is too small for the limit" would contradict itself."""
    found = Finding(name="sex_score", value=0.05, low=-0.12, high=0.14, n=99, speakers=10)
    limits = Limit(name="sex_score", above=-limit, below=limit)
    power = NullGap(observed=0.05, p_value=0.5, smallest_detectable=1.0, smallest_verifiable=1.0)
    said = with_power(found, power, limit).reason
    assert bool(said) == (judge(found, limits).verdict is Verdict.INCONCLUSIVE) == (limit == 0.01)


def test_p_values_are_adjusted_for_all_gaps_together(clips):
    tables = result_of(noisy(clips), group=["sex", "language"]).tables
    assert [table.name for table in tables] == ["chance", "odds_by_chance", "groups"]
    for table in tables[:2]:
        at = {name: i for i, name in enumerate(table.columns)}
        raw = sorted(row[at["p-value"]] for row in table.rows)
        adjusted = sorted(row[at["p-value (Holm)"]] for row in table.rows)
        assert len(raw) == 8
        assert adjusted[0] == pytest.approx(min(1, raw[0] * 8), abs=1e-12)


def test_equalised_odds_have_the_p_value_of_permuted_groups(plain, planted):
    table = plain.tables[1]
    values = {f.target: f.value for f in named(plain, "equalised_odds")}
    assert {row[1]: row[2] for row in table.rows} == pytest.approx(values, abs=1e-12)
    assert all(0 < row[3] <= 1 and row[5] > 0 for row in table.rows if row[2] > 0)
    assert max(row[4] for row in planted.tables[1].rows) < 0.05, (
        "a third of the scale for men is beyond chance"
    )


def test_a_constant_passes_no_gap(clips):
    result = result_of(toy_corpus.answers("constant", clips), group=["sex", "age", "sex+language"])
    assert {f.verdict for f in result.findings if f.headline} == {Verdict.INCONCLUSIVE}
    assert all("not shown to beat a constant prediction" in f.reason for f in result.findings if f.limit)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.acceptance) for seed in range(1, 4))]
)
def test_a_random_model_passes_no_gap_of_any_group(seed):
    result = result_of(
        toy_corpus.answers("random", toy_corpus.clips(seed=seed)), group=["sex", "language", "sex+language"]
    )
    assert Verdict.PASS not in {f.verdict for f in result.findings}


def test_words_that_move_one_language_only_are_found(clips):
    spoken = clips.assign(sentiment=np.tile(["positive", "negative"], len(clips) // 2))
    tables = noisy(spoken, noise=0.02)
    scores = tables.predictions["clean"].copy()
    scores["valence"] = spoken["valence"] + 0.06 * np.where(
        spoken["language"] == "deu", np.where(spoken["sentiment"] == "positive", 1, -1), 0
    )
    result = result_of(tables.with_predictions({"clean": scores}), group=["language"])
    shift = {f.slice: f for f in named(result, "sentiment_shift", "valence")}
    truth = spoken.groupby(["language", "sentiment"])["valence"].mean()
    means = spoken.groupby("language")["valence"].mean()
    by_truth = (truth["deu", "positive"] - means["deu"] - truth["eng", "positive"] + means["eng"]) / 2
    found = shift["language=deu, sentiment=positive"]
    # tolerance: the languages' halves of positive clips differ by a clip
    assert found.value == pytest.approx(by_truth + 0.03, abs=1e-3)
    assert found.low < found.value < found.high


def test_without_sentiments_there_is_no_shift_to_find(clips):
    silent = clips.drop(columns="sentiment")
    assert not named(result_of(noisy(silent), group=["language"]), "sentiment_shift")


def test_an_unknown_group_names_the_known_ones(clips):
    with pytest.raises(AuditError, match="no column 'accent'.*language"):
        result_of(noisy(clips), group=["accent"])


def test_small_bins_are_left_out(clips, plain):
    counts = np.bincount(np.searchsorted([0.25, 0.5, 0.75], clips["valence"], side="right"), minlength=4)
    bins = ["<0.25", "0.25-0.5", "0.5-0.75", "≥0.75"]
    shown = {f.target for f in named(plain, "bin_recall_gap") if f.target.startswith("valence")}
    assert shown == {f"valence {name}" for name, n in zip(bins, counts, strict=True) if n >= 67}


def test_pitch_groups_come_from_the_f0_of_the_clips(clips):
    f0 = clips["speaker"].astype(int) * 10 + 60.0
    tables = noisy(clips.assign(f0_hz=f0))
    result = result_of(dataclasses.replace(tables), group=["pitch_group"])
    slices = {f.slice for f in named(result, "ccc")}
    assert slices == {"pitch_group=low", "pitch_group=medium", "pitch_group=high"}
    assert {f.limit.below for f in named(result, "group_minus_all", "arousal")} == {0.1}
    assert {f.limit.below for f in named(result, "group_minus_all", "emotion")} == {0.075}


def test_pitch_is_asked_of_the_sound_only_where_it_is_grouped_by():
    assert FAIRNESS.needs(**FAIRNESS.settings({"group": ("sex",)})).measured_columns == ()
    assert FAIRNESS.needs(**FAIRNESS.settings({"group": ("sex+pitch_group",)})).measured_columns == ("f0_hz",)


def test_the_answer_names_a_gap_that_has_an_interval(clips):
    few = clips.assign(accent=np.where(clips["speaker"] == "000", "rare", "common"))
    result = result_of(harmed(noisy(few), few["accent"] == "rare"), group=["sex", "accent"])
    (widest,) = named(result, "max_minus_min", "arousal", "accent=*")
    (score,) = named(result, "sex_score", "arousal")
    assert widest.value > abs(score.value)
    assert widest.low is None
    assert "accent" not in result.answer


def test_a_group_of_one_speaker_does_not_hide_the_gap_of_the_others(clips):
    """A single speaker makes differences by chance wide; the planted one between women and men is .5."""
    accent = np.where(clips["speaker"] == "000", "rare", clips["sex"])
    planted = FAIRNESS.plant(noisy(clips), np.random.default_rng(0))
    tables = dataclasses.replace(planted, clips=clips.assign(accent=accent))
    result = result_of(tables, group=["accent"])
    (extent,) = named(result, "max_minus_min", "arousal")
    scores = {f.slice: f.value for f in named(result, "ccc", "arousal")}
    assert extent.value == pytest.approx(scores["accent=female"] - scores["accent=male"], abs=1e-12)
    assert extent.low > 0.3
    without = clips["speaker"] != "000"
    assert (extent.n, extent.speakers) == (without.sum(), 29)
    for table in result.tables[:2]:
        p_values = {row[1]: row[3] for row in table.rows}
        # at its floor, the p-value of equalised odds is that of five times as many draws
        draws = 1000 if table.name == "odds_by_chance" else 200
        assert p_values["emotion"] == pytest.approx(1 / (draws + 1), abs=1e-12), table.name
        assert {(row[7], row[8]) for row in table.rows} == {(without.sum(), 29)}
    assert any("no interval for rare (fewer than 5 speakers); left out of" in n for n in result.notes)
    assert any(f.slice == "accent=rare" and f.value is not None for f in result.findings)
    kept = {one.slice: len(one.values) for one in result.left_out if one.target == "arousal"}
    assert kept == {"accent=female": 14, "accent=male": 15, "accent=*": 29}


def test_the_answer_names_a_sex_only_where_the_interval_does(plain, planted):
    largest = max(named(plain, "sex_score"), key=lambda f: abs(f.value))
    assert largest.low < 0 < largest.high
    assert "; neither sex is shown to have a better score." in plain.answer
    assert "women" not in plain.answer
    assert re.search(r"the model works better for women, female − male = 0\.\d\d \[0\.", planted.answer)


def test_an_answer_without_a_gap_says_why(clips):
    answer = result_of(noisy(clips[clips["sex"] == "female"])).answer
    assert answer == (
        "No gap between groups could be measured: the clips with arousal have fewer than two groups of sex: "
        "all are female."
    )


def test_a_gap_without_an_interval_is_not_called_one_in_the_answer(clips):
    few = clips[clips["speaker"].isin(["000", "001", "002", "003"])]
    answer = result_of(noisy(few)).answer
    assert "without an interval: fewer than 5 speakers in a group" in answer
    assert "better" not in answer


def test_too_few_draws_are_refused_in_a_sentence(clips):
    with pytest.raises(AuditError, match=r"0 permutations|0 draws"):
        result_of(noisy(clips), resamples=0)


def test_the_answer_says_how_many_gaps_are_beyond_chance(plain, planted):
    assert "Significant gaps: 4 of 4 (p < .05, Holm)." in planted.answer
    assert re.search(r"Significant gaps: 0 of 4", plain.answer)


def test_one_useless_target_does_not_make_the_answer_say_that_nothing_was_judged(clips):
    tables = noisy(clips)
    scores = tables.predictions["clean"].assign(valence=0.5)
    mixed = tables.with_predictions({"clean": scores})
    for group in ("sex", "language"):
        assert result_of(mixed, group=[group]).answer.startswith("The largest gap")
    assert result_of(toy_corpus.answers("constant", clips), group=["language"]).answer.startswith(
        "The model is not shown to be better than a constant"
    )


def test_without_speakers_no_gap_is_said_to_be_beyond_chance(clips, plain):
    result = result_of(FAIRNESS.plant(noisy(clips.drop(columns="speaker")), np.random.default_rng(0)))
    assert "works better for women" in result.answer
    assert "ignificant" not in result.answer
    assert all(
        "permuted over clips, as the corpus has no speaker labels" in t.note for t in result.tables[:2]
    )
    assert {f.verdict for f in result.findings if f.headline} == {Verdict.INCONCLUSIVE}
    assert all("permuted over speakers" in table.note for table in plain.tables[:2])


def test_the_answer_names_a_gap_that_only_one_class_has():
    """Anger of men is recognised less often, another class more often: UAR is equal, anger is not."""
    clips = toy_corpus.clips(speakers=30).drop(columns=["arousal", "dominance", "valence"])
    tables = toy_corpus.answers("oracle", clips)
    rng = np.random.default_rng(3)
    scores = tables.predictions["clean"].copy()
    first, second = tables.model_classes[:2]
    for own, other, sex in ((first, second, "male"), (second, first, "female")):
        rows = (clips["emotion"] == own) & (clips["sex"] == sex) & (rng.random(len(clips)) < 0.4)
        scores.loc[rows, [own, other]] = scores.loc[rows, [other, own]].to_numpy()
    result = result_of(tables.with_predictions({"clean": scores}))
    (score,) = named(result, "sex_score")
    assert score.low < 0 < score.high
    for name, sign in ((first, 1), (second, -1)):
        (gap,) = named(result, "recall_difference", target=name)
        assert gap.watch
        assert sign * gap.value > 0.2
    assert re.search(
        r"Of \d+ details, \d+ are significant \(Holm\): \w+, .* difference \(female − male\) ", result.answer
    )
    (odds,) = named(result, "equalised_odds")
    assert odds.watch
    assert not [f for f in result.findings if f.detail and f.verdict is not Verdict.NONE]


def test_a_difference_of_recall_is_that_of_the_two_shares(clips, plain):
    tables = noisy(clips)
    hit = tables.predictions["clean"][list(tables.model_classes)].idxmax(axis=1) == clips["emotion"]
    assert named(plain, "recall_difference")
    for finding in named(plain, "recall_difference"):
        of_class = clips["emotion"] == finding.target
        women, men = (hit[of_class & (clips["sex"] == sex)].mean() for sex in ("female", "male"))
        assert finding.value == pytest.approx(women - men, abs=1e-12)
        assert 0 < finding.p_value <= 1
