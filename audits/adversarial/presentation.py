"""The answer, tables and figures."""

from collections.abc import Sequence

import numpy as np

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Table
from sertools.tables.tables import Tables

from .success import METHODS, RANDOM, Attacked, level_of

NAMES = {"fgsm": "FGSM", "pgd": "PGD", "pgd_l2": "PGD (L2)", RANDOM: "random signs"}
"""Method → its name in figures."""

MAX_SHOWN = 10
"""Most examples of each target."""


def rates_table(found: Sequence[Attacked]) -> Table:
    """Success rates of all attacks, compared with those of random signs of the same size."""
    rows: list[Row] = []
    for each in found:
        for name in each.changed:
            if name.startswith(RANDOM):
                continue
            rate, other = each.rate(name), each.rate(f"{RANDOM}@{level_of(name)}")
            change = each.change_of_score(name)
            rows.append(
                [
                    *(each.target, name.partition("@")[0], snr_of(name), rate.value, rate.low, rate.high),
                    *(other.value, other.low, other.high, change.value, rate.n),
                ]
            )
    columns = ["target", "attack", "SNR in dB", "success rate", "low", "high"]
    columns += ["random signs", "random low", "random high", "change of score", "clips"]
    return Table(name="rates", title="Success of attacks and of random signs", columns=columns, rows=rows)


def snr_of(name: str) -> float:
    """The minimum signal-to-perturbation ratio that the name of an attack states, in dB.

    >>> snr_of("pgd@45dB")
    45.0
    """
    return float(level_of(name).removesuffix("dB"))


def examples_table(tables: Tables, found: Sequence[Attacked]) -> Table:
    """The clips whose answer is changed by the smallest change, with their answers."""
    rows: list[Row] = []
    for each in found:
        names = tables.model_classes if each.target == "emotion" else ()
        clips = each.pair.clips.astype(str).to_numpy()
        taken: set[str] = set()
        for name in sorted(each.changed, key=lambda n: (-snr_of(n), n)):
            if not name.startswith("pgd@"):
                continue
            hits = np.flatnonzero((each.changed[name] == 1) & np.isfinite(each.answers[name]))
            apart = np.abs(each.answers[name] - each.pair.prediction)
            size = np.zeros(len(apart)) if names else -apart
            for i in hits[np.lexsort((clips[hits], size[hits]))]:
                if (
                    clips[i] in taken
                    or len(taken) >= MAX_SHOWN
                    or each.pair.prediction[i] >= max(len(names), 2)
                ):
                    continue
                taken.add(clips[i])
                values = each.pair.prediction[i], each.answers[name][i]
                shown: list[str | float] = [names[int(v)] if names else float(v) for v in values]
                rows.append([clips[i], name, each.target, *shown])
    return Table(
        name="examples",
        title="Examples: answers that PGD changes with the smallest change",
        columns=["clip", "change", "target", "clean", "changed"],
        rows=rows,
        note=f"at most {MAX_SHOWN} for each target",
    )


def figures(found: Sequence[Attacked]) -> list[Figure]:
    """Success rate against the ratio of signal to change, one line for each attack and for random signs."""
    drawn = []
    for each in found:
        series = []
        for method in (*METHODS, RANDOM):
            names = sorted((n for n in each.changed if n.partition("@")[0] == method), key=snr_of)
            rates = [each.rate(name) for name in names]
            series.append(interval_series([snr_of(n) for n in names], rates, NAMES[method]))
        drawn.append(
            Figure(
                name=f"success_{each.target}",
                kind="line",
                title=f"Success of attacks on {each.target}",
                alt=f"Share of the answers on {each.target} that each attack changes, by the ratio in dB.",
                x_label="least ratio of signal to change in dB",
                y_label="share of answers that change",
                series=series,
            )
        )
    return drawn


def notes(tables: Tables, surrogate: str) -> list[str]:
    """Number of attacked clips, and the model whose gradient was used."""
    of = f"the gradient of {surrogate}" if surrogate else "the model's own gradient"
    return [f"{len(tables.clips)} clips were attacked with {of}."]


def answer(found: Sequence[Attacked], surrogate: str) -> str:
    """Success of PGD and of random signs at the smallest and at the largest change."""
    parts = []
    names = sorted((n for n in found[0].changed if n.startswith("pgd@")), key=snr_of, reverse=True)
    for name in dict.fromkeys([names[0], names[-1]]):
        rates = [(each.target, each.rate(name)) for each in found]
        shares = ", ".join(
            f"{rate.value:.0%}{interval_text(rate, '.0%')} of the predictions of {target}"
            for target, rate in rates
        )
        most = max(each.rate(f"{RANDOM}@{level_of(name)}").value for each in found)
        parts.append(f"{shares} at {snr_of(name):g} dB (random signs of the same size: at most {most:.0%})")
    of = f" with the gradient of {surrogate}" if surrogate else ""
    return f"PGD{of} changes {'; '.join(parts)}."
