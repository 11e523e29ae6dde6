"""Folders of the store: one for each model, corpus and condition."""

from sertools.store.key import Key, default_root


def test_another_model_corpus_or_condition_lies_in_another_folder(tmp_path):
    key = Key(model=("m", "1"), corpus=("c", "1"), condition=("clean", "clean"))
    others = [
        Key(model=("m", "2"), corpus=("c", "1"), condition=("clean", "clean")),
        Key(model=("m", "1"), corpus=("c", "2"), condition=("clean", "clean")),
        Key(model=("m", "1"), corpus=("c", "1"), condition=("clean", "noise")),
        Key(model=("m\n1", ""), corpus=("c", "1"), condition=("clean", "clean")),
    ]
    folders = {each.folder(tmp_path) for each in [key, *others]}
    assert len(folders) == 5


def test_names_of_folders_are_readable_short_and_stay_inside_the_store(tmp_path):
    key = Key(model=("../../etc/passwd", "f"), corpus=("x" * 300, "f"), condition=("white noise@40dB", "f"))
    parts = key.folder(tmp_path).relative_to(tmp_path).parts
    assert [part[:-11] for part in parts] == ["etc-passwd", "x" * 60, "white-noise@40dB"]
    assert Key(model=("…", "f"), corpus=("c", "f"), condition=("d", "f")).folder(tmp_path).parts[-3][
        :-11
    ] == ("unnamed")


def test_the_store_lies_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "sertools" / "store"
