"""A study on tones from its file to its page, and its arithmetic against a second implementation."""

import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from sertools.errors import CorpusError, ModelError
from sertools.results.result import Result
from sertools.studies import figures, tables
from sertools.studies.plan import plan
from sertools.studies.scores import Score
from sertools.studies.study import Study, cells, names, read_study
from sertools.studies.summary import difference, mean, ratio
from sertools.studies.workers import StudyJob, run_study_on
from sertools.studies.write import study_to
from sertools.sweep.leases import held
from tests.helpers.tones import recipe_table, write_tones

STUDY = """
title = "Frozen or not"
question = "Does the encoder have to train?"
test = ["{split}:test"]
measures = ["uar", "accuracy"]
[grid]
seed = [0, 1]
share = [1.0]
[variants.fine-tuned]
method = "fine-tune"
[variants.frozen]
method = "frozen"
freeze = "encoder"
[[published]]
variant = "frozen"
at = {{ share = 1.0 }}
test = "{split}:test"
measure = "uar"
value = 0.9
source = "nobody"
[[ratios]]
name = "half"
top = ["frozen", "fine-tuned"]
bottom = ["frozen", "fine-tuned"]
"""


def random_scores(rng, seeds=3, speakers=6):
    return {
        seed: Score(value=rng.random(), without={f"s{i}": rng.random() for i in range(speakers)}, n=50)
        for seed in range(seeds)
    }


def test_means_have_the_intervals_of_a_second_implementation():
    scores = random_scores(np.random.default_rng(0))
    values = [each.value for each in scores.values()]
    found = mean(scores)
    assert found.value == pytest.approx(np.mean(values), abs=1e-12)
    assert found.sd == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    wanted = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert found.by_seeds == pytest.approx(wanted, abs=1e-9)
    without = [np.mean([scores[seed].without[f"s{i}"] for seed in range(3)]) for i in range(6)]
    error = np.sqrt(5 / 6 * sum((value - np.mean(without)) ** 2 for value in without))
    half = stats.t.ppf(0.975, 5) * error
    assert found.by_speakers == pytest.approx((found.value - half, found.value + half), abs=1e-9)
    assert (found.seeds, found.n, found.speakers) == (3, 50, 6)


def test_the_two_intervals_tell_seeds_and_speakers_apart():
    level = {f"s{i}": 0.5 for i in range(6)}
    noisy = {f"s{i}": 0.5 + 0.1 * (-1) ** i for i in range(6)}
    seeds_differ = {seed: Score(value=v, without=level, n=9) for seed, v in enumerate((0.4, 0.5, 0.6))}
    speakers_differ = {seed: Score(value=0.5, without=noisy, n=9) for seed in range(3)}
    assert np.ptp(mean(seeds_differ).by_speakers) == pytest.approx(0, abs=1e-12)
    assert np.ptp(mean(seeds_differ).by_seeds) > 0.2
    assert np.ptp(mean(speakers_differ).by_seeds) == pytest.approx(0, abs=1e-12)
    assert np.ptp(mean(speakers_differ).by_speakers) > 0.2


def test_one_seed_or_four_speakers_have_no_interval():
    rng = np.random.default_rng(0)
    assert np.isnan(mean(random_scores(rng, seeds=1)).by_seeds).all()
    assert np.isnan(mean(random_scores(rng, speakers=4)).by_speakers).all()


def test_differences_are_paired_and_a_model_does_not_differ_from_itself():
    rng = np.random.default_rng(0)
    a, b = random_scores(rng), random_scores(rng)
    found = difference(a, b)
    assert found.value == pytest.approx(mean(a).value - mean(b).value, abs=1e-12)
    itself = difference(a, a)
    assert itself.value == 0
    assert itself.by_speakers == itself.by_seeds == (0, 0)
    assert difference({0: a[0]}, {1: b[1]}) is None


def test_a_ratio_of_equal_gains_is_one():
    rng = np.random.default_rng(0)
    a, b = random_scores(rng), random_scores(rng)
    found = ratio((a, b), (a, b))
    assert found.value == pytest.approx(1, abs=1e-12)
    assert found.by_speakers == pytest.approx((1, 1), abs=1e-9)
    assert ratio((a, b), (a, a)).value != ratio((a, b), (a, a)).value  # undefined, not 0


def test_a_measure_is_drawn_against_a_grid_key_in_order():
    rng = np.random.default_rng(0)
    keys = {(variant, (("share", share),)): random_scores(rng) for share in (1.0, 0.5) for variant in "ab"}
    figure = figures.against(keys, "test", "uar", "share")
    assert [series.name for series in figure.series] == ["a", "b"]
    assert figure.series[0].x == [0.5, 1.0]
    found = mean(keys["a", (("share", 0.5),)])
    assert (figure.series[0].y[0], figure.series[0].low[0]) == (found.value, found.by_speakers[0])


def test_three_test_corpora_make_a_radar_and_weights_of_layers_are_averaged_over_folds():
    rng = np.random.default_rng(0)
    every = {(test, "uar"): {("a", ()): random_scores(rng), ("b", ()): random_scores(rng)} for test in "xyz"}
    study = Study(title="t", question="q", test=list("xyz"), recipe={})
    drawn = {figure.name: figure for figure in figures.figures(study, every, [])}["uar_radar"]
    assert [series.name for series in drawn.series] == ["a", "b"]
    assert drawn.series[1].x == ["x", "y", "z"]
    assert drawn.series[1].y == [mean(every[test, "uar"]["b", ()]).value for test in "xyz"]
    cells = [
        SimpleNamespace(
            cell=SimpleNamespace(variant="a", at={}), curves={"head": {"layer_weights": weights, "log": []}}
        )
        for weights in ([0.2, 0.8], [0.4, 0.6])
    ]
    (weights,) = figures.layer_weights(cells)
    assert weights.series[0].x == [0, 1]
    assert weights.series[0].y == pytest.approx([0.3, 0.7])
    assert figures.layer_weights([]) == []


def test_learning_curves_are_means_over_seeds_in_a_panel_for_each_phase():
    def done(variant, phase, *losses):
        log = [{"step": 5 * (i + 1), "loss": loss, "eval_uar": loss / 4} for i, loss in enumerate(losses)]
        return SimpleNamespace(
            cell=SimpleNamespace(variant=variant, at={}),
            curves={phase: {"log": log}, "once": {"log": log[:1]}},
        )

    models = [done("a", "v-ft", 2, 1), done("a", "v-ft", 4, 2), done("b", "frozen", 3, 2, 4)]
    losses, scores = figures.panels(models)
    assert [series.name for series in losses.series] == ["a", "b"]
    assert (losses.series[0].x, losses.series[0].y) == ([5, 10], [3, 1.5])
    assert scores.series[1].y == [0.75, 0.5, 1.0]
    rows = [row for row in tables.learning(models).rows if row[1] != "once"]
    assert rows == [
        ["a", "v-ft", 10, 3, 1.5, "uar", 0.75, 0.75, 0.375],
        ["b", "frozen", 15, 3, 4, "uar", 0.75, 1.0, 1.0],
    ]
    assert figures.curves(models[:2]) == []
    assert [series.name for series in figures.curves(models)[0].series] == ["a", "b"]  # both have "once"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A study of four trainings on four speakers, tested on six others."""
    folder = tmp_path_factory.mktemp("tones")
    manifest = write_tones(folder, speakers="abcdefghij", takes=1)
    text = manifest.read_text(encoding="utf-8").splitlines()
    sides = [f"{line},{'train' if line[0] in 'abcd' else 'test'}" for line in text[1:]]
    (folder / "split.csv").write_text("\n".join([f"{text[0]},split", *sides]) + "\n", encoding="utf-8")
    table = recipe_table(f"{folder / 'split.csv'}:train", dev_speakers=[], epochs=1)
    del table["method"], table["freeze"]
    recipe = "\n".join(["[recipe]", *(f"{k} = {_toml(v)}" for k, v in table.items())])
    study = folder / "study.toml"
    study.write_text(STUDY.format(split=folder / "split.csv").replace("[grid]", recipe + "\n[grid]"), "utf-8")
    return study


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def test_a_study_trains_each_cell_once_and_writes_a_page(file, tmp_path):
    study = read_study(str(file))
    assert len({cell.name for cell in cells(study)}) == 4
    trained = []

    def stop(sentence):
        trained.append(sentence)
        if len(trained) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study_to(study, tmp_path, progress=stop)
    again = []
    result = study_to(study, tmp_path, progress=again.append)
    assert len(again) == 2
    once_more = []
    assert study_to(study, tmp_path, progress=once_more.append) == result
    assert once_more == []
    assert Result.model_validate_json((tmp_path / "study.json").read_text(encoding="utf-8")) == result
    tables = {table.name: table for table in result.tables}
    assert len(tables["means"].rows) == 2 * 2  # variants, measures
    assert len(tables["seeds"].rows) == 8
    assert len(tables["differences"].rows) == 2
    assert tables["published"].rows[0][4] == 0.9
    assert {row[-1] for row in tables["means"].rows} == {6}
    assert len(result.figures) == 2
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert "Frozen or not" in page
    assert page.count("<svg") == 2
    assert page.count("95 % interval over speakers") == 3  # means, differences, published values
    assert not list(tmp_path.glob("cells/*/model"))
    assert [row[-2:] for row in plan(study, tmp_path)] == [[2, 2], [2, 2]]
    frozen = read_study(str(file), ['only=["frozen"]', "grid.seed=[0, 1, 2]"])
    assert plan(frozen, tmp_path) == [
        ["frozen", "share 1.0", "frozen", "random:wav2vec2", "1 epoch", next(iter(study.test)), 3, 2]
    ]


def test_the_scores_of_a_cell_are_those_of_its_answers(file, tmp_path):
    study = read_study(str(file), ["grid.seed=[0]", "grid.share=[1.0]"])
    result = study_to(study, tmp_path)
    import pandas as pd

    answers = pd.read_parquet(next(tmp_path.glob("cells/fine-tuned*/answers-*.parquet")))
    right = (answers["output anger"] > answers["output neutral"]) == (answers["truth anger"] == 1)
    rows = [row for table in result.tables if table.name == "seeds" for row in table.rows]
    found = next(row[5] for row in rows if row[0] == "fine-tuned" and row[4] == "accuracy")
    assert found == pytest.approx(right.mean(), abs=1e-12)
    assert len(answers) == 12
    assert "differences have no intervals" in result.answer  # of one seed


def test_workers_share_the_cells_of_a_study(file, tmp_path):
    change = "grid.seed=[0]"
    job = StudyJob(spec=str(file), changes=(change,), out=tmp_path / "on")
    first = cells(read_study(str(file), [change]))[0]
    with held(job.out / "leases" / first.name) as mine:  # another worker has it
        assert mine
        job.work(0, 2)
    assert job.open_cells() == 1
    job.work(1, 2)
    assert job.open_cells() == 0
    assert job.command(1, 2) == [
        "study", str(file), "--out", str(job.out), "--worker", "2/2", "--set", change
    ]  # fmt: skip
    study = read_study(str(file), [change])
    shared = study_to(study, job.out, train=partial(run_study_on, job, "local:2"))
    alone = study_to(study, tmp_path / "alone")
    assert shared.tables == alone.tables
    assert shared.findings == alone.findings


def test_a_cell_that_cannot_be_trained_stops_no_worker(file, tmp_path):
    changes = (f'recipe.corpora=["{file.parent / "split.csv"}"]', "grid.share=[1.0]")
    job = StudyJob(spec=str(file), changes=changes, out=tmp_path)
    job.work(0, 1)
    assert job.open_cells() == 0
    assert all("6 test speakers" in path.read_text() for path in tmp_path.glob("cells/*/failed.txt"))
    assert len(list(tmp_path.glob("cells/*/failed.txt"))) == 4


def test_a_study_whose_test_speakers_would_train_is_refused(file, tmp_path):
    study = read_study(str(file), [f'recipe.corpora=["{file.parent / "split.csv"}"]', "grid.share=[1.0]"])
    said = []
    with pytest.raises(ModelError, match="no cell of the study could be trained: .*6 test speakers"):
        study_to(study, tmp_path, warn=said.append)
    assert len(said) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("tset=1", "unknown key 'tset'.*did you mean 'test'"),
        ('reference="frosen"', "unknown variant 'frosen'.*did you mean 'frozen'"),
        ('only=["frosen"]', "unknown variant 'frosen'.*did you mean 'frozen'"),
        ("grid.share=[]", "grid.share has no values"),
        ("grid.shares=[1.0]", "unknown key 'shares'"),
        ('measures=["ccc"]', "'ccc' is not measured"),
        ("test=[]", "neither test corpora nor folds"),
        ('audits=[{names=["fairnes"], data="x.csv"}]', "no audit named 'fairnes'.*did you mean 'fairness'"),
        ('audits=[{names=["fairness"], data="x.csv"}]', "cannot be run: audits of x.csv: .*nothing was tr"),
        ('audits=[{names=["fairness"], data="x", where={sede=1}}]', "key 'sede' .did you mean 'seed'"),
        ('audits=[{names=["leakage"], data="x"}]\nagainst="tyo:x"', "against: unknown kind of model 'tyo'"),
        (
            'grid.init=["/no/such", "random:./shape"]',
            "no such directory: /no/such .*no such directory: ./shape",
        ),
        ('test=["x.csv", "y.csv"]', r"cannot be run: .*x\.csv.*; .*y\.csv"),
        ('measures=["uaar", "ccc"]\nreference="frosen"\ntset=1', "'test'.*'frozen'.*'uaar' .*; 'ccc' is not"),
    ],
)
def test_bad_studies_are_refused_in_one_sentence(file, tmp_path, change, said):
    def begin():
        study_to(read_study(str(file), [*change.splitlines(), "grid.seed=[0]", "recipe.epochs=1"]), tmp_path)

    with pytest.raises((ModelError, CorpusError), match=said):
        begin()
    assert not (tmp_path / "cells").exists()


def test_the_studies_of_the_papers_are_valid():
    assert "wagner2023_efficiency" in names()
    for name in names():
        study = read_study(name)
        assert cells(study)
        assert all(cell.recipe.test for cell in cells(study))
    with pytest.raises(ModelError, match="no study named 'chen2024'.*did you mean 'chen2023'"):
        read_study("chen2024")
