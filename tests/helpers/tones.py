"""A corpus of tones, in which every emotion has a pitch of its own, and recipes of networks that learn it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.audio.files import write_audio

PITCH_HZ = {"anger": 400, "neutral": 2000}
RATE_HZ = 16_000

TINY: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": [8, 8, 16],
    "conv_kernel": [20, 20, 4],
    "conv_stride": [16, 10, 2],
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "hidden_dropout": 0.1,
}
"""A wav2vec2 of about 10 000 parameters."""


def write_tones(folder: Path, speakers: str = "abc", takes: int = 2) -> Path:
    """Writes clips of about .3 s, and returns the manifest: each speaker says each emotion in each take."""
    rng = np.random.default_rng(0)
    rows = []
    for speaker in speakers:
        for emotion, hz in PITCH_HZ.items():
            for take in range(takes):
                seconds = np.arange(int(rng.integers(4000, 5500))) / RATE_HZ
                tone = 0.3 * np.sin(2 * np.pi * hz * seconds) + 0.01 * rng.standard_normal(len(seconds))
                name = f"{speaker}_{emotion}_{take}.wav"
                write_audio(folder / name, tone, RATE_HZ)
                rows.append((name, speaker, emotion, 0.2 + 0.6 * (emotion == "anger") + 0.05 * take))
    table = pd.DataFrame(rows, columns=["file", "speaker", "emotion", "arousal"])
    table.to_csv(folder / "tones.csv", index=False)
    return folder / "tones.csv"


def recipe_table(manifest: Path, **changes: Any) -> dict[str, Any]:
    """The table of a recipe that trains the tiny network on tones."""
    return {
        "method": "fine-tune",
        "init": "random:wav2vec2",
        "architecture": TINY,
        "corpora": [str(manifest)],
        "dev_speakers": ["c"],
        "freeze": "nothing",
        "epochs": 2,
        "batch": 4,
        "learning_rate": 0.01,
        **changes,
    }


def write_study(folder: Path) -> None:
    """Writes study.toml: one training on two speakers of clips.csv, scored on the rest; and pre-trained."""
    write_pretrained(folder / "pre-trained")
    clips = pd.read_csv(folder / "clips.csv")
    trains = clips["speaker"].isin(sorted(clips["speaker"].unique())[:2])
    clips[trains].to_csv(folder / "trains.csv", index=False)
    clips[~trains].to_csv(folder / "tests.csv", index=False)
    recipe = recipe_table(Path("trains.csv"), target="dimensions", labels=["arousal"], epochs=1)
    network = recipe.pop("architecture")
    lines = ['title = "One model"', 'question = "Does it learn?"', 'test = ["tests.csv"]', "[recipe]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in {**recipe, "dev_speakers": []}.items()]
    lines += ["[recipe.architecture]", *(f"{key} = {json.dumps(value)}" for key, value in network.items())]
    (folder / "study.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_pretrained(folder: Path, **changes: Any) -> None:
    """Writes a tiny wav2vec 2.0 with the quantiser of its pre-training, with random weights."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForPreTraining

    settings = {"codevector_dim": 8, "proj_codevector_dim": 8, "num_codevectors_per_group": 4}
    settings |= {"num_negatives": 3, "mask_time_length": 3, "mask_time_prob": 0.3}
    torch.manual_seed(0)
    Wav2Vec2ForPreTraining(Wav2Vec2Config(**TINY, **settings | changes)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
