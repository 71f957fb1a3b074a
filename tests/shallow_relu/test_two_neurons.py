"""The separable function of two neurons against Monte Carlo, linear algebra and 50 digits."""

import math

import mpmath
import numpy as np
import pytest
import torch
from flint import arb

from shallow_relu import population, two_neurons
from shallow_relu.two_neurons import (
    BALLS,
    DIGITS,
    angles_to_neurons,
    count_sign_violations,
    in_plane_critical_points,
    profile,
    rounding_error,
    separable,
    separable_coefficients,
    separable_on_circle,
    separating_sums,
    teachers_inside,
)


def double(value):
    return torch.tensor(value, dtype=torch.float64)


def definition(phi, t):
    """L_12 as it is printed: a linear system with the matrix M_r, at the digits of mpmath."""

    def h(angle):
        return (mpmath.pi - angle) * mpmath.cos(angle) + mpmath.sin(angle)

    def between(one, other):
        return mpmath.acos(mpmath.cos(one - other))

    places = [mpmath.mpf(0), t]
    gram = mpmath.matrix(2, 2)
    mixed = mpmath.matrix(2, 1)
    values = mpmath.matrix(2, 1)
    for j, place in enumerate(places):
        for k, other in enumerate(places):
            gram[j, k] = h(abs(place - other))
        values[j] = h(between(phi, place))
        theta = abs(place - places[0])
        mixed[j] = (mpmath.pi - theta) * mpmath.cos(place - t) + mpmath.sin(theta) * mpmath.cos(t)
    theta = between(phi, 0)
    own = (mpmath.pi - theta) * mpmath.cos(phi - t) + mpmath.sin(theta) * mpmath.cos(t)
    return own - (values.T * mpmath.lu_solve(gram, mixed))[0]


def random_points(count, seed, digits=50):
    rng = np.random.default_rng(seed)
    with mpmath.workdps(digits):
        return [
            (mpmath.pi * mpmath.mpf(t), 2 * mpmath.pi * mpmath.mpf(phi))
            for t, phi in rng.uniform(size=(count, 2))
        ]


def test_closed_form_equals_the_definition_at_50_digits():
    with mpmath.workdps(60):
        for t, phi in random_points(50, seed=1, digits=60):
            theta1 = mpmath.pi - abs(mpmath.pi - phi)
            theta2 = mpmath.pi - abs(mpmath.pi - abs(phi - t))
            error = separable(theta1, theta2, t, DIGITS) - definition(phi, t)
            assert abs(error) < mpmath.mpf(10) ** -50


def test_coefficients_solve_the_linear_system():
    t = torch.linspace(0.001, math.pi, 400, dtype=torch.float64)
    a1, a2 = separable_coefficients(t, two_neurons.TENSORS)
    b = profile(t, two_neurons.TENSORS)
    torch.testing.assert_close(math.pi * a1 + b * a2, math.pi * t.cos(), rtol=0, atol=1e-14)
    right = math.pi - t + t.sin() * t.cos()
    torch.testing.assert_close(b * a1 + math.pi * a2, right, rtol=0, atol=1e-14)
    # The system above says little about the difference a1 - a2 where M_r is nearly singular.
    with mpmath.workdps(40):
        for value in ("1e-4", "1e-2", "1", "3.14"):
            exact = separable_coefficients(mpmath.mpf(value), DIGITS)
            single = separable_coefficients(double(float(value)), two_neurons.TENSORS)
            for one, other in zip(exact, single, strict=True):
                assert float(other) == pytest.approx(float(one), abs=1e-11)


@pytest.mark.parametrize(("t", "phi"), [(1.0, 0.4), (2.3, 2.9), (0.7, 3.5), (1.6, 5.8)])
def test_monte_carlo(t, phi):
    """L_12 as a difference of gated means, projected on the other neuron's direction.

    With the norms that make both diagonal equations hold, 2 pi times the remaining component is
    L_12: nothing of the closed form enters but the solution of these two equations, which is
    estimated from the same samples.
    """
    rng = np.random.default_rng(7)
    first, second, teacher = (np.array([math.cos(a), math.sin(a)]) for a in (0.0, t, phi))
    estimates = []
    for _ in range(40):
        x = rng.standard_normal((25_000, 2))
        gates = [(x @ e > 0) * (x @ e) for e in (first, second)]
        outputs = np.stack([np.maximum(x @ e, 0) for e in (first, second)], axis=1)
        target = np.maximum(x @ teacher, 0)
        diagonal = np.stack([(gate[:, None] * outputs).mean(0) for gate in gates])
        norms = np.linalg.solve(diagonal, np.array([(gate * target).mean() for gate in gates]))
        residual = target - outputs @ norms
        estimates.append(2 * math.pi * ((x @ first > 0) * residual * (x @ second)).mean())
    standard_error = np.std(estimates, ddof=1) / math.sqrt(len(estimates))
    expected = separable_on_circle(double(phi), double(t)).item()
    assert abs(expected) > 10 * standard_error
    assert abs(np.mean(estimates) - expected) < 4 * standard_error


def test_float64_error_down_to_small_angles():
    generator = torch.Generator().manual_seed(2)
    phi = 2 * math.pi * torch.rand(60, generator=generator, dtype=torch.float64)
    with mpmath.workdps(40):
        for t in (1e-4, 1e-2, 0.5, 2.0, math.pi - 1e-4):
            values = separable_on_circle(phi, double(t))
            for place, value in zip(phi.tolist(), values.tolist(), strict=True):
                assert abs(value - float(definition(mpmath.mpf(place), mpmath.mpf(t)))) < 5e-15


def test_balls_contain_the_exact_value():
    with mpmath.workdps(40):
        t, phi = mpmath.mpf("1.25"), mpmath.mpf("0.75")
        exact = separable(phi, t - phi, t, DIGITS)
    ball = separable(arb("0.75"), arb("0.5"), arb("1.25"), BALLS)
    assert ball.contains(arb(mpmath.nstr(exact, 30)))


def test_other_function_is_the_mirror_image():
    with mpmath.workdps(40):
        for t, phi in random_points(20, seed=3, digits=40):
            # Renaming the neurons reflects the circle in the bisector of the two.
            mirrored = (t - phi) % (2 * mpmath.pi)
            theta1 = mpmath.pi - abs(mpmath.pi - phi)
            theta2 = mpmath.pi - abs(mpmath.pi - abs(phi - t))
            error = separable(theta2, theta1, t, DIGITS) - definition(mirrored, t)
            assert abs(error) < mpmath.mpf(10) ** -30


def test_zero_on_the_rays_and_identically_for_opposite_neurons():
    t = torch.linspace(0.05, 3.1, 50, dtype=torch.float64)
    for phi in (torch.zeros_like(t), torch.full_like(t, 2 * math.pi), t):
        torch.testing.assert_close(separable_on_circle(phi, t), 0 * t, rtol=0, atol=1e-14)
    phi = torch.linspace(0, 2 * math.pi, 50, dtype=torch.float64)
    opposite = separable_on_circle(phi, double(math.pi))
    torch.testing.assert_close(opposite, 0 * phi, rtol=0, atol=1e-14)


def test_angles_to_neurons_against_directions():
    phi = torch.linspace(0, 2 * math.pi, 37, dtype=torch.float64)[:, None]
    t = torch.linspace(0, math.pi, 11, dtype=torch.float64)
    theta1, theta2 = torch.broadcast_tensors(*angles_to_neurons(phi, t))
    for theta, place in ((theta1, 0 * t), (theta2, t)):
        torch.testing.assert_close(theta.cos(), (phi - place).cos(), rtol=0, atol=1e-14)
        assert theta.min() >= 0 and theta.max() <= math.pi


def grid(count):
    middle = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    return math.pi * middle, 2 * math.pi * middle


def test_sign_count_on_a_grid():
    count = count_sign_violations(*grid(400))
    assert count.violations == 0
    assert count.inside + count.outside == 400 * 400
    assert count.inside == pytest.approx(400 * 400 / 4, rel=0.01)
    assert count.smallest > 0
    assert count_sign_violations(*grid(400), rows_per_block=7) == count


def test_sign_count_leaves_out_the_rays():
    t = torch.tensor([0.5, 1.0], dtype=torch.float64)
    phi = torch.tensor([0, 0.5, 1.0, 2 * math.pi], dtype=torch.float64)
    assert count_sign_violations(t, phi)[:3] == (1, 1, 0)


def test_sign_count_notices_a_wrong_coefficient(monkeypatch):
    exact = two_neurons.separable_coefficients

    def wrong(t, arithmetic):
        a1, a2 = exact(t, arithmetic)
        return a1, a2 + 1e-3

    monkeypatch.setattr(two_neurons, "separable_coefficients", wrong)
    assert count_sign_violations(*grid(200)).violations > 0


def test_sign_count_options():
    wrong = count_sign_violations(*grid(200), coefficient_error=1e-3)
    assert 0 < wrong.violations < 2000
    assert count_sign_violations(*grid(200), coefficient_error=1e-3, rounding=1.0).violations == 0
    other = count_sign_violations(*grid(200), other=True)
    assert other.violations == 0
    assert other.smallest != count_sign_violations(*grid(200)).smallest
    flat = count_sign_violations(double([math.pi]), grid(200)[1])
    assert flat.violations > 0
    assert count_sign_violations(double([math.pi]), grid(200)[1], rounding=1e-13).violations == 0


def unit(place):
    return torch.stack([double(place).cos(), double(place).sin()], dim=-1)


def teacher(degrees, ratio):
    half = math.radians(degrees) / 2
    return torch.stack([unit(half), ratio * unit(-half)])


def test_teachers_inside():
    W = torch.stack([unit(0.2), 3 * unit(1.4)])
    places = (0.1, 0.3, 1.3, 1.5, 1.0 + math.pi)
    W_star = torch.stack([0.5 * unit(place) for place in places])
    assert teachers_inside(W, W_star).item() == 2
    assert teachers_inside(W.flip(0), W_star[1:2]).item() == 1
    assert teachers_inside(W, W_star[-1:]).item() == 0


def test_separating_sums_against_the_definition():
    W_star = torch.stack([1.3 * unit(2.0), 0.7 * unit(5.5)])
    first, t = 0.4, 1.1
    sums = separating_sums(double(first), double(t), W_star)
    with mpmath.workdps(30):
        expected = [0, 0]
        for place, norm in ((2.0, 1.3), (5.5, 0.7)):
            phi = mpmath.mpf(place - first) % (2 * mpmath.pi)
            expected[0] += norm * definition(phi, mpmath.mpf(t))
            expected[1] += norm * definition((t - phi) % (2 * mpmath.pi), mpmath.mpf(t))
    torch.testing.assert_close(sums, double([float(v) for v in expected]), rtol=0, atol=1e-14)


def test_in_plane_critical_points():
    """Two known cases, and no point where there is none; the gradient is that of the risk."""
    teachers = torch.stack([teacher(90, 2.0), teacher(100, 1.0), teacher(135, 1.0)])
    W, owner = in_plane_critical_points(teachers)
    assert owner.tolist() == [0, 2, 2]
    leaf = W.clone().requires_grad_()
    population.risk(leaf, teachers[owner]).sum().backward()
    assert leaf.grad.abs().max() < 1e-12
    risks = population.risk(W, teachers[owner])
    expected = double([0.128467, 0.214393, 0.214393])
    torch.testing.assert_close(risks, expected, rtol=0, atol=1e-6)
    assert teachers_inside(W, teachers[owner]).tolist() == [1, 1, 1]
    turned = W[:, 0, 0] * W[:, 1, 1] - W[:, 0, 1] * W[:, 1, 0]
    assert (turned > 0).all()
    places = torch.atan2(W[1:, 0, 1], W[1:, 0, 0])
    assert places[0] < places[1], "mirror images stand in the order of their directions"


def test_in_plane_critical_points_by_random_descent_of_the_gradient():
    """Newton's method from random students finds no point that the grid search misses."""
    W_star = teacher(140, 1.1)
    found, _ = in_plane_critical_points(W_star[None])
    generator = torch.Generator().manual_seed(4)
    start = torch.randn(200, 2, 2, generator=generator, dtype=torch.float64)
    W, _ = two_neurons.polish(start, W_star)
    turned = W[:, 0, 0] * W[:, 1, 1] - W[:, 0, 1] * W[:, 1, 0]
    sine = turned.abs() / W.norm(dim=-1).prod(dim=-1)
    gradient = population.gradient(W, W_star).flatten(1).norm(dim=1)
    kept = (gradient < 1e-13) & (population.risk(W, W_star) > 1e-6) & (sine > 1e-3)
    W = torch.where((turned < 0)[:, None, None], W.flip(-2), W)[kept]
    assert len(W) > 20
    distance = torch.cdist(W.flatten(1), found.flatten(1)).amin(dim=1)
    assert distance.max() < 1e-6


def test_rounding_error_is_small_in_double_and_seen_in_single_precision():
    t, phi = double([0.3, 1.5, 3.0]), double([0.1, 4.0, 6.0])
    assert 0 < rounding_error(t, phi) < 1e-14
    assert 1e-9 < rounding_error(t.float(), phi.float()) < 1e-5
