"""Acoustic features in layers: sums over frames against keeping all frames for a public implementation.

    python -m tests.bench.cca --data ../shared/data/ravdess --clips 60 --threads 1

A wav2vec2-base of random weights, 13 layers of 768 dimensions, beside the five groups of eGeMAPS features and
all of them but MFCC together. Each way runs in a process of its own, so that its peak of memory is its own:

- forward: the forward passes alone, which all ways need; their frames are thrown away
- sums: sertools, sums over frames as they come, then CCA, PWCCA, SVCCA and CKA, in-sample and on held-out
  groups of speakers, with the features of other clips and rolled ones beside
- frames, cca-zoo: frames are kept; CCA of cca-zoo, in-sample; SVCCA as that CCA of scikit-learn's principal
  components; neither floors nor held-out speakers
- frames, scikit-learn: the same with scikit-learn's iterative CCA, on `--layers-of-sklearn` layers only

Acoustic features are measured beforehand and read from the store by all. CPU seconds with one thread are
hardly touched by other work on the machine.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.bench.inference import show, write_model

WAYS = ("forward", "sums", "frames, cca-zoo", "frames, scikit-learn")
TINY = 1e-6
"""The ridge with which values are compared; cca-zoo has none."""


def corpus_of(data: Path, clips: int):
    """Clips spread evenly over a corpus."""
    import numpy as np

    from sertools.corpora.load import load_corpus

    whole = load_corpus(str(data))
    chosen = np.linspace(0, len(whole.clips) - 1, clips).round().astype(int)
    return replace(whole, clips=whole.clips.iloc[chosen])


def measured(corpus, store: Path) -> dict:
    """Acoustic features of every clip, from the store where they are there."""
    from sertools.corpora.corpus import fingerprint
    from sertools.inference.frames import acoustics
    from sertools.inference.settings import Settings

    return acoustics.measured(corpus, fingerprint(corpus), Settings(cache=store))


def states(corpus, model) -> Iterator:
    """The clip and the frames of its layers, one clip after the other."""
    from sertools.audio.files import read_audio

    for clip in corpus.clips.index:
        signal = read_audio(corpus.path(clip), model.sampling_rate)
        yield clip, model.predict_frames([signal])[1][0]


def with_sums(corpus, model, store: Path) -> dict:
    """Seconds of the analysis, and in-sample mean CCA by layer and group."""
    from sertools.audits.layer_acoustics.scores import scores

    from sertools.corpora.corpus import fingerprint
    from sertools.inference.frames.compute import frame_sums
    from sertools.inference.frames.plan import plan
    from sertools.inference.jobs import jobs
    from sertools.inference.settings import Settings
    from sertools.tables.condition import Condition
    from sertools.tables.egemaps import columns
    from sertools.tables.frame_sums import FrameSumsNeeded

    key, settings = fingerprint(corpus), Settings(cache=store)
    (clean,) = jobs(model, corpus, [Condition()], settings, key, layers=True)
    passes = plan(model, corpus, key, FrameSumsNeeded(), settings.root)
    found = frame_sums(passes, model, corpus, key, settings, replace(clean, shards=()))[0]["frame"]
    start = time.process_time()
    scores(found, columns(found.features))
    seconds = time.process_time() - start
    # only to compare with, so not in the time
    plain = scores(found, columns(found.features), measures=["cca"], ridge=TINY)
    return {"analysis": seconds, "cca": plain.in_sample[0, :, 0].tolist(), "frames": int(found.n[0].sum())}


def with_frames(corpus, model, store: Path, layers: int, way: str) -> dict:
    """The same from frames that are kept, by a public implementation."""
    import numpy as np
    from cca_zoo import linear
    from sklearn.cross_decomposition import CCA
    from sklearn.decomposition import PCA

    from sertools.audio.opensmile import aligned
    from sertools.tables.egemaps import FEATURES, columns

    acoustics = measured(corpus, store)
    kept: list[list] = []
    features = []
    for clip, frames in states(corpus, model):
        kept = kept or [[] for _ in frames.states]
        beside = aligned(acoustics[clip], frames.first_s[0], frames.step_s[0], len(frames.states[0]))
        known = np.isfinite(beside).all(axis=1)
        features.append(beside[known])
        for layer, of in zip(kept, frames.states, strict=True):
            layer.append(of[known])
    y = np.concatenate(features)
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    x = []
    while kept:
        x.append(np.concatenate(kept.pop(0)))
    if way.endswith("scikit-learn"):
        x = x[:layers]

    def mean_cca(a, b) -> float:
        k = min(a.shape[1], b.shape[1])
        if way.endswith("cca-zoo"):
            u, v = linear.CCA(n_components=k).fit_transform([a - a.mean(axis=0), b])
        else:
            u, v = CCA(n_components=k).fit_transform(a, b)
        return float(np.mean([abs(np.corrcoef(u[:, i], v[:, i])[0, 1]) for i in range(k)]))

    start = time.process_time()
    found = []
    for layer in x:
        row = []
        fewer = PCA(n_components=0.99, svd_solver="full").fit_transform(layer)
        for at in columns(FEATURES).values():
            row.append(mean_cca(layer, y[:, at]))
            mean_cca(fewer, PCA(n_components=0.99).fit_transform(y[:, at]))
        found.append(row)
    seconds = time.process_time() - start
    return {"analysis": seconds, "cca": found, "frames": len(y)}


def one(way: str, folder: Path, data: Path, clips: int, layers: int) -> dict:
    """One way, in this process."""
    from sertools.models.load import LoadOptions, load_model

    corpus = corpus_of(data, clips)
    model = load_model(str(folder / "model"), LoadOptions(precision="fp32"))
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's says that it did not converge
        if way == "forward":
            for _ in states(corpus, model):
                pass
            found = {}
        elif way == "sums":
            found = with_sums(corpus, model, folder / "store")
        else:
            found = with_frames(corpus, model, folder / "store", layers, way)
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**found, **spent, "peak_mib": peak}


def table(found: dict[str, dict], layers: int) -> list[str]:
    """The rows of the table in the documentation."""
    forward = found["forward"]
    rows = [
        "| way | CPU s | of that, analysis | wall s | peak MiB | above forward | furthest from sums |",
        "|---|---|---|---|---|---|---|",
    ]
    for way, of in found.items():
        known = of.get("cca", [])
        pairs = zip(known, found["sums"]["cca"], strict=False)
        furthest = max((abs(a - b) for i, j in pairs for a, b in zip(i, j, strict=True)), default=None)
        part = way if "scikit" not in way else f"{way}, {layers} of {len(found['sums']['cca'])} layers"
        cells = [
            part,
            f"{of['cpu']:.1f}",
            f"{of['analysis']:.1f}" if "analysis" in of else "",
            f"{of['wall']:.1f}",
            f"{of['peak_mib']:.0f}",
            f"{of['peak_mib'] - forward['peak_mib']:+.0f}",
            "" if furthest is None or way == "sums" else f"{furthest:.1e}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def main() -> None:
    """Runs every way in a process of its own and shows the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a corpus, or its folder")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layers-of-sklearn", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(given.threads)
    if given.one:
        way, folder = given.one
        show(json.dumps(one(way, Path(folder), given.data, given.clips, given.layers_of_sklearn)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "model", "base")
        measured(corpus_of(given.data, given.clips), folder / "store")
        found = {}
        for way in dict.fromkeys(("forward", "sums", *given.ways)):
            command = [sys.executable, "-m", "tests.bench.cca", "--one", way, str(folder)]
            command += ["--data", str(given.data), "--clips", str(given.clips)]
            command += ["--threads", str(given.threads), "--layers-of-sklearn", str(given.layers_of_sklearn)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{way}: {done.stderr[-2000:]}")
            found[way] = json.loads(done.stdout.strip().splitlines()[-1])
            show(f"{way}: {found[way]['cpu']:.1f} CPU s, {found[way]['peak_mib']:.0f} MiB")
        show(f"{given.clips} clips, {found['sums']['frames']} frames with all features\n")
        for row in table(found, given.layers_of_sklearn):
            show(row)


if __name__ == "__main__":
    main()
