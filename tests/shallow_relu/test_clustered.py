"""Clustered data against loops over samples, numpy's pseudoinverse and full matrices."""

import numpy as np
import pytest
import torch

from shallow_relu import clustered

SIZES = (3, 1, 5)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


@pytest.fixture
def inputs(generator):
    return torch.randn(2, 4, 9, generator=generator, dtype=torch.float64)


def test_means_and_deviations_by_a_loop(inputs):
    X = inputs
    means, deviations = clustered.class_means(X, SIZES), clustered.deviations(X, SIZES)
    start = 0
    for q, size in enumerate(SIZES):
        own = X[..., start : start + size].numpy()
        np.testing.assert_allclose(means[..., q], own.sum(-1) / size, atol=1e-14)
        expected = own - own.mean(-1)[..., None]
        np.testing.assert_allclose(deviations[..., start : start + size], expected, atol=1e-14)
        start += size


def test_pseudoinverse_projector_and_ratio_against_numpy(inputs):
    X = inputs
    means = clustered.class_means(X, SIZES)
    inverse = np.linalg.pinv(means.numpy())
    np.testing.assert_allclose(clustered.means_pseudoinverse(means), inverse, atol=1e-12)
    np.testing.assert_allclose(clustered.mean_projector(means), means.numpy() @ inverse, atol=1e-12)
    relative = inverse @ clustered.deviations(X, SIZES).numpy()
    np.testing.assert_allclose(clustered.relative_deviations(X, SIZES), relative, atol=1e-12)
    ratio = np.sqrt((relative**2).sum(-2)).max(-1)
    np.testing.assert_allclose(clustered.noise_to_signal(X, SIZES), ratio, atol=1e-12)


def test_costs_by_a_loop(generator):
    Y = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    found = torch.randn(2, 9, generator=generator, dtype=torch.float64)
    square, weighted, i = 0.0, 0.0, 0
    for q, size in enumerate(SIZES):
        for _ in range(size):
            error = float((found[:, i] - Y[:, q]).square().sum())
            square, weighted, i = square + error / 9, weighted + error / size, i + 1
    assert clustered.cost(found, Y, SIZES).item() == pytest.approx(square**0.5, abs=1e-14)
    assert clustered.weighted_cost(found, Y, SIZES).item() == pytest.approx(
        weighted**0.5, abs=1e-14
    )
    # the same as a trace with the full matrix, and sqrt(Q) times the plain cost for equal sizes
    errors = found - clustered.repeat_columns(Y, SIZES)
    Lambda = torch.diag(torch.tensor([3.0] * 3 + [1.0] + [5.0] * 5, dtype=torch.float64))
    trace = torch.trace(errors @ torch.linalg.inv(Lambda) @ errors.T).sqrt()
    torch.testing.assert_close(clustered.weighted_norm(errors, SIZES), trace)
    torch.testing.assert_close(clustered.size_of_class(SIZES), torch.diag(Lambda))
    equal = clustered.weighted_cost(found, Y, (3, 3, 3)) / clustered.cost(found, Y, (3, 3, 3))
    assert equal.item() == pytest.approx(3**0.5, abs=1e-14)


def test_clusters_have_the_centres_and_the_spread_asked_for(generator):
    means = clustered.orthonormal_means(5, 3, generator, batch=(2,))
    torch.testing.assert_close(means.mT @ means, torch.eye(3, dtype=torch.float64).expand(2, 3, 3))
    n = 4000
    X = clustered.clusters(means, (n, 2 * n, n), 0.3, generator)
    error = (clustered.class_means(X, (n, 2 * n, n)) - means) * n**0.5 / 0.3
    assert error.abs().max() < 5
    spread = clustered.deviations(X, (n, 2 * n, n)).square().mean().sqrt().item()
    assert spread == pytest.approx(0.3, abs=5 * 0.3 / (2 * X.numel()) ** 0.5)


def test_what_is_refused(inputs, generator):
    X = inputs
    with pytest.raises(ValueError, match="every class needs an input"):
        clustered.class_means(X, (4, 0, 5))
    with pytest.raises(ValueError, match="every class needs an input"):
        clustered.size_of_class(())
    with pytest.raises(ValueError, match="add up to 8, not to 9"):
        clustered.deviations(X, (3, 5))
    with pytest.raises(ValueError, match="2 columns for 3 classes"):
        clustered.repeat_columns(torch.eye(2), SIZES)
    with pytest.raises(ValueError, match="5 class means in dimension 4"):
        clustered.relative_deviations(X, (1, 1, 1, 1, 5))
    # the global mean subtracted: with equal sizes the class means add up to zero
    centred = X - X.mean(-1, keepdim=True)
    with pytest.raises(ValueError, match="linearly dependent"):
        clustered.noise_to_signal(centred, (3, 3, 3))
    with pytest.raises(ValueError, match="no 5 orthonormal"):
        clustered.orthonormal_means(4, 5, generator)
