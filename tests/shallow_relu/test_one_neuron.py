"""One neuron: autograd of the risk, Monte Carlo, incomplete beta functions and exact algebra."""

import math
from fractions import Fraction

import mpmath
import pytest
import torch
from flint import arb
from scipy import special

from companion.verdicts import proportion_interval
from shallow_relu import one_neuron, population
from shallow_relu.one_neuron import (
    admitted_radius,
    certify_half_rate,
    entry_spread,
    flow,
    half_rate_identities,
    lyapunov,
    lyapunov_decrease,
    lyapunov_decrease_by_integration,
    polar_velocity,
    probability_in_region,
    probability_in_region_gaussian,
    uniform_starts,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


def random_polar(n, generator):
    r = 0.01 + 3 * torch.rand(n, generator=generator, dtype=torch.float64)
    return r, math.pi * torch.rand(n, generator=generator, dtype=torch.float64)


def cartesian(r, theta):
    return torch.stack([r * theta.cos(), r * theta.sin()], dim=-1)


def risk_gradient(w, teacher):
    """Gradient of the risk by automatic differentiation."""
    leaf = w.clone().requires_grad_()
    population.risk(leaf[..., None, :], teacher.expand_as(w)[..., None, :]).sum().backward()
    return leaf.grad


def test_polar_velocity_is_the_gradient_of_the_risk(generator):
    r, theta = random_polar(200, generator)
    w, teacher = cartesian(r, theta), torch.tensor([1.0, 0.0], dtype=torch.float64)
    downhill = -risk_gradient(w, teacher)
    outward = torch.stack([theta.cos(), theta.sin()], dim=-1)
    around = torch.stack([-theta.sin(), theta.cos()], dim=-1)
    radial, angular = polar_velocity(r, theta)
    torch.testing.assert_close(radial, (downhill * outward).sum(-1), rtol=0, atol=1e-12)
    torch.testing.assert_close(r * angular, (downhill * around).sum(-1), rtol=0, atol=1e-12)


def test_decrease_is_the_derivative_of_the_lyapunov_function(generator):
    r, theta = random_polar(200, generator)
    w, teacher = cartesian(r, theta), torch.tensor([1.0, 0.0], dtype=torch.float64)
    expected = ((w - teacher) * risk_gradient(w, teacher)).sum(-1)
    torch.testing.assert_close(lyapunov_decrease(r, theta), expected, rtol=0, atol=1e-12)
    distance = (w - teacher).square().sum(-1) / 2
    torch.testing.assert_close(lyapunov(r, theta), distance, rtol=0, atol=1e-13)


def test_decrease_is_the_expectation(generator):
    r, theta = random_polar(20, generator)
    integral = [
        lyapunov_decrease_by_integration(*pair)
        for pair in zip(r.tolist(), theta.tolist(), strict=True)
    ]
    closed = lyapunov_decrease(r, theta)
    torch.testing.assert_close(closed, closed.new_tensor(integral), rtol=0, atol=1e-12)
    x = torch.randn(400_000, 2, generator=generator, dtype=torch.float64)
    a, b = x @ cartesian(r[0], theta[0]), x[:, 0]
    values = torch.where(a > 0, (a - b) * (a - b.clamp(min=0)), 0)
    assert values.min() >= 0
    score = (values.mean() - closed[0]) / (values.std() / math.sqrt(len(values)))
    assert abs(score) < 4


def test_flow_against_small_midpoint_steps_in_the_plane():
    r = torch.tensor([0.3, 1.4], dtype=torch.float64)
    theta = torch.tensor([2.0, 0.8], dtype=torch.float64)
    end_r, end_theta, time = flow(r, theta, 0.05, 20)
    teacher = torch.tensor([1.0, 0.0], dtype=torch.float64)
    w, step = cartesian(r, theta), time[:, None] / 200
    for _ in range(200):
        middle = w - step / 2 * risk_gradient(w, teacher)
        w = w - step * risk_gradient(middle, teacher)
    torch.testing.assert_close(cartesian(end_r, end_theta), w, rtol=0, atol=1e-5)


def test_identities_of_the_rate_hold_and_single_out_one_half():
    assert all(half_rate_identities().values())
    lost = [name for name, holds in half_rate_identities(Fraction(1, 3)).items() if not holds]
    assert lost == ["-dV/dt - V/2 as a square and D"]


def test_discriminant_and_its_curvature_against_mpmath():
    def discriminant(t):
        h = (mpmath.pi - t) * mpmath.cos(t) + mpmath.sin(t)
        return mpmath.pi - 2 * t + mpmath.sin(2 * t) - h**2 / mpmath.pi

    with mpmath.workdps(40):
        assert abs(discriminant(0)) < 1e-35
        assert abs(mpmath.diff(discriminant, 0)) < 1e-15
        for t in (0.0, 0.3, 0.9, 1.5):
            value = float(one_neuron.half_rate_discriminant(arb(t)).mid())
            assert value == pytest.approx(float(discriminant(mpmath.mpf(t))), abs=1e-13)
            curvature = float(one_neuron.half_rate_discriminant_curvature(arb(t)).mid())
            second = mpmath.diff(discriminant, mpmath.mpf(t), 2)
            assert curvature == pytest.approx(float(second), abs=1e-12)


def test_half_rate_is_certified_and_fails_without_the_ball():
    assert all(certificate.proved for certificate in certify_half_rate())
    assert not certify_half_rate(last_angle=Fraction(157, 100))[1].proved


def test_half_rate_holds_in_the_region_and_is_sharp(generator):
    w = torch.rand(200_000, 2, generator=generator, dtype=torch.float64) * 2 - 1
    w = w[w.square().sum(1) < 1] + torch.tensor([1.0, 0.0], dtype=torch.float64)
    r, theta = torch.linalg.vector_norm(w, dim=1), torch.atan2(w[:, 1].abs(), w[:, 0])
    rate = lyapunov_decrease(r, theta) / lyapunov(r, theta)
    assert rate.min() > 0.5 and rate.max() <= 1 + 1e-12
    corner = torch.tensor([1e-9, math.pi / 2 - 1e-9], dtype=torch.float64)
    assert lyapunov_decrease(*corner) / lyapunov(*corner) == pytest.approx(0.5, abs=1e-8)


@pytest.mark.parametrize("dimension", [1, 2, 3, 10, 200])
@pytest.mark.parametrize("radius", [0.05, 0.7, 1.0, 1.6, 2.0, 3.0])
def test_probability_against_the_volume_of_two_caps(dimension, radius):
    def cap(height):
        """Share of the unit ball beyond a plane at this signed distance from the centre."""
        share = special.betainc((dimension + 1) / 2, 0.5, max(0.0, 1 - height**2)) / 2
        return share if height > 0 else 1 - share

    if radius >= 2:
        expected = radius**-dimension
    elif dimension > 100 and radius < 0.1:
        pytest.skip("the second cap underflows")
    else:
        expected = cap(radius / 2) + radius**-dimension * cap(1 - radius**2 / 2)
    assert probability_in_region(dimension, radius) == pytest.approx(expected, rel=1e-9)


def test_probabilities_against_samples(generator):
    for dimension, radius in ((2, 0.8), (7, 0.5)):
        r, theta = uniform_starts(dimension, radius, 100_000, generator)
        low, high = proportion_interval(int((r < 2 * theta.cos()).sum()), 100_000)
        assert low <= probability_in_region(dimension, radius) <= high
        w = 0.3 * torch.randn(100_000, dimension, generator=generator, dtype=torch.float64)
        inside = int((w.square().sum(1) < 2 * w[:, 0]).sum())
        low, high = proportion_interval(inside, 100_000)
        assert low <= probability_in_region_gaussian(dimension, 0.3) <= high


def test_uniform_starts_fill_the_ball(generator):
    r, theta = uniform_starts(5, 2.0, 50_000, generator)
    assert (r < 2).all()
    entry = r * theta.cos()
    assert entry.std() == pytest.approx(entry_spread(5, 2.0), rel=0.02)
    assert (r < 1).double().mean() == pytest.approx(2**-5, rel=0.15)


def test_bound_of_theorem_six():
    for dimension in (1, 2, 5, 30, 1000):
        for epsilon in (0.01, 0.3, 1.0):
            radius = admitted_radius(dimension, epsilon)
            assert probability_in_region(dimension, radius) >= (1 - epsilon) / 2


def test_senseless_arguments():
    with pytest.raises(ValueError, match="dimension 0"):
        probability_in_region(0, 1.0)
    with pytest.raises(ValueError, match="spread"):
        probability_in_region_gaussian(2, 0.0)
