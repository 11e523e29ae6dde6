"""Published numbers are those of the papers: their own means and differences come out of them."""

import csv

import pytest

from sertools.results.published.papers import COLUMNS, PAPERS, of_corpus, published
from tests.helpers.places import ROOT

SHARED = ROOT.parent / "shared" / "reference" / "papers.csv"


def test_every_row_is_a_number_of_a_known_paper():
    table = published()
    assert list(table) == list(COLUMNS)
    assert set(table["paper"]) <= set(PAPERS)
    assert table["value"].notna().all()
    assert not table.duplicated(list(COLUMNS[:-1])).any()


def test_averages_of_emo_superb_are_those_of_its_nine_conditions():
    rows = published()[(published()["paper"] == "wu2024") & (published()["place"] == "table 3")]
    for model, own in rows.groupby("model"):
        mean = own[own["data"] == "average of 9"]["value"].item()
        # conditions are printed with three digits
        assert own[own["data"] != "average of 9"]["value"].mean() == pytest.approx(mean, abs=1.5e-3), model


@pytest.mark.parametrize(("corpus", "place"), [("iemocap", "table 1"), ("savee", "table 2")])
def test_means_of_chen_are_those_of_sessions_and_speakers(corpus, place):
    rows = of_corpus(corpus, "chen2023")
    for model, own in rows[rows["place"] == place].groupby("model"):
        mean = own[own["data"] == corpus]["value"].item()
        assert own[own["data"] != corpus]["value"].mean() == pytest.approx(mean, abs=1e-3), model


def test_ratios_of_chen_follow_from_the_three_methods():
    rows = of_corpus("iemocap", "chen2023")
    rows = rows[rows["place"] == "table 4"]
    for data, own in rows.groupby("data"):
        of = own.set_index("model")["value"]
        v, tapt, ptapt = (of[f"wav2vec2-base {method}"] for method in ("V-FT", "TAPT", "P-TAPT"))
        ratio = of["(TAPT - V-FT) / (P-TAPT - V-FT)"]
        assert (tapt - v) / (ptapt - v) == pytest.approx(ratio, abs=1e-3), data


def test_hours_of_pre_training_are_those_of_the_corpora_above_their_sum():
    rows = published()[(published()["paper"] == "ma2024") & (published()["place"] == "table 1")]
    for metric in ("utterances", "hours"):
        own = rows[rows["metric"] == metric].set_index("data")["value"]
        above = own.iloc[: own.index.get_loc("sum of pre-training")]
        # the clips of IEMOCAP to MSP-Podcast add up to 169116: the printed sum counts fewer
        assert above.sum() == pytest.approx(own["sum of pre-training"], rel=1e-3), metric


def test_last_row_of_the_printed_folds_of_emo_superb_shares_a_dyad():
    rows = published()[(published()["paper"] == "wu2024") & (published()["place"] == "table 2")]
    shared = []
    for fold, own in rows.groupby("data"):
        training = own[own["metric"].str.startswith("training")]["value"]
        shared += [fold] if own[own["metric"] == "test dyad"]["value"].item() in set(training) else []
    assert shared == ["iemocap fold 5"]


@pytest.mark.skipif(not SHARED.is_file(), reason="the list in ../shared/reference is not here")
def test_every_number_of_the_shared_list_is_there():
    ours = published().groupby("paper")["value"].agg(list)
    with SHARED.open(newline="") as file:
        for row in csv.DictReader(file):
            paper = {"srinivasan2022": "wagner2023"}.get(row["paper"], row["paper"])  # as stated there
            assert float(row["value"]) in ours[paper], row
