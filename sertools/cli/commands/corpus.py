"""Check, convert or split a corpus."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.wording import plural


def check(
    data: Annotated[str, typer.Argument(help="Corpus name, manifest or folder, with optional :split.")],
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    max_minutes: o.MaxMinutes = 60.0,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Exit with 0 although some clips cannot be read.")
    ] = False,
) -> None:
    """Describe a corpus and report its problems; decodes every clip.

    The exit code is 2 if no clip can be read, 1 if some cannot.

    Example: sertools corpus check my-clips.csv --scale valence=1:7
    """
    from sertools.cli import console
    from sertools.corpora import check
    from sertools.errors import CorpusError

    corpus = arguments.read_data([data], data_root, column_map, scale, label_map, value_map=value_map)
    found = check.check(replace(corpus, max_minutes=max_minutes))
    console.lines(found.sentences)
    if found.unread == found.clips:
        absent = not any(corpus.path(clip).exists() for clip in corpus.clips.index)
        raise CorpusError(
            f"no clip of {corpus.name} can be read",
            hint="if the paths start from another folder, add --data-root FOLDER" if absent else "",
        )
    raise typer.Exit(1 if found.unread and not allow_missing else 0)


def scan(
    name: Annotated[str, typer.Argument(help="A name from sertools list corpora.")],
    folder: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder of the corpus.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write clips.parquet and corpus.toml to.")],
) -> None:
    """Convert a corpus from its original layout into a table for --data.

    Example: sertools corpus scan iemocap /data/IEMOCAP_full_release --out iemocap
    """
    from sertools.cli import console
    from sertools.corpora.corpus import write_corpus

    corpus = arguments.read_data([name], folder)
    write_corpus(corpus, out)
    console.message(f"{plural(len(corpus.clips), 'clip')} of {corpus.name} in {out}")


def split(
    data: Annotated[str, typer.Argument(help="Corpus name, manifest or folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write clips.parquet and corpus.toml to.")],
    test: Annotated[float, typer.Option("--test", help="Share of clips in the test set.")] = 0.2,
    dev: Annotated[float, typer.Option("--dev", help="Share in the dev set; 0 for none.")] = 0.1,
    seed: o.Seed = 0,
    folds: Annotated[
        str,
        typer.Option(
            "--folds",
            metavar="NAME|FILE",
            help="Store folds instead: loso, sessions, 5-speaker-groups, emo-superb, random-10, or a table.",
        ),
    ] = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
) -> None:
    """Split a corpus into train, dev and test sets that share no speaker.

    The sets are balanced by sex and emotion. With `--folds`, each clip gets a side in each fold.

    Example: sertools corpus split my-clips.csv --out parted --test 0.2 --dev 0.1
    """
    from sertools.cli import console
    from sertools.corpora import split
    from sertools.corpora.corpus import write_corpus
    from sertools.corpora.folds import named

    corpus = arguments.read_data([data], data_root, column_map, scale, label_map, value_map=value_map)
    if folds:
        found = named.named(corpus, folds)
        write_corpus(corpus, out)
        path = named.write_folds(corpus, found, out)
        console.lines(named.fold_lines(corpus, found))
        console.message(f"{path}: use as --data {out}@{found.name}:1:test")
        return
    parted = split.split(corpus, test=test, dev=dev, seed=seed)
    write_corpus(parted, out)
    console.lines(split.summary(parted))
