"""Turns the texts of command-line options into values."""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sertools.cli.options import OUT
from sertools.errors import AuditError, CorpusError, ModelError, SertoolsError

if TYPE_CHECKING:
    from sertools.auditing.audit import PlannedAudit
    from sertools.corpora.corpus import Corpus
    from sertools.inference.settings import Progress, Share
    from sertools.models.derived.windowed import Pooling, Window
    from sertools.pipeline.requests.audits import AuditRequest
    from sertools.pipeline.requests.corpora import CorpusRequest
    from sertools.pipeline.requests.models import ModelRequest


def check_loudness(quiet: bool, verbose: bool) -> None:
    """Checks that `--quiet` and `--verbose` are not combined.

    Raises:
        AuditError: both options were given
    """
    if quiet and verbose:
        raise AuditError("--quiet and --verbose were both given", hint="use only one of them")


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[str]) -> None:
    """Checks that no file to write is one that the command reads, or a result in a folder that it reads.

    Args:
        outputs: files to write; None for those that were not asked for
        inputs: files, folders or other names of input, with or without `:split`

    Raises:
        AuditError: writing would replace an input
    """
    for path in (output for output in outputs if output is not None and output.exists()):
        for named in inputs:
            source = next(
                (p for p in (Path(named), Path(named.rpartition(":")[0] or named)) if p.exists()), None
            )
            if source is None:
                continue
            result = source.is_dir() and path.suffix == ".json" and path.resolve().parent == source.resolve()
            if result or path.samefile(source):
                raise AuditError(
                    f"{path} is read by this command, so it is not replaced", hint="name a new file"
                )


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


def value_maps(texts: Sequence[str] | None) -> dict[str, dict[str, str]]:
    """Parses texts like `sex:0=female,1=male` into column → value in the table → value to use.

    Raises:
        AuditError: a text has another form, or a value occurs twice

    >>> value_maps(["sex:0=female,1=male"])
    {'sex': {'0': 'female', '1': 'male'}}
    """
    found: dict[str, list[str]] = {}
    for text in texts or []:
        column, colon, values = text.partition(":")
        if not (column and colon and values):
            raise AuditError(f"--map-values {text!r} is not of the form COLUMN:THEIRS=OURS,THEIRS=OURS")
        found.setdefault(column, []).extend(values.split(","))
    return {
        column: pairs(values, f"--map-values {column}:", "THEIRS=OURS") for column, values in found.items()
    }


def clips_to_hear(text: str) -> int | None:
    """Number of clips that `--audio` requests; None for the default of the corpus.

    Raises:
        AuditError: the text is neither a number nor "none" nor "auto"

    >>> clips_to_hear("5"), clips_to_hear("none"), clips_to_hear("auto")
    (5, 0, None)
    """
    if text == "auto":
        return None
    if text == "none":
        return 0
    if not (text.isascii() and text.isdigit()):
        raise AuditError(
            f"--audio {text!r} is not a number of clips", hint="use e.g. --audio 5, or --audio none"
        )
    return int(text)


def names(text: str, option: str = "--labels") -> tuple[str, ...]:
    """Parses a list of names like `anger, neutral`; an empty text has no names.

    Raises:
        ModelError: a name is empty, or occurs twice

    >>> names("anger, neutral"), names("")
    (('anger', 'neutral'), ())
    """
    found = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
    if "" in found:
        raise ModelError(f"{option} {text!r} has an empty name")
    if len(set(found)) < len(found):
        raise ModelError(f"{option} {text!r} names a label twice")
    return found


def scales(
    texts: Sequence[str] | None, option: str = "--scale", error: type[SertoolsError] = CorpusError
) -> dict[str, tuple[float, float]]:
    """Parses texts like `valence=1:7`, or `1:7` for all dimensions, into lowest and highest rating.

    Raises:
        SertoolsError, of class `error`: a text has another form, or its ends are not a valid range

    >>> scales(["valence=1:7"])
    {'valence': (1.0, 7.0)}
    >>> scales(["1:5"])
    {'*': (1.0, 5.0)}
    """
    of_all = [text for text in texts or [] if "=" not in text]
    if len(of_all) > 1:
        raise error(f"{option} is given as both {of_all[0]} and {of_all[1]} for all dimensions")
    named = pairs([text for text in texts or [] if "=" in text], option, "DIMENSION=LOW:HIGH")
    given = {**({"*": of_all[0]} if of_all else {}), **named}
    found = {}
    for name, text in given.items():
        typed = text if name == "*" else f"{name}={text}"
        try:
            low, high = (float(end) for end in text.split(":"))
        except ValueError as wrong:
            raise error(f"{option} {typed} is not of the form 1:7 or valence=1:7") from wrong
        if not -inf < low < high < inf:
            raise error(f"{option} {typed}: a scale has two numbers, the lower first")
        found[name] = (low, high)
    return found


def read_data(
    specs: Sequence[str],
    data_root: Path | None = None,
    column_map: Sequence[str] | None = None,
    scale: Sequence[str] | None = None,
    label_map: Sequence[str] | None = None,
    derive: bool = False,
    value_map: Sequence[str] | None = None,
) -> "Corpus":
    """Loads the corpus of `--data` and related options; several corpora are joined.

    Raises:
        CorpusError: a corpus does not exist or cannot be read
    """
    given = {"data": specs, "data_root": data_root, "column_map": column_map, "scale": scale}
    return corpus_request({**given, "label_map": label_map, "derive": derive, "value_map": value_map}).load()


SHORT_S = 2.0
"""A step that is not about clips, and takes less time, is not reported when it is done."""


def command() -> str:
    """The command line as typed, without the path of the program."""
    return shlex.join(["sertools", *sys.argv[1:]])


def progress(quiet: bool) -> "Progress":
    """Shows the progress of long jobs on stderr; nothing if `quiet`."""

    def shown(
        description: str, total: int, unit: str = "clips"
    ) -> AbstractContextManager[Callable[[int], None]]:
        from sertools.cli.progress import progress as show_progress

        silent_s = 0.0 if unit == "clips" else SHORT_S
        return show_progress(description, total, unit, quiet=quiet, silent_s=silent_s)

    return shown


def share(text: str) -> "Share | None":
    """The part of the work that `--shard` names, or else the environment; None for all of it.

    Raises:
        SertoolsError: the text is not a share
    """
    import os

    from sertools.inference.share import from_environment, parse

    return parse(text) if text else from_environment(os.environ)


def with_split(specs: Sequence[str], split: str) -> tuple[str, ...]:
    """The texts of `--data`, each with the split of `--split` if that is given.

    >>> with_split(["emodb", "a.csv@loso:1"], "test")
    ('emodb:test', 'a.csv@loso:1:test')
    """
    return tuple(f"{spec}:{split}" if split else spec for spec in specs)


def corpus_request(given: Mapping[str, Any]) -> "CorpusRequest":
    """The corpus that `--data` and related options name.

    Args:
        given: options by their names in `commands/audit.py`; those that a command does not have are absent

    Raises:
        SertoolsError: the text of an option has another form
    """
    from sertools.corpora.attached.beside import Beside
    from sertools.corpora.folds.first_look import Limit
    from sertools.pipeline.requests.corpora import CorpusRequest

    return CorpusRequest(
        specs=with_split(given["data"], given.get("split", "")),
        data_root=given.get("data_root"),
        column_map=pairs(given.get("column_map"), "--map", "THEIRS=OURS"),
        scale=scales(given.get("scale")),
        value_map=value_maps(given.get("value_map")),
        label_map=pairs(given.get("label_map"), "--label-map", "THEIRS=OURS"),
        derive=given.get("derive", False),
        train=tuple(given.get("train") or ()),
        test=tuple(given.get("test") or ()),
        folds=tuple(given.get("folds") or ()),
        beside=Beside.of(given.get("raters", ""), given.get("attributes")),
        limit=Limit.of(given.get("limit", "")),
        **({"max_minutes": given["max_minutes"]} if "max_minutes" in given else {}),
    )


def _window(length_s: float | None, hop_s: float | None, pooling: str) -> "Window | None":
    """How long clips are cut into windows; None without `--window`.

    Raises:
        ModelError: an option without `--window`, or a window that cannot be
    """
    from sertools.models.derived.windowed import Window

    if length_s is None:
        if hop_s is not None or pooling != "mean":
            raise ModelError("--hop and --pool only apply with --window")
        return None
    return Window(
        length_s=length_s, hop_s=length_s / 2 if hop_s is None else hop_s, pooling=cast("Pooling", pooling)
    )


def model_request(given: Mapping[str, Any]) -> "ModelRequest":
    """The model that `--model` and related options name; `given` as for `corpus_request`.

    Raises:
        SertoolsError: the text of an option has another form
    """
    from sertools.models.checkpoints.described_heads import describes
    from sertools.models.load import LoadOptions
    from sertools.pipeline.requests.models import ModelRequest

    texts = given["head"] or []
    described = [text for text in texts if describes(text)]
    if described and len(texts) > 1:
        raise ModelError("--head is given more than once", hint="a description names all layers of the head")
    heads = {"": texts[0]} if described else pairs(texts, "--head", "PREFIX=LAYOUT")
    options = LoadOptions(
        device=given["device"],
        precision=given["precision"],
        head=heads,
        trust_remote_code=given["trust_remote_code"],
        labels=names(given["labels"]),
        output=given["node"],
        activation="" if given["activation"] == "auto" else given["activation"],
        model_scale=scales(given["model_scale"], "--model-scale", ModelError),
        sampling_rate=given["sampling_rate"],
        prompt=tuple(given["prompt"] or ()),
        window=_window(given["window"], given["hop"], given["pool"]),
    )
    return ModelRequest(spec=given["model"], options=options)


def audit_request(given: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> "AuditRequest":
    """The request to `audit`, `plan` or the command of one audit; `given` as for `corpus_request`.

    Without any audit, suite, model or corpus: the suite `demonstration` on the embedded model and corpus.

    Args:
        given: options of the command line
        options: the own options of the first named audit

    Raises:
        SertoolsError: the text of an option has another form, or options contradict each other
    """
    from sertools.auditing.suites import choose
    from sertools.inference.settings import Settings
    from sertools.models.load import LoadOptions
    from sertools.pipeline.requests.audits import AuditRequest
    from sertools.pipeline.requests.models import ModelRequest

    named, folders, suite = given.get("names"), given.get("audits"), given.get("suite")
    if not (named or folders or suite) and given["model"] == "default" and given["data"] == ["voices"]:
        suite = "demonstration"
    shared = {name: given.get(name, "") for name in ("noise_dir", "rir_dir")}
    audits = choose(named or [], suite, folders or [], options=options, shared=shared)
    against = None
    if given.get("against"):
        other = LoadOptions(device=given["device"], precision=given["precision"])
        against = ModelRequest(spec=given["against"], options=other)
    _check_comparison(audits, against, given.get("random_twin"))
    if given.get("over_time") is not None and given["audio"] in {"none", "0"}:
        raise AuditError("--over-time shows tracks under recordings, but --audio none saves none")
    return AuditRequest(
        model=model_request(given),
        corpus=corpus_request(given),
        audits=tuple(audits),
        against=against,
        random_twin=given.get("random_twin"),
        settings=Settings(
            seed=given["seed"],
            batch_size=given["batch_size"],
            cache=given["cache"],
            label_map=pairs(given.get("label_map"), "--label-map", "THEIRS=OURS"),
            classes=names(given.get("classes", ""), "--classes"),
            progress=progress(given.get("quiet", True)),
            fresh=given.get("fresh", False),
            share=share(given["shard"]) if "shard" in given else None,
            over_time=given.get("over_time"),
        ),
        out=given.get("out", OUT),
        clips=clips_to_hear(given.get("audio", "none")),
        command=command(),
        trained_on=given.get("trained_on", ""),
        allow_training_data=given.get("allow_training_data", False),
    )


def _check_comparison(
    audits: "Sequence[PlannedAudit]", against: "ModelRequest | None", random_twin: bool | None
) -> None:
    """Checks that an audit reads layers if a second model or a random twin is requested.

    Raises:
        AuditError: no audit reads layers
    """
    if (against or random_twin) and not any(planned.reads_layers for planned in audits):
        raise AuditError(
            f"--{'against' if against else 'random-twin'} only applies to audits that read layers "
            f"(probe-layers, embeddings, …), not to {', '.join(planned.name for planned in audits)}",
            hint="to compare the predictions of two models, audit both and run: sertools compare",
        )
