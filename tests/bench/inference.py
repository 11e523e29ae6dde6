"""Seconds of inference side by side: what everyone writes, common tools, sertools; same clips and weights.

    python -m tests.bench.inference --data FOLDER_OF_FLAC --shape base --clips 16 --repeats 3 --threads 1
    python -m tests.bench.inference --data FOLDER_OF_FLAC --shape base --audit --clips 60 --threads 2

Every way reads the files, computes the features and the scores. The ways take turns within each repeat, so
that other work on the machine falls on all of them; medians are shown. CPU seconds with one thread are hardly
touched by other work, wall seconds are. Weights are random, shapes are true. sertools writes its scores to an
empty store each time; which format `auto` takes is chosen beforehand, and what that costs is shown beside.
With --audit, everything is done for clean sound and ten perturbations: by the loop, and by sertools.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

SHAPES = {
    "base": {},
    "large-12": {
        "hidden_size": 1024,
        "num_hidden_layers": 12,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
    },
    "large-24": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
    },
    "small": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "conv_dim": [64] * 7,
    },
}
LABELS = ["anger", "happiness", "neutral", "sadness"]
PERTURBATIONS = ("additive_tone", "append_zeros", "prepend_zeros", "clip", "crop_beginning", "crop_end",
                 "gain", "highpass", "lowpass", "white_noise")  # fmt: skip


def show(line: str) -> None:
    """Writes a line to stdout at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write_model(folder: Path, shape: str) -> None:
    """A checkpoint of a true shape with random weights and a head for four emotions."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        **SHAPES[shape],
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
    )
    Wav2Vec2ForSequenceClassification(config).eval().save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)


def own_way(model_folder: Path, manifest: Path, work: Path, precision: str) -> Callable:
    """The function that returns the scores (n, c) of sertools in a precision."""
    from sertools.corpora.load import load_corpus
    from sertools.inference import predict
    from sertools.models.load import LoadOptions, load_model

    corpus = load_corpus(str(manifest))
    loaded = load_model(str(model_folder), LoadOptions(device="cpu", precision=precision))
    if precision == "auto":
        began = time.process_time()
        loaded = in_chosen_precision(loaded, corpus, work / "choice")
        chosen = {key: value for key, value in loaded.facts.items() if key.startswith("precision")}
        show(f"# auto: {json.dumps(chosen)}; chosen in {time.process_time() - began:.2f} CPU s")

    def predicted():
        shutil.rmtree(work / "store", ignore_errors=True)
        settings = predict.Settings(cache=work / "store")
        return predict.predict(loaded, corpus, settings=settings)["clean"].scores.to_numpy()

    return predicted


def ways(model_folder: Path, files: list[Path], manifest: Path, work: Path) -> dict[str, Callable]:
    """Name → function that returns scores (n, c); all of them read the files themselves."""
    import audinterface
    import numpy as np
    import soundfile
    import torch
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, pipeline

    extractor = AutoFeatureExtractor.from_pretrained(model_folder)
    model = AutoModelForAudioClassification.from_pretrained(model_folder, dtype="float32").eval()

    def loop():
        rows = []
        with torch.no_grad():
            for file in files:
                signal, rate = soundfile.read(file, dtype="float32")
                inputs = extractor(signal, sampling_rate=rate, return_tensors="pt")
                rows.append(model(inputs.input_values).logits.softmax(-1)[0].numpy())
        return np.stack(rows)

    pipe = pipeline("audio-classification", model=model, feature_extractor=extractor, device="cpu")

    def padded():
        sounds = [{"raw": soundfile.read(f, dtype="float32")[0], "sampling_rate": 16000} for f in files]
        answers = pipe(sounds, batch_size=8, top_k=None)
        return np.array(
            [[{a["label"]: a["score"] for a in answer}[label] for label in LABELS] for answer in answers]
        )

    def process(signal, rate):
        inputs = torch.from_numpy(extractor(signal, sampling_rate=rate)["input_values"][0]).reshape(1, -1)
        with torch.no_grad():
            return model(inputs).logits.softmax(-1).numpy()

    feature = audinterface.Feature(LABELS, process_func=process, sampling_rate=16000)

    def per_file():
        return feature.process_files([str(file) for file in files]).to_numpy()

    return {
        "(a) loop, batch 1": loop,
        "(b) pipeline, batch 8": padded,
        "(c) audinterface, per file": per_file,
        "(d) sertools fp32": own_way(model_folder, manifest, work, "fp32"),
        "(e) sertools auto": own_way(model_folder, manifest, work, "auto"),
        "(f) sertools bf16": own_way(model_folder, manifest, work, "bf16"),
    }


def audits(model_folder: Path, files: list[Path], manifest: Path, work: Path) -> dict[str, Callable]:
    """Name → function that returns scores (conditions · n, c) on clean sound and under ten perturbations.

    Both perturb with the same functions, so that they hear the same sound.
    """
    import numpy as np
    import torch
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    from sertools.corpora.load import load_corpus
    from sertools.inference import predict
    from sertools.inference.decode import decode
    from sertools.models.load import LoadOptions, load_model
    from sertools.tables.condition import Condition

    extractor = AutoFeatureExtractor.from_pretrained(model_folder)
    model = AutoModelForAudioClassification.from_pretrained(model_folder, dtype="float32").eval()
    corpus = load_corpus(str(manifest))
    conditions = [Condition(), *(Condition(perturbation=name) for name in PERTURBATIONS)]
    reference = load_model(str(model_folder), LoadOptions(device="cpu", precision="fp32"))

    def loop():
        rows = []
        with torch.no_grad():
            for condition in conditions:
                for clip in corpus.clips.index:
                    changed = decode(corpus, clip, reference, condition).signal
                    inputs = extractor(changed, sampling_rate=16000, return_tensors="pt")
                    rows.append(model(inputs.input_values).logits.softmax(-1)[0].numpy())
        return np.stack(rows)

    def ours(precision: str):
        loaded = load_model(str(model_folder), LoadOptions(device="cpu", precision=precision))
        loaded = in_chosen_precision(loaded, corpus, work / "choice")

        def predicted():
            shutil.rmtree(work / "store", ignore_errors=True)
            settings = predict.Settings(cache=work / "store")
            found = predict.predict(loaded, corpus, conditions=conditions, settings=settings)
            return np.concatenate([found[str(condition)].scores.to_numpy() for condition in conditions])

        return predicted

    return {"(a) loop, batch 1": loop, "(d) sertools fp32": ours("fp32"), "(e) sertools auto": ours("auto")}


def in_chosen_precision(model, corpus, root: Path):
    """The model in the format that `auto` takes for a corpus."""
    from sertools.corpora.corpus import fingerprint
    from sertools.inference import precision
    from sertools.inference.settings import Settings

    return precision.choose_precision(model, corpus, fingerprint(corpus), Settings(cache=root))


def flops(shape: str, samples: list[int]) -> float:
    """Floating-point operations of all matrix products of one pass over clips, two per multiplication.

    Attention's products of frames with frames are left out: under one per cent for clips of some seconds.
    """
    from transformers import Wav2Vec2Config

    config = Wav2Vec2Config(**SHAPES[shape])
    total = 0.0
    for n in samples:
        channels = 1
        for width, kernel, stride in zip(
            config.conv_dim, config.conv_kernel, config.conv_stride, strict=True
        ):
            n = (n - kernel) // stride + 1
            total += 2 * n * width * channels * kernel
            channels = width
        d, inner = config.hidden_size, config.intermediate_size
        positional = d * d / config.num_conv_pos_embedding_groups * config.num_conv_pos_embeddings
        total += 2 * n * (channels * d + positional + config.num_hidden_layers * (4 * d * d + 2 * d * inner))
    return total


def peak(dtype: str) -> float:
    """The most operations per CPU second that this machine was seen to reach in a product of matrices."""
    import torch

    a, b = (torch.randn(2048, 2048).to(getattr(torch, dtype)) for _ in range(2))
    seconds = []
    for _ in range(6):
        began = time.process_time()
        torch.nn.functional.linear(a, b)
        seconds.append(time.process_time() - began)
    return 2 * 2048**3 / min(seconds)


def race(shape: str, files: list[Path], repeats: int, threads: int, *, audit: bool, letters: str) -> None:
    """Prints a table of one shape in Markdown; of all ways, or of those with one of the letters."""
    import numpy as np
    import soundfile
    import torch

    torch.set_num_threads(threads)
    samples = [soundfile.info(file).frames for file in files]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_model(work / "model", shape)
        manifest = work / "clips.csv"
        manifest.write_text("file\n" + "".join(f"{file.resolve()}\n" for file in files))
        every = (audits if audit else ways)(work / "model", files, manifest, work)
        every = {name: way for name, way in every.items() if not letters or name[1] in letters}
        wall: dict[str, list[float]] = {name: [] for name in every}
        cpu: dict[str, list[float]] = {name: [] for name in every}
        scores = {}
        for _ in range(repeats):
            for name, way in every.items():
                began, began_cpu = time.perf_counter(), time.process_time()
                scores[name] = way()
                cpu[name].append(time.process_time() - began_cpu)
                wall[name].append(time.perf_counter() - began)
    first = next(iter(every))
    peaks = {dtype: peak(dtype) for dtype in ("float32", "bfloat16")}
    passes = 1 + len(PERTURBATIONS) if audit else 1
    seconds = passes * sum(samples) / 16000
    show(f"# {shape}: {passes} × {len(files)} clips, {seconds:.0f} s of sound")
    show(f"# {threads} threads, {repeats} repeats")
    show("# peak, GFLOP per CPU s: " + ", ".join(f"{k} {v / 1e9:.0f}" for k, v in peaks.items()))
    work_done = passes * flops(shape, samples)
    show("| way | CPU s | × (a) | wall s | × (a) | GFLOP per CPU s | furthest from (a) |")
    show("|---|---|---|---|---|---|---|")
    for name in every:
        c, w = np.median(cpu[name]), np.median(wall[name])
        furthest = np.abs(scores[name] - scores[first]).max()
        faster, sooner = np.median(cpu[first]) / c, np.median(wall[first]) / w
        show(
            f"| {name} | {c:.2f} | {faster:.2f} | {w:.2f} | {sooner:.2f} "
            f"| {work_done / c / 1e9:.0f} | {furthest:.1e} |"
        )


GROWTH = """
import resource, sys, time
from pathlib import Path
from sertools.corpora.load import load_corpus
from sertools.models.load import load_model
from sertools.inference.predict import predict
from sertools.inference.settings import Settings
model, corpus = load_model("default"), load_corpus(sys.argv[1])
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
predict(model, corpus, settings=Settings(cache=Path(sys.argv[2])))
print(time.process_time() - began, before / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def growth(files: list[Path], counts: list[int]) -> None:
    """Prints time and peak memory of predicting more and more clips with the embedded model."""
    show("| clips | CPU s | CPU ms per clip | peak memory, MB |")
    show("|---|---|---|---|")
    for n in counts:
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / "clips.csv"
            chosen = [files[i % len(files)].resolve() for i in range(n)]
            rows = [f"{i},{file}\n" for i, file in enumerate(chosen)]
            manifest.write_text("clip,file\n" + "".join(rows))
            answer = subprocess.run(
                [sys.executable, "-c", GROWTH, str(manifest), str(Path(folder) / "store")],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        seconds, _, megabytes = map(float, answer.stdout.split())
        show(f"| {n} | {seconds:.2f} | {1000 * seconds / n:.1f} | {megabytes:.0f} |")


def main() -> None:
    """Reads the command line and runs what it asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shape", choices=[*SHAPES, "growth"], required=True)
    parser.add_argument("--audit", action="store_true")
    parser.add_argument("--ways", default="", help="letters of the ways to compare, all by default: ade")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    files = sorted(given.data.rglob("*.flac"))
    warnings.filterwarnings("ignore")
    if given.shape == "growth":
        growth(files, [64, 128, 256, 512])
        return
    spread = [files[i * len(files) // given.clips] for i in range(given.clips)]
    race(given.shape, spread, given.repeats, given.threads, audit=given.audit, letters=given.ways)


if __name__ == "__main__":
    main()
