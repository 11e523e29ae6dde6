"""Turns a table into clips: checks names, types and scales, and quotes wrong values."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from sertools.corpora.raters.columns import with_raters
from sertools.corpora.raters.one_row_per_rater import one_row_per_clip
from sertools.corpora.segments import clip_ids, segments
from sertools.corpora.values import (
    MISSING,
    Scale,
    attribute,
    clipped,
    known,
    numbers,
    some,
    texts,
    unit_scale,
    unknown_sentence,
)
from sertools.errors import CorpusError
from sertools.labels import DIMENSIONS, canonical, canonical_sex, is_unknown
from sertools.tables.columns import ATTRIBUTES, LABELS, SAME_CLIP
from sertools.tables.overlap import DIALOGS, SESSIONS
from sertools.tables.votes import RATINGS
from sertools.wording import plural

IDENTIFIERS = ("sentence", *DIALOGS, *SESSIONS)
"""Columns whose values are names, also where they are written as numbers."""

Attach = Callable[[pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, list[str]]]
"""The table by clip id, and its clips with their files → the table with further columns, and sentences."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the columns and values of a table are read.

    Attributes:
        column_map: column name in the table → sertools' name
        scale: dimension, or `*` for all others → lowest and highest rating; [0, 1] if not declared
        value_map: column (its name in the table or sertools') → value in the table → value to use
        label_map: value of `emotion` in the table → sertools' name
        fixed: whether the scale cannot be declared otherwise
        published: whether ratings outside the scale are those of a published corpus, and limited to the scale
        no_emotion: labels that the corpus gives to clips without one of its emotions
        repeated: whether a clip may be listed several times
        votes: what the columns with the votes of raters begin with, as `votes` of `votes_anger`
        attached: what adds columns of other tables
    """

    column_map: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, Scale] = field(default_factory=dict)
    value_map: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    label_map: Mapping[str, str] = field(default_factory=dict)
    fixed: bool = False
    published: bool = False
    no_emotion: Collection[str] = ()
    repeated: bool = False
    votes: str = "votes"
    attached: Sequence[Attach] = ()

    def scale_of(self, dimension: str) -> Scale:
        """Lowest and highest rating of a dimension."""
        return self.scale.get(dimension, self.scale.get("*", (0.0, 1.0)))

    def name_of(self, emotion: str) -> str:
        """The canonical name of an emotion as written."""
        return _emotion(emotion, self.label_map)

    @property
    def excluded(self) -> set[str]:
        """Canonical names that do not denote an emotion, unless `label_map` names them."""
        ours = {canonical(name) for name in self.label_map.values()}
        return {canonical(name) for name in self.no_emotion} - ours


AS_WRITTEN = Reading()


def as_clips(
    table: pd.DataFrame, *, source: str, reading: Reading = AS_WRITTEN
) -> tuple[pd.DataFrame, list[str]]:
    """Convert a table to clips: index `clip`, canonical columns and labels, dimensions in [0, 1].

    Args:
        table: one row per clip, at least a column `file`
        source: name of the table in error messages
        reading: how columns and values are read

    Returns:
        the clips, and sentences about values that were not taken as they stand

    Raises:
        CorpusError: a missing column, or an invalid value, scale or mapping
    """
    table = _renamed(table, reading.column_map, source).reset_index(drop=True)
    table = _revalued(table, reading, source)
    table, notes = one_row_per_clip(table, source)
    clips, changed = segments(table, source)
    notes += changed
    clips.index, listed = clip_ids(table, clips, source, repeated=reading.repeated)
    table = table.set_axis(clips.index)
    for attach in reading.attached:
        table, changed = attach(table, clips)
        notes += changed
    _check_scales(reading.scale, table, source)
    for name in (*ATTRIBUTES, *LABELS):
        if name in table:
            clips[name], changed = _column(table[name], clips["file"], source, reading)
            notes += changed
    if {"corpus", "speaker"} <= set(clips) and clips["corpus"].nunique() > 1:
        clips["speaker"] = prefixed(clips["speaker"], clips["corpus"])
    if "channel" in table:
        clips["channel"], changed = _channels(table["channel"])
        notes += changed
    clips, changed, read = with_raters(clips, table, source, reading)
    notes += changed
    for name in table.columns:
        if name not in clips and name not in ("clip", SAME_CLIP) and name not in read:
            is_id = name in IDENTIFIERS
            clips[name] = texts(table[name], missing=MISSING) if is_id else attribute(table[name])
    if listed is not None:
        clips[SAME_CLIP] = listed
        notes.append(
            f"{plural(listed.nunique(), 'clip is', 'clips are')} listed several times, such as "
            f"{listed.dropna().iloc[0]!r}; see sertools leakage"
        )
    return clips, notes


def _column(
    column: pd.Series, files: pd.Series, source: str, reading: Reading
) -> tuple[pd.Series, list[str]]:
    """A label or attribute as clips have it, and sentences about values that were not taken as they stand."""
    name = str(column.name)
    if name in DIMENSIONS:
        return _ratings(column, files, source, reading)
    if name == "emotion":
        return _emotions(column, source, reading)
    if name in ("speaker", "sex", "age", "language"):
        written, notes = known(column)
        if name == "age":
            written = attribute(written)
        return written.map(canonical_sex, na_action="ignore") if name == "sex" else written, notes
    return texts(column, missing={""} if name == "transcript" else MISSING), []


def _channels(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """Numbers of channels, as floats; an attribute and a sentence if they are not whole numbers from 1."""
    found = attribute(column)
    if not pd.api.types.is_numeric_dtype(found) or pd.api.types.is_bool_dtype(found):
        values = texts(column, missing={""})
        if values.isna().all():
            return pd.Series(math.nan, index=column.index), []
    else:
        numbered = found.astype(float)
        if (numbered.isna() | ((numbered >= 1) & (numbered % 1 == 0))).all():
            return numbered, []
    sentence = "column 'channel' is kept as an attribute, since a channel of a file is a whole number from 1"
    return found.astype(object), [sentence]


def _ratings(
    column: pd.Series, files: pd.Series, source: str, reading: Reading
) -> tuple[pd.Series, list[str]]:
    name = str(column.name)
    ratings, notes = numbers(column, files, name=name, source=source)
    limits = reading.scale_of(name)
    if reading.published:
        ratings, changed = clipped(ratings, pd.Series(files.index, index=files.index), limits)
        notes += changed
    return unit_scale(ratings, files, limits, source=source, fixed=reading.fixed), notes


def _emotions(column: pd.Series, source: str, reading: Reading) -> tuple[pd.Series, list[str]]:
    """Canonical emotions; labels that stand for none are missing, unless `label_map` names them."""
    written = texts(column, missing=MISSING)
    named = emotions(written, reading.label_map)
    without = [name for name in named.dropna().unique() if is_unknown(name) or name in reading.excluded]
    unknown = named.isin(without)
    codes = sorted({name for name in named[~unknown].dropna() if name.isdecimal()}, key=int)
    if codes and set(codes) == set(named[~unknown].dropna()):
        raise CorpusError(
            f"{source}: the emotions are numbers ({some(codes)}), and the table does not say what they mean",
            hint="name them: " + " ".join(f"--label-map {code}=NAME" for code in codes),
        )
    return named.mask(unknown, None), unknown_sentence(written[unknown], "emotion")


def prefixed(ids: pd.Series, corpus: pd.Series | str) -> pd.Series:
    """Ids with their corpus as a prefix, `msp:12`; ids that have the prefix and missing ids stay unchanged.

    >>> prefixed(pd.Series(["12", "msp:13", None]), "msp").tolist()[:2]
    ['msp:12', 'msp:13']
    """
    names = [corpus] * len(ids) if isinstance(corpus, str) else corpus.tolist()
    new = [
        value if pd.isna(value) or pd.isna(name) or value.startswith(f"{name}:") else f"{name}:{value}"
        for name, value in zip(names, ids.tolist(), strict=True)
    ]
    return pd.Series(new, index=ids.index)


def _renamed(table: pd.DataFrame, column_map: Mapping[str, str], source: str) -> pd.DataFrame:
    have = [str(name) for name in table.columns]
    for theirs, ours in column_map.items():
        if theirs not in have:
            raise CorpusError(
                f"--map {theirs}={ours}: {source} has no column {theirs!r}; it has {', '.join(have)}"
            )
    names = [column_map.get(name, name) for name in have]
    for name in names:
        if names.count(name) > 1:
            both = [h for h, n in zip(have, names, strict=True) if n == name]
            raise CorpusError(
                f"with this --map, {' and '.join(map(repr, both))} of {source} would both be named {name!r}",
                hint="map the other column to a different name",
            )
    return table.set_axis(names, axis="columns")


def _revalued(table: pd.DataFrame, reading: Reading, source: str) -> pd.DataFrame:
    """The table with those values replaced that `value_map` names."""
    new = {}
    for theirs, values in reading.value_map.items():
        name = reading.column_map.get(theirs, theirs)
        if name not in table:
            raise CorpusError(
                f"--map-values {theirs}: {source} has no column {theirs!r}; "
                f"it has {', '.join(map(str, table.columns))}"
            )
        written = texts(table[name], missing={""})
        lower = written.str.lower()
        replaced = written.copy()
        for value, ours in values.items():
            same = ((written == value) | (lower == value.lower())).fillna(False).astype(bool)
            if not same.any():
                found = sorted(written.dropna().unique())
                raise CorpusError(
                    f"--map-values {theirs}:{value}={ours}: no clip of {source} has {theirs} {value!r}",
                    hint=f"its values are {some(found, 10)}",
                )
            replaced[same] = ours
        new[name] = replaced
    return table.assign(**new)


def _check_scales(scale: Mapping[str, tuple[float, float]], table: pd.DataFrame, source: str) -> None:
    for name in set(scale) - {"*"}:
        if name not in DIMENSIONS:
            raise CorpusError(f"--scale {name}: only {', '.join(DIMENSIONS)} have a scale")
        if name not in table and f"{RATINGS}{name}" not in table:
            raise CorpusError(f"--scale {name}: {source} has no column {name!r}")


def emotions(written: pd.Series, label_map: Mapping[str, str]) -> pd.Series:
    """The canonical names of emotions; missing ones stay missing."""
    return written.map({name: _emotion(name, label_map) for name in written.dropna().unique()})


def _emotion(written: str, label_map: Mapping[str, str]) -> str:
    """The canonical name of an emotion; keys of the map may be labels as written or canonical names.

    >>> _emotion("exc", {"excitement": "happy"}), _emotion("exc", {"exc": "other"}), _emotion("exc", {})
    ('happiness', 'other', 'excitement')
    """
    if written in label_map or written.lower() in label_map:
        return canonical(written, label_map)
    return canonical(canonical(written), label_map)
