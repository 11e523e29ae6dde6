"""Adds the labels of the raters of a published corpus to its clips, one list for each clip."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from sertools.errors import CorpusError
from sertools.tables.columns import LABELS
from sertools.tables.votes import RATERS, RATINGS, packed
from sertools.wording import plural

RATER = "rater"


def with_published_raters(
    table: pd.DataFrame, root: Path, read: Callable[[Path], pd.DataFrame]
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a corpus with the lists of its raters, and a sentence on them.

    A release without the table of raters, which many copies leave out, is read without them, and so says the
    sentence. Ratings of clips that are not in the corpus are counted and left out.

    Args:
        table: one row per clip, with the column `clip` or else `file` as its id
        root: folder of the corpus
        read: from the folder, one row per clip and rater: `clip`, `rater`, labels
    """
    try:
        rated = read(root)
    except CorpusError as error:
        return table, [f"no raters: {error.message}"]
    if rated.empty:
        return table, []
    ids = table["clip" if "clip" in table else "file"].astype(str)
    known = rated["clip"].isin(set(ids))
    others = rated.loc[~known, "clip"].nunique()
    rated = rated[known].drop_duplicates(["clip", RATER])
    places = rated.groupby("clip", sort=False).indices
    columns = {}
    for label in (RATER, *(name for name in LABELS if name in rated and rated[name].notna().any())):
        said = rated[label].astype(str if label == RATER else object)
        values = said.where(rated[label].notna(), None).to_numpy(dtype=object)
        lists = [values[places[clip]].tolist() if clip in places else [] for clip in ids]
        columns[RATERS if label == RATER else f"{RATINGS}{label}"] = packed(lists, table.index)
    raters = rated[RATER].nunique()
    notes = [f"{plural(len(rated), 'rating')} by {plural(raters, 'rater')} of {plural(len(places), 'clip')}"]
    if others:
        notes.append(f"{plural(others, 'rated clip is', 'rated clips are')} not in the corpus, and left out")
    return table.assign(**columns), notes
