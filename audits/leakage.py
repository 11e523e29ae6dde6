"""Do train and test splits share recordings, speakers or sentences?

The audit compares every pair of splits of a corpus (or, with `--between corpus`, every pair of the corpora
given as `--data`). Audio is compared by fingerprints (Haitsma & Kalker 2002; our frequency bands are
described in `sertools.features.fingerprint`), so a copy is found even after a change of level, sampling rate
or container, or with added silence. Two clips count as the same recording if at least 87.5 % of the bits
agree, and as near-duplicates, which somebody should listen to, from 80 %. In 1.2 million pairs of different
recordings of RAVDESS and EmoDB the highest agreement was 76 %. Copies with cuts inside the speech are not
found.

Tables alone show leaks too: the same file, overlapping parts of one file, or rows that are equal in every
column. Where both recordings can be read, the sound decides. Equal file names in different folders prove
nothing; they are counted apart. `--train A --test B` compares two tables or corpora, and `--folds FILE`
checks a published split: a table with a column of sides, one table for each side, or a folder of them, with
the folds in subfolders. What the file names of IEMOCAP, CREMA-D, RAVDESS, EmoDB and MSP-IMPROV say is read
from them.

The audit counts the clips of the smaller split whose recording is also in the other, the near-duplicate
pairs, the speakers, dialogues, sessions and sentences in both, the speakers who talk with one of the other
split, and the clips that occur twice within one split. Speakers, recordings and dialogues in both splits, and
partners of a conversation in different ones, make a test too easy, so none are allowed. Acted corpora share
sentences by design: shared sentences and sessions are reported, and judged only if gate.toml sets a limit.
Speaker ids of different corpora are not comparable unless `--same-ids` is given.

This audit needs no model. It counts and does not estimate, so its findings have no interval to show.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding, skipped
from sertools.auditing.tables import Row
from sertools.metrics.fingerprints import SAME_RECORDING, SIMILAR_RECORDING, similar_pairs
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit, Table
from sertools.statistics.jackknife import Estimate
from sertools.tables.overlap import (
    DIALOGS,
    SAME_PART,
    SESSIONS,
    column_of,
    partners,
    same_clips,
    same_names,
)
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables
from sertools.wording import plural

OURS = "ours: a test set that shares recordings or speakers with the training set overestimates the model"
ASKS = Asks(question="Are the splits of the corpus separate?", rank=80)

EXPLANATIONS = {
    "shared_clips": "Number of clips of the smaller part whose sound or row is also in the other part.",
    "near_duplicates": (
        "Number of pairs of clips of two parts whose acoustic fingerprints agree in 80 % to 87.5 % of their "
        "bits: nearly the same recording, to be listened to."
    ),
    "shared_speakers": "Number of speakers with clips in two parts of the corpus.",
    "shared_sentences": "Number of transcripts that occur in two parts of the corpus.",
    "repeated_clips": "Number of clips that one part lists more than once.",
}

LIMITS = [
    Limit(name="shared_clips", below=1, source=OURS),
    Limit(name="shared_speakers", below=1, source=OURS),
    Limit(name="shared_dialogs", below=1, source=OURS),
    Limit(name="shared_partners", below=1, source=OURS),
]
SIDES = True
"""The command also takes the sides of a split: --train and --test, or --folds."""

MAX_PAIRS_SHOWN = 50
"""Maximum number of pairs listed; further pairs are only counted."""


def needs(*, between: str, same_ids: bool) -> Needs:
    """The column that splits the corpus, and the fingerprints of its audio; no predictions."""
    return Needs(
        columns=(between,),
        labels="none",
        conditions=(),
        measured_columns=("audio_hash", "audio_print"),
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two clips with similar audio."""

    one: str
    other: str
    agreement: float = np.nan
    same_samples: bool = False
    told: str = ""

    @property
    def same(self) -> bool:
        """The clips are the same recording."""
        return bool(self.told) or self.same_samples or self.agreement >= SAME_RECORDING


def audit(
    tables: Tables, *, rng: np.random.Generator, between: str = "split", same_ids: bool = False
) -> Outcome:
    """Count the recordings, speakers and sentences shared by each pair of splits or corpora.

    Args:
        tables: clips with `split` or `corpus`, and fingerprints, speakers and sentences where known
        rng: not used; this audit draws no random numbers
        between: the column that defines the subsets to compare, split or corpus
        same_ids: treat equal speaker ids in different corpora as the same person
    """
    clips = tables.clips.dropna(subset=between)
    parts = {str(name): part for name, part in clips.groupby(between, sort=True)}
    if len(parts) < 2:
        only = f"only {next(iter(parts))!r}"
        reason = f"the column {between!r} has {only}, and leakage needs at least two values to compare"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("shared_clips", tables, reason)])
    comparable = between != "corpus" or same_ids
    found: list[Finding] = []
    pairs: list[tuple[str, Pair]] = []
    contained: list[str] = []
    for first, second in itertools.combinations(parts, 2):
        if first.rpartition("/")[0] != second.rpartition("/")[0]:
            continue  # sides of different folds
        small, large = sorted((first, second), key=lambda name: (len(parts[name]), name))
        where = f"{between}={small} in {large}"
        found_audio, similar = _shared_audio(parts[small], parts[large], tables, where)
        pairs += [(where, pair) for pair in similar]
        found += found_audio
        if found_audio[0].value == len(parts[small]):
            contained.append(f"all of {small} is in {large}")
        found.append(_speakers(parts[small], parts[large], tables, where, comparable, between))
        found += _together(parts[small], parts[large], tables, where, comparable)
        found.append(_sentences(parts[small], parts[large], tables, where))
    for name, part in parts.items():
        inside = _pairs(part)
        pairs += [(f"within {name}", pair) for pair in inside]
        if _decoded(part) is not None or inside:
            repeated = len({pair.other for pair in inside if pair.same})
            found.append(_count("repeated_clips", repeated, part, tables, f"{between}={name}"))
    notes = [text for text in (_undecoded_note(clips),) if text]
    table = _listed(pairs, clips)
    return Outcome(
        answer=_answer(found, contained), findings=found, tables=[table] if table.rows else [], notes=notes
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Copy a clip of one split into another, with its speaker, under another name."""
    clips = tables.clips.copy()
    small, large = clips["split"].value_counts().index[[-1, 0]]
    source = rng.choice(np.sort(clips.index[clips["split"] == small]))
    target = rng.choice(np.sort(clips.index[clips["split"] == large]))
    copied = [c for c in ("audio_hash", "audio_print", "speaker", "transcript") if c in clips]
    clips.loc[target, copied] = clips.loc[source, copied].to_numpy()
    return replace(tables, clips=clips)


def _shared_audio(
    small: pd.DataFrame, large: pd.DataFrame, tables: Tables, where: str
) -> tuple[list[Finding], list[Pair]]:
    """Clips of the smaller subset whose recording is in the other, near-duplicate pairs, and equal names."""
    heard = _decoded(small) is not None and _decoded(large) is not None
    found = _pairs(small, large)
    shared = {pair.one for pair in found if pair.same}
    named = set(same_names(small, large)) - shared
    both = pd.concat([small, large])
    if not heard and not shared:
        reason = "the audio of one of the two subsets could not be read, and no file or row is in both"
        counts = [_uncounted("shared_clips", small, large, where, reason)]
    else:
        counts = [_count("shared_clips", len(shared), both, tables, where)]
    if heard:
        near = sum(not pair.same for pair in found)
        counts.append(_count("near_duplicates", near, both, tables, where))
    if named:
        counts.append(_count("equal_names", len(named), both, tables, where))
    return counts, found


def _pairs(one: pd.DataFrame, other: pd.DataFrame | None = None) -> list[Pair]:
    """Pairs of clips that are the same or similar, by sound or by what the tables say.

    Where both clips can be heard, equal rows count only if they sound the same.
    """
    second = one if other is None else other
    heard = _decoded(one) is not None and _decoded(second) is not None
    by_sound = {(pair.one, pair.other): pair for pair in (_similar_pairs(one, other) if heard else [])}
    if "file" not in one or "start" not in one:
        return list(by_sound.values())
    audible = [set(part.index[part["audio_print"].notna()]) if heard else set() for part in (one, second)]
    for pair, told in same_clips(one, other).items():
        if told == SAME_PART or not (pair[0] in audible[0] and pair[1] in audible[1]):
            by_sound.setdefault(pair, Pair(one=pair[0], other=pair[1], told=told))
    return list(by_sound.values())


def _decoded(part: pd.DataFrame) -> pd.DataFrame | None:
    """The clips with a fingerprint, sorted by name; None if there are none."""
    if not {"audio_hash", "audio_print"} <= set(part):
        return None
    decoded = part.dropna(subset="audio_print").sort_index()
    return None if decoded.empty else decoded


def _similar_pairs(one: pd.DataFrame, other: pd.DataFrame | None = None) -> list[Pair]:
    """Pairs of clips with similar audio, between two subsets or within one."""
    first, second = _decoded(one), None if other is None else _decoded(other)
    assert first is not None
    others = first if second is None else second
    found = {
        (first.index[i], others.index[j]): agreement
        for i, j, agreement in similar_pairs(
            first["audio_print"].tolist(), None if second is None else second["audio_print"].tolist()
        )
    }
    for pair in _same_samples(first["audio_hash"], others["audio_hash"], within=second is None):
        found.setdefault(pair, 1.0)
    hashes = pd.concat([first["audio_hash"], others["audio_hash"]])
    hash_of = hashes[~hashes.index.duplicated()]
    return [
        Pair(one=str(a), other=str(b), agreement=agreement, same_samples=hash_of[a] == hash_of[b])
        for (a, b), agreement in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]


def _same_samples(first: pd.Series, second: pd.Series, *, within: bool) -> list[tuple[Any, Any]]:
    """Pairs with equal hashes; equal samples count even if too quiet or too short for a fingerprint."""
    by_hash = second.groupby(second).groups
    pairs = [(clip, other) for clip, key in first.items() for other in by_hash.get(key, ())]
    return [(a, b) for a, b in pairs if not within or str(a) < str(b)]


def _speakers(
    small: pd.DataFrame, large: pd.DataFrame, tables: Tables, where: str, comparable: bool, between: str
) -> Finding:
    if not comparable:
        reason = "speaker ids of different corpora are not comparable; if they are, add --same-ids"
        return _uncounted("shared_speakers", small, large, where, reason)
    if "speaker" not in small or small["speaker"].isna().all() or large["speaker"].isna().all():
        return _uncounted("shared_speakers", small, large, where, "a subset has no speaker labels")
    shared = _speaker_ids(small, between) & _speaker_ids(large, between)
    return _count("shared_speakers", len(shared), pd.concat([small, large]), tables, where)


def _speaker_ids(part: pd.DataFrame, between: str) -> set[str]:
    """Ids of the speakers; when comparing corpora, without the prefix of the corpus name."""
    ids = part["speaker"].dropna().astype(str)
    return set(ids.str.partition(":")[2].where(ids.str.contains(":"), ids) if between == "corpus" else ids)


def _together(
    small: pd.DataFrame, large: pd.DataFrame, tables: Tables, where: str, comparable: bool
) -> list[Finding]:
    """Dialogues and sessions in both subsets, and partners of a conversation in different ones, if known."""
    if not comparable:
        return []
    found, both = [], pd.concat([small, large])
    for name, columns in (("shared_dialogs", DIALOGS), ("shared_sessions", SESSIONS)):
        column = column_of(columns, small, large)
        if column:
            shared = set(small[column].dropna().astype(str)) & set(large[column].dropna().astype(str))
            found.append(_count(name, len(shared), both, tables, where))
    talking = partners(small, large)
    if talking is not None:
        found.append(_count("shared_partners", len(talking), both, tables, where))
    return found


def _sentences(small: pd.DataFrame, large: pd.DataFrame, tables: Tables, where: str) -> Finding:
    column = next((c for c in ("transcript", "sentence") if c in small and small[c].notna().any()), None)
    if column is None or large[column].isna().all():
        return _uncounted("shared_sentences", small, large, where, "a subset has no transcripts")
    texts = [set(part[column].dropna().astype(str).map(_words)) for part in (small, large)]
    return _count("shared_sentences", len(texts[0] & texts[1]), pd.concat([small, large]), tables, where)


def _words(text: str) -> str:
    """A sentence without case, punctuation and repeated spaces."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _count(name: str, count: int, part: pd.DataFrame, tables: Tables, where: str) -> Finding:
    """A finding with a count, which is exact; its interval has zero width."""
    codes, by_speaker = speaker_codes(part)
    value = Estimate(
        value=float(count), low=float(count), high=float(count), n=len(part), units=len(np.unique(codes))
    )
    found = finding(name, value, slice=where, by_speaker=by_speaker)
    return found.model_copy(update={"exact": True})


def _uncounted(name: str, small: pd.DataFrame, large: pd.DataFrame, where: str, reason: str) -> Finding:
    both = pd.concat([small, large])
    codes, by_speaker = speaker_codes(both)
    speakers = len(np.unique(codes))
    nothing = Estimate(value=np.nan, low=np.nan, high=np.nan, n=len(both), units=speakers, reason=reason)
    return finding(name, nothing, slice=where, by_speaker=by_speaker, withheld=reason)


def _undecoded_note(clips: pd.DataFrame) -> str:
    undecoded = int(clips["audio_print"].isna().sum()) if "audio_print" in clips else len(clips)
    return (
        f"{undecoded} of {plural(len(clips), 'clip')} could not be decoded and were not compared."
        if undecoded
        else ""
    )


def _listed(pairs: Sequence[tuple[str, Pair]], clips: pd.DataFrame) -> Table:
    same = sum(pair.same for _, pair in pairs)
    near = len(pairs) - same
    rows: list[Row] = [
        [where, pair.one, pair.other, (1 + pair.agreement) / 2, _evidence(pair)]
        for where, pair in sorted(pairs, key=_rank)[:MAX_PAIRS_SHOWN]
    ]
    more = f"; {len(pairs) - MAX_PAIRS_SHOWN} more are not listed" if len(pairs) > MAX_PAIRS_SHOWN else ""
    return Table(
        name="pairs",
        title="Clips with similar audio",
        columns=["where", "clip", "other clip", "equal bits", "evidence"],
        rows=rows,
        note=f"{plural(same, 'pair is', 'pairs are')} the same recording, "
        f"{plural(near, 'is a near-duplicate', 'are near-duplicates')} (at least "
        f"{(1 + SIMILAR_RECORDING) / 2:.0%} of the bits agree){more}",
    )


def _rank(listed: tuple[str, Pair]) -> tuple[bool, float]:
    """The same recordings first, those with the best evidence at the top."""
    pair = listed[1]
    return not pair.same, -1.0 if pair.told else -pair.agreement


def _evidence(pair: Pair) -> str:
    if pair.told:
        return pair.told
    if pair.same_samples:
        return "the same samples"
    return "the same recording" if pair.same else "near-duplicate: listen"


def _counted(n: int, one: str, several: str) -> str:
    return plural(n, one, several) if n else f"no {several}"


def _answer(found: Sequence[Finding], inside: Sequence[str]) -> str:
    totals: dict[str, int | None] = {}
    for name in ("shared_clips", "shared_speakers"):
        known = [f.value for f in found if f.name == name and f.value is not None]
        totals[name] = int(sum(known)) if known else None
    sound, speakers = totals["shared_clips"], totals["shared_speakers"]
    sentences = [
        "the audio could not be compared"
        if sound is None
        else f"{_counted(sound, 'clip is', 'clips are')} also in another split or corpus",
        "speakers cannot be compared"
        if speakers is None
        else f"{_counted(speakers, 'speaker is', 'speakers are')} in two splits or corpora",
    ]
    twice = int(sum(f.value or 0 for f in found if f.name == "repeated_clips"))
    for name, one, several in (
        ("shared_dialogs", "dialogue is in two splits", "dialogues are in two splits"),
        (
            "shared_partners",
            "speaker talks with one of another split",
            "speakers talk with one of another split",
        ),
        ("equal_names", "clip has the name of another file", "clips have the name of another file"),
    ):
        n = int(sum(f.value or 0 for f in found if f.name == name))
        sentences += [plural(n, one, several)] if n else []
    sentences += inside
    sentences += (
        [f"{plural(twice, 'clip occurs', 'clips occur')} twice within one split or corpus"] if twice else []
    )
    return f"{sentences[0][0].upper()}{'; '.join(sentences)[1:]}."
