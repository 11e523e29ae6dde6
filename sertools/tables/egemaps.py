"""Names and groups of the acoustic features with which layers are compared.

Low-level descriptors of eGeMAPSv02 (Eyben et al. 2016) with their openSMILE names, grouped as in Li et al.
2023, table 2; MFCC 1–4 are included as the linguistic contrast.
"""

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
