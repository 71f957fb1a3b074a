"""Closed forms of the weighted cost against loops, least squares, differences and exact numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from shallow_relu import clustered, exact_clusters, weighted_minimum
from shallow_relu.biased_networks import Network, outputs

SIZES = {1: (4,), 2: (3, 5), 3: (4, 2, 6), 4: (2, 6, 3, 4)}


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def draw(Q, seed, batch=()):
    """Inputs, labels and class sizes."""
    generator = torch.Generator().manual_seed(seed)
    sizes = SIZES[Q]
    means = torch.randn(*batch, Q, Q, generator=generator)
    noise = torch.randn(*batch, Q, sum(sizes), generator=generator)
    X = clustered.repeat_columns(means, sizes) + 0.4 * noise
    return X, torch.randn(*batch, Q, Q, generator=generator), sizes


def names_of(sizes):
    return [q for q, size in enumerate(sizes) for _ in range(size)]


def scaled(A, sizes):
    """Columns divided by the root of the class size, as an array."""
    return A.numpy() / np.sqrt(np.repeat(sizes, sizes))


def best(features, Y, sizes):
    """Least weighted cost over linear maps, by numpy."""
    rows, target = scaled(features, sizes), scaled(Y[:, names_of(sizes)], sizes)
    W = np.linalg.lstsq(rows.T, target.T, rcond=None)[0].T
    return math.sqrt(((W @ rows - target) ** 2).sum())


def with_ones(X):
    return torch.cat([X, torch.ones(1, X.shape[-1])])


def loop_cost(network, X, Y, sizes):
    """The squared cost, sample by sample and neuron by neuron."""
    W1, b1, W2, b2 = (layer.tolist() for layer in network)
    names, total = names_of(sizes), 0.0
    for i, q in enumerate(names):
        h = [
            max(0.0, b + sum(w * X[k, i].item() for k, w in enumerate(row)))
            for row, b in zip(W1, b1, strict=True)
        ]
        f = [
            b + sum(w * v for w, v in zip(row, h, strict=True))
            for row, b in zip(W2, b2, strict=True)
        ]
        square = sum((value - Y[m, q].item()) ** 2 for m, value in enumerate(f))
        total += square / names.count(q)
    return total


@pytest.mark.parametrize("Q", [1, 2, 3, 4])
def test_closed_forms_against_least_squares(Q):
    X, Y, sizes = draw(Q, seed=Q)
    covariance = weighted_minimum.relative_covariance(X, sizes)
    linear, affine = best(X, Y, sizes), best(with_ones(X), Y, sizes)
    assert weighted_minimum.linear_cost(covariance, Y).item() == pytest.approx(linear, rel=1e-10)
    found = weighted_minimum.affine_cost(covariance, Y).item()
    assert found == pytest.approx(affine, rel=1e-9, abs=1e-7)
    for bias, expected in ((False, linear), (True, affine)):
        found = weighted_minimum.least_squares_cost(X, Y, sizes, bias=bias).item()
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("Q", [2, 3])
def test_points_attain_their_costs(Q):
    X, Y, sizes = draw(Q, seed=10 + Q)
    stated = weighted_minimum.stated_point(X, Y, sizes)
    repaired = weighted_minimum.repaired_point(X, Y, sizes)
    assert loop_cost(stated, X, Y, sizes) == pytest.approx(best(X, Y, sizes) ** 2, rel=1e-10)
    lowest = best(with_ones(X), Y, sizes) ** 2
    assert loop_cost(repaired, X, Y, sizes) == pytest.approx(lowest, rel=1e-10)
    for point in (stated, repaired):
        assert ((point.W1 @ X + point.b1[:, None]) > 0).all()
        assert (point.b1 == 2 * X.norm(dim=0).max()).all() and torch.equal(point.W1, torch.eye(Q))
        cost = weighted_minimum.squared_cost(point, X, Y, sizes).item()
        assert cost == pytest.approx(loop_cost(point, X, Y, sizes), rel=1e-12)
    # The bias of the first reverts the shift: the map is linear.
    assert outputs(stated, torch.zeros(Q, 1)).abs().max() < 1e-10


def test_a_batch_is_its_members():
    X, Y, sizes = draw(3, seed=20, batch=(2, 4))
    covariance = weighted_minimum.relative_covariance(X, sizes)
    point = weighted_minimum.repaired_point(X, Y, sizes)
    costs = weighted_minimum.squared_cost(point, X, Y, sizes)
    squares = weighted_minimum.least_squares_cost(X, Y, sizes, bias=True)
    projector = weighted_minimum.projector(X, sizes)
    assert costs.shape == squares.shape == (2, 4) and projector.shape == (2, 4, 12, 12)
    for place in ((0, 0), (1, 3)):
        single = best(with_ones(X[place]), Y[place], sizes)
        assert costs[place].sqrt().item() == pytest.approx(single, rel=1e-9)
        assert squares[place].item() == pytest.approx(single, rel=1e-9)
        linear = weighted_minimum.linear_cost(covariance, Y)[place].item()
        assert linear == pytest.approx(best(X[place], Y[place], sizes), rel=1e-9)


def test_projector_fits_rows():
    X, _, sizes = draw(3, seed=30)
    A = torch.randn(2, 12, generator=torch.Generator().manual_seed(31))
    rows, target = scaled(X, sizes), scaled(A, sizes)
    W = np.linalg.lstsq(rows.T, target.T, rcond=None)[0].T
    expected = torch.as_tensor(W) @ X
    projector = weighted_minimum.projector(X, sizes)
    torch.testing.assert_close(A @ projector, expected, rtol=0, atol=1e-12)


def test_derivatives_by_differences():
    X, Y, sizes = draw(2, seed=40)
    # A ReLU that cuts, away from the kinks.
    network = Network(
        torch.tensor([[1.0, -0.7], [0.4, 1.1]]),
        torch.tensor([0.3, -0.2]),
        torch.tensor([[1.0, 0.5], [-2.0, 0.3]]),
        torch.tensor([0.1, -0.4]),
    )
    pre = network.W1 @ X + network.b1[:, None]
    assert pre.abs().min() > 2e-3 and (pre < 0).any()
    gradient, hessian = weighted_minimum.derivatives(network, X, Y, sizes)
    flat, step = weighted_minimum.flatten(network), 1e-4
    steps = step * torch.eye(len(flat))

    def cost(values):
        return loop_cost(weighted_minimum.unflatten(values, network), X, Y, sizes)

    for i in (0, 3, 5, 6, 9, 11):
        slope = (cost(flat + steps[i]) - cost(flat - steps[i])) / (2 * step)
        assert weighted_minimum.flatten(gradient)[i].item() == pytest.approx(slope, abs=1e-5)
        for j in (1, 4, 8, 10):
            ends = [cost(flat + s * steps[i] + t * steps[j]) for s in (1, -1) for t in (1, -1)]
            mixed = (ends[0] - ends[1] - ends[2] + ends[3]) / (4 * step**2)
            assert hessian[i, j].item() == pytest.approx(mixed, abs=1e-5)


def test_three_points_exactly():
    """Two classes, three inputs: the stated point costs 1/2, an affine map nothing."""
    X, sizes, Y = [[2, 0, 0], [0, 0, 1]], (2, 1), [[1, 0], [0, 1]]
    data = torch.tensor(X).double(), torch.eye(2), sizes
    point = weighted_minimum.stated_point(*data)
    assert exact_clusters.squared_distance(X, sizes, Y) == Fraction(1, 2)
    assert weighted_minimum.squared_cost(point, *data).item() == pytest.approx(0.5, abs=1e-14)
    covariance = weighted_minimum.relative_covariance(data[0], sizes)
    torch.testing.assert_close(covariance, torch.diag(torch.tensor([1.0, 0.0])))
    torch.testing.assert_close(
        weighted_minimum.constant(covariance, torch.eye(2)), torch.tensor([1.0, 0.0])
    )
    assert weighted_minimum.affine_cost(covariance, torch.eye(2)).item() < 1e-7
    gradient, _ = weighted_minimum.derivatives(point, *data)
    torch.testing.assert_close(gradient.b2, torch.tensor([-1.0, 0.0]))


def test_gap_tends_to_its_limit():
    generator = torch.Generator().manual_seed(50)
    root, Y = torch.randn(3, 3, generator=generator), torch.randn(3, 3, generator=generator)
    S = root @ root.T
    bound = torch.trace(Y @ S @ Y.T).sqrt()
    for t in (1e-4, 1e-6):
        gap = 1 - weighted_minimum.affine_cost(t * S, Y) / (bound * math.sqrt(t))
        assert abs((gap - weighted_minimum.limiting_gap(S, Y)).item()) < 20 * t
    round_gap = weighted_minimum.limiting_gap(torch.eye(4), torch.eye(4)).item()
    assert round_gap == pytest.approx(1 - math.sqrt(3 / 4), rel=1e-14)


def test_no_constant_for_data_in_the_hyperplane_of_the_means():
    relative = torch.tensor([[1.0, -1.0, 0.5], [-1.0, 1.0, -0.5]])
    covariance = relative @ relative.T
    assert (weighted_minimum.constant(covariance, torch.eye(2)) == 0).all()
    Y = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
    torch.testing.assert_close(
        weighted_minimum.affine_cost(covariance, Y), weighted_minimum.linear_cost(covariance, Y)
    )


def test_dependent_features_do_no_harm_to_the_cost():
    X, Y, sizes = draw(3, seed=60)
    twice = torch.cat([X, X[:1] + X[1:2]])
    cost = weighted_minimum.least_squares_cost(twice, Y, sizes, bias=True).item()
    assert cost == pytest.approx(best(with_ones(X), Y, sizes), rel=1e-10)
    # A constant feature adds nothing to a bias, though it is a feature like others without.
    cost = weighted_minimum.least_squares_cost(with_ones(X), Y, sizes, bias=False).item()
    assert cost == pytest.approx(best(with_ones(X), Y, sizes), rel=1e-10)
    cost = weighted_minimum.least_squares_cost(with_ones(X), Y, sizes, bias=True).item()
    assert cost == pytest.approx(best(with_ones(X), Y, sizes), rel=1e-10)


def test_moving_into_the_hyperplane():
    X, _, sizes = draw(3, seed=80)
    flat = weighted_minimum.into_hyperplane(X, sizes)
    means = np.stack([part.mean(-1).numpy() for part in X.split(sizes, dim=-1)], axis=1)
    # Through the three means, in homogeneous coordinates.
    for column in flat.numpy().T:
        corners = np.vstack([means, np.ones(3)])
        assert np.linalg.matrix_rank(np.column_stack([corners, [*column, 1]]), tol=1e-10) == 3
    moved = np.stack([part.mean(-1).numpy() for part in flat.split(sizes, dim=-1)], axis=1)
    np.testing.assert_allclose(moved, means, atol=1e-12)
    assert (flat - X).abs().max() > 0.1


def test_descents_are_counted():
    X, Y, sizes = draw(2, seed=90)
    options = {"size": 1e-4, "count": 400, "generator": torch.Generator().manual_seed(1)}
    at_minimum = weighted_minimum.repaired_point(X, Y, sizes)
    assert weighted_minimum.count_descents(at_minimum, X, Y, sizes, **options) == 0
    slope = weighted_minimum.stated_point(X, Y, sizes)
    assert 140 < weighted_minimum.count_descents(slope, X, Y, sizes, **options) < 260
    # A change of half the length of all parameters, counted one by one.
    options = {"size": 0.5, "count": 30, "generator": torch.Generator().manual_seed(2)}
    bad = Network(slope.W1, slope.b1, slope.W2, slope.b2 + 40)
    found = weighted_minimum.count_descents(bad, X, Y, sizes, **options)
    flat, start = weighted_minimum.flatten(bad), loop_cost(bad, X, Y, sizes)
    steps = torch.randn(30, len(flat), generator=torch.Generator().manual_seed(2))
    lower = 0
    for step in steps:
        moved = flat + 0.5 * flat.norm() * step / step.norm()
        lower += loop_cost(weighted_minimum.unflatten(moved, bad), X, Y, sizes) < start
    assert found == lower and 0 < lower < 30


def test_rank():
    A = torch.tensor(
        [[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 1e-6]], [[0.0, 0.0], [0.0, 0.0]]]
    )
    assert weighted_minimum.numerical_rank(A).tolist() == [1, 2, 0]


def test_refusals():
    X, Y, sizes = draw(3, seed=70)
    dependent = X - X[:, :4].mean(1, keepdim=True)
    for point in (weighted_minimum.stated_point, weighted_minimum.repaired_point):
        with pytest.raises(ValueError, match="class means are linearly dependent"):
            point(dependent, Y, sizes)
        with pytest.raises(ValueError, match="labels are not linearly independent"):
            point(X, torch.ones(3, 3), sizes)
        with pytest.raises(ValueError, match="2 dimensions, 3 classes, 3 outputs"):
            point(X[:2], Y, sizes)
        with pytest.raises(ValueError, match="4 dimensions, 3 classes, 3 outputs"):
            point(with_ones(X), Y, sizes)
        with pytest.raises(ValueError, match="every class needs an input"):
            point(X, Y, (4, 0, 8))
    with pytest.raises(ValueError, match="linearly dependent"):
        weighted_minimum.relative_covariance(X[:2], sizes)
    with pytest.raises(ValueError, match="features are linearly dependent"):
        weighted_minimum.projector(torch.cat([X, X]), sizes)
    point = weighted_minimum.stated_point(X, Y, sizes)
    with pytest.raises(ValueError, match="every class needs an input"):
        weighted_minimum.squared_cost(point, X, Y, (4, 0, 8))
    with pytest.raises(ValueError, match="every class needs an input"):
        weighted_minimum.least_squares_cost(X, Y, (4, 0, 8), bias=True)
