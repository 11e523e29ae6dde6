import pytest

from sertools.results.published import li2023


def test_a_published_table_has_a_column_for_each_model_and_shares_of_one():
    (table,) = li2023.inputs_of("ravdess")
    assert table.columns == ["input", *li2023.MODELS.values()]
    assert table.rows[0] == ["best layer", 0.7062, 0.6896, 0.7042]
    assert all(0 < value < 1 for row in table.rows for value in row[1:])


@pytest.mark.parametrize("corpus", ["", "voices"])
def test_other_corpora_have_no_published_table(corpus):
    assert li2023.inputs_of(corpus) == []
