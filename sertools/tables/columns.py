"""Column names that corpora and tables share, and the roles of comparison models."""

from sertools.labels import DIMENSIONS

CORPUS_COLUMNS = ("clip", "file", "start", "end")


ATTRIBUTES = ("speaker", "sex", "age", "language", "corpus", "transcript", "split")


LABELS = ("emotion", *DIMENSIONS)


SAME_CLIP = "same_clip"
"""Column of a corpus in which clips are listed several times: their common id; empty for all others."""


ROW = "row"
"""Column of tables that are compared: all that a row says of its clip, as one text."""


WRITTEN = "written"
"""Column of tables that are compared: the path as the table has it; `file` is absolute."""


AGAINST = "against"


RANDOM_TWIN = "random twin"
"""Roles of other models on the same clips: the comparison model, and an untrained copy of the model."""


SOUND_COLUMNS = (
    *("duration_s", "level_dbfs", "snr_db", "bandwidth_hz", "pitch_hz", "speech_rate", "active_share"),
)
"""Columns of simple measures of the sound, see `sertools.features.sound`."""


CHECKPOINT = "checkpoint "
"""Beginning of the roles of further checkpoints of one recipe, which are numbered from 2."""
