"""Facts about models, corpora and runs as rows of name and text, for every page."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sertools.results.display import clean
from sertools.results.provenance import TRAINING
from sertools.results.result import Result
from sertools.wording import plural

_FIRST_FACTS = ("name", "version", "licence", "license", "clips", "speakers", "labels", "scale", "citation")
_OTHERS = "others"
"""Key in the facts of a model: those of the models that it is compared with."""


def origin_of_labels(data: Mapping[str, Any]) -> str:
    """Where the labels of a corpus come from, according to the corpus."""
    if data.get("simulated"):
        return clean(data["simulated"])
    return "as provided by the corpus" if "simulated" in data else "not stated"


def facts(about: Mapping[str, Any], expected: Sequence[str]) -> list[tuple[str, str]]:
    """Facts about a model or corpus as rows of name and value, the usual facts first.

    An `expected` fact that is missing is shown as "not stated". `simulated` is left to `simulated()`.
    """
    known = {key: value for key, value in about.items() if key != "simulated"}
    for key in expected:
        alternative = key.replace("licence", "license")
        if known.get(key) in (None, "") and known.get(alternative) in (None, ""):
            known[key] = "not stated"
    first = [key for key in _FIRST_FACTS if key in known]
    rest = [key for key in known if key not in first]
    return [row for key in first + rest for row in _fact(key, known[key], about)]


def _fact(key: str, value: Any, about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The rows of one fact; a model that is compared with this one is told by what differs."""
    if key != _OTHERS or not isinstance(value, Mapping):
        return flat(key, value)
    rows = []
    for other in value.values():
        own = {k: v for k, v in other.items() if k != "name" and v != about.get(k)}
        different = "; ".join(f"{name}: {text}" for k, v in own.items() for name, text in flat(k, v))
        rows.append(("compared with", f"{clean(other.get('name', 'another model'))} ({different})"))
    return rows


def flat(key: str, value: Any) -> list[tuple[str, str]]:
    """A nested value as rows of name and text; floats have six digits, empty values are dropped.

    >>> flat("versions", {"numpy": "2.0", "extra": {}}), flat("seed", 0), flat("labels", ["a", "b"])
    ([('versions numpy', '2.0')], [('seed', '0')], [('labels', 'a, b')])
    """
    if isinstance(value, Mapping):
        return [row for inner, item in value.items() for row in flat(f"{key} {inner}", item)]
    if value is None or value == "" or value == []:
        return []
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        text = ", ".join(map(str, value))
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, str | int):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return [(clean(key).replace("_", " "), clean(text))]


def provenance(results: Sequence[Result]) -> list[tuple[str, list[tuple[str, str]]]]:
    """How to reproduce results: shared facts under the heading `""`, then the date and options of each audit.

    A fact is shared if at least two audits have it and none differs, or if there is only one audit.
    """
    rows = [
        [row for key, value in result.provenance.items() if key != "command" for row in _origin(key, value)]
        for result in results
    ]
    texts: dict[str, list[str]] = {}
    for row in (row for each in rows for row in each):
        texts.setdefault(row[0], []).append(row[1])
    most = {name: found for name, found in texts.items() if len(found) >= min(2, len(results))}
    shared = [(name, found[0]) for name, found in most.items() if len({*found}) == 1]
    parts = [("", shared)] if shared else []
    for result, own in zip(results, rows, strict=True):
        options = [row for key, value in result.options.items() for row in flat(f"option {key}", value)]
        different = [row for row in own if row not in shared] + options
        if different:
            parts.append((result.audit, different))
    return parts


def _origin(key: str, value: Any) -> list[tuple[str, str]]:
    """The rows of one fact about how a result came about; what is known of the training as a sentence."""
    if key != TRAINING or not isinstance(value, Mapping) or "of_clips" not in value:
        return flat(key, value)
    heard = f"{value.get('clips', 0)} of {plural(int(value['of_clips']), 'clip')}"
    if value.get("of_speakers"):
        heard += f" and {value.get('speakers', 0)} of {plural(int(value['of_speakers']), 'speaker')}"
    whole = "complete" if value.get("complete") else "incomplete"
    text = f"{heard} were in the training of the model (record: {value.get('record', 'unknown')}, {whole})"
    text += f"; {plural(int(value.get('judged_clips', 0)), 'clip')} judged"
    text += "; judged all the same, as asked" if value.get("allowed") else ""
    return [("training data", clean(text))]
