"""The result of a study, as JSON for programs and as a page for people."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sertools import files
from sertools.comparison import pages as comparison_pages
from sertools.pipeline.provenance import versions
from sertools.report import figures as drawing
from sertools.results.result import Finding, Result
from sertools.results.terms.names import in_words
from sertools.studies import figures, tables
from sertools.studies.run import DoneCell, run_study
from sertools.studies.study import Study, text_of
from sertools.studies.summary import Scores, difference, mean, scores_of
from sertools.wording import plural

NAME = "study"
"""Stem of the files of a study."""


def study_to(
    study: Study,
    out: Path,
    *,
    data_root: Path | None = None,
    progress: Callable[[str], None] = lambda sentence: None,
    warn: Callable[[str], None] = lambda sentence: None,
    train: Callable[..., list[DoneCell]] | None = None,
) -> Result:
    """Trains and scores what is missing of a study, and writes `study.html` and `study.json`.

    See `run_study`; `train` trains the cells elsewhere, and is called with `progress` and `warn`.
    """
    said: list[str] = []

    def tell(sentence: str) -> None:
        said.append(sentence)
        warn(sentence)

    if train is None:
        done = run_study(study, out, data_root=data_root, progress=progress, warn=tell)
    else:
        done = train(progress=progress, warn=tell)
    result = result_of(study, done, said)
    drawn = [drawing.draw(figure, f"{NAME}-{i + 1}") for i, figure in enumerate(result.figures)]
    files.write_text(out / f"{NAME}.html", comparison_pages.study_html(result, drawn))
    files.write_text(out / f"{NAME}.json", result.to_json())
    return result


def result_of(study: Study, done: Sequence[DoneCell], notes: Sequence[str] = ()) -> Result:
    """Findings, tables and figures of a study."""
    every = scores_of(study, done)
    shown = [
        tables.means(every),
        tables.differences(study, every),
        tables.ratios(study, every),
        tables.published(study, every),
        tables.audits(done),
        tables.learning(done),
        tables.every_seed(every),
    ]
    return Result(
        audit=NAME,
        question=study.title,
        method=METHOD + (f"\n\nIt follows {study.source}." if study.source else ""),
        answer=answer(study, every, len(done)),
        model={"name": study.title},
        data={"name": ", ".join(dict.fromkeys(test for test, _ in every))},
        options={"grid": study.grid, "variants": study.variants, "recipe": study.recipe},
        findings=_findings(every),
        tables=[table for table in shown if table.rows],
        figures=figures.figures(study, every, done),
        notes=list(dict.fromkeys(notes)),
        provenance={"versions": versions()},
    )


METHOD = (
    "Every combination of variant, grid values and seed is trained by its own recipe and scored on the "
    "test corpora, none of whose speakers train, except in folds named random-…, whose test speakers train "
    "too. Scores are averaged over seeds. Intervals over speakers come from a jackknife that leaves a "
    "speaker out of all models at once; intervals over seeds are Student's t on the scores of the seeds. "
    "Differences are paired by seed and speaker. Intervals are not adjusted for the number of comparisons."
)


def answer(study: Study, every: Scores, models: int) -> str:
    """Differences from the reference beyond both intervals, in one sentence."""
    reference = study.reference or next(iter(study.variants), "")
    sentences, judged = [], False
    for (test, measure), keys in every.items():
        for key, scores in keys.items():
            other = keys.get((reference, key[1]))
            found = difference(scores, other) if other is not None and key[0] != reference else None
            if found is None:
                continue
            ends = [*found.by_speakers, *found.by_seeds]
            known = all(end == end for end in ends)
            judged |= known
            if known and (min(ends) > 0 or max(ends) < 0):
                where = f" ({text_of(dict(key[1]))})" if key[1] else ""
                how = "exceeds" if found.value > 0 else "is below"
                size = f"{abs(found.value):.3f} {in_words(measure)} on {test}"
                sentences.append(f"{key[0]}{where} {how} {reference} by {size}")
    n = f"{plural(models, 'model was', 'models were')} trained"
    trained = study.only or list(study.variants)
    if reference not in trained or len(trained) < 2:
        return f"{n}; the tables and figures have their scores."
    if not judged:
        return f"{n}; differences have no intervals, for which five speakers and two seeds are needed."
    if not sentences:
        return f"{n}; no variant differs from {reference} beyond the intervals over both speakers and seeds."
    return f"{n}. Beyond the intervals over both speakers and seeds, {'; '.join(sentences)}."


def _findings(every: Scores) -> list[Finding]:
    """The means, with their intervals over speakers."""
    found = []
    for (test, measure), keys in every.items():
        for key, scores in keys.items():
            value = mean(scores)
            low, high = value.by_speakers
            at = ", ".join([f"variant={key[0]}", *(f"{name}={each}" for name, each in key[1])])
            reason = "" if low == low else "fewer than five speakers, or a value is undefined without one"
            found.append(
                Finding(
                    name=measure,
                    target=test,
                    slice=at,
                    value=value.value,
                    low=low,
                    high=high,
                    n=value.n,
                    speakers=value.speakers or None,
                    reason=reason,
                )
            )
    return found
