"""Reads a database of audb: `audb:NAME@VERSION`, from its cache where it is there.

audb loads the header of a database with a loader that can run code, so name only databases of repositories
that you trust; those are in audb's own configuration.
"""

import re
import warnings
from pathlib import Path

from sertools.corpora.layouts.audformat_folder import Database, from_database
from sertools.errors import CorpusError

SPEC = re.compile(r"(?P<name>[\w.-]+)@(?P<version>[\w.+-]+)")
INSTALL = "pip install audb"


def read_audb(text: str) -> tuple[Database, Path]:
    """The labels of a database, and the folder that its paths start from; its media are downloaded.

    Args:
        text: name and version, as in `emodb@1.4.1`

    Raises:
        CorpusError: audb is not installed, no version is named, or the database is neither in a repository
            that can be reached nor in the cache
    """
    match = SPEC.fullmatch(text)
    if match is None:
        raise CorpusError(f"audb:{text} names no version", hint="for instance audb:emodb@1.4.1")
    try:
        import audb
    except ImportError as error:
        raise CorpusError(f"audb:{text} needs the package audb", hint=f"install it: {INSTALL}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            database = audb.load(
                match["name"], version=match["version"], full_path=False, pickle_tables=False, verbose=False
            )
            root = Path(database.meta["audb"]["root"])
    except Exception as error:  # what repositories and their servers raise is of any class
        raise CorpusError(
            f"audb:{text} cannot be loaded: {_first_line(error)}",
            hint="without a network, only databases in the cache of audb can be read; "
            "AUDB_CACHE_ROOT names the folder",
        ) from error
    return from_database(database), root


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
