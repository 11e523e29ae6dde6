"""Audit a speech emotion recognition model before people rely on it.

Everything that the command line does is one call here; the names in `__all__` are stable:

    import sertools

    results = sertools.audit("my-checkpoint", "clips.csv", "correctness", "fairness", out="report")
    results.to_pandas()
"""

import os

# type checkers know the name; importing it from typing takes as long as all else here
TYPE_CHECKING = False
if TYPE_CHECKING:
    from sertools import metrics as metrics
    from sertools.api.audits import Plan as Plan
    from sertools.api.audits import audit as audit
    from sertools.api.audits import plan as plan
    from sertools.api.audits import predict as predict
    from sertools.api.cache import list_cache as list_cache
    from sertools.api.cache import prune_cache as prune_cache
    from sertools.api.cache import verify_cache as verify_cache
    from sertools.api.corpora import check_corpus as check_corpus
    from sertools.api.corpora import explore_corpus as explore_corpus
    from sertools.api.corpora import load_corpus as load_corpus
    from sertools.api.corpora import split_corpus as split_corpus
    from sertools.api.corpora import write_corpus as write_corpus
    from sertools.api.lists import list_audits as list_audits
    from sertools.api.lists import list_checkpoints as list_checkpoints
    from sertools.api.lists import list_corpora as list_corpora
    from sertools.api.lists import list_methods as list_methods
    from sertools.api.lists import list_models as list_models
    from sertools.api.lists import list_perturbations as list_perturbations
    from sertools.api.lists import list_studies as list_studies
    from sertools.api.lists import list_suites as list_suites
    from sertools.api.models import domain_shift as domain_shift
    from sertools.api.models import finetune as finetune
    from sertools.api.models import inspect_model as inspect_model
    from sertools.api.models import load_model as load_model
    from sertools.api.models import study as study
    from sertools.api.models import train as train
    from sertools.api.new_corpora import export_corpus as export_corpus
    from sertools.api.new_corpora import merge_corpora as merge_corpora
    from sertools.api.new_corpora import resample_corpus as resample_corpus
    from sertools.api.new_corpora import segment_corpus as segment_corpus
    from sertools.api.new_corpora import synthesise_corpus as synthesise_corpus
    from sertools.api.perturbations import perturb as perturb
    from sertools.api.perturbations import perturb_file as perturb_file
    from sertools.api.results import GateOutcome as GateOutcome
    from sertools.api.results import Leaderboard as Leaderboard
    from sertools.api.results import compare as compare
    from sertools.api.results import gate as gate
    from sertools.api.results import leaderboard as leaderboard
    from sertools.api.results import log_results as log_results
    from sertools.api.results import read_results as read_results
    from sertools.api.results import render as render
    from sertools.api.results import write_model_card as write_model_card
    from sertools.api.selftest import audit_power as audit_power
    from sertools.api.selftest import check_audits as check_audits
    from sertools.api.show import explain as explain
    from sertools.api.show import view as view
    from sertools.api.suggest import Suggestion as Suggestion
    from sertools.api.suggest import suggest as suggest
    from sertools.corpora.corpus import Corpus as Corpus
    from sertools.errors import SertoolsError as SertoolsError
    from sertools.inference.settings import Settings as Settings
    from sertools.models.load import LoadOptions as LoadOptions
    from sertools.models.model import ClipModel as ClipModel
    from sertools.models.model import Model as Model
    from sertools.results.collection import Results as Results
    from sertools.results.result import Finding as Finding
    from sertools.results.result import Result as Result
    from sertools.results.verdicts.limits import Override as Override
    from sertools.sweep.run import Swept as Swept
    from sertools.sweep.run import run_sweep as run_sweep

# Libraries report what they are used for, or write an identifier of the machine into the user's cache, unless
# they are told before they are loaded.
for _name, _off in {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "WANDB_DISABLED": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}.items():
    os.environ.setdefault(_name, _off)

__version__ = "0.1.0"

__all__ = [
    "audit",
    "audit_power",
    "check_audits",
    "check_corpus",
    "compare",
    "domain_shift",
    "explain",
    "explore_corpus",
    "export_corpus",
    "finetune",
    "gate",
    "inspect_model",
    "leaderboard",
    "list_audits",
    "list_cache",
    "list_checkpoints",
    "list_corpora",
    "list_methods",
    "list_models",
    "list_perturbations",
    "list_studies",
    "list_suites",
    "load_corpus",
    "load_model",
    "log_results",
    "merge_corpora",
    "metrics",
    "perturb",
    "perturb_file",
    "plan",
    "predict",
    "prune_cache",
    "read_results",
    "render",
    "resample_corpus",
    "run_sweep",
    "segment_corpus",
    "split_corpus",
    "study",
    "suggest",
    "synthesise_corpus",
    "train",
    "verify_cache",
    "view",
    "write_corpus",
    "write_model_card",
    "ClipModel",
    "Corpus",
    "Finding",
    "GateOutcome",
    "Leaderboard",
    "LoadOptions",
    "Model",
    "Override",
    "Plan",
    "Result",
    "Results",
    "SertoolsError",
    "Settings",
    "Suggestion",
    "Swept",
]

_PUBLIC = {
    "Plan": "api.audits",
    "audit": "api.audits",
    "plan": "api.audits",
    "predict": "api.audits",
    "list_cache": "api.cache",
    "prune_cache": "api.cache",
    "verify_cache": "api.cache",
    "check_corpus": "api.corpora",
    "explore_corpus": "api.corpora",
    "load_corpus": "api.corpora",
    "split_corpus": "api.corpora",
    "write_corpus": "api.corpora",
    "list_audits": "api.lists",
    "list_checkpoints": "api.lists",
    "list_corpora": "api.lists",
    "list_methods": "api.lists",
    "list_models": "api.lists",
    "list_perturbations": "api.lists",
    "list_studies": "api.lists",
    "list_suites": "api.lists",
    "domain_shift": "api.models",
    "finetune": "api.models",
    "inspect_model": "api.models",
    "load_model": "api.models",
    "study": "api.models",
    "train": "api.models",
    "export_corpus": "api.new_corpora",
    "merge_corpora": "api.new_corpora",
    "resample_corpus": "api.new_corpora",
    "segment_corpus": "api.new_corpora",
    "synthesise_corpus": "api.new_corpora",
    "perturb": "api.perturbations",
    "perturb_file": "api.perturbations",
    "GateOutcome": "api.results",
    "Leaderboard": "api.results",
    "compare": "api.results",
    "gate": "api.results",
    "leaderboard": "api.results",
    "log_results": "api.results",
    "read_results": "api.results",
    "render": "api.results",
    "write_model_card": "api.results",
    "audit_power": "api.selftest",
    "check_audits": "api.selftest",
    "Swept": "sweep.run",
    "run_sweep": "sweep.run",
    "explain": "api.show",
    "view": "api.show",
    "Suggestion": "api.suggest",
    "suggest": "api.suggest",
    "Corpus": "corpora.corpus",
    "SertoolsError": "errors",
    "Settings": "inference.settings",
    "LoadOptions": "models.load",
    "ClipModel": "models.model",
    "Model": "models.model",
    "Override": "results.verdicts.limits",
    "Finding": "results.result",
    "Result": "results.result",
    "Results": "results.collection",
}
"""Public name → the module that defines it, which is imported when the name is first used."""

if not TYPE_CHECKING:  # for type checkers a misspelt name stays an error

    def __getattr__(name):
        """Import public names on first use, so that `import sertools` is fast."""
        import importlib

        if name == "metrics":
            return importlib.import_module("sertools.metrics")
        if name not in _PUBLIC:
            raise AttributeError(f"module 'sertools' has no attribute {name!r}")
        return getattr(importlib.import_module(f"sertools.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    """Public names, for editors and notebooks."""
    return sorted([*globals(), *__all__])
