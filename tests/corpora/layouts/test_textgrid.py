"""Words and their times are read from TextGrids as aligners write them."""

from pathlib import Path

import pandas as pd
import pytest

from sertools.corpora.layouts.published.textgrid import words
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from sertools.exploration.explore import explore


def textgrid(path: Path, spoken: list[tuple[float, float, str]], tier: str = "words") -> Path:
    def intervals(rows: list[tuple[float, float, str]]) -> str:
        return "".join(
            f"            intervals [{i}]:\n                xmin = {start}\n                xmax = {end}\n"
            f'                text = "{text}"\n'
            for i, (start, end, text) in enumerate(rows, 1)
        )

    def item(number: int, name: str, rows: list[tuple[float, float, str]]) -> str:
        return (
            f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
            f"        xmin = 0\n        xmax = 3\n        intervals: size = {len(rows)}\n{intervals(rows)}"
        )

    path.write_text(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 3\ntiers? <exists>\n'
        f"size = 2\nitem []:\n{item(1, tier, spoken)}{item(2, 'phones', [(0.0, 0.2, 'AH0')])}",
        encoding="utf-8",
    )
    return path


def test_pauses_and_other_tiers_are_left_out(tmp_path: Path) -> None:
    spoken = [
        (0.0, 0.25, ""),
        (0.25, 0.5, "so"),
        (0.5, 0.75, "sp"),
        (0.75, 1.5, 'said ""oh""'),
        (1.5, 3.0, ""),
    ]
    path = textgrid(tmp_path / "a.TextGrid", spoken)
    assert words(path) == [("so", 0.25, 0.5), ('said "oh"', 0.75, 1.5)]
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    assert words(path) == [("so", 0.25, 0.5), ('said "oh"', 0.75, 1.5)]
    assert words(textgrid(tmp_path / "b.TextGrid", spoken, "Speaker 1 - words"))[0][0] == "so"


def test_file_without_words_says_what_it_has(tmp_path: Path) -> None:
    path = textgrid(tmp_path / "a.TextGrid", [], "utterances")
    with pytest.raises(CorpusError, match=r"a\.TextGrid has no tier 'words'; it has 'utterances', 'phones'"):
        words(path)
    with pytest.raises(CorpusError, match="cannot read"):
        words(tmp_path / "b.TextGrid")


def test_exploration_says_how_fast_words_are_spoken_and_what_that_tells(tmp_path: Path) -> None:
    rows = []
    for i in range(24):
        emotion = ("anger", "sadness")[i % 2]
        # by hand: two words in .5 s, or in 1 s
        end = 1.0 if emotion == "anger" else 1.5
        textgrid(tmp_path / f"{i}.TextGrid", [(0.0, 0.5, ""), (0.5, 0.75, "we"), (0.75, end, "go")])
        rows.append(
            {
                "file": f"{i}.wav",
                "speaker": f"s{i // 6}",
                "emotion": emotion,
                "transcript": "We go.",
                "alignment": f"{i}.TextGrid",
            }
        )
    (tmp_path / "23.TextGrid").write_text("broken")
    pd.DataFrame(rows).to_csv(tmp_path / "clips.csv", index=False)
    found = explore(load_corpus(str(tmp_path / "clips.csv")))
    said = found.section("sentences").sentences
    assert (
        "By the alignments of 23 clips, 4.0 words are spoken per second "
        "(median; half of the clips have 2.0 to 4.0)." in said
    )
    pace = [f for f in found.section("confounds").findings if f.slice == "the words per second"]
    assert [f.value for f in pace] == [1.0]
    assert any(note.startswith("1 alignment cannot be read: 23.TextGrid") for note in found.notes)
