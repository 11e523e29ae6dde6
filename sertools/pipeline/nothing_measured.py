"""Explains why no audit measured anything, and how to match the labels of model and corpus."""

import shlex
from collections.abc import Mapping, Sequence

from sertools.corpora.columns import unused
from sertools.corpora.corpus import Corpus
from sertools.errors import AuditError
from sertools.labels import DIMENSIONS
from sertools.models.model import ClipModel, Model
from sertools.results.result import Result

ALLOW = "--allow-empty accepts a run that measures nothing"


def nothing_measured(
    results: Sequence[Result], model: Model | ClipModel, corpus: Corpus, label_map: Mapping[str, str]
) -> AuditError:
    """The error of a run in which no finding has a value, apart from counts.

    Args:
        results: results of the run
        model: the audited model
        corpus: the audited corpus
        label_map: theirs → ours, as given for the model's labels
    """
    names = list(dict.fromkeys(label_map.get(label, label) for label in model.labels))
    emotions: dict[str, int] = {}
    if "emotion" in corpus.clips:
        emotions = {str(name): int(n) for name, n in corpus.clips["emotion"].value_counts().items()}
    rated = [d for d in DIMENSIONS if d in corpus.clips and corpus.clips[d].notna().any()]
    theirs = [f"{name} ({n})" for name, n in emotions.items()] + rated
    if not names or not theirs or set(names) & {*emotions, *rated}:
        reasons = dict.fromkeys(f.reason for result in results for f in result.findings if f.reason)
        hint = "; ".join([*unused(list(map(str, corpus.clips.columns)), corpus.notes), ALLOW])
        return AuditError(f"nothing was measured: {next(iter(reasons), 'there are no findings')}", hint=hint)
    known = list(emotions) or rated
    options = " ".join(f"--label-map {shlex.quote(label)}=NAME" for label in model.labels)
    return AuditError(
        f"nothing was measured: the labels of the model ({', '.join(names)}) and of the corpus "
        f"({', '.join(theirs)}) have no name in common",
        hint=f"name what means the same, with NAME one of {', '.join(known)}: {options}; {ALLOW}",
    )
