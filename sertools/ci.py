"""Has a model got worse since the baseline? From two sets of result files, paired by speaker."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from sertools.errors import GateError
from sertools.metrics.intervals import MIN_UNITS
from sertools.result import Finding, LeftOut, Limit, Result

SUFFIX = "_against_baseline"
"""What the name of a comparison ends with: `ccc_against_baseline`."""

NOT_OPENED = "the sound was not opened"


def against(
    results: Sequence[Result], baseline: Sequence[Result], *, tolerance: float, source: str = "baseline"
) -> list[Result]:
    """Results with a finding for every metric that can be compared: value now minus value in the baseline.

    The limit says that the metric may be worse by less than `tolerance`, so a metric passes only where it is
    shown not to be worse by as much. The interval is the jackknife's with Student's t, each speaker left out
    of both models. What cannot be compared is inconclusive with the reason; what the baseline measured and
    the result did not is skipped.

    Args:
        results: to judge; their audits' findings stay as they are
        baseline: results of an earlier model on the same corpus
        tolerance: largest loss that is put up with, in the unit of the metric
        source: where the baseline lies, for the limit

    Raises:
        GateError: the tolerance is not above 0, nothing can be compared, or the baseline has two results of
            one audit and corpus
    """
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise GateError(
            f"the tolerance is {tolerance:g}",
            hint="it is above 0: that nothing at all was lost can never be shown",
        )
    before = _by_audit_and_corpus(baseline, source)
    if not any(result.left_out for result in baseline):
        raise GateError(
            f"the results in {source} hold no values by speaker to compare with",
            hint="run sertools audit again on the baseline model; a corpus needs 5 speakers",
        )
    compared = []
    for result in results:
        earlier = before.get((result.audit, _corpus(result)))
        added = _comparisons(result, earlier, tolerance, source)
        compared.append(result.model_copy(update={"findings": [*result.findings, *added]}))
    found = [f for result in compared for f in result.findings if f.name.endswith(SUFFIX)]
    if all(finding.value is None for finding in found):
        raise GateError(
            f"nothing in {source} can be compared with these results",
            hint="the baseline holds the same audits of the same corpus",
        )
    return compared


def _by_audit_and_corpus(results: Sequence[Result], source: str) -> dict[tuple[str, str], Result]:
    found: dict[tuple[str, str], Result] = {}
    for result in results:
        key = (result.audit, _corpus(result))
        if key in found:
            raise GateError(f"{source} has two results of {key[0]} on {key[1]}")
        found[key] = result
    return found


def _corpus(result: Result) -> str:
    return str(result.data.get("name", ""))


def _comparisons(result: Result, earlier: Result | None, tolerance: float, source: str) -> list[Finding]:
    now = {_key(values): values for values in result.left_out}
    then = {_key(values): values for values in earlier.left_out} if earlier else {}
    obstacle = _other_sound(result, earlier) if earlier else f"{source} has no {result.audit} of this corpus"
    found = []
    for key in [*now, *(key for key in then if key not in now)]:
        better = (now.get(key) or then[key]).better
        # "may be worse by less than the tolerance", whichever way worse is
        limit = (
            Limit(name=f"{key[0]}{SUFFIX}", above=-tolerance, source=source)
            if better == "higher"
            else Limit(name=f"{key[0]}{SUFFIX}", below=tolerance, source=source)
        )
        value, low, high, reason = _change(result, earlier, now.get(key), then.get(key), obstacle)
        entered = next((f for f in result.findings if _key(f) == key), None)
        found.append(
            Finding(
                name=limit.name,
                target=key[1],
                slice=key[2],
                value=value,
                low=low,
                high=high,
                n=entered.n if entered else 0,
                speakers=len(now[key].values) if key in now else None,
                limit=limit,
                reason=reason,
            )
        )
    return found


def _key(of: LeftOut | Finding) -> tuple[str, str, str]:
    return of.name, of.target, of.slice


def _other_sound(result: Result, earlier: Result) -> str:
    """Why two results of one corpus are not of the same clips, as far as their files say."""
    prints = [r.provenance.get("corpus_fingerprint", NOT_OPENED) for r in (result, earlier)]
    if NOT_OPENED not in prints and prints[0] != prints[1]:
        return "the corpus is not the same as in the baseline: its clips, labels or sound differ"
    return ""


def _change(
    result: Result, earlier: Result | None, now: LeftOut | None, then: LeftOut | None, obstacle: str
) -> tuple[float | None, float | None, float | None, str]:
    """Value now minus value then, its interval, and why one of them is missing."""
    if now is None:
        return None, None, None, "the baseline has it, but this result does not"
    if earlier is None or then is None:
        return None, None, None, obstacle or "the baseline does not have it"
    values = [_value(of, _key(now)) for of in (result, earlier)]
    if values[0] is None or values[1] is None:
        return None, None, None, "it is undefined in one of the two"
    value = values[0] - values[1]
    others = now.values.keys() ^ then.values.keys()
    if others:
        obstacle = f"{len(others)} speakers are in one of the two results only, such as {min(others)!r}"
    if obstacle:
        return value, None, None, obstacle
    if len(now.values) < MIN_UNITS:
        return value, None, None, f"fewer than {MIN_UNITS} speakers"
    change = np.array([without - then.values[speaker] for speaker, without in now.values.items()])
    freedom = len(change) - 1
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(freedom * float(np.var(change)))
    return value, value - half, value + half, ""


def _value(result: Result, key: tuple[str, str, str]) -> float | None:
    return next((f.value for f in result.findings if _key(f) == key), None)
