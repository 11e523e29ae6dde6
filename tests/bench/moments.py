"""What sums over frames cost on top of the plain forward pass, and what they hold in memory.

    python -m tests.bench.moments --data FOLDER_OF_FLAC --clips 16 --repeats 3 --threads 1
    python -m tests.bench.moments --memory --layers 25 --width 1024

CPU seconds of `predict` (scores alone) and of the moments of all layers (which bring the same scores), of the
same clips and random weights of wav2vec2-base's shape; each to an empty store, in turn, medians shown. What
openSMILE takes is shown by itself: it is measured once for a corpus, whatever the number of models. CPU
seconds with one thread are hardly touched by other work on the machine, wall seconds are.
"""

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from tests.bench.inference import show, write_model


def quiet(description: str, total: int):
    """Shows nothing."""
    return nullcontext(lambda n: None)


def cpu_s(work) -> float:
    """Seconds of the processor, of this process and its children."""
    before = os.times()
    work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


def some_clips(data: Path, clips: int, work: Path):
    """The files of evenly chosen recordings, whose names begin with the speaker, and their corpus."""
    from sertools.corpora.load import load_corpus

    files = sorted(data.glob("*.flac"))
    files = files[:: max(len(files) // clips, 1)][:clips]
    rows = [f"{file},{file.stem[:2]}" for file in files]
    (work / "clips.csv").write_text("\n".join(["file,speaker", *rows]) + "\n")
    return files, load_corpus(str(work / "clips.csv"))


def compare(data: Path, clips: int, repeats: int, levels: tuple[str, ...], work: Path) -> None:
    """Prints seconds of the plain pass, of moments, and of openSMILE."""
    from sertools.audio.files import duration_s
    from sertools.corpora.corpus import fingerprint
    from sertools.inference import predict
    from sertools.inference.frames import acoustics
    from sertools.inference.frames.compute import frame_sums
    from sertools.inference.frames.plan import plan
    from sertools.inference.jobs import jobs
    from sertools.models.load import LoadOptions, load_model
    from sertools.tables.condition import Condition
    from sertools.tables.frame_sums import FrameSumsNeeded

    files, corpus = some_clips(data, clips, work)
    write_model(work / "model", "base")
    model = load_model(str(work / "model"), LoadOptions(device="cpu", precision="fp32"))
    corpus_fingerprint = fingerprint(corpus)
    wanted = FrameSumsNeeded(levels=levels)

    def plain():
        shutil.rmtree(work / "plain", ignore_errors=True)
        predict.predict(
            model,
            corpus,
            settings=predict.Settings(cache=work / "plain"),
            corpus_fingerprint=corpus_fingerprint,
        )

    def measured():
        shutil.rmtree(work / "summed", ignore_errors=True)
        acoustics.measured(corpus, corpus_fingerprint, predict.Settings(cache=work / "summed"))

    def summed():
        settings = predict.Settings(cache=work / "summed")
        (clean,) = jobs(
            model, corpus, [Condition()], settings=settings, corpus_fingerprint=corpus_fingerprint
        )
        passes = plan(model, corpus, corpus_fingerprint, wanted, settings.root)
        frame_sums(passes, model, corpus, corpus_fingerprint, settings, clean)

    ways = {"plain forward": plain, "openSMILE": measured, "moments": summed}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            seconds[name].append(cpu_s(way))
    total = sum(duration_s(file) for file in files)
    show(f"{len(files)} clips, {total:.1f} s of sound, levels {', '.join(levels)}; median of {repeats}")
    show_times(seconds, total)


def show_times(seconds: dict[str, list[float]], total: float) -> None:
    """Prints the median processor time of each way, and what it adds to the plain forward pass.

    Args:
        seconds: way → its processor times
        total: duration of the audio, in seconds
    """
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, median in medians.items():
        spread = f"{min(seconds[name]):.2f}–{max(seconds[name]):.2f}"
        show(f"{name:14s} {median:7.2f} CPU s ({spread}), {total / median:6.1f} times real time")
    base = medians["plain forward"]
    show(f"moments on top of the plain pass: {100 * (medians['moments'] / base - 1):.1f} %")
    show(f"openSMILE, once for a corpus: {100 * medians['openSMILE'] / base:.1f} %")


def memory(layers: int, width: int) -> None:
    """Prints the peak memory of the sums of so many layers, which the length of a corpus does not change."""
    import numpy as np

    from sertools.inference.frames.accumulate import K, Sums
    from sertools.inference.frames.plan import BUDGET, passes
    from sertools.models.model import Frames
    from sertools.tables.frame_sums import LEVELS, FrameSumsNeeded

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rng = np.random.default_rng(0)
    for wanted in (
        FrameSumsNeeded(),
        FrameSumsNeeded(levels=tuple(LEVELS)),
        FrameSumsNeeded(between_layers=True),
    ):
        shapes = passes(wanted, [(0.01, 0.02, 50)] * layers, [width] * layers, BUDGET)
        shape = max(shapes, key=lambda s: s.size + len(s.levels) * len(s.pairs) * width**2)
        sums = Sums(shape=shape, flat=np.zeros(shape.size), products=np.zeros(shape.between_size))
        states = tuple(rng.standard_normal((1500, width), dtype=np.float32) for _ in range(layers))
        frames = Frames(states=states, first_s=(0.01,) * layers, step_s=(0.02,) * layers)
        features = rng.standard_normal((3000, K)).astype(np.float32)
        begin = time.process_time()
        sums.add(frames, features, features)
        sums.finish()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        show(
            f"{layers} layers of {width}, {', '.join(wanted.levels)}"
            f"{', between layers' if wanted.between_layers else ''}: {len(shapes)} passes, "
            f"{peak:.2f} GiB at the peak so far ({before:.2f} before), "
            f"{time.process_time() - begin:.1f} CPU s for 30 s of frames"
        )
        del sums


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--levels", default="frame")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--layers", type=int, default=25)
    parser.add_argument("--width", type=int, default=1024)
    given = parser.parse_args()
    if given.memory:
        memory(given.layers, given.width)
        return
    import torch

    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as work:
        compare(given.data, given.clips, given.repeats, tuple(given.levels.split(",")), Path(work))


if __name__ == "__main__":
    main()
