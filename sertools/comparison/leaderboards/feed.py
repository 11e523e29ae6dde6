"""The feed of a leaderboard, as JSON with a schema."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sertools.comparison.leaderboards.leaderboard import Group, Standing, verdicts
from sertools.comparison.runs import Measure
from sertools.results.result import Verdict


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Score(_Part):
    """One measured value; `rank` is null if the models of the group have no paired differences on it."""

    audit: str
    name: str
    target: str
    slice: str
    value: float | None
    low: float | None = Field(description="lower end of the 95 % interval")
    high: float | None
    n: int = Field(description="number of clips")
    speakers: int | None
    verdict: Verdict
    reason: str = Field(description="why the value, interval or verdict is missing or inconclusive")
    one_rater: float | None = Field(description="what one rater reaches on the same clips, if known")
    one_rater_low: float | None = Field(description="lower end of the 95 % interval")
    one_rater_high: float | None
    rank: int | None = Field(description="best rank that the paired differences allow; 1 is best")
    rank_to: int | None = Field(description="worst rank that the paired differences allow")


class Model(_Part):
    """One model in a group."""

    model: str
    check: bool = Field(description="whether it is a toy model, which has no place in the ranking")
    page: str = Field(description="its page, relative to the feed")
    place: int | None = Field(description="1 + the number of models that are significantly better")
    place_to: int | None = Field(description="the last place that the model may have")
    score: float | None = Field(description="value of the measure that decides the order")
    reason: str = Field(description="why the model has no place, or is behind all others")
    mean_rank_by_audit: dict[str, float] = Field(description="mean of its best ranks; not part of the order")
    verdicts_by_audit: dict[str, dict[str, int]] = Field(description="audit → verdict → number of findings")
    scores: list[Score]


class Ranking(_Part):
    """Models that can be compared: audited on the same corpus, with the same kind of labels."""

    corpus: str
    labels: Literal["dimensions", "emotion"]
    order_by: str = Field(description="the measure that decides the order")
    models: list[Model] = Field(description="best score first, models without a place last")


class Feed(_Part):
    """Content of `feed.json`."""

    schema_version: Literal[2] = Field(
        default=2, alias="schema", description="increases when a name or a meaning changes"
    )
    groups: list[Ranking]

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def ranking(group: Group, pages: Mapping[str, str]) -> Ranking:
    """A ranking in machine-readable form.

    Args:
        group: one of the result of `board`
        pages: model → its page
    """
    return Ranking(
        corpus=group.corpus,
        labels="emotion" if group.labels == "emotion" else "dimensions",
        order_by=group.order_by,
        models=[_model(standing, group, pages) for standing in group.standings],
    )


def _model(standing: Standing, group: Group, pages: Mapping[str, str]) -> Model:
    entry = standing.entry
    return Model(
        model=entry.model,
        check=entry.is_check,
        page=pages[entry.model],
        place=standing.place,
        place_to=standing.places.worst if standing.places else None,
        score=standing.score,
        reason=standing.reason,
        mean_rank_by_audit=dict(standing.by_audit),
        verdicts_by_audit={audit: verdicts(result) for audit, result in entry.run.results.items()},
        scores=[_score(measure, standing) for measure in entry.measures(group.labels)],
    )


NOT_IN_FEED = frozenset(
    {"limit", "reason_code", "exact", "low_90", "high_90", "detail", "p_value", "watch", "ceiling"}
)
"""Fields of findings that a feed leaves out."""


def _score(measure: Measure, standing: Standing) -> Score:
    finding, ranks = standing.entry.run.findings[measure], standing.ranks.get(measure)
    ceiling = finding.ceiling
    return Score(
        audit=measure.audit,
        **finding.model_dump(exclude=set(NOT_IN_FEED)),
        one_rater=ceiling.value if ceiling else None,
        one_rater_low=ceiling.low if ceiling else None,
        one_rater_high=ceiling.high if ceiling else None,
        rank=ranks.best if ranks else None,
        rank_to=ranks.worst if ranks else None,
    )
