"""Checkpoints of CNN14 networks, written to disk for the tests."""

import json

from safetensors.torch import save_file

LABELS = ["anger", "happiness", "neutral", "sadness"]


def write(folder, network, config=None, **settings):
    """A checkpoint folder; `settings` are further fields of its config.json, unless `config` is all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config or {"labels": LABELS, **settings}))
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "model.safetensors")
    return folder
