"""Options of the command line, each with the same meaning in every command, and how they are parsed."""

from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sertools.errors import AuditError, CorpusError, ModelError

if TYPE_CHECKING:
    from sertools.corpora.corpus import Corpus
    from sertools.inference.predict import Progress
    from sertools.models.model import ClipModel, Model

DERIVED = (
    "The dimensions are derived from the emotion labels, not rated: each clip has the mean rating that the "
    "name of its emotion has in Russell & Mehrabian (1977)."
)
INPUT, HOW, OUTPUT = "Input", "Computing", "Output"

ModelSpec = Annotated[
    str,
    typer.Option(
        "--model",
        rich_help_panel=INPUT,
        help="default, a checkpoint directory, a hub id owner/name, predictions:FILE, toy:oracle, …",
    ),
]
Against = Annotated[
    str,
    typer.Option(
        "--against",
        rich_help_panel=INPUT,
        metavar="MODEL",
        help="A second model (same syntax as --model) whose layers are shown for comparison.",
    ),
]
RandomTwin = Annotated[
    bool | None,
    typer.Option(
        "--random-twin/--no-random-twin",
        rich_help_panel=INPUT,
        help="Also analyse an untrained copy of the model (random weights) as a reference. On by default "
        "where possible.",
    ),
]
DataSpecs = Annotated[
    list[str],
    typer.Option(
        "--data",
        rich_help_panel=INPUT,
        help="Corpus name, CSV/Parquet manifest or folder, with optional :split; repeat to join corpora.",
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root", rich_help_panel=INPUT, help="Folder of a registered corpus, or its parent folder."
    ),
]
ColumnMap = Annotated[
    list[str] | None,
    typer.Option("--map", rich_help_panel=INPUT, help="Rename a column of the manifest: THEIRS=OURS."),
]
Scales = Annotated[
    list[str] | None,
    typer.Option(
        "--scale", rich_help_panel=INPUT, help="Range of the ratings: 1:7, or valence=1:7 for one dimension."
    ),
]
LabelMap = Annotated[
    list[str] | None,
    typer.Option(
        "--label-map", rich_help_panel=INPUT, help="Rename a label of model or corpus: excited=happiness."
    ),
]
Derive = Annotated[
    bool,
    typer.Option(
        "--derive-dimensions",
        rich_help_panel=INPUT,
        help="Derive the dimensions from the emotion labels with the norms of Russell & Mehrabian 1977.",
    ),
]
NoiseDir = Annotated[
    str,
    typer.Option(
        "--noise-dir",
        rich_help_panel=INPUT,
        metavar="DIR",
        help="Folder of noise recordings, for audits that add them to the clips.",
    ),
]
RirDir = Annotated[
    str,
    typer.Option(
        "--rir-dir",
        rich_help_panel=INPUT,
        metavar="DIR",
        help="Folder of room impulse responses, for audits that use them.",
    ),
]
Heads = Annotated[
    list[str] | None,
    typer.Option("--head", rich_help_panel=INPUT, help="Location of the checkpoint's head: PREFIX=LAYOUT."),
]
TrustRemoteCode = Annotated[
    bool,
    typer.Option("--trust-remote-code", rich_help_panel=INPUT, help="Allow code from the checkpoint to run."),
]
Labels = Annotated[
    str,
    typer.Option(
        "--labels",
        rich_help_panel=INPUT,
        help="Names of the model's outputs in order, if it does not name them itself: anger,neutral.",
    ),
]
Output = Annotated[
    str, typer.Option("--output", rich_help_panel=INPUT, help="Output of an ONNX model to read.")
]
SamplingRate = Annotated[
    int,
    typer.Option(
        "--sampling-rate",
        rich_help_panel=INPUT,
        min=0,
        help="Input sampling rate of the model in Hz, if it does not specify one; 0 uses the model's own.",
    ),
]
Device = Annotated[str, typer.Option("--device", rich_help_panel=HOW, help="cpu, cuda, cuda:N, mps or auto.")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option("--precision", rich_help_panel=HOW, help="Number format of the forward pass."),
]
BatchSize = Annotated[
    int,
    typer.Option(
        "--batch-size", rich_help_panel=HOW, min=1, help="Maximum number of clips in one forward pass."
    ),
]
Seed = Annotated[int, typer.Option("--seed", rich_help_panel=HOW, help="Random seed.")]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache", rich_help_panel=HOW, help="Cache folder for predictions; the user cache by default."
    ),
]
Out = Annotated[Path, typer.Option("--out", rich_help_panel=OUTPUT, help="Folder for results and report.")]
Format = Annotated[
    Literal["table", "json"],
    typer.Option("--format", rich_help_panel=OUTPUT, help="Format of the output; json is stable."),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Show no progress and no summary.")
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        rich_help_panel=OUTPUT,
        help="Also show the inputs, the cache folder, and every finding with its interval.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", rich_help_panel=OUTPUT, help="Exit with 3 if anything is skipped or inconclusive."
    ),
]
Audio = Annotated[
    str,
    typer.Option(
        "--audio",
        rich_help_panel=OUTPUT,
        metavar="N|none",
        help="Maximum number of clips per audit to listen to in the report; none for no recordings.",
    ),
]
AuditNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[AUDIT]…", help="All by default; the suite quick on the embedded model and corpus."
    ),
]
SuiteName = Annotated[
    str | None, typer.Option("--suite", rich_help_panel=INPUT, help="Named set of audits, or a TOML file.")
]
Audits = Annotated[
    list[Path] | None,
    typer.Option("--audits", rich_help_panel=INPUT, help="Folder with your own audits."),
]


def check_loudness(quiet: bool, verbose: bool) -> None:
    """Checks that `--quiet` and `--verbose` are not combined.

    Raises:
        AuditError: both options were given
    """
    if quiet and verbose:
        raise AuditError("--quiet and --verbose were both given", hint="use only one of them")


def progress(quiet: bool) -> "Progress":
    """Shows the progress of long jobs on stderr; nothing if `quiet`."""
    from functools import partial

    from sertools import console

    return partial(console.progress, quiet=quiet)


def pairs(texts: Sequence[str] | None, option: str, form: str) -> dict[str, str]:
    """Parses texts like `theirs=ours` into a dict.

    Raises:
        AuditError: a text has another form, or a key occurs twice

    >>> pairs(["act=arousal"], "--map", "THEIRS=OURS")
    {'act': 'arousal'}
    """
    found: dict[str, str] = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise AuditError(f"{option} {text!r} is not of the form {form}")
        if key in found:
            raise AuditError(f"{option} names {key!r} twice")
        found[key] = value
    return found


def clips_to_hear(text: str) -> int:
    """Number of clips that `--audio` requests.

    Raises:
        AuditError: the text is neither a number nor "none"

    >>> clips_to_hear("5"), clips_to_hear("none")
    (5, 0)
    """
    if text == "none":
        return 0
    if not (text.isascii() and text.isdigit()):
        raise AuditError(
            f"--audio {text!r} is not a number of clips", hint="use e.g. --audio 5, or --audio none"
        )
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Parses a list of names like `anger, neutral`; an empty text has no names.

    Raises:
        ModelError: a name is empty, or occurs twice

    >>> names("anger, neutral"), names("")
    (('anger', 'neutral'), ())
    """
    found = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
    if "" in found:
        raise ModelError(f"--labels {text!r} has an empty name")
    if len(set(found)) < len(found):
        raise ModelError(f"--labels {text!r} names a label twice")
    return found


def scales(texts: Sequence[str] | None) -> dict[str, tuple[float, float]]:
    """Parses texts like `valence=1:7`, or `1:7` for all dimensions, into lowest and highest rating.

    Raises:
        CorpusError: a text has another form, or its ends are not a valid range

    >>> scales(["valence=1:7"])
    {'valence': (1.0, 7.0)}
    >>> scales(["1:5"])
    {'*': (1.0, 5.0)}
    """
    of_all = [text for text in texts or [] if "=" not in text]
    if len(of_all) > 1:
        raise CorpusError(f"--scale is given as both {of_all[0]} and {of_all[1]} for all dimensions")
    named = pairs([text for text in texts or [] if "=" in text], "--scale", "DIMENSION=LOW:HIGH")
    given = {**({"*": of_all[0]} if of_all else {}), **named}
    found = {}
    for name, text in given.items():
        typed = text if name == "*" else f"{name}={text}"
        try:
            low, high = (float(end) for end in text.split(":"))
        except ValueError as error:
            raise CorpusError(f"--scale {typed} is not of the form 1:7 or valence=1:7") from error
        if not -inf < low < high < inf:
            raise CorpusError(f"--scale {typed}: a scale has two numbers, the lower first")
        found[name] = (low, high)
    return found


def read_data(
    specs: Sequence[str],
    data_root: Path | None,
    column_map: Sequence[str] | None,
    scale: Sequence[str] | None,
    label_map: Sequence[str] | None,
    derive: bool = False,
) -> "Corpus":
    """Loads the corpus of `--data` and related options; several corpora are joined.

    Raises:
        CorpusError: a corpus does not exist or cannot be read
    """
    from dataclasses import replace

    from sertools.corpora.corpus import join
    from sertools.corpora.load import load_corpus

    loaded = [
        load_corpus(
            spec,
            data_root=data_root,
            column_map=pairs(column_map, "--map", "THEIRS=OURS"),
            scale=scales(scale),
            label_map=pairs(label_map, "--label-map", "THEIRS=OURS"),
        )
        for spec in specs
    ]
    corpus = loaded[0] if len(loaded) == 1 else join(loaded)
    if not derive:
        return corpus
    from sertools.tables import emotion_norms

    if "emotion" not in corpus.clips:
        raise CorpusError(f"{corpus.name} has no emotion labels to derive dimensions from")
    derived = emotion_norms.derive(corpus.clips["emotion"])
    clips = corpus.clips.drop(columns=[c for c in derived if c in corpus.clips]).join(derived)
    without = corpus.clips["emotion"][derived.isna().all(axis=1)].value_counts()
    notes = [
        f"{n} clips of {emotion} have no norm and therefore no ratings" for emotion, n in without.items()
    ]
    return replace(corpus, clips=clips, simulated=DERIVED, notes=(*corpus.notes, *notes))


def read_model(
    spec: str,
    device: str = "auto",
    precision: str = "auto",
    head: Sequence[str] | None = None,
    trust_remote_code: bool = False,
    labels: str = "",
    output: str = "",
    sampling_rate: int = 0,
) -> "Model | ClipModel":
    """Loads the model of `--model` and related options.

    Raises:
        ModelError: the model does not exist or cannot be loaded
    """
    from sertools.models.load import LoadOptions, load_model

    heads = pairs(head, "--head", "PREFIX=LAYOUT")
    if len(heads) > 1:
        raise ModelError("--head is given more than once", hint="a model has only one head")
    return load_model(
        spec,
        LoadOptions(
            device=device,
            precision=precision,
            head=heads,
            trust_remote_code=trust_remote_code,
            labels=names(labels),
            output=output,
            sampling_rate=sampling_rate,
        ),
    )


def read_against(spec: str, device: str, precision: str) -> "Callable[[], Model | ClipModel] | None":
    """A function that loads the model of `--against` when needed; None if none is given."""
    return (lambda: read_model(spec, device, precision)) if spec else None
