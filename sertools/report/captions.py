"""Text about recordings in the report: their origin, the predictions for them, and image descriptions."""

from collections.abc import Sequence

from sertools.report.content import name_of
from sertools.report.text import column_texts
from sertools.results.audio_clips import Recording, Recordings
from sertools.results.display import clean, one_line
from sertools.results.provenance import fingerprint_of
from sertools.results.result import Result, Sound
from sertools.wording import plural

ABOUT_PICTURES = (
    "Recordings are shown as the model receives them: mono, at the model's sampling rate. Top: waveform; "
    "bottom: spectrogram up to half the sampling rate. Brighter is louder, from −100 to −20 dB relative to a "
    "full-scale sine. If a recording exceeds full scale, its clean and perturbed versions are both played "
    "more quietly."
)
"""How to read the images and what the recordings contain."""


def about_sounds(results: Sequence[Result], recordings: Recordings, left_out: int = 0) -> list[str]:
    """Notes on recordings for readers who may share the page; empty if no audit names a clip."""
    if not any(result.sounds for result in results):
        return []
    if not recordings.n and not left_out:
        licensed = dict.fromkeys(
            name_of(r.data, "unnamed data") for r in results if r.data.get("recordings") and fingerprint_of(r)
        )
        if licensed:
            return [
                "The audits name clips worth listening to, but this report has no recordings, because the "
                f"licence of {' and '.join(licensed)} does not let them be passed on. `--audio 5` embeds up "
                "to 5 clips for each audit; such a report is for your own use."
            ]
        return [
            "The audits name clips worth listening to, but these results have no recordings: precomputed "
            "predictions come without audio, and `--audio none` saves none."
        ]
    notes = []
    if recordings.n:
        origins = dict.fromkeys(
            f"{name_of(r.data, 'unnamed data')} (licence: {clean(r.data.get('licence') or 'not stated')})"
            for i, r in enumerate(results)
            if recordings.by_result.get(i)
        )
        notes.append(
            f"This report contains voice recordings from {', '.join(origins)}: share it only where those "
            "may be shared. `--audio none` makes a report without recordings."
        )
    if left_out:
        notes.append(
            f"{plural(left_out, 'more clip')} would exceed the size limit of this page; the files are in "
            "the folder `sounds` next to it."
        )
    return notes


def answers(sound: Sound) -> list[list[tuple[str, str]]]:
    """Truth and predictions shown with the clean recording of a clip, then with the perturbed one.

    >>> answers(Sound(clip="a", target="arousal", truth=0.5, clean=0.25, caption="", condition="clip@drawn"))
    [[('truth', '0.50'), ('arousal', '0.25')], [('arousal', '–')]]
    """
    truth, before, after = column_texts([sound.truth, sound.clean, sound.changed])
    known = [("truth", truth)] if sound.truth is not None else []
    return [[*known, (sound.target, before)], [(sound.target, after)]]


def picture_alt(take: Recording) -> str:
    """Alternative text for the image of a recording."""
    under = "clean" if take.condition == "clean" else f"under {take.condition}"
    return (
        f"Waveform and spectrogram of {one_line(take.clip)}, {one_line(under)}: {take.seconds:.1f} s, up to "
        f"{take.rate / 2000:g} kHz."
    )
