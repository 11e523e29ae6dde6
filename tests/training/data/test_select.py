import itertools

import pandas as pd
import pytest

from sertools.errors import CorpusError
from sertools.training.data.select import select
from sertools.training.recipe import recipe_of
from tests.helpers.tones import recipe_table, write_tones


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    manifest = write_tones(folder, speakers="abcde", takes=2)
    table = pd.read_csv(manifest)
    table["split"] = table["speaker"].map({"a": "train", "b": "train", "c": "dev", "d": "test", "e": "train"})
    table.to_csv(folder / "split.csv", index=False)
    table.loc[table["file"] == "a_anger_0.wav", "split"] = "dev"
    table.to_csv(folder / "leak.csv", index=False)
    table.assign(speaker=None).to_csv(folder / "nobody.csv", index=False)
    return folder


def chosen(tones, **changes):
    return select(recipe_of(recipe_table(tones / "tones.csv", dev_speakers=[], **changes)))


def clips(part):
    return set(part.table["clip"])


def test_speakers_of_dev_and_test_do_not_train(tones):
    table = recipe_table(tones / "tones.csv", dev_speakers=["c"], test_speakers=["tones:d"])
    found = select(recipe_of(table))
    assert set(found.train.table["speaker"]) == {"a", "b", "e"}
    assert set(found.dev.table["speaker"]) == {"c"}


def test_splits_of_a_corpus_are_parts(tones):
    split = str(tones / "split.csv")
    found = select(
        recipe_of(
            recipe_table(f"{split}:train", dev_speakers=[], dev=[f"{split}:dev"], test=[f"{split}:test"])
        )
    )
    assert set(found.train.table["speaker"]) == {"a", "b", "e"}
    assert set(found.dev.table["speaker"]) == {"c"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("leak", "1 dev speaker of leak would train too: a"), ("nobody", "clips without a speaker")],
)
def test_a_split_that_shares_speakers_is_refused(tones, name, said):
    file = str(tones / f"{name}.csv")
    with pytest.raises(CorpusError, match=said):
        select(recipe_of(recipe_table(f"{file}:train", dev_speakers=[], dev=[f"{file}:dev"])))


@pytest.mark.parametrize("by", ["clip", "speaker"])
def test_a_smaller_share_is_part_of_a_larger_one(tones, by):
    parts = [clips(chosen(tones, share=share, share_by=by).train) for share in (0.05, 0.2, 0.5, 0.75, 1)]
    assert all(small <= large for small, large in itertools.pairwise(parts))
    sizes = {"clip": [1, 4, 10, 15, 20], "speaker": [4, 4, 12, 16, 20]}
    assert [len(part) for part in parts] == sizes[by]


def test_another_seed_draws_another_share(tones):
    first, second = (clips(chosen(tones, share=0.3, seed=seed).train) for seed in (0, 1))
    assert first != second
