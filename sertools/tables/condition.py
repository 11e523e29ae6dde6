"""The audio condition of a prediction: clean, a perturbation at a level, or the text in a synthetic voice."""

from dataclasses import dataclass

CLEAN = "clean"
"""Name of the condition with unperturbed audio."""


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
    """

    perturbation: str = CLEAN
    level: float | None = None
    unit: str = ""
    draw: int = 0
    seed: int = 0
    folder: str = ""
    content: str = ""
    voice: str = ""

    def __str__(self) -> str:
        """Display name: `clean`, `white_noise@40dB`, `gain@drawn#1`, `spoken@espeak:1`.

        >>> str(Condition()), str(Condition(perturbation="white_noise", level=40, unit="dB"))
        ('clean', 'white_noise@40dB')
        """
        if self.perturbation == CLEAN:
            return CLEAN
        if self.voice:
            return f"{self.perturbation}@{self.voice}"
        level = "drawn" if self.level is None else f"{self.level:g}{self.unit.replace(' ', '')}"
        return f"{self.perturbation}@{level}" + (f"#{self.draw}" if self.draw else "")

    @property
    def fingerprint(self) -> str:
        """Everything but the clip itself that determines the audio; just `clean` for clean audio."""
        if self.perturbation == CLEAN:
            return CLEAN
        if self.voice:
            return f"{self.perturbation} {self.voice} {self.content}"
        recordings = f" {self.content}" if self.content else ""
        return f"{self.perturbation} {self.level!r} {self.draw} {self.seed}{recordings}"
