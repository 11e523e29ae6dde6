from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sertools.audio.files import write_audio
from sertools.auditing import audit
from sertools.auditing.contract import Needs
from sertools.corpora.corpus import Corpus
from sertools.errors import AuditError, ModelError
from sertools.features.columns import measured
from sertools.features.fingerprint import Prints
from sertools.inference import predict
from sertools.inference.jobs import jobs
from sertools.models.kinds.toy import LoudnessModel
from sertools.pipeline import run
from sertools.pipeline.collect import with_measured_columns
from sertools.pipeline.needs import measured_columns
from sertools.tables import condition


def corpus_of(folder: Path, n=4, **columns) -> Corpus:
    rng = np.random.default_rng(0)
    files = [f"{i}.wav" for i in range(n)]
    for file in files:
        write_audio(folder / file, rng.normal(0, 0.1, 8000).astype(np.float32), 8000)
    clips = pd.DataFrame(
        {"file": files, "start": np.nan, "end": np.nan, **columns}, index=pd.Index(files, name="clip")
    )
    return Corpus(name="made", clips=clips, root=folder)


def scores_of(calls):
    def scores(measure, corpus):
        calls.append(measure.name)
        return predict.predict(measure, corpus, settings=predict.Settings(cache=corpus.root / "cache"))[
            "clean"
        ].scores

    return scores


def test_columns_of_one_measure_are_measured_in_one_pass(tmp_path):
    calls = []
    found = measured(corpus_of(tmp_path), ["audio_hash", "audio_print"], scores_of(calls))
    assert calls == ["fingerprints"]
    assert found.clips["audio_print"].nunique() == 4


def test_a_column_that_the_corpus_has_is_not_measured(tmp_path):
    calls = []
    corpus = corpus_of(tmp_path, f0_hz=[100.0] * 4)
    assert measured(corpus, ["f0_hz"], scores_of(calls)).clips["f0_hz"].tolist() == [100.0] * 4
    assert not calls


def test_a_broken_file_has_no_measure_and_the_others_do(tmp_path):
    corpus = corpus_of(tmp_path)
    (tmp_path / "2.wav").write_bytes(b"no sound")
    found = measured(corpus, ["audio_hash"], scores_of([])).clips["audio_hash"]
    assert found.isna().tolist() == [False, False, True, False]


def test_without_any_sound_the_column_is_empty_and_a_note_says_why(tmp_path):
    corpus = corpus_of(tmp_path)
    for file in corpus.clips["file"]:
        (tmp_path / file).unlink()
    found = measured(corpus, ["audio_print"], scores_of([]))
    assert found.clips["audio_print"].isna().all()
    assert found.notes[-1].startswith("Nothing could be measured from the audio: none of the 4 clips")


def test_an_unknown_column_has_no_measure(tmp_path):
    with pytest.raises(AuditError, match="column 'f0' cannot be measured from the audio.*f0_hz"):
        measured(corpus_of(tmp_path), ["f0"], scores_of([]))


def test_the_measures_are_kept_in_the_store(tmp_path):
    corpus, settings = corpus_of(tmp_path), predict.Settings(cache=tmp_path / "cache")
    first = predict.predict(Prints(), corpus, settings=settings)["clean"].scores
    assert not any(job.shards for job in jobs(Prints(), corpus, [condition.Condition()], settings=settings))
    assert predict.predict(Prints(), corpus, settings=settings)["clean"].scores.equals(first)


def test_a_copy_in_the_other_split_fails_from_files_to_verdict_without_a_prediction(tmp_path):
    corpus = corpus_of(tmp_path, n=6, split=["train"] * 4 + ["test"] * 2, speaker=list("abcdef"))
    rng = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000) * rng.random(16000)
    write_audio(tmp_path / "1.wav", (0.5 * tone).astype(np.float32), 16000)
    write_audio(tmp_path / "5.wav", (0.1 * tone).astype(np.float32), 16000)
    (result,) = run.run(
        LoudnessModel(),
        corpus,
        [audit.load("leakage").plan()],
        settings=predict.Settings(cache=tmp_path / "cache"),
    )
    verdict = {f.name: (f.value, f.verdict) for f in result.findings}
    assert verdict["shared_clips"] == (1, "fail")
    assert verdict["shared_speakers"] == (0, "pass")
    assert result.tables[0].rows[0][:3] == ["split=test in train", "5.wav", "1.wav"]
    assert not list((tmp_path / "cache").glob("*loudness*")), "the model was not asked"


def test_what_an_audit_cannot_use_is_not_measured(tmp_path):
    corpus = corpus_of(tmp_path)  # without splits
    found = with_measured_columns(
        corpus, [audit.load("leakage").plan()], predict.Settings(cache=tmp_path / "cache")
    )
    assert "audio_print" not in found.clips


def without_opensmile(measure, corpus):
    raise ModelError("opensmile is not installed", hint="pip install opensmile")


def test_an_optional_column_whose_package_is_missing_stays_empty_and_says_so(tmp_path):
    corpus = corpus_of(tmp_path)
    found = measured(corpus, ["f0_hz"], without_opensmile, optional=["f0_hz"])
    assert found.clips["f0_hz"].isna().all()
    assert found.notes == ("Not measured: opensmile is not installed (pip install opensmile).",)
    with pytest.raises(ModelError, match="opensmile is not installed"):
        measured(corpus, ["f0_hz"], without_opensmile)


def test_a_column_that_one_audit_requires_is_not_optional(tmp_path):
    corpus = corpus_of(tmp_path)
    audits = [
        planned_with(Needs(optional_columns=("f0_hz", "snr_db"))),
        planned_with(Needs(measured_columns=("f0_hz",))),
        planned_with(Needs(columns=("sex",), measured_columns=("audio_hash",))),
    ]
    assert measured_columns(corpus, audits) == {"f0_hz": False, "snr_db": True}
    assert measured_columns(corpus, audits[:1]) == {"f0_hz": True, "snr_db": True}


def planned_with(needs):
    return replace(audit.load("correctness").plan(), needs=needs)
