"""Predictions over time under a recording, drawn as lines whose time runs as in the picture above."""

from html import escape

from sertools.labels import DIMENSIONS, canonical
from sertools.results.audio_clips import Recording, Track
from sertools.results.result import Sound

WIDTH, HEIGHT = 480, 96
"""Size in pixels; the width is that of the pictures of recordings."""

_EDGE = 4.0


def shown_labels(sound: Sound, track: Track) -> list[str]:
    """The labels of a track to draw: the dimension, or the predicted and the true emotion.

    >>> shown = Sound(clip="a", target="emotion", truth="anger", clean="fear", caption="")
    >>> shown_labels(shown, Track(window_s=2, times_s=[1], values={"ang": [0.5], "fear": [0.4], "sad": [0]}))
    ['fear', 'ang']
    """
    if sound.target in DIMENSIONS:
        wanted = [sound.target]
    else:
        wanted = list(dict.fromkeys(str(each) for each in (sound.clean, sound.truth, sound.changed) if each))
    by_name = {canonical(label): label for label in reversed(track.values)}
    return [by_name[name] for name in wanted if name in by_name]


def drawn(sound: Sound, take: Recording) -> str:
    """The track of a recording as one `<svg>` element; empty if it has none for the label of the clip.

    The vertical axis spans 0 to 1, or further if the predictions do; time spans the recording.
    """
    track = take.track
    labels = shown_labels(sound, track) if track else []
    if not track or not labels or not take.seconds:
        return ""
    every = [value for label in labels for value in track.values[label]]
    low, high = min(0.0, *every), max(1.0, *every)

    def at(time: float, value: float) -> tuple[float, float]:
        x, y = (
            WIDTH * time / take.seconds,
            HEIGHT - _EDGE - (value - low) / (high - low) * (HEIGHT - 2 * _EDGE),
        )
        return round(x, 1), round(y, 1)

    parts = [
        f'<line class="axis" x1="0" x2="{WIDTH}" y1="{at(0, level)[1]}" y2="{at(0, level)[1]}"/>'
        for level in (low, (low + high) / 2, high)
    ]
    for i, label in enumerate(labels):
        points = [at(*pair) for pair in zip(track.times_s, track.values[label], strict=True)]
        if len(points) > 1:
            parts.append(f'<polyline class="line-{i}" points="{" ".join(f"{x},{y}" for x, y in points)}"/>')
        else:
            parts.append(f'<circle class="line-{i}" cx="{points[0][0]}" cy="{points[0][1]}" r="4"/>')
    said = escape(_sentence(track, labels), quote=True)
    return (
        f'<svg class="track" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{said}">{"".join(parts)}</svg>'
    )


def key(sound: Sound, take: Recording) -> list[str]:
    """The labels that are drawn, in the order of their lines."""
    return shown_labels(sound, take.track) if take.track else []


def _sentence(track: Track, labels: list[str]) -> str:
    """What the lines show, for readers who do not see them."""
    ranges = [f"{label} from {min(v):.2f} to {max(v):.2f}" for label in labels if (v := track.values[label])]
    return f"Predictions in windows of {track.window_s:g} s over time: {', '.join(ranges)}."
