"""Random generators seeded by what is drawn (e.g. a clip and a condition), not by the order of draws."""

import hashlib

import numpy as np


def identity_rng(seed: int, *identity: str) -> np.random.Generator:
    """A random generator that depends only on the seed and on what is drawn, e.g. a clip and a condition.

    The order of calls, the number of workers and an interruption therefore cannot change a sample. The parts
    of the identity are delimited: ("ab", "c") and ("a", "bc") give different generators.

    >>> first, again = identity_rng(0, "clip 1", "white_noise"), identity_rng(0, "clip 1", "white_noise")
    >>> first.random() == again.random()
    True
    """
    digest = hashlib.blake2b(digest_size=32)
    for part in (str(seed), *identity):
        encoded = part.encode("utf-8")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    words = np.frombuffer(digest.digest(), dtype=np.uint32)
    return np.random.default_rng(np.random.SeedSequence(words))
