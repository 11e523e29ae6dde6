"""Corpora that sertools can read by name: one file each, and this folder is the list.

A module here has

- a docstring that says what the corpus is,
- `TITLE`, `LICENCE`, `CITATION`, and, where they apply, `VERSION`, `SIMULATED` (how labels came about that
  nobody rated) and `NOTES` (what to know before believing a number),
- `NAMES`: public name → the split it stands for, or None for the whole corpus,
- `recognises(root) -> bool`: is this folder laid out like the corpus?
- `scan(root) -> DataFrame`: one row per clip, columns as in a manifest, dimensions in [0, 1],
- `EXPECTED`: published counts, see `verified()`, or `expected(clips) -> list of sentences`,
- `make(root)`, where the corpus can be made on the spot.

Adding a corpus is adding a file.
"""

import importlib
import pkgutil
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import pandas as pd
import platformdirs

from sertools.errors import CorpusError
from sertools.manifest import read_table


@cache
def modules() -> dict[str, ModuleType]:
    """File stem → module, for every corpus in this folder."""
    stems = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {stem: importlib.import_module(f"{__name__}.{stem}") for stem in stems}


def names() -> dict[str, tuple[str, str | None]]:
    """Public name → file stem and the split that the name stands for."""
    return {name: (stem, split) for stem, module in modules().items() for name, split in module.NAMES.items()}


def main_name(stem: str) -> str:
    """The public name of the whole corpus."""
    known: dict[str, str | None] = modules()[stem].NAMES
    return next((name for name, split in known.items() if split is None), stem)


def recognised(root: Path) -> str:
    """The stem of the corpus whose layout a folder has; empty where none claims it."""
    return next((stem for stem, module in modules().items() if module.recognises(root)), "")


def verified(clips: pd.DataFrame, expected: Mapping[str, int]) -> list[str]:
    """Are the published counts met? One sentence on those that are, one on those that are not.

    Args:
        clips: the whole corpus
        expected: published numbers of `clips`, `speakers`, `female` and `male` speakers, or of the clips
            of an emotion

    >>> clips = pd.DataFrame({"speaker": ["1", "2"], "emotion": ["anger", "anger"]})
    >>> verified(clips, {"clips": 2, "speakers": 3, "anger": 2})
    ['2 of 2 clips, 2 of 2 anger', 'expected 3 speakers, found 2']
    """
    met, missed = [], []
    for what, published in expected.items():
        found, words = _count(clips, what), f"{what} speakers" if what in ("female", "male") else what
        if found == published:
            met.append(f"{found} of {published} {words}")
        else:
            missed.append(f"expected {published} {words}, found {found}")
    return [sentence for sentence in (", ".join(met), "; ".join(missed)) if sentence]


def listed(root: Path) -> pd.DataFrame | None:
    """The table `metadata.csv` that lies in a folder, as it is written; None where there is none to read."""
    try:
        return read_table(root / "metadata.csv")
    except CorpusError:
        return None


def stems_listed(root: Path) -> list[str]:
    """Names without folder and suffix of the files in a folder's `metadata.csv`; none where there is none."""
    table = listed(root)
    return [] if table is None or "file" not in table else [Path(file).stem for file in table["file"]]


def root_of(name: str, data_root: Path | None = None) -> Path:
    """The folder of a registered corpus: below `data_root`, from the configuration, or made on the spot.

    Raises:
        CorpusError: nobody said where the corpus lies, or it does not lie there
    """
    stem, _ = names()[name]
    module = modules()[stem]
    if data_root is not None:
        for candidate in (data_root, *_namesakes(data_root, stem)):
            if candidate.is_dir() and module.recognises(candidate):
                return candidate
        raise CorpusError(
            f"{data_root} is not the folder of {main_name(stem)} and holds none",
            hint="give --data-root the corpus' own folder, or the one that contains it",
        )
    config = Path(platformdirs.user_config_dir("sertools")) / "config.toml"
    configured = _configured(config)
    for key in (name, main_name(stem), stem):
        if key in configured:
            root = Path(configured[key]).expanduser()
            if not root.is_dir() or not module.recognises(root):
                raise CorpusError(f"{root} is not laid out like {name}", hint=f"correct [roots] in {config}")
            return root
    if hasattr(module, "make"):
        made = Path(platformdirs.user_cache_dir("sertools")) / "corpora" / f"{stem}-{module.VERSION}"
        if not (made.is_dir() and module.recognises(made)):
            module.make(made)
        return made
    raise CorpusError(
        f"sertools does not know where {main_name(stem)} lies",
        hint=f'say --data-root FOLDER, or write to {config}: [roots] {main_name(stem)} = "FOLDER"',
    )


def _count(clips: pd.DataFrame, what: str) -> int:
    if what == "clips":
        return len(clips)
    if what == "speakers":
        return int(clips["speaker"].nunique())
    if what in ("female", "male"):
        return int(clips.loc[clips["sex"] == what, "speaker"].nunique())
    return int((clips["emotion"] == what).sum())


def _namesakes(folder: Path, stem: str) -> list[Path]:
    """Folders named like the corpus, however it is spelt: `MSP-Podcast`, `msp_podcast`."""

    def plain(name: str) -> str:
        return "".join(c for c in name.lower() if c.isalnum())

    wanted = {plain(stem), *(plain(name) for name in modules()[stem].NAMES)}
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if plain(entry.name) in wanted)


def _configured(config: Path) -> dict[str, str]:
    if not config.is_file():
        return {}
    try:
        roots = tomllib.loads(config.read_text(encoding="utf-8")).get("roots", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{config} is not TOML: {error}") from error
    if not isinstance(roots, dict) or not all(isinstance(root, str) for root in roots.values()):
        raise CorpusError(f'{config}: [roots] needs lines like emodb = "/path"')
    return roots
