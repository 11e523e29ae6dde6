"""Prompts for audio language models: templates with a placeholder for the classes, and their orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sertools.errors import ModelError

PLACEHOLDER = "{classes}"
"""Where a template has the names of the classes, separated by commas."""

LONGEST = 20_000
"""Largest number of characters of a template."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A template and its name, for the facts."""

    name: str
    template: str

    def text(self, classes: Sequence[str]) -> str:
        """The prompt with these classes, in this order.

        >>> BUILT_IN[0].text(["anger", "sadness"]).partition("?")[0]
        'Which of these emotions does the voice of the speaker express: anger, sadness'
        """
        return self.template.replace(PLACEHOLDER, ", ".join(classes))


BUILT_IN = (
    Prompt(
        name="built-in 1",
        template="Which of these emotions does the voice of the speaker express: {classes}? Judge how it is "
        "said, not what is said. Answer with exactly one of these words and nothing else.",
    ),
    Prompt(
        name="built-in 2",
        template="Listen to the recording and classify the emotion of the speaker.\nOptions: {classes}\n"
        "Reply with one option only.",
    ),
    Prompt(
        name="built-in 3",
        template="Someone speaks in this recording. If you had to describe how they feel with a single word "
        "of the list [{classes}], which word would it be? Write only that word.",
    ),
)
"""Prompts of our own; the first is the default, and the others are for the audit `prompts`."""


def read_prompts(paths: Sequence[str]) -> tuple[Prompt, ...]:
    """The prompts of the user, followed by the built-in ones.

    Raises:
        ModelError: a file cannot be read, has no placeholder, or is far too long
    """
    found = []
    for each in paths:
        path = Path(each).expanduser()
        try:
            template = path.read_text(encoding="utf-8").strip()
        except UnicodeDecodeError as error:
            raise ModelError(f"the prompt {path} is not a text in UTF-8", hint="save it as one") from error
        except OSError as error:
            raise ModelError(f"the prompt {path} cannot be read: {error.strerror}") from error
        if PLACEHOLDER not in template:
            raise ModelError(
                f"the prompt {path} has no placeholder {PLACEHOLDER}",
                hint=f"write {PLACEHOLDER} where the names of the classes belong",
            )
        if len(template) > LONGEST:
            raise ModelError(f"the prompt {path} has {len(template)} characters; at most {LONGEST} are sent")
        found.append(Prompt(name=path.name, template=template))
    return (*found, *BUILT_IN)


def rotated(classes: Sequence[str], order: int) -> tuple[str, ...]:
    """The classes in an order: order 1 as they are, order 2 begins with the second class, and so on.

    Over as many orders as there are classes, each class stands once at each position.

    >>> rotated(["a", "b", "c"], 1), rotated(["a", "b", "c"], 3)
    (('a', 'b', 'c'), ('c', 'a', 'b'))
    """
    start = (order - 1) % len(classes)
    return (*classes[start:], *classes[:start])
