"""Data attached to a corpus table: columns of votes, a file of raters, a file of attributes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sertools.corpora.attached.attributes import attached_attributes
from sertools.corpora.attached.raters_file import attached_raters
from sertools.corpora.clips import Attach
from sertools.corpora.layouts.manifest import MANIFESTS
from sertools.tables.votes import VOTES

USUAL = VOTES.removesuffix("_")


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Ratings of individual raters and other attributes that the table of a corpus lacks.

    Attributes:
        votes: what the columns with the votes of raters begin with, as `voice` of `voice_anger`
        raters: table with one row for each clip and rater, or with votes per clip
        attributes: table with attributes of the clips, or of the speakers, as sex and age
    """

    votes: str = USUAL
    raters: Path | None = None
    attributes: Path | None = None

    @classmethod
    def of(cls, raters: str, attributes: Path | None = None) -> "Beside":
        """What texts of options name.

        Args:
            raters: what columns of votes begin with, a file, or `FILE:PREFIX`; empty for `votes`
            attributes: a file; None for none

        >>> Beside.of("voice").votes, Beside.of("raters.csv:voice").raters
        ('voice', PosixPath('raters.csv'))
        """
        head, colon, tail = raters.rpartition(":")
        if colon and _is_file(head):
            return cls(votes=tail or USUAL, raters=Path(head).expanduser(), attributes=attributes)
        if _is_file(raters):
            return cls(raters=Path(raters).expanduser(), attributes=attributes)
        return cls(votes=raters.removesuffix("_") or USUAL, attributes=attributes)

    def attach(
        self, columns: Collection[str], column_map: Mapping[str, str]
    ) -> tuple[Mapping[str, str], list[Attach]]:
        """The names of the corpus' own columns, and what adds those of the other tables.

        A column that the corpus does not have is renamed in the other tables.

        Args:
            columns: columns of the corpus as written
            column_map: name as written → sertools' name
        """
        if self.raters is None and self.attributes is None:
            return column_map, []
        own = {theirs: ours for theirs, ours in column_map.items() if theirs in columns}
        other = {theirs: ours for theirs, ours in column_map.items() if theirs not in columns}
        attached: list[Attach] = []
        if self.attributes is not None:
            attached.append(partial(attached_attributes, path=self.attributes, column_map=other))
        if self.raters is not None:
            attached.append(partial(attached_raters, path=self.raters, votes=self.votes, column_map=other))
        return own, attached


NOTHING = Beside()


def _is_file(text: str) -> bool:
    """Whether a text names a file, also one that does not exist: by its ending or by a folder."""
    return bool(text) and (Path(text).suffix in MANIFESTS or "/" in text or Path(text).is_file())
