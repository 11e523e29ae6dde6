"""What the figures of a comparison hold."""

from sertools.comparison.compare import compare
from sertools.results.result import Finding, LeftOut
from tests.helpers.comparisons import WITHOUT, against, ccc, kept, result


def figures(comparison) -> dict:
    return {figure.name: figure for figure in comparison.figures}


def test_the_dot_plot_holds_what_can_be_paired_with_its_intervals():
    old = result([ccc(0.5, 0.4, 0.6), ccc(0.1, target="valence")], left_out=[kept(WITHOUT["b"])])
    new = result([ccc(0.7, 0.6, 0.8)], left_out=[kept(WITHOUT["a"])])
    dots = figures(against(new, old))["scores"]
    assert [(s.name, s.x, s.y, s.low, s.high) for s in dots.series] == [
        ("old", ["Correctness: arousal, CCC"], [0.5], [0.4], [0.6]),
        ("new", ["Correctness: arousal, CCC"], [0.7], [0.6], [0.8]),
    ]


def test_gaps_and_scores_of_a_group_are_not_among_the_scores_of_all_clips():
    group = LeftOut(name="ccc", target="arousal", slice="sex=male", values={"v": 0.1})
    error = LeftOut(name="brier", target="emotion", better="lower", values={"v": 0.1})
    brier = Finding(name="brier", target="emotion", value=0.2, n=9)
    both = [
        [result([ccc(0.5)], left_out=[kept(WITHOUT["b"])]),
         result([ccc(0.4, slice="sex=male")], audit="fairness", left_out=[group]),
         result([brier], audit="calibration", left_out=[error])]
        for _ in range(2)
    ]  # fmt: skip
    dots = figures(compare([("a", both[0]), ("b", both[1])]))["scores"]
    assert dots.series[0].x == ["Correctness: arousal, CCC"]


def three(*values):
    targets = ("arousal", "dominance", "valence")
    return [ccc(value, target=target) for value, target in zip(values, targets, strict=True)]


def test_the_radar_plot_holds_only_measures_from_0_to_1_that_all_runs_have():
    mae = Finding(name="mae", target="arousal", value=0.2, n=9)
    group = ccc(0.3, slice="sex=female")
    uar = Finding(name="uar", target="emotion", value=0.4, n=9)
    old = result([*three(0.1, 0.2, -0.3), mae, group, uar])
    new = result([*three(0.4, 0.5, 0.6), mae, group])
    radar = figures(against(new, old))["profile"]
    labels = [f"Correctness: {target}, CCC" for target in ("arousal", "dominance", "valence")]
    assert [(s.name, s.x, s.y) for s in radar.series] == [
        ("old", labels, [0.1, 0.2, -0.3]),
        ("new", labels, [0.4, 0.5, 0.6]),
    ]
    assert "values below 0 are drawn at the centre" in radar.alt


def test_two_axes_are_no_radar_plot():
    assert "profile" not in figures(against(result(three(0.1, 0.2, 0.3)[:2]), result(three(0.1, 0.2, 0.3))))


def test_the_worst_speaker_is_an_axis_whoever_it_is():
    def worst(name, value):
        found = Finding(name="worst_speaker", target="arousal", slice=f"speaker={name}", value=value, n=9)
        return [result(three(0.1, 0.2, 0.3)), result([found], audit="speakers")]

    radar = figures(compare([("a", worst("v", 0.4)), ("b", worst("w", 0.5))]))["profile"]
    assert radar.series[0].x[-1] == "Speakers: arousal, worst speaker"
    assert [s.y[-1] for s in radar.series] == [0.4, 0.5]


def with_speed(score, factor):
    speed = Finding(name="real_time_factor", value=factor, low=factor, high=factor, n=9, speakers=9)
    return [result([ccc(score)]), result([speed], audit="efficiency")]


def test_scores_are_drawn_against_speed_and_the_models_that_none_beats_are_named():
    runs = [("slow", with_speed(0.6, 0.5)), ("fast", with_speed(0.5, 0.1)), ("bad", with_speed(0.4, 0.5))]
    pareto = figures(compare(runs))["pareto"]
    assert [(s.name, s.x, s.y) for s in pareto.series] == [
        ("slow", [0.5], [0.6]),
        ("fast", [0.1], [0.5]),
        ("bad", [0.5], [0.4]),
    ]
    assert "than slow and fast" in pareto.title
    wide = figures(compare([*runs[:2], ("tiny", with_speed(0.1, 0.001))]))["pareto"]
    assert wide.series[2].x == [-3.0]
    assert "log10" in wide.x_label


def test_without_two_speeds_there_is_no_figure_of_them():
    one = [result([ccc(0.4)])]
    assert "pareto" not in figures(compare([("a", with_speed(0.5, 0.1)), ("b", one)]))


def many(n=6, **toy):
    """Runs with rising scores, and perhaps a toy model that is better than all."""
    runs = [(f"m{i}", [result([ccc(0.1 * i)], left_out=[kept(WITHOUT["a"])])]) for i in range(n)]
    toys = [("oracle", [result([ccc(1.0)], left_out=[kept(WITHOUT["a"])]).model_copy(update={"model": toy})])]
    return compare([*runs, *(toys if toy else [])])


def test_of_many_models_the_best_are_drawn_a_row_for_each_and_toy_models_are_none_of_them():
    (figure,) = many(20, kind="toy", name="oracle").figures
    assert figure.title == "Scores of the 15 best of 20 models"
    (series,) = figure.series
    assert series.x == [f"m{i}" for i in range(19, 4, -1)]
    assert series.y == [0.1 * i for i in range(19, 4, -1)]
    assert many(5).figures[0].title == "Scores of each model"
    assert [each.name for each in many(5).figures[0].series] == [f"m{i}" for i in range(5)]


def test_a_toy_model_is_no_winner_and_has_no_rank():
    found = many(6, kind="toy", name="oracle")
    assert "m5 has the highest CCC of arousal, 0.500" in found.answer
    assert "1 toy model is not ranked." in found.answer
    ranks = next((table for table in found.tables if table.name == "ranks"), None)
    assert ranks is None or all(row[ranks.columns.index("oracle")] is None for row in ranks.rows)
    alone = compare([(name, [each]) for name, each in zip("ab", [toy_run(0.2), toy_run(0.4)], strict=True)])
    assert "toy model" not in alone.answer


def toy_run(score):
    return result([ccc(score)], left_out=[kept(WITHOUT["a"])]).model_copy(update={"model": {"kind": "toy"}})
