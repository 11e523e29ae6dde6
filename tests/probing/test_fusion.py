"""Heads on states, text and both: their arithmetic, what they may see, and what they learn."""

import numpy as np
import pytest
import torch

from sertools.errors import AuditError
from sertools.metrics.regression import ccc
from sertools.probing import fusion
from sertools.probing.fusion import fixed, held_out, tf_idf, train_fusion


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
    assert np.allclose(head.predict(vectors), by_hand, atol=1e-12)


def numbers_of(rng, width=5, k=2):
    return [rng.normal(size=shape) for shape in ((width, width), (width,), (k, width), (k,))]


def test_the_loss_is_one_minus_the_mean_ccc_over_ratings_that_are_there():
    rng = np.random.default_rng(1)
    x, numbers, truth = rng.normal(size=(40, 5)), numbers_of(rng), rng.random((40, 2))
    truth[::3, 1] = np.nan
    weight, bias, out, last = numbers
    said = np.tanh(x @ weight.T + bias) @ out.T + last
    known = np.isfinite(truth[:, 1])
    expected = 1 - (ccc(truth[:, 0], said[:, 0]) + ccc(truth[known, 1], said[known, 1])) / 2
    found, _ = fusion.loss_and_slopes(x, truth, numbers)
    assert found == pytest.approx(expected, abs=1e-7)  # the loss has 1e-8 in its divisor
    assert fusion._score(truth, said) == pytest.approx(1 - expected, abs=1e-12)


def test_the_slopes_are_those_that_torch_finds():
    rng = np.random.default_rng(2)
    x, numbers, truth = rng.normal(size=(30, 5)), numbers_of(rng), rng.random((30, 2))
    truth[::4, 0] = np.nan
    kept = (rng.random((30, 5)) > 0.3) / 0.7
    tensors = [torch.from_numpy(part.copy()).requires_grad_() for part in numbers]
    said = (torch.tanh(torch.from_numpy(x) @ tensors[0].T + tensors[1]) * torch.from_numpy(kept)) @ tensors[
        2
    ].T
    said = said + tensors[3]
    losses = []
    for i in range(2):
        known = np.isfinite(truth[:, i])
        p, t = said[known, i], torch.from_numpy(truth[known, i])
        apart = p.var(unbiased=False) + t.var(unbiased=False) + (p.mean() - t.mean()) ** 2 + 1e-8
        losses.append(1 - 2 * ((p - p.mean()) * (t - t.mean())).mean() / apart)
    loss = sum(losses) / 2
    loss.backward()
    found, slopes = fusion.loss_and_slopes(x, truth, numbers, kept)
    assert found == pytest.approx(loss.item(), abs=1e-12)
    for slope, tensor in zip(slopes, tensors, strict=True):
        assert np.allclose(slope, tensor.grad.numpy(), atol=1e-12)


def test_a_step_is_that_of_torchs_adam():
    rng = np.random.default_rng(3)
    part = rng.normal(size=(4, 3))
    tensor = torch.from_numpy(part.copy()).requires_grad_()
    optimiser = torch.optim.Adam([tensor], lr=fusion.RATE)
    frame_sums = [(np.zeros_like(part), np.zeros_like(part))]
    for step in range(1, 6):
        slope = rng.normal(size=part.shape)
        tensor.grad = torch.from_numpy(slope.copy())
        optimiser.step()
        fusion._adam([part], [slope], frame_sums, step)
        assert np.allclose(part, tensor.detach().numpy(), atol=1e-12)


def test_a_rating_that_one_clip_has_counts_for_nothing():
    rng = np.random.default_rng(4)
    x, numbers, truth = rng.normal(size=(20, 5)), numbers_of(rng), rng.random((20, 2))
    truth[1:, 1] = np.nan
    alone, slopes = fusion.loss_and_slopes(x, truth, numbers)
    first, of_first = fusion.loss_and_slopes(x, truth[:, :1], [*numbers[:2], numbers[2][:1], numbers[3][:1]])
    assert alone == pytest.approx(first, abs=1e-12)
    assert np.allclose(slopes[0], of_first[0], atol=1e-12)


def test_what_the_vectors_hold_is_learnt_and_the_epoch_is_the_best_on_development_clips():
    vectors, truth = ratings()
    train, dev = parts(300)
    head = train_fusion(vectors, truth, train, dev, rng=np.random.default_rng(0))
    said = head.predict(vectors[dev])
    scores = [ccc(truth[dev, i], said[:, i]) for i in range(2)]
    assert head.score == pytest.approx(np.mean(scores), abs=1e-5)  # trained in float32
    assert min(scores) > 0.6
    assert 1 <= head.epoch <= fusion.EPOCHS


def test_heads_that_are_compared_have_hidden_layers_of_one_width():
    vectors, truth = ratings(60)
    train, dev = parts(60)
    head = train_fusion(vectors, truth, train, dev, hidden=13, epochs=1, rng=np.random.default_rng(0))
    assert [weight.shape for weight, _ in head.dense] == [(13, 8), (2, 13)]
    fold = np.arange(60) % 3
    alone, beside = (
        held_out([fixed(vectors)], truth, fold, beside=also, epochs=2, rng=np.random.default_rng(0))
        for also in ([], [fixed(vectors[:, :5])])
    )
    assert not np.allclose(alone, beside)


def test_the_same_seed_gives_the_same_head_and_another_seed_another():
    vectors, truth = ratings(90)
    train, dev = parts(90)
    heads = [
        train_fusion(vectors, truth, train, dev, epochs=3, rng=np.random.default_rng(seed))
        for seed in (0, 0, 1)
    ]
    first, again, other = (head.predict(vectors) for head in heads)
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
    assert np.isfinite(head.predict(vectors)).all()
    assert head.scale[3] == 1.0


@pytest.mark.parametrize("folds", [1, 2])
def test_too_few_folds_are_refused(folds):
    vectors, truth = ratings(20)
    with pytest.raises(AuditError, match=f"folds is {folds}"):
        held_out([fixed(vectors)], truth, np.arange(20) % folds, rng=np.random.default_rng(0))


def test_a_head_without_clips_is_refused():
    vectors, truth = ratings(20)
    with pytest.raises(AuditError, match="at least two training and two development clips"):
        train_fusion(vectors, truth, np.arange(1), np.arange(5), rng=np.random.default_rng(0))
