"""Landscape of linear targets: against the general risk, samples, integration and mpmath."""

import math

import mpmath
import pytest
import torch

from shallow_relu import population
from shallow_relu.flows import gradient_flow
from shallow_relu.linear_saddles import (
    agreement_matrix,
    distance_to_minimum,
    distance_to_ray,
    escape_law,
    escape_time,
    fit_escape_constant,
    gradient_roots,
    ray_descent,
    ray_point,
    risk_by_parity,
    risk_gradient,
    sum_and_difference,
    sum_growth,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


def normal(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def general(W, beta):
    """The arguments of `population` for this student and this target."""
    a = W.new_tensor([1, -1])
    W_star, a_star = population.linear_teacher(beta)
    return W, W_star, a.expand(W.shape[:-1]), a_star.expand(W_star.shape[:-1])


@pytest.mark.parametrize("d", [1, 2, 7])
def test_parts_of_the_risk_add_up(d, generator):
    W, beta = normal(generator, 50, 2, d), normal(generator, 50, d)
    whole = population.risk(*general(W, beta))
    torch.testing.assert_close(sum(risk_by_parity(W, beta)), whole, rtol=0, atol=2e-14)


def test_parts_of_the_risk_are_the_parts_of_the_network(generator):
    W, beta = normal(generator, 2, 3), normal(generator, 3)
    x = normal(generator, 400_000, 3)

    def network(x):
        return torch.relu(x @ W[0]) - torch.relu(x @ W[1])

    odd, even = (network(x) - network(-x)) / 2, (network(x) + network(-x)) / 2
    for part, values in zip(
        risk_by_parity(W, beta), ((odd - x @ beta) ** 2 / 2, even**2 / 2), strict=True
    ):
        error = values.std() / math.sqrt(len(values))
        assert abs(values.mean() - part) < 4.5 * error
    s, p = sum_and_difference(W)
    smaller = torch.minimum((x @ s) ** 2, (x @ p) ** 2)
    torch.testing.assert_close(even**2, smaller, rtol=1e-9, atol=1e-12)


def test_risk_near_the_minimum_keeps_its_digits():
    beta, gap = double(1.0, 0.0), 1e-9
    W = torch.stack([beta, -beta]) + gap * double(0.3, -0.2, 0.1, 0.4).reshape(2, 2)
    with mpmath.workdps(60):
        w1, w2 = (mpmath.matrix(w.tolist()) for w in W)
        dot = w1[0] * w2[0] + w1[1] * w2[1]
        cross = abs(w1[0] * w2[1] - w1[1] * w2[0])
        theta = mpmath.atan2(cross, dot)
        kernel = (cross + (mpmath.pi - theta) * dot) / (2 * mpmath.pi)
        square = (w1[0] - 1) ** 2 + w1[1] ** 2 + (w2[0] + 1) ** 2 + w2[1] ** 2
        truth = float(square / 4 - kernel)
    assert truth < 1e-18
    assert float(sum(risk_by_parity(W, beta))) == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_gradient_of_the_risk(d, generator):
    W, beta = normal(generator, 50, 2, d), normal(generator, 50, d)
    W[0, 1], W[1, 0], W[2, 1] = 2 * W[0, 0], 0, -W[2, 0]
    torch.testing.assert_close(
        risk_gradient(W, beta), population.gradient(*general(W, beta)), rtol=0, atol=1e-14
    )
    leaf = W[3:].clone().requires_grad_()
    sum(risk_by_parity(leaf, beta[3:])).sum().backward()
    torch.testing.assert_close(leaf.grad, risk_gradient(W[3:], beta[3:]), rtol=0, atol=1e-13)


def test_agreement_matrix_is_a_second_moment(generator):
    W = normal(generator, 2, 3)
    x = normal(generator, 400_000, 3)
    agree = ((x @ W[0]) * (x @ W[1]) > 0).double()
    products = (agree[:, None] * x)[:, :, None] * x[:, None, :]
    error = products.std(dim=0) / math.sqrt(len(x))
    assert ((products.mean(dim=0) - agreement_matrix(W)).abs() < 4.5 * error).all()


def test_agreement_matrix_where_neurons_are_collinear():
    w = double(0.6, -0.3)
    torch.testing.assert_close(agreement_matrix(torch.stack([w, 2 * w])), torch.eye(2).double())
    assert agreement_matrix(torch.stack([w, -2 * w])).abs().max() < 1e-15
    assert agreement_matrix(torch.stack([w, 0 * w])).abs().max() < 1e-15


@pytest.mark.parametrize("d", [2, 5])
def test_gradient_in_sum_and_difference(d, generator):
    W, beta = normal(generator, 20, 2, d), normal(generator, 20, d)
    gradient = population.gradient(*general(W, beta))
    s, p = (half[..., None] for half in sum_and_difference(W))
    M = agreement_matrix(W)
    down_s, down_p = s - M @ s, p - beta[..., None] + M @ p
    torch.testing.assert_close(gradient.sum(dim=1), down_s[..., 0], rtol=0, atol=1e-14)
    torch.testing.assert_close(gradient[:, 0] - gradient[:, 1], down_p[..., 0], rtol=0, atol=1e-14)


def test_growth_of_the_sum_is_the_largest_one(generator):
    # Both extremes of the agreement matrix are approached by almost collinear neurons.
    w, beta = normal(generator, 400, 3), normal(generator, 400, 3)
    sides = torch.where(torch.arange(400) % 2 == 0, 1, -1)[:, None]
    W = torch.stack([w, sides * w + 1e-3 * normal(generator, 400, 3)], dim=1)
    gradient = population.gradient(*general(W, beta))
    for step in (0.1, 1.0, 3.9, 4.0, 4.2, 6.0):
        before, after = W.sum(dim=1), (W - step * gradient).sum(dim=1)
        growth = torch.linalg.vector_norm(after, dim=1) / torch.linalg.vector_norm(before, dim=1)
        assert growth.max() <= sum_growth(step) + 1e-9
        assert growth.max() >= sum_growth(step) - 2e-3
    with pytest.raises(ValueError, match="negative"):
        sum_growth(-1.0)


@pytest.mark.parametrize("c", [0.2, 1.0, 3.0, -1.4, -2.5])
def test_ray_is_stationary(c, generator):
    beta = normal(generator, 4)
    W = ray_point(double(c)[0], beta)
    assert population.gradient(*general(W, beta)).abs().max() < 1e-14
    assert population.risk(*general(W, beta)) == pytest.approx(float(beta @ beta) / 4)
    assert distance_to_ray(W, beta) < 1e-15
    # The cubic fall of the risk, against the risk itself.
    across = normal(generator, 4)
    across -= (across @ beta) / (beta @ beta) * beta
    across /= torch.linalg.vector_norm(across)
    size = 1e-3 * float(torch.linalg.vector_norm(beta))
    fall = float(beta @ beta) / 4 - sum(risk_by_parity(W + size * across, beta))
    predicted = ray_descent(double(c)[0], double(size)[0], float(torch.linalg.vector_norm(beta)))
    assert float(fall) == pytest.approx(float(predicted), rel=3e-4)


def test_distances(generator):
    beta = normal(generator, 5)
    assert distance_to_minimum(torch.stack([beta, -beta]), beta) == 0
    for c, closest in ((2.0, 2.0), (-0.2, 0.0), (-0.8, -1.0), (-3.0, -3.0)):
        W = ray_point(double(c)[0], beta) + 1e-3 * normal(generator, 2, 5)
        near = ray_point(torch.linspace(-0.3, 0.3, 60_001).double() + closest, beta)
        position = torch.linspace(-0.3, 0.3, 60_001).double() + closest
        near = near[(position >= 0) | (position <= -1)]
        brute = torch.linalg.vector_norm(near - W, dim=(1, 2)).min()
        assert float(distance_to_ray(W, beta)) == pytest.approx(float(brute), rel=1e-4)


def test_roots_are_the_minimum_and_the_ray(generator):
    beta = double(1.0, 0.0, 0.0).expand(60, 3)
    ends = gradient_roots(normal(generator, 60, 2, 3), beta, n_steps=120)
    size = population.gradient(*general(ends, beta)).flatten(1).norm(dim=1)
    found = size < 1e-11
    at_minimum = distance_to_minimum(ends, beta) < 1e-6
    on_ray = distance_to_ray(ends, beta) < 1e-2 * ends.flatten(1).norm(dim=1)
    assert (found & at_minimum).sum() >= 5 and (found & on_ray).sum() >= 5
    assert (at_minimum | on_ray)[found].all()


def test_escape_time_against_the_explicit_flow(generator):
    beta = double(1.0, 0.0, 0.0)
    start = ray_point(double(0.3)[0], beta) + 0.05 * normal(generator, 2, 3)
    time = escape_time(start, beta)
    end = gradient_flow(risk_gradient, start[None], (beta[None],), until=time)
    assert float(sum(risk_by_parity(end.state[0], beta))) == pytest.approx(0.125, rel=1e-2)
    assert escape_time(start, beta, until=0.5 * time) == math.inf


def test_escape_law_is_approached(generator):
    beta = double(2.0, 0.0)
    across = double(0.0, 1.0)
    ratios = []
    for u in (2e-2, 2e-3):
        start = ray_point(double(0.5)[0], beta) + u * across
        law = float(escape_law(double(0.5)[0], double(u)[0], 2.0))
        ratios.append(escape_time(start, beta) / law)
    assert ratios[0] < ratios[1] < 1
    assert ratios[1] == pytest.approx(1, abs=1e-2)


def test_fit_of_the_escape_constant():
    generator = torch.Generator().manual_seed(1)
    u = 10 ** (-4 * torch.rand(30, generator=generator, dtype=torch.float64) - 1)
    missed = 0
    for _ in range(50):
        noise = 20 * torch.randn(30, generator=generator, dtype=torch.float64)
        constant, low, high = fit_escape_constant(u, 50 / u - 17 * torch.log(u) + 4 + noise, 0.9)
        assert low < constant < high
        missed += not low <= 50 <= high
    assert missed <= 12
    with pytest.raises(ValueError, match="four"):
        fit_escape_constant([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])
