"""How well does each candidate for the model `default` answer training speakers it has not heard?

    python -m tests.bench.default_model DATA FOLDER [CANDIDATE …]

DATA holds emodb/ and emodb_low_agreement/. FOLDER gets one CSV per candidate and pair of speakers, which a
second run does not make again; then the table of docs/default_model.md is printed for the whole ones.
The rule stands in docs/default_model.md, the candidates in examples/default_candidates.toml.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.finetune import recipe_corpora, untrained
from sertools.labels import DIMENSIONS
from sertools.left_out import left_out
from sertools.metrics.regress import ccc
from sertools.recipe import Recipe

CANDIDATES = Path(__file__).parents[2] / "examples" / "default_candidates.toml"
TABLE = tomllib.loads(CANDIDATES.read_text(encoding="utf-8"))


def candidate(name: str) -> Recipe:
    """The recipe of a candidate: the base with the candidate's changes."""
    return Recipe.model_validate(_joined(TABLE["base"], TABLE["candidate"][name]))


def _joined(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    deep = {
        key: _joined(base[key], value) for key, value in changes.items() if isinstance(base.get(key), dict)
    }
    return {**base, **changes, **deep}


def scores(answers: pd.DataFrame) -> list[float]:
    """CCC of arousal, dominance and valence over all rows."""
    return [ccc(answers[f"truth_{name}"], answers[name]) for name in DIMENSIONS]


def measure(name: str, pair: list[str], data: Path, folder: Path) -> None:
    """Fit a candidate without a pair of speakers and write what it answers to them."""
    out = folder / f"{name}_{'_'.join(pair)}.csv"
    if out.exists():
        return
    recipe = candidate(name)
    corpora = recipe_corpora(recipe, data)
    answers = left_out(recipe, corpora, corpora[0], [pair])
    answers.to_csv(out)
    sys.stdout.write(f"{out.name} {' '.join(f'{value:.4f}' for value in scores(answers))}\n")
    sys.stdout.flush()


def table(folder: Path) -> str:
    """Markdown: for each candidate that has met all pairs its CCCs by pair and dimension, and their mean."""
    lines = ["| candidate | " + " | ".join(map("+".join, TABLE["pairs"])) + " | score | parameters |"]
    lines.append("|---" * (len(TABLE["pairs"]) + 3) + "|")
    for name in TABLE["candidate"]:
        files = [folder / f"{name}_{'_'.join(pair)}.csv" for pair in TABLE["pairs"]]
        if all(file.exists() for file in files):
            cells = [scores(pd.read_csv(file, dtype={"speaker": str})) for file in files]
            mean = sum(map(sum, cells)) / (3 * len(cells))
            size = sum(value.numel() for value in untrained(candidate(name)).parameters())
            shown = " | ".join(" ".join(f"{value:.3f}" for value in cell) for cell in cells)
            lines.append(f"| {name} | {shown} | {mean:.4f} | {size} |")
    return "\n".join(lines)


def main(data: str, folder: str, *names: str) -> None:
    """Measure the candidates, all of them where none is named, and print the table."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or TABLE["candidate"]:
        for pair in TABLE["pairs"]:
            measure(name, pair, Path(data), Path(folder))
    sys.stdout.write(f"{table(Path(folder))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
