"""Several corpora as one, in a new folder; no audio is copied."""

from collections.abc import Sequence
from pathlib import Path

from sertools.corpora.corpus import Corpus, join_corpora, write_corpus
from sertools.corpora.making.new import check_new_folder
from sertools.errors import CorpusError

ORIGINAL = "original_clip"
"""Column with the id that a clip has in its own corpus."""


def merge(parts: Sequence[Corpus], folder: Path) -> Corpus:
    """Writes the joined corpora; ids get the name of their corpus, and the old ids are kept.

    Args:
        parts: at least two corpora
        folder: a new folder for `clips.parquet` and `corpus.toml`

    Raises:
        CorpusError: fewer than two corpora, a clip that is in two of them, or a folder that is not empty or
            cannot be written
    """
    if len(parts) < 2:
        raise CorpusError(
            "at least two corpora are needed", hint="name several: sertools corpus merge A B --out DIR"
        )
    check_new_folder(folder)
    names = [str(clip) for part in parts for clip in part.clips.index]
    joined = join_corpora(parts)
    joined.clips[ORIGINAL] = names
    write_corpus(joined, folder)
    return joined
