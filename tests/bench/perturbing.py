"""How much of the time of a wav2vec2-base run does perturbing take, and does it starve the model?

    python -m tests.bench.perturbing --data ../shared/data/ravdess --clips 40

Writes a checkpoint of base shape (95 M parameters) with random weights to a temporary folder, then measures
for each perturbation the CPU time that it needs for a clip, the model's seconds for a clip, and the wall time
of a prediction on clean sound against one on perturbed sound.
"""

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.inference.decode import OtherClips, decode
from sertools.inference.predict import predict
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.perturbations.apply import perturb
from sertools.perturbations.selection import select
from tests.helpers.checkpoints import write_checkpoint

BASE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "conv_dim": [512] * 7,
    "classifier_proj_size": 256,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long some work takes."""
    began = clock()
    work()
    return clock() - began


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--perturbations", nargs="+", default=["small"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    whole = load_corpus(options.data)
    step = max(1, len(whole.clips) // options.clips)
    corpus: Corpus = dataclasses.replace(whole, clips=whole.clips.iloc[::step].head(options.clips))
    conditions = list(select(options.perturbations).every)
    with tempfile.TemporaryDirectory() as folder:
        model = load_model(str(write_checkpoint(Path(folder) / "base", "wav2vec2", **BASE)))
        clean = dataclasses.replace(conditions[0], perturbation="clean")
        sounds = {clip: decode(corpus, clip, model, clean).signal for clip in corpus.clips.index}
        duration = sum(len(sound) for sound in sounds.values()) / model.sampling_rate

        def perturbed(sound, clip, condition):
            rate = model.sampling_rate
            return perturb(
                sound, rate, clip, condition, others=OtherClips(corpus=corpus, clip=clip, rate=rate)
            )

        # first use loads filters and libraries
        for condition in conditions:
            perturbed(next(iter(sounds.values())), corpus.clips.index[0], condition)
        total, lines = 0.0, []
        for condition in conditions:
            took = seconds(
                lambda condition=condition: [
                    perturbed(sound, clip, condition) for clip, sound in sounds.items()
                ],
                time.process_time,
            )
            total += took
            lines.append(f"{condition!s:32} {1000 * took / len(sounds):8.2f} ms of CPU a clip")
        model.predict([next(iter(sounds.values()))])
        settings = Settings(cache=Path(folder) / "store")
        one = seconds(lambda: predict(model, corpus, settings=settings))
        every = seconds(lambda: predict(model, corpus, conditions=[clean, *conditions], settings=settings))
    n, k = len(sounds), len(conditions)
    lines += [
        f"{n} clips of {duration / n:.2f} s on average; {options.threads} threads of torch",
        f"clean sound: {one / n:.3f} s a clip; changed sound: {every / n / k:.3f} s a clip",
        f"perturbing: {total / n / k:.4f} s of CPU a clip, {total / every:.1%} of the wall time",
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
