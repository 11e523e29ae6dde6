"""Files written next to the weights: recipe, training record, environment, curves and a model card."""

import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from sertools import __version__
from sertools.corpora.seen.record import FILE, TrainingRecord, joined_records
from sertools.training.loop import CURVES
from sertools.training.objectives import descriptions, objectives
from sertools.training.output import curves as figure
from sertools.training.phases import Setting
from sertools.wording import plural

PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "numpy",
    "scikit-learn",
    "safetensors",
    "soundfile",
)
"""Packages whose version can change the weights."""


def write_output(setting: Setting, folder: Path) -> None:
    """Writes the description of a training into the folder of its checkpoint."""
    recipe = setting.recipe.model_dump_json(indent=1)
    (folder / "recipe.json").write_text(recipe + "\n", encoding="utf-8")
    (folder / FILE).write_text(record_of(setting).to_json(), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps(environment(), indent=1) + "\n", encoding="utf-8")
    curves = all_curves(setting)
    (folder / CURVES).write_text(json.dumps(curves, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if curves:
        (folder / figure.FILE).write_bytes(figure.drawn(curves))
    (folder / "README.md").write_text(card(setting, curves), encoding="utf-8")


def record_of(setting: Setting) -> TrainingRecord:
    """What the trained model was trained on: the clips of this training, and those of its checkpoint.

    Dev speakers are named apart, where their clips chose the weights.
    """
    unlabelled = getattr(objectives()[setting.recipe.method], "UNLABELLED", False)
    record = (setting.pool if unlabelled else setting.train).part.record()
    if setting.dev is not None and not unlabelled:
        record = record.model_copy(update={"chosen_on": setting.dev.part.record().speakers})
    if setting.start is None or setting.start.training is None:
        return record
    return joined_records(setting.start.training, record)


def environment() -> dict[str, Any]:
    """Versions, platform and number of threads, on which the bytes of the weights depend."""
    import torch

    found: dict[str, str] = {"sertools": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {
        "versions": found,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "device": device,
    }


def all_curves(setting: Setting) -> dict[str, Any]:
    """The curves of each phase, by its name."""
    found = {}
    for folder in sorted(setting.work.glob("[0-9]*-*")):
        if (folder / CURVES).is_file():
            curves = json.loads((folder / CURVES).read_text(encoding="utf-8"))
            found[folder.name.partition("-")[2]] = curves
    return found


def card(setting: Setting, curves: dict[str, Any]) -> str:
    """The model card: what was trained on what, and how it did on dev speakers."""
    recipe, targets = setting.recipe, setting.train.targets
    labels = ", ".join(targets.labels) if targets is not None else "none"
    corpora = "; ".join(
        f"{corpus.name} ({corpus.licence or 'licence unknown'})" for corpus in setting.train.part.corpora
    )
    lines = [
        "---",
        "library_name: sertools",
        "pipeline_tag: audio-classification",
        "tags: [speech-emotion-recognition]",
        "---",
        "",
        f"# Trained with `sertools train`, method {recipe.method}",
        "",
        descriptions()[recipe.method],
        "",
        f"- It began with {recipe.init}, and predicts {labels}.",
        f"- It was trained on {plural(len(setting.train), 'clip')} of "
        f"{plural(setting.train.part.speakers(), 'speaker')}: {corpora}.",
        f"- {FILE} has hashes of these clips, so that an audit can recognise them.",
        f"- recipe.json and environment.json have all settings, {CURVES} and {figure.FILE} the curves.",
    ]
    if setting.dev is not None:
        lines.append(
            f"- Dev: {plural(len(setting.dev), 'clip')} of {plural(setting.dev.part.speakers(), 'speaker')}."
        )
    lines += _scores(curves)
    lines += [
        "",
        "It has not been audited. Do so with speakers that are not among those of its training:",
        "",
    ]
    lines += ["    sertools audit --model FOLDER --data CORPUS", ""]
    return "\n".join(lines)


def _scores(curves: dict[str, Any]) -> list[str]:
    """A sentence on the kept weights of each phase that was scored."""
    found = []
    for name, phase in curves.items():
        scored = [entry for entry in phase["log"] if "eval_loss" in entry]
        if not scored:
            continue
        step = phase["best_step"] or scored[-1]["step"]
        entry = next((each for each in scored if each["step"] == step), scored[-1])
        values = ", ".join(
            f"{figure.in_words(key)} {value:.3f}"
            for key, value in entry.items()
            if key.startswith("eval_") and isinstance(value, float)
        )
        found.append(
            f"- Phase {name}, step {step} of {phase['steps']}, on the dev clips that chose it: {values}."
        )
    return found
