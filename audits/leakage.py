"""Does the test know what the training knew: the same sound, speakers or sentences on both sides?

Given a corpus with several splits (or, with `--between corpus`, several corpora given as `--data`), every two
parts are compared. Sound is compared by fingerprints (Haitsma & Kalker 2002; our bands are described in
`sertools.prints`), so a copy is found after a change of level, sampling rate or container and with silence
added; two clips are one recording where at least 87.5 % of the bits agree, and so alike that somebody should
listen from 80 % on. In 1.2 million pairs of different recordings of RAVDESS and EmoDB the highest agreement
was 76 %. File names are no evidence and are not looked at. Cuts inside the speech are not found.

Counted are the clips of the smaller part whose sound is in the other, the pairs that are nearly alike, the
speakers and the sentences in both, and the clips whose sound is twice in one part. Speakers and sound in both
parts make a test too easy, so the limit is none. Sentences are shared by design in acted corpora: they are
reported, and judged only where a limit is given in gate.toml. Speaker ids of different corpora are not
comparable unless `--same-ids` says so.

This audit asks no model. What it finds is counted, not estimated, so its intervals have no width.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sertools.audit import Needs, Outcome, finding, skipped
from sertools.metrics.duplicates import NEAR, SAME, alike
from sertools.metrics.intervals import Estimate
from sertools.result import Finding, Limit, Table
from sertools.tables import Tables, speaker_codes

OURS = "ours: a test that shares sound or speakers with the training overstates the model"
LIMITS = [
    Limit(name="shared_clips", below=1, source=OURS),
    Limit(name="shared_speakers", below=1, source=OURS),
]
SHOWN = 50
"""Pairs of clips that are listed; the rest are counted."""


def needs(**options: Any) -> Needs:
    """The column that parts the corpus, and the fingerprints of its sound; no prediction."""
    return Needs(
        columns=(options.get("between", "split"),),
        labels="none",
        conditions=(),
        sound=("audio_hash", "audio_print"),
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two clips that sound alike."""

    one: str
    other: str
    agreement: float
    same_samples: bool

    @property
    def same(self) -> bool:
        """The clips are one recording."""
        return self.same_samples or self.agreement >= SAME


def audit(
    tables: Tables, *, rng: np.random.Generator, between: str = "split", same_ids: bool = False
) -> Outcome:
    """What every two parts of a corpus share.

    Args:
        tables: clips with `split` or `corpus`, and what is known of sound, speakers, sentences
        rng: not used; nothing is drawn
        between: the column that names the parts, split or corpus
        same_ids: speaker ids mean the same person in all corpora
    """
    clips = tables.clips.dropna(subset=between)
    parts = {str(name): part for name, part in clips.groupby(between, sort=True)}
    if len(parts) < 2:
        only = f"only {next(iter(parts))!r}"
        reason = f"the column {between!r} names {only}, and one part cannot leak into another"
        return Outcome(answer=f"Not measured: {reason}.", findings=[skipped("shared_clips", tables, reason)])
    comparable = between != "corpus" or same_ids
    found: list[Finding] = []
    pairs: list[tuple[str, Pair]] = []
    for first, second in itertools.combinations(parts, 2):
        small, large = sorted((first, second), key=lambda name: (len(parts[name]), name))
        where = f"{between}={small} in {large}"
        of_sound, alike_clips = _sound(parts[small], parts[large], tables, where)
        pairs += [(where, pair) for pair in alike_clips]
        found += of_sound
        found.append(_speakers(parts[small], parts[large], tables, where, comparable, between))
        found.append(_sentences(parts[small], parts[large], tables, where))
    for name, part in parts.items():
        inside = _alike(part) if _heard(part) is not None else []
        pairs += [(f"within {name}", pair) for pair in inside]
        if _heard(part) is not None:
            repeated = len({pair.other for pair in inside if pair.same})
            found.append(_count("repeated_clips", repeated, part, tables, f"{between}={name}"))
    notes = [text for text in (_unheard(clips),) if text]
    table = _listed(pairs, clips)
    return Outcome(answer=_answer(found), findings=found, tables=[table] if table.rows else [], notes=notes)


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """A clip of one split is copied into another, with its speaker, under another name."""
    clips = tables.clips.copy()
    small, large = clips["split"].value_counts().index[[-1, 0]]
    source = rng.choice(np.sort(clips.index[clips["split"] == small]))
    target = rng.choice(np.sort(clips.index[clips["split"] == large]))
    copied = [c for c in ("audio_hash", "audio_print", "speaker", "transcript") if c in clips]
    clips.loc[target, copied] = clips.loc[source, copied].to_numpy()
    return replace(tables, clips=clips)


def _sound(
    small: pd.DataFrame, large: pd.DataFrame, tables: Tables, where: str
) -> tuple[list[Finding], list[Pair]]:
    """Clips of the smaller part whose sound is in the other, and pairs that are nearly alike."""
    if _heard(small) is None or _heard(large) is None:
        reason = "the sound of a part could not be opened"
        return [_uncounted("shared_clips", small, large, where, reason)], []
    found = _alike(small, large)
    shared = {pair.one for pair in found if pair.same}
    both = pd.concat([small, large])
    near = sum(not pair.same for pair in found)
    return [
        _count("shared_clips", len(shared), both, tables, where),
        _count("near_duplicates", near, both, tables, where),
    ], found


def _heard(part: pd.DataFrame) -> pd.DataFrame | None:
    """The clips with a fingerprint, in the order of their names; None where there are none."""
    if not {"audio_hash", "audio_print"} <= set(part):
        return None
    heard = part.dropna(subset="audio_print").sort_index()
    return None if heard.empty else heard


def _alike(one: pd.DataFrame, other: pd.DataFrame | None = None) -> list[Pair]:
    """Pairs of clips that sound alike, between two parts or within one."""
    first, second = _heard(one), None if other is None else _heard(other)
    assert first is not None
    others = first if second is None else second
    found = {
        (first.index[i], others.index[j]): agreement
        for i, j, agreement in alike(
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
    """Pairs with one hash; equal samples count even where they are too quiet or short for a fingerprint."""
    by_hash = second.groupby(second).groups
    pairs = [(clip, other) for clip, key in first.items() for other in by_hash.get(key, ())]
    return [(a, b) for a, b in pairs if not within or str(a) < str(b)]


def _speakers(
    small: pd.DataFrame, large: pd.DataFrame, tables: Tables, where: str, comparable: bool, between: str
) -> Finding:
    if not comparable:
        reason = "speaker ids of different corpora are not comparable; --same-ids if they are"
        return _uncounted("shared_speakers", small, large, where, reason)
    if "speaker" not in small or small["speaker"].isna().all() or large["speaker"].isna().all():
        return _uncounted("shared_speakers", small, large, where, "a part names no speakers")
    shared = _speaker_ids(small, between) & _speaker_ids(large, between)
    return _count("shared_speakers", len(shared), pd.concat([small, large]), tables, where)


def _speaker_ids(part: pd.DataFrame, between: str) -> set[str]:
    """Ids of the speakers; between corpora without the corpus' name in front."""
    ids = part["speaker"].dropna().astype(str)
    return set(ids.str.partition(":")[2].where(ids.str.contains(":"), ids) if between == "corpus" else ids)


def _sentences(small: pd.DataFrame, large: pd.DataFrame, tables: Tables, where: str) -> Finding:
    column = next((c for c in ("transcript", "sentence") if c in small and small[c].notna().any()), None)
    if column is None or large[column].isna().all():
        return _uncounted("shared_sentences", small, large, where, "a part has no transcripts")
    texts = [set(part[column].dropna().astype(str).map(_words)) for part in (small, large)]
    return _count("shared_sentences", len(texts[0] & texts[1]), pd.concat([small, large]), tables, where)


def _words(text: str) -> str:
    """A sentence without case, punctuation and doubled spaces."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _count(name: str, count: int, part: pd.DataFrame, tables: Tables, where: str) -> Finding:
    """A count of facts: its interval has no width."""
    codes, by_speaker = speaker_codes(part)
    value = Estimate(
        value=float(count), low=float(count), high=float(count), n=len(part), units=len(np.unique(codes))
    )
    return finding(name, value, slice=where, by_speaker=by_speaker)


def _uncounted(name: str, small: pd.DataFrame, large: pd.DataFrame, where: str, reason: str) -> Finding:
    both = pd.concat([small, large])
    codes, by_speaker = speaker_codes(both)
    speakers = len(np.unique(codes))
    nothing = Estimate(value=np.nan, low=np.nan, high=np.nan, n=len(both), units=speakers, reason=reason)
    return finding(name, nothing, slice=where, by_speaker=by_speaker, withheld=reason)


def _unheard(clips: pd.DataFrame) -> str:
    unheard = int(clips["audio_print"].isna().sum()) if "audio_print" in clips else len(clips)
    return f"{unheard} of {len(clips)} clips could not be heard and were not compared." if unheard else ""


def _listed(pairs: Sequence[tuple[str, Pair]], clips: pd.DataFrame) -> Table:
    same = sum(pair.same for _, pair in pairs)
    rows: list[list[str | int | float | bool | None]] = [
        [where, pair.one, pair.other, (1 + pair.agreement) / 2, _evidence(pair)]
        for where, pair in sorted(pairs, key=lambda p: (not p[1].same, -p[1].agreement))[:SHOWN]
    ]
    more = f"; {len(pairs) - SHOWN} more are not listed" if len(pairs) > SHOWN else ""
    return Table(
        name="pairs",
        title="Clips that sound alike",
        columns=["where", "clip", "other clip", "equal bits", "evidence"],
        rows=rows,
        note=f"{same} pairs are one recording, {len(pairs) - same} are nearly alike (from "
        f"{(1 + NEAR) / 2:.0%} of the bits on){more}",
    )


def _evidence(pair: Pair) -> str:
    if pair.same_samples:
        return "the same samples"
    return "the same recording" if pair.same else "nearly alike: listen"


def _answer(found: Sequence[Finding]) -> str:
    totals: dict[str, int | None] = {}
    for name in ("shared_clips", "shared_speakers"):
        known = [f.value for f in found if f.name == name and f.value is not None]
        totals[name] = int(sum(known)) if known else None
    sound, speakers = totals["shared_clips"], totals["shared_speakers"]
    said = [
        "the sound could not be compared"
        if sound is None
        else f"{sound or 'no'} clips are also in another part",
        "speakers cannot be compared"
        if speakers is None
        else f"{speakers or 'no'} speakers are in two parts",
    ]
    twice = int(sum(f.value or 0 for f in found if f.name == "repeated_clips"))
    said += [f"{twice} clips are there twice within a part"] if twice else []
    return f"{said[0][0].upper()}{'; '.join(said)[1:]}."
