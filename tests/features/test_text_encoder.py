"""Words read by a frozen encoder, from its files to a column of the corpus."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError
from sertools.features.text_encoder import load_encoder, read
from sertools.tables.text_vectors import TextVectors, unpacked
from tests.helpers.word_checkpoints import write_bert


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A small BERT with random weights in its true layout."""
    return write_bert(tmp_path_factory.mktemp("bert"))


def corpus_of(texts, **columns) -> Corpus:
    index = pd.Index([f"c{i}" for i in range(len(texts))], name="clip")
    return Corpus(name="made", clips=pd.DataFrame({"transcript": texts, **columns}, index=index), root=Path())


def vectors_of(corpus, checkpoint, root, calls=None):
    def progress(text, n):
        if calls is not None:
            calls.append((text, n))
        return nullcontext(lambda done: None)

    reading = TextVectors(encoder=str(checkpoint))
    told = read(corpus, [reading], root, progress)
    return told, unpacked(told.clips[reading.column])


def test_a_vector_is_the_mean_over_tokens_of_the_last_layer(checkpoint):
    from transformers import BertModel

    encoder = load_encoder(str(checkpoint))
    tokens = torch.tensor([[2, 7, 8, 9, 3]])  # [CLS] never again . [SEP]
    with torch.inference_mode():
        states = BertModel.from_pretrained(checkpoint)(tokens).last_hidden_state[0]
    assert np.allclose(encoder.vector("Never again."), states.mean(dim=0).numpy(), atol=1e-6)


def test_each_text_is_read_once_and_clips_without_words_have_no_vector(checkpoint, tmp_path):
    calls = []
    told, vectors = vectors_of(corpus_of(["Yes.", None, "Never.", "Yes.", " "]), checkpoint, tmp_path, calls)
    assert vectors.shape == (5, 16)
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True, False, False, True]
    assert np.array_equal(vectors[0], vectors[3])
    assert np.array_equal(vectors[0], load_encoder(str(checkpoint)).vector("Yes."))
    assert [n for _, n in calls] == [2]
    assert told.notes[-1].endswith("mean of its last layer over tokens (16 dimensions).")


def test_what_was_read_is_kept_and_damage_is_read_anew(checkpoint, tmp_path):
    corpus = corpus_of(["Yes.", "No."])
    _, first = vectors_of(corpus, checkpoint, tmp_path)
    (kept,) = tmp_path.rglob("*.npy")
    before = kept.stat().st_mtime_ns
    assert np.array_equal(vectors_of(corpus, checkpoint, tmp_path)[1], first)
    assert kept.stat().st_mtime_ns == before
    kept.write_bytes(b"damaged")
    assert np.array_equal(vectors_of(corpus, checkpoint, tmp_path)[1], first)


def test_a_corpus_without_words_has_no_column(checkpoint, tmp_path):
    corpus = corpus_of([None, None])
    found = read(corpus, [TextVectors(encoder=str(checkpoint))], tmp_path, lambda *a: nullcontext())
    pd.testing.assert_frame_equal(found.clips, corpus.clips)


def test_a_text_beyond_the_longest_is_cut_and_not_refused(checkpoint):
    encoder = load_encoder(str(checkpoint))
    assert np.allclose(encoder.vector("no " * 500), encoder.vector("no " * 28), atol=1e-6)


def copied(checkpoint, folder: Path) -> Path:
    folder.mkdir()
    for path in checkpoint.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_missing_weight_is_refused_and_a_missing_pooler_is_not(checkpoint, tmp_path):
    folder = copied(checkpoint, tmp_path / "bert")
    weights = load_file(folder / "model.safetensors")
    kept = {key: value for key, value in weights.items() if not key.startswith("pooler.")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert len(load_encoder(str(folder)).vector("Yes."))
    gone = next(key for key in kept if key.endswith("layer.1.output.dense.weight"))
    del kept[gone]
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks these weights of BertModel: .*layer.1.output.dense.weight"):
        load_encoder(str(folder))


def test_half_a_weight_file_is_one_sentence(checkpoint, tmp_path):
    folder = copied(checkpoint, tmp_path / "bert")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="is not a complete safetensors file"):
        load_encoder(str(folder))


def test_a_folder_that_is_no_text_encoder_says_so(tmp_path):
    from tests.helpers.checkpoints import write_checkpoint

    write_checkpoint(tmp_path / "speech")
    with pytest.raises(ModelError, match="is not a text encoder: its model type is wav2vec2"):
        load_encoder(str(tmp_path / "speech"))
    with pytest.raises(ModelError, match="no such directory"):
        load_encoder(str(tmp_path / "nothing"))
