import pytest
import torch
from torch.nn.utils.parametrize import remove_parametrizations
from torch.utils.flop_counter import FlopCounterMode
from transformers import Wav2Vec2Config, Wav2Vec2Model

from tests.bench.inference import SHAPES, flops


@pytest.mark.parametrize("shape", SHAPES)
def test_operations_are_those_that_torch_counts_but_for_frames_with_frames(shape):
    with torch.device("meta"):
        model = Wav2Vec2Model(Wav2Vec2Config(**SHAPES[shape], attn_implementation="eager")).eval()
        remove_parametrizations(model.encoder.pos_conv_embed.conv, "weight")
        signal = torch.zeros(1, 48000)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(signal)
    config, frames = model.config, 149
    with_frames = 4 * frames * frames * config.hidden_size * config.num_hidden_layers
    # the positional convolution gives one frame too many for an even kernel, which is cut off
    extra = 2 * config.hidden_size**2 // config.num_conv_pos_embedding_groups * config.num_conv_pos_embeddings
    assert counter.get_total_flops() == flops(shape, [48000]) + with_frames + extra
