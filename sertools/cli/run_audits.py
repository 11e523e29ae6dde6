"""Runs `sertools audit` and the commands of audits: run the audits, write and show the results."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sertools.cli import arguments
from sertools.wording import plural

if TYPE_CHECKING:
    from sertools.pipeline.requests.audits import LoadedRequest


def run_audits(given: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> int:
    """Runs audits, writes results and report, and shows the summary; returns the exit code.

    Args:
        given: options of the command line, by their names in `commands/audit.py`
        options: the own options of a single audit

    Raises:
        SertoolsError: any error that the user can fix
    """
    from sertools.cli import console
    from sertools.corpora.columns import unused
    from sertools.corpora.identity import doubts
    from sertools.inference.share import OtherSharesMissingError
    from sertools.pipeline.nothing_measured import nothing_measured
    from sertools.pipeline.run import FailedAuditsError
    from sertools.report.render import render
    from sertools.results.verdicts.gate import BAD_INPUT, exit_code
    from sertools.store.cache import RESULTS

    quiet, verbose = given["quiet"], given["verbose"]
    arguments.check_loudness(quiet, verbose)
    request = arguments.audit_request(given, options)
    loaded = request.load()
    if verbose:
        _show_inputs(loaded)
    failed = None
    try:
        results = loaded.run()
    except OtherSharesMissingError as stored:
        console.message(f"{stored.message} {stored.hint}")
        return 0
    except FailedAuditsError as error:
        failed, results = error, error.results
    if failed and not results:
        raise failed.as_raised
    if not quiet:
        of_scale = [note for result in results for note in result.notes if "--model-scale" in note]
        corpus = loaded.corpus
        names = unused(list(map(str, corpus.clips.columns)), corpus.notes)
        for note in dict.fromkeys([*doubts(corpus.clips), *names, *of_scale]):
            console.warn(note)
    render(results, request.out, kept=None if request.settings.fresh else request.settings.root / RESULTS)
    console.show_summary(results, format=given["output"], quiet=quiet, verbose=verbose)
    if not quiet:
        console.message(f"Report: {request.out / 'report.html'}")
    if failed:
        raise failed.as_raised
    code = exit_code(results, strict=given["strict"], allow_empty=given["allow_empty"])
    if code == BAD_INPUT:
        raise nothing_measured(results, loaded.model, loaded.corpus, request.settings.label_map)
    return code


def _show_inputs(loaded: "LoadedRequest") -> None:
    from sertools.cli import console

    request, corpus, model = loaded.request, loaded.corpus, loaded.model
    clips = corpus.clips
    speakers = f" of {plural(clips['speaker'].nunique(), 'speaker')}" if "speaker" in clips else ""
    console.message(f"Audits: {', '.join(planned.name for planned in request.audits)}")
    console.message(f"Corpus {corpus.name}: {plural(len(clips), 'clip')}{speakers}")
    console.message(f"Model {model.name}: {', '.join(model.labels)}")
    for name, fact in model.facts.items():
        console.message(f"  {name}: {fact}")
    console.message(f"Predictions are cached in {request.settings.root}")
