"""Text embeddings of transcripts from a frozen transformers text encoder, such as BERT.

The embedding of a text is the mean of the last layer over its tokens. Texts are encoded one at a time, so
that a result does not depend on the other texts, and cached in the store, which handles resuming and damaged
files.
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
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError, foreign
from sertools.models.checkpoints.frozen import config_of, content, frozen
from sertools.models.checkpoints.hub.files import folder_of
from sertools.store.key import Key
from sertools.store.store import read_layers, read_shard, shards, write_shard
from sertools.tables.text_vectors import TextVectors, packed

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, kw_only=True)
class TextEncoder:
    """A frozen text encoder.

    Attributes:
        name: of the checkpoint
        fingerprint: of its files
        tokenizer, module: of transformers
        longest: maximum number of tokens per text
    """

    name: str
    fingerprint: str
    tokenizer: Any
    module: Any
    longest: int

    def vector(self, text: str) -> NDArray[np.float32]:
        """Mean of the last layer over tokens, shape (d,), float32; tokens beyond `longest` are cut off."""
        import torch

        tokens = self.tokenizer(text, return_tensors="pt", truncation=True, max_length=self.longest)
        with torch.inference_mode():
            states = self.module(**tokens).last_hidden_state[0]
        mean: NDArray[np.float32] = states.float().mean(dim=0).numpy()
        return mean


def load_encoder(spec: str) -> TextEncoder:
    """Loads the text encoder from a directory or the hub.

    Raises:
        ModelError: the checkpoint does not exist, lacks weights, or is not a text encoder
    """
    from transformers import AutoModel, AutoTokenizer

    folder, source = folder_of(spec)
    config = config_of(folder)
    if getattr(config, "vocab_size", None) is None or hasattr(config, "conv_dim"):
        raise ModelError(
            f"{source} is not a text encoder: its model type is {config.model_type}",
            hint="use a text encoder such as BERT",
        )
    hint = "its folder must contain tokenizer.json or vocab.txt"
    with foreign(f"{source} has no readable tokenizer", ModelError, hint=hint):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    module = frozen(AutoModel, folder, unread=("pooler.",))
    module = module.get_encoder() if config.is_encoder_decoder else module
    # positions of RoBERTa begin at 2
    positions = int(getattr(config, "max_position_embeddings", 0) or 512) - 2
    longest = min(positions, int(tokenizer.model_max_length))
    name = folder.resolve().name if source == str(folder) else source.replace("/", "--")
    return TextEncoder(
        name=name, fingerprint=content(folder), tokenizer=tokenizer, module=module, longest=longest
    )


def read(corpus: Corpus, text_vectors: Sequence[TextVectors], root: Path, progress: Progress) -> Corpus:
    """The corpus with a column of text embeddings for each reading; a clip without text has none.

    Args:
        corpus: the corpus whose texts are encoded
        text_vectors: which text column to encode, with which encoder, and the column for the result
        root: root folder of the store
        progress: displays the progress

    Raises:
        ModelError: an encoder cannot be loaded
        StoreError: the store cannot be written
    """
    clips, notes = corpus.clips, list(corpus.notes)
    for wanted in dict.fromkeys(text_vectors):
        if wanted.text not in clips or clips[wanted.text].isna().all():
            continue
        encoder = load_encoder(wanted.encoder)
        texts = clips[wanted.text]
        different, has_text = different_texts(texts)
        vectors = _stored(encoder, different, root, progress)
        rows = np.full((len(clips), vectors.shape[1]), np.nan, dtype=np.float32)
        rows[has_text] = vectors[different.get_indexer(pd.Index(texts[has_text]))]
        clips = clips.assign(**{wanted.column: packed(rows, clips.index)})
        width = rows.shape[1]
        notes.append(
            f"Texts were encoded by {encoder.name}: mean of its last layer over tokens ({width} dimensions)."
        )
    return replace(corpus, clips=clips, notes=tuple(notes))


def different_texts(texts: "pd.Series[Any]") -> tuple["pd.Index[str]", NDArray[np.bool_]]:
    """The distinct texts of clips, sorted, and a mask of the clips that have a text, shape (n,)."""
    has_text = texts.map(lambda text: isinstance(text, str) and bool(text.strip())).to_numpy(dtype=bool)
    return pd.Index(sorted(set(texts[has_text])), name="clip"), has_text


def unread(encoder: TextEncoder, texts: "pd.Index[str]", root: Path) -> list[tuple[int, "pd.Index[str]"]]:
    """Number and texts of each shard of distinct texts that is not in the store."""
    folder = _folder(encoder, texts, root)
    return [(i, part) for i, part in shards(texts) if _read(folder, i, part) is None]


def write_vectors(folder: Path, i: int, texts: "pd.Index[str]", vectors: NDArray[np.float32]) -> None:
    """Writes a shard of texts with their vectors (n, d)."""
    write_shard(folder, i, pd.DataFrame({"reason": ""}, index=texts), vectors[:, None])


def _folder(encoder: TextEncoder, texts: "pd.Index[str]", root: Path) -> Path:
    digest = hashlib.blake2b(json.dumps(list(texts)).encode(), digest_size=16).hexdigest()
    key = Key(model=(encoder.name, encoder.fingerprint), corpus=("texts", digest), condition=("read", "1"))
    return key.folder(root)


def _read(folder: Path, i: int, texts: "pd.Index[str]") -> NDArray[np.float32] | None:
    """The vectors of a shard (n, d); None if it is missing or incomplete."""
    vectors = read_layers(folder, i, len(texts)) if read_shard(folder, i, texts) is not None else None
    return None if vectors is None else vectors[:, 0]


def _stored(
    encoder: TextEncoder, texts: "pd.Index[str]", root: Path, progress: Progress
) -> NDArray[np.float32]:
    """Vectors of distinct texts (n, d), shard by shard read from the store, or computed and stored."""
    folder, found = _folder(encoder, texts, root), []
    with progress(f"encoding texts with {encoder.name}", len(texts)) as advance:
        for i, part in shards(texts):
            vectors = _read(folder, i, part)
            if vectors is None:
                vectors = np.stack([encoder.vector(text) for text in part])
                write_vectors(folder, i, part, vectors)
            found.append(vectors)
            advance(len(part))
    return np.concatenate(found)
