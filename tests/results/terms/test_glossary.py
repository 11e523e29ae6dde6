from sertools.results.terms import glossary


def test_abbreviations_are_found_as_whole_words_only():
    pieces = [
        piece for piece, term in glossary.marked("CCC and UAR, not CCCP, my-ECE or MAE.x (MAE).") if term
    ]
    assert pieces == ["CCC", "UAR", "MAE"]


def test_no_character_is_lost():
    text = "UAP of UA; t-SNE, <b>CCC</b> UMAP"
    assert "".join(piece for piece, _ in glossary.marked(text)) == text


def test_every_term_is_explained_in_words_and_terms_are_sorted():
    shorts = [term.short for term in glossary.TERMS]
    assert shorts == sorted(set(shorts))
    for term in glossary.TERMS:
        assert len(term.long) > len(term.short)
        assert len(term.meaning.split()) >= 4


def test_the_glossary_of_a_page_has_the_terms_that_the_page_uses():
    assert [term.short for term in glossary.used(["a CCC", "CCC or F0"])] == ["CCC", "F0"]
