"""The settings of a checkpoint of the wav2vec2 family, read without transformers, whose import takes seconds.

Only what is plain is read here. Where a setting is missing or unusual, the answer is None, and transformers
reads the checkpoint, or says what is wrong with it.
"""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.wav2vec2_cpu.weights import FAMILY, why_not

CLASSES = dict(zip(FAMILY, ("Wav2Vec2", "Hubert", "UniSpeech", "UniSpeechSat", "WavLM"), strict=True))
"""Type of architecture → beginning of the names of its classes in transformers."""

PREFIXES = {name: name.replace("-", "_") for name in FAMILY}
"""Type of architecture → name of the encoder in a class with a head."""

POSITIVE = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"),
    *("num_conv_pos_embeddings", "num_conv_pos_embedding_groups"),
)
"""Settings that have to be stated, as positive integers; those of WavLM and of heads come on top."""

NUMBERS = ("layer_norm_eps", "mask_time_prob", "mask_feature_prob")
LISTS = ("conv_dim", "conv_kernel", "conv_stride")

UNUSUAL = ("auto_map", "quantization_config", "num_labels", "torchscript", "return_dict", "pruned_heads")
"""Settings with which transformers does more than is done here."""

PROBLEMS = (None, "regression", "single_label_classification", "multi_label_classification")


def settings_in(folder: Path) -> SimpleNamespace | None:
    """The settings in config.json by name, like a configuration of transformers; None if they are not plain.

    Raises:
        ModelError: config.json is not valid JSON
    """
    path = folder / "config.json"
    if not path.is_file():
        return None
    content = read_json(path, error=ModelError, what="the settings of a checkpoint")
    if not isinstance(content, dict) or content.get("model_type") not in FAMILY:
        return None
    names = _output_names(content)
    if names is None or not _plain(content):
        return None
    optional = {"architectures": None, "problem_type": None, "use_weighted_layer_sum": False}
    config = SimpleNamespace(**{**optional, **content, "id2label": names})
    return None if why_not(config) else config


def _plain(content: Mapping[str, Any]) -> bool:
    """Whether all settings that decide the shape of the network are stated and usual."""
    further = ("num_buckets", "max_bucket_distance") if content["model_type"] == "wavlm" else ()
    if set(UNUSUAL) & set(content) or any(key.endswith(("_implementation", "_internal")) for key in content):
        return False
    if not all(_is_count(content.get(name)) for name in (*POSITIVE, *further)):
        return False
    if not all(_is_number(content.get(name)) for name in NUMBERS):
        return False
    lists = [content.get(name) for name in LISTS]
    layers = content.get("num_feat_extract_layers", len(lists[0]) if isinstance(lists[0], list) else 0)
    if not all(
        isinstance(each, list) and len(each) == layers and all(map(_is_count, each)) for each in lists
    ):
        return False
    flags = [content.get(name) for name in ("conv_bias", "do_stable_layer_norm")]
    flags += [content.get(name, True) for name in ("use_weighted_layer_sum", "feat_proj_layer_norm")]
    if not all(isinstance(each, bool) for each in flags) or layers < 1:
        return False
    known = content.get("feat_extract_norm") in {"group", "layer"} and content.get("problem_type") in PROBLEMS
    width, groups = content["hidden_size"], content["num_conv_pos_embedding_groups"]
    texts = all(isinstance(content.get(name), str) for name in ("hidden_act", "feat_extract_activation"))
    return known and texts and width % content["num_attention_heads"] == 0 and width % groups == 0


def _output_names(content: Mapping[str, Any]) -> dict[int, str] | None:
    """Number of each output → its name, as in transformers; None if `id2label` is not plain."""
    stated = content.get("id2label")
    if stated is None and "label2id" not in content:
        return {0: "LABEL_0", 1: "LABEL_1"}
    if not isinstance(stated, dict) or not all(isinstance(name, str) for name in stated.values()):
        return None
    if set(stated) != {str(i) for i in range(len(stated))}:
        return None
    return {int(number): name for number, name in stated.items()}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
