"""How well do the candidates for the model `default` answer speakers they have not heard?

    python -m tests.bench.default_model DATA FOLDER [CANDIDATE …]

DATA holds emodb/ and emodb_low_agreement/. FOLDER gets one CSV per candidate and pair of speakers, which a
second run does not make again; then the table of docs/default_model.md is printed for the candidates that
have met every pair. `ten` is no candidate to choose but the recipe of examples/finetune.toml with all ten
speakers of EmoDB. The rule stands in docs/default_model.md, the candidates in
examples/default_candidates.toml.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.labels import DIMENSIONS
from sertools.metrics.regression import CCC, ccc
from sertools.statistics.jackknife import estimate
from sertools.training.small_network.cross_validation import held_out_predictions
from sertools.training.small_network.data import recipe_corpora
from sertools.training.small_network.network import untrained
from sertools.training.small_network.recipe import Recipe, read_recipe

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE = tomllib.loads((EXAMPLES / "default_candidates.toml").read_text(encoding="utf-8"))
PAIRS: list[list[str]] = TABLE["pairs"]
TEN = [*PAIRS, *TABLE["test_pairs"]]


def candidate(name: str) -> Recipe:
    """The recipe of a candidate: the base with the candidate's changes."""
    if name == "ten":
        chosen = read_recipe(EXAMPLES / "finetune.toml")
        return chosen.model_copy(update={"speakers": sorted(speaker for pair in TEN for speaker in pair)})
    return Recipe.model_validate(_joined(TABLE["base"], TABLE["candidate"][name]))


def _joined(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    deep = {
        key: _joined(base[key], value) for key, value in changes.items() if isinstance(base.get(key), dict)
    }
    return {**base, **changes, **deep}


def scores(answers: pd.DataFrame) -> list[float]:
    """CCC of arousal, dominance and valence over all rows."""
    return [ccc(answers[f"truth_{name}"], answers[name]) for name in DIMENSIONS]


def answers_of(name: str, pair: list[str], folder: Path) -> Path:
    """The file of what a candidate answers to a pair that it has not heard."""
    return folder / f"{name}_{'_'.join(pair)}.csv"


def measure(name: str, pair: list[str], data: Path, folder: Path) -> None:
    """Fit a candidate without a pair of speakers and write what it answers to them."""
    out = answers_of(name, pair, folder)
    if out.exists():
        return
    recipe = candidate(name)
    corpora = recipe_corpora(recipe, data)
    answers = held_out_predictions(recipe, corpora, corpora[0], [pair])
    answers.to_csv(out)
    sys.stdout.write(f"{out.name} {' '.join(f'{value:.4f}' for value in scores(answers))}\n")
    sys.stdout.flush()


def table(folder: Path) -> str:
    """Markdown: for each candidate that has met all pairs its CCCs by pair and dimension, and their mean."""
    lines = ["| candidate | " + " | ".join(map("+".join, PAIRS)) + " | score | parameters | epochs |"]
    lines.append("|---" * (len(PAIRS) + 4) + "|")
    for name in TABLE["candidate"]:
        files = [answers_of(name, pair, folder) for pair in PAIRS]
        if all(file.exists() for file in files):
            cells = [scores(pd.read_csv(file)) for file in files]
            recipe = candidate(name)
            size = sum(value.numel() for value in untrained(recipe).parameters())
            shown = " | ".join(" ".join(f"{value:.4f}" for value in cell) for cell in cells)
            lines.append(f"| {name} | {shown} | {np.mean(cells):.4f} | {size} | {recipe.epochs} |")
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
