"""What is still to be computed: what the store lacks, shard by shard."""

import numpy as np
import pandas as pd

from sertools.inference.jobs import jobs_of_conditions
from sertools.store.store import SHARD, write_shard
from sertools.tables.condition import Condition

CLIPS = pd.Index([f"clip {i}" for i in range(2 * SHARD + 3)], name="clip")


CLEAN = (Condition(),)


def planned(root, conditions=CLEAN, layers=False, model=("m", "1"), clips=CLIPS):
    return jobs_of_conditions(
        clips, model=model, corpus=("c", "1"), conditions=conditions, layers=layers, root=root
    )


def fill(job, i, clips, layers=None):
    frame = pd.DataFrame({"reason": "", "silent": False, "arousal": np.float32(0.5)}, index=clips)
    write_shard(job.folder, i, frame, layers)


def test_an_empty_store_lacks_everything_in_corpus_order(tmp_path):
    (job,) = planned(tmp_path)
    assert [i for i, _ in job.shards] == [0, 1, 2]
    assert [clip for _, part in job.shards for clip in part] == list(CLIPS)
    assert (job.clips, job.stored) == (2 * SHARD + 3, 0)
    assert not list(tmp_path.iterdir()), "planning writes nothing"


def test_what_is_stored_is_not_planned_again(tmp_path):
    (job,) = planned(tmp_path)
    fill(job, *job.shards[1])
    (again,) = planned(tmp_path)
    assert [i for i, _ in again.shards] == [0, 2]
    assert (again.clips, again.stored) == (SHARD + 3, SHARD)
    fill(again, *again.shards[0])
    fill(again, *again.shards[1])
    (done,) = planned(tmp_path)
    assert (done.shards, done.clips, done.stored) == ((), 0, len(CLIPS))


def test_a_shard_without_the_layers_that_are_wanted_is_planned_again(tmp_path):
    clips = CLIPS[:3]
    (job,) = planned(tmp_path, clips=clips)
    fill(job, 0, clips)
    assert planned(tmp_path, clips=clips)[0].clips == 0
    (with_layers,) = planned(tmp_path, clips=clips, layers=True)
    assert with_layers.clips == 3
    fill(with_layers, 0, clips, np.zeros((3, 2, 4)))
    assert planned(tmp_path, clips=clips, layers=True)[0].clips == 0
    assert planned(tmp_path, clips=clips)[0].clips == 0, "layers do not hurt who does not want them"


def test_each_condition_model_and_seed_has_a_job_of_its_own(tmp_path):
    conditions = [
        Condition(),
        Condition(perturbation="gain", level=2, unit="dB"),
        Condition(perturbation="gain", level=2, unit="dB", seed=1),
        Condition(perturbation="gain", level=2, unit="dB", draw=1),
        Condition(perturbation="gain", level=2.0000001, unit="dB"),
        Condition(perturbation="gain"),
    ]
    here = planned(tmp_path, conditions)
    assert [job.condition for job in here] == conditions
    elsewhere = planned(tmp_path, conditions, model=("m", "2"))
    assert len({job.folder for job in [*here, *elsewhere]}) == 12


def test_clean_sound_does_not_depend_on_the_seed(tmp_path):
    zero, one = planned(tmp_path, [Condition(seed=0), Condition(seed=1)])
    assert zero.folder == one.folder
