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
    second_moment,
    stencils,
    weak_form,
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
    assert positive_multiples([[1, -1], [-1, 2], [-1, 1], [-2, 2]]) == 1
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


def test_second_moment_against_samples(generator):
    V, c = [[2, 1, 0], [-1, 3, 1], [-2, -1, 0]], [1.0, -0.5, 0.25]
    x = torch.randn(100_000, 3, generator=generator, dtype=torch.float64)
    values = torch.relu(x @ torch.tensor(V, dtype=x.dtype).mT) @ torch.tensor(c, dtype=x.dtype)
    square = values.square()
    error = float(square.std()) / math.sqrt(len(x))
    assert abs(float(second_moment(V, c)) - float(square.mean())) < 4 * error


def test_pivots_reveal_the_rank(generator):
    V = random_vectors(3, 2, 5, 3, generator)
    with mpmath.workdps(50):
        found = pivots(gram_matrix(V))
    assert [pivot > mpmath.mpf(10) ** -30 for pivot in found] == [True] * 10 + [False] * 2
    assert max(abs(pivot) for pivot in found[10:]) < mpmath.mpf(10) ** -45
    G = mpmath.matrix([[4, 2], [2, 3]])
    assert pivots(G) == [4, 2]


@pytest.mark.parametrize("centre", [0.3, -0.4])
def test_weak_form_on_the_line(centre):
    def bump(x):
        return mpmath.exp(-1 / (1 - (x - centre) ** 2)) if abs(x - centre) < 1 else mpmath.mpf(0)

    found = weak_form([-2.0], [centre])
    ends = [centre - 1, 0]
    mass = mpmath.quad(bump, ends)
    assert found.first == pytest.approx((4 * mass, 4 * mass), rel=1e-9)
    assert found.second == pytest.approx((8 * bump(0), 8 * bump(0)), rel=1e-9)
    # The left sides on their own, with derivatives by differences.
    left = mpmath.quad(lambda x: 2 * x * -2 * mpmath.diff(bump, x), [centre - 0.99, 0])
    assert found.first[0] == pytest.approx(float(left), rel=1e-6)


def test_weak_form_against_a_lattice_in_the_plane():
    v, centre = torch.tensor([1.3, -0.7]).double(), torch.tensor([0.4, 0.3]).double()
    steps = (torch.arange(1200).double() + 0.5) / 600 - 1
    x = torch.cartesian_prod(steps, steps) + centre
    x = x[(x - centre).norm(dim=1) < 0.99].requires_grad_()
    bump = torch.exp(-1 / (1 - (x - centre).square().sum(dim=1)))
    (slope,) = torch.autograd.grad((bump).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad((slope @ v).sum(), x)
    slope, second, bump, x = (tensor.detach() for tensor in (slope, second, bump, x))
    relu, cell = torch.relu(x @ v), 1 / 600**2
    found = weak_form(v.tolist(), centre.tolist())
    assert found.first[0] == pytest.approx(-float(relu @ (slope @ v)) * cell, rel=1e-5)
    assert found.second[0] == pytest.approx(float(relu @ (second @ v)) * cell, rel=1e-4)
    inside = float((bump * (x @ v > 0)).sum()) * cell * float(v @ v)
    assert found.first[1] == pytest.approx(inside, rel=1e-3)
    assert found.second[1] == pytest.approx(found.second[0], rel=1e-10)
