"""One model on many clips with Ray: tasks with a share each, or `map_batches` of ray.data over shards.

`python -m tests.bench.ray_shards CORPUS --data-root DIR --model toy:loudness --clips 5000 --turns 3`

Both compute the same shards of 64 clips with two workers that load the model once, and store them; what
passes through Ray are numbers of shards. Prints the seconds by the clock after Ray has started, those of the
processors of the workers, and the ratio.
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.inference import engine
from sertools.inference.jobs import jobs
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.tables.condition import Condition

WORKERS = 2


@dataclass
class Worker:
    """A worker with its model and corpus, which it loads itself."""

    table: str
    model: str
    cache: str
    loaded: dict[str, Any] = field(default_factory=dict)

    def fill(self, shards: list[int]) -> float:
        """Computes and stores some shards; returns seconds of the processor of this process so far."""
        if not self.loaded:
            settings = Settings(cache=Path(self.cache))
            corpus, model = load_corpus(self.table), load_model(self.model)
            (job,) = jobs(model, corpus, [Condition()], settings)
            self.loaded = {"model": model, "corpus": corpus, "settings": settings, "job": job}
        job = self.loaded["job"]
        own = tuple(each for each in job.shards if each[0] in set(shards))
        engine.fill(
            replace(job, shards=own), self.loaded["corpus"], self.loaded["model"], self.loaded["settings"]
        )
        return time.process_time()


def by_tasks(worker: Worker, shards: int) -> float:
    """A task for each worker, as `--shard` does; returns seconds of their processors."""
    import ray

    task = ray.remote(num_cpus=1)(lambda number: worker.fill(list(range(number, shards, WORKERS))))
    return sum(ray.get([task.remote(number) for number in range(WORKERS)]))


def by_data(worker: Worker, shards: int) -> float:
    """ray.data over the numbers of the shards, with as many actors as workers."""
    import os

    import ray

    class Actor:
        def __init__(self) -> None:
            self.worker = replace(worker, loaded={})

        def __call__(self, batch: Any) -> Any:
            used = self.worker.fill([int(number) for number in batch["shard"]])
            return {"process": [os.getpid()], "used": [used]}

    data = ray.data.from_items([{"shard": number} for number in range(shards)], override_num_blocks=shards)
    rows = data.map_batches(
        Actor, batch_size=1, compute=ray.data.ActorPoolStrategy(size=WORKERS), num_cpus=1
    ).take_all()
    used: dict[int, float] = {}
    for row in rows:
        used[row["process"]] = max(used.get(row["process"], 0.0), row["used"])
    return sum(used.values())


def repeated(corpus: Corpus, clips: int, folder: Path) -> Path:
    """A table of so many clips, the corpus' recordings again and again; returns its path."""
    table = corpus.clips.assign(file=[str((corpus.root / file).resolve()) for file in corpus.clips["file"]])
    times = pd.concat([table] * -(-clips // len(table)))[:clips]
    chosen = times[["file", "speaker"]].assign(clip=[f"clip {i}" for i in range(clips)])
    chosen.to_csv(folder / "clips.csv", index=False)
    return folder / "clips.csv"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--model", default="toy:loudness")
    parser.add_argument("--clips", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    import ray

    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    found: dict[str, list[tuple[float, float]]] = {"tasks": [], "ray.data": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = repeated(load_corpus(given.data, data_root=given.data_root), given.clips, folder)
        worker = Worker(table=str(table), model=given.model, cache=str(folder / "cache"))
        shards = -(-given.clips // 64)
        for _ in range(given.turns):
            for what, work in (("tasks", by_tasks), ("ray.data", by_data)):
                shutil.rmtree(folder / "cache", ignore_errors=True)
                began = time.perf_counter()
                used = work(worker, shards)
                found[what].append((time.perf_counter() - began, used))
                stored = len(list((folder / "cache").rglob("*.parquet")))
                if stored != shards:
                    raise SystemExit(f"{what}: {stored} of {shards} shards are stored")
    middle = {what: [median(each) for each in zip(*of, strict=True)] for what, of in found.items()}
    for what, (wall, used) in middle.items():
        sys.stdout.write(f"{what}: {wall:.1f} s, {used:.1f} s of the workers' processors\n")
    ratios = [other / one for one, other in zip(middle["tasks"], middle["ray.data"], strict=True)]
    sys.stdout.write(f"ray.data / tasks: {ratios[0]:.2f} by the clock, {ratios[1]:.2f} by processors\n")
    ray.shutdown()


if __name__ == "__main__":
    main()
