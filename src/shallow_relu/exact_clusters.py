r"""Costs on clustered data in exact rational arithmetic [chen2024, Sec. 3.2 and 3.4].

Class $q$ has $n_q$ inputs, one after the other, and the label $y_q$. A network
$f(x) = W_2 \sigma(W_1 x + b_1) + b_2$ has the squared weighted cost

$$\mathcal C_\Lambda^2 = \sum_q \frac1{n_q} \sum_{i \in q} \|f(x_i) - y_q\|^2 .$$

With rational data and weights this is a rational number, and so is its minimum over the second
layer. Nothing is rounded here: a zero is a zero. Matrices are sequences of rows, entries integers
or fractions; inputs `X` are columns. `shallow_relu.weighted_minimum` has the same quantities in
floating point.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from flint import fmpq, fmpq_mat

Number = int | Fraction
Matrix = Sequence[Sequence[Number]]


class ExactNetwork(NamedTuple):
    """Weights and biases of both layers, as `biased_networks.Network` but exact."""

    W1: Matrix
    b1: Sequence[Number]
    W2: Matrix
    b2: Sequence[Number]


def rank(A: Matrix) -> int:
    """Rank of a matrix."""
    return int(_matrix(A).rank())


def product(A: Matrix, B: Matrix) -> list[list[Fraction]]:
    """Product of two matrices."""
    return _rows(_matrix(A) * _matrix(B))


def hidden(W1: Matrix, b1: Sequence[Number], X: Matrix) -> list[list[Fraction]]:
    r"""Hidden layer $\sigma(W_1 X + b_1 u^\top)$, one row per neuron."""
    return [[max(entry, Fraction(0)) for entry in row] for row in preactivations(W1, b1, X)]


def preactivations(W1: Matrix, b1: Sequence[Number], X: Matrix) -> list[list[Fraction]]:
    r"""What the ReLU is applied to, $W_1 X + b_1 u^\top$."""
    rows = product(W1, X)
    return [[entry + bias for entry in row] for row, bias in zip(rows, b1, strict=True)]


def outputs(network: ExactNetwork, X: Matrix) -> list[list[Fraction]]:
    r"""Outputs $W_2 \sigma(W_1 X + b_1 u^\top) + b_2 u^\top$, one row per output."""
    rows = product(network.W2, hidden(network.W1, network.b1, X))
    return [[entry + bias for entry in row] for row, bias in zip(rows, network.b2, strict=True)]


def truncate(W1: Matrix, b1: Sequence[Number], X: Matrix) -> list[list[Fraction]]:
    r"""Truncation $T(X) = W_1^{-1} (\sigma(W_1 X + b_1 u^\top) - b_1 u^\top)$ [chen2024, Def. 3.4].

    Raises:
        ValueError: `W1` is not square and invertible.
    """
    first = _matrix(W1)
    if first.nrows() != first.ncols() or first.det() == 0:
        raise ValueError("the truncation map needs an invertible first layer")
    shifted = [
        [entry - bias for entry in row] for row, bias in zip(hidden(W1, b1, X), b1, strict=True)
    ]
    return _rows(first.inv() * _matrix(shifted))


def squared_cost(network: ExactNetwork, X: Matrix, sizes: Sequence[int], Y: Matrix) -> Fraction:
    r"""Squared weighted cost $\mathcal C_\Lambda^2$ of a network.

    Args:
        network: The network.
        X: Inputs as columns, class after class.
        sizes: Class sizes.
        Y: Labels $y_0, \dots, y_{Q - 1}$ as columns.

    Raises:
        ValueError: A class has no input.
    """
    weights = _weights(sizes, Y)
    total = Fraction(0)
    for row, labels in zip(outputs(network, X), Y, strict=True):
        for entry, label, weight in zip(row, _repeat(labels, sizes), weights, strict=True):
            total += weight * (entry - label) ** 2
    return total


def least_squares(features: Matrix, sizes: Sequence[int], Y: Matrix) -> list[list[Fraction]]:
    r"""The matrix $W$ that minimises $\sum_q \frac1{n_q} \sum_{i \in q} \|W \phi_i - y_q\|^2$.

    Args:
        features: Features $\phi_i$ as columns; a row of ones among them stands for a bias.
        sizes: Class sizes.
        Y: Labels as columns.

    Raises:
        ValueError: A class has no input, or the rows of `features` are dependent.
    """
    gram, moment, _ = _normal_equations(features, sizes, Y)
    return _rows(moment * gram.inv())


def squared_distance(features: Matrix, sizes: Sequence[int], Y: Matrix) -> Fraction:
    r"""Minimum that `least_squares` attains, $\|Y_{ext} (I - \Pi)\|_\Lambda^2$ for these features.

    Args:
        features: Features as columns, class after class.
        sizes: Class sizes.
        Y: Labels as columns.

    Raises:
        ValueError: A class has no input, or the rows of `features` are dependent.
    """
    gram, moment, total = _normal_equations(features, sizes, Y)
    explained = _rows(moment * gram.inv() * moment.transpose())
    return total - sum(explained[k][k] for k in range(len(explained)))


def class_means(X: Matrix, sizes: Sequence[int], Y: Matrix) -> list[list[Fraction]]:
    r"""Class means $\bar X$ as columns.

    Raises:
        ValueError: A class has no input.
    """
    weights = _weights(sizes, Y)
    means = [[Fraction(0)] * len(sizes) for _ in X]
    for mean, row in zip(means, X, strict=True):
        for entry, q, weight in zip(row, _repeat(range(len(sizes)), sizes), weights, strict=True):
            mean[q] += weight * entry
    return means


def squared_bound(X: Matrix, sizes: Sequence[int], Y: Matrix) -> Fraction:
    r"""Square of the upper bound $\|Y \bar X^{-1} \Delta X\|_\Lambda$ for square $\bar X$.

    Raises:
        ValueError: A class has no input, or $\bar X$ is not square and invertible.
    """
    means = class_means(X, sizes, Y)
    if len(means) != len(means[0]) or rank(means) < len(means):
        raise ValueError("the class means must be as many as the dimension, and independent")
    deviations = [
        [entry - centre for entry, centre in zip(row, _repeat(mean, sizes), strict=True)]
        for row, mean in zip(X, means, strict=True)
    ]
    image = _rows(_matrix(Y) * _matrix(means).inv() * _matrix(deviations))
    weights = _weights(sizes, Y)
    return sum(
        (w * entry**2 for row in image for entry, w in zip(row, weights, strict=True)), Fraction(0)
    )


def _weights(sizes: Sequence[int], Y: Matrix) -> list[Fraction]:
    """Weight 1 / n_q of each input."""
    if not len(sizes) or min(sizes) < 1 or len(sizes) != len(Y[0]):
        raise ValueError(f"class sizes {tuple(sizes)}: every class needs an input and a label")
    return [Fraction(1, size) for size in sizes for _ in range(size)]


def _repeat(row: Sequence[Number], sizes: Sequence[int]) -> list[Number]:
    """Each entry once for every input of its class."""
    return [entry for entry, size in zip(row, sizes, strict=True) for _ in range(size)]


def _normal_equations(
    features: Matrix, sizes: Sequence[int], Y: Matrix
) -> tuple[fmpq_mat, fmpq_mat, Fraction]:
    weights = _weights(sizes, Y)
    F = _matrix(features)
    weighted = _matrix(
        [[w * entry for entry, w in zip(row, weights, strict=True)] for row in features]
    )
    labels = [_repeat(row, sizes) for row in Y]
    gram = F * weighted.transpose()
    if gram.det() == 0:
        raise ValueError("the features are linearly dependent")
    total = sum(
        (w * entry**2 for row in labels for entry, w in zip(row, weights, strict=True)), Fraction(0)
    )
    return gram, _matrix(labels) * weighted.transpose(), total


def _matrix(A: Matrix) -> fmpq_mat:
    rows = [[Fraction(entry) for entry in row] for row in A]
    entries = [fmpq(entry.numerator, entry.denominator) for row in rows for entry in row]
    return fmpq_mat(len(rows), len(rows[0]), entries)


def _rows(A: fmpq_mat) -> list[list[Fraction]]:
    return [
        [Fraction(int(A[i, j].p), int(A[i, j].q)) for j in range(A.ncols())]
        for i in range(A.nrows())
    ]
