"""The report as GitHub-flavoured Markdown; text from the data is escaped."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from sertools.report import captions, content, text
from sertools.report.prose import blocks, spans
from sertools.report.summary import facts, opening, rows
from sertools.results import audio_clips, display
from sertools.results.result import Finding, Result
from sertools.results.terms import names
from sertools.wording import plural

_ACTIVE = re.compile(r"[\\`*\[\]<>&|~$]|(?<![^\W_])_|_(?![^\W_])|^[#+=-]")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def page(
    results: Sequence[Result],
    files: Mapping[tuple[int, int], str],
    recordings: audio_clips.Recordings = audio_clips.NO_RECORDINGS,
    *,
    shown: Sequence[Result] | None = None,
) -> str:
    """The whole Markdown page.

    Args:
        results: audit results, in the order of the page
        files: (index of result, index of figure) → its file, relative to the page
        recordings: recordings in the folder `sounds` next to the page
        shown: the same results, shortened, for all that is not a count; the whole results by default
    """
    shown = results if shown is None else shown
    parts = [f"# {plain(opening.title(shown))}"]
    dropped = rows.dropped(results)
    parts += [f"> **About the labels:** {plain(sentence)}" for sentence in content.simulated(results)]
    parts += [f"> {prose(sentence)}" for sentence in captions.about_sounds(results, recordings)]
    parts += [f"**{plain(opening.opening(shown))}**", _answers(shown)]
    parts += ["What the numbers leave out:", _list(map(plain, dropped))] if dropped else []
    for model, data in content.subjects(shown):
        known = facts.facts(data, ["name", "licence", "clips", "speakers"])
        known.append(("origin of labels", facts.origin_of_labels(data)))
        parts += ["## Model", _facts(facts.facts(model, ["name", "licence"])), "## Data", _facts(known)]
    common = content.common_notes(shown)
    parts += ["### Notes for all audits", _list(map(prose, common))] if common else []
    for i, result in enumerate(shown):
        result = result.model_copy(update={"notes": [note for note in result.notes if note not in common]})
        drawn = [files[i, j] for j in range(len(result.figures))]
        parts += _section(results[i], result, drawn, recordings.by_result.get(i, ()))
    parts += _provenance(shown)
    parts.append(
        "Intervals are 95 % confidence intervals clustered by speaker. pass: the 90 % interval is within "
        "the limit; fail: the 95 % interval is outside it; inconclusive: neither; skipped: not measurable. "
        "Numbers are rounded for display only; the result files have full precision."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(value: object) -> str:
    r"""One line of text with all special characters of Markdown and HTML escaped.

    >>> plain("a_b | *c* <i>\n`d`")
    'a_b \\| \\*c\\* &lt;i&gt; \\`d\\`'
    """
    return _NUMBERED.sub(r"\1\\\2", _ACTIVE.sub(_literal, display.one_line(value)))


def prose(line: str) -> str:
    """One line of text that keeps its `code` and links and escapes everything else."""
    pieces = spans(display.one_line(line))
    return "".join(_piece(kind, piece) for kind, piece in pieces)


def table(header: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are already Markdown; numeric columns are right-aligned."""
    rule = ["---:" if right else "---" for right in numeric]
    lines = [header, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    r"""A table cell: escaped text with its line breaks.

    >>> cell("two\nlines")
    'two<br>lines'
    """
    return "<br>".join(plain(line) for line in display.clean(value).split("\n"))


def _piece(kind: str, piece: str) -> str:
    if kind == "file":
        return f"[{plain(piece)}]({piece})"
    return {"code": f"`{piece}`", "link": piece}.get(kind) or _spaced(piece)


def _literal(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], f"\\{match[0]}")


def _spaced(piece: str) -> str:
    """Like `plain()`, but keeps a space at either end."""
    before, after = piece[:1] == " ", piece[-1:] == " " and piece.strip()
    return f"{' ' * before}{plain(piece)}{' ' * bool(after)}"


def _answers(results: Sequence[Result]) -> str:
    """The first screen: a row for each question."""
    several = len(content.subjects(results)) > 1
    lines = []
    for row in rows.rows(results):
        asked = plain(row.asks.question)
        asked += f" ({plain(row.model)} on {plain(row.corpus)})" if several else ""
        said = [
            f"{_link(results[i].audit)}: {cell(names.with_minus_signs(content.answer_itself(results[i])))}"
            for i in row.audits
        ]
        numbers = [f"{plain(names.finding_words(f.key))} {_number(f)}" for f in row.numbers]
        lines.append([asked, text.verdict(row.verdict), "<br>".join(said), "<br>".join(numbers)])
    return table(["Question", "Verdict", "Answer", "Most important numbers"], [False] * 4, lines)


def _number(finding: Finding) -> str:
    more = text.interval_or_reason(finding)
    number = f"{finding.value_text} {plain(more)}" if more else finding.value_text
    return f"{number} ({plain(text.people(finding))})" if finding.ceiling else number


def _link(audit: str) -> str:
    """The heading of an audit, as a link to its section where GitHub's anchor of it is known."""
    words = names.audit_words(audit)
    anchor = words.lower().replace(" ", "-")
    return f"[{plain(words)}](#{anchor})" if re.fullmatch(r"[a-z][a-z0-9-]*", anchor) else cell(words)


def _section(
    whole: Result, result: Result, files: Sequence[str], clips: Sequence[audio_clips.RecordedClip]
) -> list[str]:
    """The section of one audit.

    Args:
        whole: its result, for counts
        result: the same, shortened
        files: file of each figure, relative to the page
        clips: clips with recordings
    """
    judged, unjudged = content.judged(result), content.unjudged(result)
    answer = plain(names.with_minus_signs(result.answer))
    parts = [f"## {plain(names.audit_words(result.audit))}", prose(result.question), f"**Answer:** {answer}"]
    if judged:
        parts += ["### Judged findings", _findings(judged)]
    if unjudged:
        parts += ["### Other findings, which do not affect the verdict", _findings(unjudged)]
    if not result.findings:
        parts.append("This audit has no findings.")
    for figure, file in zip(result.figures, files, strict=True):
        alt = plain(names.with_minus_signs(figure.alt))
        parts += [f"### {plain(figure.title)}", f"![{alt}]({quote(file)})", alt]
    if clips:
        parts += ["### Clips to listen to", captions.ABOUT_PICTURES, *map(_recorded_clip, clips)]
    for item in result.tables:
        columns = content.columns(item)
        cells = [[plain(c) if right else cell(c) for c in values] for _, right, values in columns]
        body = table(
            [cell(display.one_line(name)) for name, _, _ in columns],
            [right for _, right, _ in columns],
            [[values[i] for values in cells] for i in range(len(item.rows))],
        )
        parts += [f"### {plain(item.title)}", body if item.rows else "no rows", prose(item.note)]
    if result.notes:
        parts += ["### Notes", _list(prose(note) for note in result.notes)]
    for heading, verdict in (
        ("### What was skipped, and why", "skipped"),
        ("### What could not be decided, and why", "inconclusive"),
    ):
        reasons = content.findings_by_reason(whole, verdict)
        parts += [heading, _list(_stopped(reason, names) for reason, names in reasons)] if reasons else []
    parts += _missing(result)
    limits = content.limits(whole)
    if result.method or limits:
        method = [_block(kind, items) for kind, items in blocks(result.method)]
        parts += ["### How this was measured", *method]
    if limits:
        parts += [
            "Limits and their sources:",
            _list(f"{plain(words)}: {prose(o)} ({plural(n, 'finding')})" for words, o, n in limits),
        ]
    return parts


def _recorded_clip(each: audio_clips.RecordedClip) -> str:
    """One clip: its caption, its images side by side, and links to its recordings."""
    sound, answers = each.sound, captions.answers(each.sound)
    who = f" (speaker {plain(sound.speaker)})" if sound.speaker else ""
    said = f"\n\n> {plain(sound.transcript)}" if sound.transcript else ""
    header, pictures, links = [], [], []
    for take, shown_with in zip(each.takes, answers, strict=False):
        shown = ", ".join(f"{plain(name)} {plain(answer)}" for name, answer in shown_with)
        header.append(f"{cell(take.condition)}: {shown}")
        address = f"{audio_clips.FOLDER}/{take.picture}"
        alt = captions.picture_alt(take)
        pictures.append(f"![{plain(alt)}]({address})" if take.picture else cell(take.reason))
        links.append(f"[play]({audio_clips.FOLDER}/{take.audio})" if take.audio else display.ABSENT)
    body = table(header, [False] * len(header), [pictures, links])
    return f"**{plain(sound.clip)}**{who}: {plain(sound.caption)}{said}\n\n{body}"


def _findings(found: Sequence[Finding]) -> str:
    header = ["Verdict", "Finding", "Name in results", "Value", "95 % interval", "Limit", "Clips", "Speakers"]
    numeric = [False, False, False, True, True, False, True, True, False]
    cells = list(map(_finding, found))
    if content.columns_of(found)["people"]:
        header, numeric = [*header, "One rater"], [*numeric, False]
        cells = [[*row[:-1], _one_rater(f), row[-1]] for row, f in zip(cells, found, strict=True)]
    return table([*header, "Reason"], numeric, cells)


def _one_rater(finding: Finding) -> str:
    if finding.ceiling is None:
        return display.ABSENT
    return plain(f"{finding.ceiling.text}; the model is {finding.ceiling.comparison}")


def _finding(finding: Finding) -> list[str]:
    return [
        text.verdict_of_finding(finding),
        cell(names.finding_words(finding.key)),
        cell(finding.name),
        finding.value_text,
        plain(finding.interval_text),
        _limit(finding),
        str(finding.n),
        display.ABSENT if finding.speakers is None else str(finding.speakers),
        cell(finding.reason),
    ]


def _limit(finding: Finding) -> str:
    if finding.limit is None:
        return display.ABSENT
    why = f"because: {finding.limit.why}" if finding.limit.why else ""
    source = "; ".join(part for part in (finding.limit.source, why) if part)
    limit = plain(finding.limit_text)
    return f"{limit} ({cell(source)})" if source else limit


def _stopped(reason: str, names: Sequence[str]) -> str:
    more = f"; and {len(names) - 8} more" if len(names) > 8 else ""
    return f"{plain(reason)} ({plain('; '.join(names[:8]))}{more})"


def _missing(result: Result) -> list[str]:
    absent = content.missing_clips(result)
    if not absent.reasons:
        return []
    reasons = _list(
        f"{plural(n, 'clip')}: {plain(reason)} (under {plain(', '.join(conditions[:8]))}"
        f"{f' and {len(conditions) - 8} more' if len(conditions) > 8 else ''})"
        for reason, n, conditions in absent.reasons
    )
    first = "; ".join(
        f"{plain(missing.clip)} ({plain(names.slice_words(missing.condition))})" for missing in absent.first
    )
    more = f"; and {absent.more} more, listed in the result file" if absent.more else ""
    return ["### Missing clips", reasons, f"Clips: {first}{more}."]


def _block(kind: str, items: Sequence[str]) -> str:
    if kind == "code":
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", "\n".join(items))), default=0))
        return "\n".join([f"{fence}text", *items, fence])
    return _list(map(prose, items)) if kind == "list" else prose(items[0])


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _facts(known: Sequence[tuple[str, str]]) -> str:
    return _list(f"{plain(key)}: {plain(value)}" for key, value in known)


def _provenance(results: Sequence[Result]) -> list[str]:
    commands = content.commands(results)
    parts = ["## How to reproduce this", *(_block("code", command.split("\n")) for command in commands)]
    found = facts.provenance(results)
    for name, known in found:
        parts += [f"### {plain(names.audit_words(name))}" if name else "", _facts(known)]
    return parts if found or commands else [*parts, "The results do not say how they were produced."]
