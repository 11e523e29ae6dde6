"""Audits compute on one thread, whatever the machine has, and leave the settings as they were."""

import os
import sys

import numpy as np  # noqa: F401 (its linear algebra library has the threads)
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sertools.auditing import audit, run
from sertools.pipeline.processes import side_by_side
from sertools.selftest import toy_corpus
from sertools.threads import ALONE, BLAS, one_thread, one_thread_of_torch


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info()}


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.delenv(BLAS, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(limits=2):
        yield
    torch.set_num_threads(before)


def test_one_thread_within_and_as_many_as_before_after(two_threads):
    assert threads() == {2}
    with one_thread():
        assert (threads(), torch.get_num_threads(), os.environ[BLAS]) == ({1}, 1, "1")
    assert (threads(), torch.get_num_threads(), BLAS in os.environ) == ({2}, 2, False)
    with one_thread_of_torch():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_an_audit_computes_on_one_thread(two_threads, monkeypatch):
    seen = []
    planned = audit.load("correctness").plan({})
    tables = toy_corpus.answers("oracle", toy_corpus.clips(speakers=6, per_speaker=4))
    computed = run._result
    monkeypatch.setattr(run, "_result", lambda *given: seen.append(threads()) or computed(*given))
    run.run(planned, tables, seed=0)
    assert seen == [{1}]


def test_another_process_starts_with_one_thread(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    said = "import os, sys; sys.stdout.write(' '.join(os.environ[name] for name in sys.argv[1:]))"
    monkeypatch.setattr(side_by_side, "WORKER", [sys.executable, "-c", said, *ALONE])
    with (tmp_path / "errors").open("wb") as errors:
        assert side_by_side.SideBySide({})._run(b"", errors) == b"1 1 1"
