"""Is a model worse than the baseline? Compares two sets of result files, paired by speaker."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from sertools.errors import GateError
from sertools.results.result import Finding, LeftOut, Limit, Result
from sertools.statistics.jackknife import MIN_UNITS

SUFFIX = "_against_baseline"
"""Suffix of the names of comparison findings, e.g. `ccc_against_baseline`."""

NOT_OPENED = "the sound was not opened"


def against(
    results: Sequence[Result], baseline: Sequence[Result], *, tolerance: float, source: str = "baseline"
) -> list[Result]:
    """Results with an added finding for every comparable metric: its value minus the baseline's value.

    The limit allows the metric to be worse by less than `tolerance`, so a metric passes only if a loss as
    large as the tolerance is ruled out. The interval is a jackknife with Student's t, each speaker left out
    of both models. Findings that cannot be compared are inconclusive, with the reason; findings of the
    baseline that are missing in the results are skipped.

    Args:
        results: results to judge; their existing findings do not change
        baseline: results of an earlier model on the same corpus
        tolerance: allowed loss, in the unit of the metric
        source: location of the baseline, quoted in the limit and in messages

    Raises:
        GateError: the tolerance is not above 0, nothing can be compared, or the baseline has two results of
            one audit and corpus
    """
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise GateError(
            f"the tolerance is {tolerance:g}",
            hint="it must be above 0, because a loss of exactly 0 can never be shown",
        )
    before = _by_audit_and_corpus(baseline, source)
    if not any(result.left_out for result in baseline):
        raise GateError(
            f"the results in {source} contain no values by speaker to compare with",
            hint="run sertools audit again on the baseline model; the corpus needs at least 5 speakers",
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
            hint="the baseline must contain the same audits of the same corpus",
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
        # the metric may be worse by less than the tolerance, in whichever direction is worse
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
    """Why two results of one corpus do not cover the same clips, judging by their fingerprints; or empty."""
    prints = [r.provenance.get("corpus_fingerprint", NOT_OPENED) for r in (result, earlier)]
    if NOT_OPENED not in prints and prints[0] != prints[1]:
        return "the corpus is not the same as in the baseline: its clips, labels or audio differ"
    return ""


def _change(
    result: Result, earlier: Result | None, now: LeftOut | None, then: LeftOut | None, obstacle: str
) -> tuple[float | None, float | None, float | None, str]:
    """Current value minus baseline value, its interval, and why one of them is missing."""
    if now is None:
        return None, None, None, "the baseline has this value, but the result does not"
    if earlier is None or then is None:
        return None, None, None, obstacle or "the baseline does not have this value"
    values = [_value(of, _key(now)) for of in (result, earlier)]
    if values[0] is None or values[1] is None:
        return None, None, None, "the value is undefined in the result or in the baseline"
    value = values[0] - values[1]
    others = now.values.keys() ^ then.values.keys()
    if others:
        obstacle = f"{len(others)} speakers are in only one of the two results, such as {min(others)!r}"
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
