"""Audits a model on clips outside its training data, and shows its scores on the others separately."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sertools.auditing.audit import PlannedAudit
from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.overlap import Seen, seen
from sertools.corpora.seen.record import TrainingRecord, record_of
from sertools.errors import CorpusError
from sertools.models.model import ClipModel, Model
from sertools.pipeline.run import FailedAuditsError
from sertools.results.collection import Results, joined
from sertools.results.coverage import COVERAGE
from sertools.results.provenance import ON_TRAINING_DATA, TRAINING, UNSEEN
from sertools.results.result import Finding, Result, Verdict
from sertools.tables.condition import CLEAN
from sertools.wording import plural

Run = Callable[[Corpus, Sequence[PlannedAudit]], Results]
"""Runs audits of one model on a corpus."""

BY_ID = "The speakers are recognised by their ids alone."
"""Said where no clip of the corpus was in the training: ids of other people could be equal by chance."""

NOT_JUDGED = "on clips in the training or of its speakers, which are not judged"


@dataclass(frozen=True, kw_only=True)
class Training:
    """The training data of a model, and the treatment of clips that were in it.

    Attributes:
        record: the training record; None if it is unknown
        source: where the record comes from
        allowed: whether clips that were in the training are judged like others
        expect: tells the model which clips the whole corpus has before it is asked about a part of them
    """

    record: TrainingRecord | None = None
    source: str = ""
    allowed: bool = False
    expect: Callable[[pd.DataFrame], None] | None = None


def training_of(
    model: Model | ClipModel, trained_on: Corpus | None = None, *, allowed: bool = False
) -> Training:
    """The training record of a model: that of `trained_on`, or the one next to its weights.

    Args:
        model: the audited model
        trained_on: the training data, if the user names it; its clips are decoded
        allowed: whether clips that were in the training are judged like others
    """
    expect = getattr(model, "expect", None)
    if trained_on is not None:
        record = record_of([trained_on])
        return Training(record=record, source=trained_on.name, allowed=allowed, expect=expect)
    beside = getattr(model, "training", None)
    source = "next to the weights" if beside else ""
    return Training(record=beside, source=source, allowed=allowed, expect=expect)


def on_unseen(run: Run, corpus: Corpus, audits: Sequence[PlannedAudit], training: Training) -> Results:
    """The results of audits, judged on the clips of speakers who were not in the training of the model.

    Audits that ask the model nothing are run on the whole corpus. Findings on the other clips are added to
    those audits that only read predictions of clean audio, without a verdict.

    Args:
        run: runs audits of the model on a corpus
        corpus: the whole corpus
        audits: the audits to run
        training: what the model was trained on

    Raises:
        CorpusError: every clip was in the training, or is of a speaker who was
        SertoolsError: see `run`
    """
    asking = [planned for planned in audits if _asks(planned)]
    if training.record is None or not asking:
        return run(corpus, audits)
    found = seen(training.record, corpus)
    if not found.any or training.allowed:
        how = "They are judged like the others (--allow-training-data)." if found.any else ""
        chosen = _chosen_on(training.record, corpus)
        told = _Told(found=found, training=training, judged=len(corpus.clips), how=how, chosen=chosen)
        (results,), errors = _each(run, [(corpus, audits)])
        if errors:
            raise FailedAuditsError(_mapped(results, asking, told.of), errors)
        return _mapped(results, asking, told.of)
    unseen = corpus.clips[~found.left_out]
    if unseen.empty:
        raise _nothing_left(found, corpus)
    if training.expect:
        training.expect(corpus.clips)
    judged = replace(corpus, name=f"{corpus.name}:{UNSEEN}", clips=unseen)
    told = _Told(
        found=found,
        training=training,
        judged=len(unseen),
        how=_how(found, len(unseen)),
        chosen=_chosen_on(training.record, replace(corpus, clips=unseen)),
    )
    others = [planned for planned in audits if not _asks(planned)]
    pieces = [(judged, asking)]
    parts, errors = _each(run, [*pieces, *([(corpus, others)] if others else [])])
    if errors:
        raise FailedAuditsError(_mapped(joined(parts), asking, told.of), errors)
    own, whole = iter(parts[0]), iter(parts[-1])
    order = [next(own if _asks(planned) else whole) for planned in audits]
    ordered = _mapped(Results(order, joined(parts).answers), asking, told.of)
    return _with_rest(ordered, run, replace(corpus, clips=corpus.clips[found.left_out]), asking)


def parts(
    corpus: Corpus, audits: Sequence[PlannedAudit], training: Training
) -> list[tuple[Corpus, list[PlannedAudit]]]:
    """What `on_unseen` runs: parts of the corpus, and the audits of each.

    Raises:
        CorpusError: every clip was in the training, or is of a speaker who was
    """
    asking = [planned for planned in audits if _asks(planned)]
    if training.record is None or not asking or training.allowed:
        return [(corpus, list(audits))]
    found = seen(training.record, corpus)
    if not found.any:
        return [(corpus, list(audits))]
    unseen, rest = corpus.clips[~found.left_out], corpus.clips[found.left_out]
    if unseen.empty:
        raise _nothing_left(found, corpus)
    if training.expect:
        training.expect(corpus.clips)
    split = [
        (replace(corpus, name=f"{corpus.name}:{UNSEEN}", clips=unseen), asking),
        (corpus, [planned for planned in audits if not _asks(planned)]),
        (replace(corpus, clips=rest), _clean_only(asking)),
    ]
    return [(part, some) for part, some in split if some]


def _clean_only(asking: Sequence[PlannedAudit]) -> list[PlannedAudit]:
    """The audits that read nothing of the model but its predictions of clean audio.

    Attacks cost more than all else, and what a model costs does not depend on the corpus.
    """
    return [
        planned
        for planned in asking
        if not (planned.reads_layers or planned.needs.attacks or planned.needs.running_cost)
        and {str(condition) for condition in planned.needs.conditions} == {CLEAN}
    ]


def _each(
    run: Run, pieces: Sequence[tuple[Corpus, Sequence[PlannedAudit]]]
) -> tuple[list[Results], dict[str, Exception]]:
    """The results of audits on several corpora, and what was raised by those that failed."""
    results: list[Results] = []
    errors: dict[str, Exception] = {}
    for corpus, audits in pieces:
        try:
            results.append(run(corpus, audits))
        except FailedAuditsError as failed:
            results.append(failed.results)
            errors.update(failed.errors)
    return results, errors


def _asks(planned: PlannedAudit) -> bool:
    """Whether an audit reads predictions or layers of the model."""
    return bool(planned.needs.conditions) or planned.reads_layers


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What a result says about the training.

    Attributes:
        found: what of the corpus was in the training
        training: the record and its source
        judged: number of clips that are judged
        how: what is done with the clips in the training, as a sentence
        chosen: that judged clips chose the weights, as a sentence; empty if none did
    """

    found: Seen
    training: Training
    judged: int
    how: str
    chosen: str

    def of(self, result: Result) -> Result:
        """The result with the facts in its provenance and, if anything was in the training, a first line."""
        found = self.found
        trained = f"{found.sentence}. {self.how}" if found.any else ""
        line = " ".join(filter(None, [trained, self.chosen]))
        facts: dict[str, Any] = {
            "record": self.training.source,
            "clips": int(found.clips.sum()),
            "of_clips": len(found.clips),
            "speakers": found.speakers if found.all_speakers is not None else None,
            "of_speakers": found.all_speakers,
            "complete": found.complete,
            "judged_clips": self.judged,
            "allowed": self.training.allowed,
            "sentence": line,
        }
        return result.model_copy(
            update={
                "answer": f"{line} {result.answer}" if line else result.answer,
                "notes": [*result.notes, *found.notes],
                "provenance": {**result.provenance, TRAINING: facts},
            }
        )


def _how(found: Seen, judged: int) -> str:
    """What is done with clips in the training: they and others of their speakers are left out."""
    more = int((found.left_out & ~found.clips).sum())
    other = "other " if found.clips.any() else ""
    also = f"{plural(more, f'{other}clip is', f'{other}clips are')} of these speakers. " if more else ""
    by = "" if found.clips.any() else f"{BY_ID} "
    return f"{by}{also}The other {plural(judged, 'clip is', 'clips are')} judged."


def _chosen_on(record: TrainingRecord, judged: Corpus) -> str:
    """How many judged clips are of dev speakers, by whom the weights were chosen; empty if none are."""
    if not record.chosen_on:
        return ""
    n = int(seen(record.model_copy(update={"speakers": record.chosen_on}), judged).left_out.sum())
    if not n:
        return ""
    return (
        f"{plural(n, 'of the judged clips is', 'of the judged clips are')} of dev speakers, by whose scores "
        "its weights were chosen, so its scores on these are likely too high."
    )


def _nothing_left(found: Seen, corpus: Corpus) -> CorpusError:
    by = "" if found.clips.any() else "; the speakers are recognised by their ids alone"
    return CorpusError(
        f"{found.sentence}{by}, so nothing of {corpus.name} is left to judge the model on",
        hint="audit it on other speakers, or audit its held-out predictions (predictions:FILE.held_out.csv "
        "of a baseline); --allow-training-data judges it on its training data, and says so",
    )


def _mapped(results: Results, asking: Sequence[PlannedAudit], told: Callable[[Result], Result]) -> Results:
    """The results, those of audits that ask the model something with what `told` adds."""
    names = {planned.name for planned in asking}
    return Results([told(each) if each.audit in names else each for each in results], results.answers)


def _with_rest(results: Results, run: Run, rest: Corpus, asking: Sequence[PlannedAudit]) -> Results:
    """The results with the findings on the clips of the training, which no limit judges."""
    simple = _clean_only(asking)
    if not simple:
        return results
    try:
        apart = {_key(result): result for result in run(rest, simple)}
    except (CorpusError, FailedAuditsError) as error:
        note = f"Training data: {error.message}."
        return _mapped(results, simple, lambda each: _noted(each, note))

    def with_both(result: Result) -> Result:
        return result.model_copy(
            update={"findings": [*result.findings, *map(_apart, _main(apart[_key(result)]))]}
        )

    return _mapped(results, simple, with_both)


def _key(result: Result) -> tuple[str, str]:
    """The audit of a result and its options; a suite may run one audit with several options."""
    return result.audit, repr(result.options)


def _main(result: Result) -> list[Finding]:
    """The findings on all clips of a result that have a value."""
    return [f for f in result.findings if f.slice == "all" and f.value is not None and f.name != COVERAGE]


def _apart(finding: Finding) -> Finding:
    """A finding on the training data, under its own name and without a verdict."""
    return finding.model_copy(
        update={
            "name": f"{finding.name}{ON_TRAINING_DATA}",
            "verdict": Verdict.NONE,
            "limit": None,
            "detail": False,
            "watch": False,
            "reason": "; ".join(filter(None, [finding.reason, NOT_JUDGED])),
        }
    )


def _noted(result: Result, note: str) -> Result:
    return result.model_copy(update={"notes": [*result.notes, note]})
