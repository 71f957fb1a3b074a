"""Constructions against the paper's conditions, numpy's least squares, and hand-made examples."""

import math

import numpy as np
import pytest
import torch

from shallow_relu import clustered, constructions
from shallow_relu.biased_networks import hidden, outputs

SIZES = (4, 2, 7)
CASES = [(3, (4, 2, 7), 0.3), (6, (4, 2, 7), 1.5), (5, (1, 9), 0.02), (2, (3,), 2.0)]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(5)


def draw(d, sizes, spread, generator, batch=(3,)):
    """Data with centres that are not orthonormal, and invertible labels."""
    Q = len(sizes)
    centres = torch.randn(*batch, d, Q, generator=generator, dtype=torch.float64)
    Y = torch.randn(*batch, Q, Q, generator=generator, dtype=torch.float64)
    return clustered.clusters(centres, sizes, spread, generator), Y


@pytest.mark.parametrize(("d", "sizes", "spread"), CASES)
def test_the_constructed_network_satisfies_the_conditions_of_the_proof(d, sizes, spread, generator):
    X, Y = draw(d, sizes, spread, generator)
    network = constructions.constructed_network(X, Y, sizes)
    means = clustered.class_means(X, sizes)
    P = means @ torch.linalg.pinv(means)
    one = torch.eye(d, dtype=X.dtype)
    torch.testing.assert_close(network.W1 @ network.W1.mT, one.expand_as(P))
    turned = network.W1 @ P @ network.W1.mT
    live = torch.diag_embed(turned.diagonal(dim1=-2, dim2=-1).round())
    torch.testing.assert_close(turned, live, atol=1e-10, rtol=0)  # Eq. 3.2
    largest = X.norm(dim=-2).amax(-1)[:, None]
    delta = clustered.deviations(X, sizes).norm(dim=-2).amax(-1)[:, None]
    u = torch.ones(d, 1, dtype=X.dtype)
    b1 = (2 * largest[..., None] * live @ u - delta[..., None] * (one - live) @ u).squeeze(-1)
    torch.testing.assert_close(network.b1, b1)  # Eq. 3.13
    torch.testing.assert_close(network.W2 @ network.W1 @ means, Y)  # Eq. 3.8
    torch.testing.assert_close(network.W2 @ (one - live), torch.zeros_like(network.W2))
    # Eqs. 3.6 and 3.7: the ReLU passes one block and cuts the other
    expected = network.W1 @ P @ X + live @ network.b1[..., None]
    torch.testing.assert_close(hidden(network, X), expected)


@pytest.mark.parametrize(("d", "sizes", "spread"), CASES)
def test_its_cost_is_the_bound_and_the_bounds_are_ordered(d, sizes, spread, generator):
    X, Y = draw(d, sizes, spread, generator)
    found = clustered.cost(outputs(constructions.constructed_network(X, Y, sizes), X), Y, sizes)
    n, bounds, noise = sum(sizes), [], []
    for b in range(len(X)):  # Eqs. 3.15 and 3.16 by a loop over samples
        inverse = np.linalg.pinv(clustered.class_means(X, sizes)[b].numpy())
        relative = [inverse @ x for x in clustered.deviations(X, sizes)[b].numpy().T]
        bounds.append(math.sqrt(sum(((Y[b].numpy() @ r) ** 2).sum() for r in relative) / n))
        noise.append(np.linalg.norm(Y[b], 2) * max(np.linalg.norm(r) for r in relative))
    np.testing.assert_allclose(found, bounds, rtol=1e-10)
    np.testing.assert_allclose(constructions.construction_bound(X, Y, sizes), bounds, rtol=1e-10)
    np.testing.assert_allclose(constructions.noise_bound(X, Y, sizes), noise, rtol=1e-10)
    linear = constructions.linear_cost(X, Y, sizes)
    affine = constructions.linear_cost(X, Y, sizes, bias=True)
    assert (affine <= linear + 1e-12).all()
    assert (linear <= found + 1e-12).all()


def test_a_shift_from_the_largest_norm_on_is_large_enough(generator):
    X, Y = draw(5, SIZES, 0.5, generator)
    bound = constructions.construction_bound(X, Y, SIZES)
    largest = X.norm(dim=-2).amax(-1)
    for factor, holds in ((1.0, True), (50.0, True), (0.01, False)):
        network = constructions.constructed_network(X, Y, SIZES, shift=factor * largest)
        found = clustered.cost(outputs(network, X), Y, SIZES)
        assert torch.allclose(found, bound, rtol=1e-9) is holds


@pytest.mark.parametrize("bias", [False, True])
def test_linear_cost_against_least_squares(bias, generator):
    X, Y = draw(4, SIZES, 0.5, generator)
    found = constructions.linear_cost(X, Y, SIZES, bias=bias)
    for b in range(len(X)):
        rows = np.vstack([X[b], np.ones((1, 13))]) if bias else X[b].numpy()
        targets = np.repeat(Y[b].numpy(), SIZES, axis=1)
        solution = np.linalg.lstsq(rows.T, targets.T, rcond=None)[0]
        square = ((rows.T @ solution - targets.T) ** 2).sum() / 13
        assert found[b].item() == pytest.approx(math.sqrt(square), abs=1e-12)


@pytest.mark.parametrize("Q", [2, 3, 5])
def test_the_clamp_network_costs_nothing_below_the_threshold(Q, generator):
    d, sizes = 2 * (Q - 1) + 1, tuple(range(3, 3 + Q))
    centres = clustered.orthonormal_means(d, Q, generator, batch=(4,))
    X = clustered.clusters(centres, sizes, 0.1, generator)
    means = clustered.repeat_columns(clustered.class_means(X, sizes), sizes)
    scale = 0.99 * constructions.clamp_threshold(Q) / clustered.noise_to_signal(X, sizes)
    X = means + scale[:, None, None] * (X - means)  # the ratio is now 0.99 thresholds
    Y = torch.randn(Q, Q, generator=generator, dtype=torch.float64)
    network = constructions.clamp_network(X, Y, sizes)
    assert clustered.cost(outputs(network, X), Y, sizes).max() < 1e-12
    assert (network.W1[:, 2 * (Q - 1) :] == 0).all()


def test_the_threshold_of_the_clamp_is_sharp_for_the_line():
    """Two classes that touch at the threshold: means e_1, e_2, deviations along e_1 - e_2."""
    ratio = constructions.clamp_threshold(2)
    assert ratio == pytest.approx(math.sqrt(0.5))
    step = torch.tensor([1.0, -1.0], dtype=torch.float64) / math.sqrt(2)
    for factor, separated in ((0.999, True), (1.001, False)):
        x, y = torch.eye(2, dtype=torch.float64)
        X = torch.stack([p + s * factor * ratio * step for p in (x, y) for s in (1, -1)], dim=-1)
        assert clustered.noise_to_signal(X, (2, 2)).item() == pytest.approx(factor * ratio)
        if separated:
            constructions.clamp_network(X, torch.eye(2, dtype=torch.float64), (2, 2))
        else:
            with pytest.raises(ValueError, match="overlap"):
                constructions.clamp_network(X, torch.eye(2, dtype=torch.float64), (2, 2))


def test_what_is_refused(generator):
    X, Y = draw(4, SIZES, 0.5, generator)
    build = constructions.constructed_network
    with pytest.raises(ValueError, match="linearly dependent"):  # one mean twice another
        twice = X.clone()
        twice[..., 4:6] += 2 * X[..., :4].mean(-1, True) - X[..., 4:6].mean(-1, True)
        build(twice, Y, SIZES)
    with pytest.raises(ValueError, match="3 class means in dimension 2"):
        build(X[:, :2], Y, SIZES)
    with pytest.raises(ValueError, match="every class needs an input"):
        build(X, Y, (6, 0, 7))
    with pytest.raises(ValueError, match="add up to 12"):
        build(X, Y, (4, 2, 6))
    with pytest.raises(ValueError, match="labels is not invertible"):
        build(X, Y[..., :1].expand(3, 3, 3), SIZES)
    with pytest.raises(ValueError, match="3 classes need 4 neurons, there are 3"):
        constructions.clamp_network(X[:, :3], Y, SIZES)
    with pytest.raises(ValueError, match="1 classes"):
        constructions.clamp_threshold(1)
