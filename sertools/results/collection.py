"""Several results together: by number or by audit, as one table, and shown in a notebook."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from sertools.errors import GateError, nearest
from sertools.results import display, frames
from sertools.results.answers import PROVENANCE, Answers
from sertools.results.result import Result, Verdict
from sertools.results.verdicts import gate
from sertools.wording import plural

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Results(Sequence[Result]):
    """Results of audits, in order; they cannot be changed.

    Equal to any sequence of the same results, such as a list.

    Attributes:
        results: the results; kept as a tuple
        answers: digest → what the model answered clip by clip; not part of a comparison for equality
    """

    results: Sequence[Result]
    answers: Mapping[str, Answers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keeps the results where nobody can change them."""
        object.__setattr__(self, "results", tuple(self.results))

    @overload
    def __getitem__(self, index: int | str) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> "Results": ...

    def __getitem__(self, index: int | str | slice) -> "Result | Results":
        """The result at a position or of an audit; for a slice, several results.

        Raises:
            GateError: no result, or more than one, is of the audit
            IndexError: there is no result at the position
        """
        if isinstance(index, slice):
            return Results(self.results[index], self.answers)
        if isinstance(index, int):
            return self.results[index]
        found = [result for result in self.results if result.audit == index]
        if not found:
            audits = sorted({result.audit for result in self.results})
            raise GateError(f"no result of the audit {index!r}", hint=nearest(index, audits))
        if len(found) > 1:
            raise GateError(
                f"{len(found)} results are of the audit {index!r}", hint="take one by its position"
            )
        return found[0]

    def __len__(self) -> int:
        """Number of results."""
        return len(self.results)

    def __iter__(self) -> Iterator[Result]:
        """The results in order."""
        return iter(self.results)

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has the same results in the same order."""
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return list(self) == list(other)

    def __repr__(self) -> str:
        """The names of the audits, because the results themselves are long."""
        return f"Results({', '.join(result.audit for result in self.results)})"

    def answers_of(self, result: Result) -> Answers | None:
        """The answers of the model in a result; None if unknown."""
        return self.answers.get(str(result.provenance.get(PROVENANCE, "")))

    @property
    def exit_code(self) -> int:
        """The exit code of a gate: 1 if a limit failed, 2 if nothing was measured, otherwise 0."""
        return gate.exit_code(self.results)

    def to_pandas(self) -> "pd.DataFrame":
        """All findings as one DataFrame.

        Columns: audit, model, corpus, then those of `Result.to_pandas()`.
        """
        rows = [
            [result.audit, result.model.get("name"), result.data.get("name"), *row]
            for result in self.results
            for row in result.finding_rows
        ]
        return frames.frame(("audit", "model", "corpus", *frames.COLUMNS), rows).astype(frames.TYPES)

    def _repr_html_(self) -> str:
        """The number of findings by verdict and the answer of each audit, shown by notebooks; escaped."""
        shown = [verdict for verdict in Verdict if verdict is not Verdict.NONE]
        rows = []
        for result in self.results:
            counted = gate.verdicts([result])
            rows.append([result.audit, *(str(counted.get(v, 0)) for v in shown), result.answer])
        columns = ["audit", *(verdict.value for verdict in shown), "answer"]
        return display.html_table(f"Results of {plural(len(self), 'audit')}", columns, rows)


def joined(parts: Iterable[Iterable[Result]]) -> Results:
    """The results of several collections in one, with their answers."""
    results: list[Result] = []
    answers: dict[str, Answers] = {}
    for part in parts:
        answers |= part.answers if isinstance(part, Results) else {}
        results += part
    return Results(results, answers)
