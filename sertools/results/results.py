"""Several results together: a sequence that shows itself in notebooks and becomes a table."""

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

from sertools.results.result import Result

if TYPE_CHECKING:
    import pandas as pd


class Results(Sequence[Result]):
    """The results of several audits, in order; by index, or by the name of the audit."""

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self._results = tuple(results)

    @overload
    def __getitem__(self, index: int | str) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> "Results": ...

    def __getitem__(self, index: int | str | slice) -> "Result | Results":
        """A result by its index or its audit, or several by a slice."""
        if isinstance(index, slice):
            return Results(self._results[index])
        if isinstance(index, str):
            return next(result for result in self._results if result.audit == index)
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def to_pandas(self) -> "pd.DataFrame":
        """All findings as a table."""
        import pandas as pd

        rows = [
            {"audit": result.audit, **finding.model_dump(mode="json", exclude={"limit"})}
            for result in self._results
            for finding in result.findings
        ]
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        answers = "".join(f"<p>{html.escape(result.answer)}</p>" for result in self._results)
        return answers + self.to_pandas().to_html(index=False)
