import dataclasses

import numpy as np
import pytest
from sertools.audits.layer_acoustics.curves import curve
from sertools.audits.layer_acoustics.scores import scores

from sertools.auditing.audit import load
from sertools.errors import AuditError
from sertools.results.result import Verdict
from sertools.selftest import toy_corpus
from sertools.selftest.toy_frames import frame_sums
from sertools.tables.egemaps import FEATURES, GROUPS, columns
from sertools.tables.frame_sums import LEVELS, FrameSums, FrameSumsNeeded
from tests.helpers.audits import run

AUDIT = load("layer_acoustics")
EVERYTHING = {"hierarchy": True, "between_layers": True, "by": "emotion"}


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips(speakers=12, per_speaker=24)


KEPT = {}


def seen(kind, clips, **options):
    """The tables of a toy model, made once for the same clips and options, for no audit changes them."""
    key = (kind, id(clips), *options.items())
    if key not in KEPT:
        wanted = AUDIT.needs(**AUDIT.settings(options)).frame_sums
        KEPT[key] = clips, toy_corpus.answers(kind, clips, wanted=wanted)
    return KEPT[key][1]


def result_of(tables, **options):
    return run(AUDIT, tables, seed=0, options=options)


@pytest.fixture(scope="module")
def oracle(clips):
    """The oracle beside a random model."""
    tables = seen("oracle", clips, **EVERYTHING)
    against = dataclasses.replace(seen("random", clips, **EVERYTHING), others={})
    tables = dataclasses.replace(tables, others={**tables.others, "against": against})
    return result_of(tables, **EVERYTHING)


def table(result, name):
    found = next(t for t in result.tables if t.name == name)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def found(result, name, target):
    return next(f for f in result.findings if (f.name, f.target) == (name, target))


def test_it_reads_the_sums_that_its_options_need():
    plain = AUDIT.needs(**AUDIT.settings({}))
    assert plain.frame_sums == FrameSumsNeeded()
    assert (plain.labels, plain.conditions, plain.columns) == ("none", (), ())
    every = AUDIT.needs(**AUDIT.settings(EVERYTHING))
    assert every.frame_sums == FrameSumsNeeded(levels=tuple(LEVELS), by="emotion", between_layers=True)
    assert every.columns == ("emotion",)


def test_the_oracle_carries_every_group_most_in_its_first_layer(oracle):
    expected = np.sqrt(1.25 / 2.25)
    for group in GROUPS:
        best = found(oracle, "cca", group)
        assert best.slice == "best layer"
        # 7 200 frames, and noise in the floors of .02
        assert best.value == pytest.approx(expected, abs=0.03)
        assert found(oracle, "cca_above_floors", group).value == pytest.approx(expected * 0.8, abs=0.06)
        assert f"{group} features in 4 of 4 layers, strongest in layer 0" in oracle.answer
    assert (best.n, best.speakers) == (288, 12)


def test_what_is_judged_allows_for_having_looked_at_every_layer_and_group(oracle, clips):
    twin = "oracle's random twin"
    both = {
        "own": frame_sums("oracle", clips, FrameSumsNeeded()),
        "random twin": frame_sums(twin, clips, FrameSumsNeeded()),
    }
    at = columns(FEATURES)
    scored = {role: scores(of["frame"], at, measures=["cca"]) for role, of in both.items()}
    expected = curve(scored, 0, 0, n=288, speakers=12).above(0, 1 - 0.05 / (4 * 5))
    one = found(oracle, "cca_above_floors", "energy")
    assert (one.value, one.low, one.high) == pytest.approx((expected.value, expected.low, expected.high))
    row = next(r for r in table(oracle, "cca") if (r["features"], r["layer"]) == ("energy", 0))
    assert one.value == pytest.approx(row["above floors"], abs=1e-12)
    assert one.low < row["above: low"]


def test_the_difference_to_another_model_is_paired_and_over_all_layers(oracle):
    difference = found(oracle, "cca_difference", "MFCC")
    assert difference.slice == "mean over layers"
    rows = [row for row in table(oracle, "against") if row["features"] == "MFCC"]
    assert len(rows) == 4
    assert difference.value == pytest.approx(np.mean([row["difference"] for row in rows]), abs=1e-12)
    assert difference.low > 0.4


def test_every_measure_has_a_table_with_every_floor(oracle):
    for measure in ("cca", "pwcca", "svcca", "cka"):
        rows = table(oracle, measure)
        assert len(rows) == 4 * (len(GROUPS) + 1)
        assert all(
            row[floor] is not None for row in rows for floor in ("other clip", "rolled", "random twin")
        )
        first = rows[0]
        highest = max(first["other clip"], first["rolled"], first["random twin"])
        assert first["above floors"] == pytest.approx(first["held-out"] - highest, abs=1e-12)
    assert oracle.tables[0].name == "cca"


def test_every_curve_has_every_floor_and_the_other_model(oracle):
    lines = [figure for figure in oracle.figures if figure.kind == "line"]
    assert len(lines) == len(GROUPS) + 1 + 2
    for figure in lines:
        names = [series.name for series in figure.series]
        assert names == ["held-out", "other clip", "rolled", "random twin", "in-sample", "against"]


def test_longer_units_are_compared_with_shorter_ones(oracle):
    rows = table(oracle, "hierarchy")
    assert [row["units"] for row in rows[::4]] == ["phoneme − frame", "word − phoneme"]
    # the clip's own mean, of variance .25, outlives the average over frames: of 1 + 1 is left 1/5, then 1/25
    frame, phoneme, word = (np.sqrt((0.25 + 1 / n) / (0.25 + 2 / n)) for n in (1, 5, 25))
    assert rows[0]["held-out"] == pytest.approx(phoneme - frame, abs=0.04)
    assert rows[4]["held-out"] == pytest.approx(word - phoneme, abs=0.12)  # 288 words


def test_emotions_are_looked_at_apart(oracle, clips):
    rows = table(oracle, "by_emotion")
    assert sorted({row["emotion"] for row in rows}) == sorted(clips["emotion"].unique())
    heat = next(figure for figure in oracle.figures if figure.name == "cca_by_emotion")
    assert {series.name for series in heat.series} == set(clips["emotion"])
    first = next(row for row in rows if row["emotion"] == "anger" and row["layer"] == 0)
    assert first["held-out"] == pytest.approx(np.sqrt(1.25 / 2.25), abs=0.06)


def test_layers_are_compared_with_each_other_and_with_those_of_the_twin(oracle):
    own = next(figure for figure in oracle.figures if figure.name == "layers_cka_own")
    twin = next(figure for figure in oracle.figures if figure.name == "layers_cka_random_twin")
    # layers 0 and 1 are a whole and three quarters of the same features, and noise
    assert own.series[0].y[1] > 0.2 > 0.1 > twin.series[0].y[1]
    assert [row["layer"] for row in table(oracle, "last_layers_own")] == [2, 3, 2, 3]


def test_the_chosen_measure_is_judged_and_drawn(clips):
    result = result_of(seen("oracle", clips), measure="cka")
    assert {f.name for f in result.findings} == {"cka", "cka_above_floors"}
    assert found(result, "cka_above_floors", "energy").limit.above == 0.05
    assert result.tables[0].name == "cka"
    assert result.figures[1].name == "cka_energy"


def test_voice_quality_has_no_limit(oracle):
    assert found(oracle, "cca_above_floors", "voice quality").verdict is Verdict.NONE
    assert found(oracle, "cca_above_floors", "spectral").verdict is Verdict.PASS


def test_nothing_is_judged_without_a_random_twin(clips):
    result = result_of(dataclasses.replace(seen("oracle", clips), others={}))
    one = found(result, "cca_above_floors", "energy")
    assert one.verdict is Verdict.SKIPPED
    assert "no random twin" in one.reason
    assert one.value > 0.5
    assert "There is no random twin" in result.answer
    assert table(result, "cca")[0]["random twin"] is None


def test_a_twin_of_another_depth_is_no_twin(clips):
    tables = seen("oracle", clips)
    twin = tables.others["random twin"]
    of = twin.frame_sums["frame"]
    fields = {name: getattr(of, name)[:2] for name in ("n", "x", "xx", "y", "yy", "xy")}
    shallow = dataclasses.replace(twin, frame_sums={"frame": dataclasses.replace(of, **fields)})
    result = result_of(dataclasses.replace(tables, others={"random twin": shallow}))
    assert any("is not a twin: it has 2 layers, the model has 4" in note for note in result.notes)
    assert Verdict.PASS not in {f.verdict for f in result.findings}


def test_a_model_that_gives_no_frames_is_not_compared_with(clips):
    tables = seen("oracle", clips)
    bare = dataclasses.replace(tables, frame_sums={}, others={})
    result = result_of(dataclasses.replace(tables, others={**tables.others, "against": bare}))
    assert any("(against) is left out: it has no layers with frames" in note for note in result.notes)
    assert "against" not in [t.name for t in result.tables]


def test_a_model_with_other_groups_of_speakers_is_not_compared_with(clips):
    tables = seen("oracle", clips)
    fewer = {"frame": frame_sums("random", clips, FrameSumsNeeded(groups=5))["frame"]}
    other = dataclasses.replace(tables, frame_sums=fewer, others={})
    result = result_of(dataclasses.replace(tables, others={**tables.others, "against": other}))
    assert any("it has results for other groups of speakers" in note for note in result.notes)


def test_a_layer_like_noise_is_not_said_to_carry_anything(clips):
    result = result_of(seen("random", clips))
    assert "No layer is shown to carry energy or frequency" in result.answer
    assert Verdict.PASS not in {f.verdict for f in result.findings}


def test_a_layer_that_does_not_move_has_no_score(clips):
    result = result_of(seen("constant", clips))
    assert "Layer 2 is constant, so it has no score." in result.notes
    assert found(result, "cca_above_floors", "energy").reason == "no layer has a score"
    assert "Not measured" in result.answer


def test_few_speakers_give_no_interval_and_no_verdict():
    result = result_of(seen("oracle", toy_corpus.clips(speakers=4, per_speaker=20)))
    one = found(result, "cca_above_floors", "energy")
    assert (one.verdict, one.low) == (Verdict.INCONCLUSIVE, None)
    assert "fewer than 5 speakers" in one.reason
    assert "without an interval" in result.answer


def test_frames_that_were_left_out_are_counted(clips):
    tables = seen("oracle", clips)
    of = tables.frame_sums["frame"]
    holed = dataclasses.replace(of, undefined=np.full(len(of.cells), 7.0))
    result = result_of(dataclasses.replace(tables, frame_sums={"frame": holed}))
    assert any(note.startswith("7200 frames are used; 70 more are left out") for note in result.notes)


def test_more_dimensions_than_frames_are_said():
    two = toy_corpus.clips(speakers=1, per_speaker=2)
    said = "Layers 0, 1, 2, 3 have at least as many dimensions as frames"
    one = seen("oracle", two)
    assert not any(said in note for note in result_of(one).notes)
    tiny = frame_sums("oracle", two, FrameSumsNeeded())["frame"]
    assert tiny.n[0, 0] == 50 > tiny.x[0].shape[1]
    wide = dataclasses.replace(one, frame_sums={"frame": _widened(tiny)})
    assert any(said in note for note in result_of(wide).notes)


def _widened(of: FrameSums) -> FrameSums:
    """The same frames with every dimension of a layer twice."""
    return dataclasses.replace(
        of,
        x=tuple(np.concatenate([x, x], axis=1) for x in of.x),
        xx=tuple(np.block([[[xx, xx], [xx, xx]]]) for xx in of.xx),
        xy=tuple(np.concatenate([xy, xy], axis=2) for xy in of.xy),
    )


def test_sums_beside_other_features_are_not_measured(clips):
    tables = seen("oracle", clips)
    other = dataclasses.replace(tables.frame_sums["frame"], features=tuple(f"f{i}" for i in range(22)))
    result = result_of(dataclasses.replace(tables, frame_sums={"frame": other}))
    assert [f.reason for f in result.findings] == ["the sums over frames contain no eGeMAPS features"]


def test_a_ridge_of_nothing_is_refused(clips):
    with pytest.raises(AuditError, match="ridge is 0"):
        result_of(seen("oracle", clips), ridge=0)


def test_a_model_without_frames_is_skipped(clips):
    result = result_of(toy_corpus.answers("oracle", clips))
    assert [f.verdict for f in result.findings] == [Verdict.SKIPPED]
    assert "no layers with readable frames" in result.findings[0].reason
