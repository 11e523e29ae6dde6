"""Makes a corpus of synthetic speech: chooses sentences and voices, and writes clips with their metadata.

The sentences are the built-in ones, those of a file, or the transcripts of a labelled corpus, whose ratings
are then available for synthetic speech of the same words (Wagner et al. 2023, §5.3).
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sertools.corpora.corpus import Corpus, write_corpus
from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from sertools.labels import DIMENSIONS
from sertools.speech.engines import Engine, three_letters
from sertools.speech.sentences import SENTIMENTS
from sertools.speech.sentiment_sentences import wordings
from sertools.speech.synthesis import RESERVED_COLUMNS, Line, Spoken, check_lines, speak_lines

TEXT_COLUMNS = ("transcript", "sentence", "text")
CARRIED_LABELS = ("emotion", "sentiment", "split")
SIMULATED = "The audio is synthetic speech: labels describe the words, not how they are spoken."
CARRIED = (
    "The audio is synthetic speech of the transcripts; the labels are those that people gave to the original "
    "recordings, which the speech synthesis did not use."
)


@dataclass(frozen=True, kw_only=True)
class Script:
    """Sentences to speak.

    Attributes:
        lines: one per sentence
        title: description of the sentences, for the corpus' README
        simulated: origin of the labels
        notes: remarks, e.g. on clips without a transcript
    """

    lines: list[Line]
    title: str
    simulated: str = SIMULATED
    notes: tuple[str, ...] = ()


def script(
    languages: Sequence[str],
    per_word: int,
    sentences: Path | None = None,
    transcripts: Callable[[], Corpus] | None = None,
) -> Script:
    """The script for the given options: sentences of a file, transcripts of a corpus, or built-in sentences.

    Raises:
        CorpusError: both a file and a corpus, or several languages for either
    """
    if sentences is None and transcripts is None:
        return built_in(languages or ["eng"], per_word=per_word)
    if sentences is not None and transcripts is not None:
        raise CorpusError("--sentences and --transcripts exclude each other", hint="use one of them")
    if len(languages) > 1:
        raise CorpusError(
            f"--language {' and '.join(languages)}: your own sentences take only one language",
            hint="pass the language they are in, or add a column 'language'",
        )
    language = languages[0] if languages else ""
    if sentences is not None:
        return from_file(sentences, language=language)
    assert transcripts is not None
    return from_corpus(transcripts(), language=language)


def built_in(languages: Sequence[str] = ("eng",), *, per_word: int = 2) -> Script:
    """The built-in sentences of some languages; see `sentiment_sentences`."""
    lines = [
        Line(
            text=each.text,
            language=each.language,
            where=f"built-in sentence {each.text!r}",
            labels={
                "sentiment": each.sentiment,
                "kind": each.kind,
                "template": each.template,
                "word": each.word,
            },
        )
        for language in dict.fromkeys(languages)
        for each in wordings(language, per_word=per_word)
    ]
    return Script(lines=lines, title=f"built-in sentences in {', '.join(languages)}")


def from_file(path: Path, *, language: str = "") -> Script:
    """Sentences of a text file, one per line, or of a CSV with a column `transcript`, `sentence` or `text`.

    Other columns of a CSV become columns of the corpus; `sentiment` must be negative, neutral or positive.

    Args:
        path: CSV, TSV, Parquet, or plain text in UTF-8 (blank lines are skipped)
        language: language of sentences that declare none

    Raises:
        CorpusError: no such file, no text, or an unknown sentiment
    """
    if path.suffix.lower() not in {".csv", ".tsv", ".parquet"}:
        return Script(lines=_plain_lines(path, language), title=f"the sentences of {path.name}")
    table = read_table(path)
    named = [name for name in TEXT_COLUMNS if name in table]
    if not named:
        raise CorpusError(
            f"{path.name} has no column 'transcript'; its columns are {', '.join(map(str, table.columns))}",
            hint=f"name the column with the sentences one of {', '.join(TEXT_COLUMNS)}",
        )
    lines = []
    for i, row in enumerate(table.to_dict("records")):
        where = f"{path.name}, sentence {i + 1}"
        reserved = (*named, *RESERVED_COLUMNS, "clip")
        labels = {str(name): value for name, value in row.items() if name not in reserved}
        sentiment = labels.get("sentiment", "neutral")
        if sentiment not in SENTIMENTS:
            raise CorpusError(f"{where}: sentiment {sentiment!r} is not one of {', '.join(SENTIMENTS)}")
        of_row = str(row.get("language") or "") or language
        lines.append(
            Line(text=_text(row[named[0]]), language=three_letters(of_row), where=where, labels=labels)
        )
    check_lines(lines)
    return Script(lines=lines, title=f"the sentences of {path.name}")


def from_corpus(corpus: Corpus, *, language: str = "") -> Script:
    """The transcripts of a labelled corpus, with ratings, emotion, `original_clip` and `original_speaker`.

    Each clip with a transcript becomes one clip per voice; `original_clip` pairs original and synthetic
    speech. Clips with the same words share a file. Clips without a transcript are counted in a note.

    Args:
        corpus: with a column `transcript`
        language: language of clips that declare none

    Raises:
        CorpusError: no transcripts
    """
    clips = corpus.clips
    if "transcript" in clips:
        spoken = clips[clips["transcript"].notna() & (clips["transcript"].str.strip() != "")]
    else:
        spoken = clips[:0]
    if spoken.empty:
        raise CorpusError(
            f"{corpus.name} has no transcripts to speak",
            hint="add a column 'transcript', or use --map THEIRS=transcript",
        )
    lines = [
        _transcript(str(clip), row, language)
        for clip, row in zip(spoken.index, spoken.to_dict("records"), strict=True)
    ]
    check_lines(lines)
    texts, without = len({line.text for line in lines}), len(clips) - len(lines)
    notes = []
    if without:
        notes.append(f"{without} of {len(clips)} clips have no transcript and were left out.")
    if texts < len(lines):
        notes.append(f"{len(lines)} clips have {texts} different texts; each text is spoken once per voice.")
    return Script(
        lines=lines, title=f"the transcripts of {corpus.name}", simulated=CARRIED, notes=tuple(notes)
    )


def _transcript(clip: str, row: Mapping[Hashable, Any], language: str) -> Line:
    """The transcript of a clip with the labels of the original recording."""
    labels: dict[str, str | float] = {"original_clip": clip}
    if isinstance(row.get("speaker"), str):
        labels["original_speaker"] = row["speaker"]
    labels |= {name: row[name] for name in DIMENSIONS if math.isfinite(row.get(name, math.nan))}
    labels |= {name: row[name] for name in CARRIED_LABELS if isinstance(row.get(name), str)}
    own_language = row["language"] if isinstance(row.get("language"), str) else language
    return Line(
        text=row["transcript"].strip(),
        language=three_letters(own_language),
        where=f"transcript of {clip!r}",
        clip=clip,
        labels=labels,
    )


def make_corpus(
    script: Script,
    engine: Engine,
    folder: Path,
    *,
    voices: Sequence[str] = (),
    progress: Callable[[str, int], AbstractContextManager[Callable[[int], None]]] = lambda text, n: (
        nullcontext(lambda done: None)
    ),
) -> tuple[Corpus, Spoken]:
    """Synthesise a script into a corpus folder that `--data` can read.

    The folder contains FLAC files, `metadata.csv` and `README.md`, and `clips.parquet` with `corpus.toml`:
    the same clips, with the corpus' licence and the origin of its labels.

    Args:
        script: sentences to speak
        engine: speech engine
        folder: folder of the corpus
        voices: names of voices; by default the engine's own choice for each language
        progress: shows the progress

    Raises:
        CorpusError: a sentence cannot be spoken, or the folder cannot be written
        SertoolsError: unknown voice, or the engine fails; finished clips stay, and the same call resumes
    """
    if voices:
        speakers = [engine.speaker(voice) for voice in dict.fromkeys(voices)]
    else:
        wanted = dict.fromkeys(line.language or "eng" for line in script.lines)
        speakers = [speaker for language in wanted for speaker in engine.speakers(language)]
    clips = sum(not x.language or x.language == s.language for x in script.lines for s in speakers)
    said = "\n\n".join((script.simulated, *script.notes))
    readme = (
        f"# Synthetic speech of {script.title}\n\n{said}\n\nSpoken by {engine.version()} with the voices "
        f"{', '.join(s.name for s in speakers)}.\n\nThe speech is {engine.licence}.\n"
    )
    with progress("speaking", clips) as advance:
        spoken = speak_lines(script.lines, speakers, engine, folder, readme=readme, advance=advance)
    corpus = replace(
        _plain_corpus(folder),
        version=engine.version(),
        licence=f"the speech is {engine.licence}",
        citation=f"{script.title}, spoken by {engine.version()}",
        simulated=script.simulated,
        notes=script.notes,
    )
    write_corpus(corpus, folder)
    return corpus, spoken


def _plain_corpus(folder: Path) -> Corpus:
    return replace(load_corpus(str(folder / "metadata.csv")), name=folder.resolve().name)


def _plain_lines(path: Path, language: str) -> list[Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path.name} is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    numbered = [(i + 1, line.strip()) for i, line in enumerate(text.splitlines())]
    lines = [
        Line(text=line, language=three_letters(language), where=f"{path.name}, line {i}")
        for i, line in numbered
        if line
    ]
    if not lines:
        raise CorpusError(f"{path.name} contains no sentences", hint="write one sentence per line")
    check_lines(lines)
    return lines


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
