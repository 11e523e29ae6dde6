"""Sweeps of any size over toy models and tiny corpora."""

from pathlib import Path

from tests.helpers.small import write_noises


def write_sweep(folder: Path, models: int, corpora: int, *, pages: bool = True) -> Path:
    for k in range(corpora):
        write_noises(folder / f"c{k}", 12, seed=k)
    listed = [f'{{ spec = "toy:{("loudness", "random")[i % 2]}", name = "m{i}" }}' for i in range(models)]
    data = [f'{{ spec = "{folder}/c{k}/clips.csv", name = "c{k}" }}' for k in range(corpora)]
    file = folder / "sweep.toml"
    drawn = f"pages = {str(pages).lower()}"
    file.write_text(
        f'models = [{", ".join(listed)}]\ndata = [{", ".join(data)}]\naudits = ["correctness"]\n{drawn}\n'
    )
    return file
