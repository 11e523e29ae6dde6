"""The feed of a leaderboard, as JSON with a schema."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sertools.comparison.leaderboard import Group, Standing, verdicts
from sertools.comparison.runs import Measure
from sertools.results.result import Verdict


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Score(_Part):
    """One measured value; `rank` is null if the measure is not shared by all models of the group."""

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
    rank: int | None = Field(description="1 is best; models whose intervals overlap are tied")


class Model(_Part):
    """One model in a group."""

    model: str
    check: bool = Field(description="whether it is a toy model, ranked as a check (control)")
    page: str = Field(description="its page, relative to the feed")
    place: int | None = Field(description="1 + the number of models with a smaller mean rank")
    mean_rank: float | None = Field(description="mean over the counted audits")
    mean_rank_by_audit: dict[str, float]
    verdicts_by_audit: dict[str, dict[str, int]] = Field(description="audit → verdict → number of findings")
    scores: list[Score]


class Ranking(_Part):
    """Models that can be compared: audited on the same corpus, with the same kind of labels."""

    corpus: str
    labels: Literal["dimensions", "emotion"]
    audits_counted: list[str] = Field(description="audits that all models have; basis of mean_rank")
    models: list[Model] = Field(description="best model first")


class Feed(_Part):
    """Content of `feed.json`."""

    schema_version: Literal[1] = Field(
        default=1, alias="schema", description="increases when a name or a meaning changes"
    )
    groups: list[Ranking]

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def feed(groups: Sequence[Group], pages: Mapping[str, str]) -> Feed:
    """The ranking in machine-readable form.

    Args:
        groups: result of `board`
        pages: model → its page
    """
    return Feed(
        groups=[
            Ranking.model_validate(
                {
                    "corpus": group.corpus,
                    "labels": group.labels,
                    "audits_counted": list(group.counted),
                    "models": [_model(standing, group, pages) for standing in group.standings],
                }
            )
            for group in groups
        ]
    )


def _model(standing: Standing, group: Group, pages: Mapping[str, str]) -> Model:
    entry = standing.entry
    return Model(
        model=entry.model,
        check=entry.is_check,
        page=pages[entry.model],
        place=standing.place,
        mean_rank=standing.mean_rank,
        mean_rank_by_audit=dict(standing.by_audit),
        verdicts_by_audit={audit: verdicts(result) for audit, result in entry.run.results.items()},
        scores=[_score(measure, standing) for measure in entry.measures(group.labels)],
    )


def _score(measure: Measure, standing: Standing) -> Score:
    finding = standing.entry.run.findings[measure]
    return Score(
        audit=measure.audit,
        **finding.model_dump(exclude={"limit", "reason_code", "exact"}),
        rank=standing.ranks.get(measure),
    )
