"""Rotations that fix the teacher: group properties, finite differences, and counted dimensions."""

import math
from functools import partial

import pytest
import torch

from shallow_relu import population
from shallow_relu.orbits import (
    complement,
    off_plane,
    off_plane_rank,
    orbit_dimension,
    orbit_tangents,
    random_rotation,
    stiefel_dimension,
)

close = partial(torch.testing.assert_close, rtol=0)


def normal(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("M, d", [(1, 2), (2, 4), (3, 3), (4, 2)])
def test_complement(M, d):
    W_star = normal(5, M, d, seed=1)
    C = complement(W_star)
    m = max(0, d - M)
    assert C.shape == (5, m, d)
    close(C @ C.mT, torch.eye(m).double().expand(5, m, m), atol=1e-14)
    close(C @ W_star.mT, torch.zeros(5, m, M).double(), atol=1e-14)


def test_a_dependent_teacher_leaves_more_room():
    W_star = normal(1, 5, seed=2) * torch.tensor([[1.0], [-2.0], [0.5]], dtype=torch.float64)
    assert complement(W_star).shape == (4, 5)
    with pytest.raises(ValueError, match="equally many"):
        complement(torch.stack([W_star, normal(3, 5, seed=3)]))


@pytest.mark.parametrize("M, d", [(2, 4), (3, 5), (2, 3), (2, 2)])
def test_rotations_fix_the_teacher_and_the_risk(M, d):
    W_star, W = normal(20, M, d, seed=4), normal(20, 3, d, seed=5)
    Q = random_rotation(W_star, generator())
    close(Q @ Q.mT, torch.eye(d).double().expand(20, d, d), atol=1e-13)
    close(torch.linalg.det(Q), torch.ones(20).double(), atol=1e-13)
    close(W_star @ Q, W_star, atol=1e-13)
    close(population.risk(W @ Q, W_star), population.risk(W, W_star), atol=1e-12)
    moved = (W @ Q - W).flatten(1).norm(dim=1)
    assert (moved > 1e-3).all() if d - M >= 2 else (moved < 1e-13).all()
    close(off_plane(W @ Q, W_star).norm(dim=-1), off_plane(W, W_star).norm(dim=-1), atol=1e-13)


def test_rotations_are_uniform():
    """First and second moments of an entry of a uniform rotation of three dimensions."""
    W_star = torch.eye(5).double()[:2].expand(4000, 2, 5)
    Q = random_rotation(W_star, generator(6))[:, 2:, 2:]
    assert Q.mean(dim=0).abs().max() < 5 * math.sqrt(1 / 3 / 4000)
    close(
        Q.square().mean(dim=0), torch.full((3, 3), 1 / 3).double(), atol=5 * 0.3 / math.sqrt(4000)
    )


def test_tangents_are_velocities():
    W_star, W = normal(2, 5, seed=7), normal(3, 5, seed=8)
    C, tangents = complement(W_star), orbit_tangents(W, W_star)
    assert tangents.shape == (3, 3, 5)
    step = 1e-6
    for number, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        turn = torch.zeros(3, 3, dtype=torch.float64)
        turn[i, j], turn[j, i] = step, -step
        turned = W + W @ C.mT @ (torch.linalg.matrix_exp(turn) - torch.eye(3)) @ C
        close((turned - W) / step, tangents[number], atol=1e-5)
    # The gradient has no part along them, at any student.
    slope = (tangents * population.gradient(W, W_star)).sum(dim=(1, 2))
    close(slope, torch.zeros(3).double(), atol=1e-14)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("q", [0, 1, 2, 3])
def test_dimension_of_the_orbit(q, m):
    """The rank of the tangents is the dimension of the Stiefel manifold."""
    q = min(q, m)
    W_star = normal(2, 2, 2 + m, seed=9)
    in_plane = normal(2, 4, 2, seed=10) @ W_star
    W = in_plane + normal(2, 4, q, seed=11) @ normal(2, q, m, seed=12) @ complement(W_star)
    assert off_plane_rank(W, W_star).tolist() == [q, q]
    expected = stiefel_dimension(torch.tensor([q, q]), m)
    assert orbit_dimension(W, W_star).tolist() == expected.tolist()
    # Orthonormal q-frames, counted: q vectors of m entries under q (q + 1) / 2 conditions.
    assert expected[0] == sum(m - 1 - i for i in range(q))
