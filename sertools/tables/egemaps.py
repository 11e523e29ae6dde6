"""Names and groups of the acoustic features with which layers and answers are compared.

Layers are compared with the low-level descriptors of eGeMAPSv02 (Eyben et al. 2016) with their openSMILE
names, grouped as in Li et al. 2023, table 2; MFCC 1–4 are included as the linguistic contrast. Answers are
compared with the 88 functionals of a clip.
"""

import re
from collections.abc import Mapping, Sequence

GROUPS: Mapping[str, tuple[str, ...]] = {
    "energy": ("Loudness_sma3", "HNRdBACF_sma3nz"),
    "frequency": (
        "F0semitoneFrom27.5Hz_sma3nz",
        "F1bandwidth_sma3nz",
        "F1frequency_sma3nz",
        "F2frequency_sma3nz",
        "F3frequency_sma3nz",
    ),
    "spectral": (
        "alphaRatio_sma3",
        "hammarbergIndex_sma3",
        "F1amplitudeLogRelF0_sma3nz",
        "F2amplitudeLogRelF0_sma3nz",
        "F3amplitudeLogRelF0_sma3nz",
        "slope0-500_sma3",
        "slope500-1500_sma3",
        "logRelF0-H1-H2_sma3nz",
        "logRelF0-H1-A3_sma3nz",
    ),
    "voice quality": ("jitterLocal_sma3nz", "shimmerLocaldB_sma3nz"),
    "MFCC": ("mfcc1_sma3", "mfcc2_sma3", "mfcc3_sma3", "mfcc4_sma3"),
}
"""Group → its features; 22 features in total."""

OTHERS = ("spectralFlux_sma3", "F2bandwidth_sma3nz", "F3bandwidth_sma3nz")
"""Low-level descriptors of eGeMAPSv02 that are in no group."""

FEATURES = (*(name for names in GROUPS.values() for name in names), *OTHERS)
"""All 25 low-level descriptors, in the order of the groups."""

ALL = "eGeMAPS"
"""Name of the union of all descriptors, also those in no group."""

PARALINGUISTIC = "paralinguistic"
"""Name of the union of all groups but MFCC."""

_MEAN_AND_SPREAD = ("amean", "stddevNorm")
_CONTOUR = (
    *_MEAN_AND_SPREAD,
    *("percentile20.0", "percentile50.0", "percentile80.0", "pctlrange0-2"),
    *("meanRisingSlope", "stddevRisingSlope", "meanFallingSlope", "stddevFallingSlope"),
)
_FORMANTS = [
    f"F{i}{what}_sma3nz" for i in (1, 2, 3) for what in ("frequency", "bandwidth", "amplitudeLogRelF0")
]
_MFCC = [f"mfcc{i}" for i in (1, 2, 3, 4)]
_TEMPO = (
    *("loudnessPeaksPerSec", "VoicedSegmentsPerSec", "MeanVoicedSegmentLengthSec"),
    *("StddevVoicedSegmentLengthSec", "MeanUnvoicedSegmentLength", "StddevUnvoicedSegmentLength"),
)


def _of(descriptors: Sequence[str], functionals: Sequence[str]) -> list[str]:
    return [f"{descriptor}_{functional}" for descriptor in descriptors for functional in functionals]


FUNCTIONALS = (
    *_of(["F0semitoneFrom27.5Hz_sma3nz", "loudness_sma3"], _CONTOUR),
    *_of(["spectralFlux_sma3", *(f"{each}_sma3" for each in _MFCC)], _MEAN_AND_SPREAD),
    *_of(["jitterLocal_sma3nz", "shimmerLocaldB_sma3nz", "HNRdBACF_sma3nz"], _MEAN_AND_SPREAD),
    *_of(["logRelF0-H1-H2_sma3nz", "logRelF0-H1-A3_sma3nz", *_FORMANTS], _MEAN_AND_SPREAD),
    *_of(["alphaRatioV_sma3nz", "hammarbergIndexV_sma3nz", "slopeV0-500_sma3nz"], _MEAN_AND_SPREAD),
    *_of(["slopeV500-1500_sma3nz", "spectralFluxV_sma3nz"], _MEAN_AND_SPREAD),
    *_of([f"{each}V_sma3nz" for each in _MFCC], _MEAN_AND_SPREAD),
    *_of(["alphaRatioUV_sma3nz", "hammarbergIndexUV_sma3nz", "slopeUV0-500_sma3nz"], ["amean"]),
    *_of(["slopeUV500-1500_sma3nz", "spectralFluxUV_sma3nz"], ["amean"]),
    *_TEMPO,
    "equivalentSoundLevel_dBp",
)
"""The 88 functionals of eGeMAPSv02, with openSMILE's names and in its order."""

FUNCTIONAL_COLUMNS = tuple(f"egemaps:{name}" for name in FUNCTIONALS)
"""The corpus columns that hold them, see `sertools.features.functionals`."""

_STARTS: Mapping[str, tuple[str, ...]] = {
    "pitch": ("F0",),
    "loudness": ("loudness_", "equivalentSoundLevel"),
    "tempo": _TEMPO,
    "voice quality": ("jitter", "shimmer", "HNR", "logRelF0"),
    "formants": ("F1", "F2", "F3"),
    "MFCC": ("mfcc",),
}
SPECTRUM = "spectrum"


def group_of(functional: str) -> str:
    """The group of a functional: pitch, loudness, tempo, voice quality, formants, MFCC, or else spectrum.

    >>> group_of("loudness_sma3_amean"), group_of("alphaRatioV_sma3nz_amean")
    ('loudness', 'spectrum')
    """
    return next((group for group, starts in _STARTS.items() if functional.startswith(starts)), SPECTRUM)


def columns(features: Sequence[str]) -> dict[str, list[int]]:
    """Indices of each group's features in this list; a group with no feature in it is absent.

    `paralinguistic` is all groups but MFCC, `eGeMAPS` is all features.

    >>> columns(["mfcc1_sma3", "Loudness_sma3", "HNRdBACF_sma3nz"])
    {'energy': [1, 2], 'MFCC': [0], 'paralinguistic': [1, 2], 'eGeMAPS': [0, 1, 2]}
    """
    found = {
        group: [i for i, feature in enumerate(features) if feature in names]
        for group, names in GROUPS.items()
    }
    found[PARALINGUISTIC] = sorted(i for group, at in found.items() if group != "MFCC" for i in at)
    found[ALL] = [i for i, feature in enumerate(features) if feature in FEATURES]
    return {group: at for group, at in found.items() if at}


_DESCRIPTORS: Mapping[str, str] = {
    "F0semitoneFrom27.5Hz": "pitch",
    "loudness": "loudness",
    "spectralFlux": "spectral flux",
    "jitterLocal": "jitter",
    "shimmerLocaldB": "shimmer",
    "HNRdBACF": "harmonics-to-noise ratio",
    "logRelF0-H1-H2": "H1–H2",
    "logRelF0-H1-A3": "H1–A3",
    "alphaRatio": "alpha ratio",
    "hammarbergIndex": "Hammarberg index",
    "slope0-500": "slope 0–500 Hz",
    "slope500-1500": "slope 500–1500 Hz",
    "equivalentSoundLevel_dBp": "sound level",
    "loudnessPeaksPerSec": "loudness peaks per second",
    "VoicedSegmentsPerSec": "voiced segments per second",
    "MeanVoicedSegmentLengthSec": "length of voiced segments, mean",
    "StddevVoicedSegmentLengthSec": "length of voiced segments, spread",
    "MeanUnvoicedSegmentLength": "length of unvoiced segments, mean",
    "StddevUnvoicedSegmentLength": "length of unvoiced segments, spread",
}
_FUNCTIONALS: Mapping[str, str] = {
    "amean": "mean",
    "stddevNorm": "relative spread",
    "percentile20.0": "20th percentile",
    "percentile50.0": "median",
    "percentile80.0": "80th percentile",
    "pctlrange0-2": "range from the 20th to the 80th percentile",
    "meanRisingSlope": "mean rising slope",
    "stddevRisingSlope": "spread of rising slopes",
    "meanFallingSlope": "mean falling slope",
    "stddevFallingSlope": "spread of falling slopes",
}
_VOICING = {"V": "voiced", "UV": "unvoiced"}


def readable(functional: str) -> str:
    """A functional in words.

    >>> readable("F0semitoneFrom27.5Hz_sma3nz_percentile80.0"), readable("slopeUV0-500_sma3nz_amean")
    ('pitch, 80th percentile', 'slope 0–500 Hz, unvoiced, mean')
    >>> readable("F2amplitudeLogRelF0_sma3nz_amean"), readable("mfcc1V_sma3nz_amean")
    ('F2 amplitude, mean', 'MFCC 1, voiced, mean')
    """
    if functional in _DESCRIPTORS:
        return _DESCRIPTORS[functional]
    found = re.fullmatch(r"(.+?)_sma3(?:nz)?_(.+)", functional)
    if not found or found[2] not in _FUNCTIONALS:
        return functional
    descriptor, voicing = found[1], ""
    voiced = re.fullmatch(r"(mfcc\d|alphaRatio|hammarbergIndex|slope|spectralFlux)(U?V)(.*)", descriptor)
    if voiced:
        descriptor, voicing = voiced[1] + voiced[3], _VOICING[voiced[2]]
    formant = re.fullmatch(r"(F\d)(frequency|bandwidth|amplitude)(?:LogRelF0)?", descriptor)
    if formant:
        name = f"{formant[1]} {formant[2]}"
    elif descriptor.startswith("mfcc"):
        name = f"MFCC {descriptor[4:]}"
    else:
        name = _DESCRIPTORS.get(descriptor, descriptor)
    return ", ".join(filter(None, [name, voicing, _FUNCTIONALS[found[2]]]))
