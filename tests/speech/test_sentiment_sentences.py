import re
from collections import Counter

import pytest

from sertools.errors import SertoolsError
from sertools.speech.sentiment_sentences import KINDS, OPPOSITE, languages, wordings

EXCEPTIONS: dict[str, str] = {}
"""English sentence → why its label differs from VADER's; there is none at present."""


@pytest.mark.parametrize("language", languages())
def test_each_language_has_eight_templates_and_at_least_forty_words(language):
    plain = wordings(language, kinds=["plain"])
    assert len({w.template for w in plain}) == 8
    words = {w.sentiment: {x.word for x in plain if x.sentiment == w.sentiment} for w in plain}
    assert {sentiment: len(of) for sentiment, of in words.items()} == dict.fromkeys(OPPOSITE, 14)
    assert len(set.union(*words.values())) == 42
    assert len(plain) == 42 * 8


@pytest.mark.parametrize("language", languages())
def test_no_sentence_repeats_and_each_is_made_of_its_template_and_word(language):
    every = wordings(language)
    assert max(Counter(w.text for w in every).values()) == 1
    assert {w.kind for w in every} == set(KINDS)
    for w in every:
        assert re.fullmatch(r"\S.*\S\.", w.text)
        assert w.language == language
        if w.kind == "plain":
            assert w.text == w.template.format(word=w.word)
        elif w.kind != "control":
            assert w.word in w.text
            assert w.text != w.template.format(word=w.word)


@pytest.mark.parametrize("language", languages())
def test_every_negated_and_intense_sentence_has_its_plain_one(language):
    plain = {(w.template, w.word): w.sentiment for w in wordings(language, kinds=["plain"])}
    for kind in ("negated", "intense"):
        changed = wordings(language, kinds=[kind])
        assert len(changed) == 16 * 8
        for w in changed:
            sentiment = plain[w.template, w.word]
            assert w.sentiment == (OPPOSITE[sentiment] if kind == "negated" else sentiment)
            assert w.sentiment != "neutral"


@pytest.mark.parametrize("per_word", [1, 2, 3, 8])
def test_fewer_templates_a_word_use_all_of_them_alike(per_word):
    plain = wordings("eng", per_word=per_word, kinds=["plain"])
    assert set(Counter((w.word, w.sentiment) for w in plain).values()) == {per_word}
    used = Counter(w.template for w in plain)
    assert len(used) == 8
    assert max(used.values()) - min(used.values()) <= 6


def test_controls_judge_nothing_and_are_about_walls_and_afternoons():
    controls = wordings("eng", kinds=["control"])
    assert {"wall", "afternoon"} <= {w.word for w in controls}
    judged = {w.word for w in wordings("eng", kinds=["plain"])}
    for w in controls:
        assert w.sentiment == "neutral"
        assert not judged & set(re.findall(r"\w+", w.text.lower()))
        assert w.word in w.text.lower()


def test_english_labels_agree_with_the_lexicon_vader():
    vader = pytest.importorskip(
        "vaderSentiment.vaderSentiment", reason="vaderSentiment is not installed: pip install '.[test]'"
    )
    analyser = vader.SentimentIntensityAnalyzer()
    differ = {}
    for w in wordings("eng"):
        compound = analyser.polarity_scores(w.text)["compound"]
        theirs = "positive" if compound >= 0.05 else "negative" if compound <= -0.05 else "neutral"
        if theirs != w.sentiment:
            differ[w.text] = theirs
    assert differ == EXCEPTIONS


def test_intensity_is_what_the_lexicon_calls_more():
    vader = pytest.importorskip(
        "vaderSentiment.vaderSentiment", reason="vaderSentiment is not installed: pip install '.[test]'"
    )
    score = vader.SentimentIntensityAnalyzer().polarity_scores
    for w in wordings("eng", kinds=["intense"]):
        plain = score(w.template.format(word=w.word))["compound"]
        assert abs(score(w.text)["compound"]) > abs(plain)


def test_an_unknown_language_or_number_is_told():
    with pytest.raises(SertoolsError, match="no built-in sentences in 'en'"):
        wordings("en")
    with pytest.raises(SertoolsError, match="9 sentences per word"):
        wordings("eng", per_word=9)
