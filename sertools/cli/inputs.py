"""Commands for corpora, models, perturbations and the cache."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from sertools.cli import arguments
from sertools.cli import options as o
from sertools.errors import AudioError, CorpusError

inputs = typer.Typer()


corpus_app = typer.Typer(no_args_is_help=True, help="Check, convert or split a corpus.")


inputs.add_typer(corpus_app, name="corpus")


model_app = typer.Typer(no_args_is_help=True, help="Inspect a model before auditing it.")


inputs.add_typer(model_app, name="model")


@inputs.command("finetune")
def finetune(
    recipe: Annotated[Path, typer.Argument(help="TOML file; examples/finetune.toml is an example.")],
    out: Annotated[Path, typer.Option("--out", help="Checkpoint folder or .skops file to write.")],
    data_root: o.DataRoot = None,
) -> None:
    """Train a model as described in a recipe.

    The result can be passed to --model: a checkpoint folder, or a .skops file for a baseline.

    Example: sertools finetune examples/finetune.toml --out my-model
    """
    from sertools.cli import console, progress
    from sertools.training.data import recipe_corpora
    from sertools.training.finetune import train
    from sertools.training.recipe import BaselineRecipe, read_recipe

    steps = read_recipe(recipe)
    corpora = recipe_corpora(steps, data_root)
    if isinstance(steps, BaselineRecipe):
        from sertools.corpora.corpus import join
        from sertools.training.baseline import fit_baseline

        whole = corpora[0] if len(corpora) == 1 else join(corpora)
        fit_baseline(whole, steps.labels, out, strength=steps.strength)
        console.message(f"Baseline written to {out}; audit it with: sertools audit --model sklearn:{out}")
        return
    with progress.progress("training", steps.epochs, "epochs") as advance:
        train(steps, corpora, out, progress=lambda epoch, loss: advance(1))
    console.message(f"Checkpoint written to {out}; audit it with: sertools audit --model {out}")


@inputs.command("tts")
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
    scale: o.Scales = None,
    quiet: o.Quiet = False,
) -> None:
    """Synthesise sentences with text-to-speech voices, as a corpus for --data.

    Example: sertools tts --language deu --voice de+f1 --voice de+m1 --out sentences-deu
    """
    from sertools.cli import console
    from sertools.corpora import speak as speech
    from sertools.speech.engines import engine as named

    speaker = named(engine)
    script = speech.script(
        language or [],
        per_word,
        sentences,
        (lambda: arguments.read_data([transcripts], data_root, column_map, scale, None))
        if transcripts
        else None,
    )
    corpus, spoken = speech.make_corpus(script, speaker, out, voices=voice or [], progress=o.progress(quiet))
    for note in corpus.notes:
        console.warn(note)
    console.message(
        f"{spoken.written} files synthesised, {spoken.reused} reused; audit them with --data {out}"
    )


@inputs.command("perturb")
def perturb(
    name: Annotated[str, typer.Argument(help="A name from sertools list perturbations.")],
    level: Annotated[float, typer.Argument(help="Level in the perturbation's unit.")],
    source: Annotated[Path, typer.Argument(metavar="IN", help="Audio file to perturb.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="WAV or FLAC file to write.")],
    seed: o.Seed = 0,
) -> None:
    """Apply a perturbation to an audio file, to listen to the result.

    Put -- before a negative level.

    Example: sertools perturb white_noise 20 clip.wav noisy.wav
    """
    from sertools.cli import console
    from sertools.cli.inputs import perturb_file

    console.message(perturb_file(name, level, source, target, seed))


@inputs.command("cache")
def cache_(
    action: Annotated[
        Literal["show", "verify", "prune"],
        typer.Argument(help="show sizes, verify all files, or delete entries."),
    ] = "show",
    model: Annotated[str, typer.Option("--model", help="prune: only this model, as named by show.")] = "",
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than", metavar="DAYS", help="prune: only if last written more than DAYS days ago."
        ),
    ] = None,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="prune: only the files that verify reports.")
    ] = False,
    cache: o.Cache = None,
    output: o.Format = "table",
) -> None:
    """Show the cached predictions, check that they are intact, or delete some.

    Example: sertools cache prune --older-than 90
    """
    from sertools.cli import console
    from sertools.store import cache as kept
    from sertools.store.store import default_root

    root = cache or default_root()
    if action == "prune":
        n, size = kept.prune(root, older_than_days=older_than, model=model, damaged=damaged)
        console.message(f"Deleted {n} files, {size / 1e6:.1f} MB, under {root}")
    elif action == "verify":
        bad = kept.verify(root)
        if bad or output == "json":
            console.table(["file", "reason"], [[str(path), reason] for path, reason in bad], output)
        lost = "nothing is lost: the next run recomputes it; to delete it: sertools cache prune --damaged"
        count = f"{len(bad)} file is" if len(bad) == 1 else f"{len(bad)} files are"
        console.message(f"{count} damaged; {lost}" if bad else f"All files under {root} are intact.")
        raise typer.Exit(2 if bad else 0)
    else:
        console.table(*kept.table(root), output)


@corpus_app.command("check")
def corpus_check(
    data: Annotated[str, typer.Argument(help="Corpus name, manifest or folder, with optional :split.")],
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
) -> None:
    """Describe a corpus and report its problems; decodes every clip.

    Example: sertools corpus check my-clips.csv --scale valence=1:7
    """
    from sertools.corpora.check import check

    for sentence in check(arguments.read_data([data], data_root, column_map, scale, label_map)):
        typer.echo(sentence)


@corpus_app.command("scan")
def corpus_scan(
    name: Annotated[str, typer.Argument(help="A name from sertools list corpora.")],
    folder: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder of the corpus.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write clips.parquet and corpus.toml to.")],
) -> None:
    """Convert a corpus from its original layout into a table for --data.

    Example: sertools corpus scan iemocap /data/IEMOCAP_full_release --out iemocap
    """
    from sertools.cli import console
    from sertools.corpora.corpus import write_corpus

    corpus = arguments.read_data([name], folder, None, None, None)
    write_corpus(corpus, out)
    console.message(f"{len(corpus.clips)} clips of {corpus.name} in {out}")


@corpus_app.command("split")
def corpus_split(
    data: Annotated[str, typer.Argument(help="Corpus name, manifest or folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write clips.parquet and corpus.toml to.")],
    test: Annotated[float, typer.Option("--test", help="Share of clips in the test set.")] = 0.2,
    dev: Annotated[float, typer.Option("--dev", help="Share in the dev set; 0 for none.")] = 0.1,
    seed: o.Seed = 0,
    data_root: o.DataRoot = None,
    column_map: o.ColumnMap = None,
    scale: o.Scales = None,
    label_map: o.LabelMap = None,
) -> None:
    """Split a corpus into train, dev and test sets that share no speaker.

    The sets are balanced by sex and emotion.

    Example: sertools corpus split my-clips.csv --out parted --test 0.2 --dev 0.1
    """
    from sertools.corpora import split
    from sertools.corpora.corpus import write_corpus

    parted = split.split(
        arguments.read_data([data], data_root, column_map, scale, label_map), test=test, dev=dev, seed=seed
    )
    write_corpus(parted, out)
    for sentence in split.summary(parted):
        typer.echo(sentence)


@model_app.command("inspect")
def model_inspect(
    spec: Annotated[str, typer.Argument(metavar="MODEL", help="Same syntax as --model.")] = "default",
    head: o.Heads = None,
    trust_remote_code: o.TrustRemoteCode = False,
    labels: o.Labels = "",
    node: o.Output = "",
    sampling_rate: o.SamplingRate = 0,
    device: o.Device = "auto",
    precision: o.Precision = "auto",
    output: o.Format = "table",
) -> None:
    """Show a model's architecture, labels, head, layers, sampling rate, size and speed.

    Example: sertools model inspect my-checkpoint
    """
    from sertools.cli import console
    from sertools.models.describe import inspect_model

    loaded = arguments.read_model(
        spec, device, precision, head, trust_remote_code, labels, node, sampling_rate
    )
    columns, rows = inspect_model(loaded)
    console.table(columns, rows, output)


def perturb_file(name: str, level: float, source: Path, target: Path, seed: int) -> str:
    """Writes a perturbed copy of an audio file, at its sampling rate; returns a sentence about the change.

    Raises:
        AuditError: no such perturbation, or an invalid level
        CorpusError: the file cannot be read, perturbed or written
    """
    from sertools.audio.files import read_audio, sampling_rate, write_audio
    from sertools.perturbations import registry as perturb
    from sertools.randomness import identity_rng

    perturbation = perturb.get(name)
    try:
        rate = sampling_rate(source)
        signal = read_audio(source, rate)
        changed = perturbation.apply(signal, rate, level, identity_rng(seed, source.name, name))
    except AudioError as error:
        raise CorpusError(f"{source}: {error.message}", hint=error.hint) from error
    write_audio(target, changed, rate)
    change = ""
    if len(changed) == len(signal) and np.any(difference := changed.astype(np.float64) - signal):
        ratio = np.sum(np.square(signal, dtype=np.float64)) / np.sum(np.square(difference))
        if ratio > 0:
            change = f"; the difference is {10 * np.log10(ratio):.1f} dB below the signal"
    return f"{name} at {level:g} {perturbation.unit}: {len(changed) / rate:.2f} s in {target}{change}"
