"""Reasons of findings that programs act on."""

from sertools.results.result import Finding

IGNORED = "ignored: "
"""Beginning of the reason of a finding that a user does not want to be judged; the user's reason follows."""

WITHOUT_CODE = (
    "not better than a constant, so it says nothing",
    "the model does not beat a constant prediction, so this metric is not meaningful",
)
"""Sentences by which files without reason codes say that a model does not beat a constant prediction.

They stand in existing files, so they never change, whatever the current sentence is.
"""


def not_better_than_constant(finding: Finding) -> bool:
    """Whether a finding is not meaningful because the model is not shown to beat a constant prediction.

    Recognised by `reason_code`. Files written before there were codes have none; there, and only there, the
    sentences of that time are searched for in the reason.
    """
    if finding.reason_code is not None:
        return finding.reason_code == "not_better_than_constant"
    return any(sentence in finding.reason for sentence in WITHOUT_CODE)


def is_ignored(finding: Finding) -> bool:
    """Whether a user's gate file ignores the finding; its reason says why."""
    return finding.limit is None and finding.reason.startswith(IGNORED)
