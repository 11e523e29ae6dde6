"""Results and figures built by hand, for the tests of the report."""

from sertools.results.result import Figure, Finding, Limit, Missing, Result, Series, Table, Verdict

HOSTILE = (
    "<script>alert('x')</script> & \"q\" | `tick` [l](javascript:1) $5$ *b* _i_\n"
    "next \u202eRTL עברית 🎉 \x1b[31m"
)
KINDS = ("line", "interval", "bar", "heat", "scatter", "cloud", "histogram", "radar", "panels")


def figure(kind: str, **changes) -> Figure:
    """Two series with a gap, intervals, a band and a reference: everything that a spec can say."""
    x = [0.0, 1.0, 2.0] if kind in ("line", "scatter", "cloud", "panels") else ["anger", "fear", "joy"]
    spec = {
        "name": kind,
        "kind": kind,
        "title": f"A {kind}",
        "alt": f"What the {kind} shows",
        "x_label": "across",
        "y_label": "up",
        "series": [
            Series(name="female", x=x, y=[0.5, None, 0.7], low=[0.4, None, 0.6], high=[0.6, None, None]),
            Series(name="male", x=x, y=[0.25, 0.5, 0.75]),
        ],
        "band": (None, 0.6),
        "reference": 0.5,
    }
    return Figure(**{**spec, **changes})


def small_result(**changes) -> Result:
    """One audit with a finding of every verdict."""
    limit = Limit(name="ccc", above=0.5, source="Wagner 2023")
    common = {"name": "ccc", "n": 300, "speakers": 12, "limit": limit}
    fields = {
        "audit": "correctness",
        "question": "Does the model agree with the labels?",
        "method": "Concordance, by `ccc`.\n\n- jackknife over\n  speakers",
        "answer": "Arousal is predicted, valence is not.",
        "model": {"name": "default", "licence": "CC0-1.0"},
        "data": {"name": "voices", "licence": "Apache-2.0", "clips": 300, "speakers": 12, "simulated": ""},
        "options": {"bins": 4},
        "findings": [
            Finding(**common, target="arousal", value=0.7123, low=0.6, high=0.8, verdict=Verdict.PASS),
            Finding(
                **common,
                target="dominance",
                value=0.5,
                low=0.4,
                high=0.6,
                verdict=Verdict.INCONCLUSIVE,
                reason="the interval holds the limit",
            ),
            Finding(**common, target="valence", value=0.1, low=-0.1, high=0.3, verdict=Verdict.FAIL),
            Finding(name="uar", value=None, n=300, verdict=Verdict.SKIPPED, reason="no emotion in common"),
            Finding(name="mae", target="arousal", value=0.1, n=300, speakers=None),
        ],
        "tables": [Table(name="t", title="Scores", columns=["target", "CCC"], rows=[["arousal", 0.7123]])],
        "figures": [figure("interval")],
        "missing": [Missing(clip="a", condition="clean", reason="too short")],
        "notes": ["Nobody said boredom."],
        "provenance": {"command": "sertools audit", "seed": 0, "versions": {"numpy": "2.0"}},
    }
    return Result(**{**fields, **changes})


def hostile_result(text: str = HOSTILE) -> Result:
    """A result in which everything that data can name is hostile."""
    limit = Limit(name="*", below=0.5, source=text, why=text)
    named = {"name": text, "target": text, "slice": text, "n": 2, "reason": text}
    failed = Finding(**named, value=1.0, limit=limit, verdict=Verdict.FAIL)
    skipped = Finding(**named, value=None, verdict=Verdict.SKIPPED)
    table = Table(name="t", title=text, columns=[text, "n"], rows=[[text, 1], [None, None]], note=text)
    labels = {"title": text, "alt": text, "x_label": text, "y_label": text}
    series = [Series(name=text + end, x=[text, "b"], y=[1.0, 2.0]) for end in ("", "2")]
    return small_result(
        audit="hostile",
        question=text,
        method=text,
        answer=text,
        model={"name": text, text: text},
        data={"name": text, "simulated": text},
        options={"group": text},
        findings=[failed, skipped],
        tables=[table],
        figures=[figure(kind, **labels, series=series) for kind in KINDS],
        missing=[Missing(clip=text, condition=text, reason=text)],
        notes=[text],
        provenance={"command": text, text: {text: [text]}},
    )
