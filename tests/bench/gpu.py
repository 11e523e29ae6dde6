"""Packed inference on a graphics card beside the loop that everyone writes, in at most ten minutes.

    python -m tests.bench.gpu --data FOLDER_OF_FLAC > table.md
    python -m tests.bench.gpu --data FOLDER_OF_FLAC --shape small --device cpu --seconds 5

Prints a table for docs/benchmarks.md with the name of the card and its measured peak: seconds of sound per
second and the share of the peak for the loop in fp32, the loop under bf16 autocast, padded batches of 32, and
packed passes in both formats. Then a whole audit with ten perturbations, and what decoding and perturbing
take by themselves. Weights are random, shapes are true; each way stops after its share of time.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.inference import PERTURBATIONS, SHAPES, flops, show, write_model

BUDGET_S = 540.0
"""Seconds for everything, so that the script ends within ten minutes."""


def synchronised(device: str) -> None:
    """Waits until a device has done what it was given."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()


def peak(device: str, dtype: Any, n: int) -> float:
    """Operations per second of a product of n × n matrices, the fastest of ten."""
    import torch

    one, other = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(10):
        synchronised(device)
        began = time.perf_counter()
        one @ other
        synchronised(device)
        seconds.append(time.perf_counter() - began)
    return 2.0 * n**3 / min(seconds)


def rounds(signals: Sequence[Any], size: int) -> list[list[Any]]:
    """The signals in groups of a size, in order."""
    return [list(signals[i : i + size]) for i in range(0, len(signals), size)]


def timed(
    work: Callable[[list[Any]], Any], groups: list[list[Any]], device: str, limit_s: float
) -> tuple[float, int]:
    """Seconds, and samples computed in them: groups in turn until the time is over, after one unmeasured."""
    work(groups[0])
    synchronised(device)
    began, samples = time.perf_counter(), 0
    for i in range(10**6):
        group = groups[i % len(groups)]
        work(group)
        synchronised(device)
        samples += sum(map(len, group))
        if time.perf_counter() - began > limit_s:
            break
    return time.perf_counter() - began, samples


def ways(folder: Path, device: str) -> dict[str, tuple[Callable[[list[Any]], Any], int, str]]:
    """Name → function of a group of signals, clips of a group, and the format of its products."""
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from transformers import AutoModel

    from sertools.models.wav2vec2_gpu import forward, weights

    module = AutoModel.from_pretrained(folder).eval().to(device)
    encoders = {name: weights.encoder(module, getattr(torch, name)) for name in ("float32", "bfloat16")}
    for name, encoder in encoders.items():
        show(f"# packed {name} agrees with the module: {forward.agrees(encoder, module)}; "
             f"at most {encoder.budget.frames} frames at once")  # fmt: skip
    kind = device.partition(":")[0]

    def loop(group: list[Any], *, rounded: bool) -> None:
        with torch.inference_mode(), torch.autocast(kind, dtype=torch.bfloat16, enabled=rounded):
            for signal in group:
                module(signal.to(device)[None]).last_hidden_state.mean(dim=1).float().cpu()

    def padded(group: list[Any]) -> None:
        with torch.inference_mode(), torch.autocast(kind, dtype=torch.bfloat16):
            module(pad_sequence(group, batch_first=True).to(device)).last_hidden_state.mean(
                dim=1
            ).float().cpu()

    def packed(group: list[Any], *, name: str) -> None:
        found = forward.computed(encoders[name], [signal.to(device) for signal in group])
        torch.stack([clip.last for clip in found]).cpu()

    return {
        "loop, batch 1, fp32": (lambda g: loop(g, rounded=False), 16, "float32"),
        "loop, batch 1, bf16 autocast": (lambda g: loop(g, rounded=True), 16, "bfloat16"),
        "padded batches of 32, bf16 autocast": (padded, 32, "bfloat16"),
        "packed, fp32": (lambda g: packed(g, name="float32"), 256, "float32"),
        "packed, bf16": (lambda g: packed(g, name="bfloat16"), 256, "bfloat16"),
    }


def passes(shape: str, folder: Path, signals: list[Any], device: str, seconds: float) -> None:
    """Prints the table of forward passes."""
    import torch

    size = 8192 if device.startswith("cuda") else 1024
    peaks = {name: peak(device, getattr(torch, name), size) for name in ("float32", "bfloat16")}
    show("# peak, TFLOP per s: " + ", ".join(f"{name} {value / 1e12:.1f}" for name, value in peaks.items()))
    per_sample = flops(shape, [len(s) for s in signals]) / sum(map(len, signals))
    every = ways(folder, device)
    show("| method | s of sound per s | × loop, fp32 | TFLOP per s | share of the peak of its format |")
    show("|---|---|---|---|---|")
    first = 0.0
    for name, (work, clips, dtype) in every.items():
        taken, samples = timed(work, rounds(signals, clips), device, seconds)
        speed, rate = samples / 16000 / taken, samples * per_sample / taken
        first = first or speed
        show(
            f"| {name} | {speed:.0f} | {speed / first:.2f} | {rate / 1e12:.2f} | {rate / peaks[dtype]:.1%} |"
        )


def audit(folder: Path, files: list[Path], work: Path, device: str, seconds: float) -> None:
    """Prints what a whole audit takes, and what decoding and perturbing take by themselves."""
    from sertools.corpora.load import load_corpus
    from sertools.inference import predict
    from sertools.inference.decode import decode
    from sertools.models.load import LoadOptions, load_model
    from sertools.tables.condition import Condition

    model = load_model(str(folder), LoadOptions(device=device, precision="bf16"))
    conditions = [Condition(), *(Condition(perturbation=name) for name in PERTURBATIONS)]
    manifest = work / "clips.csv"
    manifest.write_text("file\n" + "".join(f"{file.resolve()}\n" for file in files[:8]))
    corpus = load_corpus(str(manifest))
    predict.predict(model, corpus, conditions=conditions, settings=predict.Settings(cache=work / "trial"))
    began = time.perf_counter()
    predict.predict(model, corpus, conditions=conditions, settings=predict.Settings(cache=work / "again"))
    count = min(len(files), max(8, int(8 * seconds / (time.perf_counter() - began))))
    manifest.write_text("file\n" + "".join(f"{file.resolve()}\n" for file in files[:count]))
    corpus = load_corpus(str(manifest))
    began = time.perf_counter()
    predict.predict(model, corpus, conditions=conditions, settings=predict.Settings(cache=work / "whole"))
    whole = time.perf_counter() - began
    some = list(corpus.clips.index)[:: max(1, count // 16)]
    began = time.perf_counter()
    for condition in conditions:
        for clip in some:
            decode(corpus, clip, model, condition)
    alone = (time.perf_counter() - began) * count / len(some)
    show(f"\nAudit, bf16, {count} clips × {len(conditions)} conditions: {whole:.1f} s; decoding and "
         f"perturbing on one core alone: {alone:.1f} s ({alone / whole:.0%}).")  # fmt: skip


def main() -> None:
    """Reads the command line and prints the tables."""
    import tempfile

    import soundfile
    import torch

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shape", choices=list(SHAPES), default="large-24")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=BUDGET_S)
    given = parser.parse_args()
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("No graphics card was found; --device cpu --shape small tries the script without one.")
    name = torch.cuda.get_device_name(given.device) if given.device.startswith("cuda") else "CPU"
    files = sorted(given.data.rglob("*.flac"))
    if not files:
        sys.exit(f"{given.data} has no .flac files.")
    signals = [torch.from_numpy(soundfile.read(file, dtype="float32")[0]) for file in files[:2048]]
    show(f"# {name}, torch {torch.__version__}, {given.shape}, {len(signals)} clips, "
         f"{sum(map(len, signals)) / 16000:.0f} s of sound")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_model(work / "model", given.shape)
        passes(given.shape, work / "model", signals, given.device, given.seconds / 9)
        audit(work / "model", files, work, given.device, given.seconds / 3)


if __name__ == "__main__":
    main()
