"""What the model answered on clean audio, from the tables that audits read."""

import pandas as pd

from sertools.auditing.tables import scored_targets
from sertools.results.answers import COLUMNS, Answers
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import class_names, pairs
from sertools.tables.tables import Tables


def answers(tables: Tables) -> Answers | None:
    """The truth and the answer of every clip that the model was asked; None if it was asked nothing."""
    if CLEAN not in tables.predictions:
        return None
    parts = [_of_target(tables, target) for target in scored_targets(tables)]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    return Answers(table.astype("string")) if len(table) else None


def _of_target(tables: Tables, target: str) -> pd.DataFrame:
    pair = pairs(tables, target)
    names = class_names(pair, tables)

    def texts(values: list[float]) -> list[str]:
        return [names[int(value)] if pair.classes else repr(float(value)) for value in values]

    frame = pd.DataFrame(
        {
            "clip": pair.clips.astype(str),
            "speaker": None,
            "target": target,
            "truth": texts(pair.truth.tolist()),
            "answer": texts(pair.prediction.tolist()),
        },
        dtype="string",
    )
    if pair.by_speaker:
        frame["speaker"] = tables.clips.loc[pair.clips, "speaker"].astype("string").to_numpy()
    if pair.answered is not None:
        frame.loc[~pair.answered, "answer"] = pd.NA
    return frame
