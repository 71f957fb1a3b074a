"""Critical points for single-index targets against the risk's gradient and against integration."""

import math

import mpmath
import pytest
import torch

from shallow_relu import both_layers, population, single_index
from shallow_relu import single_index_saddles as saddles


@pytest.mark.parametrize("theta", [0.2, 1.1, 2.8])
def test_rotation_derivatives_against_differences_of_an_integral(theta):
    """In the plane: the kernel by integration over the angle of the input."""

    def kernel(t):
        between = mpmath.mpf(theta) - t
        ends = [between - mpmath.pi / 2, mpmath.pi / 2]
        return mpmath.quad(lambda x: mpmath.cos(x) * mpmath.cos(x - between), ends) / mpmath.pi

    with mpmath.workdps(40):
        expected = [float(mpmath.diff(kernel, 0, n)) for n in (1, 2)]
    e1, e2 = torch.eye(2, dtype=torch.float64)
    v = math.cos(theta) * e1 + math.sin(theta) * e2
    found = [float(x) for x in saddles.rotation_derivatives(e1, e2, v)]
    assert found == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("s", [(1.0, 0.5), (-1.0, -0.3), (2.0, 0.7), (1.0, 1.0)])
def test_isolated_neuron_is_critical_with_its_risk_and_curvature(s):
    point = saddles.isolated_neuron(*s)
    W_star, a_star = single_index.teacher(torch.eye(3, dtype=torch.float64)[0], *s)

    def at(turn):
        place = point.angle + turn
        W = torch.tensor([[math.cos(place), math.sin(place), 0.0]], dtype=torch.float64)
        return W, W_star, torch.tensor([point.coefficient], dtype=torch.float64), a_star

    assert population.gradient(*at(0)).abs().max() < 1e-14
    assert population.output_gradient(*at(0)).abs().max() < 1e-14
    low, middle, high = (float(population.risk(*at(t))) for t in (-1e-3, 0, 1e-3))
    assert middle == pytest.approx(point.risk, abs=1e-14)
    assert (low + high - 2 * middle) / 1e-6 == pytest.approx(point.curvature, rel=1e-5)


@pytest.mark.parametrize("s", [(1.0, -0.5), (1.0, 0.0), (0.0, 0.0)])
def test_no_isolated_neuron_for_slopes_of_two_signs(s):
    with pytest.raises(ValueError, match="no isolated neuron"):
        saddles.isolated_neuron(*s)


@pytest.mark.parametrize("side", [1, -1])
def test_force_across_by_the_gated_error(side):
    W = torch.tensor([[0.3, 0.9], [2.0, 0], [-1.0, 0]], dtype=torch.float64)
    a = torch.tensor([0.8, -1, 0.4], dtype=torch.float64)
    phi = torch.atan2(W[0, 1], W[0, 0])
    W_star, a_star = single_index.teacher(torch.eye(2, dtype=torch.float64)[0], 1.3, -0.2)
    found = saddles.force_across(a[0] * W[0].norm(), phi, side)
    place = side * W_star[:1]
    expected = both_layers.gated_error(place, W, W_star, a, a_star)[0, 1]
    assert abs(found - expected) < 1e-15


def test_a_side_that_is_none():
    with pytest.raises(ValueError, match="side 0"):
        saddles.force_across(torch.tensor(1.0), torch.tensor(1.0), 0)


@pytest.mark.parametrize("s", [(1.0, -0.5), (-0.2, 3.0), (2.0, -1.3)])
def test_neurons_on_the_cone_are_uncorrelated_with_the_target(s):
    theta = float(saddles.cone_angle(*s))
    x = torch.randn(400_000, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    w = torch.tensor([math.cos(theta), math.sin(theta)], dtype=x.dtype)
    product = single_index.link(x[:, 0], *s) * (x @ w).relu()
    assert abs(product.mean()) / product.std() * math.sqrt(len(x)) < 4.5


def test_no_cone_for_slopes_of_one_sign():
    with pytest.raises(ValueError, match="no cone"):
        saddles.cone_angle(1.0, 0.5)


@pytest.mark.parametrize(("count", "s_minus", "near"), [(4, 0.8, 0.48), (6, 0.8, 0.5)])
def test_the_ring_is_critical(count, s_minus, near):
    with mpmath.workdps(30):
        theta, coefficient = saddles.ring(count, mpmath.mpf(1), mpmath.mpf(s_minus), near)
        W = [[float(x) for x in row] for row in saddles.ring_directions(theta, count)]
    W = torch.tensor(W, dtype=torch.float64)
    a = torch.full((count,), float(coefficient), dtype=W.dtype)
    W_star, a_star = single_index.teacher(torch.eye(3, dtype=W.dtype)[0], 1.0, s_minus)
    assert torch.allclose(W.norm(dim=1), W.new_ones(count))
    assert population.gradient(W, W_star, a, a_star).abs().max() < 1e-15
    assert population.output_gradient(W, W_star, a, a_star).abs().max() < 1e-15


def test_a_ring_of_one_neuron_is_none():
    with pytest.raises(ValueError, match="two neurons"):
        saddles.ring(1, 1.0, 0.8, 0.5)
