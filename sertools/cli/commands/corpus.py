"""Check, explore, convert, cut, split or merge corpora."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.cli import rater_options as raters_o
from sertools.wording import plural

if TYPE_CHECKING:
    from sertools.corpora.corpus import Corpus

Corpora = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA…",
        help="Corpus name, manifest or folder, with optional :split; several corpora are joined.",
    ),
]


NewFolder = Annotated[Path, typer.Option("--out", help="New folder; nothing is overwritten.")]


def check(
    data: Annotated[str, typer.Argument(help="Corpus name, manifest or folder, with optional :split.")],
    split: raters_o.Split = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    raters: raters_o.Raters = "",
    attributes: raters_o.Attributes = None,
    max_minutes: o.MaxMinutes = 60.0,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Exit with 0 although some clips cannot be read.")
    ] = False,
) -> None:
    """Describe a corpus and report its problems; decodes every clip.

    The exit code is 2 if no clip can be read, 1 if some cannot.

    Example: sertools corpus check my-clips.csv --scale valence=1:7
    """
    given = locals()

    from sertools.cli import console
    from sertools.corpora import check
    from sertools.errors import CorpusError

    corpus = arguments.corpus_request(given | {"data": [data]}).load()
    found = check.check(corpus)
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
    raters: raters_o.Raters = "",
    attributes: raters_o.Attributes = None,
) -> None:
    """Split a corpus into train, dev and test sets that share no speaker.

    The sets are balanced by sex and emotion. With `--folds`, each clip gets a side in each fold.

    Example: sertools corpus split my-clips.csv --out parted --test 0.2 --dev 0.1
    """
    given = locals()

    from sertools.cli import console
    from sertools.corpora import split
    from sertools.corpora.corpus import write_corpus
    from sertools.corpora.folds import named

    corpus = arguments.corpus_request(given | {"data": [data], "test": (), "folds": ()}).load()
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


def explore(
    data: Corpora,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for explore.html, explore.md and explore.json.")
    ] = Path("sertools-explore"),
    split: raters_o.Split = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    raters: raters_o.Raters = "",
    attributes: raters_o.Attributes = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    max_minutes: o.MaxMinutes = 60.0,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Decode and measure every clip.")] = True,
    quiet: o.Quiet = False,
) -> None:
    """Explore a corpus without any model, on one page.

    Labels, speakers, groups, recordings, sentences, raters and their agreement, what could be known from the
    sentence or the recording alone, and duplicates.

    Example: sertools corpus explore emodb --data-root /data/emodb --out emodb-page
    """
    given = locals()

    from sertools.cli import console
    from sertools.exploration.explore import explore, write

    corpus = arguments.corpus_request(given).load()
    found = explore(corpus, sound=sound, progress=arguments.progress(quiet), command=arguments.command())
    written = write(found, out)
    if not quiet:
        console.lines(f"{section.title}: {section.answer}" for section in found.sections)
    console.message(f"Page: {written[0]}")


def segment(
    data: Corpora,
    out: NewFolder,
    by: Annotated[
        Literal["voice", "windows"],
        typer.Option("--by", help="Cut by voice activity (WebRTC), or into windows of a fixed length."),
    ] = "voice",
    window: Annotated[
        float | None,
        typer.Option("--window", metavar="SECONDS", help="Length of a window; longest segment with voice."),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option("--hop", metavar="SECONDS", help="Time from one window to the next."),
    ] = None,
    shortest: Annotated[
        float, typer.Option("--shortest", metavar="SECONDS", help="Leave out shorter segments.")
    ] = 0.3,
    gap: Annotated[
        float, typer.Option("--gap", metavar="SECONDS", help="Longest pause within a segment with voice.")
    ] = 0.3,
    pad: Annotated[
        float, typer.Option("--pad", metavar="SECONDS", help="Time that is kept before and after the voice.")
    ] = 0.1,
    strictness: Annotated[
        int, typer.Option("--strictness", min=0, max=3, help="Of the detector; 3 takes the least for voice.")
    ] = 2,
    split: raters_o.Split = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    max_minutes: o.MaxMinutes = 60.0,
    quiet: o.Quiet = False,
) -> None:
    """Cut the clips of a corpus into segments; no audio is copied.

    Labels are those of the whole clip, whose id is kept in the column segment_of.

    Example: sertools corpus segment recordings.csv --out parts --by windows --window 5
    """
    given = locals()

    from sertools.corpora.making.segment import Cut, segment

    cut = Cut(
        by=by, strictness=strictness, window_s=window, hop_s=hop, shortest_s=shortest, gap_s=gap, pad_s=pad
    )
    corpus = _new_from(given, out)
    with arguments.progress(quiet)("segments", len(corpus.clips)) as advance:
        parts = segment(corpus, cut, advance)
    _written(parts, out, "segment")


def resample(
    data: Corpora,
    out: NewFolder,
    rate: Annotated[int, typer.Option("--rate", metavar="HZ", help="New sampling rate.")] = 16000,
    split: raters_o.Split = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    max_minutes: o.MaxMinutes = 60.0,
    quiet: o.Quiet = False,
) -> None:
    """Write the audio of a corpus at another sampling rate: one mono file for each clip.

    Ids of clips are kept, and their files in the column original_file.

    Example: sertools corpus resample emodb --rate 8000 --out emodb-8k
    """
    given = locals()

    from sertools.cli import console
    from sertools.corpora.making.resample import resample

    corpus = _new_from(given, out)
    with arguments.progress(quiet)("files", len(corpus.clips)) as advance:
        made = resample(corpus, rate, out, advance)
    console.message(f"{plural(len(made.clips), 'clip')} of {made.name} at {rate} Hz in {out}")


def export(
    data: Corpora,
    out: Annotated[Path, typer.Option("--out", help="New file, or new folder for audformat and datasets.")],
    format: Annotated[
        Literal["audformat", "csv", "parquet", "datasets", "egemaps"],
        typer.Option(
            "--format",
            help="csv, parquet: a table; audformat, datasets: a folder with the audio; egemaps: a table of "
            "88 features of each clip.",
        ),
    ] = "csv",
    split: raters_o.Split = "",
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    raters: raters_o.Raters = "",
    attributes: raters_o.Attributes = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
    max_minutes: o.MaxMinutes = 60.0,
    quiet: o.Quiet = False,
) -> None:
    """Write a corpus for other programs; ratings are in [0, 1], and ids of clips are kept.

    Example: sertools corpus export emodb --format audformat --out emodb-audformat
    """
    given = locals()

    from sertools.cli import console
    from sertools.corpora.making.export import export

    corpus = arguments.corpus_request(given).load()
    with arguments.progress(quiet or format in ("csv", "parquet"))("clips", len(corpus.clips)) as advance:
        export(corpus, format, out, advance)
    console.message(f"{plural(len(corpus.clips), 'clip')} of {corpus.name} in {out}")


def merge(
    data: Corpora,
    out: NewFolder,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    value_map: o.ValueMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
) -> None:
    """Join several corpora into one; no audio is copied.

    Ids of clips and speakers get the name of their corpus; the column original_clip keeps the old ids.

    Example: sertools corpus merge emodb ravdess --out both
    """
    request = arguments.corpus_request(locals())

    from sertools.cli import console
    from sertools.corpora.making.merge import merge

    joined = merge(request.parts(), out)
    console.message(f"{plural(len(joined.clips), 'clip')} of {joined.name} in {out}")


def _new_from(given: dict[str, Any], out: Path) -> "Corpus":
    """The corpus to make a new one of, after checking that its folder is new."""
    from sertools.corpora.making.new import check_new_folder

    check_new_folder(out)
    return arguments.corpus_request(given).load()


def _written(corpus: "Corpus", out: Path, what: str) -> None:
    """Writes a new corpus, and says so."""
    from sertools.cli import console
    from sertools.corpora.corpus import write_corpus

    write_corpus(corpus, out)
    console.message(f"{plural(len(corpus.clips), what)} of {corpus.name} in {out}")
