"""Every file in examples/ is read by the code that it is for; those that are commands run in other tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sertools.auditing.audit import load
from sertools.auditing.suites import read_suite
from sertools.results.verdicts.limits import read_gate
from sertools.studies.study import read_study
from sertools.training import recipe
from sertools.training.small_network.recipe import read_recipe
from tests.bench.default_model import TABLE, candidate
from tests.helpers.places import ROOT

READERS: dict[str, Callable[[Path], Any]] = {
    "baseline.toml": read_recipe,
    "changes_suite.toml": lambda path: read_suite(str(path)),
    "default_candidates.toml": lambda path: [candidate(name) for name in TABLE["candidate"]],
    "emotion2vec_study.toml": lambda path: read_study(str(path)),
    "finetune.toml": read_recipe,
    "gate.toml": read_gate,
    "github-actions.yml": lambda path: yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"],
    "gitlab-ci.yml": lambda path: yaml.safe_load(path.read_text(encoding="utf-8"))["audit"],
    "my_audit.py": lambda path: load("my_audit", [path.parent]),
    "notebook.ipynb": lambda path: json.loads(path.read_text(encoding="utf-8"))["cells"],
    "pre-commit-config.yaml": lambda path: yaml.safe_load(path.read_text(encoding="utf-8"))["repos"],
    "remote_service.py": lambda path: compile(path.read_text(encoding="utf-8"), path, "exec"),
    "layers_study.toml": lambda path: read_study(str(path)),
    "methods_study.toml": lambda path: read_study(str(path)),
    "share_study.toml": lambda path: read_study(str(path)),
    "tapt_study.toml": lambda path: read_study(str(path)),
    "train.toml": recipe.read_recipe,
}
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_file())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_read_by_what_it_is_for(path):
    assert READERS[path.name](path)
