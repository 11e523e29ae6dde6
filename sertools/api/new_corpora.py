"""Make new corpora from Python: segments, resampled, exported, merged, spoken."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from sertools.api.corpora import CorpusSource, corpus_of
from sertools.corpora import speak
from sertools.corpora.corpus import Corpus, write_corpus
from sertools.corpora.making import export, merge, resample, segment
from sertools.corpora.making.new import check_new_folder
from sertools.errors import CorpusError
from sertools.inference.settings import Progress
from sertools.speech import engines


def segment_corpus(
    data: CorpusSource,
    out: str | Path,
    *,
    by: Literal["voice", "windows"] = "voice",
    window: float | None = None,
    hop: float | None = None,
    shortest: float = 0.3,
) -> Corpus:
    """Cut the clips of a corpus into segments; no audio is copied.

    Args:
        data: a corpus, or what `load_corpus` takes
        out: a new folder for the table of segments
        by: `voice` for voice activity, `windows` for windows of one length
        window: length of a window in s, and longest segment with voice; None for no longest segment
        hop: time from one window to the next in s; None for windows side by side
        shortest: shorter segments are left out, in s

    Returns:
        The corpus of segments; labels are those of the whole clip, whose id is in the column `segment_of`.

    Raises:
        CorpusError: the corpus cannot be read, `out` is not empty, webrtcvad is missing, or nothing is left

    Example:
        ```python
        parts = sertools.segment_corpus("clips.csv", "parts", by="windows", window=0.1, shortest=0.05)
        parts.clips[["segment_of", "start", "end"]]
        ```
    """
    check_new_folder(Path(out))
    cut = segment.Cut(by=by, window_s=window, hop_s=hop, shortest_s=shortest)
    parts = segment.segment(corpus_of(data), cut)
    write_corpus(parts, Path(out))
    return parts


def resample_corpus(data: CorpusSource, out: str | Path, *, rate: int = 16000) -> Corpus:
    """Write the audio of a corpus at another sampling rate: one mono file for each clip.

    Args:
        data: a corpus, or what `load_corpus` takes
        out: a new folder for the files and their table
        rate: new sampling rate in Hz

    Returns:
        The new corpus; ids of clips are kept, and their files in the column `original_file`.

    Raises:
        CorpusError: the corpus cannot be read, `out` is not empty, or an impossible rate

    Example:
        ```python
        narrow = sertools.resample_corpus("clips.csv", "clips-8k", rate=8000)
        ```
    """
    return resample.resample(corpus_of(data), rate, Path(out))


def export_corpus(data: CorpusSource, out: str | Path, *, format: export.Format = "csv") -> Path:
    """Write a corpus for other programs; ratings are in [0, 1], and ids of clips are kept.

    Args:
        data: a corpus, or what `load_corpus` takes
        out: a new file for `csv`, `parquet` and `egemaps` (88 features of each clip), a new folder otherwise
        format: `csv`, `parquet`, `audformat`, `datasets` or `egemaps`

    Returns:
        The file or folder.

    Raises:
        CorpusError: the corpus cannot be read, or `out` exists, cannot be written or has another ending
        ModelError: openSMILE is not installed, for `egemaps`

    Example:
        ```python
        sertools.export_corpus("clips.csv", "clips.parquet", format="parquet")
        ```
    """
    export.export(corpus_of(data), format, Path(out))
    return Path(out)


def merge_corpora(parts: Sequence[CorpusSource], out: str | Path) -> Corpus:
    """Join several corpora into one, in a new folder; no audio is copied.

    Args:
        parts: at least two corpora, or what `load_corpus` takes
        out: a new folder for the table

    Returns:
        The corpus; ids of clips and speakers get the name of their corpus, and the column `original_clip`
        keeps the old ids.

    Raises:
        CorpusError: fewer than two corpora, one that cannot be read, a clip in two of them, or `out` is not
            empty

    Example:
        ```python
        both = sertools.merge_corpora(["clips.csv", "voices"], "both")
        ```
    """
    return merge.merge([corpus_of(each) for each in parts], Path(out))


def synthesise_corpus(
    out: str | Path,
    *,
    engine: str = "espeak",
    voices: Sequence[str] = (),
    languages: Sequence[str] = (),
    per_word: int = 2,
    sentences: str | Path | None = None,
    transcripts: CorpusSource | None = None,
    progress: Progress = lambda description, total: nullcontext(lambda n: None),
) -> Corpus:
    """Synthesise sentences with text-to-speech voices, as a corpus to audit.

    Args:
        out: folder to write, or to continue if an earlier call was interrupted
        engine: `espeak` (offline), `gtts` (online), or `piper` (your own voice files)
        voices: names of voices; by default the engine's own choice for each language
        languages: of the built-in sentences: `eng`, `deu`, `fra`, `ita`, `spa`; or the one of your own
        per_word: built-in sentences per word, 1 to 8
        sentences: your own: a text file with one sentence per line, or a CSV with a column `transcript`
        transcripts: a corpus whose transcripts are spoken; its labels are kept
        progress: shows the progress

    Returns:
        The corpus; `out` can be passed to `load_corpus` later.

    Raises:
        CorpusError: a sentence cannot be spoken, or the folder cannot be written
        SertoolsError: unknown engine or voice, or the engine fails; finished clips stay

    Example:
        ```python
        corpus = sertools.synthesise_corpus("spoken", voices=["en-us+f1", "en-us+m1"], per_word=1)
        ```
    """
    if isinstance(voices, str) or isinstance(languages, str):
        raise CorpusError("voices and languages are lists of names, not a single text")
    script = speak.script(
        languages,
        per_word,
        None if sentences is None else Path(sentences),
        None if transcripts is None else lambda: corpus_of(transcripts),
    )
    corpus, _ = speak.make_corpus(script, engines.engine(engine), Path(out), voices=voices, progress=progress)
    return corpus
