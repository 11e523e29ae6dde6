"""Column names that corpora and tables share, and the roles of comparison models."""

from sertools.labels import DIMENSIONS

CORPUS_COLUMNS = ("clip", "file", "start", "end")


ATTRIBUTES = ("speaker", "sex", "age", "language", "corpus", "transcript", "split")


LABELS = ("emotion", *DIMENSIONS)


AGAINST = "against"


RANDOM_TWIN = "random twin"
"""Roles of other models on the same clips: the comparison model, and an untrained copy of the model."""
