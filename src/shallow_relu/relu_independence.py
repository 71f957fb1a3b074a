r"""Linear independence of ReLUs $x \mapsto \sigma(v_i \cdot x)$, in exact arithmetic.

Let the vectors $v_i$, no two of them positive multiples of one another, lie on $n_s$ lines that
carry one of them and $n_a$ lines that carry two, opposite ones; let $r$ be the rank of the vectors
on the lines of the second kind. Then the functions span a space of dimension $n_s + n_a + r$, so
there are $n_a - r$ independent relations. Proof: write $\sigma(t) = \frac12 |t| + \frac12 t$. The
kink on the hyperplane of a line shows that the coefficient of $|v \cdot x|$ vanishes, so a relation
has coefficients 0 on the first kind of lines and $\beta_k, -\beta_k$ on the second. What remains is
the linear function $\sum_k \beta_k v_k \cdot x$.

The same holds for affine ReLUs $\sigma(v_i \cdot x + b_i)$ with $v_i \ne 0$, if the vectors
$(v_i, b_i)$ take the place of the $v_i$: put $(x, 1)$ in the place of $x$. A line of vectors
$(v, b)$ is then a hyperplane of inputs.

Vectors have integer entries here. Inputs are homogeneous: for affine ReLUs a point has a last
coordinate $z > 0$ and stands for the input $x / z$; this multiplies all functions by $z$.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath
import numpy as np
import torch
from flint import fmpz_mat

Vectors = Sequence[Sequence[int]]


class LineCount(NamedTuple):
    """What the rank formula needs to know.

    Attributes:
        one_sided: Number of lines with one vector.
        two_sided: Number of lines with two opposite vectors.
        vector_rank: Rank of the vectors on two-sided lines.
    """

    one_sided: int
    two_sided: int
    vector_rank: int

    @property
    def rank(self) -> int:
        """Dimension of the span of the ReLUs."""
        return self.one_sided + self.two_sided + self.vector_rank

    @property
    def nullity(self) -> int:
        """Number of independent relations among the ReLUs."""
        return self.two_sided - self.vector_rank


def lines(V: Vectors) -> dict[tuple[int, ...], list[tuple[int, int]]]:
    """The lines that carry the vectors.

    Returns:
        For each line its primitive vector (entries without common divisor, first one that is not
        zero positive) and the pairs `(index, factor)` with `V[index] = factor * primitive`.

    Raises:
        ValueError: A vector is zero.
    """
    result: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for index, row in enumerate(V):
        vector = [int(entry) for entry in row]
        if not any(vector):
            raise ValueError(f"vector {index} is zero")
        leading = next(entry for entry in vector if entry)
        factor = int(math.copysign(math.gcd(*vector), leading))
        result.setdefault(tuple(entry // factor for entry in vector), []).append((index, factor))
    return result


def positive_multiples(V: Vectors) -> int:
    r"""Number of pairs $i < j$ with $v_i = \lambda v_j$, $\lambda > 0$."""
    signs = [[factor > 0 for _, factor in members] for members in lines(V).values()]
    return sum(math.comb(sum(s), 2) + math.comb(len(s) - sum(s), 2) for s in signs)


def count_lines(V: Vectors) -> LineCount:
    """Numbers of one-sided and two-sided lines, and the rank of the latter.

    Raises:
        ValueError: A vector is zero, or two are positive multiples of one another.
    """
    if positive_multiples(V):
        raise ValueError("two vectors are positive multiples of one another")
    found = lines(V)
    double = [list(primitive) for primitive, members in found.items() if len(members) == 2]
    vector_rank = fmpz_mat(double).rank() if double else 0
    return LineCount(len(found) - len(double), len(double), vector_rank)


def evaluate(V: Vectors, points: np.ndarray) -> np.ndarray:
    """Values of the ReLUs `[points, m]` at homogeneous integer points `[points, n]`, exactly."""
    return np.maximum(np.array(points, dtype=object) @ np.array(V, dtype=object).T, 0)


def stencils(V: Vectors, d: int, generator: torch.Generator) -> np.ndarray:
    r"""For each line three points $x - n, x, x + n$ across its hyperplane, away from all others.

    Here $n$ is the normal of the hyperplane and $x$ a point on it. On the segment every ReLU of
    another line is linear, so the second difference sees the kink of this line alone.

    Args:
        V: Vectors, with `d` entries, or `d + 1` for affine ReLUs.
        d: Dimension of the inputs.
        generator: Source of random numbers.

    Returns:
        Integer points `[lines, 3, n]`, in the order of `lines`.

    Raises:
        ValueError: The first `d` entries of a vector are zero.
    """
    rows = np.array(V, dtype=object)
    result = []
    for primitive, members in lines(V).items():
        line = np.array(primitive, dtype=object)
        step = np.concatenate([line[:d], 0 * line[d:]])
        square = step @ step
        if square == 0:
            raise ValueError("an affine ReLU without input is constant")
        others = np.delete(rows, [index for index, _ in members], axis=0)
        while True:
            y = np.array(torch.randint(-99, 100, (d,), generator=generator).tolist(), dtype=object)
            x = square * y - (step[:d] @ y) * step[:d]
            if len(line) > d:
                x = np.append(x - line[d] * step[:d], square)
            if (others @ x != 0).all():
                break
        # Now every other product is at least 1 in absolute value.
        x = x * (1 + max([abs(product) for product in others @ step], default=0))
        result.append(np.stack([x - step, x, x + step]))
    return np.stack(result)


def second_differences(V: Vectors, points: np.ndarray) -> np.ndarray:
    """Second differences `[lines, m]` of all ReLUs across the hyperplanes of all lines."""
    before, here, after = (evaluate(V, points[:, place]) for place in range(3))
    return before - 2 * here + after


def rank_by_values(V: Vectors, points: np.ndarray, generator: torch.Generator) -> int:
    """Rank of the values of the ReLUs at the points of `stencils` and a few more, exactly.

    Values at any points give a lower bound for the dimension of the span.
    """
    n = len(V[0])
    more = torch.randint(-99, 100, (2 * n, n), generator=generator)
    more[:, -1] = more[:, -1].abs() + 1  # a homogeneous coordinate is positive
    values = evaluate(V, np.concatenate([points.reshape(-1, n), np.array(more.tolist())]))
    return fmpz_mat([[int(value) for value in row] for row in values]).rank()


def relations(V: Vectors) -> list[list[Fraction]]:
    """Coefficients of independent relations among the ReLUs, as many as the formula has.

    Raises:
        ValueError: As `count_lines`.
    """
    count = count_lines(V)
    if count.nullity == 0:
        return []
    double = [(p, members) for p, members in lines(V).items() if len(members) == 2]
    columns = fmpz_mat([[int(p[row]) for p, _ in double] for row in range(len(V[0]))])
    basis, nullity = columns.nullspace()
    result = []
    for column in range(nullity):
        c = [Fraction(0)] * len(V)
        for row, (_, members) in enumerate(double):
            for index, factor in members:
                c[index] = Fraction(int(basis[row, column]), factor)
        result.append(c)
    return result


def is_relation(V: Vectors, c: Sequence[Fraction | int]) -> bool:
    r"""Whether $\sum_i c_i \sigma(v_i \cdot x) = 0$ for all $x$, by exact algebra.

    The even part vanishes if on each line the $c_i$ times the lengths of the $v_i$ sum to zero,
    the odd part if $\sum_i c_i v_i = 0$; both are necessary.
    """
    even = [sum(c[index] * abs(factor) for index, factor in group) for group in lines(V).values()]
    odd = [sum(c[i] * row[k] for i, row in enumerate(V)) for k in range(len(V[0]))]
    return not any(even) and not any(odd)


def gram_matrix(V: Sequence[Sequence[Any]]) -> mpmath.matrix:
    r"""Gram matrix $E[\sigma(v_i \cdot x) \sigma(v_j \cdot x)]$ by `mpmath`, at its precision.

    Args:
        V: Vectors with entries of any kind that `mpmath` converts; not zero.
    """
    rows = [[mpmath.mpf(entry) for entry in row] for row in V]
    norms = [mpmath.sqrt(mpmath.fdot(row, row)) for row in rows]
    G = mpmath.matrix(len(rows))
    for i, u in enumerate(rows):
        for j, v in enumerate(rows[: i + 1]):
            size, inner = norms[i] * norms[j], mpmath.fdot(u, v)
            cross = mpmath.sqrt(max(size * size - inner * inner, 0))
            # The complement of the angle, by its tangent: no digits are lost near antipodes.
            complement = mpmath.atan2(cross, -inner)
            G[i, j] = G[j, i] = (cross + complement * inner) / (2 * mpmath.pi)
    return G


def second_moment(V: Sequence[Sequence[Any]], c: Sequence[Any]) -> mpmath.mpf:
    r"""Second moment $E (\sum_i c_i \sigma(v_i \cdot x))^2$ by `mpmath`, at its precision.

    With the neurons of a student and of a teacher, and the output weights of the latter negated,
    this is twice the population risk.

    Args:
        V: Vectors with entries of any kind that `mpmath` converts; not zero.
        c: Coefficients of such a kind.
    """
    G, weights = gram_matrix(V), [mpmath.mpf(weight) for weight in c]
    count = range(G.rows)
    return mpmath.fsum(weights[i] * weights[j] * G[i, j] for i in count for j in count)


def pivots(G: mpmath.matrix) -> list[mpmath.mpf]:
    """Pivots of Gauss elimination of a positive semidefinite matrix, the largest one first.

    As many are positive as the rank says; the others are rounding errors.
    """
    A, order, result = G.copy(), list(range(G.rows)), []
    while order:
        best = max(order, key=lambda index: A[index, index])
        order.remove(best)
        result.append(A[best, best])
        if A[best, best] > 0:
            for i in order:
                factor = A[i, best] / A[best, best]
                for j in order:
                    A[i, j] -= factor * A[best, j]
    return result


def random_vectors(
    d: int,
    one_sided: int,
    two_sided: int,
    vector_rank: int,
    generator: torch.Generator,
    *,
    affine: bool = False,
    size: int = 5,
) -> list[list[int]]:
    """Random integer vectors with given numbers of lines, of random lengths.

    Args:
        d: Dimension of the inputs; vectors have `d` entries, or `d + 1` if `affine`.
        one_sided: Number of lines with one vector.
        two_sided: Number of lines with two opposite vectors.
        vector_rank: Bound on the rank of the two-sided vectors; reached with high probability
            (`count_lines` knows).
        generator: Source of random numbers.
        affine: Whether the last entry is an offset, so that the others must not all vanish.
        size: Largest entry of the factors that are drawn.

    Raises:
        ValueError: The numbers of lines do not fit the dimension.
    """
    n = d + affine
    if not 0 < vector_rank <= n and two_sided:
        raise ValueError(f"{two_sided} lines of vectors of rank {vector_rank} in dimension {n}")
    if (two_sided > 1 and vector_rank < 2) or (n == 1 and one_sided + two_sided > 1):
        raise ValueError("there are not that many lines")

    def draw(*shape: int) -> torch.Tensor:
        return torch.randint(-size, size + 1, shape, generator=generator)

    basis = draw(max(vector_rank, 1), n)
    found: dict[tuple[int, ...], list[int]] = {}
    while len(found) < one_sided + two_sided:
        is_double = len(found) < two_sided
        vector = (draw(1, len(basis)) @ basis if is_double else draw(1, n))[0].tolist()
        if is_double and torch.linalg.matrix_rank(basis.double()) < vector_rank:
            basis = draw(vector_rank, n)
            found.clear()
        elif any(vector[:d]):
            found.setdefault(next(iter(lines([vector]))), [1, -1] if is_double else [1])
    result = []
    for line, signs in found.items():
        flip = 1 if draw(1).item() > 0 else -1
        for sign in signs:
            length = int(torch.randint(1, 4, (1,), generator=generator))
            result.append([sign * flip * length * entry for entry in line])
    return result


class WeakForm(NamedTuple):
    r"""Both sides of the two statements of [lightman2026, Prop. 2.4], tested with one function.

    Attributes:
        first: $-\int \sigma(v \cdot x)\, D_v \phi\, dx$ and
            $\|v\|^2 \int_{v \cdot x > 0} \phi\, dx$.
        second: $\int \sigma(v \cdot x)\, D_v^2 \phi\, dx$ and
            $\|v\|^3 \int_{v \cdot x = 0} \phi\, d\sigma$.
    """

    first: tuple[float, float]
    second: tuple[float, float]


def weak_form(v: Sequence[float], centre: Sequence[float], *, n_nodes: int = 200) -> WeakForm:
    r"""Integrate a ReLU and its derivatives against the bump $\exp(-1/(1-\|x-c\|^2))$.

    Gauss-Legendre rules in the coordinate along $v$ and in the distance from the axis through the
    centre $c$, around which the bump is symmetric.

    Args:
        v: Vector of the ReLU, not zero.
        centre: Centre of the bump; its ball of radius 1 should meet the hyperplane.
        n_nodes: Number of nodes for each coordinate.
    """
    v, c = np.asarray(v, dtype=float), np.asarray(centre, dtype=float)
    d, norm = len(v), np.linalg.norm(v)
    along = float(v @ c) / norm
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    nodes, weights = (nodes + 1) / 2, weights / 2

    def over_slice(t: np.ndarray, derivative: int) -> np.ndarray:
        """Integrals over the slices at `t` of the bump, or of a derivative along `v`."""
        reach = np.sqrt(np.clip(1 - (t - along) ** 2, 0, None))[:, None]
        radius = reach * nodes if d > 1 else np.zeros((len(t), 1))
        u = 1 - (t[:, None] - along) ** 2 - radius**2
        u = np.where(u > 1e-3, u, np.inf)  # the bump is below e^-1000 there
        g = (t[:, None] - along) * norm
        factor = {
            0: np.ones_like(u),
            1: -2 * g / u**2,
            2: 4 * g**2 / u**4 - 2 * norm**2 / u**2 - 8 * g**2 / u**3,
        }[derivative]
        values = np.where(np.isinf(u), 0, np.exp(-1 / u) * factor)
        if d == 1:
            return values[:, 0]
        sphere = 2 * math.pi ** ((d - 1) / 2) / math.gamma((d - 1) / 2)
        return sphere * (values * radius ** (d - 2) * weights * reach).sum(axis=1)

    low, high = max(0.0, along - 1), max(0.0, along + 1)
    t, step = low + (high - low) * nodes, (high - low) * weights
    relu = norm * t
    return WeakForm(
        first=(
            float(-(step * relu) @ over_slice(t, 1)),
            float(norm**2 * step @ over_slice(t, 0)),
        ),
        second=(
            float((step * relu) @ over_slice(t, 2)),
            float(norm**3 * over_slice(np.zeros(1), 0)[0]),
        ),
    )
