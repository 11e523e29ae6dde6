"""Small databases in the format of audformat."""

import warnings
from pathlib import Path

import audformat


def database(folder: Path, storage_format: str = "parquet") -> Path:
    """Two files of two segments each, one per split; speakers per file."""
    # audformat itself warns under the newest pandas.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        db = audformat.Database("mini", source="a paper", usage="other", license="CC0")
        db.schemes["emotion"] = audformat.Scheme(labels=["angry", "happy"])
        people = {"s1": {"gender": "female", "age": 30}, "s2": {"gender": "male", "age": 40}}
        db.schemes["speaker"] = audformat.Scheme(labels=people)
        db.schemes["activation"] = audformat.Scheme("float", minimum=1, maximum=5)
        for split, file in (("train", "a.wav"), ("test", "b.wav")):
            db.splits[split] = audformat.Split(split)
            index = audformat.segmented_index([file, file], ["0s", "1s"], ["1s", "2.5s"])
            table = db[f"labels.{split}"] = audformat.Table(index, split_id=split)
            table["emotion"] = audformat.Column(scheme_id="emotion")
            table["emotion"].set(["angry", "happy"])
            table["activation"] = audformat.Column(scheme_id="activation")
            table["activation"].set([1.0, 4.0])
        files = db["files"] = audformat.Table(audformat.filewise_index(["a.wav", "b.wav"]))
        files["speaker"] = audformat.Column(scheme_id="speaker")
        files["speaker"].set(["s1", "s2"])
        db.save(str(folder), storage_format=storage_format)
    return folder
