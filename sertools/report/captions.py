"""What the report says of recordings: whose they are, what is answered to them, what their pictures show."""

from collections.abc import Sequence

from sertools.report.content import name_of
from sertools.report.sounds import Recording, Recordings
from sertools.report.text import clean, column_texts, one_line, plural
from sertools.result import Result, Sound

ABOUT_PICTURES = (
    "As the model hears them: mono, at its rate. Above the waveform, below the spectrogram up to half the "
    "rate; brighter is louder, from −100 to −20 dB relative to a sine at full scale. What is louder than "
    "full scale is played softer, clean and changed alike."
)
"""How to read and hear a recording."""


def about_sounds(results: Sequence[Result], recordings: Recordings, left_out: int = 0) -> list[str]:
    """What a reader must know of recordings before passing a page on; nothing where no audit names a clip."""
    if not any(result.sounds for result in results):
        return []
    if not recordings.n and not left_out:
        return [
            "The audits name clips that are worth hearing, but no sound lies beside these results: "
            "predictions that were made elsewhere have none, and `--audio none` keeps none."
        ]
    told = []
    if recordings.n:
        origins = dict.fromkeys(
            f"{name_of(r.data, 'unnamed data')} (licence: {clean(r.data.get('licence') or 'not stated')})"
            for i, r in enumerate(results)
            if recordings.heard.get(i)
        )
        told.append(
            f"This report holds recordings of voices from {', '.join(origins)}: share it only where those "
            "may be shared. `--audio none` makes one without."
        )
    if left_out:
        told.append(
            f"{plural(left_out, 'more clip')} would make this page larger than it may be; the files lie in "
            "the folder `sounds` beside it."
        )
    return told


def answers(sound: Sound) -> list[list[tuple[str, str]]]:
    """What is shown beside the clean take of a clip and beside the changed one: names and values.

    >>> answers(Sound(clip="a", target="arousal", truth=0.5, clean=0.25, caption="", condition="clip@drawn"))
    [[('truth', '0.50'), ('arousal', '0.25')], [('arousal', '–')]]
    """
    truth, before, after = column_texts([sound.truth, sound.clean, sound.changed])
    known = [("truth", truth)] if sound.truth is not None else []
    return [[*known, (sound.target, before)], [(sound.target, after)]]


def picture_alt(take: Recording) -> str:
    """What the picture of a recording shows, for who cannot see it."""
    under = "clean" if take.condition == "clean" else f"under {take.condition}"
    return (
        f"Waveform and spectrogram of {one_line(take.clip)}, {one_line(under)}: {take.seconds:.1f} s, up to "
        f"{take.rate / 2000:g} kHz."
    )
