"""Stores which recordings a clip has, so that existing files are not decoded and drawn again."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from sertools import files
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.inference.jobs import applicable
from sertools.inference.settings import Settings
from sertools.models.model import Model
from sertools.pipeline.kept.results import of_files, versions
from sertools.results.audio_clips import Recording
from sertools.store.cache import RESULTS
from sertools.tables.condition import Condition

CODE = ("audio", "perturbations", "speech", "tables/changed", "inference/decode.py", "files.py")
"""Parts of sertools whose code decides what a recording sounds and looks like."""


class KeptRecordings:
    """The recordings of clips in a folder, as far as earlier runs wrote them and nobody changed them."""

    def __init__(self, folder: Path, corpus: Corpus, model: Model, settings: Settings) -> None:
        """Keeps the recordings of one run.

        Args:
            folder: folder of the recordings
            corpus: the audited corpus
            model: the audited model
            settings: where is kept what was written, and whether to write all again
        """
        ours = Path(files.__file__).parent
        self._folder, self._corpus, self._model = folder, corpus, model
        self._root, self._fresh = settings.root / RESULTS, settings.fresh
        self._decides = [
            *(fingerprint(corpus), model.name, model.fingerprint, model.sampling_rate, versions()),
            of_files(ours / name for name in CODE),
        ]

    def read(self, clip: str, conditions: Mapping[str, Condition]) -> dict[str, Recording] | None:
        """Name of each condition → the clip's recording; None if one has to be written.

        Args:
            clip: the clip
            conditions: name → condition
        """
        path = self._path(clip, conditions)
        text = files.read_sealed(path) if path and not self._fresh else None
        if text is None:
            return None
        known = json.loads(text)
        if any(self._digest(name) != digest for name, digest in known["files"].items()):
            return None
        return {name: Recording.model_validate(each) for name, each in known["recordings"].items()}

    def keep(self, clip: str, conditions: Mapping[str, Condition], written: Mapping[str, Recording]) -> None:
        """Stores the names of the files written for a clip."""
        path = self._path(clip, conditions)
        if path is not None:
            names = dict.fromkeys(name for each in written.values() for name in each.files)
            recordings = {name: each.model_dump(by_alias=True) for name, each in written.items()}
            known = {"files": {name: self._digest(name) for name in names}, "recordings": recordings}
            files.write_sealed(path, json.dumps(known))

    def _path(self, clip: str, conditions: Mapping[str, Condition]) -> Path | None:
        """The file of what is kept; None where an attacker without a fingerprint changes the sound."""
        if hasattr(self._model, "attacker"):
            return None
        found = applicable(list(conditions.values()), self._corpus, self._model)
        if len(found) != len(conditions):
            return None
        row = self._corpus.clips.loc[clip].astype(str).to_dict()
        about = [clip, row, [[str(each), each.fingerprint] for each in found]]
        key = hashlib.blake2b(repr([*self._decides, *about]).encode(), digest_size=20).hexdigest()
        return self._root / f"recordings-{key}.json"

    def _digest(self, name: str) -> str:
        """Hash of a file in the folder; empty if it cannot be read."""
        try:
            return hashlib.blake2b((self._folder / name).read_bytes(), digest_size=16).hexdigest()
        except OSError:
            return ""
