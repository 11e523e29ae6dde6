import numpy as np
import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import ModelError
from sertools.studies.domain_shift import domain_shift
from sertools.training.data.batches import collate, key_of, scaled
from sertools.training.encoders import start_of
from sertools.training.networks.contrastive import contrastive
from sertools.training.recipe import recipe_of
from tests.helpers.small import write_noises
from tests.helpers.tones import write_pretrained


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return load_corpus(str(write_noises(tmp_path_factory.mktemp("noises"), 12, samples=6000)))


def test_the_loss_of_a_corpus_is_the_mean_over_its_masked_frames(corpus, tmp_path):
    write_pretrained(tmp_path)
    ((name, value, low, high, per_clip, clips, speakers),) = domain_shift(str(tmp_path), [corpus], seed=4)
    start = start_of(recipe_of({"method": "tapt", "init": str(tmp_path), "corpora": ["-"]}))
    module, stored = contrastive(start, 4)
    module.eval()
    total, frames = 0.0, 0.0
    for clip in corpus.clips.index:
        item = {
            "signal": scaled(corpus.signal(clip, 16000), "clip"),
            "key": key_of(f"clips/{clip}"),
            "epoch": 0,
        }
        parts = module(**collate([item]))
        total += parts["loss"].item() * parts["frames"].item()
        frames += parts["frames"].item()
    assert stored
    assert (name, clips, speakers) == ("clips", 12, corpus.clips["speaker"].nunique())
    assert value == pytest.approx(total / frames, rel=1e-6)
    assert per_clip == pytest.approx(total / 12, rel=1e-6)
    assert low < value < high


def test_a_checkpoint_without_its_quantiser_is_refused(corpus):
    with pytest.raises(ModelError, match="default has no quantiser"):
        domain_shift("default", [corpus])


def test_few_speakers_have_no_interval(corpus, tmp_path):
    from dataclasses import replace

    write_pretrained(tmp_path)
    few = replace(corpus, clips=corpus.clips[corpus.clips["speaker"].isin(["s0", "s1"])])
    ((_, value, low, high, *_),) = domain_shift(str(tmp_path), [few])
    assert np.isfinite(value)
    assert np.isnan([low, high]).all()
