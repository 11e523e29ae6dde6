"""Trains a model from a recipe: chooses clips, runs the phases of the method, and writes a checkpoint."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sertools.errors import CorpusError, ModelError, SertoolsError
from sertools.files import atomic_folder, check_writable, read_json, write_text
from sertools.training.data.augment import augmenter
from sertools.training.data.batches import RATE_HZ, Clips, readable
from sertools.training.data.select import Part, Selection, check_unseen, select
from sertools.training.data.targets import labelled_note, names_of, targets_of
from sertools.training.encoders import RANDOM, Start, start_of
from sertools.training.loop import check_measure
from sertools.training.objectives import objectives, options_of
from sertools.training.output.files import write_output
from sertools.training.phases import Progress, Setting, run_phases
from sertools.training.recipe import FIRST, Recipe

STATED = "recipe.json"
"""File in the work folder with the recipe and the clips, by which an interrupted training is known again."""


def no_progress(phase: str, step: int, steps: int, loss: float) -> None:
    """No progress display."""


def train_recipe(
    recipe: Recipe,
    out: Path,
    *,
    data_root: Path | None = None,
    progress: Progress = no_progress,
    warn: Callable[[str], None] = lambda sentence: None,
) -> str:
    """Trains a model and writes it as a folder, which is created when it is complete.

    What an interrupted training has done is in `OUT.part`; the same recipe on the same clips continues there,
    to the same weights on a CPU.

    Args:
        recipe: what to train and how
        out: folder to create; if it exists, it must be empty
        data_root: folder of a registered corpus, or its parent folder
        progress: see `Progress`
        warn: called with each sentence on clips that were left out

    Returns:
        What `--model` takes to load the model.

    Raises:
        ModelError: `out` is not empty or cannot be written, `OUT.part` is of another training, the method
            cannot follow the checkpoint, or the loss is not a number
        CorpusError: a corpus, speaker or label is missing, or a speaker of dev or test would train
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ModelError(f"{out} already exists and is not empty", hint="name a new folder")
    check_writable(out, error=ModelError)
    work = out.with_name(f"{out.name}.part")
    setting = setting_of(recipe, work, data_root=data_root, progress=progress, warn=warn)
    _claim(work, recipe, setting)
    try:
        last = run_phases(objectives()[recipe.method].phases(setting), setting)
    except SertoolsError:
        if not _begun(work):  # so that a corrected recipe finds nothing in its way
            shutil.rmtree(work, ignore_errors=True)
        raise
    with atomic_folder(out, error=ModelError) as part:
        shutil.copytree(last, part, dirs_exist_ok=True)
        write_output(setting, part)
    shutil.rmtree(work, ignore_errors=True)
    return str(getattr(objectives()[recipe.method], "MODEL", "{out}")).format(out=out)


def setting_of(
    recipe: Recipe,
    work: Path,
    *,
    data_root: Path | None = None,
    progress: Progress = no_progress,
    warn: Callable[[str], None] = lambda sentence: None,
) -> Setting:
    """Everything that a method needs: clips with their truth, and the encoder to begin with.

    See `train_recipe`.
    """
    method = objectives()[recipe.method]
    own = str(method.DEFAULTS.get("init", ""))
    if own.startswith(RANDOM) and not recipe.init.startswith(RANDOM):
        raise ModelError(
            f"method {recipe.method} has a network of its own, and cannot follow init = {recipe.init!r}",
            hint="leave out init, or choose another method",
        )
    selection = select(recipe, data_root)
    start = start_of(recipe) if getattr(method, "ENCODER", True) else None
    if start is not None and start.training is not None:
        check_unseen(selection, start.training, recipe.init)
    for note in selection.notes:
        warn(note)
    shortest = start.shortest if start is not None else method.SHORTEST
    pool = _usable(selection.train, shortest, warn)
    labelled, dev = _labelled(recipe, selection, pool, shortest, warn)
    setting = Setting(
        recipe=recipe,
        options=options_of(recipe.method, recipe.options),
        train=_clips(recipe, labelled, start, shortest, trains=True),
        pool=_clips(recipe, pool, start, shortest, trains=True),
        dev=None if dev is None else _clips(recipe, dev, start, shortest, trains=False),
        test=selection.test,
        start=start,
        work=work,
        progress=progress,
        warn=warn,
    )
    _check(recipe, setting)
    return setting


Usable = tuple[Part, np.ndarray[Any, np.dtype[np.int64]]]
"""Clips that can be decoded, and their numbers of samples."""


def _usable(part: Part, shortest: int, warn: Callable[[str], None]) -> Usable:
    lengths, notes = readable(part, shortest)
    for note in notes:
        warn(note)
    if not lengths.any():
        raise CorpusError("no clip of the recipe can be used", hint=notes[0] if notes else "")
    return replace(part, table=part.table[lengths > 0].reset_index(drop=True)), lengths[lengths > 0]


def _labelled(
    recipe: Recipe, selection: Selection, pool: Usable, shortest: int, warn: Callable[[str], None]
) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """The clips with a label that train, and those that choose, each with lengths and truth."""
    named = pool[0] if recipe.share == 1 else selection.whole  # models of all shares have the same classes
    dimensions, classes = names_of(recipe, named.table)
    found = []
    for part in [pool, *([_usable(selection.dev, shortest, warn)] if len(selection.dev) else [])]:
        truth = targets_of(recipe, part[0].table, dimensions, classes)
        for note in labelled_note(truth.known, recipe.target):
            warn(note)
        if not truth.known.any():
            raise CorpusError(f"no clip has a label of {', '.join(truth.labels)}")
        table = part[0].table[truth.known].reset_index(drop=True)
        found.append((replace(part[0], table=table), part[1][truth.known], truth.at(truth.known)))
    return found[0], found[1] if len(found) > 1 else None


def _clips(
    recipe: Recipe, given: tuple[Any, ...], start: Start | None, shortest: int, *, trains: bool
) -> Clips:
    part, lengths, truth = given if len(given) == 3 else (*given, None)
    cut = int(recipe.cut_s * RATE_HZ) if trains else 0
    if 0 < cut < shortest:
        raise ModelError(f"cut_s = {recipe.cut_s:g} is less than the network needs, {shortest / RATE_HZ:g} s")
    return Clips(
        part=part,
        targets=truth,
        lengths=np.minimum(lengths, cut) if cut else lengths,
        seed=recipe.seed,
        cut=cut,
        augmenter=augmenter(recipe.augment, recipe.augment_share, seed=recipe.seed, shortest=shortest)
        if trains
        else None,
        scaling="clip" if start is None or start.scaled else "none",
    )


def _check(recipe: Recipe, setting: Setting) -> None:
    """Refuses what can only be found out with the clips at hand."""
    if recipe.best_by:
        check_measure(recipe, setting.train)
        if setting.dev is None and (recipe.best_by != FIRST or recipe.patience):
            raise ModelError(
                f"best_by = {recipe.best_by!r} needs dev clips",
                hint="name dev_speakers or dev in the recipe, or leave out best_by to keep the last weights",
            )
    if len(setting.train) < 2:
        raise CorpusError("only one clip can train; at least two are needed")


def _begun(work: Path) -> bool:
    """Whether a work folder has anything besides the recipe."""
    return work.exists() and any(path.name != STATED for path in work.iterdir())


def _claim(work: Path, recipe: Recipe, setting: Setting) -> None:
    """Takes the work folder, if it is new or of the same training.

    Raises:
        ModelError: it is of another training
    """
    digest = hashlib.blake2b(digest_size=16)
    for clips in filter(None, (setting.train, setting.pool, setting.dev)):
        digest.update(json.dumps([clips.names, clips.lengths.tolist()]).encode())
    source = setting.start.source if setting.start is not None else ""
    stated = {**recipe.model_dump(mode="json"), "clips": digest.hexdigest(), "start": source}
    path = work / STATED
    if _begun(work):
        if not path.is_file() or read_json(path, error=ModelError, what="the recipe") != stated:
            raise ModelError(
                f"{work} has an interrupted training with another recipe or other clips",
                hint="delete that folder, or name another --out",
            )
        return
    write_text(path, json.dumps(stated, indent=1) + "\n", error=ModelError)
