"""Which scores can be expected on recordings without labels?

The corpus contains clips with and without labels, for instance from two tables: `--data labelled.csv --data
new.csv`. The score on the clips without labels is estimated for each `corpus` that has any, in two ways. A
clip whose emotion the model lacks, or on whose emotion raters did not agree, is left out.

*By confidence*: probabilities are scaled by a temperature (Guo et al. 2017) on the labelled clips, and the
labels of the other clips are assumed to be as likely as these probabilities say, which gives UAR. For a
dimension, the truth is assumed to follow the prediction as on the labelled clips (linear regression with its
residual variance), which gives CCC. Accuracy is also estimated by the threshold of confidence above which
lies as large a share of the labelled clips as is correct (Garg et al. 2022), and by the difference of the
mean confidences (Guillory et al. 2021). All of this assumes that the confidence of the model means the same
on the new clips as on the labelled ones.

*By prediction-powered inference* (Angelopoulos et al. 2023), if at least 50 of the new clips (clips of the
same `corpus`) have labels: the estimate by confidence is corrected by its error on these. It is unbiased
however good the model is, if the labelled clips are a random sample of the new ones, and its interval is
narrower than that of the labelled clips alone if the confidence is informative.

Two things are judged, on labelled clips, because nothing can be judged without labels. *Rehearsal*: the
labels of one part of the corpus are hidden (`--domain`: by default each `corpus`, `language` or `sex` in
turn, or else half of the speakers), its score is estimated by confidence from the other clips, and
`estimate_minus_score` is the error of that estimate. The limit is ours: ± .1. *Coverage*: sets of emotions,
and intervals of ratings, that should contain the truth for 90 % of the clips of a new speaker (hierarchical
conformal prediction, Lee, Barber & Willett 2023: each speaker has the same weight). `coverage_of_sets` is the
share for the speakers of the hidden part, with sets calibrated on the others, averaged over speakers. The
limit is ours: above .85. Fewer than 9 speakers cannot guarantee 90 %. Only models that are shown to beat a
constant can pass.

`drift` is the AUC of a linear probe that separates the clips without labels of a corpus from the labelled
clips on which their estimate rests, on speakers that it was not fitted on, by scores, last layer or sound; .5
means no drift. From .7 on (ours) the answer says that the estimate may be far off, and an estimate by
confidence passes only if the rehearsal was across corpora, or across `--domain`. A table lists the clips
whose labels would be most informative: those with the least certain answers, at most three per speaker.
Intervals are 95 %: jackknife over the speakers of the estimate and over those of the calibration, with
Student's t.
"""

from dataclasses import dataclass

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import detail, doubted, finding, skipped
from sertools.errors import AuditError, nearest
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.keys import Asks
from sertools.results.result import Finding, Limit
from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.tables.columns import SOUND_COLUMNS
from sertools.tables.pairs import pairs, scored_targets
from sertools.tables.tables import Tables

from . import presentation, sentences
from .answers import Answers, answers
from .conformal import Sets, sets
from .domains import BY_CONFIDENCE, Domain, domains
from .estimates import MIN_LABELLED
from .rehearsal import Part, parts_of, rehearse, split
from .summary import Summary

ASKS = Asks(
    question="Can its score be estimated without labels?", claim="predictable without labels", rank=65
)

EXPLANATIONS = {
    "estimate_minus_score": (
        "UAR or CCC of a part of the corpus, estimated by confidence with the labels of the part hidden, "
        "minus the score; 0 is a perfect estimate."
    ),
    "coverage_of_sets": (
        "Share of the clips of an unseen speaker whose truth is in the predicted set of emotions, or in "
        "the predicted interval, averaged over speakers; the target is .9."
    ),
    "size_of_sets": "Mean number of emotions in these sets, or width of the intervals on a scale from 0 to "
    "1.",
    "estimated_score": "UAR or CCC that is to be expected on clips without labels.",
    "estimated_accuracy": "Accuracy that is to be expected on clips without labels.",
    "drift": (
        "How well a linear probe separates clips without labels from those with labels: area under the "
        "curve; .5 is not at all, 1 is always."
    ),
}

LIMITS = [
    Limit(
        name="estimate_minus_score",
        above=-0.1,
        below=0.1,
        source="ours: farther off, a model would be released or rejected wrongly",
    ),
    Limit(
        name="coverage_of_sets", above=0.85, source="ours: at most 1.5 times the misses that are asked for"
    ),
]
FEW_SPEAKERS = "too few speakers to guarantee this coverage; sets hold everything"


def needs(*, domain: str, miss: float, next_clips: int) -> Needs:
    """Clean predictions; layers and audio where there are any.

    Raises:
        AuditError: a share of misses outside (0, 1)
    """
    if not 0 < miss < 1:
        raise AuditError(f"miss is {miss:g}", hint="give a share of clips between 0 and 1")
    return Needs(labels="either", optional_layers=True, optional_columns=SOUND_COLUMNS)


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    domain: str = "",
    miss: float = 0.1,
    next_clips: int = 20,
) -> Outcome:
    """Estimate scores on clips without labels, and test how far such estimates can be trusted.

    Args:
        tables: clips with and without labels, and clean predictions
        rng: divides the speakers, where no column does
        domain: column whose values are hidden in turn; by default corpus, language or sex
        miss: share of the clips of a new speaker that may lie outside their sets
        next_clips: number of clips to list whose labels would teach most

    Raises:
        AuditError: the column does not exist, or does not divide the labelled clips
    """
    if domain and domain not in tables.clips:
        known = [str(name) for name in tables.clips]
        raise AuditError(f"the corpus has no column {domain!r}", hint=nearest(domain, known))
    seed = int(rng.integers(2**31))
    summaries = [_summary(tables, target, domain, miss, seed) for target in scored_targets(tables)]
    return Outcome(
        answer=sentences.answer(summaries),
        findings=[f for each in summaries for f in each.findings],
        tables=presentation.tables(summaries, tables, next_clips),
        figures=presentation.figures(summaries),
        notes=sentences.notes(summaries, tables),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Exchange the predictions of one language, or of men, among each other: as sure as before, and wrong."""
    column = next((c for c in ("corpus", "language", "sex") if c in tables.clips), "")
    rows = np.arange(len(tables.clips))
    if column and tables.clips[column].nunique() > 1:
        value = sorted(tables.clips[column].dropna().astype(str).unique())[0]
        inside = np.flatnonzero((tables.clips[column].astype(str) == value).to_numpy())
        rows[inside] = rng.permutation(inside)
    return tables.with_predictions(
        {key: scores.iloc[rows].set_axis(scores.index) for key, scores in tables.predictions.items()}
    )


def _summary(tables: Tables, target: str, domain: str, miss: float, seed: int) -> Summary:
    """Everything about one target."""
    given, pair = answers(tables, target), pairs(tables, target)
    withheld = not_better_than_constant(pair, pair.classes) if pair.units >= MIN_UNITS else ""
    judging = _Judging(given=given, withheld=withheld, coverage=pair.coverage)
    labelled = given.take(given.labelled)
    if len(labelled.clips) < MIN_LABELLED or len(np.unique(labelled.unit)) < MIN_UNITS:
        fewest = f"fewer than {MIN_UNITS} speakers or {MIN_LABELLED} labelled clips"
        missing = skipped("estimate_minus_score", tables, fewest, target=target)
        return Summary(given=given, findings=[missing], reason=fewest)
    parts = parts_of(tables.clips, labelled, domain, seed)
    rehearsals = {part.name: rehearse(labelled, part) for part in parts}
    new = domains(tables, given)
    doubt = _not_rehearsed(parts, new, domain or "corpus")
    found = [
        doubted(judging.judged("estimate_minus_score", value, where=name), doubt, "other_clips")
        for name, value in rehearsals.items()
    ]
    in_parts: dict[str, Sets] = {}
    if given.is_emotion and given.in_words:
        reason = "answers in words have no probabilities"
        found.append(skipped("coverage_of_sets", tables, reason, target=target))
    else:
        in_parts = {part.name: _sets_of(labelled, part, miss) for part in parts}
        found += [f for name, each in in_parts.items() for f in _set_findings(judging, name, each, doubt)]
    found += [f for each in new for f in _of_domain(judging, each)]
    return Summary(given=given, findings=found, rehearsals=rehearsals, sets=in_parts, domains=new)


def _not_rehearsed(parts: list[Part], new: list[Domain], domain: str) -> str:
    """Why the rehearsals do not vouch for the clips without labels; empty if they do.

    Parts of other corpora are as different as new ones are, and so are those that the user names. Halves of
    the speakers are not, which take their place where too few clips of a part have labels.

    Args:
        parts: the parts that were hidden in turn
        new: the clips without labels
        domain: the column whose parts vouch
    """
    far = [each for each in new if each.drifted and each.method == BY_CONFIDENCE]
    if not far or parts[0].name.startswith(f"{domain}="):
        return ""
    return "the clips without labels differ from the labelled ones, and no rehearsal was across corpora"


def _of_domain(judging: "_Judging", domain: Domain) -> list[Finding]:
    """What is expected of the clips without labels of one corpus, and how far they have drifted."""
    given = judging.given
    scores = [
        judging.judged("estimated_score", value, where=domain.part(method))
        for method, value in domain.scores.items()
    ]
    accuracies = [
        Finding(
            name="estimated_accuracy",
            target=given.target,
            slice=domain.part(f"by {method}"),
            value=value,
            n=domain.clips,
            speakers=domain.speakers if given.by_speaker else None,
            reason="an estimate that rests on the confidence alone, without an interval",
        )
        for method, value in domain.accuracies.items()
    ]
    drifts = [
        finding(
            "drift", value, by_speaker=given.by_speaker, target=given.target, slice=domain.part(f"in {name}")
        )
        for name, value in domain.drifts.items()
    ]
    return [detail(each) for each in (*scores, *accuracies, *drifts)]


def _sets_of(labelled: Answers, part: Part, miss: float) -> Sets:
    """The sets of the speakers of one part, calibrated on all others."""
    hidden, rest = split(labelled, part)
    return sets(rest, hidden, miss)


def _set_findings(judging: "_Judging", part: str, each: Sets, doubt: str) -> list[Finding]:
    """How often the sets of speakers of one part hold the truth, calibrated on the others, and how large they
    are.
    """
    held = doubted(judging.judged("coverage_of_sets", each.coverage, where=part), doubt, "other_clips")
    if not np.isfinite(each.bound):
        held = held.model_copy(update={"reason": FEW_SPEAKERS, "reason_code": "trivially_met"})
    return [held, detail(judging.judged("size_of_sets", each.size, where=part))]


@dataclass(frozen=True, kw_only=True)
class _Judging:
    """What all findings of a target have in common."""

    given: Answers
    withheld: str
    coverage: float

    def judged(self, name: str, value: Estimate, where: str = "all") -> Finding:
        """A finding of the target."""
        return finding(
            name,
            value,
            by_speaker=self.given.by_speaker,
            target=self.given.target,
            slice=where,
            withheld=self.withheld,
            coverage=self.coverage,
        )
