"""Workers that share a store: every shard once, nothing to merge, and the bytes of a single process."""

from pathlib import Path

import pytest

from sertools.auditing.audit import load
from sertools.errors import SertoolsError
from sertools.inference.predict import predict
from sertools.inference.settings import Settings, Share
from sertools.inference.share import OtherSharesMissingError, from_environment, parse
from sertools.pipeline.run import run
from tests.helpers.small import Meter, noises


def stored(root: Path) -> dict[str, bytes]:
    """Name → content of all shards below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.parquet"))}


def predicted(model, corpus, root: Path, share: Share | None):
    return predict(model, corpus, settings=Settings(cache=root, share=share))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return noises(tmp_path_factory.mktemp("c"), 200)  # four shards, the last of 8 clips


def test_three_workers_compute_every_clip_once_and_store_what_one_does(corpus, tmp_path):
    alone, workers = Meter(), [Meter() for _ in range(3)]
    wanted = predicted(alone, corpus, tmp_path / "one", None)
    for number, worker in enumerate(workers):
        if number < 2:
            with pytest.raises(OtherSharesMissingError) as stopped:
                predicted(worker, corpus, tmp_path / "many", Share(number=number, of=3))
            assert stopped.value.shards == [2, 1][number]
        else:  # the last one finds everything stored, and goes on
            found = predicted(worker, corpus, tmp_path / "many", Share(number=number, of=3))
    assert [worker.clips for worker in workers] == [64 + 8, 64, 64]
    assert stored(tmp_path / "many") == stored(tmp_path / "one")
    assert found["clean"].scores.equals(wanted["clean"].scores)


def test_the_number_of_workers_may_change_between_runs(corpus, tmp_path):
    with pytest.raises(OtherSharesMissingError):
        predicted(Meter(), corpus, tmp_path, Share(number=0, of=2))  # shards 0 and 2
    later = [Meter() for _ in range(4)]
    for number, worker in enumerate(later):
        try:
            predicted(worker, corpus, tmp_path, Share(number=number, of=4))
        except OtherSharesMissingError:
            assert number < 3
    assert [worker.clips for worker in later] == [0, 64, 0, 8]
    again = Meter()
    predicted(again, corpus, tmp_path, None)
    assert again.clips == 0


def test_two_workers_with_the_same_share_are_harmless(corpus, tmp_path):
    for folder, shares in (("once", (0, 1)), ("twice", (0, 0, 1, 1))):
        for number in shares:
            try:
                predicted(Meter(), corpus, tmp_path / folder, Share(number=number, of=2))
            except OtherSharesMissingError:
                assert number == 0
    assert stored(tmp_path / "once") == stored(tmp_path / "twice")


def test_the_worker_that_finds_all_conditions_stored_runs_the_audits(corpus, tmp_path):
    """Conditions of the audio are dealt out together: four of one shard each keep four workers busy."""
    small = noises(tmp_path / "c", 20)
    audits = [load("robustness").plan({"perturbations": ("gain", "dc_offset", "clip")})]
    workers, results, messages = [Meter() for _ in range(4)], [], []
    for number, worker in enumerate(workers):
        settings = Settings(cache=tmp_path / "store", share=Share(number=number, of=4))
        try:
            results.append(run(worker, small, audits, settings=settings))
        except OtherSharesMissingError as stopped:
            messages.append(stopped.message)
    assert [message.split(";")[0] for message in messages] == [f"Share {i}/4 is stored" for i in (1, 2, 3)]
    assert len(results) == 1
    assert max(worker.clips for worker in workers) < sum(worker.clips for worker in workers) / 2
    alone = run(Meter(), small, audits, settings=Settings(cache=tmp_path / "one"))
    assert [finding.value for finding in results[0][0].findings] == [f.value for f in alone[0].findings]


def test_a_share_is_written_as_on_the_command_line():
    assert parse("3/8") == Share(number=2, of=8)
    assert str(parse("3/8")) == "3/8"


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/3", "1/2/3"])
def test_what_is_not_a_share_is_refused_with_the_form(text):
    with pytest.raises(SertoolsError) as refused:
        parse(text)
    assert "3/8" in refused.value.hint


@pytest.mark.parametrize(
    ("environment", "share"),
    [
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "8"}, Share(number=3, of=8)),
        (
            {"SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_COUNT": "8", "SLURM_ARRAY_TASK_MIN": "1"},
            Share(number=7, of=8),
        ),
        ({"RANK": "1", "WORLD_SIZE": "2"}, Share(number=1, of=2)),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"RANK": "7", "WORLD_SIZE": "2"}, None),
        ({"SLURM_ARRAY_TASK_ID": "3"}, None),
        ({}, None),
    ],
)
def test_a_task_of_an_array_finds_its_share(environment, share):
    assert from_environment(environment) == share
