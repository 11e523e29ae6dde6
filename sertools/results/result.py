"""The result of an audit, stored as JSON that people, CI and later versions can read."""

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sertools.results import display, frames
from sertools.results.keys import Asks, FindingKey, ReasonCode
from sertools.results.values import Ceiling, Count, are_lists, finite

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 2
"""Version of the result file format; it increases when a name or a meaning changes.

2: findings have the 90 % interval, by which a limit is passed (schema 1: by the 95 % interval).
"""

READABLE = (1, SCHEMA)
"""Versions that can be read."""

NON_RESULT_FILES = frozenset({"report.json", "index.json"})
"""JSON files of a report folder that are not results: all results combined, and the list of recordings."""


class Verdict(StrEnum):
    """The verdict of a limit on a finding; `none` if no limit applies to it."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    NONE = "none"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Strict):
    """The allowed range of a finding, with the source of the range.

    `name`, `target` and `slice` are shell patterns matched against the finding. Bounds are strict
    (`above` < value < `below`); one of them may be missing. One of `detail` decides nothing; a user's own,
    which has a reason (`why`), always decides.
    """

    name: str
    target: str = "*"
    slice: str = "*"
    above: float | None = Field(default=None, allow_inf_nan=False)
    below: float | None = Field(default=None, allow_inf_nan=False)
    source: str = ""
    why: str = ""
    detail: bool = Field(default=False, exclude_if=lambda detail: not detail)

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError(f"limit {self.name!r} needs 'above' or 'below'")
        if self.above is not None and self.below is not None and not self.above < self.below:
            ends = f"above {self.above:g}, below {self.below:g}"
            raise ValueError(f"limit {self.name!r} contradicts itself: {ends}")
        return self

    def __str__(self) -> str:
        if self.above is None:
            return f"< {self.below:g}"
        if self.below is None:
            return f"> {self.above:g}"
        return f"{self.above:g} … {self.below:g}"


class Finding(_Strict):
    """One number with its uncertainty, or the reason why there is none.

    Attributes:
        name: the field's term for what was measured, e.g. `ccc`, `sex_score`
        target: the label it was measured on, e.g. `arousal`, `emotion`, `anger`
        slice: the clips it was measured on; `all`, or `sex=female`
        value: the number; None if it is undefined, and then `reason` explains why
        low, high: 95 % confidence interval that accounts for speakers; None if there is none
        low_90, high_90: the 90 % interval, by which a limit is passed; only written if there is one
        n: number of clips used
        speakers: number of speakers used; None if the corpus names no speakers
        verdict, limit: the limit that applies and its verdict
        reason: why the value or the interval is missing, or what restricts the verdict
        reason_code: a stable code for reasons that programs act on; None for all others
        exact: whether it is a count without uncertainty, judged by its value; only written if true
        detail: whether it is shown and decides nothing, unlike a headline finding; only written if true
        p_value: of the audit's own test of no effect; only written if it made one
        watch: whether this detail stands out after Holm's correction; only written if true
        ceiling: what one rater reaches on the same clips; only written where the raters are known
    """

    name: str
    target: str = "all"
    slice: str = "all"
    value: float | None
    low: float | None = None
    high: float | None = None
    low_90: float | None = Field(default=None, exclude_if=lambda bound: bound is None)
    high_90: float | None = Field(default=None, exclude_if=lambda bound: bound is None)
    n: Count
    speakers: Count | None = None
    verdict: Verdict = Verdict.NONE
    limit: Limit | None = None
    reason: str = ""
    reason_code: ReasonCode | None = None
    exact: bool = Field(default=False, exclude_if=lambda exact: not exact)
    detail: bool = Field(default=False, exclude_if=lambda detail: not detail)
    p_value: float | None = Field(default=None, exclude_if=lambda p: p is None)
    watch: bool = Field(default=False, exclude_if=lambda watch: not watch)
    ceiling: Ceiling | None = Field(default=None, exclude_if=lambda ceiling: ceiling is None)

    @field_validator("value", "low", "high", "low_90", "high_90", "p_value", mode="before")
    @classmethod
    def _nan_is_null(cls, value: Any) -> Any:
        return finite(value)

    @model_validator(mode="after")
    def _null_has_a_reason(self) -> Self:
        if self.value is None and not self.reason:
            raise ValueError(f"finding {self.name!r} has no value and no reason")
        return self

    @property
    def key(self) -> FindingKey:
        """What it measures; results of several models are matched by it."""
        return FindingKey(self.name, self.target, self.slice)

    @property
    def headline(self) -> bool:
        """Whether it decides the verdict of its audit, and the exit code."""
        return self.limit is not None and not self.detail

    @property
    def decides(self) -> Verdict:
        """The verdict that counts: that of a headline finding; `none` for a detail."""
        return Verdict.NONE if self.detail else self.verdict

    @property
    def label(self) -> str:
        """What it measures, in a few words.

        >>> Finding(name="ccc", target="arousal", value=0.1, n=2).label
        'ccc of arousal'
        """
        return self.key.label

    @property
    def value_text(self) -> str:
        """The value, rounded for display; a dash if there is none.

        >>> Finding(name="ccc", value=0.61234, n=9).value_text
        '0.612'
        """
        return display.fixed(self.value, self._decimals)

    @property
    def interval_text(self) -> str:
        """The 95 % interval, rounded like the value; a dash if there is none, and for a count.

        >>> Finding(name="ccc", value=0.7, low=0.61234, high=0.78, n=9).interval_text
        '[0.612, 0.780]'
        """
        return display.ABSENT if self.exact else display.interval(self.low, self.high, self._decimals)

    @property
    def limit_text(self) -> str:
        """The limit without its source; a dash if there is none."""
        return display.with_minus(str(self.limit)) if self.limit else display.ABSENT

    @property
    def _decimals(self) -> int:
        bounds = [self.limit.above, self.limit.below] if self.limit else []
        # a count is exact with an interval of width 0, and a share such as coverage without one
        count, numbers = self.exact and self.low is not None, [self.value, self.low, self.high]
        return 0 if count else display.finding_decimals(numbers, bounds)


class Table(_Strict):
    """A table of the report: one list per row, unrounded numbers, None where undefined."""

    name: str
    title: str
    columns: list[str]
    rows: list[list[str | int | float | bool | None]]
    note: str = ""

    @field_validator("rows", mode="before")
    @classmethod
    def _nan_is_null(cls, rows: Any) -> Any:
        if not are_lists([rows]) or not are_lists(rows):
            return rows  # the type is checked afterwards
        if any(isinstance(v, int) and abs(v) >= 2**63 for row in rows for v in row):
            raise ValueError("a number is too large")
        return [[None if isinstance(v, float) and not math.isfinite(v) else v for v in row] for row in rows]

    @model_validator(mode="after")
    def _rows_fit_columns(self) -> Self:
        wrong = [i for i, row in enumerate(self.rows) if len(row) != len(self.columns)]
        if wrong:
            raise ValueError(f"table {self.name!r}: row {wrong[0]} does not have {len(self.columns)} columns")
        return self

    def to_pandas(self) -> "pd.DataFrame":
        """The table as a DataFrame, unrounded; a column name that repeats gets a number.

        Columns have one nullable type each, and are text if they mix text and numbers.
        """
        return frames.frame(self.columns, self.rows)


class Series(_Strict):
    """One line, row of dots or group of bars in a figure; `low` and `high` are its interval, if it has one.

    `shade` colours the points of a cloud by these values instead of with a single colour.
    """

    name: str = ""
    x: list[float | str]
    y: list[float | None]
    low: list[float | None] | None = None
    high: list[float | None] | None = None
    shade: list[float | None] | None = None

    @field_validator("y", "low", "high", "shade", mode="before")
    @classmethod
    def _nan_is_null(cls, values: Any) -> Any:
        return [finite(v) for v in values] if are_lists([values]) else values

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        for name in ("y", "low", "high", "shade"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.x):
                raise ValueError(f"series {self.name!r} has {len(values)} {name} for {len(self.x)} x")
        return self


class Figure(_Strict):
    """The content of a figure; how it looks is up to the report.

    `interval` is a dot plot: `x` names the rows, `y` are the values with `low` and `high`. `histogram` and
    `bar` take bin or category names in `x`; `line`, `scatter` and `panels`, which draws each series by
    itself, take numbers. `heat` takes one series per row; `x` names the columns. `radar` takes values from 0
    to 1; `x` names the spokes. `band` shades a tolerated range of the value axis; `reference` draws a line at
    a value. Of the figures that have a `choice`, such as the column that colours a map, a reader sees one.
    """

    name: str
    kind: Literal["line", "interval", "bar", "heat", "scatter", "cloud", "histogram", "radar", "panels"]
    title: str
    alt: str
    x_label: str = ""
    y_label: str = ""
    series: list[Series]
    band: tuple[float | None, float | None] | None = None
    reference: float | None = None
    choice: str = Field(default="", exclude_if=lambda choice: not choice)


class LeftOut(_Strict):
    """Leave-one-speaker-out values of a finding: its value without each speaker in turn.

    They allow a comparison of two results, paired by speaker, from the result files alone.

    Attributes:
        name, target, slice: as in the finding
        better: whether higher or lower values are better
        values: speaker → the value without that speaker's clips
        effective_clips: how many independent clips a share is worth at most; only written for shares
    """

    name: str
    target: str = "all"
    slice: str = "all"
    better: Literal["higher", "lower"] = "higher"
    values: dict[str, Annotated[float, Field(allow_inf_nan=False)]]
    effective_clips: float | None = Field(default=None, exclude_if=lambda clips: clips is None)

    @property
    def key(self) -> FindingKey:
        """The key of the finding that the values belong to."""
        return FindingKey(self.name, self.target, self.slice)


class Sound(_Strict):
    """A clip worth listening to, and why; its audio, if saved, is a file in the result's folder.

    Attributes:
        clip: clip id in the corpus
        condition: the perturbation to play in addition to the clean audio; `clean` for none
        target: the predicted label
        truth, clean, changed: ground truth, and predictions on clean and on perturbed audio; None if unknown
        caption: what the clip shows, in one sentence
        speaker, transcript: speaker and text of the clip; empty if the corpus has none
    """

    clip: str
    condition: str = "clean"
    target: str
    truth: str | float | None = None
    clean: str | float | None = None
    changed: str | float | None = None
    caption: str
    speaker: str = ""
    transcript: str = ""

    @field_validator("truth", "clean", "changed", mode="before")
    @classmethod
    def _nan_is_null(cls, value: Any) -> Any:
        return None if isinstance(value, float) and not math.isfinite(value) else value


class Missing(_Strict):
    """A clip without a prediction, and why.

    Attributes:
        asked: whether the model could hear the clip, so that no answer counts against it; only written if
            true
    """

    clip: str
    condition: str
    reason: str
    asked: bool = Field(default=False, exclude_if=lambda asked: not asked)


class Result(_Strict):
    """One audit of one model on one corpus.

    `question` and `method` are the audit's docstring; `answer` is one plain sentence. `model` and `data`
    describe what was audited, `provenance` how to reproduce it. `left_out`, if present, allows comparison
    with a later result; `sounds` lists clips to listen to, most informative first. `asks` is the question on
    the first screen of a report, if the audit declares one; `dropped` says which clips its scores leave out.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema")
    audit: str
    question: str
    asks: Asks | None = Field(default=None, exclude_if=lambda asks: asks is None)
    method: str
    answer: str
    model: dict[str, Any]
    data: dict[str, Any]
    options: dict[str, Any] = {}
    findings: list[Finding]
    tables: list[Table] = []
    figures: list[Figure] = []
    missing: list[Missing] = []
    dropped: list[str] = Field(default=[], exclude_if=lambda dropped: not dropped)
    notes: list[str] = []
    left_out: list[LeftOut] = []
    sounds: list[Sound] = []
    provenance: dict[str, Any] = {}

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _is_our_schema(self) -> Self:
        if self.schema_version not in READABLE:
            raise ValueError(f"schema {self.schema_version}, but this sertools reads schema {SCHEMA}")
        return self

    def to_json(self) -> str:
        """The text of the result file."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"

    @property
    def finding_rows(self) -> list[list[Any]]:
        """The findings as rows with the columns `frames.COLUMNS`; the limit is text."""
        return [
            [
                str(f.limit) if column == "limit" and f.limit else getattr(f, column)
                for column in frames.COLUMNS
            ]
            for f in self.findings
        ]

    def to_pandas(self) -> "pd.DataFrame":
        """The findings as a DataFrame, one row each; tables have their own `to_pandas()`.

        Columns: name, target, slice, value, low, high, n, speakers, verdict, limit (as text), reason.
        Numbers are unrounded and of nullable types; what is missing is `pandas.NA`.
        """
        return frames.frame(frames.COLUMNS, self.finding_rows).astype(frames.TYPES)

    def _repr_html_(self) -> str:
        """The findings as an HTML table, shown by notebooks; text from the data is escaped."""
        rows = [
            [f.label, f.value_text, f.interval_text, f.limit_text, f.verdict.value, f.reason]
            for f in self.findings
        ]
        columns = ["finding", "value", "95 % interval", "limit", "verdict", "reason"]
        return display.html_table(f"{self.audit}: {self.answer}", columns, rows)
