"""The models whose layers are compared: the audited one, its random twin and a comparison model."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sertools.tables.columns import RANDOM_TWIN
from sertools.tables.frame_sums import OWN, FrameSums
from sertools.tables.tables import Tables
from sertools.wording import plural

Models = Mapping[str, Mapping[str, FrameSums]]
"""Role of a model → level → sums over frames."""


def usable_models(tables: Tables) -> tuple[Models, list[str]]:
    """The sums of the model and of usable comparison models, by role; and why others are not usable."""
    models: dict[str, Mapping[str, FrameSums]] = {OWN: tables.frame_sums}
    notes = []
    own = tables.frame_sums["frame"]
    for role, other in tables.others.items():
        theirs = other.frame_sums.get("frame")
        if theirs is None:
            notes.append(f"{other.model} ({role}) is left out: it has no layers with frames.")
        elif set(theirs.cells["group"]) != set(own.cells["group"]):
            notes.append(f"{other.model} ({role}) is left out: it has results for other groups of speakers.")
        elif role == RANDOM_TWIN and theirs.layers != own.layers:
            notes.append(
                f"{other.model} is not a twin: it has {plural(theirs.layers, 'layer')}, "
                f"the model has {own.layers}."
            )
        else:
            models[role] = other.frame_sums
    return models, notes


def clips_and_speakers(sums: FrameSums, cells: NDArray[np.bool_] | None = None) -> dict[str, int]:
    """Number of clips and speakers of some cells, as `n` and `speakers`; of all cells if None."""
    chosen = sums.cells if cells is None else sums.cells[cells]
    speakers = chosen.drop_duplicates("group")["speakers"].sum()
    return {"n": int(chosen["clips"].sum()), "speakers": int(speakers)}
