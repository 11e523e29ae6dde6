"""How fast is a step of fine-tuning beside a plain script with transformers' Trainer, and in what memory?

    python -m tests.bench.training_speed DATA [--layers N] [--steps N] [--batch N] [--rounds N]
    python -m tests.bench.training_speed DATA --memory

DATA holds emodb/. Both fine-tune a wav2vec2-base of random weights (95 million parameters; `--layers` for
fewer of its 12 layers) on the same clips for the same number of updates, on a CPU or a GPU, one after the
other, three times in turn. The plain script draws random batches, pads them with a mask, and uses
`Wav2Vec2ForSequenceClassification`. Printed are the frames per second of each, the ratio, and the largest
memory of the process so far. Frames are the clips' own, 20 ms each, without padding: in few updates, batches
of similar lengths may happen to be of short clips.

`--memory` trains a tiny network for an epoch on 5, 10 and 20 times the clips, each in a new process, with
the cache of decoded clips limited to 32 MB so that it is full each time.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from sertools.corpora.load import load_corpus
from sertools.training.data import batches
from sertools.training.loop import descend
from sertools.training.objectives import objectives
from sertools.training.recipe import recipe_of
from sertools.training.train import setting_of, train_recipe
from tests.helpers.tones import recipe_table

STRIDE = 320
"""Samples per frame."""


def seconds() -> float:
    """The clock: of the process on a CPU, of the wall with a GPU."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


def counting(module: Any, name: str) -> list[int]:
    """A list to which each forward pass of a module appends the samples of its clips, without padding.

    Args:
        module: of torch
        name: of the argument whose sum this is
    """
    seen: list[int] = []
    module.register_forward_pre_hook(
        lambda _, args, given: seen.append(int(given[name].sum())), with_kwargs=True
    )
    return seen


def ours(data: Path, layers: int, steps: int, batch: int, folder: Path) -> tuple[float, int]:
    """Seconds for the steps, without loading, and the samples of their clips."""
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
    seen = counting(module, "lengths")
    start = seconds()
    descend(phase, module, folder, setting)
    return seconds() - start, sum(seen)


def plain(data: Path, layers: int, steps: int, batch: int, folder: Path) -> tuple[float, int]:
    """Seconds for the steps, without loading, of a script as one would write it, and samples; see `ours`."""
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
    seen = counting(model, "attention_mask")
    start = seconds()
    trainer.train()
    return seconds() - start, sum(seen)


def peak(data: Path, times: int, folder: Path) -> str:
    """Trains a tiny network for an epoch on so many times the clips; the largest memory, in words."""
    corpus = load_corpus("emodb:train", data_root=data)
    table = corpus.clips[["speaker", "emotion"]]
    rows = []
    for i in range(times):
        (folder / str(i)).mkdir(parents=True)
        for clip, speaker, emotion in table.itertuples(name=None):
            name = f"{i}/{Path(clip).name}"
            (folder / name).symlink_to((data / "emodb" / clip).resolve())
            rows.append(f"{name},{speaker},{emotion}")
    (folder / "clips.csv").write_text("\n".join(["file,speaker,emotion", *rows]) + "\n")
    batches.MAX_CACHED_BYTES = 2**25
    changes = {"cut_s": 0.5, "epochs": 1, "batch": 32, "dev_speakers": []}
    recipe = recipe_of(recipe_table(folder / "clips.csv", **changes))
    train_recipe(recipe, folder / "model")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{len(rows)} clips: {memory:.0f} MB\n"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("build/training_speed"))
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--times", type=int, default=0, help="used by --memory")
    given = parser.parse_args()
    if given.times:
        with TemporaryDirectory() as folder:
            sys.stdout.write(peak(given.data, given.times, Path(folder)))
        return
    if given.memory:
        for times in (5, 10, 20):
            words = ["-m", "tests.bench.training_speed", str(given.data), "--times", str(times)]
            subprocess.run([sys.executable, *words], check=True)
        return
    took: dict[str, list[float]] = {"plain": [], "ours": []}
    for turn in range(given.rounds):
        for name, run in (("plain", plain), ("ours", ours)):
            folder = given.folder / f"{name}-{turn}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            taken, samples = run(given.data, given.layers, given.steps, given.batch, folder)
            took[name].append(samples / STRIDE / taken)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            sys.stdout.write(
                f"{name}: {took[name][-1]:.1f} frames/s, {samples / STRIDE:.0f} frames, {taken:.1f} s, "
                f"{memory:.0f} MB\n"
            )
            sys.stdout.flush()
            shutil.rmtree(folder, ignore_errors=True)
    ratio = np.median(took["ours"]) / np.median(took["plain"])
    sys.stdout.write(f"ours is {ratio:.2f} times as fast (medians of {given.rounds})\n")


if __name__ == "__main__":
    main()
