"""Keeps what was computed between runs, so that the same is not computed again."""
