"""Which speakers does the model serve worse than others?

For every speaker with more than 200 clips, the score is computed on 1000 random draws of 200 of the speaker's
clips, with replacement; the table gives mean, standard deviation and 95 % percentile range of the draws
(Wagner et al. 2023, §4.7; CCC for a dimension, UAR for emotions). Speakers with fewer clips are listed as not
judged by this protocol; with at least 10 clips, their score over all their clips is given. Worst and best
speaker, and the spread (standard deviation over speakers, divisor G − 1), are taken over the speakers that
the protocol judges; if there are fewer than five of them, over all speakers with at least 10 clips, and the
notes say so. For emotions, the worst speaker is the one whose UAR is least above that of a constant, 1 / k
for a speaker of k emotions.

The interval of the worst and the best speaker is a jackknife over that speaker's clips with Student's t (of a
UAR of 0 or 1, Wilson's), at a level (1 − .05 / G) that holds for all G speakers simultaneously (Bonferroni),
so it is also valid for the speaker that was selected. A speaker whose clips all have the same rating, or the
same emotion, has no score.

Scores from few clips differ between speakers by chance. So the spread is √max(0, s² − mean SE²), where s² is
the variance of the scores and SE the standard error of each over the speaker's clips; its interval is that of
s², (G − 1) s² / χ², less mean SE². For a dimension it is taken over speakers with at least 60 clips. The
notes give the observed spread and that to expect by chance.

Speaker average is the mean over speakers of |d|, where d is the difference m_p − m_t between the means of a
speaker's predictions and truth; speaker ranking is the signed Spearman correlation of these means. For
emotions the means are the shares of each class. Both are taken over speakers with at least 10 clips. As the
means of few clips differ by chance, too, the average is √(2/π) √max(0, mean d² − mean SE²), and at least the
size of the mean of d without its own error. Its interval joins those of mean d² (χ²) and of the mean
(Student's t); that of the ranking is Fisher's, with Bonett and Wright's standard error (2000).

Limits are those of audEERING's ser-tests for average (.1) and ranking (.7), and one of our own: the model
must be better than a constant for every speaker. If speakers have similar means, a constant gets all of them
about right, so average and ranking pass only if the model is shown to beat a constant (its predictions are
permuted among the clips of each speaker, p ≤ .001); a failure stands. If the true means hardly differ, their
order is due to chance, and the ranking is not judged: if more than half of the speakers have the same mean,
if the means do not differ significantly (analysis of variance, p ≥ .05), or if the choice of clips makes more
than half of their variance (1/F > .5).
"""

from dataclasses import replace

import numpy as np

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.examples import in_turn, of_speaker
from sertools.auditing.findings import skipped
from sertools.auditing.tables import Row
from sertools.errors import AuditError
from sertools.labels import DIMENSIONS
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, Limit, Sound
from sertools.tables.pairs import pairs, scored_targets
from sertools.tables.tables import Tables

from . import presentation
from .findings import extreme_findings, mean_findings, reason_withheld, spread_finding
from .scores import MIN_CLIPS_FOR_SCORE, Protocol, compared_speakers, speaker_scores, worst_first
from .without_speaker import speaker_averages_without_speaker

ASKS = Asks(question="Is it equally good for every speaker?", claim="equally good for every speaker", rank=40)

EXPLANATIONS = {
    "worst_speaker": (
        "The lowest score of a speaker, by CCC for a dimension and, for emotions, by how far UAR is above "
        "one over the speaker's number of emotions; its interval holds for all speakers at once "
        "(Bonferroni)."
    ),
    "best_speaker": (
        "The highest score of a speaker, by CCC for a dimension and, for emotions, by how far UAR is above "
        "one over the speaker's number of emotions; its interval holds for all speakers at once "
        "(Bonferroni)."
    ),
    "spread": (
        "Standard deviation of the scores of the speakers, without what their limited numbers of clips "
        "contribute: √max(0, s² − mean SE²), divisor G − 1 for G speakers; 0 if chance explains it all."
    ),
    "speaker_average": (
        "Mean absolute error of the speakers' mean predictions, without what their limited numbers of clips "
        "contribute, on the scale from 0 to 1."
    ),
    "speaker_ranking": (
        "Spearman's correlation over speakers of the mean prediction with the mean rating, from −1 to 1; a "
        "negative one is a failure."
    ),
    "worst_above_chance": "Score of the worst speaker minus that of chance.",
}

NEEDS = Needs(columns=("speaker",), labels="either")

SER_TESTS = "audEERING ser-tests"
NO_BETTER = "ours: the model is better than a constant for every speaker"
LIMITS = [
    Limit(name="speaker_average", below=0.1, source=SER_TESTS, detail=True),
    Limit(name="speaker_ranking", above=0.7, source=SER_TESTS, detail=True),
    *(Limit(name="speaker_average", target=d, below=0.1, source=SER_TESTS) for d in DIMENSIONS),
    *(Limit(name="speaker_ranking", target=d, above=0.7, source=SER_TESTS) for d in DIMENSIONS),
    *(Limit(name="worst_speaker", target=dimension, above=0, source=NO_BETTER) for dimension in DIMENSIONS),
    Limit(name="worst_above_chance", above=0, source=NO_BETTER),
]


def audit(tables: Tables, *, rng: np.random.Generator, min_clips: int = 200, draws: int = 1000) -> Outcome:
    """Scores by speaker for every dimension and for emotion.

    Args:
        tables: clips and clean predictions
        rng: for draws of clips
        min_clips: the protocol judges speakers with more clips than this, in draws of this size
        draws: number of draws per speaker
    """
    if min_clips < MIN_CLIPS_FOR_SCORE or draws < 2:
        raise AuditError(
            f"min-clips is {min_clips} and draws {draws}",
            hint=f"min-clips must be at least {MIN_CLIPS_FOR_SCORE} and draws at least 2",
        )
    tables = _ordered_by_clip(tables)
    protocol = Protocol(min_clips=min_clips, draws=draws, seed=int(rng.integers(2**63)))
    findings: list[Finding] = []
    rows: list[Row] = []
    figures: list[Figure] = []
    sentences: list[str] = []
    notes: list[str] = []
    sounds: list[list[Sound]] = []
    for target in scored_targets(tables):
        pair = pairs(tables, target)
        speakers = speaker_scores(pair, tables, target, protocol)
        if not speakers:
            reason = f"no speaker has {MIN_CLIPS_FOR_SCORE} clips labelled with {target}"
            findings.append(skipped("worst_speaker", tables, reason, target=target))
            continue
        compared, _ = compared_speakers(speakers)
        useless = reason_withheld(pair)
        findings += extreme_findings(compared, target, useless)
        findings.append(spread_finding(compared, target))
        findings += mean_findings(pair, tables, target, useless)
        rows += presentation.speaker_rows(speakers, target)
        figures.append(presentation.speaker_figure(speakers, target))
        sentences.append(presentation.sentence(compared, pair, target))
        notes += presentation.notes(speakers, pair, target, min_clips)
        sounds += [of_speaker(tables, target, speaker.name) for speaker in worst_first(compared)[:1]]
    return Outcome(
        answer=" ".join(sentences) or f"Not measured: no speaker has {MIN_CLIPS_FOR_SCORE} clips.",
        findings=findings,
        tables=[presentation.speakers_table(rows, protocol)] if rows else [],
        figures=figures,
        notes=notes,
        left_out=speaker_averages_without_speaker(tables),
        sounds=in_turn(sounds),
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Invert the predictions of one speaker.

    The dimensions of the speaker with most clips are mirrored about their mean and scaled by .8, and each
    of the speaker's emotions gets the score of the one before it.
    """
    counts = tables.clips["speaker"].value_counts().sort_index()
    chosen = (tables.clips["speaker"] == counts.idxmax()).to_numpy()
    planted = {}
    for condition, scores in tables.predictions.items():
        wrong = scores.copy()
        for dimension in tables.model_dimensions:
            values = scores.loc[chosen, dimension]
            wrong.loc[chosen, dimension] = values.mean() - 0.8 * (values - values.mean())
        classes = list(tables.model_classes)
        wrong.loc[chosen, classes] = np.roll(scores.loc[chosen, classes].to_numpy(), 1, axis=1)
        planted[condition] = wrong
    return tables.with_predictions(planted)


def _ordered_by_clip(tables: Tables) -> Tables:
    """The same tables ordered by clip name, so that draws do not depend on the order of the corpus."""
    order = np.argsort(tables.clips.index.astype(str), kind="stable")
    predictions = {condition: scores.iloc[order] for condition, scores in tables.predictions.items()}
    return replace(
        tables,
        clips=tables.clips.iloc[order],
        predictions=predictions,
        layers=None,
        frame_sums={},
        others={},
    )
