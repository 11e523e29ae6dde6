"""Tables, figures and sentences on what answers and layers reveal."""

from collections.abc import Mapping, Sequence

import numpy as np

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Table
from sertools.statistics.jackknife import Estimate
from sertools.wording import listed

from .attributes import BEST_LAYER, SPEAKER, Attribute
from .inputs import ACOUSTICS, ANSWERS, TRUTH, Inputs
from .membership import Membership
from .verification import Eer

VERIFICATION = "speaker (verification)"
METRICS = {"uar": "UAR", "ccc": "CCC", "accuracy": "accuracy"}
INPUTS_NOTE = (
    "labels: the true emotions and ratings of the same clips; best layer: the layer that is best on the "
    "training folds"
)


def tables(read: Sequence[Attribute], rates: Mapping[str, Eer]) -> list[Table]:
    """The score of every attribute from every input."""
    rows: list[Row] = [
        [each.of.name, METRICS[each.of.metric], name, each.of.chance, *_ends(score)]
        for each in read
        for name, score in each.scores.items()
    ]
    rows += [[VERIFICATION, "EER", name, 0.5, *_ends(each.rate)] for name, each in rates.items()]
    if not rows:
        return []
    return [
        Table(
            name="attributes",
            title="What can be read about unseen speakers",
            columns=["attribute", "score", "from", "chance", "value", "low", "high", "clips", "speakers"],
            rows=rows,
            note=INPUTS_NOTE,
        )
    ]


def _ends(value: Estimate) -> list[float]:
    return [value.value, value.low, value.high, value.n, value.units]


def figures(read: Sequence[Attribute], rates: Mapping[str, Eer]) -> list[Figure]:
    """The score of each input, for each attribute."""
    found = [
        Figure(
            name=f"read_{each.of.name}",
            kind="interval",
            title=f"{each.of.name[:1].upper()}{each.of.name[1:]} read from answers and layers",
            alt="; ".join(f"{name}: {score.value:.2f}" for name, score in each.scores.items()),
            x_label=f"{METRICS[each.of.metric]}; the line is chance",
            series=[interval_series(list(each.scores), list(each.scores.values()))],
            reference=each.of.chance,
        )
        for each in read
    ]
    if rates:
        found.append(
            Figure(
                name="verification",
                kind="interval",
                title="Verification of unseen speakers from answers and layers",
                alt="; ".join(f"{name}: {each.rate.value:.2f}" for name, each in rates.items()),
                x_label="equal error rate; .5 is chance, lower gives more away",
                series=[interval_series(list(rates), [each.rate for each in rates.values()])],
                reference=0.5,
            )
        )
    return found


def notes(known: Inputs, members: str) -> list[str]:
    """Notes on comparisons that were not possible."""
    found = []
    if not known.layers:
        found.append("The model has no layers, or they were not read: only the answers are judged.")
    if ACOUSTICS not in known.vectors and known.layers:
        found.append("No eGeMAPS functionals were measured to compare the layers with.")
    if not members:
        found.append("Membership of the training data was not measured: name its clips with --members.")
    return found


def answer(read: Sequence[Attribute], rates: Mapping[str, Eer], losses: Mapping[str, Membership]) -> str:
    """How well attributes are predicted from answers and layers, and training clips identified."""
    words = []
    # what rests on too few speakers for an interval is in the table only
    shown = [each for each in read if not np.isnan(each.scores[ANSWERS].low)]
    if shown:
        of_answers = [_from_answers(each) for each in shown]
        words.append(f"From the answers, {listed(of_answers)}.")
    layered = [each for each in shown if BEST_LAYER in each.scores]
    if layered:
        of_layers = [_from_layers(each) for each in layered]
        words.append(f"From the layers, {listed(of_layers)}.")
    return " ".join(
        [*words, *_verification_sentence(rates), *map(_membership_sentence, losses, losses.values())]
    )


def _from_answers(each: Attribute) -> str:
    of, score = each.of, each.scores[ANSWERS]
    what = "speakers are identified" if of.name == SPEAKER else f"{of.name} is read"
    return (
        f"{what} with {METRICS[of.metric]} {score.value:.2f}{interval_text(score)} (labels "
        f"{each.scores[TRUTH].value:.2f}, chance {of.chance:.2f})"
    )


def _from_layers(each: Attribute) -> str:
    beside = f" (eGeMAPS {each.scores[ACOUSTICS].value:.2f})" if ACOUSTICS in each.scores else ""
    return f"{each.of.name} with {each.scores[BEST_LAYER].value:.2f}{beside}"


def _verification_sentence(rates: Mapping[str, Eer]) -> list[str]:
    if ANSWERS not in rates:
        return []
    rate = rates[ANSWERS].rate
    layers = {name: each.rate.value for name, each in rates.items() if name.startswith("layer ")}
    best = min(layers, key=lambda name: layers[name], default="")
    beside = f"; from {best}: {layers[best]:.2f}" if best else ""
    return [
        "Unseen speakers are verified from the answers with an EER of "
        f"{rate.value:.2f}{interval_text(rate)} (chance 0.50{beside})."
    ]


def _membership_sentence(target: str, each: Membership) -> str:
    return (
        f"By the loss of {target}, a training clip is distinguished from another one in "
        f"{each.auc.value:.2f}{interval_text(each.auc)} of cases (chance 0.50; {each.members} clips in the "
        f"training, {each.others} not)."
    )
