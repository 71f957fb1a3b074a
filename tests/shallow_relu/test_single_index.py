"""Single-index targets: against samples, the general risk, and loops over neurons."""

import math

import pytest
import torch

from shallow_relu import flows, population
from shallow_relu.single_index import (
    angle_to_line,
    coefficients,
    flow_gradient,
    groups,
    link,
    nearest_zero_risk,
    net_off_the_line,
    random_zero_risk_network,
    risk_by_parity,
    teacher,
    weighted_alignment,
    zero_risk_defects,
)

SLOPES = [(1.0, 0.5), (1.0, 0.0), (1.0, -1.0), (-0.3, 2.0), (1.0, 1.0)]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(8)


def normal(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("s_plus", "s_minus"), SLOPES)
def test_teacher_computes_the_link_of_the_projection(s_plus, s_minus, generator):
    x, w_star = normal(generator, 100, 3), double(0.6, 0.0, -0.8)
    W_star, a_star = teacher(w_star, s_plus, s_minus)
    outputs = torch.relu(x @ W_star.mT) @ a_star
    torch.testing.assert_close(outputs, link(x @ w_star, s_plus, s_minus))
    values = link(double(2.0, -3.0), s_plus, s_minus)
    torch.testing.assert_close(values, double(2 * s_plus, 3 * s_minus))


@pytest.mark.parametrize(("s_plus", "s_minus"), SLOPES)
def test_parts_add_up_to_the_risk(s_plus, s_minus, generator):
    W, a = normal(generator, 30, 7, 4), normal(generator, 30, 7)
    w_star = normal(generator, 30, 4)
    w_star = w_star / w_star.norm(dim=-1, keepdim=True)
    W[:, 1] = -2 * W[:, 0]  # antipodes
    W[:, 3] = 0.5 * w_star
    even, odd = risk_by_parity(W, a, w_star, s_plus, s_minus)
    W_star, a_star = teacher(w_star, s_plus, s_minus)
    whole = population.risk(W, W_star, a, a_star)
    torch.testing.assert_close(even + odd, whole, rtol=1e-12, atol=1e-12)


def test_parts_are_those_of_the_even_and_odd_function(generator):
    W, a, w_star = normal(generator, 5, 3), normal(generator, 5), double(0.0, 0.6, 0.8)
    x = normal(generator, 200_000, 3)

    def error(x):
        return torch.relu(x @ W.mT) @ a - link(x @ w_star, 1.0, -0.4)

    parts = risk_by_parity(W, a, w_star, 1.0, -0.4)
    for part, sign in zip(parts, (1, -1), strict=True):
        sample = ((error(x) + sign * error(-x)) / 2).square() / 2
        assert abs(sample.mean() - part) < 4 * sample.std() / math.sqrt(len(x))


def test_parts_broadcast(generator):
    W, a = normal(generator, 6, 4, 2), normal(generator, 4)
    even, odd = risk_by_parity(W, a, double(1.0, 0.0), 1.0, 0.5)
    one_even, one_odd = risk_by_parity(W[2], a, double(1.0, 0.0), 1.0, 0.5)
    torch.testing.assert_close(even[2], one_even)
    torch.testing.assert_close(odd[2], one_odd)
    assert even.shape == odd.shape == (6,)


def test_coefficients_and_angles():
    W = double([3.0, 4.0], [0.0, 0.0], [-1.0, 0.0])
    torch.testing.assert_close(coefficients(W, double(2.0, 1.0, -1.0)), double(10.0, 0.0, -1.0))
    to_line = angle_to_line(W[[0, 2]], double(1.0, 0.0))
    torch.testing.assert_close(to_line, double(math.atan2(4, 3), 0.0))


def brute_force(W, c, tolerance, lines):
    """Net coefficients by growing one group after the other."""
    direction = W / W.norm(dim=-1, keepdim=True)
    left, result = set(range(len(W))), torch.zeros_like(c)
    while left:
        leader = min(left)
        group, queue = {leader}, [leader]
        while queue:
            here = queue.pop()
            for other in left - group:
                cosine = float(direction[here] @ direction[other])
                cosine = abs(cosine) if lines else cosine
                if cosine >= math.cos(tolerance) and c[here] != 0 and c[other] != 0:
                    group.add(other)
                    queue.append(other)
        result[leader] = sum(c[index] for index in group)
        left -= group
    return result


@pytest.mark.parametrize("lines", [False, True])
def test_groups_against_brute_force(lines, generator):
    W, a = normal(generator, 40, 12, 2), normal(generator, 40, 12)
    a[:, 5] = 0
    found = groups(W, a, tolerance=0.2, lines=lines)
    for index in range(len(W)):
        expected = brute_force(W[index], coefficients(W, a)[index], 0.2, lines)
        torch.testing.assert_close(found.coefficient[index], expected)
    assert (found.leader <= torch.arange(12)).all()
    assert (found.leader[:, 5] == 5).all()


def test_groups_are_joined_by_chains():
    W = torch.stack([torch.cos(0.1 * torch.arange(9.0)), torch.sin(0.1 * torch.arange(9.0))], -1)
    found = groups(W.double(), torch.ones(9).double(), tolerance=0.11)
    assert (found.leader == 0).all()
    torch.testing.assert_close(found.coefficient[0], double(9.0)[0], atol=1e-6, rtol=0)


def integer_counterexample():
    """Four neurons at 45 degrees that compute the first coordinate exactly."""
    return double([1, 1], [-1, -1], [1, -1], [-1, 1]), double(0.5, -0.5, 0.5, -0.5)


def test_net_coefficients_of_a_network_that_cancels_across_lines():
    W, a = integer_counterexample()
    w_star = double(1.0, 0.0)
    by_direction = net_off_the_line(W, a, w_star, tolerance=1e-7)
    torch.testing.assert_close(by_direction, double(1, -1, 1, -1) / math.sqrt(2))
    by_line = net_off_the_line(W, a, w_star, tolerance=1e-7, lines=True)
    torch.testing.assert_close(by_line, torch.zeros(4).double(), atol=1e-15, rtol=0)
    on_axis = net_off_the_line(W, a, double(1, 1) / math.sqrt(2), tolerance=1e-7)
    torch.testing.assert_close(on_axis, double(0, 0, 1, -1) / math.sqrt(2))
    assert zero_risk_defects(W, a, w_star, 1.0, -1.0, tolerance=1e-7).max() < 1e-15


def test_each_defect_notices_its_condition():
    W, a = integer_counterexample()
    W, a = torch.cat([W, double([2.0, 0.0], [-1.0, 0.0])]), torch.cat([a, double(0.0, 2.0)])
    w_star = double(1.0, 0.0)

    def defects(a):
        return zero_risk_defects(W, a, w_star, 1.0, 1.0, tolerance=1e-7)

    # |x_1| = x_1 + 2 relu(-x_1), and the four neurons compute x_1.
    torch.testing.assert_close(defects(a), double(0, 0, 0), atol=1e-15, rtol=0)
    torch.testing.assert_close(defects(a + double(0, 0, 0, 0, 0.25, 0.5))[:2], double(0, 1))
    third = defects(a + double(0.5, -0.5, -0.5, 0.5, 0, 0))
    torch.testing.assert_close(third, double(0, 0, 2.0), atol=1e-15, rtol=0)
    first = defects(a + double(0.5, 0.5, 0, 0, 0, 0))
    torch.testing.assert_close(first, double(math.sqrt(2), 0, 0), atol=1e-15, rtol=0)


def test_weighted_alignment():
    W, a = double([2.0, 0.0], [0.0, 1.0], [-1.0, 0.0]), double(1.0, -1.0, 1.0)
    torch.testing.assert_close(
        weighted_alignment(W, a, double(1.0, 0.0)), torch.tensor(0.75).double()
    )


@pytest.mark.parametrize(("s_plus", "s_minus"), SLOPES)
@pytest.mark.parametrize(("d", "n_pairs"), [(1, 2), (2, 2), (2, 5), (3, 3), (4, 6)])
def test_random_zero_risk_networks_compute_the_target(d, n_pairs, s_plus, s_minus, generator):
    w_star = normal(generator, d)
    w_star = w_star / w_star.norm()
    W, a = random_zero_risk_network(w_star, s_plus, s_minus, n_pairs, generator)
    x = normal(generator, 200, d)
    outputs = torch.relu(x @ W.mT) @ a
    torch.testing.assert_close(outputs, link(x @ w_star, s_plus, s_minus), atol=1e-11, rtol=0)
    assert len(W) == 4 * n_pairs + 6
    if d > 1:
        assert net_off_the_line(W, a, w_star, tolerance=1e-7).abs().max() > 0.01


def test_too_few_pairs_are_refused(generator):
    with pytest.raises(ValueError, match="at least 3"):
        random_zero_risk_network(double(1.0, 0.0, 0.0), 1.0, 0.5, 2, generator)


def test_flow_gradient_is_the_joint_gradient(generator):
    state = normal(generator, 9, 6, 4)
    state[0, 1, :3] = -2 * state[0, 0, :3]
    state[1, 1, :3] = 2 * state[1, 0, :3]
    w_star = normal(generator, 9, 3)
    w_star = w_star / w_star.norm(dim=-1, keepdim=True)
    state[2, 0, :3] = w_star[2]
    target = teacher(w_star, 1.0, -0.3)
    expected = flows.joint_gradient(state, *target)
    torch.testing.assert_close(flow_gradient(state, *target), expected, atol=1e-13, rtol=0)


@pytest.mark.parametrize(("d", "n_pairs"), [(2, 3), (3, 4)])
def test_nearest_zero_risk_network_is_near_and_has_no_risk(d, n_pairs, generator):
    w_star = normal(generator, d)
    w_star = w_star / w_star.norm()
    W, a = random_zero_risk_network(w_star, 1.0, 0.5, n_pairs, generator)
    same_W, same_a = nearest_zero_risk(W, a, w_star, 1.0, 0.5, tolerance=1e-5)
    torch.testing.assert_close(same_W, W, atol=1e-10, rtol=0)
    torch.testing.assert_close(same_a, a, atol=1e-10, rtol=0)
    noise = 1e-4
    moved = W + noise * normal(generator, *W.shape), a + noise * normal(generator, *a.shape)
    near_W, near_a = nearest_zero_risk(*moved, w_star, 1.0, 0.5, tolerance=0.01)
    W_star, a_star = teacher(w_star, 1.0, 0.5)
    assert population.risk(near_W, W_star, near_a, a_star) < 1e-13
    assert (near_W - moved[0]).norm() + (near_a - moved[1]).norm() < 100 * noise
    torch.testing.assert_close(near_W.norm(dim=1), moved[0].norm(dim=1))


def test_nearest_zero_risk_network_aligns_what_is_nearly_aligned():
    W, a = double([1.0, 0.01], [-1.0, 0.02], [0.3, 1.0]), double(1.01, 0.5, 0.02)
    near_W, near_a = nearest_zero_risk(W, a, double(1.0, 0.0), 1.0, 0.5, tolerance=0.1)
    assert near_W[:2, 1].abs().max() == 0
    torch.testing.assert_close(coefficients(near_W, near_a), double(1.0, 0.5, 0.0))
