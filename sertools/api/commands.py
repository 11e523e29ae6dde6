"""Which function does what each command does."""

COMMANDS = {
    "audit": ("audit",),
    "cache": ("list_cache", "verify_cache", "prune_cache"),
    "compare": ("compare",),
    "corpus check": ("check_corpus",),
    "corpus scan": ("load_corpus", "write_corpus"),
    "corpus split": ("split_corpus", "write_corpus"),
    "explain": ("explain",),
    "finetune": ("finetune",),
    "gate": ("gate",),
    "init": ("suggest",),
    "leaderboard": ("leaderboard",),
    "list": (
        "list_audits",
        "list_models",
        "list_checkpoints",
        "list_corpora",
        "list_perturbations",
        "list_suites",
    ),
    "model inspect": ("inspect_model",),
    "perturb": ("perturb", "perturb_file"),
    "plan": ("plan",),
    "predict": ("predict",),
    "report": ("read_results", "render", "write_model_card"),
    "selftest": ("check_audits", "audit_power"),
    "sweep": ("run_sweep",),
    "tts": ("synthesise_corpus",),
    "view": ("view",),
}
"""Command of the command line → public functions; the command of an audit is `audit` with its name."""
