"""A folder with all that the functions of the public interface are shown on."""

import shutil
from pathlib import Path

from tests.helpers.checkpoints import DIMENSIONS, write_checkpoint
from tests.helpers.small import write_noises
from tests.helpers.tones import write_study

LIMITS = """
[[limit]]
audit = "correctness"
name = "ccc"
target = "arousal"
above = 0.1
why = "the product needs it"
"""

RECIPE = """
corpora = ["clips.csv"]
speakers = ["s0", "s1", "s2"]
labels = ["arousal", "valence"]
norms = ""
epochs = 1
batch = 6
"""


def write_project(folder: Path) -> Path:
    """Writes a corpus of noises, a checkpoint, a clip, a recipe, a study, a sweep and limits; the folder."""
    write_noises(folder, 24, samples=4000)
    write_checkpoint(folder / "my-checkpoint", labels=DIMENSIONS, problem_type="regression")
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "sweep.toml").write_text(
        'models = ["toy:random"]\ndata = ["clips.csv"]\naudits = ["leakage"]\n'
    )
    write_study(folder)
    (folder / "gate.toml").write_text(LIMITS)
    shutil.copy(folder / "000.wav", folder / "clip.wav")
    return folder
