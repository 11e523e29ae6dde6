"""Tables and functions of the running program are corpora and models."""

import numpy as np
import pandas as pd
import pytest

import sertools
from sertools.errors import ModelError
from tests.helpers.checkpoints import speech
from tests.helpers.small import noises


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty clips of noise with a table that describes them."""
    place = tmp_path_factory.mktemp("in-memory")
    clips = noises(place, 40).clips
    rows = clips.reset_index(drop=True).assign(
        rated=np.linspace(1, 7, 40), who=[f"s{i % 8}" for i in range(40)]
    )
    rows = rows[["file", "who", "rated"]]
    rows["file"] = [str(place / file) for file in rows["file"]]
    rows.to_csv(place / "clips.csv", index=False)
    return place


def loudness(signals, rate):
    return [{"arousal": float(np.sqrt(np.mean(signal**2)))} for signal in signals]


OPTIONS = {"column_map": {"who": "speaker", "rated": "arousal"}, "scale": (1, 7)}


def test_a_table_in_memory_is_the_corpus_of_its_file(folder):
    table = pd.read_csv(folder / "clips.csv")
    table.attrs["name"] = "clips"
    here, there = (
        sertools.load_corpus(table, **OPTIONS),
        sertools.load_corpus(folder / "clips.csv", **OPTIONS),
    )
    pd.testing.assert_frame_equal(here.clips, there.clips)
    assert (here.name, here.notes) == (there.name, there.notes)
    assert sertools.load_corpus(pd.read_csv(folder / "clips.csv"), **OPTIONS).name == "table"
    assert list(table.columns) == ["file", "who", "rated"]  # nothing of the user's table is changed


def test_an_index_with_a_name_is_a_column(folder):
    table = pd.read_csv(folder / "clips.csv").set_index("file")
    assert len(sertools.load_corpus(table, **OPTIONS).clips) == 40
    part = pd.read_csv(folder / "clips.csv").query("rated > 4")  # rows that were selected keep their numbers
    assert len(sertools.load_corpus(part, **OPTIONS).clips) == 20


def test_a_function_is_a_model_with_the_answers_of_its_file(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\ndef loudness(signals, rate):\n"
        "    return [{'arousal': float(np.sqrt(np.mean(s**2)))} for s in signals]\n"
    )
    model, filed = sertools.load_model(loudness), sertools.load_model(f"py:{tmp_path}/mine.py:loudness")
    assert model.name == filed.name == "loudness"
    assert model.labels == ("arousal",)
    signals = speech([16000, 8000])
    np.testing.assert_array_equal(model.predict(signals).scores, filed.predict(signals).scores)


def test_an_audit_takes_both(folder):
    results = sertools.audit(loudness, sertools.load_corpus(folder / "clips.csv", **OPTIONS), "correctness")
    assert results["correctness"].model["name"] == "loudness"
    table = pd.read_csv(folder / "clips.csv").rename(columns={"who": "speaker", "rated": "arousal"})
    table["arousal"] = (table["arousal"] - 1) / 6
    again = sertools.audit(loudness, table, "correctness")
    assert again["correctness"].findings == results["correctness"].findings


def test_what_a_function_reads_elsewhere_changes_its_fingerprint():
    def scaled(factor):
        return lambda signals, rate: [[factor * float(np.mean(signal**2))] for signal in signals]

    first, other = scaled(1), scaled(2)
    for function in (first, other):
        function.labels = ["arousal"]
    one, again, two = (sertools.load_model(each) for each in (first, first, other))
    assert one.fingerprint == again.fingerprint != two.fingerprint
    assert one.name == "function"


def test_an_object_that_can_be_called_is_a_model_and_a_function_without_source_too():
    class Model:
        labels = ("arousal",)

        def __call__(self, signals, rate):
            return [[0.5] for _ in signals]

    assert sertools.load_model(Model()).name == "Model"
    space = {}
    exec("def typed(signals, rate):\n    return [{'valence': 0.5} for _ in signals]", space)
    assert sertools.load_model(space["typed"]).labels == ("valence",)


def test_a_function_that_fails_is_named_with_its_line():
    def broken(signals, rate):
        return signals[0].nothing

    with pytest.raises(ModelError, match=r"broken fails on \d+ signals: AttributeError.*test_in_memory.py"):
        sertools.load_model(broken)
