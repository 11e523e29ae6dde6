"""Explores a corpus without any model, section by section, and writes the page."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sertools import __version__
from sertools.corpora.corpus import Corpus
from sertools.exploration import pages
from sertools.exploration.confounds import confounds_section
from sertools.exploration.labels import labels_section
from sertools.exploration.measured import Sound, has_sound, measured
from sertools.exploration.people import groups_section, people_section
from sertools.exploration.raters import raters_section
from sertools.exploration.recordings import duplicates_section, recordings_section
from sertools.exploration.sections import Exploration
from sertools.exploration.sentences import sentences_section, with_pace
from sertools.files import check_writable, write_text

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(what is done, number of clips) → a context whose value is called with the number of finished clips."""


def no_progress(description: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """No progress display."""
    return contextlib.nullcontext(lambda n: None)


def explore(
    corpus: Corpus, *, sound: bool = True, progress: Progress = no_progress, command: str = ""
) -> Exploration:
    """The exploration of a corpus: all its sections.

    Args:
        corpus: the corpus
        sound: whether clips are decoded; they are not where none of the first 200 files exists
        progress: shows the progress
        command: what the user typed, for the page
    """
    heard: Sound | None = None
    notes = list(corpus.notes)
    if sound and has_sound(corpus):
        with progress("sound", len(corpus.clips)) as advance:
            heard = measured(corpus, advance)
    elif sound:
        notes.append("None of the audio files exists, so only the table was read")
    clips, told = with_pace(corpus)
    notes += told
    sections = [
        labels_section(clips),
        people_section(clips),
        groups_section(clips),
        recordings_section(corpus, heard),
        sentences_section(clips),
        raters_section(clips),
        confounds_section(clips, heard),
        duplicates_section(clips, heard),
    ]
    return Exploration(
        data=_facts(corpus),
        sections=[each for each in sections if each is not None],
        notes=[f"{note.rstrip('.')}." for note in dict.fromkeys(notes)],
        provenance={"command": command, "versions": {"sertools": __version__}},
    )


def write(exploration: Exploration, folder: Path) -> list[Path]:
    """Writes `explore.html`, `explore.md` with its figures, and `explore.json`; returns the three paths.

    Raises:
        StoreError: the folder cannot be written
    """
    check_writable(folder)
    files, drawn = pages.draw(exploration)
    for name, text in files.items():
        write_text(folder / name, text)
    written = {
        "explore.html": pages.html(exploration, drawn),
        "explore.md": pages.markdown(exploration),
        "explore.json": exploration.to_json(),
    }
    for name, text in written.items():
        write_text(folder / name, text)
    return [folder / name for name in written]


def _facts(corpus: Corpus) -> dict[str, Any]:
    clips = corpus.clips
    facts = {
        "name": corpus.name,
        "clips": len(clips),
        "files": int(clips["file"].nunique()),
        "speakers": int(clips["speaker"].nunique()) if "speaker" in clips else None,
        "version": corpus.version,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "simulated": corpus.simulated,
        "recordings": corpus.recordings,
    }
    return {name: fact for name, fact in facts.items() if fact not in ("", None)}
