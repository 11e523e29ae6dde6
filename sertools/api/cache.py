"""Show, verify and prune the cached predictions from Python."""

from pathlib import Path

import pandas as pd

from sertools.store.cache import prune, table, verify
from sertools.store.key import default_root
from sertools.store.remote import local


def list_cache(cache: str | Path | None = None) -> pd.DataFrame:
    """Sizes of the cached predictions, one row for each model on each corpus.

    Args:
        cache: cache folder; None for the user cache

    Returns:
        Columns `model`, `corpus`, `conditions`, `shards`, `MB`, `days old`.

    Raises:
        StoreError: `cache` is a file

    Example:
        ```python
        sertools.list_cache()["MB"].sum()
        ```
    """
    columns, rows = table(_root(cache))
    return pd.DataFrame(rows, columns=columns)


def verify_cache(cache: str | Path | None = None) -> pd.DataFrame:
    """Damaged files of the cache; damage loses no result, because the next run recomputes what is missing.

    Args:
        cache: cache folder; None for the user cache

    Returns:
        Columns `file` and `reason`; no rows if all files are intact.

    Raises:
        StoreError: `cache` is a file

    Example:
        ```python
        assert sertools.verify_cache().empty
        ```
    """
    damaged = [[str(path), reason] for path, reason in verify(_root(cache))]
    return pd.DataFrame(damaged, columns=["file", "reason"])


def prune_cache(
    cache: str | Path | None = None,
    *,
    older_than_days: float | None = None,
    model: str = "",
    damaged: bool = False,
) -> tuple[int, int]:
    """Delete cached predictions.

    Args:
        cache: cache folder; None for the user cache
        older_than_days: delete entries that were last written more days ago; None for any age
        model: delete entries of the model with this name, as in `list_cache()`; empty for any model
        damaged: delete only the files that `verify_cache` reports

    Returns:
        Numbers of deleted files and of deleted bytes.

    Raises:
        StoreError: nothing to delete is named, or `cache` is a file

    Example:
        ```python
        files, size = sertools.prune_cache(older_than_days=90)
        ```
    """
    return prune(_root(cache), older_than_days=older_than_days, model=model, damaged=damaged)


def _root(cache: str | Path | None) -> Path:
    return default_root() if cache is None else local(cache)
