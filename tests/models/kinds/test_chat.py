"""An audio language model behind a local server, from the address to the tables that audits read."""

import json

import numpy as np
import pytest

from sertools.errors import ModelError
from sertools.inference import build_tables, predict
from sertools.inference.settings import Settings
from sertools.models.load import LoadOptions, load_model
from sertools.tables.condition import Asked, asked_condition
from tests.helpers.chat_server import Behaviour, level, served
from tests.helpers.checkpoints import speech
from tests.helpers.small import EMOTIONS, noises

OPTIONS = LoadOptions(emotions=EMOTIONS)


def loud(samples, gain):
    return gain * speech([samples])[0]


def test_answers_are_scores_whatever_their_format():
    signals = [loud(800 + 100 * i, gain) for i, gain in enumerate([0.05, 0.2, 0.5, 3, 0.1, 0.3])]
    with served(Behaviour(drifting=True)) as url:
        model = load_model(f"chat:org/m@{url}", OPTIONS)
        outputs = model.predict([np.clip(s, -1, 1) for s in signals])
    assert (model.name, model.labels, model.task) == ("m", EMOTIONS, "single_label")
    expected = [level(np.clip(s, -1, 1)) for s in signals]
    assert outputs.scores.argmax(axis=1).tolist() == expected
    assert len(set(expected)) > 2
    assert not any(outputs.reasons)
    used = model.facts["used"]
    assert (used["answers"], used["total_tokens"]) == (6, 6 * 103)


def test_refusals_and_clips_over_the_limit_are_missing_with_the_reason(tmp_path):
    corpus = noises(tmp_path, 24)
    with served(Behaviour(refusals=0.4, longest_s=0.0555)) as url:
        model = load_model(f"chat:m@{url}", OPTIONS)
        predicted = predict.predict(model, corpus, settings=Settings(cache=tmp_path / "cache"))
    missing = predicted["clean"].missing
    declined = missing["reason"].str.startswith("no usable answer (declines): \"I'm sorry")
    long = missing["reason"].str.startswith(
        "no usable answer (too long for the endpoint): it takes no clip of 0.1 s, which --window would cut"
    )
    assert declined.sum() > 2
    assert long.sum() > 2
    assert (declined | long).all()
    assert missing["asked"].all()
    tables = build_tables.tables(model, corpus, predicted)
    counted = f"declines: {declined.sum()}", f"too long for the endpoint: {long.sum()}"
    assert any(all(kind in note for kind in counted) and "count as wrong" in note for note in tables.notes)


def test_what_is_stored_is_not_asked_again_and_needs_no_server(tmp_path):
    corpus, behaviour = noises(tmp_path, 12), Behaviour()
    settings = Settings(cache=tmp_path / "cache", batch_size=3)
    with served(behaviour) as url:
        first = predict.predict(load_model(f"chat:m@{url}", OPTIONS), corpus, settings=settings)
    assert len(behaviour.requests) == 12
    assert behaviour.busiest <= 3
    again = predict.predict(load_model(f"chat:m@{url}", OPTIONS), corpus, settings=settings)
    assert again["clean"].scores.equals(first["clean"].scores)


def test_an_interruption_repeats_at_most_sixteen_requests(tmp_path):
    corpus, behaviour = noises(tmp_path, 48), Behaviour()
    settings = Settings(cache=tmp_path / "cache")
    with served(behaviour) as url:
        model = load_model(f"chat:m@{url}", OPTIONS)
        asking, answers = model._answers, []

        def until_interrupted(signals):
            if len(answers) >= 32 + 8:
                raise KeyboardInterrupt
            answers.extend(asking(signals))
            return answers[-len(signals) :] if len(signals) else []

        model._answers = until_interrupted
        with pytest.raises(KeyboardInterrupt):
            predict.predict(model, corpus, settings=settings)
        assert len(behaviour.requests) == 40
        predict.predict(load_model(f"chat:m@{url}", OPTIONS), corpus, settings=settings)
    assert len(behaviour.requests) == 40 + 16


def test_conditions_ask_with_other_prompts_orders_and_seeds(tmp_path):
    corpus, behaviour = noises(tmp_path, 2), Behaviour()
    (tmp_path / "mine.txt").write_text("Options: {classes}. Mine.", encoding="utf-8")
    asked = [asked_condition(1, 1, 1), asked_condition(1, 2, 1), asked_condition(2, 1, 2)]
    with served(behaviour) as url:
        model = load_model(
            f"chat:m@{url}", LoadOptions(emotions=EMOTIONS, prompt=(str(tmp_path / "mine.txt"),))
        )
        settings = Settings(cache=tmp_path / "cache")
        predicted = predict.predict(model, corpus, conditions=asked, settings=settings)
    assert list(predicted) == ["clean", "prompt@1/2/1", "prompt@2/1/2"]
    sent = {(r["messages"][0]["content"][1]["text"], r["seed"]) for r in behaviour.requests}
    assert ("Options: anger, happiness, neutral, sadness. Mine.", 0) in sent
    assert ("Options: happiness, neutral, sadness, anger. Mine.", 0) in sent
    assert (model.prompt_text(Asked(prompt=2)), 1) in sent
    assert len(sent) == 3
    with pytest.raises(ModelError, match="m has 4 prompts, but prompt 5 is asked for"):
        model.asking(Asked(prompt=5))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("m", "does not name a model and an address"),
        ("m@localhost:8000", "does not name a model and an address"),
        ("@http://localhost", "does not name a model and an address"),
        ("m@http://me:secret@localhost/v1", "must not contain a key or a password"),
    ],
)
def test_an_address_of_another_form_is_one_sentence(spec, said):
    with pytest.raises(ModelError, match=said) as refused:
        load_model(f"chat:{spec}", OPTIONS)
    assert "secret" not in refused.value.message


def test_prompts_without_the_placeholder_and_models_without_prompts_are_refused(tmp_path):
    (tmp_path / "p.txt").write_text("Which emotion is it?", encoding="utf-8")
    with pytest.raises(ModelError, match=r"p.txt has no placeholder \{classes\}"):
        load_model(
            "chat:m@http://localhost/v1", LoadOptions(emotions=EMOTIONS, prompt=(str(tmp_path / "p.txt"),))
        )
    with pytest.raises(ModelError, match="none.txt cannot be read: No such file"):
        load_model("chat:m@http://localhost/v1", LoadOptions(emotions=EMOTIONS, prompt=("none.txt",)))
    with pytest.raises(ModelError, match="--prompt is not supported by toy: models"):
        load_model("toy:oracle", LoadOptions(prompt=("p.txt",)))
    with pytest.raises(ModelError, match="m answers in words, but the classes are not known"):
        load_model("chat:m@http://localhost/v1")


def test_the_key_is_in_no_fact_and_no_fingerprint(monkeypatch):
    plain = load_model("chat:m@http://localhost/v1", OPTIONS)
    monkeypatch.setenv("SERTOOLS_CHAT_KEY", "secret")
    keyed = load_model("chat:m@http://localhost/v1", OPTIONS)
    assert keyed.fingerprint == plain.fingerprint
    assert "secret" not in json.dumps(dict(keyed.facts))
