"""Where the store is, and in which folder the numbers of a model on a corpus under a condition are."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Key:
    """Identifies what a stored number depends on; each part is a readable name and a fingerprint."""

    model: tuple[str, str]
    corpus: tuple[str, str]
    condition: tuple[str, str]

    def folder(self, root: Path) -> Path:
        """The folder with the shards of this key."""
        return root.joinpath(*(_folder_name(*part) for part in (self.model, self.corpus, self.condition)))


def _folder_name(name: str, fingerprint: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9._@=+-]+", "-", name)[:60].strip("-.") or "unnamed"
    short = hashlib.blake2b(f"{name}\n{fingerprint}".encode(), digest_size=5).hexdigest()
    return f"{readable}-{short}"


def default_root() -> Path:
    """The store in the platform's user cache directory; XDG_CACHE_HOME moves it."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("sertools")) / "store"
