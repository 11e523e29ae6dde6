"""How often does the interval of the share of words contain the true share?

Speakers say three words in three voices twice. Their own weights of both differ from the mean by a standard
deviation of a fifth, their level by .05, and single answers by .1, where words and voices move answers by
±.2.

    python -m tests.bench.share_of_words
"""

import sys

import numpy as np

from sertools.statistics.effects import differences, share_of_first, square

RUNS = 1000
SPEAKERS = (6, 12, 24, 91)
SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 1.0)


def covered(share: float, speakers: int, rng: np.random.Generator) -> tuple[bool, float]:
    """Whether the interval of one simulated corpus contains the share, and its width."""
    unit = np.repeat(np.arange(speakers), 18)
    words = np.tile(np.repeat(np.arange(3), 6), speakers)
    voice = np.tile(np.arange(3), 6 * speakers)
    own = rng.normal(1, 0.2, (speakers, 2))[unit]
    values = 0.2 * (share * (words - 1) * own[:, 0] + (1 - share) * (voice - 1) * own[:, 1])
    values = (values + rng.normal(0, 0.05, speakers)[unit] + rng.normal(0, 0.1, len(unit)))[:, None]
    first = square(differences(values, unit, words, voice))
    second = square(differences(values, unit, voice, words))
    found = share_of_first(first, second, len(values))
    return found.low <= share <= found.high, found.high - found.low


def main() -> None:
    """Prints a row for each share."""
    sys.stdout.write(
        "| true share | " + " | ".join(map(str, SPEAKERS)) + " |\n|---|" + "---|" * len(SPEAKERS) + "\n"
    )
    for share in SHARES:
        cells = []
        for speakers in SPEAKERS:
            rng = np.random.default_rng([int(100 * share), speakers])
            found = [covered(share, speakers, rng) for _ in range(RUNS)]
            cells.append(f"{np.mean([x for x, _ in found]):.3f} ({np.mean([w for _, w in found]):.2f})")
        sys.stdout.write(f"| {share:g} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
