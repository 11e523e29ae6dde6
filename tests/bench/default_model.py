"""How well do the candidates for the model `default` answer speakers whom they have not heard?

    python -m tests.bench.default_model DATA FOLDER [CANDIDATE …]

DATA contains emodb/ and emodb_low_agreement/. FOLDER gets two CSV files per candidate and pair of speakers,
its answers to the pair and to the dev voices of `training-voices`, which a second run does not compute again.
Then the table of docs/default_model.md is printed for the candidates that have answered every pair, and below
it, for each of them, its answers to all pairs together. The rule is in docs/default_model.md, the candidates
are in examples/default_candidates.toml.
"""

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats

from sertools.corpora.load import load_corpus
from sertools.labels import DIMENSIONS
from sertools.metrics.classification import uar, uar_statistic
from sertools.metrics.regression import CCC, ccc
from sertools.statistics.jackknife import Estimate, estimate
from sertools.training.small_network.cross_validation import answers_to
from sertools.training.small_network.data import recipe_corpora, training_data
from sertools.training.small_network.finetune import fit
from sertools.training.small_network.recipe import Recipe

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE = tomllib.loads((EXAMPLES / "default_candidates.toml").read_text(encoding="utf-8"))
PAIRS: list[list[str]] = TABLE["pairs"]
EMOTIONS: list[str] = TABLE["base"]["emotions"]
NAMES = [*(f"{name}, CCC" for name in DIMENSIONS), "emotion, UAR"]
VOICES = "_voices"
"""Ending of the names of files with answers to the dev voices."""


def candidate(name: str) -> Recipe:
    """The recipe of a candidate: the base with the candidate's changes."""
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
    return [*found, uar(*emotions(answers), len(EMOTIONS))]


def emotions(answers: pd.DataFrame) -> tuple[Any, Any]:
    """Codes of the true and of the predicted emotion of each row."""
    truth = pd.Categorical(answers["emotion"], categories=EMOTIONS).codes
    return truth.astype(int), answers[EMOTIONS].to_numpy().argmax(axis=1)


def answers_of(name: str, pair: list[str], folder: Path, of: str = "") -> Path:
    """The file of a candidate's answers to a pair of speakers, or to the dev voices."""
    return folder / f"{name}_{'_'.join(pair)}{of}.csv"


def measure(name: str, pair: list[str], data: Path, folder: Path) -> None:
    """Train a candidate without a pair of speakers; write its answers to them and to the dev voices."""
    out = answers_of(name, pair, folder)
    if out.exists():
        return
    recipe = candidate(name)
    corpora = recipe_corpora(recipe, data)
    others = [speaker for speaker in recipe.speakers if speaker not in pair]
    losses: list[float] = []
    model = fit(
        recipe,
        training_data(recipe, corpora, others),
        progress=lambda epoch, loss: None,
        pretraining=lambda epoch, loss: losses.append(loss),
        warn=say,
    )
    if losses:
        say(f"{out.stem} pre-training, loss by epoch: {' '.join(f'{loss:.3f}' for loss in losses)}")
    voices = load_corpus("training-voices-dev")
    spoken = answers_to(model, recipe, voices, sorted(set(voices.clips["speaker"])))
    spoken.to_csv(answers_of(name, pair, folder, VOICES))
    answers = answers_to(model, recipe, corpora[0], pair)
    answers.to_csv(out)
    values = [*scores(answers), *scores(spoken, ["arousal"])]
    say(f"{out.name} {' '.join(f'{value:.4f}' for value in values)}")


def say(sentence: str) -> None:
    """Prints a sentence at once."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def epochs(recipe: Recipe) -> int:
    """Passes over the clips, those of a pre-training included."""
    return recipe.epochs + (recipe.pretraining.epochs if recipe.pretraining else 0)


def measured(folder: Path) -> list[str]:
    """The candidates that have answered all pairs."""
    return [
        name for name in TABLE["candidate"] if all(answers_of(name, pair, folder).exists() for pair in PAIRS)
    ]


def table(folder: Path) -> str:
    """Markdown: for each candidate that has answered all pairs, its parts of the score and the score."""
    lines = ["| candidate | " + " | ".join(map("+".join, PAIRS)) + " | CCC | UAR | voices | score | epochs |"]
    lines.append("|---" * (len(PAIRS) + 6) + "|")
    for name in measured(folder):
        cells = []
        for pair in PAIRS:
            spoken = pd.read_csv(answers_of(name, pair, folder, VOICES))
            heard = pd.read_csv(answers_of(name, pair, folder))
            cells.append([*scores(heard), *scores(spoken, ["arousal"])])
        parts = [np.mean([cell[:3] for cell in cells]), *np.mean(cells, axis=0)[3:]]
        shown = " | ".join(" ".join(f"{value:.4f}" for value in cell) for cell in cells)
        told = " | ".join(f"{value:.4f}" for value in [*parts, np.mean(parts)])
        lines.append(f"| {name} | {shown} | {told} | {epochs(candidate(name))} |")
    return "\n".join(lines)


def left_out(name: str, folder: Path) -> pd.DataFrame:
    """What a candidate answers to all pairs, each left out in turn."""
    files = [answers_of(name, pair, folder) for pair in PAIRS]
    return pd.concat([pd.read_csv(file, dtype={"speaker": str}) for file in files], ignore_index=True)


def with_intervals(answers: pd.DataFrame) -> str:
    """Markdown: each score over all speakers, its 95 % jackknife interval, and its range over speakers."""
    codes, speakers = pd.factorize(answers["speaker"])
    each = [scores(part) for _, part in answers.groupby("speaker")]
    found = [
        estimate(CCC, answers[f"truth_{name}"], answers[name], codes, len(speakers)) for name in DIMENSIONS
    ]
    found.append(estimate(uar_statistic(len(EMOTIONS)), *emotions(answers), codes, len(speakers)))
    return "\n".join(map(_row, NAMES, found, zip(*each, strict=True)))


def difference(answers: pd.DataFrame, others: pd.DataFrame) -> str:
    """Markdown: each score of a candidate minus that of another on the same clips, and its 95 % interval.

    Leave-one-speaker-out jackknife of the difference, with the t quantile of one degree of freedom less than
    there are speakers.
    """
    speakers = sorted(set(answers["speaker"]))
    kept = [np.ones(len(answers), bool), *(answers["speaker"].to_numpy() != each for each in speakers)]
    whole, *left_out = [np.subtract(scores(answers[rows]), scores(others[rows])) for rows in kept]
    freedom = len(speakers) - 1
    error = np.sqrt(freedom * np.var(left_out, axis=0))
    reach = scipy.stats.t.ppf(0.975, freedom) * error
    return "\n".join(
        f"| {name} | {value:+.3f} | {value - by:+.3f} to {value + by:+.3f} |"
        for name, value, by in zip(NAMES, whole, reach, strict=True)
    )


def _row(name: str, found: Estimate, alone: Sequence[float]) -> str:
    return (
        f"| {name} | {found.value:.3f} | {found.low:.3f} to {found.high:.3f} "
        f"| {min(alone):.3f} to {max(alone):.3f} | {found.n} | {found.units} |"
    )


def main(data: str, folder: str, *names: str) -> None:
    """Measure the candidates, all of them where none is named, and print what came out."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or TABLE["candidate"]:
        for pair in PAIRS:
            measure(name, pair, Path(data), Path(folder))
    told = [f"{name}\n{with_intervals(left_out(name, Path(folder)))}" for name in measured(Path(folder))]
    sys.stdout.write("\n\n".join([table(Path(folder)), *told]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
