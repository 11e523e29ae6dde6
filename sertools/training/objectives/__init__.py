"""Training methods: one file each, and this folder is the list.

To add a method, add a file. Its name, with dashes, is the `method` of recipes (`v_ft.py` → `v-ft`), its first
line describes it, and it has:

- `DEFAULTS`: the values of a recipe (`training/recipe.py`) that the method's authors published; a recipe
  states only what it changes. May be empty.
- `phases(setting)`: the phases of the training in order, a list of `Phase` (`training/phases.py`). Each gets
  the folder that the one before it wrote, and writes a folder: the last one a checkpoint that `--model`
  loads. A phase that was completed is not repeated after an interruption. `setting` has the recipe, the
  training and dev clips, and the random generators.
- `UNLABELLED = True` (optional), if clips without labels train too, so that they belong in the training
  record.
- `ENCODER = False` (optional), for a method that builds its own network, with `SHORTEST`, the fewest samples
  that it reads. `setting.start` is then None.
- `MODEL` (optional): what `--model` takes, such as `cnn14:{out}`; without it, the folder itself.
- `Options` (optional): a table of `training/recipe.py` (`Strict`) with further settings; they are the table
  `[options]` of a recipe, and `options_of(name, recipe.options)` validates them.

Most phases are a `GradientPhase`, which runs transformers' Trainer (`training/loop.py`) on a module. Its
`forward` takes a `Batch` as keyword arguments (`training/data/batches.py`: padded signals, their lengths,
targets, and a key and an epoch by which random masks are drawn) and returns a dictionary with `loss` and, if
it answers, `outputs` (n, c). Further scalars in it are shown in the curves. A module with a method
`after_update(step, steps)` has it called after each update: there a teacher follows its student.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from sertools.errors import ModelError, nearest


@cache
def objectives() -> dict[str, ModuleType]:
    """Name of each method → its module."""
    return {
        info.name.replace("_", "-"): importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    }


def descriptions() -> dict[str, str]:
    """Name of each method → what it is, in one line."""
    return {name: (module.__doc__ or "").partition("\n")[0] for name, module in objectives().items()}


def defaults_of(method: str) -> dict[str, Any]:
    """The published values of a method, as a table of a recipe."""
    return dict(objectives()[method].DEFAULTS)


def options_of(method: str, given: Mapping[str, Any]) -> Any:
    """The method's own settings, validated; None if it has none.

    Raises:
        ModelError: an unknown key
        pydantic.ValidationError: a value that is not valid
    """
    kind = getattr(objectives()[method], "Options", None)
    known = [] if kind is None else list(kind.model_fields)
    for key in given:
        if key not in known:
            hint = nearest(key, known) if known else "leave out the table [options]"
            raise ModelError(f"method {method} has no option {key!r}", hint=hint)
    return None if kind is None else kind.model_validate(dict(given))
