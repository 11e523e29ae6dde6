"""Lists of the available audits, models, checkpoints, corpora, perturbations, suites and trainings."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

LISTS = ("audits", "models", "checkpoints", "corpora", "perturbations", "suites", "methods", "studies")

Rows = tuple[list[str], list[list[Any]]]


def list_audits() -> "pd.DataFrame":
    """The audits that `audit` can run.

    Returns:
        Columns `audit`, `question`, `needs` (what it reads) and `options`.

    Example:
        ```python
        sertools.list_audits()[["audit", "question"]]
        ```
    """
    return _frame("audits")


def list_models() -> "pd.DataFrame":
    """The kinds of models that `load_model` can load.

    Returns:
        Columns `model` (the text to give) and `what it is`.

    Example:
        ```python
        sertools.list_models()
        ```
    """
    return _frame("models")


def list_checkpoints() -> "pd.DataFrame":
    """Public checkpoints for speech emotion recognition, and how each of them is loaded.

    None was tried with its real weights; what no public text confirms is `unknown`.

    Returns:
        Columns `checkpoint` (its id on the hub), `architecture`, `labels`, `head` (name of its layout, or of
        the kind of model), `licence`, `how it is loaded`, `extra` (to install first), `tested`, `remark` and
        `source` (its page, and where the fields come from).

    Example:
        ```python
        sertools.list_checkpoints().set_index("checkpoint")["how it is loaded"]
        ```
    """
    return _frame("checkpoints")


def list_corpora() -> "pd.DataFrame":
    """The corpora that `load_corpus` knows by name.

    Returns:
        Columns `corpus` (the name to give), `split`, `what it is`, `language`, `licence`, and `tried` (the
        real data that its reader was tried on).

    Example:
        ```python
        sertools.list_corpora().set_index("corpus")["licence"]
        ```
    """
    return _frame("corpora")


def list_perturbations() -> "pd.DataFrame":
    """The perturbations that `perturb` and the audit `robustness` can apply.

    Returns:
        Columns `perturbation`, `family`, `unit`, `levels`, `ladder`, `what the level is` and `source`.

    Example:
        ```python
        sertools.list_perturbations().set_index("perturbation").at["white_noise", "unit"]
        ```
    """
    return _frame("perturbations")


def list_suites() -> "pd.DataFrame":
    """The named sets of audits, with settings and limits of their own.

    Returns:
        Columns `suite`, `audits` and `what it is`.

    Example:
        ```python
        sertools.list_suites()["suite"].tolist()
        ```
    """
    return _frame("suites")


def list_methods() -> "pd.DataFrame":
    """The methods by which `train` trains.

    Returns:
        Columns `method`, `what it is` and `settings` (the values of a recipe that it brings).

    Example:
        ```python
        sertools.list_methods().set_index("method").at["v-ft", "settings"]
        ```
    """
    return _frame("methods")


def list_studies() -> "pd.DataFrame":
    """The studies of papers that `study` repeats.

    Returns:
        Columns `study`, `question`, `models` (how many are trained) and `source`.

    Example:
        ```python
        sertools.list_studies()["study"].tolist()
        ```
    """
    return _frame("studies")


def _frame(what: str) -> "pd.DataFrame":
    import pandas as pd

    columns, found = rows(what)
    return pd.DataFrame(found, columns=columns)


def rows(what: str) -> Rows:
    """Columns and rows of one of the tables in `LISTS`."""
    made: Rows = {
        "audits": _audits,
        "models": _models,
        "checkpoints": _checkpoints,
        "corpora": _corpora,
        "perturbations": _perturbations,
        "suites": _suites,
        "methods": _methods,
        "studies": _studies,
    }[what]()
    return made


def _audits() -> Rows:
    from sertools.auditing import audit
    from sertools.auditing.discovery import discover

    loaded = [audit.load(name) for name in discover()]
    return ["audit", "question", "needs", "options"], [
        [a.name.replace("_", "-"), a.question, a.plan().needs.summary, ", ".join(a.options())] for a in loaded
    ]


def _models() -> Rows:
    from sertools.models.load import schemes

    return ["model", "what it is"], [
        ["default", "The embedded demonstration model."],
        ["DIRECTORY", "A checkpoint in the layout of the Hugging Face hub."],
        *([f"{scheme}:…", what] for scheme, what in sorted(schemes().items())),
    ]


def _checkpoints() -> Rows:
    from sertools.models.published.table import SOURCES, UNKNOWN, checkpoints

    columns = ["checkpoint", "architecture", "labels", "head", "licence"]
    return [*columns, "how it is loaded", "extra", "tested", "remark", "source"], [
        [
            row.id,
            row.architecture or UNKNOWN,
            UNKNOWN if row.labels is None else ", ".join(row.labels),
            row.head or UNKNOWN,
            row.licence or UNKNOWN,
            row.line,
            row.extra,
            row.tested,
            f"{row.reason} {row.note}".strip(),
            f"{row.url} ({', '.join(SOURCES[fact] for fact in row.facts)})",
        ]
        for row in checkpoints()
    ]


def _corpora() -> Rows:
    from sertools.corpora import registry

    modules = registry.modules()
    return ["corpus", "split", "what it is", "language", "licence", "tried"], [
        [
            name,
            split or "all",
            modules[stem].TITLE,
            getattr(modules[stem], "LANGUAGE", "several"),
            modules[stem].LICENCE,
            registry.tried(stem),
        ]
        for name, (stem, split) in sorted(registry.names().items())
    ]


def _perturbations() -> Rows:
    from sertools.perturbations.registry import perturbations

    return ["perturbation", "family", "unit", "levels", "ladder", "what the level is", "source"], [
        [
            p.name,
            p.family,
            p.unit,
            ", ".join(f"{level:g}" for level in p.levels),
            ", ".join(f"{level:g}" for level in p.ladder),
            p.meaning,
            p.source,
        ]
        for p in perturbations().values()
    ]


def _suites() -> Rows:
    from sertools.auditing.suites import read_suite, suites

    read = {name: read_suite(name) for name in suites()}
    return ["suite", "audits", "what it is"], [
        [name, ", ".join(each.name for each in suite.audit), suite.description]
        for name, suite in read.items()
    ]


def _methods() -> Rows:
    from sertools.training.objectives import defaults_of, descriptions

    return ["method", "what it is", "settings"], [
        [name, text, ", ".join(f"{key} = {value}" for key, value in defaults_of(name).items())]
        for name, text in descriptions().items()
    ]


def _studies() -> Rows:
    from sertools.studies.study import cells, names, read_study

    read = {name: read_study(name) for name in names()}
    return ["study", "question", "models", "source"], [
        [name, study.question, len(cells(study)), study.source] for name, study in read.items()
    ]
