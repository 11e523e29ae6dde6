"""id2label decides the order of the outputs, and a label2id that contradicts it is not passed over."""

import json

import pytest

from sertools.errors import ModelError
from sertools.models.checkpoints.label_names import names_in_order
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import EMOTIONS, write_audeering_checkpoint, write_checkpoint


def state(folder, **changed):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


CONTRADICTIONS = [
    (
        {"angry": 1, "happy": 0, "neu": 2, "sad": 3},
        "output 1 is 'angry', but id2label names output 1 'happy'",
    ),
    ({"angry": 0, "happy": 1, "neu": 2, "sad": 4}, "output 4 is 'sad', but id2label has no output 4"),
    ({"angry": 0, "joy": 1, "neu": 2, "sad": 3}, "output 1 is 'joy', but id2label names output 1 'happy'"),
]


@pytest.mark.parametrize(("numbers", "said"), CONTRADICTIONS)
def test_names_that_contradict_each_other_are_refused(tmp_path, numbers, said):
    write_checkpoint(tmp_path)
    state(tmp_path, label2id=numbers)
    with pytest.raises(ModelError, match=f"contradicts itself: .*{said}.*--labels"):
        load_model(str(tmp_path))
    assert load_model(str(tmp_path), LoadOptions(labels=tuple(EMOTIONS))).labels == tuple(EMOTIONS)


def test_dimensions_in_another_order_are_refused_too(tmp_path):
    write_audeering_checkpoint(tmp_path)
    state(tmp_path, label2id={"valence": 0, "arousal": 1, "dominance": 2})
    with pytest.raises(ModelError, match="output 0 is 'valence', but id2label names output 0 'arousal'"):
        load_model(str(tmp_path))


SILENT = [
    {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2, "LABEL_3": 3},
    {"LABEL_0": 0, "LABEL_1": 1},
    {"Angry": "0", "HAPPY": "1", "neu ": "2", "sad": "3"},
    {},
    None,
]


@pytest.mark.parametrize("numbers", SILENT)
def test_placeholders_and_spelling_contradict_nothing(tmp_path, numbers):
    write_checkpoint(tmp_path)
    state(tmp_path, label2id=numbers)
    assert load_model(str(tmp_path)).labels == tuple(EMOTIONS)


def test_keys_of_id2label_that_are_no_numbers_of_outputs_are_refused(tmp_path):
    with pytest.raises(ModelError, match="the keys of id2label are not 0, 1, 2"):
        names_in_order({"id2label": {"1": "anger", "2": "neutral"}}, tmp_path)
    with pytest.raises(ModelError, match="the keys of id2label are not 0, 1, 2"):
        names_in_order({"id2label": ["anger"]}, tmp_path)
