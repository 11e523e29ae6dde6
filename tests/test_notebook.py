"""The example notebook runs, and shows what its file says."""

import json
import re

from tests.helpers import notebooks
from tests.helpers.places import ROOT

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"


def texts(outputs):
    """What outputs show; the last digits of numbers may differ between machines."""
    found = []
    for output in outputs:
        data = output.get("data", {})
        shown = data.get("text/html", data.get("text/plain", output.get("text")))
        found.append(re.sub(r"[\d.,−-]+", "#", "".join(shown)))
    return found


def test_every_cell_runs_and_shows_what_the_file_says(embedded_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(embedded_cache))
    for cell, outputs in zip(notebooks.cells(NOTEBOOK), notebooks.run(NOTEBOOK), strict=True):
        assert texts(outputs) == texts(cell["outputs"]), "".join(cell["source"])


def test_the_file_is_a_notebook_of_the_format_that_viewers_read():
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(set(cell) >= {"cell_type", "id", "metadata", "source"} for cell in content["cells"])
