"""What weights laid out in the processor's blocks save: the bf16 encoder with and without, in turns.

    python -m tests.bench.blocks --shape large-12 --turns 9 --threads 1

Random weights in true shapes, seven noises of 0.2 to 3.4 s, clip by clip; medians of CPU seconds. Both ways
must give the same numbers to the bit.
"""

import argparse
import time
from unittest import mock

import numpy as np

from tests.bench.inference import SHAPES, show

SECONDS = (0.2, 0.9, 1.8, 2.2, 2.6, 3.0, 3.4)


def main() -> None:
    """Prints CPU seconds of both ways and what the blocks save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=list(SHAPES), default="base")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()

    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    from sertools.models.wav2vec2_cpu import forward, weights

    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    model = Wav2Vec2Model(Wav2Vec2Config(**SHAPES[given.shape])).eval()
    signals = [torch.randn(int(16000 * seconds)) for seconds in SECONDS]
    with mock.patch.object(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", return_value=False):
        plain = weights.encoder(model, torch.bfloat16)
    ways = {"as they are": plain, "in blocks": weights.encoder(model, torch.bfloat16)}
    if not ways["in blocks"].projection.weight.is_mkldnn:
        parser.error("this processor has no blocks for bf16")
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    means = {}
    with torch.inference_mode():
        for _ in range(given.turns):
            for name, encoder in ways.items():
                began = time.process_time()
                means[name] = torch.cat([forward.means(encoder, [signal])[0] for signal in signals])
                cpu[name].append(time.process_time() - began)
    same = torch.equal(means["as they are"], means["in blocks"])
    before, now = (float(np.median(cpu[name])) for name in ways)
    show(f"{given.shape}, {given.threads} threads: {before:.2f} CPU s as they are, {now:.2f} in blocks")
    show(f"{1 - now / before:.1%} less; {'equal to the bit' if same else 'NOT equal'}")


if __name__ == "__main__":
    main()
