"""Fixtures for tests in all folders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock


@pytest.fixture(scope="session")
def embedded_cache(tmp_path_factory) -> Path:
    """A cache with the embedded corpus and the embedded model's predictions of it, for XDG_CACHE_HOME.

    It is made once for all workers, because it takes longer than most tests that need it.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    cache = folder / "embedded-cache"
    with FileLock(folder / "embedded-cache.lock"):
        if not (cache / "complete").exists():
            subprocess.run(
                [sys.executable, "-c", 'import sertools; sertools.predict("default", "voices")'],
                env={**os.environ, "XDG_CACHE_HOME": str(cache)},
                capture_output=True,
                check=True,
            )
            (cache / "complete").touch()
    return cache
