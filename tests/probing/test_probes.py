"""Probes hear no speaker twice, find a planted layer, and read nothing from shuffled labels."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from sertools.errors import AuditError
from sertools.metrics.classification import accuracy, uar
from sertools.metrics.regression import ccc
from sertools.probing import probes
from sertools.probing.folds import disjoint_folds, shared_folds, shuffled_within
from sertools.probing.ridge import STRENGTHS

SPEAKERS, EACH, CLASSES = 12, 20, 4


def rng(seed=0):
    return np.random.default_rng(seed)


def group():
    return np.repeat(np.arange(SPEAKERS), EACH)


def truth():
    return rng(1).integers(CLASSES, size=SPEAKERS * EACH)


def layers(planted=None, d=8, count=5):
    """Noise, and in one layer the label beside it."""
    drawn = rng(2).normal(size=(SPEAKERS * EACH, count, d)).astype(np.float32)
    if planted is not None:
        drawn[:, planted, :CLASSES] += 2 * np.eye(CLASSES)[truth()]
    return drawn


def fold(folds=4):
    return disjoint_folds(group().astype(str), np.zeros(len(group())), folds)


def test_no_speaker_is_in_two_folds_and_every_clip_is_in_one():
    names = np.array([f"s{code:02d}" for code in group()])
    found = disjoint_folds(names, np.zeros(len(names)), 4)
    assert set(found) == {0, 1, 2, 3}
    for name in np.unique(names):
        assert len(set(found[names == name])) == 1


def test_sexes_are_alike_in_all_folds_where_speakers_alternate():
    # 24 speakers of 60 clips, women and men in turn, as in RAVDESS
    speaker = np.repeat([f"{i:02d}" for i in range(1, 25)], 60)
    sex = np.repeat(["male", "female"] * 12, 60)
    found = disjoint_folds(speaker, sex, 4)
    for code in range(4):
        assert np.mean(sex[found == code] == "female") == 0.5
        assert len(set(speaker[found == code])) == 6


def test_a_stratum_with_fewer_clips_than_folds_is_no_obstacle():
    speaker = np.repeat(list("abcdef"), 3)
    rare = np.where(np.arange(18) == 7, "rare", "usual")
    assert set(disjoint_folds(speaker, rare, 3)) == {0, 1, 2}
    every = np.arange(18).astype(str)
    assert set(disjoint_folds(speaker, every, 3)) == {0, 1, 2}


def test_folds_follow_the_names_of_speakers_and_not_the_order_of_clips():
    names = group().astype(str)
    order = rng(4).permutation(len(names))
    one, other = (disjoint_folds(n, np.zeros(len(n)), 4) for n in (names, names[order]))
    for i in range(4):  # the number of a fold may differ, who is together may not
        assert len(set(other[one[order] == i])) == 1


@pytest.mark.parametrize(
    ("speakers", "folds", "said"),
    [
        (3, 4, "3 speakers are too few for 4 folds"),
        (2, 2, "2 speakers"),
        (9, 1, "1 folds are too few to fit a probe"),
    ],
)
def test_more_folds_than_speakers_are_refused(speakers, folds, said):
    names = np.arange(speakers).astype(str)
    with pytest.raises(AuditError, match=said):
        disjoint_folds(names, np.zeros(speakers), folds)


def test_shared_folds_have_every_speaker_on_both_sides():
    found = shared_folds(group(), 4)
    for code in range(SPEAKERS):
        assert np.bincount(found[group() == code]).tolist() == [5, 5, 5, 5]


@pytest.mark.parametrize("k", [0, 2, 4])
def test_a_planted_layer_is_found_where_it_is(k):
    made = layers(planted=k)
    probed = [probes.linear(made[:, i], truth(), group(), fold(), CLASSES)[0] for i in range(5)]
    scores = [uar(truth(), each.prediction, CLASSES) for each in probed]
    assert int(np.argmax(scores)) == k
    assert scores[k] > 0.75
    assert all(abs(score - 1 / CLASSES) < 0.12 for i, score in enumerate(scores) if i != k)
    prediction, chosen = probes.best(probed, fold())
    assert chosen.tolist() == [k] * 4
    assert np.array_equal(prediction, probed[k].prediction)


@pytest.mark.parametrize("kind", ["mlp", "superb"])
def test_trained_heads_find_it_too(kind):
    made = layers(planted=3)

    def score(i):
        one = probes.trained(made[:, [i]], truth(), fold(), CLASSES, kind=kind, learning_rate=3e-3, rng=rng())
        return uar(truth(), one.prediction, CLASSES)

    assert score(3) > 0.75
    assert abs(score(0) - 1 / CLASSES) < 0.12


def test_learned_weights_go_to_the_planted_layer_and_their_average_is_as_good():
    made = layers(planted=1)
    for found in (
        probes.weighted(made, truth(), group(), fold(), CLASSES, rng=rng()),
        probes.trained(made, truth(), fold(), CLASSES, kind="mlp", learning_rate=3e-3, rng=rng()),
    ):
        assert found.layer_weights.shape == (4, 5)
        assert found.layer_weights.sum(axis=1) == pytest.approx(1)
        assert found.layer_weights.mean(axis=0).argmax() == 1
        assert found.layer_weights[:, 1].mean() > 0.5
        assert uar(truth(), found.prediction, CLASSES) > 0.7


def test_values_are_read_in_their_unit_by_every_probe():
    made = layers()
    value = 150 + 20 * made[:, 2, 0]
    one = probes.linear(made[:, 2], np.column_stack([value, -value]), group(), fold())
    assert ccc(value, one[0].prediction) > 0.99
    assert ccc(-value, one[1].prediction) > 0.99
    mixed = probes.weighted(made, value, group(), fold(), rng=rng())
    assert ccc(value, mixed.prediction) > 0.8
    head = probes.trained(made[:, [2]], value, fold(), kind="superb", learning_rate=3e-3, rng=rng())
    assert ccc(value, head.prediction) > 0.8


def test_shuffled_labels_leave_chance():
    made = layers(planted=2, d=20)
    scores = []
    for seed in range(12):
        wrong = shuffled_within(truth(), group(), rng=rng(seed))
        for speaker in range(SPEAKERS):
            assert sorted(wrong[group() == speaker]) == sorted(truth()[group() == speaker])
        (found,) = probes.linear(made[:, 2], wrong, group(), fold(), CLASSES)
        scores.append(uar(wrong, found.prediction, CLASSES))
    # standard error of one score of 240 clips: √(¼ ¾ / 240) = .028, of twelve: .008
    assert np.mean(scores) == pytest.approx(1 / CLASSES, abs=0.025)


def test_linear_classes_are_those_of_scikit_learns_balanced_ridge_classifier():
    features, labels, folds = layers(planted=0)[:, 0], truth(), fold()
    (found,) = probes.linear(features, labels, group(), folds, CLASSES)
    for code in range(4):
        train, test = folds != code, folds == code
        weight = len(labels[train]) / (CLASSES * np.bincount(labels[train])[labels[train]])
        scaler = StandardScaler().fit(features[train], sample_weight=weight)
        z = scaler.transform(features[train])
        eigenvalues = np.linalg.eigvalsh((z * weight[:, None]).T @ z)
        answers = [
            RidgeClassifier(alpha=s * eigenvalues.mean())
            .fit(z, labels[train], sample_weight=weight)
            .predict(scaler.transform(features[test]))
            for s in STRENGTHS
        ]
        assert any(np.array_equal(answer, found.prediction[test]) for answer in answers)


def test_the_best_layer_is_chosen_in_each_fold_without_its_test_clips():
    folds = np.array([0, 0, 1, 1])
    one = probes.HeldOut(prediction=np.array([1, 1, 1, 1]), error=np.array([0.1, 0.9]))
    two = probes.HeldOut(prediction=np.array([2, 2, 2, 2]), error=np.array([0.5, 0.5]))
    prediction, chosen = probes.best([one, two], folds)
    assert prediction.tolist() == [1, 1, 2, 2]
    assert chosen.tolist() == [0, 1]


def test_two_folds_leave_a_part_of_the_training_clips_to_stop_by():
    made = layers(planted=0)
    head = probes.trained(
        made[:, [0]], truth(), fold(2), CLASSES, kind="superb", learning_rate=3e-3, rng=rng()
    )
    assert accuracy(truth(), head.prediction) > 0.75


def test_no_fold_is_empty_however_different_speakers_are_in_size():
    sizes = [500, 3, 1, 1, 40, 2]
    names = np.repeat([f"s{i}" for i in range(6)], sizes)
    for seed in range(20):
        stratum = rng(seed).integers(3, size=len(names))
        for folds in (2, 3, 4, 6):
            assert len(np.unique(disjoint_folds(names, stratum, folds))) == folds


def test_one_speaker_alone_in_training_still_gets_a_strength():
    unit = np.repeat([0, 1, 2], [160, 40, 40])
    (found,) = probes.linear(layers(planted=0)[:, 0], truth(), unit, (unit > 0).astype(int), CLASSES)
    assert uar(truth(), found.prediction, CLASSES) > 0.7


def test_classes_weigh_alike_whatever_their_number_of_clips():
    rare = (rng(5).random(240) < 0.1).astype(np.int64)
    features = rng(6).normal(size=(240, 3)) + rare[:, None]
    (found,) = probes.linear(features, rare, group(), fold(), 2)
    assert np.mean(found.prediction[rare == 1]) > 0.6


def test_a_class_that_the_training_clips_lack_is_never_answered():
    labels = np.where(group() == 0, 2, truth() % 2)
    (found,) = probes.linear(layers()[:, 0], labels, group(), fold(), 3)
    assert not (found.prediction[group() == 0] == 2).any()
