"""Tables with one row for each clip and rater, which become one row per clip."""

import pandas as pd

from sertools.corpora.values import MISSING, counted, some, texts
from sertools.errors import CorpusError
from sertools.tables.columns import ATTRIBUTES, LABELS
from sertools.tables.votes import RATERS, RATINGS, packed

RATER = "rater"
"""Column with the id of the rater, in a table with one row for each clip and rater."""

_KEYS = ("clip", "file", "start", "end", "start_ms", "end_ms", "channel", "split")


def one_row_per_clip(table: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[str]]:
    """The table with one row per clip and the labels of its raters as lists, and a sentence on it.

    A table without a column `rater`, or in which no clip is repeated, stays as it is. Columns that differ
    between the raters of a clip, such as the time of a rating, are left out, with a sentence.

    Args:
        table: columns as in a manifest
        source: name of the table in messages

    Raises:
        CorpusError: a row without a rater, a rater who rates a clip twice, or a clip whose rows contradict
            each other about its speaker or another attribute
    """
    columns = [str(name) for name in table]
    keys = [name for name in _KEYS if name in columns]
    if "clip" in keys:
        keys = [name for name in ("clip", "split") if name in keys]
    if RATER not in columns or not keys or not table.duplicated(keys).any():
        return table, []
    table = table.reset_index(drop=True)
    group = table.groupby(keys, sort=False, dropna=False).ngroup()
    raters = _raters(table, group, keys, source)
    first = ~group.duplicated()
    joined = table[first].reset_index(drop=True)
    labels = [name for name in LABELS if name in columns]
    left_out = []
    for name in columns:
        if name in (RATER, *labels, *keys):
            continue
        same = table[name].astype(str).groupby(group).nunique() <= 1
        if same.all():
            continue
        if name in ATTRIBUTES or name == "file":
            at = table[group == int(same.to_numpy().argmin())]
            raise CorpusError(
                f"{source}: clip {at[keys[0]].iloc[0]!r} has several values of {name!r}: "
                f"{some(sorted(set(at[name].astype(str))))}",
                hint=f"all rows of a clip need the same {name}",
            )
        left_out.append(name)
    for label in labels:
        rows = table[label].astype(object).where(table[label].notna(), None).groupby(group).agg(list)
        joined[f"{RATINGS}{label}"] = packed(rows.tolist(), joined.index)
    joined[RATERS] = packed(raters.groupby(group).agg(list).tolist(), joined.index)
    notes = [f"{counted(len(table), 'rating')} of {counted(len(joined), 'clip')} by {_number(raters)}"]
    if left_out:
        notes.append(f"columns that differ between the raters of a clip are left out: {some(left_out)}")
    return joined.drop(columns=[RATER, *labels, *left_out]), notes


def _raters(table: pd.DataFrame, group: pd.Series, keys: list[str], source: str) -> pd.Series:
    raters = texts(table[RATER], missing=MISSING)
    if raters.isna().any():
        at = int(raters.isna().to_numpy().argmax())
        raise CorpusError(f"{source}: row {at + 1} ({table[keys[0]].iloc[at]!r}) has no rater")
    twice = pd.DataFrame({"clip": group, RATER: raters}).duplicated()
    if twice.any():
        at = int(twice.to_numpy().argmax())
        raise CorpusError(
            f"{source}: rater {raters.iloc[at]!r} rates {table[keys[0]].iloc[at]!r} twice",
            hint="one row for each clip and rater",
        )
    return raters


def _number(raters: pd.Series) -> str:
    return counted(int(raters.nunique()), "rater")
