"""Many models on many corpora: every cell once, the results of a single audit, no cell stops the others."""

import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pandas as pd
import pytest

import sertools
from sertools.errors import AuditError, StoreError
from sertools.files import check_writable
from sertools.inference.settings import Settings
from sertools.sweep import leases, shared
from sertools.sweep.cells import Cell, begin_run, cells_of, current_run
from sertools.sweep.matrix import MEAN, matrices, scores
from sertools.sweep.plan import estimate
from sertools.sweep.run import finish, run_sweep
from sertools.sweep.spec import read_sweep, slug
from sertools.sweep.states import remaining, sentence, states, watched, workers
from sertools.sweep.worker import Worker
from tests.helpers.small import SLOW, write_noises
from tests.helpers.sweeps import assert_as_alone

SWEEP = """
models = ["toy:random", { spec = "toy:loudness", name = "by loudness" }]
data = [{ spec = "one/clips.csv", name = "one" }, { spec = "two/clips.csv", name = "two" }]
audits = ["correctness"]
pages = false
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working directory with two corpora and a sweep over them."""
    write_noises(tmp_path / "one", 24)
    write_noises(tmp_path / "two", 18, seed=1)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


ONE = """
models = ["toy:loudness"]
data = [{ spec = "one/clips.csv", name = "one" }]
audits = ["correctness"]
"""


def worked(here: Path, **settings: int) -> Worker:
    """A worker that has done what was open."""
    sweep, out = read_sweep(here / "sweep.toml"), here / "out"
    worker = Worker(sweep=sweep, out=out, run=current_run(out), cache=here / "cache", **settings)
    worker.work()
    return worker


def cells(here: Path) -> list[Cell]:
    return cells_of(read_sweep(here / "sweep.toml"), here / "out")


def findings(folder: Path) -> list[tuple]:
    """All findings of the results in a folder, without what differs between two runs."""
    return [(r.audit, r.findings, r.tables) for r in sertools.read_results(folder)]


def test_each_cell_has_its_page_and_the_results_of_a_single_audit(here):
    (here / "sweep.toml").write_text(SWEEP.replace("pages = false", ""))
    worker = worked(here)
    assert (worker.done, worker.failed) == (4, 0)
    for cell in cells(here):
        assert cell.state() == "done"
        assert (cell.folder / "report.html").exists()
    alone = sertools.audit("toy:loudness", "two/clips.csv", "correctness")
    assert alone[0].findings == findings(cells(here)[3].folder)[0][1]
    assert worked(here).done == 0  # a second worker finds nothing to do
    # a changed setting makes other cells, and keeps the rest
    before = {cell.id for cell in cells(here)}
    (here / "sweep.toml").write_text(SWEEP.replace('name = "two" }', 'name = "two", scale = [0, 2] }'))
    assert len(before & {cell.id for cell in cells(here)}) == 2
    assert sum(cell.is_open("x") for cell in cells(here)) == 2


def test_without_pages_there_are_only_results_and_a_model_is_loaded_once_for_all_corpora(here):
    (here / "counted.py").write_text(
        "with open('loads.txt', 'a') as file:\n    file.write('x')\ndef f(signals, rate):\n"
        "    return [[abs(s).mean()] for s in signals]\nf.labels = ['arousal']\n"
    )
    (here / "sweep.toml").write_text(SWEEP.replace('"toy:random"', '"py:counted.py:f"'))
    worked(here)
    assert (here / "loads.txt").read_text() == "x"
    assert [
        sorted(path.suffix for path in cell.folder.iterdir() if path.suffix in {".html", ".md"})
        for cell in cells(here)
    ] == [[]] * 4
    assert all(findings(cell.folder) for cell in cells(here))


def test_another_name_changes_no_number(here):
    (here / "sweep.toml").write_text(
        SWEEP.replace('"toy:random"', '"toy:random", { spec = "toy:random", name = "again" }')
    )
    worked(here)
    by_name = {(cell.model.label, cell.corpus.label): findings(cell.folder) for cell in cells(here)}
    for corpus in ("one", "two"):
        assert by_name["toy:random", corpus] == by_name["again", corpus]


def test_two_workers_share_the_cells(here):
    first = Worker(
        sweep=read_sweep(here / "sweep.toml"), out=here / "out", run=begin_run(here / "out"), number=0, of=2
    )
    with cells(here)[0].taken(first.run) as taken:  # the other one is at work on it
        assert taken
        assert cells(here)[0].state() == "running"
        first.work()
    assert [cell.state() for cell in cells(here)] == ["planned", "done", "done", "done"]


def test_a_cell_that_fails_stops_no_other_and_is_tried_again_in_the_next_run(here):
    (here / "breaks.py").write_text(
        "def f(signals, rate):\n    raise OSError('no luck')\nf.labels = ['arousal']\n"
    )
    text = SWEEP.replace('"toy:random"', '"py:breaks.py:f"')
    (here / "sweep.toml").write_text(text)
    worker = worked(here)
    assert (worker.done, worker.failed) == (2, 2)
    table = states(cells(here))
    assert list(table["state"]) == ["refused", "refused", "done", "done"]
    assert "no luck" in table["reason"][0]
    assert sentence(table) == "4 cells: 2 done, 2 refused"
    assert worked(here).failed == 0  # not in the same run
    begin_run(here / "out")
    assert worked(here).failed == 2


def test_an_error_of_sertools_itself_is_in_the_log_with_its_traceback(here, monkeypatch):
    def fails(*given: object) -> None:
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr("sertools.sweep.worker.render", fails)
    (here / "sweep.toml").write_text(ONE)
    worked(here)
    cell = cells(here)[0]
    assert cell.state() == "failed"
    assert cell.read()["reason"] == "ZeroDivisionError: of our own"
    assert "Traceback" in cell.log.read_text()


def test_a_lease_of_a_process_that_has_ended_is_taken_at_once(here):
    run = begin_run(here / "out")
    cell = cells(here)[0]
    with cell.taken(run):
        pass
    lease = here / "out" / "leases" / cell.id
    ended = 2**22 + 1  # above the largest process id of Linux
    lease.write_text(json.dumps({"host": socket.gethostname(), "pid": ended, "token": "x"}))
    with cell.taken(run) as taken:
        assert taken


def test_a_lease_of_another_machine_runs_out_by_the_clock_of_the_disk(here, monkeypatch):
    run, cell = begin_run(here / "out"), cells(here)[0]
    lease = here / "out" / "leases" / cell.id
    lease.parent.mkdir(parents=True)
    lease.write_text(json.dumps({"host": "elsewhere", "pid": 1, "token": "x"}))
    monkeypatch.setattr(time, "time", lambda: 4e9)  # a clock far ahead decides nothing
    with cell.taken(run) as taken:
        assert not taken
    old = lease.stat().st_mtime - leases.LEASE_S - 5
    os.utime(lease, (old, old))
    with cell.taken(run) as taken:
        assert taken


def test_a_worker_at_work_renews_its_lease(here, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_S", 0.4)
    run, cell = begin_run(here / "out"), cells(here)[0]
    with cell.taken(run):
        time.sleep(0.8)
        assert cell.state() == "running"


def test_a_sweep_at_a_url_has_the_same_cells_and_leases_that_run_out(here, monkeypatch):
    (here / "sweep.toml").write_text(ONE + "pages = false\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "home"))
    sweep, out = read_sweep(here / "sweep.toml"), shared.folder("memory://sweep")
    (cell,), run = cells_of(sweep, out), begin_run(out)
    remote = shared.remote_of(out)
    assert remote.create(out / "leases" / f"{cell.id}.0", b'{"host": "elsewhere", "pid": 1}')
    Worker(sweep=sweep, out=out, run=run, cache=here / "cache").work()
    assert cell.state() == "running"
    with monkeypatch.context() as later:
        later.setattr(leases, "LEASE_S", 0.0)
        with cell.taken(run) as taken:
            assert taken
            assert [path.name for path in remote.files(out / "leases")] == [f"{cell.id}.0", f"{cell.id}.1"]
    assert remote.files(out / "leases") == {}
    Worker(sweep=sweep, out=out, run=run, cache=here / "cache").work()
    assert list(states([cell])["state"]) == ["done"]
    assert watched([cell])().equals(states([cell]))
    assert "1 done" in workers(out)[-1]
    Worker(sweep=sweep, out=here / "out", run=run, cache=here / "cache").work()
    shutil.rmtree(out)
    shared.fetch(out / "cells")
    assert findings(cell.folder) == findings(cells(here)[0].folder)
    assert shared.folder("file:///tmp/x") == Path("/tmp/x")


def test_a_cell_in_which_workers_die_counts_as_failed(here):
    run, cell = begin_run(here / "out"), cells(here)[0]

    def told_to_stop() -> None:
        with cell.taken(run) as taken:
            assert taken
            raise SystemExit  # as before a time limit of the queue

    for _ in range(3):
        with pytest.raises(SystemExit):
            told_to_stop()
    for _ in range(2):
        with cell.taken(run) as taken:
            assert taken  # and then the worker dies, without a state
    with cell.taken(run) as taken:
        assert not taken
    assert cell.state() == "failed"
    assert "memory" in cell.read()["reason"]


def test_matrices_have_a_mean_only_where_every_corpus_has_a_value(here):
    found = pd.DataFrame(
        [
            ("correctness", "ccc", target, model, corpus, value)
            for model, corpus, values in (
                ("a", "x", (0.5, 0.7)), ("a", "y", (0.3, 0.1)), ("b", "x", (0.2, 0.4)),
            )
            for target, value in zip(("arousal", "valence"), values, strict=True)
        ],
        columns=["audit", "measure", "target", "model", "corpus", "value"],
    )  # fmt: skip
    table = matrices(found).set_index(["target", "model"])
    assert table.loc[("arousal", "a"), MEAN] == pytest.approx(0.4, abs=1e-12)
    assert table.loc[("mean of dimensions", "a"), "x"] == pytest.approx(0.6, abs=1e-12)
    assert table.loc[("mean of dimensions", "a"), MEAN] == pytest.approx(0.4, abs=1e-12)
    assert pd.isna(table.loc[("arousal", "b"), MEAN])


def test_the_end_is_a_leaderboard_and_matrices(here):
    worked(here)
    swept = finish(cells(here), here / "out")
    assert swept.complete
    assert swept.board.exists()
    table = pd.read_csv(here / "out" / "matrices.csv")
    ccc = table[(table["measure"] == "ccc") & (table["target"] == "arousal")].set_index("model")
    alone = sertools.audit("toy:loudness", "one/clips.csv", "correctness")
    wanted = next(
        f.value for f in alone[0].findings if f.name == "ccc" and f.target == "arousal" and f.slice == "all"
    )
    assert ccc.loc["by loudness", "one"] == pytest.approx(wanted, abs=1e-12)
    page = (here / "out" / "matrices.html").read_text()
    for row in (ccc.loc["by loudness"], ccc.loc["toy:random"]):
        assert page.count(f"{row[MEAN]:.3f}".replace("-", "−")) >= 1
    assert (
        page.count("<svg") == page.count("<figure>") == 4
    )  # three dimensions and their mean, which is first
    assert page.index("mean of dimensions, CCC") < page.index("arousal, CCC")
    assert set(scores(cells(here))["corpus"]) == {"one", "two"}
    assert "4 done" in workers(here / "out")[0]
    assert remaining(swept.cells) == ""


def test_all_problems_of_a_file_are_listed_before_anything_starts(here, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (here / "sweep.toml").write_text(
        'models = ["toy:loudnes", "predictions:nowhere.csv", "owner/nothing"]\n'
        'data = ["nothing.csv"]\nsuites = ["quik"]\n'
    )
    with pytest.raises(AuditError) as refused:
        run_sweep(here / "sweep.toml", out=here / "out")
    for problem in ("'loudnes'", "nowhere.csv", "download owner/nothing", "nothing.csv", "'quik'"):
        assert problem in refused.value.message
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("models = []\ndata = ['voices']", "models"),
        ("models = ['toy:random']", "data"),
        ("models = ['toy:random', 'toy:random']\ndata = ['voices']", "twice"),
        ("models = ['toy:random']\ndata = ['voices']\nsuits = ['quick']", "suits"),
        ("models = [", "not valid TOML"),
    ],
)
def test_a_file_that_is_not_a_sweep_is_refused(here, text, problem):
    (here / "sweep.toml").write_text(text)
    with pytest.raises(AuditError, match=problem):
        read_sweep(here / "sweep.toml")


def test_the_plan_tells_clips_time_and_disk(here):
    sweep, every = read_sweep(here / "sweep.toml"), cells(here)
    corpora = {each.label: each.request(None).load() for each in sweep.data}
    settings = Settings(cache=here / "cache")
    found = estimate(sweep, every, corpora, settings)
    assert (found.cells, found.timed, found.refused) == (4, 2, [])  # each model once
    assert found.clips > 0
    assert found.megabytes > 0
    assert found.gpu_hours == 0
    assert "4 cells to do" in found.sentence
    worked(here)
    assert estimate(sweep, every, corpora, settings).sentence == "All cells are done."


def test_a_cluster_that_does_not_answer_is_refused_at_once(here):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with pytest.raises(AuditError, match="no Ray cluster at 127.0.0.1:1"):
        run_sweep(here / "sweep.toml", out=here / "out", on="ray:127.0.0.1:1")


def test_a_place_that_does_not_exist_is_refused(here):
    for on, problem in (("locl", "unknown place"), ("local:x", "number of workers"), ("local:0", "number")):
        with pytest.raises(AuditError, match=problem):
            run_sweep(here / "sweep.toml", out=here / "out", on=on)


def test_a_place_to_write_that_cannot_be_is_refused_before_anything_starts(here):
    (here / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write s3://bucket/x: results are written to a folder"):
        check_writable(Path("s3://bucket/x"))
    with pytest.raises(StoreError, match="a file is in its way"):
        run_sweep(here / "sweep.toml", out=f"file://{here}/file/x")
    with pytest.raises(StoreError, match="a file is in its way"):
        run_sweep(here / "sweep.toml", out=here / "out", cache=here / "file" / "cache")
    assert not (here / "out").exists()
    assert not (here / "s3:").exists()


@pytest.mark.parametrize(
    ("on", "name", "value", "problem"),
    [
        ("ray", "num_gpus", "many", "the setting num_gpus must be a number, not 'many'"),
        ("ray", "partition", "gpu", "Ray has no setting partition"),
        ("local", "partition", "gpu", "the setting partition does not apply to --on local"),
    ],
)
def test_settings_that_a_place_does_not_have_are_refused(here, on, name, value, problem):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    with pytest.raises(AuditError, match=problem):
        run_sweep(here / "sweep.toml", out=here / "out", on=on, options={name: value})


def test_slurm_that_is_not_there_is_not_replaced_by_this_machine(here, monkeypatch):
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    monkeypatch.setenv("PATH", str(here))
    with pytest.raises(AuditError, match="there is no Slurm on this machine"):
        run_sweep(here / "sweep.toml", out=here / "out", on="slurm")


def test_names_of_files_hold_no_separators():
    assert slug("hf:owner/My model@v1:test") == "hf-owner-My-model-v1-test"
    assert slug("../..") == "x"


@pytest.mark.slow
def test_killed_workers_cost_nothing_but_time(here):
    (here / "slow.py").write_text(SLOW)
    slow = ", ".join(f'{{ spec = "py:slow.py:slow", name = "slow {k}" }}' for k in range(2))
    text = ONE.replace('"toy:loudness"', f'{slow}, "toy:loudness", "toy:random"')
    (here / "sweep.toml").write_text(text + "pages = false\n")
    out, killed = here / "out", []

    def kill(cells: pd.DataFrame) -> None:
        for lease in (path for path in (out / "leases").glob("*") if not path.name.startswith(".")):
            owner = lease.read_text()
            if owner and len(killed) < 2 and lease.name not in killed:
                killed.append(lease.name)
                os.kill(json.loads(owner)["pid"], signal.SIGKILL)

    swept = run_sweep(here / "sweep.toml", out=out, on="local:2", cache=here / "cache", watch=kill)
    assert len(killed) == 2
    assert swept.complete
    (here / "alone").mkdir()
    sweep = read_sweep(here / "sweep.toml")
    Worker(sweep=sweep, out=here / "alone", run="x", cache=here / "cache2").work()
    alone = cells_of(sweep, here / "alone")
    assert_as_alone(cells_of(sweep, out), here / "cache", alone, here / "cache2")


@pytest.mark.slow
@pytest.mark.parametrize("place", ["slurm:local", "ray"])
def test_a_sweep_runs_on_a_real_executor(here, place):
    pytest.importorskip({"slurm:local": "submitit", "ray": "ray"}[place], reason="the extra is not installed")
    (here / "sweep.toml").write_text(ONE)
    swept = run_sweep(here / "sweep.toml", out=here / "out", on=place, workers=1, cache=here / "cache")
    assert swept.complete
