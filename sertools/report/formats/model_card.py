"""Writes a model card for the Hugging Face hub: findings in `model-index`, and a section that explains them.

The front matter keeps everything written by others, including comments; in its `model-index`, only results
whose source is sertools are replaced. The section is between two markers; text outside them is not changed.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools import __version__, files
from sertools.errors import GateError
from sertools.report import content, markdown
from sertools.report.summary import opening
from sertools.report.text import verdict
from sertools.results.display import ABSENT
from sertools.results.result import Finding, Result, Verdict
from sertools.wording import plural

START = "<!-- sertools: begin; written by `sertools report --model-card`, which replaces this section -->"
END = "<!-- sertools: end -->"

SOURCE_URL = "https://github.com/sertools/sertools"
TASK = "audio-classification"

_FRONT = re.compile(
    r"\A(?:\ufeff)?---[ \t]*\r?\n(?P<yaml>.*?)(?:^)---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_MODEL_INDEX = re.compile(
    # up to the next key, or to the comments above it
    r"^model-index:.*?(?=^(?:#[^\n]*\n|[ \t]*\n)*(?:[^\s#-]|\Z))",
    re.DOTALL | re.MULTILINE,
)


def write_card(results: Sequence[Result], place: Path) -> Path:
    """Writes the model card into a file, or into `README.md` of a folder; returns the file.

    Existing content is kept, except for an earlier section and earlier results of sertools.

    Args:
        results: results of one model
        place: a file whose name ends in .md, or a folder

    Raises:
        GateError: results of several models, or a file that is not a valid model card
        StoreError: the file cannot be written
    """
    path = place if place.suffix.lower() == ".md" else place / "README.md"
    try:
        before = path.read_bytes().decode("utf-8") if path.exists() else ""
    except OSError as error:
        raise GateError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GateError(f"{path} is not a valid model card: it is not UTF-8 text") from error
    try:
        files.write_text(path, merged(before, results))
    except GateError as error:
        raise GateError(f"{path}: {error.message}", hint=error.hint) from error
    return path


def merged(card: str, results: Sequence[Result]) -> str:
    """The text of a card with these results in its front matter and its section.

    An empty `card` gives a new one.

    Raises:
        GateError: results of several models, front matter that is not a YAML mapping, a `model-index` that
            the hub would reject, or markers that are not exactly one pair
    """
    name = _model_name(results)
    ends = "\r\n" if "\r\n" in card else "\n"
    front = _FRONT.match(card)
    body = card[front.end() :] if front else card
    text = front["yaml"] if front else "" if card else f"pipeline_tag: {TASK}\n"
    head = _with_index(text.replace("\r\n", "\n"), name, results)
    title = "" if card else f"# {markdown.plain(name)}\n\n"
    whole = (
        f"---\n{head}---\n{title}{_with_section(body.replace(chr(13) + chr(10), chr(10)), section(results))}"
    )
    return whole.replace("\n", ends)


def evaluations(results: Sequence[Result]) -> list[Any]:
    """Entries of the `model-index` as `huggingface_hub.EvalResult`: judged findings and scores.

    A finding is included if it has a value, covers all clips, and is judged or is a score that can be
    paired by speaker. The interval and the counts are part of the metric's name, because the format has no
    fields for them.
    """
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=TASK,
            task_name="Speech Emotion Recognition",
            dataset_type=_dataset_type(str(result.data.get("name") or "unnamed")),
            dataset_name=str(result.data.get("name") or "unnamed data"),
            metric_type=finding.name,
            metric_value=finding.value,
            metric_name=_metric_name(finding),
            source_name=f"sertools {__version__}",
            source_url=SOURCE_URL,
        )
        for result in results
        for finding in reported(result)
    ]


def reported(result: Result) -> list[Finding]:
    """Findings on all clips that are judged, or that can be paired with those of another model."""
    paired = {without.key for without in result.left_out}
    return [
        f
        for f in result.findings
        if f.value is not None
        and (f.slice == "all" or f.slice.startswith("speaker="))
        and f.verdict is not Verdict.SKIPPED
        and (f.decides is not Verdict.NONE or f.key in paired)
    ]


def section(results: Sequence[Result]) -> str:
    """Findings and their limitations in Markdown, between the two markers."""
    plain = markdown.plain
    parts = [START, "## Audit", f"**{plain(opening.opening(results))}**"]
    parts += [f"> **About the labels:** {plain(sentence)}" for sentence in content.simulated(results)]
    for model, data in content.subjects(results):
        corpus = content.name_of(data, "unnamed data")
        counts = [f"{data[key]} {key}" for key in ("clips", "speakers") if data.get(key) is not None]
        parts.append(
            f"{plain(content.name_of(model, 'unnamed model'))} on {plain(corpus)}: {', '.join(counts)}."
        )
    for result in results:
        rows = [_row(finding) for finding in reported(result)]
        header = ["Measure", "Value", "95 % interval", "n", "Speakers", "Limit", "Verdict"]
        parts += [f"### {plain(result.audit)}", markdown.prose(result.question), plain(result.answer)]
        parts += [markdown.table(header, [False, True, True, True, True, False, False], rows)] if rows else []
    parts += ["### Limitations of this audit", "\n".join(f"- {line}" for line in _limits(results))]
    made = [f"sertools {__version__}"]
    for key in ("command", "date"):
        made += dict.fromkeys(str(r.provenance[key]) for r in results if r.provenance.get(key))
    parts += [f"Made by {plain('; '.join(made))}.", END]
    return "\n\n".join(parts) + "\n"


def _model_name(results: Sequence[Result]) -> str:
    models = list(dict.fromkeys(content.name_of(result.model, "unnamed model") for result in results))
    if len(models) != 1:
        raise GateError(
            f"a model card describes one model, but these results are from {', '.join(models) or 'none'}",
            hint="name the --out folder of one model",
        )
    return models[0]


def _dataset_type(corpus: str) -> str:
    """The corpus name, restricted to characters allowed in a dataset id on the hub."""
    return "-".join(re.findall(r"[A-Za-z0-9_.]+", corpus)) or "unnamed"


def _metric_name(finding: Finding) -> str:
    interval = finding.interval_text
    interval = f"95 % interval {interval}" if interval != ABSENT else "no interval"
    speakers = "" if finding.speakers is None else f", {plural(finding.speakers, 'speaker')}"
    return f"{finding.label} ({interval}, {plural(finding.n, 'clip')}{speakers})"


def _row(finding: Finding) -> list[str]:
    speakers = ABSENT if finding.speakers is None else str(finding.speakers)
    return [
        markdown.cell(finding.label),
        finding.value_text,
        finding.interval_text,
        str(finding.n),
        speakers,
        markdown.cell(finding.limit_text),
        verdict(finding.verdict),
    ]


def _limits(results: Sequence[Result]) -> list[str]:
    """Limitations of the numbers: missing clips, notes, and skipped findings with their reasons."""
    lines = [
        "Numbers hold for this corpus only; other languages, microphones, rooms and speakers can differ.",
        "Verdicts use 95 % intervals clustered by speaker: pass if the whole interval is within the limit.",
    ]
    audits_of: dict[str, list[str]] = {}
    for result in results:
        sentences = [note for note in result.notes if note not in content.simulated(results)]
        sentences += [f"{plural(len(result.missing), 'clip')} could not be scored"] if result.missing else []
        sentences += [
            f"{len(names)} skipped: {reason}"
            for reason, names in content.findings_by_reason(result, "skipped")
        ]
        for sentence in sentences:
            audits_of.setdefault(sentence, []).append(result.audit)
    lines += [
        f"{markdown.plain(', '.join(audits))}: {markdown.prose(sentence)}"
        for sentence, audits in audits_of.items()
    ]
    return lines


def _with_section(body: str, new: str) -> str:
    starts, ends = body.count(START), body.count(END)
    if not starts and not ends:
        return f"{body.rstrip()}\n\n{new}" if body.strip() else new
    first, last = body.find(START), body.find(END)
    if starts != 1 or ends != 1 or last < first:
        raise GateError(
            "the markers of the sertools section must occur exactly once, begin before end",
            hint=f"remove the lines {START} and {END}, and what sertools wrote between them",
        )
    return body[:first] + new.rstrip("\n") + body[last + len(END) :]


def _with_index(front: str, name: str, results: Sequence[Result]) -> str:
    """The front matter with our results in its `model-index`; all other lines are unchanged."""
    from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
    from huggingface_hub.utils import yaml_dump

    try:
        known = files.parse_yaml(front)
    except ValueError as error:
        first = str(error).partition("\n")[0]
        raise GateError(
            f"the front matter is not valid YAML: {first}", hint="fix the text between the --- lines"
        ) from error
    if known is not None and not isinstance(known, dict):
        raise GateError("the front matter is not a YAML mapping", hint="fix the text between the --- lines")
    index = (known or {}).get("model-index") or []
    found = evaluations(results)
    ours = eval_results_to_model_index(name, found) if found else []
    try:
        theirs = [{**each, "results": [r for r in each["results"] if not _is_ours(r)]} for each in index]
        if theirs:
            model_index_to_eval_results(theirs)
    except (KeyError, TypeError, AttributeError) as error:
        raise GateError(
            f"the model-index cannot be read: {type(error).__name__} {error}",
            hint="fix it, or remove it from the front matter",
        ) from error
    for each in ours:
        same = [entry for entry in theirs if entry["name"] == name or len(theirs) == 1]
        if same:
            same[0]["results"] = [*same[0]["results"], *each["results"]]
        else:
            theirs.append(each)
    written = yaml_dump({"model-index": theirs}) if theirs else ""
    rest = front if front.endswith("\n") or not front else f"{front}\n"
    if "model-index" not in (known or {}):
        return rest + written
    changed, n = _MODEL_INDEX.subn(lambda _: written, rest, count=1)
    if not n or (files.parse_yaml(changed) or {}).keys() - {"model-index"} != (known or {}).keys() - {
        "model-index"
    }:
        raise GateError(
            "the model-index is not written as a block on separate lines",
            hint="write it as `model-index:` with its list on the lines below",
        )
    return changed


def _is_ours(result: dict[str, Any]) -> bool:
    return str((result.get("source") or {}).get("name", "")).startswith("sertools ")
