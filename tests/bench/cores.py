"""How much sooner two cores are done than one: packs side by side, against products that share cores.

    python -m tests.bench.cores --shape base --clips 48 --threads 2 --turns 5

Random weights in true shapes, noises of one to four seconds, fp32 or bf16; both ways take turns with one
thread, so that other work on the machine falls on all of them. The ratio is that of medians of wall seconds.
On a machine with other load it says less than the CPU seconds, which show what the cores waited for or did
twice.
"""

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tests.bench.inference import SHAPES, show

if TYPE_CHECKING:
    import torch


def ways(shape: str, precision: str, clips: int, threads: int) -> "dict[str, Callable[[], torch.Tensor]]":
    """Name → function that gives the means over time of all clips, (n, d)."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    from sertools.models.wav2vec2_cpu import forward, weights

    torch.manual_seed(0)
    model = Wav2Vec2Model(Wav2Vec2Config(**SHAPES[shape])).eval()
    signals = [torch.randn(16000 + 48000 * i // clips) for i in range(clips)]
    encoder = weights.encoder(model, getattr(torch, precision))

    def side_by_side(number: int) -> torch.Tensor:
        torch.set_num_threads(number)
        return forward.means(encoder, signals)[0]

    def shared() -> torch.Tensor:
        """Each pack in turn, its products and everything else on all cores."""
        torch.set_num_threads(threads)
        frames = [forward.frames_of(encoder, len(signal)) for signal in signals]
        found = {}
        with torch.inference_mode():
            for pack in forward.packs(frames, encoder.sizes, 1):
                together = forward.computed_together(encoder, [signals[i] for i in pack], keep=False)
                found |= dict(zip(pack, together, strict=True))
        return torch.stack([found[i].last for i in range(len(signals))])

    return {
        "one thread": lambda: side_by_side(1),
        f"{threads} packs side by side": lambda: side_by_side(threads),
        f"{threads} threads share products": shared,
    }


def main() -> None:
    """Prints wall and CPU seconds of one thread, of packs side by side and of shared products."""
    import torch

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=list(SHAPES), default="base")
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    given = parser.parse_args()
    every = ways(given.shape, given.precision, given.clips, given.threads)
    wall: dict[str, list[float]] = {name: [] for name in every}
    cpu: dict[str, list[float]] = {name: [] for name in every}
    means = {}
    for _ in range(given.turns):
        for name, way in every.items():
            began, began_cpu = time.perf_counter(), time.process_time()
            means[name] = way()
            cpu[name].append(time.process_time() - began_cpu)
            wall[name].append(time.perf_counter() - began)
    first = next(iter(every))
    show(f"# {given.shape}, {given.precision}, {given.clips} clips, {given.turns} turns")
    show("| way | wall s | one thread ÷ this | CPU s | same bits as one thread |")
    show("|---|---|---|---|---|")
    for name in every:
        w, c = np.median(wall[name]), np.median(cpu[name])
        same = "yes" if torch.equal(means[name], means[first]) else "no"
        show(f"| {name} | {w:.2f} | {np.median(wall[first]) / w:.2f} | {c:.2f} | {same} |")


if __name__ == "__main__":
    main()
