"""Corpora that sertools can read by name: one module per corpus, found by listing this folder.

A module here has

- a docstring that describes the corpus,
- `TITLE`, `LICENCE`, `CITATION`, `LANGUAGE` (ISO 639-3, where all clips have one), and, where they apply,
  `VERSION`, `SIMULATED` (the origin of labels that are not human ratings), `RECORDINGS` (the restriction,
  where the licence does not let recordings be passed on), `NOTES` (what to know before trusting a number) and
  `TRIED` (the real data that the reader was tried on; without it, none),
- `NAMES`: public name → the split it selects, or None for the whole corpus, and, where they apply, `FOLDERS`
  (other usual names of its folder),
- `recognises(root) -> bool`: does this folder have the layout of the corpus?
- `scan(root) -> DataFrame`: one row per clip, columns as in a manifest,
- `raters(root) -> DataFrame`, where the release has them: one row per clip and rater, with `clip` (the id
  that the clip has in the corpus), `rater`, `emotion` and dimensions on `SCALE`,
- `SCALE`: dimension → lowest and highest rating, where dimensions are not in [0, 1]; a published rating
  outside of it is set to the nearer end, with a note,
- `NO_EMOTION`: labels that the corpus gives to clips without one of its emotions, as "other",
- `EXPECTED`: published counts, see `verified()`, or `expected(clips) -> list of sentences`,
- `make(root)`, if the corpus can be generated on this machine.

To add a corpus, add a file.
"""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import pandas as pd
import platformdirs

from sertools.corpora import registered
from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError
from sertools.files import read_toml


@cache
def modules() -> dict[str, ModuleType]:
    """File stem → module, for every corpus in this folder."""
    stems = sorted(module.name for module in pkgutil.iter_modules(registered.__path__))
    return {stem: importlib.import_module(f"{registered.__name__}.{stem}") for stem in stems}


def names() -> dict[str, tuple[str, str | None]]:
    """Public name → file stem and the split that the name selects."""
    return {name: (stem, split) for stem, module in modules().items() for name, split in module.NAMES.items()}


NOT_TRIED = "not tried on the real release"
"""Said of a corpus whose reader was only tried on a small tree in the published layout."""


def tried(stem: str) -> str:
    """The real data that the reader of a corpus was tested on, or that there was none."""
    module = modules()[stem]
    return str(getattr(module, "TRIED", "made on this machine" if hasattr(module, "make") else NOT_TRIED))


def main_name(stem: str) -> str:
    """The public name of the whole corpus."""
    known: dict[str, str | None] = modules()[stem].NAMES
    return next((name for name, split in known.items() if split is None), stem)


def recognised(root: Path) -> str:
    """The file stem of the corpus whose layout a folder has; empty if no corpus recognises it."""
    return next((stem for stem, module in modules().items() if module.recognises(root)), "")


def verified(clips: pd.DataFrame, expected: Mapping[str, int]) -> list[str]:
    """Do the counts match the published ones? One sentence on those that match, one on those that do not.

    Args:
        clips: the whole corpus
        expected: published numbers of `clips`, `speakers`, `female` and `male` speakers, or of clips with
            an emotion

    >>> clips = pd.DataFrame({"speaker": ["1", "2"], "emotion": ["anger", "anger"]})
    >>> verified(clips, {"clips": 2, "speakers": 3, "anger": 2})
    ['as published: 2 of 2 clips, 2 of 2 anger', 'published: 3 speakers, found 2']
    """
    met, missed = [], []
    for what, published in expected.items():
        found, words = _count(clips, what), f"{what} speakers" if what in ("female", "male") else what
        if found == published:
            met.append(f"{found} of {published} {words}")
        else:
            missed.append(f"published: {published} {words}, found {found}")
    said = f"as published: {', '.join(met)}" if met else ""
    return [sentence for sentence in (said, "; ".join(missed)) if sentence]


def listed(root: Path) -> pd.DataFrame | None:
    """The table `metadata.csv` of a folder, unchanged; None if it is missing or unreadable."""
    try:
        return read_table(root / "metadata.csv")
    except CorpusError:
        return None


def stems_listed(root: Path) -> list[str]:
    """File names in a folder's `metadata.csv`, without folder and suffix; empty if there is no such table."""
    table = listed(root)
    return [] if table is None or "file" not in table else [Path(file).stem for file in table["file"]]


def root_of(name: str, data_root: Path | None = None) -> Path:
    """The folder of a registered corpus.

    It is searched for below `data_root`; without it, in the configuration; then it is generated, if it can
    be, or searched for among the folders of its name in the current one.

    Raises:
        CorpusError: the location of the corpus is unknown, or the corpus is not there
    """
    stem, _ = names()[name]
    module = modules()[stem]
    if data_root is not None:
        for candidate in (*_namesakes(data_root, stem), data_root):
            if candidate.is_dir() and module.recognises(candidate):
                return candidate
        if not hasattr(module, "make"):  # a corpus that can be generated is not asked for
            raise CorpusError(
                f"{data_root} is not the folder of {main_name(stem)} and does not contain it",
                hint="point --data-root to the corpus' own folder, or to its parent folder",
            )
    config = Path(platformdirs.user_config_dir("sertools")) / "config.toml"
    configured = _configured(config)
    for key in (name, main_name(stem), stem):
        if key in configured:
            root = Path(configured[key]).expanduser()
            if not root.is_dir() or not module.recognises(root):
                raise CorpusError(
                    f"{root} does not have the layout of {name}", hint=f"correct [roots] in {config}"
                )
            return root
    if hasattr(module, "make"):
        made = Path(platformdirs.user_cache_dir("sertools")) / "corpora" / f"{stem}-{module.VERSION}"
        if not (made.is_dir() and module.recognises(made)):
            module.make(made)
        return made
    beside = next((f for f in _namesakes(Path(), stem) if f.is_dir() and module.recognises(f)), None)
    if beside is not None:
        return beside
    raise CorpusError(
        f"the location of {main_name(stem)} is unknown",
        hint=f"use --data-root FOLDER, name a folder here {main_name(stem)}, or add to {config}: [roots] "
        f'{main_name(stem)} = "FOLDER"',
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
    """Folders named like the corpus, in any spelling: `MSP-Podcast`, `msp_podcast`, `IEMOCAP_full_release`.

    A name that only begins like that of the corpus, or has it as a word, as `Emotional Speech Dataset (ESD)`,
    comes after those that are equal to it.
    """

    def plain(name: str) -> str:
        return "".join(c for c in name.lower() if c.isalnum())

    module = modules()[stem]
    wanted = {plain(stem), *(plain(name) for name in (*module.NAMES, *getattr(module, "FOLDERS", ())))}
    try:
        named = {entry: plain(entry.name) for entry in sorted(folder.iterdir())}
    except OSError:
        return []
    equal = [entry for entry, name in named.items() if name in wanted]
    alike = [
        entry
        for entry, name in named.items()
        if entry not in equal
        and (name.startswith(tuple(wanted)) or wanted & set(re.split(r"[\W_]+", entry.name.lower())))
    ]
    return [*equal, *alike]


def _configured(config: Path) -> dict[str, str]:
    if not config.is_file():
        return {}
    roots = read_toml(config, error=CorpusError, what="the configuration").get("roots", {})
    if not isinstance(roots, dict) or not all(isinstance(root, str) for root in roots.values()):
        raise CorpusError(f'{config}: [roots] needs lines like emodb = "/path"')
    return roots
