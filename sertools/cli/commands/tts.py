"""The command `tts`."""

from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.wording import plural


def tts(
    out: Annotated[
        Path, typer.Option("--out", help="Corpus folder to write, or to continue if interrupted.")
    ],
    engine: Annotated[
        str,
        typer.Option("--engine", help="espeak (offline), gtts (online) or piper (your own voice files)."),
    ] = "espeak",
    voice: Annotated[
        list[str] | None, typer.Option("--voice", help="Repeat for several; by default some per language.")
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option("--language", help="For built-in sentences eng, deu, fra, ita, spa; or that of yours."),
    ] = None,
    per_word: Annotated[int, typer.Option("--per-word", help="Built-in sentences per word, 1 to 8.")] = 2,
    sentences: Annotated[
        Path | None,
        typer.Option("--sentences", help="Your own: a text file, or a CSV with a column transcript."),
    ] = None,
    transcripts: Annotated[
        str | None,
        typer.Option("--transcripts", help="Corpus whose transcripts are spoken; its labels are kept."),
    ] = None,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    quiet: o.Quiet = False,
) -> None:
    """Synthesise sentences with text-to-speech voices, as a corpus for --data.

    Example: sertools tts --language deu --voice de+f1 --voice de+m1 --out sentences-deu
    """
    from sertools.cli import console
    from sertools.corpora import speak
    from sertools.speech import engines

    speaker = engines.engine(engine)
    script = speak.script(
        language or [],
        per_word,
        sentences,
        (lambda: arguments.read_data([transcripts], data_root, column_map, scale, value_map=value_map))
        if transcripts
        else None,
    )
    show = arguments.progress(quiet)
    corpus, spoken = speak.make_corpus(script, speaker, out, voices=voice or [], progress=show)
    for note in corpus.notes:
        console.warn(note)
    console.message(
        f"{plural(spoken.written, 'file')} synthesised, {spoken.reused} reused; audit them with --data {out}"
    )
