"""Which figures of an audit are shown at once, which are folded, and which are chosen from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sertools.results.result import Figure, Result

MOST_SHOWN = 3
"""Most figures that are shown before unfolding."""


@dataclass(frozen=True)
class Choice:
    """Figures that are shown together when a reader chooses them: their indices in the result."""

    name: str
    figures: list[int]


@dataclass(frozen=True)
class Panel:
    """A figure, or figures among which a reader chooses, as maps by the colour of their points."""

    choices: list[Choice]


def panels(figures: Sequence[Figure]) -> list[Panel]:
    """The figures in their order; all that name a choice are one panel, in the place of the first of them."""
    found: list[Panel] = []
    chosen: dict[str, list[int]] = {}
    for i, figure in enumerate(figures):
        if not figure.choice:
            found.append(Panel([Choice("", [i])]))
            continue
        if not chosen:
            found.append(Panel([]))
            place = found[-1]
        if figure.choice not in chosen:
            chosen[figure.choice] = []
            place.choices.append(Choice(figure.choice, chosen[figure.choice]))
        chosen[figure.choice].append(i)
    return found


def shown(result: Result) -> tuple[list[Panel], list[Panel]]:
    """The panels that are shown, and those that are folded."""
    every = panels(result.figures)
    room, kept = MOST_SHOWN, 0
    for panel in every:
        room -= len(panel.choices[0].figures)
        if room < 0 and kept:
            break
        kept += 1
    return every[:kept], every[kept:]
