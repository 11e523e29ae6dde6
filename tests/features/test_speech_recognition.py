"""Words that a recogniser hears, from a checkpoint in its true layout to a column of the corpus."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sertools.audio.files import write_audio
from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError
from sertools.features import columns
from sertools.features.speech_recognition import WORDS, Recogniser, coded, decoded
from sertools.inference import predict
from sertools.inference.jobs import jobs
from sertools.tables import condition
from tests.helpers.checkpoints import speech
from tests.helpers.word_checkpoints import LETTERS, write_ctc


@pytest.fixture(scope="module")
def ctc(tmp_path_factory) -> Path:
    """A small wav2vec2 CTC recogniser with random weights."""
    return write_ctc(tmp_path_factory.mktemp("ctc"))


def decoded_by_hand(ctc, signal) -> str:
    """CTC by hand: the best letter of each frame, repeats joined, blanks taken out."""
    from transformers import Wav2Vec2ForCTC

    normal = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
    with torch.inference_mode():
        logits = Wav2Vec2ForCTC.from_pretrained(ctc).eval()(torch.from_numpy(normal)[None]).logits[0]
    best = logits.argmax(dim=-1).tolist()
    joined = [code for i, code in enumerate(best) if i == 0 or code != best[i - 1]]
    letters = "".join(LETTERS[code] for code in joined if code > 3)
    return " ".join(letters.replace("|", " ").split())


def test_ctc_hears_what_its_best_letters_say(ctc):
    recogniser = Recogniser(checkpoint=str(ctc))
    for signal in speech([16000, 9000]):
        assert recogniser.text(signal) == decoded_by_hand(ctc, signal)
    assert recogniser.sampling_rate == 16000


def test_the_words_become_a_column_and_are_kept(ctc, tmp_path):
    signals = speech([16000, 8000, 12000])
    for i, signal in enumerate(signals):
        write_audio(tmp_path / f"{i}.wav", signal, 16000)
    (tmp_path / "1.wav").write_bytes(b"no sound")
    frame = pd.DataFrame({"file": [f"{i}.wav" for i in range(3)], "start": np.nan, "end": np.nan})
    corpus = Corpus(name="made", clips=frame.set_index(pd.Index(list("abc"), name="clip")), root=tmp_path)
    settings = predict.Settings(cache=tmp_path / "cache")

    def scores_of(measure, of):
        return predict.predict(measure, of, settings=settings)["clean"].scores

    column = f"recognised@{ctc}"
    found = columns.measured(corpus, [column], scores_of).clips[column]
    assert found["a"] == decoded_by_hand(ctc, signals[0])
    assert found["c"] == decoded_by_hand(ctc, signals[2])
    assert found.isna().tolist() == [False, True, False]
    again = jobs(columns.maker(column)(), corpus, [condition.Condition()], settings=settings)
    assert not any(job.shards for job in again)


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "Grüße 😀", "x" * 3 * WORDS])
def test_a_text_survives_its_numbers(text):
    numbers = coded(text).astype(np.float32)
    assert decoded(numbers) == text


def test_a_text_that_is_too_long_is_missing_and_not_cut():
    assert np.isnan(coded("x" * (3 * WORDS + 1))).all()


def test_a_checkpoint_that_recognises_nothing_says_so(tmp_path):
    from tests.helpers.checkpoints import write_checkpoint

    write_checkpoint(tmp_path / "emotions")
    with pytest.raises(
        ModelError, match="is not a speech recogniser: its architecture is Wav2Vec2ForSequenceClassification"
    ):
        Recogniser(checkpoint=str(tmp_path / "emotions"))
    with pytest.raises(ModelError, match="no such directory"):
        Recogniser(checkpoint=str(tmp_path / "nothing"))


def test_a_recogniser_without_its_vocabulary_says_so(ctc, tmp_path):
    for path in ctc.iterdir():
        if "vocab" not in path.name and "token" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ModelError, match="cannot be read"):
        Recogniser(checkpoint=str(tmp_path))


def test_whisper_is_asked_by_its_own_generation(tmp_path):
    """Random weights say nothing sensible; what they say is what transformers' own generation gives."""
    from tokenizers import Tokenizer, models
    from transformers import (
        GenerationConfig,
        PreTrainedTokenizerFast,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )

    vocabulary = {f"w{i}": i for i in range(20)} | {"<|endoftext|>": 20, "<|startoftranscript|>": 21}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="w0")), eos_token="<|endoftext|>"
    )
    tokenizer.save_pretrained(tmp_path)
    WhisperFeatureExtractor().save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=22, d_model=32, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=64, decoder_start_token_id=21,
        eos_token_id=20, bos_token_id=20, pad_token_id=20, max_target_positions=12,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        max_length=8, eos_token_id=20, pad_token_id=20, bos_token_id=20, decoder_start_token_id=21
    )
    model.save_pretrained(tmp_path)
    recogniser = Recogniser(checkpoint=str(tmp_path))
    assert recogniser.longest == 480000
    (signal,) = speech([16000])
    features = WhisperFeatureExtractor()(signal, sampling_rate=16000, return_tensors="pt").input_features
    with torch.inference_mode():
        tokens = model.eval().generate(features, do_sample=False)[0]
    expected = tokenizer.decode(tokens, skip_special_tokens=True).strip()
    assert expected
    assert recogniser.text(signal) == expected
