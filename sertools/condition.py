"""Under what sound was a model asked: clean, a perturbation at a level, or the words in another voice."""

from dataclasses import dataclass

from sertools.tables import CLEAN


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The key under which outputs are stored.

    Attributes:
        perturbation: its name; `clean` for none, `spoken` where a synthetic voice says the words
        level: in the perturbation's unit; None where one is drawn per clip from its list
        unit: of the level, for people
        draw: number of the repeated random draw
        seed: of everything that is drawn
        folder: with the recordings that the perturbation needs; where it lies decides nothing
        content: what the recordings of the folder, or the words and the voice, are, a hash
        voice: of `spoken`: engine and voice, e.g. `espeak:1`
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
        """Printable name: `clean`, `white_noise@40dB`, `gain@drawn#1`, `spoken@espeak:1`.

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
        """What the sound of a clip depends on besides the clip; clean sound depends on nothing."""
        if self.perturbation == CLEAN:
            return CLEAN
        if self.voice:
            return f"{self.perturbation} {self.voice} {self.content}"
        recordings = f" {self.content}" if self.content else ""
        return f"{self.perturbation} {self.level!r} {self.draw} {self.seed}{recordings}"
