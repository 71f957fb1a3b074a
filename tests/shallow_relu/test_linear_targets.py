"""Two neurons and a linear target: closed forms, sharp constants, certificates."""

import math
from fractions import Fraction

import mpmath
import pytest
import torch
from flint import arb
from scipy import optimize

from shallow_relu import population
from shallow_relu.linear_targets import (
    _gated_bound_acute,
    _gated_bound_obtuse,
    antipodal_form,
    certify_contraction,
    certify_gated_bound,
    certify_smoothness,
    collinear_rate,
    correlation,
    gammas,
    gating_eigenvalues,
    gradient_with_gate,
    neurons_in_ball,
    perpendicular_constant,
    plotted_function,
    reduced_excess,
    sharp_contraction_factor,
    sharp_correlation_constant,
    sharp_smoothness_constant,
    smallest_in_ball,
    squared_distance,
    unit_output_weights,
    worst_target,
)

HALF, STEPS = Fraction(1, 2), (0.0, 0.7, 1.0, 2.0)


def by_autograd(W, beta):
    """Gradient of the risk by automatic differentiation, and the distance to the minimum."""
    leaf = W.clone().requires_grad_()
    teacher, output = population.linear_teacher(beta)
    a = output.new_tensor([1, -1]).expand(W.shape[:-1])
    (gradient,) = torch.autograd.grad(population.risk(leaf, teacher, a, output).sum(), leaf)
    return gradient, W - teacher


def draw(count, d, seed):
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(count, 2, d, generator=generator, dtype=torch.float64)
    return W, torch.randn(count, d, generator=generator, dtype=torch.float64)


def in_the_plane(theta, ratio):
    zero = torch.zeros_like(theta)
    first = torch.stack([1 + zero, zero], dim=-1)
    return torch.stack([first, ratio[:, None] * torch.stack([theta.cos(), theta.sin()], -1)], -2)


def test_correlation_against_autograd():
    W, beta = draw(60, 4, seed=1)
    gradient, error = by_autograd(W, beta)
    torch.testing.assert_close(correlation(W, beta), (gradient * error).sum(dim=(-2, -1)))
    torch.testing.assert_close(squared_distance(W, beta), error.square().sum(dim=(-2, -1)))


def test_scaled_steps_are_plain_steps_of_the_rescaled_neurons():
    W, beta = draw(8, 3, seed=2)
    sizes = torch.tensor([3.0, 0.2], dtype=torch.float64)
    leaf = W.clone().requires_grad_()
    teacher, output = population.linear_teacher(beta)
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64)
    risk = population.risk(leaf, teacher, (sizes * signs).expand(8, 2), output)
    (gradient,) = torch.autograd.grad(risk.sum(), leaf)
    stepped = unit_output_weights(W - 0.3 * gradient / sizes.square()[:, None], sizes)
    plain = unit_output_weights(W, sizes)
    torch.testing.assert_close(stepped, plain - 0.3 * by_autograd(plain, beta)[0])
    with pytest.raises(ValueError, match="positive"):
        unit_output_weights(W, sizes * signs)


def test_gammas_are_the_derivative_with_respect_to_the_target():
    W, beta = draw(40, 2, seed=3)
    norm = W.norm(dim=-1)
    cosine = (W[:, 0] * W[:, 1]).sum(-1) / norm.prod(-1)
    first, second = gammas(torch.acos(cosine), norm[:, 1] / norm[:, 0], 0.3)
    leaf = torch.zeros_like(beta).requires_grad_()
    excess = correlation(W, leaf) - 0.3 * squared_distance(W, leaf)
    (slope,) = torch.autograd.grad(excess.sum(), leaf)
    torch.testing.assert_close(slope, -(first[:, None] * W[:, 0] + second[:, None] * W[:, 1]))
    printed, _ = gammas(torch.acos(cosine), norm[:, 1] / norm[:, 0], 0.3, as_printed=True)
    torch.testing.assert_close(printed - first, torch.full_like(first, 1.2))


@pytest.mark.parametrize("theta", [0.0, 0.4, 1.9, math.pi])
def test_gating_eigenvalues_against_quadrature(theta):
    # x = length * (cos psi, sin psi) with E length^2 = 2; the event is a double wedge.
    low, high = theta - math.pi / 2, math.pi / 2
    wedge = [low, high] if high > low else [low, low]
    along, across = (
        2 / mpmath.pi * mpmath.quad(component, wedge)
        for component in (
            lambda psi: mpmath.cos(psi - theta / 2) ** 2,
            lambda psi: mpmath.sin(psi - theta / 2) ** 2,
        )
    )
    found = gating_eigenvalues(torch.tensor(theta, dtype=torch.float64), math.pi)
    assert float(found[0]) == pytest.approx(float(along), abs=1e-12)
    assert float(found[1]) == pytest.approx(float(across), abs=1e-12)


@pytest.mark.parametrize("step", STEPS)
def test_reduced_excess_is_the_minimum_over_the_target(step):
    generator = torch.Generator().manual_seed(4)
    theta = math.pi * torch.rand(3, generator=generator, dtype=torch.float64)
    ratio = torch.rand(3, generator=generator, dtype=torch.float64)
    W = in_the_plane(theta, ratio)
    radius, rate = 0.6, 0.2
    turn = torch.linspace(0, 2 * math.pi, 241, dtype=torch.float64)[:, None]
    more = torch.linspace(0, 1.5, 61, dtype=torch.float64)
    for i, w in enumerate(W):
        size = (w.sum(0).norm() / radius + more)[None, :, None]
        beta = (size * torch.stack([turn.cos(), turn.sin()], dim=-1)).reshape(-1, 2)
        copies = w.expand(len(beta), 2, 2)
        gradient, error = by_autograd(copies, beta)
        excess = (gradient * error - step / 2 * gradient**2 - rate * error**2).sum(dim=(-2, -1))
        found = reduced_excess(theta[i], ratio[i], radius, step, rate)
        assert 0 <= float(excess.min() - found) < 1e-3
    # Targets out of the plane of the neurons are never worse.
    off = torch.randn(2000, 3, generator=generator, dtype=torch.float64)
    off = off / off.norm(dim=-1, keepdim=True) * (W[0].sum(0).norm() / radius + 0.1)
    flat = torch.cat([W[0], torch.zeros(2, 1, dtype=torch.float64)], -1).expand(2000, 2, 3)
    gradient, error = by_autograd(flat, off)
    excess = (gradient * error - step / 2 * gradient**2 - rate * error**2).sum(dim=(-2, -1))
    assert excess.min() >= reduced_excess(theta[0], ratio[0], radius, step, rate) - 1e-12


@pytest.mark.parametrize("step", STEPS)
def test_worst_target_attains_the_reduced_excess(step):
    generator = torch.Generator().manual_seed(19)
    theta = math.pi * torch.rand(300, generator=generator, dtype=torch.float64)
    ratio = torch.rand(300, generator=generator, dtype=torch.float64)
    W, rate = in_the_plane(theta, ratio), 0.2
    beta = worst_target(W, 0.6, step, rate)
    gradient, error = by_autograd(W, beta)
    excess = (gradient * error - step / 2 * gradient**2 - rate * error**2).sum(dim=(-2, -1))
    torch.testing.assert_close(excess, reduced_excess(theta, ratio, 0.6, step, rate))
    assert (W.sum(1).norm(dim=1) <= 0.6 * beta.norm(dim=1) * (1 + 1e-12)).all()


def test_plotted_function_is_the_reduced_excess_without_step():
    generator = torch.Generator().manual_seed(5)
    theta = math.pi * torch.rand(500, generator=generator, dtype=torch.float64)
    ratio = torch.exp(3 * torch.randn(500, generator=generator, dtype=torch.float64))
    found = plotted_function(theta, ratio, 0.3)
    torch.testing.assert_close(found, reduced_excess(theta, ratio, 0.5, 0.0, 0.3))
    assert plotted_function(theta, ratio, 0.3, as_printed=True).min() < -0.5


def test_rates_and_factors_at_the_collinear_limit():
    for radius, step in ((0.5, 0.0), (0.5, 1.3), (0.8, 0.4)):
        beta = torch.tensor([1.0, 0.0], dtype=torch.float64)
        W = torch.tensor([[radius, 0.0], [1e-9, 0.0]], dtype=torch.float64)
        gradient, error = by_autograd(W[None], beta[None])
        value = (gradient * error - step / 2 * gradient**2).sum() / error.square().sum()
        assert float(value) == pytest.approx(collinear_rate(radius, step), abs=1e-8)
    assert collinear_rate(HALF) == Fraction(3, 10)
    steps = torch.tensor([0.12, 1.0, 2.0, 2.25, 3.0], dtype=torch.float64)
    for step, factor in zip(steps, sharp_contraction_factor(steps), strict=True):
        factors = []
        for side in (1, -1):
            W = torch.tensor([[0.5 * side, 0.0], [1e-9 * side, 0.0]], dtype=torch.float64)
            gradient, error = by_autograd(W[None], beta[None])
            after = (error - step * gradient).square().sum() / error.square().sum()
            factors.append(float(after))
        assert float(factor) == pytest.approx(max(factors), abs=1e-8)
    W = torch.tensor([[-0.5, 0.0], [-1e-9, 0.0]], dtype=torch.float64)
    gradient, error = by_autograd(W[None], beta[None])
    value = float(gradient.square().sum() / error.square().sum())
    assert sharp_smoothness_constant(0.5) == pytest.approx(value, abs=1e-8)
    assert sharp_smoothness_constant(1e9) == pytest.approx(sharp_smoothness_constant())


def test_half_gate_is_the_mean_of_opposite_limits():
    W, beta = draw(5, 3, seed=8)
    small = 1e-9 * torch.randn(3, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    for zero in ([0], [1], [0, 1]):
        there = W.clone()
        there[:, zero] = 0
        aside = torch.zeros_like(W)
        aside[:, zero] = small
        limits = [by_autograd(there + sign * aside, beta)[0] for sign in (1, -1)]
        found = gradient_with_gate(there, beta)
        torch.testing.assert_close(found, sum(limits) / 2, atol=1e-7, rtol=0)
    torch.testing.assert_close(gradient_with_gate(W, beta), by_autograd(W, beta)[0])


@pytest.mark.parametrize("gate", [0.0, 0.5, 1.0])
def test_gates_at_zero_neurons_against_samples(gate):
    W, beta = draw(1, 3, seed=12)
    W, beta = W[0], beta[0]
    W[1] = 0
    x = torch.randn(400_000, 3, generator=torch.Generator().manual_seed(13), dtype=torch.float64)
    active = x @ W.mT
    residual = torch.relu(active[:, 0]) - torch.relu(active[:, 1]) - x @ beta
    open_gates = torch.where(active == 0, gate, (active > 0).double())
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64)
    values = (residual[:, None] * signs * open_gates)[..., None] * x[:, None]
    error = values.std(dim=0) / math.sqrt(len(x))
    gap = (values.mean(dim=0) - gradient_with_gate(W, beta, gate)).abs()
    assert (gap <= 4.5 * error).all()


def test_two_zero_neurons_are_no_kink():
    (V, U), beta = draw(2, 3, seed=14)[0], draw(1, 3, seed=15)[1][0]
    slope = gradient_with_gate(torch.zeros_like(V), beta)
    teacher, output = population.linear_teacher(beta)
    for direction in (V, U, -V):
        risks = [
            float(population.risk(h * direction, teacher, output.new_tensor([1, -1]), output))
            for h in (0.0, 1e-6)
        ]
        measured = (risks[1] - risks[0]) / 1e-6
        assert measured == pytest.approx(float((slope * direction).sum()), abs=1e-5)


def test_neurons_in_the_ball_keep_direction_and_difference():
    generator = torch.Generator().manual_seed(16)
    s, p = torch.randn(2, 200, 4, generator=generator, dtype=torch.float64)
    limit = torch.rand(200, generator=generator, dtype=torch.float64) + 0.5
    W = neurons_in_ball(s, p, limit)
    length = W.sum(dim=1).norm(dim=1)
    assert (length <= limit * (1 + 1e-14)).all()
    inside = 2 * s.norm(dim=1) <= limit
    assert 0 < inside.sum() < 200
    torch.testing.assert_close(length[~inside], limit[~inside])
    torch.testing.assert_close(W.sum(dim=1)[inside], 2 * s[inside])
    torch.testing.assert_close((W[:, 0] - W[:, 1]) / 2, p)
    cosine = torch.cosine_similarity(W.sum(dim=1), s, dim=1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


def test_search_finds_a_known_infimum_in_the_ball():
    # Farthest from 2 e_1 in the sum, and closest to e_1 in the difference: both are known.
    goal = torch.eye(3, dtype=torch.float64)[0]

    def objective(W):
        s, p = W.sum(dim=1), W[:, 0] - W[:, 1]
        return (s - 2 * goal).square().sum(1) + (p - goal).square().sum(1)

    found = smallest_in_ball(objective, 0.5, torch.Generator().manual_seed(17))
    assert found + 1e-12 >= 2.25
    assert found == pytest.approx(2.25, abs=1e-3)


@pytest.mark.parametrize("radius", [0.1, 0.25, 0.5])
def test_perpendicular_constant_against_the_gradient(radius):
    def ratio(height):
        W = torch.tensor([[radius / 2, height], [radius / 2, -height]], dtype=torch.float64)
        gradient, error = by_autograd(W[None], torch.tensor([[0.0, 1.0]], dtype=torch.float64))
        return float((gradient * error).sum() / error.square().sum())

    found = optimize.minimize_scalar(ratio, bounds=(0.7, 1.3), method="bounded")
    assert perpendicular_constant(radius) == pytest.approx(found.fun, abs=1e-9)


@pytest.mark.parametrize("radius", [0.15, 0.4, 0.9, 1.2])
def test_sharp_constant_is_the_smallest_rate_that_random_neurons_allow(radius):
    generator = torch.Generator().manual_seed(6)
    theta = math.pi * torch.rand(200_000, generator=generator, dtype=torch.float64) ** 2
    theta[::2] = math.pi - theta[::2]
    ratio = 1 - torch.rand(200_000, generator=generator, dtype=torch.float64) ** 3
    ratio[::3] = 1e-4 * ratio[::3]
    sharp = sharp_correlation_constant(radius)
    assert reduced_excess(theta, ratio, radius, 0.0, sharp).min() > -1e-12
    assert reduced_excess(theta, ratio, radius, 0.0, sharp + 5e-3).min() < 0


def test_certificates_at_the_constants_of_the_paper():
    certificate = certify_contraction(HALF, rate=Fraction(3, 10), keep_boxes=True)
    assert certificate.proved
    assert certificate.boxes < 1000
    assert certificate.rest.proved_boxes
    assert certify_contraction(HALF, Fraction(1)).proved
    assert certify_contraction((Fraction(95, 100), Fraction(1))).proved
    assert certify_contraction(HALF, (Fraction(0), Fraction(1, 20))).proved


@pytest.mark.parametrize(
    ("radius", "rate"), [(HALF, Fraction(301, 1000)), (Fraction(51, 100), Fraction(3, 10))]
)
def test_certificates_refuse_more(radius, rate):
    refused = certify_contraction(radius, rate=rate)
    assert not refused.proved
    assert not refused.corner
    box = refused.rest.coordinates([refused.rest.counterexample])[0].mean(-1)
    theta, ratio = torch.tensor(box, dtype=torch.float64)
    assert reduced_excess(theta, ratio, float(radius), 0.0, float(rate)) < 0


def test_certificates_refuse_by_boxes_alone_where_the_corner_is_no_obstacle():
    refused = certify_contraction(Fraction(24, 100))
    assert refused.corner and refused.rising.proved
    assert not refused.proved
    box = refused.rest.coordinates([refused.rest.counterexample])[0].mean(-1)
    theta, ratio = torch.tensor(box, dtype=torch.float64)
    rate = collinear_rate(Fraction(24, 100))
    assert reduced_excess(theta, ratio, 0.24, 0.0, float(rate)) < 0
    assert certify_contraction(Fraction(242, 1000)).proved


@pytest.mark.parametrize("step", STEPS)
def test_antipodal_form_is_below_the_excess(step):
    W, beta = draw(20_000, 3, seed=18)
    W[::2, 1] = -W[::2, 0] + 0.1 * W[::2, 1]
    beta[1::2] = (W[1::2, 0] - W[1::2, 1]) / 2 + 0.3 * beta[1::2]
    gradient, error = by_autograd(W, beta)
    excess = (gradient * error - step / 2 * gradient**2 - 0.1 * error**2).sum(dim=(-2, -1))
    s = W.sum(dim=1).norm(dim=1) / 2
    q = (beta - (W[:, 0] - W[:, 1]) / 2).norm(dim=1)
    cosine = torch.cosine_similarity(W[:, 0], W[:, 1], dim=1)
    on_sum, mixed, on_error = antipodal_form(torch.acos(cosine), step, 0.1)
    form = on_sum * s**2 - 2 * mixed * s * q + on_error * q**2
    room = (excess - form) / (s**2 + q**2)
    assert -1e-9 < room.min() < 0.05


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("radius", [0.1, 0.5, 1.0])
def test_excess_is_not_negative_where_one_neuron_vanishes(radius, step):
    theta = torch.linspace(0, math.pi, 400, dtype=torch.float64)
    rate = collinear_rate(radius, step)
    edge = reduced_excess(theta, torch.zeros_like(theta), radius, step, rate)
    assert edge.min() > -1e-12
    assert abs(edge[0]) < 1e-12
    higher = reduced_excess(theta, torch.zeros_like(theta), radius, step, rate + 1e-3)
    assert higher.min() < 0


def test_certificates_refuse_settings_that_the_proof_does_not_cover():
    for radius, step in ((Fraction(3, 2), Fraction(0)), (HALF, Fraction(5, 2))):
        with pytest.raises(ValueError, match="the proof is for"):
            certify_contraction(radius, step)
    with pytest.raises(ValueError, match="one radius"):
        certify_contraction((HALF, Fraction(1)), rate=HALF)
    with pytest.raises(TypeError):
        certify_contraction(HALF, rate=0.3)
    with pytest.raises(ValueError, match="1/4"):
        certify_smoothness(Fraction(1, 5))


def test_balls_contain_the_tensor_values():
    theta, ratio = torch.tensor([1.1, 0.3], dtype=torch.float64)
    for radius, rate in ((Fraction(1, 2), Fraction(3, 10)), (Fraction(1), Fraction(1, 10))):
        ball = reduced_excess(
            arb(float(theta)), arb(float(ratio)), arb(1) * radius.numerator / radius.denominator,
            arb(0), arb(rate.numerator) / rate.denominator, arb.pi(),
        )  # fmt: skip
        plain = reduced_excess(theta, ratio, float(radius), 0.0, float(rate))
        assert float(ball) == pytest.approx(float(plain), abs=1e-14)


def test_smoothness_over_random_neurons():
    W, beta = draw(20_000, 3, seed=7)
    gradient, error = by_autograd(W, 0.05 * beta)
    share = gradient.square().sum(dim=(-2, -1)) / error.square().sum(dim=(-2, -1))
    assert 0.45 < share.max() <= 0.5
    assert certify_smoothness(Fraction(5, 2)).proved
    assert not certify_smoothness(Fraction(1, 2)).proved
    assert all(part.proved for part in certify_gated_bound())


@pytest.mark.parametrize("theta", [0.02, 0.4, 1.3, 1.57])
def test_certified_forms_of_equation_10_against_mpmath(theta):
    with mpmath.workdps(40):
        for angle, size, power, form in (
            (mpmath.mpf(theta), mpmath.pi, 3, _gated_bound_acute),
            (mpmath.pi - theta, mpmath.pi * mpmath.sin(theta), 2, _gated_bound_obtuse),
        ):
            sine, rest = mpmath.sin(angle), mpmath.pi - angle
            left = [sine + rest * mpmath.cos(angle), rest * sine]
            expected = (size**2 - left[0] ** 2 - left[1] ** 2) / mpmath.mpf(theta) ** power
            assert float(form(arb(theta))) == pytest.approx(float(expected), rel=1e-10)


def test_gated_bound_over_random_neurons():
    theta = torch.linspace(1e-3, math.pi - 1e-3, 300, dtype=torch.float64)[:, None]
    first = torch.logspace(-6, 3, 300, dtype=torch.float64)
    left = torch.sin(theta) ** 2 + 2 * torch.sin(theta) * torch.cos(theta) * (math.pi - theta)
    left = left + (math.pi - theta) ** 2
    right = math.pi**2 * (first**2 + 2 * first * torch.cos(theta) + 1)
    assert 0.999 < (left / right).max() <= 1
