import itertools
import math

import pytest
import torch

from shallow_relu.matching import match_teacher

generator = torch.Generator().manual_seed(5)


def normal(*shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_smallest_distance_over_all_orders():
    W, W_star = normal(6, 4, 3), normal(4, 3)
    match = match_teacher(W, W_star)
    for b in range(6):
        tries = [float((W[b] - W_star[list(p)]).norm()) for p in itertools.permutations(range(4))]
        assert float(match.distance[b]) == pytest.approx(min(tries), rel=1e-12)
        assert float(match.in_order[b]) == pytest.approx(tries[0], rel=1e-12)
        matched = (W[b] - W_star[match.permutation[b]]).norm()
        assert float(matched) == pytest.approx(min(tries), rel=1e-12)


def test_a_permuted_teacher_is_found():
    W_star = normal(5, 5)
    order = torch.tensor([2, 0, 1, 4, 3])
    match = match_teacher(W_star[order][None], W_star)
    assert match.permutation[0].equal(order)
    assert float(match.distance[0]) == 0
    assert float(match.in_order[0]) > 0.1


def test_scale_may_move_between_neuron_and_output_weight_but_sign_may_not():
    W_star, a_star = normal(2, 3), torch.tensor([2.0, -0.5], dtype=torch.float64)
    same = match_teacher(W_star[None] * 4, W_star, a_star / 4, a_star)
    assert float(same.distance[0]) == pytest.approx(0, abs=1e-14)
    flipped = match_teacher(W_star[None], W_star, a_star.abs(), a_star)
    penalty = 2 * 0.5 * float(W_star[1].norm())
    assert float(flipped.in_order[0]) == pytest.approx(penalty, rel=1e-12)
    assert float(flipped.distance[0]) > 0.1


def test_empty_batch():
    assert match_teacher(normal(0, 2, 3), normal(2, 3)).permutation.shape == (0, 2)
    assert math.prod(match_teacher(normal(0, 2, 3), normal(2, 3)).distance.shape) == 0


def test_a_teacher_of_its_own_for_each_student():
    W_star, a_star = normal(3, 4, 2), normal(3, 4)
    order = torch.tensor([3, 1, 0, 2])
    match = match_teacher(W_star[:, order] * 2, W_star, a_star[:, order] / 2, a_star)
    assert match.permutation.equal(order.expand(3, 4))
    assert float(match.distance.max()) < 1e-14
