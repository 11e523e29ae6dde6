"""Small checkpoints with random weights that read or recognise words, written to disk for the tests."""

import json
from pathlib import Path

import torch

from tests.helpers.checkpoints import SMALL

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", "A", "B", "C", "D"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "yes", "no", "never", "again", "."]


def write_bert(folder: Path) -> Path:
    """A BERT of 16 dimensions that knows `WORDS`; returns its folder."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def write_ctc(folder: Path) -> Path:
    """A wav2vec2 CTC recogniser that writes `LETTERS`; returns its folder."""
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    torch.manual_seed(1)
    settings = {key: value for key, value in SMALL.items() if key != "classifier_proj_size"}
    config = Wav2Vec2Config(vocab_size=len(LETTERS), pad_token_id=0, **settings)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder
