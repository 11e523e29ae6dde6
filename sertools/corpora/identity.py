"""Finds speakers whose names may be spelling variants, and speakers with contradicting attributes.

Nothing is merged: every sentence ends with the option that would do it.
"""

import os
import re
from collections.abc import Iterable

import pandas as pd

from sertools.corpora.values import counted, some

MOST_NAMED = 5
"""Number of examples in a sentence."""

NUMBERS_FOR_SEX = {"0", "1", "2", "true", "false", "yes", "no", "t"}
"""Codes for a sex, in lower case, whose meaning only the makers of a table know."""


def doubts(clips: pd.DataFrame) -> list[str]:
    """Warnings about ambiguous speaker identities in a table of clips.

    Names that only differ in case, leading zeros, `./`, a decimal `.0` or separators (`03`, `3`, `03.0`);
    speakers with several sexes or ages; a sex written as a number; a file under several paths.

    Args:
        clips: index `clip`; columns `file`, `start`, `end`, and `speaker`, `sex`, `age`, `language`, if known
    """
    found = []
    for name in ("speaker", "language"):
        if name in clips:
            found += _spellings(clips[name])
    if "speaker" in clips:
        person = clips["speaker"].map({name: _key(name) for name in clips["speaker"].dropna().unique()})
        for name in ("sex", "age"):
            if name in clips:
                found += _contradictions(clips, person, name)
    if "sex" in clips:
        found += _numbers_for_sex(clips["sex"])
    return [*found, *_files(clips)]


WITHOUT_SPEAKER = "without a speaker label"


def unnamed(clips: pd.DataFrame) -> list[str]:
    """A sentence on clips without a speaker, where others have one; none without such clips.

    Args:
        clips: index `clip`; column `speaker`, if known
    """
    if "speaker" not in clips or clips["speaker"].isna().all() or clips["speaker"].notna().all():
        return []
    without = int(clips["speaker"].isna().sum())
    each = "it counts as a speaker of its own" if without == 1 else "each counts as a speaker of its own"
    return [f"{counted(without, 'clip')} {WITHOUT_SPEAKER}: in intervals {each}"]


def _key(name: str) -> tuple[str, ...]:
    """What remains of a name without the ways in which it may be written.

    >>> _key("./Spk_03.0") == _key("spk3"), _key("1-01") == _key("101")
    (True, False)
    """
    text = re.sub(r"(?<=\d)\.0+$", "", str(name).casefold())
    parts = re.findall(r"[^\W\d_]+|\d+", text)
    return tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in parts) or (text,)


def _spellings(column: pd.Series) -> list[str]:
    """The values of a column that may be one, each with its number of clips, and how to join them."""
    counts = column.dropna().value_counts()
    groups: dict[tuple[str, ...], list[str]] = {}
    for value in counts.index:
        groups.setdefault(_key(value), []).append(value)
    groups = {key: sorted(names) for key, names in groups.items() if len(names) > 1}
    if not groups:
        return []
    listed, maps = list[str](), list[str]()
    for names in groups.values():
        listed.append(" and ".join(f"{name!r} ({counted(int(counts[name]), 'clip')})" for name in names))
        kept = max(names, key=lambda name: (counts[name], not name.endswith(".0"), len(name)))
        maps += [f"{name}={kept}" for name in names if name != kept]
    option = f"--map-values {column.name}:{','.join(maps[:MOST_NAMED])}{',…' * (len(maps) > MOST_NAMED)}"
    return [
        f"{counted(len(groups), str(column.name))} may be written in several ways: {some(listed)}; "
        f"they count as different; if they are the same, use {option}"
    ]


def _contradictions(clips: pd.DataFrame, person: pd.Series, name: str) -> list[str]:
    """Speakers with several values of an attribute, and the clips without the most frequent one."""
    table = pd.DataFrame({"person": person, "value": clips[name], "speaker": clips["speaker"]}).dropna()
    listed, contrary = list[str](), list[str]()
    for _, own in table.groupby("person", sort=False):
        counts = own["value"].value_counts()
        if len(counts) > 1:
            values = ", ".join(f"{_plain(value)} {n}" for value, n in counts.items())
            listed.append(f"{'/'.join(sorted(set(own['speaker'])))} ({values})")
            contrary.extend(map(str, own.index[own["value"] != counts.index[0]]))
    if not listed:
        return []
    plural = {"sex": "sexes", "age": "ages"}[name]
    differ = "differs" if len(contrary) == 1 else "differ"
    return [
        f"{counted(len(listed), 'speaker')} with more than one {name}: {some(listed)}; "
        f"{counted(len(contrary), 'clip')} {differ} from the most frequent of the speaker's {plural}: "
        f"{some(contrary)}"
    ]


def _numbers_for_sex(column: pd.Series) -> list[str]:
    counts = column.dropna().value_counts().sort_index()
    coded = [value for value in counts.index if re.sub(r"\.0+$", "", value) in NUMBERS_FOR_SEX]
    if not coded:
        return []
    listed = " and ".join(f"{value} ({counted(int(counts[value]), 'clip')})" for value in coded)
    return [f"sex is written as {listed}, and the table does not say what that means: {sex_options(coded)}"]


def sex_options(codes: Iterable[str]) -> str:
    """Both ways to name two codes for a sex, as options to copy.

    >>> sex_options(["0", "1"])
    'use --map-values sex:0=female,1=male or --map-values sex:0=male,1=female'
    """
    first, second = [*codes, "?", "?"][:2]
    ways = (("female", "male"), ("male", "female"))
    return "use " + " or ".join(f"--map-values sex:{first}={a},{second}={b}" for a, b in ways)


def _files(clips: pd.DataFrame) -> list[str]:
    """Clips of the same segment of a file that is named by several paths."""
    path = clips["file"].map(os.path.normpath)
    keys = pd.DataFrame({"path": path, "start": clips["start"], "end": clips["end"]})
    repeated = clips["file"][keys.duplicated(keep=False)]
    groups = [own for _, own in repeated.groupby(path, sort=False) if own.nunique() > 1]
    names = [" and ".join(map(repr, dict.fromkeys(own))) for own in groups]
    if not names:
        return []
    return [f"{counted(len(names), 'file')} with several paths: {some(names)}; each path counts as a clip"]


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
