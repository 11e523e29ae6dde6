"""How fast is a step of fine-tuning beside a plain script with transformers' Trainer, and in what memory?

    python -m tests.bench.training_speed DATA [--layers N] [--steps N] [--batch N]

DATA holds emodb/. Both fine-tune a wav2vec2-base of random weights (95 million parameters; `--layers` for
fewer of its 12 layers) on the same clips for the same number of updates, on a CPU or a GPU, one after the
other, three times in turn. The plain script draws random batches, pads them with a mask, and uses
`Wav2Vec2ForSequenceClassification`. Printed are clips and frames per second of each, their ratio, and the
largest memory of each process so far.
"""

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sertools.corpora.load import load_corpus
from sertools.training.loop import descend
from sertools.training.objectives import objectives
from sertools.training.recipe import recipe_of
from sertools.training.train import setting_of

STRIDE = 320
"""Samples per frame."""


def seconds() -> float:
    """The clock: of the process on a CPU, of the wall with a GPU."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def ours(data: Path, layers: int, steps: int, batch: int, folder: Path) -> float:
    """Seconds for the steps, without loading."""
    recipe = recipe_of(
        {
            "method": "fine-tune",
            "init": "random:wav2vec2",
            "architecture": {"num_hidden_layers": layers},
            "corpora": ["emodb:train"],
            "steps": steps,
            "batch": batch,
            "every": steps,
            "precision": "bf16" if torch.cuda.is_available() else "fp32",
        }
    )
    setting = setting_of(recipe, folder / "work", data_root=data)
    (phase,) = objectives()["fine-tune"].phases(setting)
    module = phase.build(None)
    start = seconds()
    descend(phase, module, folder, setting)
    return seconds() - start


def plain(data: Path, layers: int, steps: int, batch: int, folder: Path) -> float:
    """Seconds for the steps, without loading, of a script as one would write it."""
    from transformers import (
        Trainer,
        TrainingArguments,
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
    )

    corpus = load_corpus("emodb:train", data_root=data)
    names = sorted(corpus.clips["emotion"].unique())
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    rows = [
        {"signal": corpus.signal(clip, 16000), "label": names.index(emotion)}
        for clip, emotion in corpus.clips["emotion"].items()
    ]

    def collate(items: list[dict[str, Any]]) -> dict[str, Any]:
        given = extractor(
            [i["signal"] for i in items], sampling_rate=16000, padding=True, return_tensors="pt"
        )
        return {**given, "labels": torch.tensor([item["label"] for item in items])}

    model = Wav2Vec2ForSequenceClassification(
        Wav2Vec2Config(
            num_hidden_layers=layers, num_labels=len(names), layerdrop=0.0, apply_spec_augment=False
        )
    )
    model.freeze_feature_encoder()
    settings = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=batch,
        learning_rate=1e-4,
        lr_scheduler_type="constant",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        bf16=torch.cuda.is_available(),
    )
    data_set: Any = rows
    trainer = Trainer(model=model, args=settings, train_dataset=data_set, data_collator=collate)
    start = seconds()
    trainer.train()
    return seconds() - start


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("build/training_speed"))
    given = parser.parse_args()
    clips = load_corpus("emodb:train", data_root=given.data)
    mean = np.mean([len(clips.signal(clip, 16000)) for clip in clips.clips.index])
    took: dict[str, list[float]] = {"plain": [], "ours": []}
    for turn in range(given.rounds):
        for name, run in (("plain", plain), ("ours", ours)):
            folder = given.folder / f"{name}-{turn}"
            folder.mkdir(parents=True, exist_ok=True)
            took[name].append(run(given.data, given.layers, given.steps, given.batch, folder))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rate = given.steps * given.batch / took[name][-1]
            sys.stdout.write(
                f"{name}: {rate:.2f} clips/s, {rate * mean / STRIDE:.0f} frames/s, {memory:.0f} MB\n"
            )
            sys.stdout.flush()
    ratio = np.median(took["plain"]) / np.median(took["ours"])
    sys.stdout.write(f"ours is {ratio:.2f} times as fast (medians of {given.rounds})\n")


if __name__ == "__main__":
    main()
