"""Sweeps of any size over toy models and tiny corpora."""

import json
from pathlib import Path

from sertools.sweep.cells import Cell
from tests.helpers.small import write_noises


def write_sweep(folder: Path, models: int, corpora: int, *, pages: bool = True) -> Path:
    for k in range(corpora):
        write_noises(folder / f"c{k}", 12, seed=k)
    listed = [f'{{ spec = "toy:{("loudness", "random")[i % 2]}", name = "m{i}" }}' for i in range(models)]
    data = [f'{{ spec = "{folder}/c{k}/clips.csv", name = "c{k}" }}' for k in range(corpora)]
    file = folder / "sweep.toml"
    drawn = f"pages = {str(pages).lower()}"
    file.write_text(
        f'models = [{", ".join(listed)}]\ndata = [{", ".join(data)}]\naudits = ["correctness"]\n{drawn}\n'
    )
    return file


def told(cell: Cell) -> dict:
    """The result of a cell without what differs between two runs of the same."""
    content = json.loads((cell.folder / "correctness.json").read_text())
    for key in ("date", "command"):
        content["provenance"].pop(key, None)
    return content


def assert_as_alone(cells: list[Cell], cache: Path, alone: list[Cell], cache_alone: Path) -> None:
    """Requires that every cell was done once, and that results and predictions are those of one worker."""
    for cell, other in zip(cells, alone, strict=True):
        assert cell.log.read_text().count(" done after ") == 1, "every cell is done once"
        assert told(cell) == told(other)
    shards = sorted(path.relative_to(cache) for path in cache.rglob("*.parquet"))
    assert shards
    for shard in shards:
        assert (cache / shard).read_bytes() == (cache_alone / shard).read_bytes()
