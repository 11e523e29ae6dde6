"""Emotion prediction in conversation: who spoke before, and a network that learns from it."""

import numpy as np
import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from sertools.models.load import load_model
from sertools.training.data.select import Part
from sertools.training.networks.conversation import contexts, dialogues, network, rows_of
from sertools.training.recipe import recipe_of
from sertools.training.train import train_recipe
from tests.helpers.tones import PITCH_HZ, recipe_table, write_tones

SPOKEN = [
    ("d1", 0.0, "a"), ("d1", 1.0, "a"), ("d1", 2.0, "b"), ("d1", 3.0, "a"), ("d1", 4.0, "b"),
    ("d2", 0.5, "b"), ("d2", 1.5, "a"),
]  # fmt: skip


def part_of(spoken):
    clips = pd.DataFrame(spoken, columns=["dialog", "begins_s", "speaker"])
    clips.index = pd.Index([f"u{i}" for i in range(len(clips))], name="clip")
    clips = clips.sample(frac=1, random_state=0)

    class Corpus:
        name = "talk:train"

    Corpus.clips = clips
    return Part(corpora=[Corpus()], table=pd.DataFrame())


def test_turns_are_runs_of_one_speaker_in_the_order_of_time():
    every = dialogues(part_of(SPOKEN)).set_index("key")
    assert every.loc[[f"u{i}" for i in range(7)], "turn"].tolist() == [1, 1, 2, 3, 4, 1, 2]
    assert every.loc["u0", "clip"] == "talk/u0"


def test_a_context_is_the_turns_before_and_never_what_the_speaker_just_said():
    every = dialogues(part_of(SPOKEN))
    found = contexts(every, [f"talk/u{i}" for i in range(7)], turns=2)
    said = {name: context["key"].tolist() for name, context in found.items()}
    assert said == {
        "talk/u2": ["u0", "u1"], "talk/u3": ["u0", "u1", "u2"], "talk/u4": ["u2", "u3"], "talk/u6": ["u5"]
    }  # fmt: skip
    assert found["talk/u4"]["same"].tolist() == [True, False]
    vectors = {f"talk/u{i}": np.float32([i, -i]) for i in range(7)}
    assert rows_of(found["talk/u3"], vectors).tolist() == [[0, 0, 0, 1], [1, -1, 0, 1], [2, -2, 1, 0]]


def test_the_network_reads_a_conversation_as_if_it_were_alone():
    import torch

    torch.manual_seed(0)
    module = network(3, 4, 2, 0.5).eval()
    short, long = torch.randn(2, 5), torch.randn(4, 5)
    short[:, 3], long[:, 3] = torch.tensor([0.0, 1]), torch.tensor([0.0, 0, 1, 2])
    padded = torch.stack([torch.nn.functional.pad(short, (0, 0, 0, 2)), long])
    with torch.no_grad():
        both = module(padded, torch.tensor([2, 4]))
        torch.testing.assert_close(both[0], module(short[None], torch.tensor([2]))[0])
        # by hand: the utterance GRU on each turn, then the turn GRU on their last states
        read = torch.cat([long[:, :3], long[:, 4:]], dim=1)
        turns = [module.utterances(read[rows][None])[1][0, 0] for rows in ([0, 1], [2], [3])]
        wanted = module.out(module.turns(torch.stack(turns)[None])[1][0, 0])
        torch.testing.assert_close(both[1], wanted)


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Dialogues in which everyone answers an emotion with the same emotion."""
    folder = tmp_path_factory.mktemp("talk")
    manifest = write_tones(folder, speakers="abcdef", takes=4)
    table = pd.read_csv(manifest)
    rows = []
    for pair in ("ab", "cd", "ef"):
        for emotion in PITCH_HZ:
            for take in range(4):
                for at, speaker in enumerate(pair):
                    row = table[table["file"] == f"{speaker}_{emotion}_{take}.wav"].iloc[0]
                    rows.append({**row, "dialog": f"{pair}{emotion}{take}", "begins_s": at})
    pd.DataFrame(rows).to_csv(folder / "talk.csv", index=False)
    return folder / "talk.csv"


def test_the_answers_to_test_speakers_are_a_table_of_predictions(talk, tmp_path):
    table = recipe_table(talk, method="conversation", dev_speakers=[], test_speakers=["e", "f"], epochs=20)
    del table["freeze"]
    spec = train_recipe(recipe_of({**table, "dropout": 0.0}), tmp_path / "model")
    corpus = load_corpus(str(talk))
    model = load_model(spec)
    answers = pd.read_csv(tmp_path / "model" / "predictions.csv", index_col="clip")
    assert set(corpus.clips.loc[answers.index, "speaker"]) == {"f"}  # nothing precedes what e says
    truth = corpus.clips.loc[answers.index, "emotion"]
    assert answers.idxmax(axis="columns").tolist() == truth.tolist()
    assert model.labels == ("anger", "neutral")
    assert model.training.clips == 32  # what was heard before the 16 clips that were predicted counts too


def test_partners_of_held_out_speakers_do_not_train_and_that_is_said(talk, tmp_path):
    table = recipe_table(talk, method="conversation", dev_speakers=[], test_speakers=["e"], epochs=1)
    said = []
    with pytest.raises(CorpusError, match="fewer than two"):
        train_recipe(recipe_of({**table, "speakers": ["f"]}), tmp_path / "model", warn=said.append)
    assert any(
        "8 training clips are left out, because others than training speakers" in each for each in said
    )


def test_a_recipe_without_test_speakers_or_a_corpus_without_dialogues_is_refused(talk, tmp_path):
    table = recipe_table(talk, method="conversation", dev_speakers=[])
    with pytest.raises(CorpusError, match="the recipe names none"):
        train_recipe(recipe_of(table), tmp_path / "model")
    plain = recipe_table(
        talk.parent / "tones.csv", method="conversation", test_speakers=["e"], dev_speakers=[]
    )
    with pytest.raises(CorpusError, match="no column 'dialog'"):
        train_recipe(recipe_of(plain), tmp_path / "other")
