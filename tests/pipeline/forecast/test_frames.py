"""What sums over frames will cost, beside what they then cost."""

import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from sertools.auditing import audit
from sertools.corpora.corpus import fingerprint
from sertools.errors import AuditError
from sertools.inference.frames import acoustics, compute, plan
from sertools.inference.jobs import jobs
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions, load_model
from sertools.pipeline import run
from sertools.pipeline.forecast.forecast import forecast, sentence
from sertools.pipeline.forecast.frames import of_acoustics
from sertools.tables.condition import Condition
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.layer_audits import INSIDE, SUMMED
from tests.helpers.small import stored
from tests.helpers.voices import RATE, voices

pytest.importorskip("opensmile", reason="opensmile is not installed: pip install opensmile")

N = 6


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return voices(tmp_path_factory.mktemp("voices"), N)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoints") / "small")


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """One audit that reads layers, and two that read sums over frames."""
    folder = tmp_path_factory.mktemp("audits")
    for name, text in (("inside", INSIDE), ("summed", SUMMED), ("emotions", SUMMED)):
        (folder / f"{name}.py").write_text(text)
    return {name: audit.load(name, [folder]) for name in ("inside", "summed", "emotions")}


OPTIONS = {"summed": {"levels": ["frame", "word"]}, "emotions": {"by": "emotion"}}


class Watched:
    """Settings of a run that notes which jobs it has, in their order, and of how many clips."""

    def __init__(self, root: Path) -> None:
        self.jobs: list[tuple[str, int]] = []

        @contextmanager
        def progress(description, total, unit="clips"):
            if unit == "clips":
                self.jobs.append((description, total))
            yield lambda n: None

        self.settings = Settings(cache=root, progress=progress)


def rows(costs):
    return [(c.of, c.condition, c.stored, c.todo, c.brought) for c in costs]


def test_what_is_planned_of_frames_is_what_an_audit_then_computes(tmp_path, corpus, checkpoint, audits):
    model = load_model(str(checkpoint))
    deeper = load_model(str(write_checkpoint(tmp_path / "deeper", num_hidden_layers=4)))
    watched, beside = Watched(tmp_path / "store"), {"others": {"against": deeper}, "random_twin": True}
    asked = [audits[name].plan(given) for name, given in OPTIONS.items()]
    costs, timed = forecast(model, corpus, asked, settings=watched.settings, **beside)
    roles = ("model", "against", "random twin")
    assert rows(costs) == [
        *[
            (role, condition, 0, N, brought)
            for role in roles
            for condition, brought in (
                ("clean", True),
                ("sums over frames", False),
                ("sums over frames by emotion", False),
            )
        ],
        ("sound", "acoustic features", 0, N, False),
    ]
    assert not stored(tmp_path / "store"), "a forecast stores nothing"
    assert all(cost.minutes > 0 for cost in costs if not cost.brought)
    assert sentence(costs, timed).startswith(
        f"{6 * N} clips to sum over frames in 6 passes that also yield clean scores"
    )
    run.run(model, corpus, asked, settings=watched.settings, **beside)
    passes = [job for job in watched.jobs if job[0].startswith("frames of ")]
    assert passes == [
        (f"frames of {of.name}", N) for of in (deeper, model.random_twin(0), model) for _ in range(2)
    ]
    assert "clean" not in dict(watched.jobs), "the frames brought it"
    megabytes = sum(cost.megabytes for cost in costs)
    assert megabytes * 1e6 == pytest.approx(stored(tmp_path / "store"), rel=0.2)
    costs, timed = forecast(model, corpus, asked, settings=watched.settings, **beside)
    assert {(cost.stored, cost.todo) for cost in costs} == {(N, 0)}
    assert len(costs) == 9, "the acoustic features are not needed again"
    assert sentence(costs, timed) == "Nothing has to be computed."


def test_the_sums_are_weighed_to_the_byte(tmp_path, corpus, checkpoint, audits, monkeypatch):
    monkeypatch.setattr(plan, "BUDGET", 110_000)
    model, settings = load_model(str(checkpoint)), Settings(cache=tmp_path / "store")
    summed = audits["summed"].plan(OPTIONS["summed"])
    costs, _ = forecast(model, corpus, [summed], settings=settings)
    passes = [cost for cost in costs if cost.kind == "frames"]
    assert [cost.condition for cost in passes] == [
        f"sums over frames, pass {p + 1} of {len(passes)}" for p in range(len(passes))
    ]
    assert len(passes) > 1
    run.run(model, corpus, [summed], settings=settings)
    for p, cost in enumerate(passes):
        written = [path.stat().st_size for path in (tmp_path / "store").rglob(f"pass-{p}.*.npy")]
        assert len(written) == 2
        assert cost.megabytes * 1e6 == sum(written)


def test_clean_scores_that_are_there_are_not_brought_again(tmp_path, corpus, checkpoint, audits):
    model, settings = load_model(str(checkpoint)), Settings(cache=tmp_path / "store")
    asked = [audits["inside"].plan(), audits["summed"].plan()]
    run.run(model, corpus, [audits["inside"].plan()], settings=settings)
    costs, _ = forecast(model, corpus, asked, settings=settings)
    assert rows(costs) == [
        ("model", "clean", N, 0, False),
        ("model", "sums over frames", 0, N, False),
        ("sound", "acoustic features", 0, N, False),
    ]


def in_fp32(checkpoint: Path):
    """The model in fp32, so that a wrapped one is not asked for another format."""
    return load_model(str(checkpoint), LoadOptions(precision="fp32"))


class Sleeper:
    """Frames of a checkpoint that take a known time, and that end after a number of clips."""

    def __init__(self, model, *, pace: float = 0.0, most: int = 10**9) -> None:
        self.model, self.pace, self.most, self.clips = model, pace, most, 0

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict_frames(self, signals):
        time.sleep(sum(map(len, signals)) / RATE * self.pace)
        self.clips += len(signals)
        if self.clips > self.most:
            raise KeyboardInterrupt
        return self.model.predict_frames(signals)


def test_minutes_of_a_pass_follow_from_the_pace_of_the_model(tmp_path, checkpoint, audits):
    corpus, settings = voices(tmp_path / "c", 16, seconds=0.2), Settings(cache=tmp_path / "store")
    sleeper = Sleeper(in_fp32(checkpoint), pace=0.4)
    costs, _ = forecast(sleeper, corpus, [audits["summed"].plan()], settings=settings)
    (cost,) = (cost for cost in costs if cost.kind == "frames")
    sound_s = sum(int((0.2 + 0.06 * i) * RATE) for i in range(16)) / RATE
    # a sleep is never shorter; sums, cells and others who use the machine come on top
    assert 0.4 * sound_s <= cost.minutes * 60 <= 3 * 0.4 * sound_s
    assert sleeper.clips < 16, "only some clips are timed"
    began = time.perf_counter()
    run.run(sleeper, corpus, [audits["summed"].plan()], settings=settings)
    assert 60 * sum(cost.minutes for cost in costs) < 2 * (time.perf_counter() - began)


def test_a_pass_that_was_interrupted_goes_on_where_it_was(tmp_path, checkpoint, audits, monkeypatch):
    corpus, settings = voices(tmp_path / "c", 24, seconds=0.2), Settings(cache=tmp_path / "store")
    # a clip of silence and the first of two cells, and then no more
    sleeper = Sleeper(in_fp32(checkpoint), most=14)
    wanted = audits["summed"].needs().frame_sums
    key = fingerprint(corpus)
    monkeypatch.setattr(compute, "KEEP_EVERY_S", 0.0)
    (clean,) = jobs(sleeper, corpus, [Condition()], settings, key, layers=True)
    with pytest.raises(KeyboardInterrupt):
        compute.frame_sums(
            plan.plan(sleeper, corpus, key, wanted, settings.root), sleeper, corpus, key, settings, clean
        )
    (planned,) = plan.plan(in_fp32(checkpoint), corpus, key, wanted, settings.root).passes
    done = len(planned.job.shards[0][1])
    assert 0 < done < 24
    costs, _ = forecast(in_fp32(checkpoint), corpus, [audits["summed"].plan()], settings=settings)
    assert rows(costs)[1] == ("model", "sums over frames", done, 24 - done, False)
    resumed = Sleeper(in_fp32(checkpoint))
    run.run(resumed, corpus, [audits["summed"].plan()], settings=settings)
    assert resumed.clips == 24 - done, "what was planned"


def test_nothing_is_planned_where_an_audit_of_frames_cannot_run(tmp_path, corpus, checkpoint, audits):
    watched = Watched(tmp_path / "store")
    for model, options in (
        (load_model("toy:loudness"), {}),
        (load_model(str(checkpoint)), {"by": "accent"}),
    ):
        costs, timed = forecast(model, corpus, [audits["summed"].plan(options)], settings=watched.settings)
        assert costs == []
        assert sentence(costs, timed) == "Nothing has to be computed."
        run.run(model, corpus, [audits["summed"].plan(options)], settings=watched.settings)
    assert not [job for job in watched.jobs if not job[0].startswith("comparison of bf16")]
    with pytest.raises(AuditError, match="unknown frame level 'phrase'"):
        forecast(
            load_model(str(checkpoint)),
            corpus,
            [audits["summed"].plan({"levels": ["phrase"]})],
            settings=watched.settings,
        )


def test_acoustic_features_take_as_long_and_as_much_as_was_planned(tmp_path):
    corpus, root = voices(tmp_path / "c", 20, seconds=0.5), tmp_path / "store"
    settings = Settings(cache=root)
    corpus_fingerprint = fingerprint(corpus)
    cost = of_acoustics(corpus, corpus_fingerprint, settings)
    assert (cost.clips, cost.stored, cost.todo) == (20, 0, 20)
    began = time.perf_counter()
    acoustics.measured(corpus, corpus_fingerprint, settings)
    seconds = time.perf_counter() - began
    # others use the machine too
    assert seconds / 4 < cost.minutes * 60 < 4 * seconds
    assert cost.megabytes * 1e6 == pytest.approx(stored(root), rel=0.2)
    after = of_acoustics(corpus, corpus_fingerprint, settings)
    assert (after.stored, after.todo, after.minutes, after.megabytes) == (20, 0, 0, 0)
