"""Published scores of layer probes, for comparison with ours."""

from sertools.results.published.papers import of_corpus
from sertools.results.result import Table

SOURCE = "Li et al. 2023, table 1"

MODELS = {
    "PT": "wav2vec2-base",
    "FT100": "wav2vec2-base-100h",
    "FT960": "wav2vec2-base-960h",
}
"""Name of a model in the paper → name of its checkpoint."""


def inputs_of(corpus: str) -> list[Table]:
    """The published UA of emotion by input, one column for each model; empty for other corpora.

    The probes were of the kind `mlp`, on IEMOCAP (four classes) with 5 folds by session, on RAVDESS with 4
    folds of 6 speakers. The source gives percentages with two decimals.

    Args:
        corpus: name of the corpus in sertools, e.g. `ravdess`

    >>> inputs_of("ravdess")[0].rows[0]
    ['best layer', 0.7062, 0.6896, 0.7042]
    """
    rows = of_corpus(corpus, "li2023")
    rows = rows[rows["place"] == "table 1"]
    if rows.empty:
        return []
    split = rows["model"].str.partition(" ")
    table = rows.assign(checkpoint=split[0], input=split[2])
    wide = table.pivot_table(index="input", columns="checkpoint", values="value", sort=False)
    return [
        Table(
            name="published_inputs",
            title="Published UA of emotion by input",
            columns=["input", *MODELS.values()],
            rows=[
                [str(name), *(round(float(row[m]), 4) for m in MODELS.values())]
                for name, row in wide.iterrows()
            ],
            note=f"{SOURCE}: mlp probes; the best layer was chosen in hindsight, not on training speakers",
        )
    ]
