"""Traps for single-index targets, against samples, other optimisers and the risk itself."""

import math

import pytest
import torch

from shallow_relu import flows, population, single_index
from shallow_relu import single_index_traps as traps


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("d", "K"), [(1, 1), (2, 1), (2, 2), (3, 1), (10, 1)])
def test_lock_probability_by_counting(d, K):
    n = 400_000
    state = normal(n, K, d + 1, seed=d + K)
    found = traps.is_locked(state[..., :d], state[..., d]).double().mean()
    p = traps.lock_probability(d, K)
    assert abs(found - p) < 4.5 * math.sqrt(p * (1 - p) / n)


def test_lock_probability_in_two_dimensions_is_elementary():
    assert traps.lock_probability(1) == pytest.approx(1 / 4, abs=1e-15)
    assert traps.lock_probability(2) == pytest.approx((1 - 1 / math.sqrt(2)) / 2, abs=1e-15)
    with pytest.raises(ValueError, match="must be positive"):
        traps.lock_probability(2, 0)


def test_misalignment_by_pairs_of_inputs():
    """Half the mean square of the change when the part of the input across w* is drawn anew."""
    W, a, n = normal(4, 3, seed=1), normal(4, seed=2), 400_000
    x = normal(n, 3, seed=3)
    y = torch.cat([x[:, :1], normal(n, 2, seed=4)], dim=1)
    half = ((x @ W.T).relu() @ a - (y @ W.T).relu() @ a).square() / 2
    found = traps.misalignment(W, a, torch.eye(3, dtype=W.dtype)[0])
    assert abs(half.mean() - found) < 4.5 * half.std() / math.sqrt(n)


def test_an_aligned_network_has_no_misalignment():
    W = torch.tensor([[2.0, 0, 0], [-1, 0, 0], [0.5, 0, 0]], dtype=torch.float64)
    a, e1 = torch.tensor([1.0, 2, -3], dtype=W.dtype), torch.eye(3, dtype=W.dtype)[0]
    assert abs(traps.misalignment(W, a, e1)) < 1e-15
    pair = torch.stack([W[0] + normal(3), -W[0] - normal(3)])  # a linear function off the line
    assert traps.misalignment(pair, a.new_tensor([1, -1]), e1) > 0.1


def test_descent_with_constant_steps_is_gradient_descent():
    state = normal(3, 4, 3, seed=5)
    W_star, a_star = single_index.teacher(torch.eye(2, dtype=state.dtype)[0], 1.0, 0.5)
    constants = W_star.expand(3, 2, 2), a_star.expand(3, 2)
    found = traps.descend(state, *constants, torch.full((40,), 0.05), every=15)
    expected = flows.gradient_descent(
        flows.joint_gradient, state, constants, step=0.05, n_steps=40
    ).state
    # the sizes are single precision
    assert torch.allclose(found.state, expected, atol=1e-6)
    assert found.steps == [0, 15, 30, 40]
    risk = population.risk(expected[..., :2], W_star, expected[..., 2], a_star)
    assert torch.allclose(found.risk[-1], risk, atol=1e-6)
    assert (found.output_weights[0] == state[..., 2].amax(dim=1)).all()


def test_steps_that_diminish():
    sizes = traps.diminishing(0.5, 5, delay=2.0)
    assert sizes[0] == 0.5 and sizes[4] == pytest.approx(0.5 * 3**-0.75)
    with pytest.raises(ValueError, match="power"):
        traps.diminishing(0.5, 5, delay=2.0, power=0.5)


def risk_above(c, tilts, s_minus):
    W, a = traps.one_sided(3, c, tilts)
    W_star, a_star = single_index.teacher(torch.eye(3, dtype=W.dtype)[0], float(sum(c)), s_minus)
    return float(population.risk(W, W_star, a, a_star)) - s_minus**2 / 4


@pytest.mark.parametrize("kappa", [0.2, 0.5])
def test_two_tilted_neurons_meet_the_bound(kappa):
    c = torch.tensor([kappa, 1 - kappa], dtype=torch.float64)
    angles = 1e-3 / c
    tilts = torch.stack([angles * angles.new_tensor([1, -1]), 0 * angles], dim=1)
    for s_minus in (0.1, 0.6):
        bound = float(traps.tilt_bound(c, angles, s_minus))
        assert risk_above(c, tilts, s_minus) == pytest.approx(bound, rel=0.02)


def test_more_tilted_neurons_lie_above_the_bound():
    c = torch.full((5,), 0.2, dtype=torch.float64)
    tilts = 1e-3 * normal(5, 2, seed=6)
    tilts = tilts - tilts.mean(dim=0)
    bound = float(traps.tilt_bound(c, tilts.norm(dim=1), 0.3))
    assert risk_above(c, tilts, 0.3) > bound > 0


def test_one_sided_needs_room():
    with pytest.raises(ValueError, match="no room"):
        traps.one_sided(2, [1.0], torch.zeros(1, 2))
