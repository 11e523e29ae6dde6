"""Heads on states, text and both: their arithmetic, what they may see, and what they learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sertools.errors import AuditError
from sertools.metrics.regression import ccc
from sertools.probing import fusion, heads
from sertools.probing.fusion import fixed, held_out, tf_idf, train_fusion
from sertools.probing.heads import train_head


def ratings(n=300, seed=0):
    """Vectors with two ratings in them, in a fifth of their variance."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, 2))
    vectors = np.concatenate([truth + rng.normal(0, 0.15, (n, 2)), rng.normal(size=(n, 6))], axis=1)
    return vectors, truth


def parts(n):
    return np.arange(0, 2 * n // 3), np.arange(2 * n // 3, n)


def test_a_head_is_two_layers_the_first_as_wide_as_its_input():
    vectors, truth = ratings()
    train, dev = parts(300)
    head = train_fusion(vectors, truth, train, dev, epochs=2, rng=np.random.default_rng(0))
    (weight, bias), (out, last) = head.dense
    assert weight.shape == (8, 8)
    assert bias.shape == (8,)
    assert out.shape == (2, 8)
    assert last.shape == (2,)
    # by hand, clip by clip
    by_hand = [
        out @ np.tanh(weight @ ((v - vectors[train].mean(0)) / vectors[train].std(0)) + bias) + last
        for v in vectors
    ]
    assert np.allclose(head.predict(vectors[:, None]), by_hand, atol=1e-12)


def test_a_rating_that_one_training_clip_has_does_not_affect_the_others():
    vectors, truth = ratings(90)
    train, dev = parts(90)
    truth[1:, 1] = np.nan
    shape = replace(fusion.FUSION_SHAPE, hidden=(8,), epochs=3, batch=0)
    masks = [np.isin(np.arange(90), rows) for rows in (train, dev)]
    both = train_head(vectors[:, None], truth, *masks, shape=shape, rng=np.random.default_rng(0))
    _, (out, last) = both.dense
    # the output of the other rating stays as it was drawn, and its gradient is 0
    drawn = np.random.default_rng(0)
    first = [drawn.uniform(-(8**-0.5), 8**-0.5, size) for size in ((8, 8), (8,), (2, 8), (2,))]
    assert np.allclose(out[1], first[2][1], atol=1e-7)
    assert not np.allclose(out[0], first[2][0], atol=1e-3)
    assert last[1] == pytest.approx(first[3][1] + truth[0, 1], abs=1e-6)


def test_ratings_that_are_missing_are_left_out_of_the_loss():
    vectors, truth = ratings(120)
    train, dev = parts(120)
    truth[dev[::3], 1] = np.nan
    head = train_fusion(vectors, truth, train, dev, epochs=5, rng=np.random.default_rng(0))
    said = head.predict(vectors[dev, None])
    known = np.isfinite(truth[dev, 1])
    scores = [ccc(truth[dev, 0], said[:, 0]), ccc(truth[dev, 1][known], said[known, 1])]
    assert head.loss == pytest.approx(1 - np.mean(scores), abs=1e-5)  # trained in float32


def test_dropout_keeps_the_expected_value_and_drops_the_given_share():
    generator = torch.Generator().manual_seed(0)
    mask = heads._dropout_mask(torch.ones(400, 500), 0.2, generator)
    assert sorted(mask.unique().tolist()) == pytest.approx([0, 1.25])
    # four standard errors of a mean of 200 000 draws
    assert float((mask == 0).float().mean()) == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / 200_000) ** 0.5)


def test_a_head_depends_neither_on_torchs_global_seed_nor_on_the_number_of_threads():
    vectors, truth = ratings(200)
    vectors = np.concatenate([vectors, np.random.default_rng(1).normal(size=(200, 300))], axis=1)
    train, dev = parts(200)
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    predictions = []
    try:
        for seed, count in ((0, 1), (1, 2), (2, 4)):
            torch.manual_seed(seed)
            torch.set_num_threads(count)
            head = train_fusion(vectors, truth, train, dev, epochs=3, rng=np.random.default_rng(0))
            predictions.append(head.predict(vectors[:, None]))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
        torch.random.set_rng_state(state)
    assert np.array_equal(predictions[0], predictions[1])
    assert np.array_equal(predictions[0], predictions[2])


def test_what_the_vectors_hold_is_learnt_and_the_epoch_is_the_best_on_development_clips():
    vectors, truth = ratings()
    train, dev = parts(300)
    head = train_fusion(vectors, truth, train, dev, rng=np.random.default_rng(0))
    said = head.predict(vectors[dev, None])
    scores = [ccc(truth[dev, i], said[:, i]) for i in range(2)]
    assert head.loss == pytest.approx(1 - np.mean(scores), abs=1e-5)  # trained in float32
    assert min(scores) > 0.6
    assert 1 <= head.epochs <= fusion.FUSION_SHAPE.epochs


def test_heads_that_are_compared_have_hidden_layers_of_one_width():
    vectors, truth = ratings(60)
    train, dev = parts(60)
    head = train_fusion(vectors, truth, train, dev, hidden=13, epochs=1, rng=np.random.default_rng(0))
    assert [weight.shape for weight, _ in head.dense] == [(13, 8), (2, 13)]
    fold = np.arange(60) % 3
    alone, compared = (
        held_out([fixed(vectors)], truth, fold, inputs_for_width=also, epochs=2, rng=np.random.default_rng(0))
        for also in ([], [fixed(vectors[:, :5])])
    )
    assert not np.allclose(alone, compared)


def test_the_same_seed_gives_the_same_head_and_another_seed_another():
    vectors, truth = ratings(90)
    train, dev = parts(90)
    heads = [
        train_fusion(vectors, truth, train, dev, epochs=3, rng=np.random.default_rng(seed))
        for seed in (0, 0, 1)
    ]
    first, again, other = (head.predict(vectors[:, None]) for head in heads)
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_no_clip_is_rated_by_a_head_that_has_seen_its_rating():
    vectors, truth = ratings(120)
    fold = np.repeat(np.arange(4), 30)
    before = held_out([fixed(vectors)], truth, fold, epochs=3, rng=np.random.default_rng(0))
    changed = truth.copy()
    changed[fold == 0] = 1 - changed[fold == 0]
    after = held_out([fixed(vectors)], changed, fold, epochs=3, rng=np.random.default_rng(0))
    assert np.array_equal(before[fold == 0], after[fold == 0])
    assert not np.allclose(before[fold == 1], after[fold == 1])


def test_text_is_fitted_to_training_clips_alone():
    texts = ["red green", "green blue", "blue red", "unheard words", "red unheard"]
    vectors = tf_idf(texts, components=8)(np.array([0, 1, 2]))
    assert vectors.shape == (5, 3)
    assert np.allclose(vectors[3], 0), "what no training clip says is not known"
    assert np.allclose(
        vectors[4], tf_idf(["red green", "green blue", "blue red", "red"], components=8)(np.arange(3))[3]
    )


def test_text_vectors_keep_the_angles_of_tf_idf():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["the cat sat", "the dog sat", "a dog ran", "the cat ran away"]
    plain = TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", sublinear_tf=True).fit_transform(texts).toarray()
    vectors = tf_idf(texts, components=8)(np.arange(4))
    assert np.allclose(vectors @ vectors.T, plain @ plain.T, atol=1e-12)


def test_texts_without_a_word_have_a_vector_of_nothing():
    assert tf_idf(["", "?", "!"], components=4)(np.arange(3)).tolist() == [[0.0]] * 3


def test_words_that_tell_the_rating_are_learnt():
    rng = np.random.default_rng(2)
    bad = rng.random(240) < 0.5
    texts = [f"{'terrible' if b else 'wonderful'} filler{rng.integers(9)}" for b in bad]
    truth = np.where(bad, 0.2, 0.8)[:, None] + rng.normal(0, 0.05, (240, 1))
    said = held_out([tf_idf(texts, components=16)], truth, np.arange(240) % 4, rng=np.random.default_rng(0))
    assert ccc(truth[:, 0], said[:, 0]) > 0.9


def test_a_number_that_is_constant_in_training_does_not_blow_up():
    vectors, truth = ratings(90)
    vectors[:, 3] = 0.1
    vectors[80:, 3] = 5.0
    train, dev = parts(90)
    head = train_fusion(vectors, truth, train, dev, epochs=2, rng=np.random.default_rng(0))
    assert np.isfinite(head.predict(vectors[:, None])).all()
    assert head.scale[0, 3] == 1.0


@pytest.mark.parametrize("folds", [1, 2])
def test_too_few_folds_are_refused(folds):
    vectors, truth = ratings(20)
    with pytest.raises(AuditError, match=f"folds is {folds}"):
        held_out([fixed(vectors)], truth, np.arange(20) % folds, rng=np.random.default_rng(0))


def test_a_head_without_clips_is_refused():
    vectors, truth = ratings(20)
    with pytest.raises(AuditError, match="at least two training and two development clips"):
        train_fusion(vectors, truth, np.arange(1), np.arange(5), rng=np.random.default_rng(0))
