"""Networks of the wav2vec2 family with random weights, and what the library's own forward pass gives."""

import numpy as np
import torch
from transformers import AutoConfig, AutoModel

GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False}
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
MIXED = {"feat_extract_norm": "layer", "do_stable_layer_norm": False}


def stock(model_type: str, **settings) -> torch.nn.Module:
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(model_type, **settings)).eval()
    with torch.no_grad():  # norms that do something, so that one that is left out shows
        for name, parameter in model.named_parameters():
            if "norm" in name or name.endswith("bias"):
                parameter.add_(0.1 * torch.randn_like(parameter))
            if "rel_attn_embed" in name or "gru_rel_pos" in name:  # so that positions decide something
                parameter.mul_(3)
    return model


def stock_means(model: torch.nn.Module, signal: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Means over time by the library's own forward: of its output (d,) and of its hidden states (l, d)."""
    with torch.inference_mode():
        outputs = model(torch.from_numpy(signal)[None], output_hidden_states=True)
    layers = torch.stack([state.mean(dim=1)[0] for state in outputs.hidden_states])
    return outputs.last_hidden_state.mean(dim=1)[0], layers
