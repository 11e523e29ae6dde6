"""Summarises a comparison in a few sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence

from sertools.comparison import tables
from sertools.comparison.leaderboards.places import (
    main_measures,
    main_score,
    places_of,
    places_sentence,
    words,
)
from sertools.comparison.ranks import Differences
from sertools.comparison.runs import COLUMNS, MOST_NAMES, Measure, Run, direction, in_ranking, shortened
from sertools.results.provenance import training_sentences
from sertools.results.result import Finding, Verdict
from sertools.results.verdicts.regression_check import COMMON_CLIPS
from sertools.wording import are, plural


def answer(
    corpus: str,
    runs: Sequence[Run],
    measures: Sequence[Measure],
    pairs: Sequence[Mapping[Measure, Finding]],
) -> str:
    """Which runs were compared, and how many scores of each differ significantly from those of the first.

    The best one is named first. Above five runs the others are counted, not named.

    Args:
        corpus: name of the corpus, or of the corpora
        runs: the runs, of which the first is the one that others are compared with
        measures: what is measured
        pairs: differences of each run but the first
    """
    first = runs[0].name
    sentences = [f"Compared on {corpus}: {shortened([run.name for run in runs])}.", *_trained(runs)]
    counted = [_better_and_worse(runs, run, found) for run, found in zip(runs[1:], pairs, strict=True)]
    if len(runs) > MOST_NAMES:
        sentences += _best(runs)
        kinds = Counter((good > 0, bad > 0) for good, bad, _ in counted)
        sentences.append(
            f"Compared with {first}, {kinds[True, False]} are better beyond chance in some score and worse "
            f"in none, {kinds[False, True]} worse in some and better in none, {kinds[True, True]} both, "
            f"{kinds[False, False]} neither (95 % interval of each score by itself)."
        )
    else:
        sentences += _best(runs, without_place=False)
        for run, found, (good, bad, open_) in zip(runs[1:], pairs, counted, strict=True):
            sentences += _pair_sentences(run.name, first, found, good, bad, open_)
            sentences += _not_counted(runs[0], run, found)
    rows = tables.verdicts(runs, measures).rows
    decided_differently = sum({Verdict.PASS, Verdict.FAIL} <= set(row[len(COLUMNS) + 1 :]) for row in rows)
    differ = f"{plural(len(rows), 'verdict')} differ{'s' if len(rows) == 1 else ''}"
    sentences.append(
        f"{differ}, {decided_differently} of them between pass and fail." if rows else f"{differ}."
    )
    return " ".join([*sentences, *_people(runs)])


def _people(runs: Sequence[Run]) -> list[str]:
    """What one rater reaches in the main scores, and which runs are better or worse than that."""
    sentences = []
    for measure in [m for labels in ("emotion", "dimensions") for m in main_measures(labels, runs)]:
        known = {run.name: c for run in runs if (c := run.ceiling(measure)) is not None}
        one = next(iter(known.values()), None)
        if one is None:
            continue
        by: dict[str, list[str]] = {}
        for name, ceiling in known.items():
            by.setdefault(ceiling.comparison.removesuffix(" than one rater"), []).append(name)
        said = [f"{shortened(names)} {are(len(names))} {how}" for how, names in by.items()]
        score = words([measure], "emotion" if measure.key.target == "emotion" else "dimensions")
        sentences.append(f"One rater reaches a {score} of {one.text}: {'; '.join(said)}.")
    return sentences


def _trained(runs: Sequence[Run]) -> list[str]:
    """Which runs had clips of the corpus in their training, and what was judged; counted above five runs."""
    told = {run.name: training_sentences(list(run.results.values())) for run in runs if not run.published}
    having = {name: sentences for name, sentences in told.items() if sentences}
    if len(runs) > MOST_NAMES and having:
        return [f"Clips of the corpus were in the training of {shortened(list(having))}."]
    return [f"{name}: {sentence}" for name, sentences in having.items() for sentence in sentences]


def _better_and_worse(
    runs: Sequence[Run], run: Run, found: Mapping[Measure, Finding]
) -> tuple[int, int, int]:
    """Number of scores in which a run is significantly better than the first, worse, and neither."""
    signs = []
    for measure, change in found.items():
        judged = not (runs[0].is_unranked(measure) or run.is_unranked(measure))
        if judged and change.low is not None and change.high is not None:
            sign = (change.low > 0) - (change.high < 0)
            signs.append(sign if direction(runs, measure) == "higher" else -sign)
    return signs.count(1), signs.count(-1), signs.count(0)


def _pair_sentences(
    name: str, first: str, found: Mapping[Measure, Finding], good: int, bad: int, open_: int
) -> list[str]:
    """How a run differs from the first, and on which clips they are compared."""
    if not good + bad + open_:
        if any(change.low is not None for change in found.values()):
            return []  # the reason follows
        shared = sum(change.value is not None for change in found.values())
        return [
            f"{name} and {first} share {plural(shared, 'value')}, none paired by speaker, so no difference "
            "can be shown to be significant."
        ]
    rest = f"; {open_} {'does' if open_ == 1 else 'do'} not differ significantly" if open_ else ""
    sentences = [
        f"Of {plural(good + bad + open_, 'score')} paired by speaker, {name} is better beyond chance than "
        f"{first} in {good} and worse in {bad} (95 % interval of each score by itself){rest}."
    ]
    common = {f.n for f in found.values() if f.reason == COMMON_CLIPS}
    if common:
        sentences.append(
            f"They did not answer the same clips: scores are compared on the {min(common)} clips that both "
            "answered."
        )
    return sentences


def _not_counted(first: Run, run: Run, found: Mapping[Measure, Finding]) -> list[str]:
    """Which scores are not counted because a model is not shown to beat a constant in them."""
    paired = [measure for measure, change in found.items() if change.low is not None]
    behind = {each.name: sum(each.is_unranked(measure) for measure in paired) for each in (run, first)}
    return [
        f"In {n} of {plural(len(paired), 'score')} paired by speaker, {name} is not shown to beat a constant "
        "prediction; these are not counted."
        for name, n in behind.items()
        if n
    ]


def _best(runs: Sequence[Run], *, without_place: bool = True) -> list[str]:
    """The best run for emotion and for dimensions, and what is not shown about it.

    Args:
        runs: the runs
        without_place: whether it is also said that none has a place
    """
    sentences = []
    differences = Differences()
    toys = len(runs) - len(in_ranking(runs))
    runs = in_ranking(runs)
    for labels in ("emotion", "dimensions"):
        main = main_measures(labels, runs)
        scores = {run.name: main_score(run, main) for run in runs if not run.published}
        known = {name: score for name, score in scores.items() if score is not None}
        if known:
            ordered = dict(sorted(known.items(), key=lambda item: (-item[1], item[0])))
            having = [run for run in runs if run.name in ordered]
            places, reasons = places_of(having, main, differences)
            if places or without_place:
                sentences.append(places_sentence(ordered, places, reasons, words(main, labels)))
    if sentences and toys:
        sentences.append(f"{plural(toys, 'toy model is', 'toy models are')} not ranked.")
    return sentences
