import numpy as np
import pytest
from sertools.audits.layer_acoustics import presentation
from sertools.audits.layer_acoustics.curves import Curve

OWN = np.array([[0.5, 0.6, 0.7, 0.6, 0.6], [0.8, 0.8, 0.9, 0.8, 0.7]])
FLOORS = {"other clip": OWN * 0, "rolled": OWN - 0.2, "random twin": OWN - [[0.1], [0.3]]}


def a_curve(**changes) -> Curve:
    in_sample = {"other clip": np.array([0.1, 0.2]), "rolled": np.array([0.5, 0.6])}
    fields = {"own": OWN, "floors": FLOORS, "in_sample": np.array([0.9, 0.95]), "n": 60, "speakers": 12}
    return Curve(**{**fields, "floors_in_sample": in_sample, **changes})


def row_of(curve, layer):
    return dict(zip(presentation.CELLS, presentation.cells(curve, layer), strict=True))


def test_a_row_shows_the_score_and_every_floor_held_out_and_in_sample():
    row = row_of(a_curve(), 0)
    assert row["held-out"] == pytest.approx(0.6)
    assert row["low"] < 0.6 < row["high"]
    assert row["other clip"] == 0
    assert row["rolled"] == pytest.approx(0.4)
    assert row["random twin"] == pytest.approx(0.5)
    assert row["above floors"] == pytest.approx(0.1)
    assert row["in-sample"] == 0.9
    assert row["in-sample, other clip"] == 0.1
    assert row["in-sample, random twin"] is None


def test_a_floor_that_is_not_there_is_no_number():
    row = row_of(a_curve(floors={"rolled": OWN - 0.2}), 1)
    assert row["random twin"] is None
    assert row["above floors"] == pytest.approx(0.2)


def test_a_table_has_a_row_for_every_curve_and_layer():
    table = presentation.floors_table({"energy": a_curve(), "MFCC": a_curve()}, name="cca", title="CCA")
    assert [row[:2] for row in table.rows] == [["energy", 0], ["energy", 1], ["MFCC", 0], ["MFCC", 1]]
    assert table.columns[:2] == ["features", "layer"]


def test_a_figure_shows_the_curve_its_floors_and_the_in_sample_value():
    figure = presentation.lines(a_curve(against=OWN[:1]), name="cca_energy", title="Energy", score="CCA")
    assert [series.name for series in figure.series] == ["held-out", *FLOORS, "in-sample", "against"]
    held_out, against = figure.series[0], figure.series[-1]
    assert held_out.x == [0, 1]
    assert held_out.y == pytest.approx([0.6, 0.8])
    assert held_out.low[0] < 0.6 < held_out.high[0]
    assert against.x == [0]
    assert against.low[0] < 0.6


def test_a_map_shows_what_lies_above_the_highest_floor():
    figure = presentation.above_floors({"energy": a_curve()}, name="m", title="M")
    assert figure.kind == "heat"
    assert figure.series[0].x == ["0", "1"]
    assert figure.series[0].y == pytest.approx([0.1, 0.2])


def test_models_are_compared_in_the_layers_that_both_have():
    of = a_curve(against=np.vstack([OWN[0] - 0.3]))
    table = presentation.comparison_table({"energy": of}, score="CCA", model="other")
    assert len(table.rows) == 1
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["against"] == pytest.approx(0.3)
    assert row["difference"] == pytest.approx(0.3)
    assert row["above floors"] == pytest.approx(0.1)


def test_the_last_two_layers_stand_beside_the_five_before():
    grid = np.arange(100.0).reshape(10, 10)
    tables, figures = presentation.between_layers({"CCA": grid, "CKA": -grid}, role="own")
    assert tables[0].columns == ["measure", "layer", *(f"layer {j}" for j in range(3, 8))]
    assert tables[0].rows[0] == ["CCA", 8, 83, 84, 85, 86, 87]
    assert tables[0].rows[3] == ["CKA", 9, -93, -94, -95, -96, -97]
    assert [figure.name for figure in figures] == ["layers_cca_own", "layers_cka_own"]
    assert figures[0].series[2].y == grid[2].tolist()


def test_a_model_of_two_layers_has_none_before_its_last_two():
    tables, figures = presentation.between_layers({"CCA": np.eye(2)}, role="random twin")
    assert tables == []
    assert figures[0].title == "CCA between the layers of its random twin"
