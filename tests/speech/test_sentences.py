from sertools.speech.sentences import SENTIMENTS, sentences, templates


def test_there_are_enough_templates_and_sentiment_words():
    words = {s.word for s in sentences() if s.sentiment != "neutral"}
    assert len(templates()) == 12
    assert len(words) == 2 * (16 + 6)


def test_every_sentiment_has_as_many_words_in_every_template():
    for template in templates():
        assert len({len(set(template.words[sentiment])) for sentiment in SENTIMENTS}) == 1


def test_no_word_has_two_sentiments():
    sentiment_of = {}
    for sentence in sentences():
        assert sentiment_of.setdefault(sentence.word, sentence.sentiment) == sentence.sentiment


def test_no_sentence_repeats_and_each_holds_its_word():
    every = sentences()
    assert len({s.text for s in every}) == len(every)
    for sentence in every:
        assert sentence.text.replace(sentence.word, "{word}", 1) == sentence.template
        assert sentence.text[0].isupper()
        assert sentence.text.endswith(".")


def test_no_sentiment_word_stands_in_the_fixed_part_of_a_template():
    words = {sentence.word for sentence in sentences()}
    for template in templates():
        assert not words & set(template.text.rstrip(".").lower().split())


def test_filling_counts_round_and_round():
    last = templates()[-1]
    assert last.fill("negative", 0) == "They all hated the teacher of that class."
    assert last.fill("negative", 6) == last.fill("negative", 0)
    assert last.fill("positive", 7) == "They all enjoyed the teacher of that class."
