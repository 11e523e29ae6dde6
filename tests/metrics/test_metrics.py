"""The public names of `sertools.metrics`, and what it costs to import them."""

import inspect
import re
import subprocess
import sys

import pytest

from sertools import metrics


@pytest.mark.parametrize("name", metrics.__all__)
def test_every_public_name_is_a_documented_function(name):
    function = getattr(metrics, name)
    assert inspect.isfunction(function)
    assert function.__name__ == name
    assert function.__doc__
    assert function.__module__.startswith("sertools.metrics.")


@pytest.mark.parametrize("name", metrics.__all__)
def test_every_docstring_describes_all_parameters_and_has_an_example(name):
    function = getattr(metrics, name)
    description = inspect.getdoc(function)
    arguments = description.partition("\nArgs:\n")[2]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^    (\w+, )*{parameter}(, \w+)*: ", arguments, flags=re.MULTILINE), parameter
    assert ">>> " in description


def test_the_public_names_are_sorted_and_listed():
    assert metrics.__all__ == sorted(set(metrics.__all__)) == dir(metrics)
    assert {"ccc", "pcc", "mae", "rmse", "uar", "accuracy", "macro_f1", "ece"} <= set(metrics.__all__)


def test_a_name_that_is_no_metric_is_refused():
    with pytest.raises(AttributeError, match="'sertools.metrics' has no attribute 'cccc'"):
        metrics.cccc  # noqa: B018 -- looking the name up is what is tested


def test_importing_the_metrics_imports_none_of_them():
    code = (
        "import sys, sertools.metrics; print([m for m in sys.modules if m.startswith('sertools.metrics.')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
