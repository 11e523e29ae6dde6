"""Results by hand, and what a comparison says of them, for the tests of `sertools compare`."""

from sertools.comparison.compare import compare
from sertools.results.result import Finding, LeftOut, Result, Table

WITHOUT = {"a": [0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.5] * 5}


def ccc(value, low=None, high=None, target="arousal", **more) -> Finding:
    return Finding(name="ccc", target=target, value=value, low=low, high=high, n=50, speakers=5, **more)


def kept(values, better="higher", names="vwxyz", name="ccc") -> LeftOut:
    return LeftOut(name=name, target="arousal", better=better, values=dict(zip(names, values, strict=True)))


def result(findings=(), *, audit="correctness", corpus="voices", sound="abc", model="m", **more) -> Result:
    return Result(
        audit=audit,
        question="q",
        method="m",
        answer="a",
        model={"name": model},
        data={"name": corpus, "simulated": "made up" if corpus == "voices" else ""},
        findings=list(findings),
        provenance={"corpus_fingerprint": sound, "date": "today"},
        **more,
    )


def rows(comparison: Result, table: str) -> list[list]:
    return next((t.rows for t in comparison.tables if t.name == table), [])


def difference(comparison: Result, name="correctness.ccc", target="arousal") -> Finding:
    (found,) = [f for f in comparison.findings if (f.name, f.target) == (name, target)]
    return found


def against(new: Result, old: Result) -> Result:
    return compare([("old", [old]), ("new", [new])])


COLUMNS = ["target", "speaker", "clips", "score", "low", "high"]
COLUMNS += ["mean of draws", "2.5 % of draws", "97.5 % of draws"]


def speaker_scores(scores, *, draws=None, target="arousal", **more) -> Result:
    """The audit `speakers` with these scores, by speaker; draws where its protocol judges them."""
    listed = [
        [target, name, 20, score, None, None, *([d, d, d] if (d := (draws or {}).get(name)) else [None] * 3)]
        for name, score in scores.items()
    ]
    table = Table(name="speakers", title="t", columns=COLUMNS, rows=listed)
    return result(audit="speakers", tables=[table], **more)


X = {"v": 0.1, "w": 0.2, "x": 0.3, "y": 0.4, "z": 0.5}
Y = {"v": 0.2, "w": 0.1, "x": 0.3, "y": 0.5, "z": 0.4}
