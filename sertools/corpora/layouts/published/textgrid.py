"""Reads when each word was spoken from a TextGrid, the format of Praat, as aligners such as MFA write it."""

import re
from pathlib import Path

from sertools.errors import CorpusError

TIER = re.compile(r'class = "IntervalTier"\s+name = "(?P<name>[^"]*)"')
INTERVAL = re.compile(
    r'xmin = (?P<start>[\d.eE+-]+)\s+xmax = (?P<end>[\d.eE+-]+)\s+text = "(?P<text>(?:[^"]|"")*)"'
)
WORDS = ("words", "word", "orthography")
NO_WORDS = ("", "sil", "sp", "spn", "<eps>", "<unk>", "<sil>", "[noise]", "[laughter]")
"""Texts of pauses and of what the aligner did not know."""


def words(path: Path) -> list[tuple[str, float, float]]:
    """The words of a file with their start and end in seconds; pauses are left out.

    Args:
        path: a TextGrid in the long text format, UTF-8 or UTF-16, with a tier `words`

    Raises:
        CorpusError: the file cannot be read, or has no tier of words
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = content.decode(encoding, errors="replace")
    tiers = list(TIER.finditer(text))
    ends = [*(tier.start() for tier in tiers[1:]), len(text)]
    of_words = next(
        (
            text[tier.end() : end]
            for tier, end in zip(tiers, ends, strict=False)
            if tier["name"].lower().rpartition(" - ")[2] in WORDS
        ),
        None,
    )
    if of_words is None:
        known = ", ".join(repr(tier["name"]) for tier in tiers)
        raise CorpusError(
            f"{path.name} has no tier 'words'" + (f"; it has {known}" if tiers else ""),
            hint="sertools reads TextGrids in Praat's long text format",
        )
    return [
        (each["text"].replace('""', '"').strip(), float(each["start"]), float(each["end"]))
        for each in INTERVAL.finditer(of_words)
        if each["text"].strip().lower() not in NO_WORDS
    ]
