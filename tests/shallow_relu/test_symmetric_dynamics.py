"""Symmetric dynamics against the gradient and Hessian of all neurons, and balls against floats."""

import math
from fractions import Fraction

import pytest
import torch
from flint import arb

from shallow_relu import population
from shallow_relu.certificates import variables
from shallow_relu.symmetric_dynamics import (
    _arcsin_quotient,
    certify_below_one,
    certify_separation,
    descend,
    diagonal_saddle,
    embed,
    flow,
    lower_critical_point,
    nullclines,
    reduction_identities,
    saddle_rates,
    separation,
    velocity,
)

WIDTHS = [2, 3, 5, 10, 20]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(5)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def teacher(width):
    return torch.eye(width, dtype=torch.float64)


@pytest.mark.parametrize("width", WIDTHS)
def test_velocity_is_the_gradient_of_all_neurons(width, generator):
    x, y = 3 * torch.rand(2, 40, generator=generator, dtype=torch.float64) - 1.5
    x[:3], y[:3] = double(0.7, 1.0, 0.4), double(0.7, 0.0, 0.4 - 1e-9)
    downhill = -population.gradient(embed(x, y, width), teacher(width))
    torch.testing.assert_close(
        embed(*velocity(x, y, width), width), downhill, rtol=0, atol=2e-14 * width
    )


def test_embedding_is_the_cyclic_shift_of_one_neuron():
    W = embed(double(0.3), double(0.1), 4)[0]
    for j in range(4):
        assert torch.equal(W[j], torch.roll(W[0], j))


@pytest.mark.parametrize("width", WIDTHS)
def test_saddle_and_its_rates_against_the_hessian(width):
    x = double(diagonal_saddle(width))
    W = embed(x, x, width)[0]
    assert population.gradient(W, teacher(width)).abs().max() < 1e-14
    matrix = population.hessian(W, teacher(width)).reshape(width**2, width**2)
    eigenvalues = torch.linalg.eigvalsh(matrix)
    stable, escape = saddle_rates(width)
    assert int((eigenvalues < -1e-9).sum()) == (width - 1) ** 2
    assert int((eigenvalues.abs() < 1e-9).sum()) == width - 1
    assert float(eigenvalues[0]) == pytest.approx(-escape, rel=1e-9)
    ones = torch.ones(width**2, dtype=torch.float64)
    torch.testing.assert_close(matrix @ ones, -stable * ones, rtol=1e-9, atol=1e-9)


def test_diagonal_flow_is_linear():
    for width in WIDTHS:
        x = torch.linspace(0.01, 1, 50, dtype=torch.float64)
        for rate in velocity(x, x, width):
            expected = -width / 2 * (x - diagonal_saddle(width))
            torch.testing.assert_close(rate, expected, rtol=0, atol=1e-13)


def test_flow_and_descent_against_descent_of_all_neurons():
    width, x, y = 4, double(0.2), double(0.1)
    W = embed(x, y, width)[0]
    for _ in range(300):
        W = W - 0.01 * population.gradient(W, teacher(width))
    xs, ys = descend(x, y, width, 0.01, 300)
    torch.testing.assert_close(embed(xs[-1], ys[-1], width)[0], W, rtol=0, atol=1e-12)
    coarse, fine = (flow(x, y, width, 3.0, steps)[0][-1] for steps in (60, 120))
    torch.testing.assert_close(coarse, fine, rtol=0, atol=1e-6)
    torch.testing.assert_close(fine, xs[-1], rtol=0, atol=0.01)


@pytest.mark.parametrize("width", [*WIDTHS, 200])
def test_nullclines_against_the_velocity(width, generator):
    u = torch.rand(200, generator=generator, dtype=torch.float64)
    x1, x2 = nullclines(u, width)
    x_rate, y_rate = velocity(x1, u * x1, width)
    torch.testing.assert_close(y_rate, u * x_rate, rtol=0, atol=1e-13 * width)
    x_rate, _ = velocity(x2, u * x2, width)
    assert x_rate.abs().max() < 1e-13 * width
    end1, end2 = nullclines(double(1.0), width)
    assert float(end2) == pytest.approx(diagonal_saddle(width), rel=1e-12)
    assert float(end2 - end1) == pytest.approx(1 / (math.pi * math.sqrt(width - 1)), rel=1e-10)


@pytest.mark.parametrize("width", [2, 3, 50, 10_000])
def test_second_curve_stays_below_one_by_the_identity_of_the_proof(width):
    u = torch.linspace(0, 1, 101, dtype=torch.float64)
    theta = torch.atan(math.sqrt(width - 1) * u)
    cosine, sine = torch.cos(theta), torch.sin(theta)
    phi = 2 * torch.asin((1 - u) * cosine / math.sqrt(2))
    other_sine = torch.sqrt(1 - (u * cosine) ** 2)
    bracket = u * (math.pi - phi) + torch.sin(phi) - cosine * other_sine
    right = bracket + (theta - sine * cosine) / (width - 1)
    slope = (math.pi - phi) * (1 + (width - 1) * u) + phi + (width - 1) * torch.sin(phi)
    left = slope * (1 - nullclines(u, width)[1]) / (width - 1)
    torch.testing.assert_close(left, right, rtol=0, atol=1e-13)
    assert bracket[0] > -1e-15


@pytest.mark.parametrize("width", [2, 3, 7, 50, 10_000])
def test_separation_against_the_nullclines(width):
    p = (width - 1) ** -0.5
    for u in (1e-6, 0.01, 0.3, 0.8, 0.999, 1.0):
        x1, x2 = (float(curve) for curve in nullclines(double(u), width))
        cosine = 1 / math.sqrt(1 + (width - 1) * u**2)
        phi = 2 * math.asin((1 - u) * cosine / math.sqrt(2))
        slope = (math.pi - phi) * (1 + (width - 1) * u) + phi + (width - 1) * math.sin(phi)
        expected = slope * (math.pi - phi) * (1 + (width - 1) * u) * p**3 * (x2 - x1)
        value = separation(arb(math.atan2(u, p)), arb(math.hypot(u, p)))
        assert float(value.mid()) == pytest.approx(expected, rel=1e-7, abs=1e-13)


def test_slope_of_the_separation_by_differences():
    for theta, rho in ((0.1, 0.4), (0.45, 1.05), (0.3, 0.0)):
        jet = separation(*variables((arb(theta), arb(rho))))
        above, below = (separation(arb(theta + e), arb(rho)) for e in (1e-6, -1e-6))
        difference = float((above - below).mid()) / 2e-6
        assert float(jet.gradient[0].mid()) == pytest.approx(difference, rel=1e-6)


def test_boxes_contain_their_points():
    box = separation(arb(1.2, 0.05), arb(0.9, 0.05))
    for theta in (1.16, 1.2, 1.24):
        for rho in (0.86, 0.9, 0.94):
            assert box.contains(separation(arb(theta), arb(rho)))


def test_separation_is_certified_and_a_larger_margin_is_not():
    assert all(certificate.proved for certificate in certify_separation())
    too_much = certify_separation(margin=Fraction(8, 5), max_boxes=2000)
    assert not all(certificate.proved for certificate in too_much)
    assert not any(certificate.proved for certificate in certify_separation(Fraction(2), 2000))


def test_slope_of_the_bracket_is_certified_and_true_at_points():
    """The certified lower bound against a difference quotient of the bracket itself."""
    certificate = certify_below_one()
    assert certificate.proved and certificate.lower_bound > 0.2
    assert certify_below_one(Fraction(3, 2)).counterexample is not None

    def bracket(c, u):
        phi = 2 * math.asin((1 - u) * c / math.sqrt(2))
        return u * (math.pi - phi) + math.sin(phi) - c * math.sqrt(1 - (u * c) ** 2)

    for c in (0.0, 0.3, 0.8, 0.99):
        assert bracket(c, 0) == pytest.approx(c * math.sqrt(2 - c * c) - c, abs=1e-15)
        for u in (0.01, 0.2, 0.5, 0.9):
            slope = (bracket(c, u + 1e-6) - bracket(c, u - 1e-6)) / 2e-6
            psi = math.asin((1 - u) * c / math.sqrt(2))
            least = math.pi - 2 * psi - 2 * math.tan(psi) * (1 - (1 - u) * c * c)
            assert least + u * c**3 / math.sqrt(1 - (u * c) ** 2) == pytest.approx(slope, abs=1e-8)
            assert least > certificate.lower_bound


def test_identities_of_the_reduction_hold_and_notice_a_wrong_coefficient():
    assert all(reduction_identities().values())
    lost = [name for name, holds in reduction_identities(weight=2).items() if not holds]
    assert lost == ["H"]


def test_a_quotient_of_no_number_is_no_number():
    assert not _arcsin_quotient(arb.nan()).is_finite()


def test_lower_critical_points_become_minima_at_width_six():
    smallest = {}
    for width in (3, 4, 5, 6, 8):
        x, y = (double(entry) for entry in lower_critical_point(width))
        W = embed(x, y, width)[0]
        assert population.gradient(W, teacher(width)).abs().max() < 1e-12
        matrix = population.hessian(W, teacher(width)).reshape(width**2, width**2)
        smallest[width] = float(torch.linalg.eigvalsh(matrix)[0])
    assert max(smallest[width] for width in (3, 4, 5)) < -1e-3
    assert min(smallest[width] for width in (6, 8)) > 1e-3
    with pytest.raises(ValueError, match="width 2"):
        lower_critical_point(2)
