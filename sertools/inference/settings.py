"""Settings for how to compute."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from sertools.store.key import default_root
from sertools.store.remote import local

BATCH_SIZE = 8
"""Maximum number of clips in one forward pass."""

Progress = Callable[..., AbstractContextManager[Callable[[int], None]]]
"""(description, total, unit in the plural: clips by default) → context manager that yields `advance(n)`."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The part of the work that one of several workers does.

    Attributes:
        number: which part, from 0
        of: number of parts
    """

    number: int
    of: int

    def __str__(self) -> str:
        """As on the command line, where the first part is 1."""
        return f"{self.number + 1}/{self.of}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings for how to compute; except for the seed, none changes a number beyond its stated tolerance.

    Attributes:
        seed: random seed
        batch_size: maximum number of clips in one forward pass
        workers: number of decoding threads
        cache: root folder of the store, or the URL of one, such as `s3://bucket/folder`, which has a cache in
            front of it; None for the platform's user cache directory
        label_map: theirs → ours, for the labels of the model
        classes: the closed set of emotions that are judged; empty for all that model and corpus share
        progress: shows the progress of a long job
        fresh: compute results of audits again, although they are kept
        share: compute this part of the predictions only; None for all. A run that finds the other parts
            missing after that raises `OtherSharesMissingError`
        waited: called with the seconds for which the model had to wait for decoded clips
        over_time: step in s of the tracks that the report shows with recordings; None for no tracks
    """

    seed: int = 0
    batch_size: int = BATCH_SIZE
    workers: int = 2
    cache: Path | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    progress: Progress = lambda *step: nullcontext(lambda n: None)
    fresh: bool = False
    share: Share | None = None
    over_time: float | None = None
    waited: Callable[[float], None] = lambda seconds: None

    @property
    def root(self) -> Path:
        """Root folder of the store."""
        return local(self.cache) if self.cache else default_root()
