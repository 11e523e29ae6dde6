"""The condition of a prediction: clean, a perturbation, the text in a synthetic voice, or another prompt."""

from dataclasses import dataclass

from sertools.tables.changed.splice import Spliced

CLEAN = "clean"
"""Name of the condition with unperturbed audio."""


NOT_LONGER = "is not longer than"
"""Part of the reason for a clip that has no excerpt of a length, because it is that short as a whole."""


PROMPT = "prompt"
"""Name of the conditions with clean audio and another prompt, order of the classes, or repetition."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How an audio language model is asked; all numbers count from 1.

    Attributes:
        prompt: number of the prompt
        order: number of the order in which the prompt lists the classes
        repeat: number of the repetition
    """

    prompt: int = 1
    order: int = 1
    repeat: int = 1


@dataclass(frozen=True, kw_only=True)
class Condition:
    """An audio condition; model outputs are stored under it.

    Attributes:
        perturbation: its name; `clean` for none, `spoken` if a synthetic voice speaks the text
        level: in the perturbation's unit; None if it is drawn for each clip from the perturbation's list
        unit: unit of the level, for display
        draw: index of the repeated random draw
        seed: random seed
        folder: folder of recordings for the perturbation; its path is not part of the fingerprint
        content: hash of the recordings in the folder, or of the text and the voice
        voice: for `spoken`: engine and voice, e.g. `espeak:1`
        asked: for `prompt`: how the model is asked
        spliced: for `splice`: what one half differs in
        window_s: for `after_change`: length of the window that is heard in s; its level is the time since the
            change
    """

    perturbation: str = CLEAN
    level: float | None = None
    unit: str = ""
    draw: int = 0
    seed: int = 0
    folder: str = ""
    content: str = ""
    voice: str = ""
    asked: Asked | None = None
    spliced: Spliced | None = None
    window_s: float | None = None

    def __str__(self) -> str:
        """Display name: `clean`, `white_noise@40dB`, `gain@drawn#1`, `spoken@espeak:1`, `prompt@2/1/1`.

        >>> str(Condition()), str(Condition(perturbation="white_noise", level=40, unit="dB"))
        ('clean', 'white_noise@40dB')
        """
        if self.perturbation == CLEAN:
            return CLEAN
        if self.voice:
            return f"{self.perturbation}@{self.voice}"
        if self.asked:
            return f"{PROMPT}@{self.asked.prompt}/{self.asked.order}/{self.asked.repeat}"
        if self.spliced:
            return f"{self.perturbation}@{self.spliced.other}"
        if self.window_s:
            return f"{self.perturbation}@{self.level:g}s/{self.window_s:g}s"
        level = "drawn" if self.level is None else f"{self.level:g}{self.unit.replace(' ', '')}"
        return f"{self.perturbation}@{level}" + (f"#{self.draw}" if self.draw else "")

    @property
    def fingerprint(self) -> str:
        """Everything but the clip itself that determines the audio; just `clean` for clean audio."""
        if self.perturbation == CLEAN:
            return CLEAN
        if self.voice or self.asked or self.spliced or self.window_s:
            return f"{self.perturbation} {self.voice or self} {self.content}"
        recordings = f" {self.content}" if self.content else ""
        return f"{self.perturbation} {self.level!r} {self.draw} {self.seed}{recordings}"


def asked_condition(prompt: int, order: int, repeat: int) -> Condition:
    """The condition of a prompt, an order of the classes and a repetition; the first of each is clean audio.

    >>> str(asked_condition(1, 1, 1)), str(asked_condition(2, 1, 3))
    ('clean', 'prompt@2/1/3')
    """
    asked = Asked(prompt=prompt, order=order, repeat=repeat)
    return Condition() if asked == Asked() else Condition(perturbation=PROMPT, asked=asked)
