"""Under what sound was a model asked: clean, or a perturbation at a level."""

from dataclasses import dataclass

from sertools.tables import CLEAN


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The key under which outputs are stored.

    Attributes:
        perturbation: its name; `clean` for none
        level: in the perturbation's unit; None where one is drawn per clip from its list
        unit: of the level, for people
        draw: number of the repeated random draw
        seed: of everything that is drawn
        folder: with the recordings that the perturbation needs; where it lies decides nothing
        content: what the recordings of the folder are, a hash
    """

    perturbation: str = CLEAN
    level: float | None = None
    unit: str = ""
    draw: int = 0
    seed: int = 0
    folder: str = ""
    content: str = ""

    def __str__(self) -> str:
        """Printable name: `clean`, `white_noise@40dB`, `crop_end@drawn`, `gain@drawn#1`.

        >>> str(Condition()), str(Condition(perturbation="white_noise", level=40, unit="dB"))
        ('clean', 'white_noise@40dB')
        """
        if self.perturbation == CLEAN:
            return CLEAN
        level = "drawn" if self.level is None else f"{self.level:g}{self.unit.replace(' ', '')}"
        return f"{self.perturbation}@{level}" + (f"#{self.draw}" if self.draw else "")

    @property
    def fingerprint(self) -> str:
        """What the sound of a clip depends on besides the clip; clean sound depends on nothing."""
        if self.perturbation == CLEAN:
            return CLEAN
        recordings = f" {self.content}" if self.content else ""
        return f"{self.perturbation} {self.level!r} {self.draw} {self.seed}{recordings}"
