"""Small audits as text, for `--audits`: one reads layers, one reads sums over frames."""

INSIDE = '''"""Which layer is it?

It counts the layers of a model and of those that stand beside it, which shows what an audit of layers gets,
and says nothing of what they hold. There is no formula, no paper and no limit that could be failed here.
"""

from sertools.auditing.contract import Needs, Outcome
from sertools.results.result import Finding

NEEDS = Needs(labels="none", layers=True)
LIMITS = ()


def audit(tables, *, rng):
    found = {tables.model: tables.layers, **{role: t.layers for role, t in tables.others.items()}}
    findings = [
        Finding(name="layers", slice=f"model={name}", value=layers.n_layers, n=len(tables.clips))
        for name, layers in found.items()
    ]
    return Outcome(answer="Counted.", findings=findings)


def plant(tables, rng):
    return tables
'''
"""A file for `--audits` that looks at layers."""

SUMMED = '''"""How many frames are there?

It counts the frames of each cell of the moments that it asked for, which shows what an audit of frames gets,
and says nothing of what they hold. There is no formula, no paper and no limit that could be failed here.
"""

from sertools.auditing.contract import Needs, Outcome
from sertools.tables.frame_sums import FrameSumsNeeded
from sertools.results.result import Finding


def needs(*, levels=("frame",), by="", **options):
    wanted = FrameSumsNeeded(levels=levels, groups=2, by=by)
    return Needs(labels="none", conditions=(), columns=(by,) if by else (), frame_sums=wanted)


LIMITS = ()


def audit(tables, *, rng, levels: tuple[str, ...] = ("frame",), by: str = ""):
    findings = [
        Finding(name=level, slice=f"model={name}", value=len(m.cells), n=int(m.n[0].sum()))
        for name, of in {"own": tables, **tables.others}.items()
        for level, m in of.frame_sums.items()
    ]
    return Outcome(answer="Counted.", findings=findings)


def plant(tables, rng):
    return tables
'''
"""A file for `--audits` that reads sums over frames."""
