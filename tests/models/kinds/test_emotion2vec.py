"""emotion2vec checkpoints in their published layout, beside what FunASR itself makes of them."""

import io
import logging
import os
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sertools.errors import ModelError
from sertools.inference import predict
from sertools.inference.settings import Settings
from sertools.labels import canonical
from sertools.models.checkpoints.emotion2vec_files import english
from sertools.models.load import load_model
from tests.helpers.emotion2vec_checkpoints import (
    DEPTH,
    EXTRA,
    INSTALLED,
    PRENET,
    TOKENS,
    WIDTH,
    config,
    write_files,
)
from tests.helpers.small import RATE, noises

needs_funasr = pytest.mark.skipif(not INSTALLED, reason="needs FunASR: pip install funasr")


def network(settings: dict, outputs: int):
    """FunASR's own network with weights from a seed."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of a library that imports all it has
        from funasr.models.emotion2vec.model import Emotion2vec

    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = Emotion2vec(model_conf=settings["model_conf"], vocab_size=outputs)
        for tensor in made.parameters():
            if tensor.dim() < 2:
                tensor.data.add_(0.1 * torch.randn(tensor.shape))
    return made


def checkpoint(folder: Path, tokens: list[str] = TOKENS, **changed) -> Path:
    """A random checkpoint: the encoder's weights under `d2v_model.`, as in the fine-tuned ones."""
    settings = config(**changed)
    state = network(settings, len(tokens)).state_dict()
    named = {key if key.startswith("proj.") else f"d2v_model.{key}": value for key, value in state.items()}
    return write_files(folder, settings, named, tokens)


def signals() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [(0.1 * rng.standard_normal(n)).astype(np.float32) for n in (400, 9000, 16000)]


def by_funasr(folder: Path, granularity: str = "utterance") -> list[dict]:
    """What FunASR's inference answers for the signals."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from funasr import AutoModel

        model = AutoModel(model=str(folder), disable_update=True, disable_pbar=True, device="cpu")
        asked = {"granularity": granularity, "extract_embedding": True, "fs": RATE}
        return [model.generate(signal, **asked)[0] for signal in signals()]


@pytest.fixture
def quiet(monkeypatch):
    """FunASR logs to the root logger and sets the level of it and torch's threads; both are put back."""
    level, threads = logging.getLogger().level, torch.get_num_threads()
    monkeypatch.setenv("MODELSCOPE_CACHE", os.devnull)
    yield
    logging.getLogger().setLevel(level)
    torch.set_num_threads(threads)


@needs_funasr
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("normalize", [True, False])
def test_scores_and_features_are_those_of_funasrs_own_inference(tmp_path, normalize):
    folder = checkpoint(tmp_path / "m", normalize=normalize)
    model = load_model(f"emotion2vec:{folder}")
    outputs = model.predict(signals(), layers=True)
    theirs = by_funasr(folder)
    assert [english(token) for token in theirs[0]["labels"]] == list(model.labels)
    np.testing.assert_allclose(outputs.scores, [one["scores"] for one in theirs], atol=1e-6)
    np.testing.assert_allclose(outputs.layers[:, -1], [one["feats"] for one in theirs], atol=1e-5)
    assert outputs.scores.shape == (3, 9)
    assert outputs.scores.std(axis=0).max() > 1e-4, "clips differ"


@needs_funasr
@pytest.mark.usefixtures("quiet")
def test_frames_are_funasrs_and_their_means_are_the_layers(tmp_path):
    folder = checkpoint(tmp_path / "m")
    model = load_model(f"emotion2vec:{folder}")
    outputs, frames = model.predict_frames(signals())
    for clip, theirs in zip(frames, by_funasr(folder, "frame"), strict=True):
        np.testing.assert_allclose(clip.states[-1], theirs["feats"], atol=1e-5)
    assert {len(clip.states) for clip in frames} == {1 + PRENET + DEPTH}
    for i, clip in enumerate(frames):
        means = [state.mean(axis=0) for state in clip.states]
        np.testing.assert_allclose(outputs.layers[i], means, atol=1e-6)
    # 400 samples are one frame, whose middle is at 200; the next is 320 samples later
    assert len(frames[0].states[0]) == 1
    assert (frames[0].first_s[0], frames[0].step_s[0]) == (200 / RATE, 320 / RATE)


@needs_funasr
def test_layers_follow_from_each_other_block_by_block(tmp_path):
    model = load_model(f"emotion2vec:{checkpoint(tmp_path / 'm')}")
    states = model.predict_frames(signals()[1:2])[1][0].states
    # without extra tokens and distance bias, the last block is a function of the states before it alone
    plain = load_model(
        f"emotion2vec:{checkpoint(tmp_path / 'plain', num_extra_tokens=0, use_alibi_encoder=False)}"
    )
    before, after = plain.predict_frames(signals()[1:2])[1][0].states[-2:]
    with torch.inference_mode():
        expected = plain.network.blocks[-1](torch.from_numpy(before)[None])[0][0].numpy()
    np.testing.assert_allclose(after, expected, atol=1e-6)
    # layer 0 is normalised where the first block reads it: with these weights, (x − m)/s · w + b
    norm = model.network.modality_encoders["AUDIO"].context_encoder.norm
    scaled = (states[0] - norm.bias.detach().numpy()) / norm.weight.detach().numpy()
    np.testing.assert_allclose(scaled.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=1), 1, atol=1e-3)


@needs_funasr
@pytest.mark.usefixtures("quiet")
def test_lines_that_are_not_used_are_no_labels(tmp_path):
    tokens = ["unuse_0", "生气/angry", "unuse_1", "中立/neutral", "<unk>"]
    folder = checkpoint(tmp_path / "m", tokens)
    model = load_model(f"emotion2vec:{folder}")
    assert model.labels == ("angry", "neutral", "unknown")
    scores = model.predict(signals()).scores
    np.testing.assert_allclose(scores, [one["scores"] for one in by_funasr(folder)], atol=1e-6)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


@needs_funasr
def test_a_checkpoint_without_a_head_is_a_bare_encoder(tmp_path):
    model = load_model(f"emotion2vec:{checkpoint(tmp_path / 'm', [])}")
    assert (model.task, model.labels) == ("encoder", ())
    outputs = model.predict(signals(), layers=True)
    assert outputs.scores.shape == (3, 0)
    assert outputs.layers.shape == (3, 1 + PRENET + DEPTH, WIDTH)


@needs_funasr
def test_company_changes_no_answer(tmp_path):
    model = load_model(f"emotion2vec:{checkpoint(tmp_path / 'm')}")
    together = model.predict(signals()).scores
    alone = np.concatenate([model.predict([signal]).scores for signal in signals()])
    assert np.array_equal(together, alone)


@needs_funasr
def test_an_audit_hears_with_it(tmp_path):
    model = load_model(f"emotion2vec:{checkpoint(tmp_path / 'm')}")
    corpus = noises(tmp_path / "c")
    predicted = predict.predict(model, corpus, settings=Settings(cache=tmp_path / "store"), layers=True)[
        "clean"
    ]
    assert list(predicted.scores) == list(model.labels)
    assert predicted.missing.empty
    assert {canonical(name) for name in model.labels} >= {"anger", "happiness", "neutral", "sadness"}


@needs_funasr
def test_the_fingerprint_follows_weights_settings_and_tokens(tmp_path):
    prints = {
        load_model(f"emotion2vec:{folder}").fingerprint
        for folder in (
            checkpoint(tmp_path / "a"),
            checkpoint(tmp_path / "b", normalize=False),
            checkpoint(tmp_path / "c", [*TOKENS[:-2], "惊喜/surprised", "<unk>"]),
            checkpoint(tmp_path / "d", num_extra_tokens=EXTRA + 1),
        )
    }
    assert len(prints) == 4
    assert load_model(f"emotion2vec:{checkpoint(tmp_path / 'e')}").fingerprint in prints


@needs_funasr
def test_weights_that_do_not_fit_are_refused_and_others_are_named(tmp_path):
    folder = checkpoint(tmp_path / "m")
    state = torch.load(folder / "model.pt", weights_only=True)["model"]

    def saved(**changes):
        torch.save(
            {"model": {k: v for k, v in (state | changes).items() if v is not None}}, folder / "model.pt"
        )
        return f"emotion2vec:{folder}"

    key = "d2v_model.blocks.0.attn.qkv.weight"
    with pytest.raises(
        ModelError, match=r"lacks 1 of \d+ weights, e\.g\. blocks.0.attn.qkv.weight; .* leave them random"
    ):
        load_model(saved(**{key: None}))
    with pytest.raises(
        ModelError, match=r"blocks.0.attn.qkv.weight has shape \(3, 24\), .* requires \(72, 24\)"
    ):
        load_model(saved(**{key: state[key][:3]}))
    with pytest.raises(ModelError, match=r"blocks.0.attn.qkv.weight contains values that are not finite"):
        load_model(saved(**{key: state[key] * torch.nan}))
    extra = {"d2v_model.target.bias": torch.zeros(2)}
    assert load_model(saved(**extra)).facts["unexpected_keys"] == ["target.bias"]


@needs_funasr
def test_a_configuration_of_no_network_is_a_sentence(tmp_path):
    folder = checkpoint(tmp_path / "m")
    for changed in ({"depth": None}, {"embed_dim": 23}, {"extractor_mode": "group"}):
        settings = config(**changed)
        (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        with pytest.raises(ModelError, match=r"config\.yaml"):
            load_model(f"emotion2vec:{folder}")


@pytest.mark.skipif(INSTALLED, reason="FunASR is installed here")
def test_without_funasr_it_is_said_what_to_install(tmp_path):
    folder = write_files(tmp_path / "m", config(), {"x": torch.zeros(1)}, [])
    with pytest.raises(ModelError, match="emotion2vec needs FunASR, which is not installed") as failed:
        load_model(f"emotion2vec:{folder}")
    assert failed.value.hint == "pip install funasr"
