"""Results of audits: stored by an earlier run, computed in other processes, or computed here."""

from collections.abc import Callable, Mapping, Sequence

from sertools.auditing import run as auditing
from sertools.auditing.audit import PlannedAudit
from sertools.inference.settings import Settings
from sertools.pipeline.kept import results as kept_results
from sertools.pipeline.processes.side_by_side import side_by_side, weight
from sertools.pipeline.provenance import date
from sertools.results.provenance import DATE
from sertools.results.result import Result
from sertools.tables.tables import ModelData, Tables


def outcomes(
    audits: Sequence[PlannedAudit],
    own: ModelData,
    comparison: Mapping[str, ModelData],
    settings: Settings,
    advance: Callable[[int], None],
) -> list[Result | Exception]:
    """The result of each audit without its subject, or its exception, in the order of the audits.

    Args:
        audits: the audits
        own: the data of the audited model
        comparison: role → data of a comparison model
        settings: where results are kept, and the seed
        advance: called with the number of finished audits
    """
    found: dict[int, Result | Exception] = {}
    todo: dict[int, tuple[PlannedAudit, Tables, str]] = {}
    parts = kept_results.Parts()
    for i, planned in enumerate(audits):
        try:
            tables, key = auditing.tables_of(planned, own, comparison), ""
            if kept_results.can_be_kept(planned):
                key = kept_results.fingerprint(planned, tables, settings.seed, parts=parts)
            known = kept_results.read(settings.root, planned, key) if key and not settings.fresh else None
        except Exception as error:  # it is raised when the other audits have run
            found[i] = error
            continue
        if known is None:
            todo[i] = planned, tables, key
        else:
            found[i] = known
    advance(len(found))
    of_sertools = {i: (planned, tables) for i, (planned, tables, key) in todo.items() if key}
    with side_by_side(of_sertools, settings.seed) as others:
        heavy_first = sorted(todo, key=lambda i: -weight(todo[i][0]))
        while heavy_first:
            i = others.next(heavy_first)
            heavy_first.remove(i)
            planned, tables, key = todo.pop(i)
            try:
                result = others.result(i) or auditing.run(planned, tables, seed=settings.seed)
                result = result.model_copy(update={"provenance": {**result.provenance, DATE: date()}})
                found[i] = result
                if key:
                    kept_results.keep(settings.root, planned, key, result)
            except Exception as error:  # as above
                found[i] = error
            advance(1)
    return [found[i] for i in range(len(audits))]
