"""Exact costs against plain loops and against least squares in floating point."""

from fractions import Fraction

import numpy as np
import pytest

from shallow_relu import exact_clusters as exact

SIZES = (4, 3)
CLASSES = [0, 0, 0, 0, 1, 1, 1]
X = [[3, 1, 2, 0, -1, 4, Fraction(1, 2)], [1, 2, -1, 3, 4, 0, Fraction(1, 3)]]
Y = [[1, -2], [Fraction(1, 2), 3]]


def floats(A):
    return np.array([[float(entry) for entry in row] for row in A])


def weighted_lstsq(features, labels, classes):
    """Minimiser and squared minimum by numpy, from rows scaled by 1 / sqrt(n_q)."""
    scale = np.array([1 / np.sqrt(classes.count(q)) for q in classes])
    target = floats(labels)[:, classes] * scale
    W = np.linalg.lstsq((features * scale).T, target.T, rcond=None)[0].T
    return W, ((W @ features * scale - target) ** 2).sum()


def test_squared_cost_by_a_plain_loop():
    network = exact.ExactNetwork(
        [[1, -2], [Fraction(1, 3), 1]], [Fraction(-1, 2), 1], [[2, 1], [0, -1]], [Fraction(1, 5), 0]
    )
    total = 0.0
    for i, q in enumerate(CLASSES):
        x = [float(X[0][i]), float(X[1][i])]
        h = [max(0.0, x[0] - 2 * x[1] - 0.5), max(0.0, x[0] / 3 + x[1] + 1)]
        f = [2 * h[0] + h[1] + 0.2, -h[1]]
        error = (f[0] - float(Y[0][q])) ** 2 + (f[1] - float(Y[1][q])) ** 2
        total += error / CLASSES.count(q)
    cost = exact.squared_cost(network, X, SIZES, Y)
    assert isinstance(cost, Fraction) and float(cost) == pytest.approx(total, rel=1e-13)


@pytest.mark.parametrize("features", [X, [*X, [1] * 7], [X[1]]])
def test_least_squares_against_numpy(features):
    W, squared = weighted_lstsq(floats(features), Y, CLASSES)
    np.testing.assert_allclose(floats(exact.least_squares(features, SIZES, Y)), W, atol=1e-12)
    assert float(exact.squared_distance(features, SIZES, Y)) == pytest.approx(squared, rel=1e-12)


def test_bound_against_numpy():
    data, labels = floats(X), floats(Y)
    means = np.stack([data[:, np.array(CLASSES) == q].mean(1) for q in (0, 1)], axis=1)
    np.testing.assert_allclose(floats(exact.class_means(X, SIZES, Y)), means, atol=1e-14)
    image = labels @ np.linalg.pinv(means) @ (data - means[:, CLASSES])
    sizes = np.array([CLASSES.count(q) for q in CLASSES])
    expected = (image**2 / sizes).sum()
    assert float(exact.squared_bound(X, SIZES, Y)) == pytest.approx(expected, rel=1e-12)


def test_truncation_by_solving():
    W1, b1 = [[1, -2], [Fraction(1, 3), 1]], [Fraction(-1, 2), -1]
    first, bias = floats(W1), np.array([[-0.5], [-1.0]])
    expected = np.linalg.solve(first, np.maximum(first @ floats(X) + bias, 0) - bias)
    np.testing.assert_allclose(floats(exact.truncate(W1, b1, X)), expected, atol=1e-13)
    assert exact.hidden(W1, b1, X)[0][4] == 0 > exact.preactivations(W1, b1, X)[0][4]


def test_rank_is_exact():
    assert exact.rank([[1, 2], [2, 4]]) == 1
    assert exact.rank([[1, 2], [2, 4 + Fraction(1, 10**40)]]) == 2


def test_refusals():
    for sizes in ((7, 0), (7,), (3, 2, 2), ()):
        with pytest.raises(ValueError, match="every class needs an input and a label"):
            exact.squared_bound(X, sizes, Y)
    with pytest.raises(ValueError, match="argument"):
        exact.squared_distance(X, (4, 4), Y)
    with pytest.raises(ValueError, match="dependent"):
        exact.squared_distance([X[0], X[0]], SIZES, Y)
    with pytest.raises(ValueError, match="as many as the dimension"):
        exact.squared_bound([X[0]], SIZES, Y)
    with pytest.raises(ValueError, match="as many as the dimension"):
        exact.squared_bound([X[0], X[0]], SIZES, Y)
    with pytest.raises(ValueError, match="invertible first layer"):
        exact.truncate([[1, 1], [1, 1]], [0, 0], X)
