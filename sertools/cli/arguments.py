"""Turns the texts of command-line options into values."""

from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from sertools.cli.options import DERIVED
from sertools.errors import AuditError, CorpusError, ModelError

if TYPE_CHECKING:
    from sertools.corpora.corpus import Corpus
    from sertools.models.model import ClipModel, Model


def check_loudness(quiet: bool, verbose: bool) -> None:
    """Checks that `--quiet` and `--verbose` are not combined.

    Raises:
        AuditError: both options were given
    """
    if quiet and verbose:
        raise AuditError("--quiet and --verbose were both given", hint="use only one of them")


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
