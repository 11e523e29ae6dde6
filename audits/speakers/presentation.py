"""Table, figures, answer and notes."""

import numpy as np

from sertools.auditing.tables import Row
from sertools.results.result import Figure, Series, Table
from sertools.tables.pairs import Pairs
from sertools.wording import plural

from .scores import MIN_CLIPS_FOR_SCORE, Protocol, Speaker, compared_in_spread, compared_speakers, worst_first

MAX_SPEAKERS_SHOWN = 20
"""Number of worst and of best speakers in a figure that has no room for all."""


def speaker_rows(speakers: list[Speaker], target: str) -> list[Row]:
    """A row for each speaker, worst first, then those without a score."""
    undefined = [speaker for speaker in speakers if np.isnan(speaker.score.value)]
    return [
        [
            *(target, each.name, each.score.n, each.score.value, each.score.low, each.score.high),
            *(each.judged, each.mean, each.deviation, each.low, each.high),
        ]
        for each in [*worst_first(speakers), *undefined]
    ]


def speakers_table(rows: list[Row], protocol: Protocol) -> Table:
    """The score of each speaker on each target."""
    columns = ["target", "speaker", "clips", "score", "low", "high", "judged", "mean of draws"]
    columns += ["deviation of draws", "2.5 % of draws", "97.5 % of draws"]
    return Table(
        name="speakers",
        title="Score of each speaker, worst first",
        columns=columns,
        rows=rows,
        note="score over all clips, with an interval over the speaker's clips; judged: the speaker has more "
        f"than {plural(protocol.min_clips, 'clip')}, and the score is computed on "
        f"{plural(protocol.draws, 'draw')} of {plural(protocol.min_clips, 'clip')}",
    )


def speaker_figure(speakers: list[Speaker], target: str) -> Figure:
    """Figure of speakers, worst to best: draws if the protocol judges them, else scores over all clips."""
    compared, by_protocol = compared_speakers(speakers)
    metric, scored = _metric(target), worst_first(compared)
    shown, which = scored, ""
    if len(scored) > 2 * MAX_SPEAKERS_SHOWN:
        shown = [*scored[:MAX_SPEAKERS_SHOWN], *scored[-MAX_SPEAKERS_SHOWN:]]
        which = f", the {MAX_SPEAKERS_SHOWN} worst and the {MAX_SPEAKERS_SHOWN} best of {len(scored)}"
    what = "score over all clips, 95 % interval over clips"
    if by_protocol:
        what = "mean and 95 % range of draws"
    series = Series(
        x=[f"{s.name} ({plural(s.score.n, 'clip')})" for s in shown],
        y=[s.mean if by_protocol else s.score.value for s in shown],
        low=[s.low if by_protocol else s.score.low for s in shown],
        high=[s.high if by_protocol else s.score.high for s in shown],
    )
    return Figure(
        name=f"speakers_{target}",
        kind="interval",
        title=f"{metric} of {target} by speaker{which}",
        alt=f"{metric} of {target} for each of {plural(len(shown), 'speaker')}, ordered: {what}.",
        x_label=metric,
        series=[series],
        reference=0.0 if target != "emotion" else None,
    )


def sentence(speakers: list[Speaker], pair: Pairs, target: str) -> str:
    """The scores of the worst and of the best speaker, after a warning if most have one emotion only."""
    confounded = _one_emotion_sentence(pair) if target == "emotion" else ""
    return " ".join(filter(None, [confounded, _extremes_sentence(speakers, target)]))


def _one_emotion_sentence(pair: Pairs) -> str:
    """That most speakers have clips of a single emotion; empty if they have not."""
    named = np.ones(pair.n, dtype=np.bool_) if pair.named is None else pair.named
    of_speakers = np.unique(np.stack([pair.unit[named], pair.truth[named]]), axis=1)[0]
    emotions = np.unique(of_speakers, return_counts=True)[1]
    single = int((emotions == 1).sum())
    if single <= len(emotions) / 2:
        return ""
    return (
        f"{single} of {plural(len(emotions), 'speaker has', 'speakers have')} clips of one emotion only, "
        "so effects of speakers and of emotions cannot be separated in this corpus."
    )


def _extremes_sentence(speakers: list[Speaker], target: str) -> str:
    """The scores of the worst and of the best speaker."""
    metric, scored = _metric(target), worst_first(speakers)
    if not scored:
        return f"{metric} of {target} is undefined for every speaker."
    worst, best = scored[0], scored[-1]
    if worst is best:
        return f"{metric} of {target} is {worst.score.value:.2f} for the only speaker with a score."
    return (
        f"{metric} of {target} is {worst.score.value:.2f} for the worst of {len(scored)} speakers "
        f"(speaker {worst.name}, {plural(worst.score.n, 'clip')}) and {best.score.value:.2f} for the best "
        f"(speaker {best.name}, {plural(best.score.n, 'clip')})."
    )


def notes(speakers: list[Speaker], pair: Pairs, target: str, min_clips: int) -> list[str]:
    """Notes on the judged speakers, the left-out speakers, and the spread to expect by chance alone."""
    sizes = np.bincount(pair.unit, minlength=pair.units)
    compared, by_protocol = compared_speakers(speakers)
    judged = int((sizes > min_clips).sum())
    have = "has" if judged == 1 else "have"
    more = f"{have} more than {plural(min_clips, 'clip')}"
    first = f"{target}: {judged} of {plural(len(sizes), 'speaker')} {more}"
    instead = f", so all with at least {MIN_CLIPS_FOR_SCORE} clips are compared instead."
    found = [first + (" and are judged." if by_protocol else instead)]
    too_few = int((sizes < MIN_CLIPS_FOR_SCORE).sum())
    if too_few:
        found.append(
            f"{target}: {plural(too_few, 'speaker has', 'speakers have')} fewer than "
            f"{MIN_CLIPS_FOR_SCORE} clips and no score."
        )
    same = sum(speaker.same_truth for speaker in compared)
    if same:
        what = "emotion" if target == "emotion" else "rating"
        found.append(
            f"{target}: {plural(same, 'speaker has', 'speakers have')} the same {what} in all clips and no "
            f"{_metric(target)}."
        )
    found += _spread_note(compared_in_spread(compared, target), target)
    return found


def _spread_note(speakers: list[Speaker], target: str) -> list[str]:
    """How far the observed scores spread, and how far they would if all speakers were served alike."""
    if len(speakers) < 2:
        return []
    observed = float(np.std([speaker.score.value for speaker in speakers], ddof=1))
    by_chance = float(np.sqrt(np.mean([speaker.error**2 for speaker in speakers])))
    return [
        f"{target}: the scores of {plural(len(speakers), 'speaker')} spread by {observed:.2f}; "
        f"the limited number of clips alone gives a spread of about {by_chance:.2f}."
    ]


def _metric(target: str) -> str:
    return "UAR" if target == "emotion" else "CCC"
