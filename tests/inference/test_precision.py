"""When a model runs in bf16, and that the choice stands."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from sertools.corpora.corpus import fingerprint
from sertools.corpora.load import load_corpus
from sertools.inference import precision
from sertools.inference import predict as predict_module
from sertools.inference.jobs import jobs
from sertools.inference.settings import Settings
from sertools.models.device import multiplies_bf16, native_bf16
from sertools.models.load import LoadOptions, load_model
from sertools.tables import condition
from tests.helpers.checkpoints import write_audeering_checkpoint
from tests.helpers.small import noises
from tests.helpers.two_formats import TwoFormats

NATIVE = native_bf16("cpu")


@dataclass(kw_only=True)
class InParts(TwoFormats):
    """A model with two parts; `errors` in bf16 with neither, one, the other, and both of them in fp32."""

    errors: tuple[float, ...]
    parts: tuple[str, ...] = ("last", "front")

    def with_precision(self, precision: str, **facts: Any) -> "InParts":
        exact = tuple(facts.get("precision_exact_parts", ()))
        which = [(), ("last",), ("front",), ("last", "front")].index(exact)
        return replace(super().with_precision(precision, **facts), error=self.errors[which])


def store(tmp_path) -> Settings:
    return Settings(cache=tmp_path / "store")


def choose_precision(model: TwoFormats, tmp_path, clips: int = 32) -> TwoFormats:
    folder = tmp_path / f"{clips} clips"
    # written once: the files of floating-point sound tell the second in which they were written
    corpus = load_corpus(str(folder / "clips.csv")) if folder.exists() else noises(folder, clips)
    return precision.choose_precision(model, corpus, fingerprint(corpus), store(tmp_path))


def test_bf16_is_taken_where_no_prediction_is_further_than_the_tolerance(tmp_path):
    chosen = choose_precision(TwoFormats(error=0.004), tmp_path)
    assert chosen.fingerprint == "bf16"
    assert chosen.facts["precision_difference"] == pytest.approx(0.004, abs=1e-7)
    assert chosen.facts["precision_clips"] == 32
    assert chosen.facts["precision_exceeding"] == 0.0
    assert chosen.facts["precision_reason"] == (
        "on all 32 clips, no prediction in bf16 differs by more than 0.0040 from fp32"
    )


@pytest.mark.parametrize("error", [0.006, -0.006])
def test_fp32_stays_where_one_prediction_is_further_and_the_difference_is_told(tmp_path, error):
    chosen = choose_precision(TwoFormats(error=error), tmp_path)
    assert chosen.fingerprint == "fp32"
    assert chosen.facts["precision_difference"] == pytest.approx(0.006, abs=1e-7)
    assert chosen.facts["precision_reason"] == (
        "on all 32 clips, a prediction in bf16 differs by 0.0060 from fp32, more than 0.005"
    )


@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_fp32_stays_where_bf16_gives_no_number(tmp_path, error):
    chosen = choose_precision(TwoFormats(error=error), tmp_path)
    assert chosen.fingerprint == "fp32"
    assert "not a finite number" in chosen.facts["precision_reason"]


def test_fp32_stays_where_nothing_can_be_compared(tmp_path):
    corpus = noises(tmp_path / "c", 3)
    deaf = precision.compare(TwoFormats(error=0, shortest=10**9), corpus, store(tmp_path))
    assert (deaf["precision"], "decoded" in deaf["precision_reason"]) == ("fp32", True)
    bare = precision.compare(TwoFormats(error=0, labels=()), corpus, store(tmp_path))
    assert (bare["precision"], "encoder" in bare["precision_reason"]) == ("fp32", True)


def test_the_choice_is_kept_and_nothing_is_compared_twice(tmp_path):
    first = choose_precision(TwoFormats(error=0.001), tmp_path)
    # a comparison now would choose fp32
    again = TwoFormats(error=1.0)
    second = choose_precision(again, tmp_path)
    assert again.clips_with_layers == []
    assert second.facts == first.facts
    assert second.fingerprint == "bf16"


def test_a_damaged_choice_is_made_again(tmp_path):
    choose_precision(TwoFormats(error=0.001), tmp_path)
    (path,) = (tmp_path / "store" / "precision").glob("*.json")
    of_eight_clips = '{"precision": "bf16", "precision_difference": 0.001}'
    for damage in ("", "[1]", '{"precision": "fp8"}', of_eight_clips):
        path.write_text(damage)
        model = TwoFormats(error=0.001)
        assert choose_precision(model, tmp_path).fingerprint == "bf16"
        assert model.clips_with_layers == [8] * 8


def test_a_corpus_of_few_clips_is_not_compared_and_says_so(tmp_path):
    model = TwoFormats(error=0.001)
    chosen = choose_precision(model, tmp_path, 31)
    assert chosen.fingerprint == "fp32"
    assert model.clips_with_layers == []
    assert chosen.facts["precision_reason"] == (
        "with fewer than 32 clips, comparing bf16 with fp32 takes longer than bf16 could save"
    )


@pytest.mark.parametrize(
    ("errors", "chosen", "tried"),
    [
        ((0.004, 0, 0, 0), (), 1),
        ((0.02, 0.004, 0, 0), ("last",), 2),
        ((0.02, 0.02, 0.02, 0.001), ("last", "front"), 4),
    ],
)
def test_the_fewest_parts_stay_in_fp32_with_which_bf16_is_near_enough(tmp_path, errors, chosen, tried):
    found = choose_precision(InParts(error=0, errors=errors), tmp_path, 40)
    assert found.facts["precision"] == "bf16"
    assert tuple(found.facts.get("precision_exact_parts", ())) == chosen
    assert found.facts["precision_difference"] == pytest.approx(errors[tried - 1], abs=1e-7)
    # by hand: 1 − (.05 / k)^(1/32), since k choices were compared on the same clips
    assert found.facts["precision_exceeding"] == pytest.approx(1 - (0.05 / tried) ** (1 / 32), abs=1e-9)


def test_fp32_stays_where_no_part_in_fp32_helps(tmp_path):
    found = choose_precision(InParts(error=0, errors=(0.02, 0.03, 0.04, 0.05)), tmp_path)
    assert found.facts["precision"] == "fp32"
    assert found.facts["precision_difference"] == pytest.approx(0.02, abs=1e-7)
    assert "precision_exact_parts" not in found.facts


def test_parts_in_fp32_bring_a_checkpoint_nearer_and_have_a_fingerprint_of_their_own(tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path / "m")
    model = load_model(str(folder), LoadOptions(device="cpu"))
    corpus = noises(tmp_path / "c", 8)
    signals = [corpus.signal(clip, 16000) for clip in corpus.clips.index]
    exact = model.with_precision("fp32").predict(signals).scores
    ways = {parts: model.with_precision("bf16", precision_exact_parts=parts) for parts in ((), model.parts)}
    furthest = {parts: np.abs(way.predict(signals).scores - exact).max() for parts, way in ways.items()}
    assert len(model.parts) == 2
    assert furthest[model.parts] < furthest[()]
    assert len({way.fingerprint for way in ways.values()}) == 2


def test_another_corpus_is_compared_for_itself(tmp_path):
    model = TwoFormats(error=0.001)
    for clips in (32, 33):
        corpus = noises(tmp_path / f"c{clips}", clips)
        precision.choose_precision(model, corpus, fingerprint(corpus), store(tmp_path))
    assert model.clips_with_layers == [8] * 16


def test_the_sample_grows_with_the_corpus_and_its_bound_is_told(tmp_path):
    # by hand: 1 − .05^(1/32) = .0894
    few = choose_precision(TwoFormats(error=0.001), tmp_path, 40)
    assert few.facts["precision_clips"] == 32
    assert few.facts["precision_exceeding"] == pytest.approx(0.0894, abs=5e-5)
    assert few.facts["precision_reason"] == (
        "on 32 of 40 clips, drawn at random, no prediction in bf16 differs by more than 0.0010 from fp32; "
        "with 95 % confidence, fewer than 8.9 % of the clips differ by more"
    )
    many = choose_precision(TwoFormats(error=0.001), tmp_path, 1100)
    assert many.facts["precision_clips"] == 34  # the root of 1100 is 33.2


def test_the_order_of_rows_changes_neither_the_sample_nor_the_choice(tmp_path):
    corpus = noises(tmp_path / "c", 40)
    turned = replace(corpus, clips=corpus.clips.iloc[::-1])
    model = TwoFormats(error=0.001)
    first, second = (precision.compare(model, each, store(tmp_path)) for each in (corpus, turned))
    assert first == second
    drawn = precision.sample(list(corpus.clips.index))[:32]
    assert drawn != list(corpus.clips.index[:32])


def test_fewer_clips_than_the_bound_differ_by_more_in_95_of_100_samples():
    rng = np.random.default_rng(15)
    total, n, missed = 500, 32, 0
    for _ in range(2000):
        differences = rng.lognormal(size=total)
        largest = rng.choice(differences, n, replace=False).max()
        missed += (differences > largest).mean() > precision.exceeding(n, total)
    # a sample without replacement covers a little more often; three standard errors of 2000 draws
    assert 0.02 < missed / 2000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_the_mean_difference_is_bounded_by_its_interval():
    differences = np.array([[0.001, -0.002], [0.003, -0.004], [0.002, -0.003]])
    # by hand: mean .003, sd .001, t with 2 degrees of freedom 4.3027
    assert precision._shift(differences) == pytest.approx(0.003 + 4.3027 * 0.001 / np.sqrt(3), abs=1e-7)


def test_clips_that_cannot_be_heard_are_passed_over(tmp_path):
    corpus = noises(tmp_path / "c", 12)
    for clip in corpus.clips.index[:3]:
        corpus.path(clip).write_bytes(b"no sound")
    choice = precision.compare(TwoFormats(error=0.0), corpus, store(tmp_path))
    assert choice["precision_clips"] == 9
    assert choice["precision_difference"] == 0.0


def test_models_with_nothing_to_choose_come_back_as_they_are(tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path / "m")
    corpus = noises(tmp_path / "c", 3)
    for asked in ("fp32", "bf16"):
        model = load_model(str(folder), LoadOptions(precision=asked))
        assert precision.choose_precision(model, corpus, "sound", store(tmp_path)) is model
        assert model.facts["precision"] == asked
    assert not (tmp_path / "store" / "precision").exists()


def test_formats_do_not_share_what_is_stored(tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path / "m")
    prints = {load_model(str(folder), LoadOptions(precision=p)).fingerprint for p in ("fp32", "bf16")}
    assert len(prints) == 2


@pytest.mark.skipif(not NATIVE, reason="this processor does not multiply bf16 natively")
def test_a_checkpoint_on_this_processor_chooses_by_what_it_measured(tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path / "m")
    corpus = noises(tmp_path / "c", 32)
    # compared even where bf16 is not faster, so that this test says something on such a processor
    model = replace(load_model(str(folder), LoadOptions(device="cpu")), needs_precision=True)
    chosen = precision.choose_precision(model, corpus, "sound", store(tmp_path))
    difference = chosen.facts["precision_difference"]
    assert (chosen.facts["precision"] == "bf16") == (difference <= precision.TOLERANCE)
    parts = chosen.facts.get("precision_exact_parts", [])
    fixed = load_model(str(folder), LoadOptions(device="cpu", precision=chosen.facts["precision"]))
    assert (chosen.fingerprint == fixed.fingerprint) == (not parts)
    again = fixed.with_precision(chosen.facts["precision"], precision_exact_parts=parts)
    assert chosen.fingerprint == again.fingerprint


def test_auto_predicts_the_numbers_of_the_format_it_chose_and_plans_with_them(tmp_path):
    corpus, settings = noises(tmp_path / "c", 70), predict_module.Settings(cache=tmp_path / "store")
    model = TwoFormats(error=0.004)
    scores = predict_module.predict(model, corpus, settings=settings)["clean"].scores["arousal"]
    exact = predict_module.predict(model.with_precision("fp32"), corpus, settings=settings)["clean"].scores[
        "arousal"
    ]
    np.testing.assert_allclose(scores - exact, 0.004, atol=1e-6)
    chosen = precision.choose_precision(model, corpus, fingerprint(corpus), settings)
    (job,) = jobs(chosen, corpus, [condition.Condition()], settings=settings)
    assert job.stored == 70


@pytest.mark.parametrize(
    ("flags", "native"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_tile amx_bf16", True),
        ("flags\t\t: fpu avx512f avx512_bf16", True),
        ("flags\t\t: fpu avx512f avx512_vnni", False),
        ("model name : amx_bf16", False),
        ("", False),
    ],
)
def test_processors_are_known_by_their_flags(flags, native):
    assert multiplies_bf16(flags) is native


def test_other_devices_are_not_taken_for_native():
    assert native_bf16("mps") is False
