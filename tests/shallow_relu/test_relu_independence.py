"""Independence of ReLUs: against singular values of samples, integration, and random inputs."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch

from shallow_relu.relu_independence import (
    count_lines,
    evaluate,
    gram_matrix,
    is_relation,
    lines,
    pivots,
    positive_multiples,
    random_vectors,
    rank_by_values,
    relations,
    second_differences,
    stencils,
)

HEXAGON = [[1, 0], [-1, 0], [0, 1], [0, -1], [-1, -1], [1, 1]]
SHAPES = [(2, 3, 0, 0), (2, 0, 2, 2), (2, 1, 4, 2), (3, 2, 4, 2), (3, 0, 5, 3), (5, 4, 6, 4)]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(17)


def sampled_rank(V, d, generator):
    """Rank of the ReLUs' values at random inputs, from singular values in float64."""
    V = torch.tensor(V, dtype=torch.float64)
    x = torch.randn(4000, d, generator=generator, dtype=torch.float64) * 3
    if V.shape[1] > d:
        x = torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], dim=1)
    values = torch.relu(x @ (V / V.norm(dim=1, keepdim=True)).mT)
    return int(torch.linalg.matrix_rank(values, rtol=1e-9))


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_formula_against_singular_values_of_samples(shape, affine, generator):
    for _ in range(5):
        V = random_vectors(*shape, generator, affine=affine)
        count = count_lines(V)
        assert (count.one_sided, count.two_sided) == shape[1:3]
        assert count.rank == sampled_rank(V, shape[0], generator)
        assert len(V) == count.rank + count.nullity


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_exact_bounds_meet(shape, affine, generator):
    V = random_vectors(*shape, generator, affine=affine)
    points = stencils(V, shape[0], generator)
    found = relations(V)
    assert rank_by_values(V, points, generator) == count_lines(V).rank == len(V) - len(found)
    if found:
        assert np.linalg.matrix_rank(np.array(found, dtype=float)) == len(found)
    assert all(is_relation(V, c) for c in found)


def test_values_alone_do_not_overstate_the_rank(generator):
    V = [[1, 0], [2, 0], [0, 1]]
    assert rank_by_values(V, stencils(V, 2, generator), generator) == 2


def test_relations_hold_at_random_inputs(generator):
    V = random_vectors(3, 2, 5, 3, generator)
    for c in relations(V):
        points = torch.randint(-50, 50, (60, 3), generator=generator).tolist()
        values = evaluate(V, np.array(points))
        assert all(sum(x * y for x, y in zip(row, c, strict=True)) == 0 for row in values)


def test_is_relation_notices_each_part():
    assert is_relation(HEXAGON, [1, -1, 1, -1, 1, -1])
    assert not is_relation(HEXAGON, [1, -1, 1, -1, -1, 1])  # a linear function is left
    assert not is_relation(HEXAGON, [1, 1, 0, 0, 0, 0])  # |x_1|
    assert not is_relation([[1, 0], [-2, 0], [0, 1]], [2, 1, 0])  # 2 |x_1|
    assert is_relation([[1, 0], [2, 0]], [Fraction(2), Fraction(-1)])


@pytest.mark.parametrize("affine", [False, True])
def test_second_differences_see_one_line_each(affine, generator):
    V = random_vectors(3, 4, 3, 2, generator, affine=affine)
    points = stencils(V, 3, generator)
    differences = second_differences(V, points)
    for row, (primitive, members) in enumerate(lines(V).items()):
        expected = [0] * len(V)
        for index, factor in members:
            expected[index] = abs(factor) * sum(entry**2 for entry in primitive[:3])
        assert differences[row].tolist() == expected
        assert points[row, 1] @ np.array(primitive, dtype=object) == 0
    if affine:
        assert (points[..., -1] > 0).all()


def test_counts():
    assert count_lines(HEXAGON) == (0, 3, 2)
    assert count_lines(HEXAGON).rank == 5
    assert count_lines([[2, 4], [-3, -6], [0, 1]]) == (1, 1, 1)
    assert positive_multiples([[1, 2], [2, 4], [3, 6], [-1, -2], [1, 0]]) == 3
    assert lines([[0, -4, 6], [0, 2, -3]]) == {(0, 2, -3): [(0, -2), (1, 1)]}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: count_lines([[1, 2], [2, 4]]), "positive multiples"),
        (lambda: lines([[0, 0]]), "is zero"),
        (lambda: stencils([[0, 1], [1, 0]], 1, torch.Generator()), "constant"),
        (lambda: random_vectors(2, 0, 3, 1, torch.Generator()), "not that many"),
        (lambda: random_vectors(2, 0, 3, 4, torch.Generator()), "dimension 2"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_gram_matrix_against_integration_over_the_circle():
    V = [[2, 1], [-1, 3], [-2, -1]]
    with mpmath.workdps(20):
        G = gram_matrix(V)
        for i in range(3):
            for j in range(3):

                def product(t, i=i, j=j):
                    x = mpmath.cos(t), mpmath.sin(t)
                    return max(mpmath.fdot(V[i], x), 0) * max(mpmath.fdot(V[j], x), 0)

                kinks = [
                    (math.atan2(-v[0], v[1]) + k * math.pi) % (2 * math.pi)
                    for v in (V[i], V[j])
                    for k in (0, 1)
                ]
                whole = mpmath.quad(product, [0, *sorted(kinks), 2 * mpmath.pi]) / mpmath.pi
                assert abs(G[i, j] - whole) < 1e-12


def test_pivots_reveal_the_rank(generator):
    V = random_vectors(3, 2, 5, 3, generator)
    with mpmath.workdps(50):
        found = pivots(gram_matrix(V))
    assert [pivot > mpmath.mpf(10) ** -30 for pivot in found] == [True] * 10 + [False] * 2
    assert max(abs(pivot) for pivot in found[10:]) < mpmath.mpf(10) ** -45
    G = mpmath.matrix([[4, 2], [2, 3]])
    assert pivots(G) == [4, 2]
