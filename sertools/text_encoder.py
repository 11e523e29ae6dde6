"""Vectors of the words of clips by a transformers text encoder: BERT and its like, frozen.

The vector of a text is the mean over its tokens of the last layer. Texts are read one by one, so that what
else there is to read changes no number, and kept in the store, where cache, resume and damage are taken care
of.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.corpus import Corpus
from sertools.errors import ModelError
from sertools.models.frozen import content, frozen
from sertools.models.hub import folder_of
from sertools.reading import Reading, packed
from sertools.store import Key, read_layers, read_shard, shards, write_shard

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, kw_only=True)
class TextEncoder:
    """A frozen text encoder.

    Attributes:
        name: of the checkpoint
        fingerprint: of its files
        tokenizer, module: of transformers
        longest: tokens that it reads of a text at most
    """

    name: str
    fingerprint: str
    tokenizer: Any
    module: Any
    longest: int

    def vector(self, text: str) -> np.ndarray:
        """The mean over tokens of the last layer, shape (d,), float32; tokens beyond the longest are cut."""
        import torch

        tokens = self.tokenizer(text, return_tensors="pt", truncation=True, max_length=self.longest)
        with torch.inference_mode():
            states = self.module(**tokens).last_hidden_state[0]
        mean: np.ndarray = states.float().mean(dim=0).numpy()
        return mean


def load_encoder(spec: str) -> TextEncoder:
    """The text encoder in a directory or on the hub.

    Raises:
        ModelError: there is none, it lacks weights, or it is no text encoder
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    folder, source = folder_of(spec)
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if getattr(config, "vocab_size", None) is None or hasattr(config, "conv_dim"):
        raise ModelError(
            f"{source} is no text encoder, but {config.model_type}", hint="name one such as BERT"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{source} has no tokenizer that can be read: {str(error).strip().splitlines()[0]}",
            hint="its files lie beside config.json: tokenizer.json, or vocab.txt",
        ) from error
    module = frozen(AutoModel, folder, unread=("pooler.",))
    module = module.get_encoder() if config.is_encoder_decoder else module
    # positions of RoBERTa begin at 2
    positions = int(getattr(config, "max_position_embeddings", 0) or 512) - 2
    longest = min(positions, int(tokenizer.model_max_length))
    name = folder.resolve().name if source == str(folder) else source.replace("/", "--")
    return TextEncoder(
        name=name, fingerprint=content(folder), tokenizer=tokenizer, module=module, longest=longest
    )


def read(corpus: Corpus, readings: Sequence[Reading], root: Path, progress: Progress) -> Corpus:
    """The corpus with a column of vectors for each reading; a clip without words has none.

    Args:
        corpus: whose words are read
        readings: by which encoder, in which column
        root: of the store
        progress: shows how far it is

    Raises:
        ModelError: an encoder that cannot be read
        StoreError: the store cannot be written
    """
    clips, notes = corpus.clips, list(corpus.notes)
    for reading in dict.fromkeys(readings):
        if reading.text not in clips or clips[reading.text].isna().all():
            continue
        encoder = load_encoder(reading.encoder)
        texts = clips[reading.text]
        different, told = different_texts(texts)
        vectors = _stored(encoder, different, root, progress)
        rows = np.full((len(clips), vectors.shape[1]), np.nan, dtype=np.float32)
        rows[told] = vectors[different.get_indexer(pd.Index(texts[told]))]
        clips = clips.assign(**{reading.column: packed(rows, clips.index)})
        width = rows.shape[1]
        notes.append(f"Words were read by {encoder.name}: the mean over tokens of its last layer ({width}).")
    return replace(corpus, clips=clips, notes=tuple(notes))


def different_texts(texts: pd.Series) -> tuple[pd.Index, np.ndarray]:
    """The different texts among those of clips, sorted, and which clips have one, shape (n,)."""
    told = texts.map(lambda text: isinstance(text, str) and bool(text.strip())).to_numpy(dtype=bool)
    return pd.Index(sorted(set(texts[told])), name="clip"), told


def unread(encoder: TextEncoder, texts: pd.Index, root: Path) -> list[tuple[int, pd.Index]]:
    """Number and texts of the shards of different texts that the store lacks."""
    folder = _place(encoder, texts, root)
    return [(i, part) for i, part in shards(texts) if _kept(folder, i, part) is None]


def write_vectors(folder: Path, i: int, texts: pd.Index, vectors: np.ndarray) -> None:
    """Writes a shard of texts with their vectors (n, d)."""
    write_shard(folder, i, pd.DataFrame({"reason": ""}, index=texts), vectors[:, None])


def _place(encoder: TextEncoder, texts: pd.Index, root: Path) -> Path:
    said = hashlib.blake2b(json.dumps(list(texts)).encode(), digest_size=16).hexdigest()
    key = Key(model=(encoder.name, encoder.fingerprint), corpus=("texts", said), condition=("read", "1"))
    return key.folder(root)


def _kept(folder: Path, i: int, texts: pd.Index) -> np.ndarray | None:
    """The vectors of a shard (n, d); None where it is not there whole."""
    vectors = read_layers(folder, i, len(texts)) if read_shard(folder, i, texts) is not None else None
    return None if vectors is None else vectors[:, 0]


def _stored(encoder: TextEncoder, texts: pd.Index, root: Path, progress: Progress) -> np.ndarray:
    """Vectors of different texts (n, d), shard by shard from the store, or into it."""
    folder, found = _place(encoder, texts, root), []
    with progress(f"reading words with {encoder.name}", len(texts)) as advance:
        for i, part in shards(texts):
            vectors = _kept(folder, i, part)
            if vectors is None:
                vectors = np.stack([encoder.vector(text) for text in part])
                write_vectors(folder, i, part, vectors)
            found.append(vectors)
            advance(len(part))
    return np.concatenate(found)
