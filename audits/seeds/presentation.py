"""Tables, figures and sentences on checkpoints of one recipe."""

from collections.abc import Sequence

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Table
from sertools.results.terms.names import in_words
from sertools.wording import listed, plural

from .claims import Claim
from .spread import Spread

SCORES = ("uar", "ccc")
MOST_NAMED = 5


def name_of(claim: Claim) -> str:
    """Name of a claim, e.g. `CCC of arousal`."""
    text = f"{in_words(claim.name)} of {claim.target}"
    return text if claim.slice == "all" else f"{text}, {claim.slice}"


def tables(found: Sequence[Claim], parts: Sequence[Spread], models: Sequence[str]) -> list[Table]:
    """Every number by checkpoint, with its parts of variance and whether it survives all seeds."""
    rows: list[Row] = []
    for claim, part in zip(found, parts, strict=True):
        rows.append(
            [
                name_of(claim),
                claim.reference,
                *(float(v) for v in claim.values),
                *(part.recipe.value, part.recipe.low, part.recipe.high),
                *(part.seeds.value, part.seeds.low, part.seeds.high, part.speakers, part.share),
                "yes" if claim.survives else "no" if any(claim.signs) else "nothing shown",
            ]
        )
    columns = ["number", "compared with", *(f"{i + 1}: {name}" for i, name in enumerate(models))]
    columns += ["mean", "low", "high", "spread over seeds", "spread: low", "spread: high"]
    columns += ["error over speakers", "share of the variance due to the seed", "survives all seeds"]
    return [
        Table(
            name="seeds",
            title="Numbers of all checkpoints",
            columns=columns,
            rows=rows,
            note="mean: with the interval for other seeds and other speakers; survives: the intervals of all "
            "checkpoints are on the same side of the reference value; nothing shown: every interval "
            "contains it",
        )
    ]


def figures(found: Sequence[Claim], parts: Sequence[Spread], models: Sequence[str]) -> list[Figure]:
    """The scores of every checkpoint, and those of the recipe."""
    shown = [(claim, part) for claim, part in zip(found, parts, strict=True) if claim.name in SCORES]
    names = [name_of(claim) for claim, _ in shown]
    series = [
        interval_series(names, [claim.estimates[i] for claim, _ in shown], f"{i + 1}: {model}")
        for i, model in enumerate(models)
    ]
    series.append(interval_series(names, [part.recipe for _, part in shown], "recipe"))
    return [
        Figure(
            name="scores",
            kind="interval",
            title="Scores of each checkpoint, and of the recipe with other seeds and speakers",
            alt="; ".join(
                f"{name}: {part.recipe.value:.2f}" for name, (_, part) in zip(names, shown, strict=True)
            ),
            x_label="score",
            series=series,
        )
    ]


def answer(found: Sequence[Claim], parts: Sequence[Spread], same: Sequence[str]) -> str:
    """How far scores differ between seeds and between speakers, and which findings do not survive.

    Args:
        found: the numbers of all checkpoints
        parts: the parts of the variance of each number
        same: which checkpoints give exactly the same answers
    """
    scores = [
        f"{name_of(claim)} is {part.recipe.value:.2f}{interval_text(part.recipe)} (± {part.seeds.value:.3f} "
        f"by seeds, ± {part.speakers:.3f} by speakers)"
        for claim, part in zip(found, parts, strict=True)
        if claim.name in SCORES
    ]
    words = [f"{each[:1].upper()}{each[1:]}, so that the spread over seeds is too small." for each in same]
    words += [f"Over {plural(len(found[0].estimates), 'checkpoint')}, {listed(scores)}."]
    shown = [claim for claim in found if any(claim.signs)]
    lost = [name_of(claim) for claim in shown if not claim.survives]
    if shown:
        kept = len(shown) - len(lost)
        more = f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
        missing = f"; not: {', '.join(lost[:MOST_NAMED])}{more}" if lost else ""
        survive = "survives" if kept == 1 else "survive"
        words.append(
            f"{kept} of {plural(len(shown), 'finding')} that a checkpoint shows {survive} all seeds{missing}."
        )
    return " ".join(words)
