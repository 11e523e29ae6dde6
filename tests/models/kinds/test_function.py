import io
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import soundfile

from sertools.errors import ModelError
from sertools.inference.predict import Settings
from sertools.inference.predict import predict as predict_corpus
from sertools.models.kinds.function import REPEAT
from sertools.models.load import LoadOptions, load_model
from sertools.models.returned_scores import rows
from tests.helpers.checkpoints import speech
from tests.helpers.places import ROOT
from tests.helpers.small import noises

EXAMPLE = ROOT / "examples" / "remote_service.py"
LEVELS = """
import numpy as np
def f(signals, rate):
    return [[float(np.sqrt(np.mean(s ** 2))), len(s) / rate] for s in signals]
"""


def write(folder, code, attributes=""):
    path = folder / "mine.py"
    path.write_text(f"{code}\n{attributes}\n")
    return f"py:{path}:f"


def test_rows_of_a_function_are_its_scores(tmp_path):
    model = load_model(write(tmp_path, LEVELS, "f.labels = ['arousal', 'dominance']"))
    signals = speech([16000, 8000, 4000])
    scores = model.predict(signals).scores
    expected = [[np.sqrt(np.mean(s**2)), len(s) / 16000] for s in signals]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert (model.labels, model.task, model.sampling_rate) == (("arousal", "dominance"), "regression", 16000)
    assert model.predict(signals, layers=True).layers is None


def test_labels_of_the_command_line_stand_above_those_of_the_function(tmp_path):
    spec = write(tmp_path, LEVELS, "f.labels = ['arousal', 'dominance']")
    assert load_model(spec, LoadOptions(labels=("valence", "arousal"))).labels == ("valence", "arousal")


def test_rate_task_and_shortest_come_from_attributes(tmp_path):
    attributes = (
        "f.labels = ['anger', 'fear']; f.task = 'multi_label'; f.sampling_rate = 8000; f.shortest = 80"
    )
    model = load_model(write(tmp_path, LEVELS, attributes))
    assert (model.task, model.sampling_rate, model.shortest) == ("multi_label", 8000, 80)
    np.testing.assert_allclose(model.predict(speech([8000])).scores[0, 1], 1.0)
    other = load_model(write(tmp_path, LEVELS, attributes), LoadOptions(sampling_rate=4000))
    assert other.sampling_rate == 4000
    assert other.fingerprint != model.fingerprint


DICTS = [
    "[{'valence': len(s) / rate, 'arousal': 0.5} for s in signals]",
    "{'valence': [len(s) / rate for s in signals], 'arousal': [0.5] * len(signals)}",
    "pandas.DataFrame({'valence': [len(s) / rate for s in signals], 'arousal': 0.5})",
]


@pytest.mark.parametrize("answer", DICTS)
def test_names_that_a_function_gives_decide_not_positions(tmp_path, answer):
    code = f"import pandas\ndef f(signals, rate):\n    return {answer}"
    model = load_model(write(tmp_path, code))
    assert model.labels == ("valence", "arousal")
    signals = speech([16000, 4000])
    np.testing.assert_allclose(model.predict(signals).scores, [[1, 0.5], [0.25, 0.5]])
    chosen = load_model(write(tmp_path, code), LoadOptions(labels=("arousal",)))
    np.testing.assert_allclose(chosen.predict(signals).scores, [[0.5], [0.5]])
    with pytest.raises(ModelError, match="f returns no dominance: it returns valence, arousal"):
        load_model(write(tmp_path, code), LoadOptions(labels=("dominance",)))


def test_an_order_of_keys_that_changes_from_clip_to_clip_changes_nothing():
    answer = [{"arousal": 1, "valence": 2}, {"valence": 4, "arousal": 3}]
    scores, labels = rows(answer, 2, "f")
    assert labels == ("arousal", "valence")
    np.testing.assert_array_equal(scores, [[1, 2], [3, 4]])


def test_a_module_in_the_working_folder_is_found_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "lab_models").mkdir()
    (tmp_path / "lab_models" / "levels.py").write_text(f"{LEVELS}\nf.labels = ['arousal', 'valence']")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    model = load_model("py:lab_models.levels:f")
    assert model.predict(speech([8000])).scores[0, 1] == 0.5
    assert sys.path == before


def test_a_file_may_import_its_neighbour(tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text("HALF = 0.5")
    spec = write(
        tmp_path,
        "from neighbour_of_mine import HALF\ndef f(signals, rate):\n    return [HALF] * len(signals)",
        "f.labels = ['arousal']",
    )
    assert load_model(spec).predict(speech([100, 200])).scores.tolist() == [[0.5], [0.5]]


def test_fingerprint_follows_the_file(tmp_path):
    first = load_model(write(tmp_path, LEVELS, "f.labels = ['arousal', 'valence']"))
    same = load_model(write(tmp_path, LEVELS, "f.labels = ['arousal', 'valence']"))
    other = load_model(write(tmp_path, LEVELS, "f.labels = ['arousal', 'valence']  # changed"))
    assert first.fingerprint == same.fingerprint != other.fingerprint
    assert any("not what it imports" in note for note in first.facts["notes"])


def test_a_function_that_spoils_its_input_does_not_spoil_the_next_call(tmp_path):
    code = "def f(signals, rate):\n    return [[s.__imul__(2).max()] for s in signals]"
    model = load_model(write(tmp_path, code, "f.labels = ['arousal']"))
    signals = speech([1000])
    before = signals[0].copy()
    model.predict(signals)
    np.testing.assert_array_equal(signals[0], before)


def test_rows_that_do_not_sum_to_one_are_said_to_be_no_probabilities(tmp_path):
    model = load_model(write(tmp_path, LEVELS, "f.labels = ['anger', 'fear']"))
    assert model.task == "single_label"
    assert any("are not probabilities" in note for note in model.facts["notes"])
    shares = "def f(signals, rate):\n    return [[0.25, 0.75] for s in signals]"
    steady = load_model(write(tmp_path, shares, "f.labels = ['anger', 'fear']"))
    assert not any("are not probabilities" in note for note in steady.facts["notes"])


RANDOM = "import random\ndef f(signals, rate):\n    return [[random.random()] for s in signals]"
COUNTING = "n = [0]\ndef f(signals, rate):\n    n[0] += 1\n    return [[float(n[0])] for s in signals]"
NEIGHBOURS = "def f(signals, rate):\n    return [[i / 10] for i, s in enumerate(signals)]"
LATE = """
import numpy as np
calls = [0]
def f(signals, rate):
    calls[0] += any(len(s) == 5000 for s in signals)
    return [[float(calls[0])] for s in signals]
"""


@pytest.mark.parametrize("code", [RANDOM, COUNTING, NEIGHBOURS])
def test_answers_that_change_between_calls_are_refused_at_once(tmp_path, code):
    with pytest.raises(ModelError, match="f gives different predictions for the same clip: .*, then "):
        load_model(write(tmp_path, code, "f.labels = ['arousal']"))


def test_answers_that_change_only_on_real_clips_are_refused_at_the_first_of_them(tmp_path):
    model = load_model(write(tmp_path, LATE, "f.labels = ['arousal']"))
    with pytest.raises(ModelError, match="gives different predictions for the same clip: 1, then 2"):
        model.predict(speech([5000, 6000]))


DRIFTING = """
n = [0]
def f(signals, rate):
    n[0] += len(signals)
    return [[0.5 if n[0] < 40 else 0.6] for s in signals]
"""


def test_an_answer_that_drifts_later_is_noticed_by_asking_about_the_first_clip_again(tmp_path):
    model = load_model(write(tmp_path, DRIFTING, "f.labels = ['arousal']"))
    clips = speech([2000] * 8)
    for _ in range(REPEAT // 8 - 1):
        model.predict(clips)
    with pytest.raises(ModelError, match=r"gives different predictions for the same clip: 0\.5, then 0\.6"):
        model.predict(clips)


def test_a_drift_on_a_small_corpus_is_noticed_before_anything_is_stored(tmp_path):
    corpus = noises(tmp_path / "c", 12)
    model = load_model(write(tmp_path, DRIFTING.replace("< 40", "< 16"), "f.labels = ['arousal']"))
    settings = Settings(cache=tmp_path / "cache")
    with pytest.raises(ModelError, match=r"gives different predictions for the same clip: 0\.5, then 0\.6"):
        predict_corpus(model, corpus, settings=settings)
    assert not list((tmp_path / "cache").rglob("*.parquet"))


def test_a_steady_function_is_asked_once_more_at_the_end_of_a_small_corpus(tmp_path):
    corpus = noises(tmp_path / "c", 12)
    model = load_model(write(tmp_path, LEVELS, "f.labels = ['arousal', 'valence']"))
    predict_corpus(model, corpus, settings=Settings(cache=tmp_path / "cache"))
    assert model.since == 0
    assert list((tmp_path / "cache").rglob("*.parquet"))


def test_a_steady_function_is_asked_about_one_clip_in_64_again(tmp_path):
    code = "n = [0]\ndef f(signals, rate):\n    n[0] += len(signals)\n    return [[0.5] for s in signals]"
    model = load_model(write(tmp_path, code, "f.labels = ['arousal']"))
    asked = sys.modules["sertools_model_mine"].n
    before = asked[0]
    for _ in range(32):
        model.predict(speech([2000] * 8))
    assert asked[0] - before == 256 + 2 + 256 // REPEAT


WRONG = [
    ("return [[0.5]]", "", r"array of shape \(1, 1\) for 2 signals \(return 2 rows"),
    ("return [0.5, 0.5, 0.5]", "", r"array of shape \(3,\) for 2 signals"),
    ("return []", "", r"array of shape \(0,\) for 2 signals"),
    ("return None", "", r"array of shape \(\) for 2 signals"),
    ("return [['high'], ['low']]", "", "not return a table of numbers: could not convert string"),
    ("return [[1, 2], [1]]", "", "not return a table of numbers"),
    ("return {'a': [1, 2], 'b': [1]}", "", r"columns of different lengths: \[1, 2\]"),
    (
        "return [{'a': 1}, {'b': 1}]",
        "",
        "returns different labels for signal 1 than for signal 0: b instead of a",
    ),
    ("return [[float('nan')]] * 2", "", "predicts nan for noise, which is not a finite number"),
    ("return [[0.1, 0.2]] * 2", "", "declares no labels for its 2 outputs"),
    ("return [[0.1, 0.2]] * 2", "f.labels = ['arousal']", "has 2 outputs, but there is 1 label"),
    ("return [[0.1]] * 2", "f.labels = 'arousal'", "f.labels is the string 'arousal', not a list"),
    ("return [[0.1]] * 2", "f.labels = ['arousal']; f.task = 'guess'", "f.task is 'guess' .*regression"),
    ("return [[0.1]] * 2", "f.sampling_rate = 16e3", "f.sampling_rate is 16000.0, not a positive integer"),
    ("return 1 / 0", "", r"f fails on 2 signals: ZeroDivisionError: division by zero \(line 2 of mine.py\)"),
    (
        "class Own(Exception): ...\n    raise Own('no licence')",
        "",
        r"signals: Own: no licence \(line 3 of mine.py\)",
    ),
    ("raise SystemExit(3)", "", r"f fails on 2 signals: SystemExit: 3 \(line 2 of mine.py\)"),
    ("raise StopIteration", "", r"f fails on 2 signals: StopIteration \(line 2 of mine.py\)"),
    (
        "import torch\n    return torch.ones(2, 1, requires_grad=True)",
        "",
        "not return a table of numbers: Can't call numpy",
    ),
    ("return signals.shape", "", r"AttributeError: .* \(line 2 of mine.py\)"),
]


@pytest.mark.parametrize(("body", "attributes", "sentence"), WRONG)
def test_an_answer_that_cannot_be_used_is_one_sentence(tmp_path, body, attributes, sentence):
    with pytest.raises(ModelError, match=sentence):
        load_model(write(tmp_path, f"def f(signals, rate):\n    {body}", attributes))


def test_a_function_that_loses_a_clip_later_is_refused_then(tmp_path):
    code = "def f(signals, rate):\n    return [[0.5] for s in signals if len(s) != 5000]"
    model = load_model(write(tmp_path, code, "f.labels = ['arousal']"))
    with pytest.raises(ModelError, match=r"array of shape \(1, 1\) for 2 signals"):
        model.predict(speech([5000, 6000]))


def test_files_modules_and_functions_that_are_not_there_are_told_apart(tmp_path):
    with pytest.raises(ModelError, match="does not name a function"):
        load_model("py:lab_models")
    with pytest.raises(ModelError, match=r"no such Python file: .*absent\.py"):
        load_model(f"py:{tmp_path / 'absent.py'}:f")
    with pytest.raises(
        ModelError, match="module no_such_module_here cannot be imported: ModuleNotFoundError"
    ):
        load_model("py:no_such_module_here:f")
    with pytest.raises(ModelError, match="module math has no Python source file"):
        load_model("py:math:hypot")
    write(tmp_path, "def listen(signals, rate): ...")
    with pytest.raises(ModelError, match="has no function 'lisen' .did you mean 'listen'"):
        load_model(f"py:{tmp_path / 'mine.py'}:lisen")
    with pytest.raises(ModelError, match=r"cannot be imported: SyntaxError: .*mine\.py, line 1"):
        load_model(write(tmp_path, "def f(:"))
    with pytest.raises(ModelError, match=r"cannot be imported: RuntimeError: no weights .line 1 of mine\.py"):
        load_model(write(tmp_path, "raise RuntimeError('no weights')"))


def test_an_import_that_fails_is_placed_for_a_relative_path_too_and_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "raise RuntimeError('no weights')")
    with pytest.raises(ModelError, match=r"RuntimeError: no weights \(line 1 of mine\.py\)$"):
        load_model("py:mine.py:f")
    write(tmp_path, "def f(:")
    with pytest.raises(ModelError) as told:
        load_model("py:mine.py:f")
    assert str(told.value).count("line 1") == 1


def test_what_a_function_prints_does_not_stand_among_the_data(tmp_path, capsys):
    code = (
        "print('importing')\ndef f(signals, rate):\n    print('asked')\n    return [[0.5] for s in signals]"
    )
    load_model(write(tmp_path, code, "f.labels = ['arousal']")).predict(speech([2000]))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.split()[:2] == ["importing", "asked"]


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        sound = io.BytesIO(self.rfile.read(int(self.headers["Content-Length"])))
        signal, rate = soundfile.read(sound, dtype="float32")
        answer = json.dumps({"arousal": float(np.abs(signal).max()), "valence": len(signal) / rate})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format, *args):
        """Says nothing: the tests' output is read by people."""


def test_the_example_of_a_remote_service_predicts_what_the_service_answers(tmp_path):
    for i, signal in enumerate(signals := speech([16000, 8000])):
        soundfile.write(tmp_path / f"{i}.wav", signal, 16000, subtype="FLOAT")
    (tmp_path / "clips.csv").write_text("file\n0.wav\n1.wav\n")
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        command = [sys.executable, "-m", "sertools", "predict", "--model", f"py:{EXAMPLE}:ask", "--quiet"]
        command += [
            "--data",
            tmp_path / "clips.csv",
            "--cache",
            tmp_path / "cache",
            "--csv",
            tmp_path / "p.csv",
        ]
        env = {**os.environ, "SER_SERVICE": f"http://127.0.0.1:{server.server_port}/emotion"}
        made = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert made.returncode == 0, made.stderr
    header, *lines = (tmp_path / "p.csv").read_text().splitlines()
    assert header == "clip,file,arousal,valence"
    found = [[float(value) for value in line.split(",")[2:]] for line in lines]
    expected = [[np.abs(s).max(), len(s) / 16000] for s in signals]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_service_that_is_down_is_one_sentence(monkeypatch):
    monkeypatch.setenv("SER_SERVICE", "http://127.0.0.1:9/emotion")
    with pytest.raises(
        ModelError, match=r"ask fails on 2 signals: URLError: .*line \d+ of remote_service\.py"
    ):
        load_model(f"py:{EXAMPLE}:ask")


SAYS = """
def f(signals, rate):
    return [None if len(s) == 5000 else "Angry!" if len(s) > 6000 else "hm, blue" for s in signals]
"""
ASKED = LoadOptions(emotions=("anger", "neutral"), known=("anger", "neutral"))


def test_a_function_may_answer_in_words(tmp_path):
    model = load_model(write(tmp_path, SAYS), ASKED)
    assert (model.labels, model.task, model.facts["answers"]) == (
        ("anger", "neutral"),
        "single_label",
        "words",
    )
    outputs = model.predict(speech([8000, 4000, 5000]))
    np.testing.assert_array_equal(outputs.scores, [[1, 0], [np.nan, np.nan], [np.nan, np.nan]])
    assert outputs.reasons[1:] == (
        'no usable answer (names no class): "hm, blue"',
        "no usable answer (empty)",
    )
    mapped = LoadOptions(emotions=("anger", "neutral"), label_map={"hm, blue": "neutral"})
    other = load_model(write(tmp_path, SAYS), mapped)
    assert other.predict(speech([4000])).scores.tolist() == [[0, 1]]
    assert other.fingerprint != model.fingerprint
    with pytest.raises(ModelError, match="f answers in words, but the classes are not known"):
        load_model(write(tmp_path, SAYS))


def test_words_and_ratings_come_from_one_call_and_are_kept_where_the_words_name_no_class(tmp_path):
    row = "{'emotion': 'sad' if len(s) < 900 else '?', 'arousal': len(s) / 1e4}"
    code = f"def f(signals, rate):\n    return [{row}"
    model = load_model(
        write(tmp_path, f"{code} for s in signals]"), LoadOptions(emotions=("anger", "sadness"))
    )
    assert (model.labels, model.task) == (("anger", "sadness", "arousal"), "joint")
    corpus = noises(tmp_path / "corpus", 24)
    predicted = predict_corpus(model, corpus, settings=Settings(cache=tmp_path / "cache"))["clean"]
    assert predicted.scores["arousal"].notna().all()
    assert predicted.scores["anger"].notna().sum() == 15, "clips 0 to 14 have fewer than 900 samples"
    assert set(predicted.missing["reason"]) == {'no usable answer (says unknown): "?"'}
    assert predicted.missing["asked"].all()
