"""Models that stand beside a model, and sums over frames: each audit gets what it asked for."""

import pytest

from sertools.auditing import audit
from sertools.errors import ModelError
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.pipeline import run
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.layer_audits import INSIDE, SUMMED
from tests.helpers.small import Meter, noises
from tests.helpers.voices import voices


@pytest.fixture
def inside(tmp_path):
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "inside.py").write_text(INSIDE)
    return audit.load("inside", [tmp_path / "audits"]).plan()


def test_other_models_and_a_random_twin_stand_beside_the_model_and_are_named(tmp_path, inside):
    corpus = noises(tmp_path / "data")
    model = load_model(str(write_checkpoint(tmp_path / "model")))
    deeper = load_model(str(write_checkpoint(tmp_path / "deeper", num_hidden_layers=4)))
    settings = Settings(cache=tmp_path / "cache")
    (result,) = run.run(
        model, corpus, [inside], settings=settings, others={"against": deeper}, random_twin=True
    )
    counted = {finding.slice: finding.value for finding in result.findings}
    assert counted == {"model=model": 3, "model=against": 5, "model=random twin": 3}
    assert result.model["others"]["against"]["name"] == "deeper"
    assert result.model["others"]["random twin"]["name"] == "model random twin"
    assert "seed 0" in result.model["others"]["random twin"]["source"]


def test_a_random_twin_stands_beside_where_it_can_be_built_and_nobody_refuses_it(tmp_path, inside):
    corpus, settings = noises(tmp_path / "data"), Settings(cache=tmp_path / "cache")
    model = load_model(str(write_checkpoint(tmp_path / "model")))
    roles = {
        wanted: [
            f.slice
            for f in run.run(model, corpus, [inside], settings=settings, random_twin=wanted)[0].findings
        ]
        for wanted in (None, False)
    }
    assert roles == {None: ["model=model", "model=random twin"], False: ["model=model"]}
    loud = load_model("toy:loudness")
    (result,) = run.run(loud, corpus, [inside], settings=settings, random_twin=None)
    assert [f.slice for f in result.findings] == ["model=toy-loudness"]
    with pytest.raises(ModelError, match="has no random twin"):
        run.run(loud, corpus, [inside], settings=settings, random_twin=True)


def test_no_other_model_is_computed_for_audits_that_look_at_no_layer(tmp_path):
    corpus, settings = noises(tmp_path / "data"), Settings(cache=tmp_path / "cache")
    model = load_model(str(write_checkpoint(tmp_path / "model")))
    other = Meter()
    (result,) = run.run(
        model,
        corpus,
        [audit.load("correctness").plan()],
        settings=settings,
        others={"against": other},
        random_twin=None,
    )
    assert other.calls == 0
    assert "others" not in result.model


def test_each_audit_gets_the_moments_that_it_asked_for_and_no_scores_are_needed(tmp_path):
    pytest.importorskip("opensmile", reason="opensmile is not installed: pip install opensmile")
    (tmp_path / "audits").mkdir()
    for name in ("one", "two"):
        (tmp_path / "audits" / f"{name}.py").write_text(SUMMED)
    options = {"one": {"by": "emotion"}, "two": {"levels": ["frame", "word"]}}
    audits = [audit.load(name, [tmp_path / "audits"]).plan(given) for name, given in options.items()]
    corpus = voices(tmp_path / "data", 6)
    model = load_model(str(write_checkpoint(tmp_path / "model")))
    first, second = run.run(
        model,
        corpus,
        audits,
        settings=Settings(cache=tmp_path / "cache"),
        random_twin=True,
    )
    cells = {(f.name, f.slice): f.value for f in first.findings}
    assert cells == {("frame", "model=own"): 4, ("frame", "model=random twin"): 4}
    cells = {(f.name, f.slice): f.value for f in second.findings}
    assert set(cells) == {
        (level, m) for level in ("frame", "word") for m in ("model=own", "model=random twin")
    }
    assert set(cells.values()) == {2}
    assert len({f.n for f in first.findings if f.name == "frame"}) == 1


def test_an_audit_of_frames_is_skipped_with_the_reason_where_there_are_none(tmp_path):
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "one.py").write_text(SUMMED)
    one = audit.load("one", [tmp_path / "audits"])
    corpus, settings = noises(tmp_path / "data"), Settings(cache=tmp_path / "cache")
    (result,) = run.run(load_model("toy:loudness"), corpus, [one.plan()], settings=settings)
    assert result.answer == "Not measured: the model has no layers with readable frames."
    model = load_model(str(write_checkpoint(tmp_path / "model")))
    (result,) = run.run(model, corpus, [one.plan({"by": "accent"})], settings=settings)
    assert result.answer == "Not measured: the corpus has no column 'accent'."
