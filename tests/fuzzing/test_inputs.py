"""Manifests, TOML files, headers and predictions in any state: read, or refused in one sentence."""

import json
import tomllib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from typer.testing import CliRunner

from sertools.auditing.suites import read_suite, suites
from sertools.cli.app import app
from sertools.corpora.check import check
from sertools.corpora.load import load_corpus
from sertools.corpora.split import split, summary
from sertools.models.load import load_model
from sertools.models.model import is_by_clip
from sertools.results.verdicts.limits import read_limits
from sertools.training import recipe as training_recipe
from sertools.training.encoders import start_of
from sertools.training.small_network.recipe import read_recipe
from tests.helpers.audformat_databases import database
from tests.helpers.mutations import ODD, budget, damaged, faults, generator, mutated
from tests.helpers.places import ROOT
from tests.helpers.small import write_noises
from tests.helpers.tones import TINY

ROWS: list[dict[str, Any]] = [
    {
        "file": f"{i:03d}.wav", "clip": f"c{i}", "speaker": f"s{i % 3}", "sex": "fm"[i % 2], "age": 20 + i,
        "emotion": ["anger", "joy", "neutral"][i % 3], "arousal": i / 8, "start": 0.0, "end": 0.04,
        "split": ["train", "test"][i % 2], "transcript": "a b", "corpus": "a", "language": "deu",
    }
    for i in range(8)
]  # fmt: skip


def used(spec: str) -> None:
    """What commands do with a corpus."""
    corpus = load_corpus(spec)
    assert check(corpus)
    assert summary(split(corpus, dev=0))


def test_any_manifest_is_read_or_refused(tmp_path):
    write_noises(tmp_path, 8)
    rng = generator("manifests")

    def attempt(i: int) -> None:
        rows = mutated(ROWS, rng)
        path = tmp_path / ("m.csv" if i % 2 else "m.parquet")
        try:
            table = pd.DataFrame(rows)
            table.to_csv(path, index=bool(i % 3)) if i % 2 else table.to_parquet(path)
        except Exception:  # pandas cannot write it
            return
        if not i % 5:
            path.write_bytes(damaged(path.read_bytes(), rng))
        used(str(path))

    assert faults(attempt, budget(50)) == []


def test_any_parquet_type_is_read_or_refused(tmp_path):
    write_noises(tmp_path, 8)
    kinds: list[Any] = [
        pd.Series([b"a"] * 8), pd.Series([1, None] * 4, dtype="Int64"),
        pd.Series(pd.date_range("2020", periods=8)),
        pd.Series(pd.to_timedelta(range(8), unit="s")), pd.Series(list("abcdefgh"), dtype="category"),
        pd.Series([[1, 2]] * 8), pd.Series([{"a": 1}] * 8), pd.Series([True, None] * 4, dtype="boolean"),
        pd.Series(pd.period_range("2020", periods=8, freq="D")), pd.Series([None] * 8, dtype=object),
        pd.Series(pd.interval_range(0, 8)), pd.Series(np.arange(8), dtype="uint8"),
        pd.Series([1.5, np.inf] * 4), pd.Series([1 + 0j] * 8).astype(str),
    ]  # fmt: skip

    def attempt(i: int) -> None:
        table = pd.DataFrame(ROWS)
        column = table.columns[i % len(table.columns)]
        table[column] = (
            kinds[i // len(table.columns) % len(kinds)].to_numpy(dtype=object)
            if i % 2
            else kinds[i // len(table.columns) % len(kinds)]
        )
        try:
            table.to_parquet(tmp_path / "m.parquet")
        except Exception:  # Parquet cannot hold it
            return
        used(str(tmp_path / "m.parquet"))

    assert faults(attempt, len(kinds) * len(ROWS[0]) if budget(1) > 1 else 28) == []


def test_any_predictions_are_read_or_refused(tmp_path):
    rng = generator("predictions")
    clips = pd.DataFrame(ROWS).set_index("clip")
    rows = [
        {"clip": f"c{i}", "condition": "clean", "anger": 0.5, "joy": 0.25, "neutral": 0.25} for i in range(8)
    ]

    def attempt(i: int) -> None:
        changed = mutated(rows, rng)
        path = tmp_path / ("p.csv" if i % 2 else "p.parquet")
        try:
            table = pd.DataFrame(changed)
            table.to_csv(path, index=False) if i % 2 else table.to_parquet(path)
        except Exception:  # pandas cannot write it
            return
        model = load_model(f"predictions:{path}")
        assert is_by_clip(model)
        model.scores(clips)

    assert faults(attempt, budget(100)) == []


def toml(value: Any) -> str:
    """A dict as TOML: one key per line, with inline tables."""

    def text(inner: Any) -> str:
        if isinstance(inner, dict):
            return "{" + ", ".join(f"{json.dumps(str(k))} = {text(v)}" for k, v in inner.items()) + "}"
        if isinstance(inner, list):
            return "[" + ", ".join(map(text, inner)) + "]"
        if isinstance(inner, float):
            return "nan" if np.isnan(inner) else "inf" if inner > 1e300 else repr(inner)
        return json.dumps("" if inner is None else inner)

    return "".join(f"{json.dumps(str(key))} = {text(inner)}\n" for key, inner in value.items())


def test_any_toml_file_is_read_or_refused(tmp_path):
    rng = generator("toml")
    limit = {"audit": "correctness", "name": "ccc", "target": "arousal", "above": 0.5, "why": "so"}
    readers: list[tuple[Any, Any]] = [(read_limits, {"limit": [limit, {**limit, "below": 0.9}]})]
    readers += [
        (lambda path: read_suite(str(path)), tomllib.loads(path.read_text())) for path in suites().values()
    ]
    readers += [
        (read_recipe, tomllib.loads(p.read_text())) for p in (ROOT / "examples").glob("finetune*.toml")
    ]
    readers += [
        (training_recipe.read_recipe, tomllib.loads(p.read_text()))
        for p in (ROOT / "examples").glob("train*.toml")
    ]

    def attempt(i: int) -> None:
        read, content = readers[i % len(readers)]
        changed = mutated(content, rng)
        text = toml(changed) if isinstance(changed, dict) else str(changed)
        data = text.encode()
        (tmp_path / "a.toml").write_bytes(damaged(data, rng) if i % 3 == 0 else data)
        read(tmp_path / "a.toml")

    assert faults(attempt, budget(400)) == []


def test_any_architecture_of_a_recipe_is_built_or_refused():
    rng = generator("architectures")
    table = {"method": "fine-tune", "init": "random:wav2vec2", "corpora": ["emodb"], "architecture": {**TINY}}
    odd = [value for value in ODD if not isinstance(value, float)]

    def attempt(i: int) -> None:
        changed = {**table, "architecture": mutated(TINY, rng, odd)}
        recipe = training_recipe.recipe_of(changed)
        assert start_of(recipe).shortest > 0

    assert faults(attempt, budget(8)) == []


def test_any_suite_is_planned_or_refused(tmp_path):
    rng, known = generator("suites"), list(suites().values())

    def attempt(i: int) -> None:
        changed = mutated(tomllib.loads(known[i % len(known)].read_text()), rng)
        (tmp_path / "a.toml").write_text(toml(changed) if isinstance(changed, dict) else str(changed))
        words = [
            "audit",
            "--suite",
            str(tmp_path / "a.toml"),
            "--model",
            "toy:none",
            "--out",
            str(tmp_path / "o"),
        ]
        done = CliRunner().invoke(app, words)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 2

    assert faults(attempt, budget(20)) == []


def test_any_header_of_a_database_is_read_or_refused(tmp_path):
    rng, folder = generator("headers"), database(tmp_path / "db", "csv")
    for name in ("a.wav", "b.wav"):
        (folder / name).write_bytes(b"")
    header = yaml.safe_load((folder / "db.yaml").read_text())
    tables = {path: path.read_bytes() for path in folder.glob("*.csv")}

    def attempt(i: int) -> None:
        for path, content in tables.items():
            path.write_bytes(damaged(content, rng) if i % 4 == 0 else content)
        if i % 5 == 0:
            (folder / "db.yaml").write_bytes(damaged(yaml.safe_dump(header, sort_keys=False).encode(), rng))
        else:
            small = [value for value in ODD if not isinstance(value, int) or abs(value) < 10**30]
            changed = mutated(header, rng, small)
            (folder / "db.yaml").write_text(yaml.safe_dump(changed, sort_keys=False))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load_corpus(str(folder))

    assert faults(attempt, budget(60)) == []


def test_any_written_corpus_is_read_or_refused(tmp_path):
    from sertools.corpora.corpus import write_corpus

    rng = generator("corpora")
    write_noises(tmp_path / "c", 8)
    write_corpus(load_corpus(str(tmp_path / "c" / "clips.csv")), tmp_path / "w")
    head = tomllib.loads((tmp_path / "w" / "corpus.toml").read_text())
    table = (tmp_path / "w" / "clips.parquet").read_bytes()

    def attempt(i: int) -> None:
        changed = mutated(head, rng) if i % 2 else head
        (tmp_path / "w" / "corpus.toml").write_text(
            toml(changed) if isinstance(changed, dict) else str(changed)
        )
        Path(tmp_path / "w" / "clips.parquet").write_bytes(table if i % 2 else damaged(table, rng))
        load_corpus(str(tmp_path / "w"))

    assert faults(attempt, budget(50)) == []
