"""Audits in other processes: the same results, errors and messages, and no process that is left behind."""

import pickle
import sys
import time

import numpy as np
import pytest

from sertools.auditing import audit
from sertools.inference.settings import Settings
from sertools.models.load import load_model
from sertools.pipeline.processes import side_by_side as processes
from sertools.pipeline.processes.arrays import packed
from sertools.pipeline.run import run
from tests.helpers.small import noises

AUDITS = ("correctness", "fairness", "calibration")


def test_arrays_in_files_are_opened_again_and_not_copied(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(600_000, dtype=np.float64).reshape(600, 1000))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    views = {
        "whole": mapped,
        "rows": mapped[10:400],
        "transposed": mapped[3:70, 5:900:2].T,
        "reversed": mapped[::-1][:5],
        "empty": mapped[:0],
        "copied": np.array(mapped[:3]),
    }
    content = packed(views)
    assert len(content) < 100_000, "less than one of them"
    again = pickle.loads(content)  # noqa: TID251 (made just now)
    for name, view in views.items():
        assert again[name].dtype == view.dtype
        np.testing.assert_array_equal(again[name], view, err_msg=name)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return noises(tmp_path_factory.mktemp("c"))


def results_of(corpus, cache):
    plans = [audit.load(name).plan() for name in AUDITS]
    found = run(load_model("toy:loudness"), corpus, plans, settings=Settings(cache=cache))
    return [each.model_copy(update={"provenance": {}}).to_json() for each in found]


@pytest.fixture
def heavy(monkeypatch):
    """All audits count as heavy, on a machine with two cores."""
    monkeypatch.setattr(processes, "weight", lambda planned: 1)
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 2)


def test_results_are_the_same_and_kept(corpus, tmp_path, heavy, monkeypatch):
    answers = []
    run_worker = processes.SideBySide._run
    monkeypatch.setattr(
        processes.SideBySide, "_run", lambda *given: answers.append(run_worker(*given)) or answers[-1]
    )
    found = results_of(corpus, tmp_path / "two")
    assert answers
    assert all(answers), "the other process had a result"
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 1)
    n = len(answers)
    assert results_of(corpus, tmp_path / "one") == found
    assert results_of(corpus, tmp_path / "two") == found
    assert len(answers) == n, "no process on one core, and none for what is kept"


@pytest.mark.parametrize(
    "does", ["raise SystemExit(1)", "print('no result')", "import os; os.kill(os.getpid(), 9)"]
)
def test_what_a_process_does_not_give_back_is_computed_here(corpus, tmp_path, heavy, monkeypatch, does):
    monkeypatch.setattr(processes, "WORKER", [sys.executable, "-S", "-c", does])
    found = results_of(corpus, tmp_path / "two")
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 1)
    assert results_of(corpus, tmp_path / "one") == found


def test_what_a_process_says_is_said_when_its_result_is_taken(monkeypatch, heavy, capsys):
    script = "import sys; sys.stdin.buffer.read(8); sys.stderr.write('a warning'); print('{}')"
    monkeypatch.setattr(processes, "WORKER", [sys.executable, "-S", "-c", script])
    monkeypatch.setattr(processes.Result, "model_validate_json", lambda content: content)
    plans = {i: (audit.load(name).plan(), None) for i, name in enumerate(AUDITS)}
    with processes.side_by_side(plans, 0) as others:
        while 0 in others._tasks:
            time.sleep(0.01)
        assert others.next([1, 0, 2]) in {1, 2}, "not the one that has begun"
        assert others.result(0).strip() == b"{}"
    assert capsys.readouterr().err == "a warning"


def test_no_process_is_left_after_ctrl_c(monkeypatch, heavy):
    monkeypatch.setattr(processes, "WORKER", [sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    plans = {i: (audit.load(name).plan(), None) for i, name in enumerate(AUDITS)}
    begun = []

    def interrupted():
        with processes.side_by_side(plans, 0) as others:
            while not others._running:
                time.sleep(0.01)
            begun.extend(others._running)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert begun[0].wait(timeout=20) == -9
