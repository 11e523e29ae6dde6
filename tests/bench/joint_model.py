"""How well do the candidates for a joint model `default` answer speakers whom they have not heard?

    python -m tests.bench.joint_model DATA FOLDER [CANDIDATE …]

DATA contains emodb/ and emodb_low_agreement/. FOLDER gets two CSV files per candidate and pair of speakers,
its answers to the pair and to the dev voices of `training-voices`, which a second run does not compute again.
Then the table of docs/default_model.md is printed for the candidates that have answered every pair. `ten` is
not a candidate, but the recipe of examples/finetune.toml with all ten speakers of EmoDB. The rule is in
docs/default_model.md, the candidates are in examples/joint_candidates.toml.
"""

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.corpora.load import load_corpus
from sertools.labels import DIMENSIONS
from sertools.metrics.regression import CCC, ccc
from sertools.statistics.jackknife import estimate
from sertools.training.small_network.cross_validation import answers_to
from sertools.training.small_network.data import recipe_corpora, training_data
from sertools.training.small_network.finetune import fit
from sertools.training.small_network.recipe import Recipe, read_recipe

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE = tomllib.loads((EXAMPLES / "joint_candidates.toml").read_text(encoding="utf-8"))
PAIRS: list[list[str]] = TABLE["pairs"]
SPOKEN = ("arousal",)
TEN = [*PAIRS, *TABLE["test_pairs"]]


def candidate(name: str) -> Recipe:
    """The recipe of a candidate: the base with the candidate's changes."""
    if name == "ten":
        chosen = read_recipe(EXAMPLES / "finetune.toml")
        spoken = [speaker for speaker in chosen.speakers if "+" in speaker]
        every = sorted(speaker for pair in TEN for speaker in pair)
        return chosen.model_copy(update={"speakers": [*every, *spoken]})
    return Recipe.model_validate(_joined(TABLE["base"], TABLE["candidate"][name]))


def _joined(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    deep = {
        key: _joined(base[key], value) for key, value in changes.items() if isinstance(base.get(key), dict)
    }
    return {**base, **changes, **deep}


def scores(answers: pd.DataFrame, ratings: Sequence[str] = DIMENSIONS) -> list[float]:
    """CCC of each rating over all rows, and the UAR of the categories if the rows have them."""
    found = [ccc(answers[f"truth_{name}"], answers[name]) for name in ratings]
    if "emotion" not in answers or answers["emotion"].isna().all():
        return found
    truth = answers["emotion"]
    chosen = answers[TABLE["base"]["emotions"]].idxmax(axis="columns")
    return [*found, float((chosen == truth).groupby(truth).mean().mean())]


def answers_of(name: str, pair: list[str], folder: Path, of: str = "") -> Path:
    """The file of a candidate's answers to a pair of speakers; with of = "_voices", to the dev voices."""
    return folder / f"{name}_{'_'.join(pair)}{of}.csv"


def measure(name: str, pair: list[str], data: Path, folder: Path) -> None:
    """Train a candidate without a pair of speakers; write its answers to them and to the dev voices."""
    out = answers_of(name, pair, folder)
    if out.exists():
        return
    recipe = candidate(name)
    corpora = recipe_corpora(recipe, data)
    others = [speaker for speaker in recipe.speakers if speaker not in pair]
    model = fit(recipe, training_data(recipe, corpora, others), progress=lambda epoch, loss: None)
    voices = load_corpus("training-voices-dev")
    spoken = answers_to(model, recipe, voices, sorted(set(voices.clips["speaker"])))
    spoken.to_csv(answers_of(name, pair, folder, "_voices"))
    answers = answers_to(model, recipe, corpora[0], pair)
    answers.to_csv(out)
    values = [*scores(answers), *scores(spoken, SPOKEN)]
    sys.stdout.write(f"{out.name} {' '.join(f'{value:.4f}' for value in values)}\n")
    sys.stdout.flush()


def table(folder: Path) -> str:
    """Markdown: for each candidate that has answered all pairs, its parts of the score and the score."""
    lines = ["| candidate | " + " | ".join(map("+".join, PAIRS)) + " | CCC | UAR | voices | score | epochs |"]
    lines.append("|---" * (len(PAIRS) + 6) + "|")
    for name in TABLE["candidate"]:
        files = [answers_of(name, pair, folder) for pair in PAIRS]
        if all(file.exists() for file in files):
            cells = [scores(pd.read_csv(file)) for file in files]
            spoken = [
                scores(pd.read_csv(answers_of(name, pair, folder, "_voices")), SPOKEN) for pair in PAIRS
            ]
            parts = [
                np.mean([cell[:3] for cell in cells]),
                np.mean([cell[3] for cell in cells]),
                np.mean(spoken),
            ]
            shown = " | ".join(" ".join(f"{value:.4f}" for value in cell) for cell in cells)
            told = " | ".join(f"{value:.4f}" for value in [*parts, np.mean(parts)])
            lines.append(f"| {name} | {shown} | {told} | {candidate(name).epochs} |")
    return "\n".join(lines)


def ten(folder: Path) -> pd.DataFrame:
    """What the chosen recipe answers to all ten speakers, each left out with another."""
    files = [answers_of("ten", pair, folder) for pair in TEN]
    return pd.concat([pd.read_csv(file, dtype={"speaker": str}) for file in files], ignore_index=True)


def with_intervals(answers: pd.DataFrame) -> str:
    """Markdown: CCC over all speakers, its 95 % jackknife interval over them, lowest and highest of one."""
    codes, speakers = pd.factorize(answers["speaker"])
    lines = []
    for name in DIMENSIONS:
        found = estimate(CCC, answers[f"truth_{name}"], answers[name], codes, len(speakers))
        alone = [ccc(part[f"truth_{name}"], part[name]) for _, part in answers.groupby("speaker")]
        lines.append(
            f"| {name} | {found.value:.3f} | {found.low:.3f} to {found.high:.3f} "
            f"| {min(alone):.3f} to {max(alone):.3f} | {found.n} | {found.units} |"
        )
    return "\n".join(lines)


def main(data: str, folder: str, *names: str) -> None:
    """Measure the candidates, all of them where none is named, and print what came out."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or TABLE["candidate"]:
        for pair in TEN if name == "ten" else PAIRS:
            measure(name, pair, Path(data), Path(folder))
    sys.stdout.write(f"{with_intervals(ten(Path(folder))) if 'ten' in names else table(Path(folder))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
