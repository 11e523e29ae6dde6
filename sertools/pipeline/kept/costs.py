"""Stores the cost of running a model on this machine, so that a repeated run measures nothing again."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from sertools import files
from sertools.inference import running_cost as measuring
from sertools.inference.settings import Settings
from sertools.models.model import Model
from sertools.pipeline.kept.results import of_files, versions
from sertools.store.cache import RESULTS
from sertools.store.machine import machine
from sertools.tables.running_cost import CostNeeded, CostOfLength, RunningCost


def running_cost(model: Model, needed: CostNeeded, settings: Settings) -> RunningCost:
    """The cost of running a model: that of an earlier run on this machine, or measured now.

    Args:
        model: in the format in which it runs
        needed: what is measured
        settings: where costs are kept, whether they are measured again, and how to show the progress
    """
    decides = [
        *(model.name, model.fingerprint, dict(model.facts), asdict(needed), machine(), versions()),
        of_files([Path(measuring.__file__)]),
    ]
    key = hashlib.blake2b(repr(decides).encode(), digest_size=20).hexdigest()
    path = settings.root / RESULTS / f"cost-{key}.json"
    known = None if settings.fresh else _read(path)
    if known is None:
        with settings.progress("timing", 1) as advance:
            known = measuring.running_cost(model, needed)
            advance(1)
        files.write_sealed(path, json.dumps(asdict(known)))
    return known


def _read(path: Path) -> RunningCost | None:
    """The cost that is kept in a file; None if there is none."""
    text = files.read_sealed(path)
    if text is None:
        return None
    known = json.loads(text)
    lengths = [CostOfLength(**{**each, "seconds": tuple(each["seconds"])}) for each in known["lengths"]]
    return RunningCost(**{**known, "lengths": tuple(lengths), "notes": tuple(known["notes"])})
