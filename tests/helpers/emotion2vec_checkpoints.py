"""Files of emotion2vec checkpoints in their published layout, of networks with a few thousand weights."""

import importlib.util
import json
from pathlib import Path

import torch
import yaml

INSTALLED = importlib.util.find_spec("funasr") is not None

TOKENS = [
    "生气/angry",
    "厌恶/disgusted",
    "恐惧/fearful",
    "开心/happy",
    "中立/neutral",
    "其他/other",
    "难过/sad",
    "吃惊/surprised",
    "<unk>",
]
CONVOLUTIONS = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"
WIDTH, HEADS, PRENET, DEPTH, EXTRA = 24, 2, 1, 2, 3


def audio_config() -> dict:
    """The part of `config.yaml` that describes the layers that only read audio."""
    return {
        "type": "AUDIO",
        "prenet_depth": PRENET,
        "prenet_layerdrop": 0.05,
        "prenet_dropout": 0.1,
        "start_drop_path_rate": 0.0,
        "end_drop_path_rate": 0.0,
        "num_extra_tokens": EXTRA,
        "init_extra_token_zero": False,
        "local_grad_mult": 1.0,
        "use_alibi_encoder": True,
        "alibi_scale": 1.0,
        "learned_alibi": False,
        "alibi_max_pos": None,
        "learned_alibi_scale": True,
        "learned_alibi_scale_per_head": True,
        "learned_alibi_scale_per_layer": False,
        "num_alibi_heads": HEADS,
        "model_depth": DEPTH,
        "extractor_mode": "layer_norm",
        "feature_encoder_spec": CONVOLUTIONS.replace("512", "16"),
        "conv_pos_width": 15,
        "conv_pos_groups": 4,
        "conv_pos_depth": 2,
        "conv_pos_pre_ln": False,
        "decoder": {
            "input_dropout": 0.1,
            "decoder_dim": 16,
            "decoder_groups": 4,
            "decoder_kernel": 3,
            "decoder_layers": 1,
            "decoder_residual": True,
            "projection_layers": 1,
            "projection_ratio": 2.0,
            "add_positions_masked": False,
            "add_positions_all": False,
        },
    }


def config(**changed) -> dict:
    """`config.yaml` as it is published, of a network of a few thousand weights."""
    audio = audio_config()
    model = {
        "loss_beta": 0.0,
        "loss_scale": None,
        "depth": DEPTH,
        "start_drop_path_rate": 0.0,
        "end_drop_path_rate": 0.0,
        "num_heads": HEADS,
        "norm_eps": 1e-5,
        "norm_affine": True,
        "encoder_dropout": 0.1,
        "post_mlp_drop": 0.1,
        "attention_dropout": 0.1,
        "activation_dropout": 0.0,
        "dropout_input": 0.0,
        "layerdrop": 0.05,
        "embed_dim": WIDTH,
        "mlp_ratio": 2.0,
        "layer_norm_first": False,
        "average_top_k_layers": DEPTH,
        "end_of_block_targets": False,
        "clone_batch": 8,
        "normalize": True,
        **{name: value for name, value in changed.items() if name not in audio},
        "modalities": {"audio": audio | {n: v for n, v in changed.items() if n in audio}},
    }
    return {
        "model": "Emotion2vec",
        "model_conf": model,
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
        "scope_map": ["d2v_model.", "none"],
    }


def write_files(folder: Path, settings: dict, state: dict | None, tokens: list[str]) -> Path:
    """A checkpoint folder; without weights if `state` is None."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    metas = {"init_param": "model.pt", "config": "config.yaml"}
    if tokens:
        metas["tokenizer_conf"] = {"token_list": "tokens.txt"}
        (folder / "tokens.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    described = {"framework": "pytorch", "model": {"type": "funasr"}, "file_path_metas": metas}
    (folder / "configuration.json").write_text(json.dumps(described))
    if state is not None:
        torch.save({"model": state}, folder / "model.pt")
    return folder
