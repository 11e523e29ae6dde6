"""The commands that write, with inputs that make them quick, for tests that kill them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from tests.helpers.small import write_noises

OPTIONS = ["--data", "data/clips.csv", "--cache", "cache"]
MODEL = ["--model", "py:answers.py:loudness", "--trust-remote-code"]

ANSWERS = """
import numpy as np
def loudness(signals, rate):
    return [[float(np.abs(s).mean()), float(s.std())] for s in signals]
loudness.labels = ("arousal", "valence")
"""

RECIPE = """
corpora = ["data/clips.csv"]
speakers = ["s0", "s1", "s2"]
epochs = 2
batch = 8

[shape]
conv_dim = [24, 16, 16]
hidden = 16
layers = 1
heads = 2
feed_forward = 16
pooled = 8
position_groups = 2
"""


TRAIN = """
method = "fine-tune"
init = "random:wav2vec2"
corpora = ["data/clips.csv"]
dev_speakers = ["s0", "s1"]
freeze = "nothing"
epochs = 2
batch = 4
learning_rate = 0.01

[architecture]
hidden_size = 16
num_hidden_layers = 2
num_attention_heads = 2
intermediate_size = 16
conv_dim = [8, 8, 16]
conv_kernel = [20, 20, 4]
conv_stride = [16, 10, 2]
feat_extract_norm = "layer"
do_stable_layer_norm = true
num_conv_pos_embeddings = 4
num_conv_pos_embedding_groups = 2
"""

SWEEP = """
models = [{ spec = "toy:loudness", name = "loud" }, { spec = "toy:random", name = "random" }]
data = [{ spec = "data/clips.csv", name = "clips" }]
audits = ["correctness"]
"""

STUDY = """
title = "Frozen or not"
question = "Does the encoder have to train?"
test = ["data/clips.csv"]
measures = ["uar"]
[grid]
seed = [0, 1]
[recipe]
init = "random:wav2vec2"
corpora = ["data/clips.csv"]
dev_speakers = ["s0", "s1"]
test_speakers = ["s4", "s5"]
epochs = 1
batch = 4
learning_rate = 0.01
[variants.frozen]
method = "frozen"
freeze = "encoder"
"""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line that writes.

    Attributes:
        words: what is typed after `sertools`
        outputs: the files and folders that it writes or deletes
        before: command lines that write what it reads
    """

    name: str
    words: tuple[str, ...]
    outputs: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()

    def run(self) -> int:
        """Runs it in the working directory; returns its exit code."""
        return invoke(self.words)


def invoke(words: tuple[str, ...]) -> int:
    """Runs a command line in this process; returns its exit code."""
    from sertools.cli.app import app

    return CliRunner().invoke(app, list(words)).exit_code


def audited(out: str, *audits: str, seed: int = 0) -> tuple[str, ...]:
    """The command line of an audit."""
    return ("audit", *audits, *MODEL, *OPTIONS, "--quiet", "--seed", str(seed), "--out", out)


def exported(kind: str, out: str) -> tuple[str, ...]:
    """The command line that exports the corpus."""
    return ("corpus", "export", "data/clips.csv", "--format", kind, "--out", out)


ONE, OTHER = audited("one", "correctness"), audited("other", "correctness", seed=1)

COMMANDS = {
    each.name: each
    for each in (
        Command(name="audit", words=audited("out", "correctness"), outputs=("out",)),
        Command(
            name="embeddings",
            words=("audit", "embeddings", "--model", "default", *OPTIONS, "--quiet", "--out", "out"),
            outputs=("out",),
        ),
        Command(
            name="predict",
            words=("predict", *MODEL, *OPTIONS, "--csv", "out.csv"),
            outputs=("out.csv",),
        ),
        Command(name="finetune", words=("finetune", "data/recipe.toml", "--out", "out"), outputs=("out",)),
        Command(name="train", words=("train", "data/train.toml", "--out", "out"), outputs=("out",)),
        Command(
            name="report",
            words=("report", "one", "--out", "out"),
            outputs=("out",),
            before=(ONE,),
        ),
        Command(
            name="compare",
            words=("compare", "one", "other", "--out", "out"),
            outputs=("out",),
            before=(ONE, OTHER),
        ),
        Command(
            name="leaderboard",
            words=("leaderboard", "runs", "--out", "out"),
            outputs=("out",),
            before=(audited("runs/one", "correctness"),),
        ),
        Command(
            name="gate", words=("gate", "one", "--junit", "out.xml"), outputs=("out.xml",), before=(ONE,)
        ),
        Command(
            name="corpus split",
            words=("corpus", "split", "data/clips.csv", "--out", "out", "--test", "0.3", "--dev", "0"),
            outputs=("out",),
        ),
        Command(
            name="corpus scan",
            words=("corpus", "scan", "emodb", "data/emodb", "--out", "out"),
            outputs=("out",),
        ),
        Command(
            name="tts",
            words=(
                "tts",
                "--sentences",
                "data/said.txt",
                "--language",
                "deu",
                "--voice",
                "de+f1",
                "--out",
                "out",
            ),
            outputs=("out",),
        ),
        Command(
            name="perturb",
            words=("perturb", "white_noise", "20", "data/000.wav", "out.wav"),
            outputs=("out.wav",),
        ),
        Command(name="corpus export csv", words=exported("csv", "out.csv"), outputs=("out.csv",)),
        Command(
            name="corpus export parquet", words=exported("parquet", "out.parquet"), outputs=("out.parquet",)
        ),
        Command(name="corpus export audformat", words=exported("audformat", "out"), outputs=("out",)),
        Command(
            name="corpus merge",
            words=("corpus", "merge", "data/clips.csv", "data/more/others.csv", "--out", "out"),
            outputs=("out",),
        ),
        Command(
            name="corpus segment",
            words=(
                *("corpus", "segment", "data/clips.csv", "--out", "out"),
                *("--by", "windows", "--window", "0.04", "--shortest", "0.01"),
            ),
            outputs=("out",),
        ),
        Command(
            name="corpus resample",
            words=("corpus", "resample", "data/clips.csv", "--rate", "8000", "--out", "out"),
            outputs=("out",),
        ),
        Command(
            name="corpus explore",
            words=("corpus", "explore", "data/clips.csv", "--out", "out"),
            outputs=("out",),
        ),
        Command(
            name="sweep",
            words=(
                "sweep",
                "data/sweep.toml",
                "--on",
                "local:1",
                "--cache",
                "cache",
                "--out",
                "out",
                "--quiet",
            ),
            outputs=("out/cells", "out/leaderboard", "out/matrices.csv", "out/scores.csv"),
        ),
        Command(name="study", words=("study", "data/study.toml", "--out", "out"), outputs=("out",)),
        Command(
            name="cache prune",
            words=("cache", "prune", "--older-than", "0", "--cache", "cache"),
            outputs=("cache",),
            before=(ONE,),
        ),
        Command(name="init", words=("init", "data/clips.csv", "--replace"), outputs=("sertools.toml",)),
    )
}


def prepare(command: Command, folder: Path) -> Path:
    """A folder with the inputs of a command."""
    write_noises(folder / "data", 12, samples=1600)
    write_noises(folder / "data" / "more", 4, samples=800, seed=1).rename(
        folder / "data" / "more" / "others.csv"
    )
    (folder / "data" / "emodb" / "wav").mkdir(parents=True)
    for name in ("03a01Wa", "08b02Na"):
        shutil.copy(folder / "data" / "000.wav", folder / "data" / "emodb" / "wav" / f"{name}.wav")
    (folder / "answers.py").write_text(ANSWERS, encoding="utf-8")
    (folder / "data" / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "data" / "train.toml").write_text(TRAIN, encoding="utf-8")
    (folder / "data" / "sweep.toml").write_text(SWEEP, encoding="utf-8")
    architecture = TRAIN.partition("[architecture]")[2]
    (folder / "data" / "study.toml").write_text(
        f"{STUDY}[recipe.architecture]{architecture}", encoding="utf-8"
    )
    (folder / "data" / "said.txt").write_text("Ach so.\nNa gut.\nJa, ja.\n", encoding="utf-8")
    here = Path.cwd()
    try:
        os.chdir(folder)
        for words in command.before:
            invoke(words)
    finally:
        os.chdir(here)
    return folder
