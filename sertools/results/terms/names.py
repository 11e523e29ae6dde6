"""Names of findings and audits in words, so that no sentence contains an identifier."""

import re
from collections.abc import Mapping

from sertools.results.display import one_line
from sertools.results.keys import FindingKey
from sertools.results.terms.glossary import TERMS

_SHORT = {term.short.lower(): term.short for term in TERMS}
_PHRASES: Mapping[str, str] = {
    "jensen_shannon": "Jensen-Shannon distance",
    "soft_macro_f1_batch32": "soft macro F1 in batches of 32",
    "alpha": "Krippendorff's α",
    "jensen": "Jensen", "shannon": "Shannon", "egemaps": "eGeMAPS", "pgd": "PGD", "fgsm": "FGSM",
}  # fmt: skip
_PLAIN_COLUMNS = ("speaker", "sex", "emotion", "model")
"""Columns whose values explain themselves, so that only the value is shown."""


def in_words(name: str) -> str:
    """An identifier as words: underscores become spaces, abbreviations have their usual letters.

    >>> in_words("worst_speaker"), in_words("change_of_ccc"), in_words("jensen_shannon")
    ('worst speaker', 'change of CCC', 'Jensen-Shannon distance')
    """
    if name in _PHRASES:
        return _PHRASES[name]
    words = one_line(name).replace("_", " ").split(" ")
    return " ".join(_SHORT.get(word, _PHRASES.get(word, word)) for word in words)


def audit_words(name: str) -> str:
    """The name of an audit as a heading.

    >>> audit_words("tts_sentiment"), audit_words("correctness")
    ('TTS sentiment', 'Correctness')
    """
    words = in_words(name)
    return words[:1].upper() + words[1:]


def slice_words(part: str) -> str:
    """The clips that a finding is about, in words; empty for all clips.

    >>> slice_words("speaker=en-us+m1"), slice_words("sex=*"), slice_words("age=<30"), slice_words("all")
    ('en-us+m1', 'by sex', 'age <30', '')
    >>> slice_words("female-male"), slice_words("white_noise@20dB"), slice_words("first_seconds@3s")
    ('female − male', 'white noise at 20 dB', 'first 3 s')
    """
    if part in ("all", ""):
        return ""
    column, equals, value = one_line(part).partition("=")
    if equals and re.fullmatch(r"\w+", column):
        if value == "*":
            return f"by {in_words(column)}"
        return value if column in _PLAIN_COLUMNS else f"{in_words(column)} {value}"
    if re.fullmatch(r"[a-z]\w*@.+", part):
        kind, _, level = one_line(part).partition("@")
        level = re.sub(r"(?<=\d)(?=(s|ms|dB(/octave)?|k?Hz|kbit/s)$)", " ", level)
        if kind == "first_seconds":
            return f"first {level}"
        return f"{in_words(kind)}, {level} level" if level == "drawn" else f"{in_words(kind)} at {level}"
    if part == "female-male":
        return "female − male"
    return one_line(part)


def finding_words(key: FindingKey) -> str:
    """What a finding measures, in words for readers.

    >>> finding_words(FindingKey("worst_speaker", "arousal", "speaker=en-us+m1"))
    'arousal, worst speaker (en-us+m1)'
    >>> finding_words(FindingKey("ccc", "valence")), finding_words(FindingKey("uar"))
    ('valence, CCC', 'UAR')

    A comparison of models names the audit first:

    >>> finding_words(FindingKey("correctness.ccc", "valence", "new − old"))
    'Correctness: valence, CCC (new − old)'
    """
    audit, _, measure = key.name.rpartition(".")
    name = in_words(measure)
    words = name if key.target in ("all", "") else f"{one_line(key.target)}, {name}"
    words = f"{audit_words(audit)}: {words}" if audit else words
    part = slice_words(key.slice)
    return f"{words} ({part})" if part else words


_ZEROS = re.compile(r"(?<![\w.@+=/-])[-−](?=0(\.0+)?(?![\d.]*[1-9]))")
_PERCENT = re.compile(r"(?<=\d)%")
_HYPHENS = re.compile(r"(?<![\w.@+=/-])-(?=\.?\d)")


def with_minus_signs(text: str) -> str:
    r"""A sentence with true minus signs before its numbers, none before a zero, and a space before `%`.

    >>> with_minus_signs("CCC -0.10 [-0.2, 0.1] of en-us-2, gain@-2dB")
    'CCC −0.10 [−0.2, 0.1] of en-us-2, gain@-2dB'
    >>> with_minus_signs("-0.00 [-0.02, -0.0], 96.4% of 5 %")
    '0.00 [−0.02, 0.0], 96.4\xa0% of 5 %'
    """
    return _PERCENT.sub("\xa0%", _HYPHENS.sub("−", _ZEROS.sub("", text)))
