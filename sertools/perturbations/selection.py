"""Resolves names of sets, perturbations and levels into the conditions under which a model is tested."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sertools.errors import AuditError, nearest
from sertools.perturbations.perturbation import Perturbation
from sertools.perturbations.registry import get as get  # audits may import only this module
from sertools.perturbations.registry import perturbations
from sertools.tables.condition import Condition

SETS = ("small", "ser-tests", "all")

LARGER = {
    "white_noise": 20.0,
    "babble": 20.0,
    "recorded_noise": 20.0,
    "low_quality_phone": 25.0,
    "spectral_tilt_up": 3.0,
    "spectral_tilt_down": 3.0,
    "simulated_room": 0.6,
    "recorded_room": 100.0,
}
"""Levels of ser-tests' larger changes; those of tilt and rooms are ours (it ships impulse responses)."""

FOLDERS = {"recordings of noise": "--noise-dir", "impulse responses": "--rir-dir"}
"""Recordings that a perturbation may need → the option that gives their folder."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The conditions that names refer to, and the perturbations that are unavailable, with the reason.

    Attributes:
        conditions: conditions whose predictions are compared with those for clean audio, in the given order
        ladders: perturbation → its conditions from mild to severe, for dose-response curves
        absent: perturbation or condition → why it cannot be applied here
    """

    conditions: tuple[Condition, ...]
    ladders: dict[str, tuple[Condition, ...]]
    absent: dict[str, str]

    @property
    def every(self) -> tuple[Condition, ...]:
        """All conditions, each once."""
        steps = [condition for ladder in self.ladders.values() for condition in ladder]
        return tuple(dict.fromkeys([*self.conditions, *steps]))


def select(
    names: Sequence[str],
    *,
    ladder: bool = False,
    draws: int = 1,
    noise_dir: str = "",
    rir_dir: str = "",
) -> Selection:
    """The conditions that names like `small`, `gain` and `white_noise@20` refer to.

    Perturbations of a set that are unavailable in this installation, or lack their recordings, are skipped
    with the reason; a perturbation named on its own must be available.

    Args:
        names: sets (`small`, `ser-tests`, `all`), perturbations (level drawn per clip), or `name@level`
        ladder: also include all ladder levels of each perturbation
        draws: number of random draws for each random condition
        noise_dir: folder with recordings of noise; may be empty
        rir_dir: folder with impulse responses; may be empty

    Raises:
        AuditError: an unknown name or level, no name, or a named perturbation that is unavailable

    >>> [str(condition) for condition in select(["gain", "white_noise@20"]).conditions]
    ['gain@drawn', 'white_noise@20dB']
    """
    if not names:
        raise AuditError("no perturbation was given", hint=f"sets: {', '.join(SETS)}")
    if draws < 1:
        raise AuditError(f"{draws} random draws are not possible", hint="use 1 or more")
    folders = {"recordings of noise": noise_dir, "impulse responses": rir_dir}
    conditions: dict[Condition, None] = {}
    ladders: dict[str, tuple[Condition, ...]] = {}
    absent: dict[str, str] = {}
    for name in names:
        for perturbation, level in _resolved(name):
            condition = _condition(perturbation, level, folders.get(perturbation.needs, ""))
            reason = _reason_unavailable(perturbation, folders)
            if reason:
                if name not in SETS:
                    raise AuditError(reason)
                absent[str(condition)] = reason
                continue
            repeats = draws if _is_drawn(perturbation, level) else 1
            conditions |= dict.fromkeys(replace(condition, draw=draw) for draw in range(repeats))
            if ladder:
                ladders[perturbation.name] = tuple(
                    _condition(perturbation, step, condition.folder) for step in perturbation.ladder
                )
    return Selection(conditions=tuple(conditions), ladders=ladders, absent=absent)


def _condition(perturbation: Perturbation, level: float | None, folder: str) -> Condition:
    unit = "" if level is None else perturbation.unit
    return Condition(perturbation=perturbation.name, level=level, unit=unit, folder=folder)


def _resolved(name: str) -> list[tuple[Perturbation, float | None]]:
    """Perturbations with their level; None if a level is drawn per clip."""
    if name == "ser-tests":
        chosen = perturbations("ser-tests").values()
        # white noise is among ser-tests' small changes and, louder, among its background noises
        small: list[tuple[Perturbation, float | None]]
        small = [(p, None) for p in chosen if p.name not in LARGER or p.small]
        return small + [(p, LARGER[p.name]) for p in chosen if p.name in LARGER]
    if name in SETS:
        return [(p, None) for p in perturbations(name).values()]
    stem, at, text = name.partition("@")
    if "@" not in name and stem not in perturbations():
        # a misspelt set cannot be told from a misspelt perturbation
        raise AuditError(
            f"unknown set or perturbation {name!r}", hint=nearest(name, [*SETS, *perturbations()])
        )
    perturbation = get(stem)
    if not at or text == "drawn":
        return [(perturbation, None)]
    try:
        level = float(text.removesuffix(perturbation.unit.replace(" ", "")).strip())
    except ValueError as error:
        raise AuditError(
            f"{name!r} has no valid level",
            hint=f"levels are in {perturbation.unit}, e.g. {stem}@{perturbation.levels[0]:g}",
        ) from error
    perturbation.check_level(level)
    return [(perturbation, level)]


def _reason_unavailable(perturbation: Perturbation, folders: dict[str, str]) -> str:
    """Why a perturbation cannot be applied here; empty if it can."""
    if perturbation.unavailable:
        return perturbation.unavailable
    if perturbation.needs in FOLDERS and not folders[perturbation.needs]:
        option = FOLDERS[perturbation.needs]
        return f"{perturbation.name} needs {perturbation.needs}: give their folder with {option}"
    return ""


def _is_drawn(perturbation: Perturbation, level: float | None) -> bool:
    return perturbation.random or (level is None and len(perturbation.levels) > 1)
