"""Collinear critical points against the risk's own gradient and Hessian, and against samples."""

import math

import pytest
import torch

from shallow_relu import collinear, population


def unit(place):
    place = torch.as_tensor(place, dtype=torch.float64)
    return torch.stack([place.cos(), place.sin()], dim=-1)


def teacher(degrees, ratio):
    half = math.radians(degrees) / 2
    return torch.stack([unit(half), ratio * unit(-half)])


def students(e, W_star, shares):
    return torch.tensor(shares, dtype=torch.float64)[:, None] * collinear.total_norm(e, W_star) * e


def difference_hessian_eigenvalues(W, W_star, step=1e-7):
    """Hessian of the risk by central differences of its gradient.

    At collinear neurons the gradient has one derivative, not two: the error is of the first order.
    """
    steps = step * torch.eye(W.numel(), dtype=W.dtype).reshape(-1, *W.shape)
    columns = population.gradient(W + steps, W_star) - population.gradient(W - steps, W_star)
    hessian = columns.reshape(W.numel(), -1) / (2 * step)
    return torch.linalg.eigvalsh((hessian + hessian.T) / 2)


@pytest.mark.parametrize(("degrees", "ratio"), [(60, 1.0), (90, 1.5), (150, 1.0), (165, 3.0)])
def test_critical_directions_are_critical_and_all_others_are_not(degrees, ratio):
    W_star = teacher(degrees, ratio)
    places = collinear.critical_directions(W_star)
    assert len(places) >= 2
    for place in places:
        W = students(unit(place), W_star, [0.2, 0.8])
        assert population.gradient(W, W_star).norm() < 1e-14
    for place in torch.linspace(0, 6.2, 40, dtype=torch.float64):
        if (torch.remainder(places - place + 0.05, 2 * math.pi) > 0.1).all():
            W = students(unit(place), W_star, [0.2, 0.8])
            assert population.gradient(W, W_star).norm() > 1e-3


def test_number_of_directions_changes_at_the_transition():
    degrees = math.degrees(2 * collinear.transition_half_angle())
    assert len(collinear.critical_directions(teacher(degrees - 0.5, 1.0), 2000)) == 2
    assert len(collinear.critical_directions(teacher(degrees + 0.5, 1.0), 2000)) == 4


def test_gradient_across_is_the_imbalance_by_samples():
    """The gradient from 2 million inputs, in units of its standard error."""
    W_star, e = teacher(80, 1.7), unit(0.3)
    W = torch.stack([0.4 * e, 1.1 * e])
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2_000_000, 2, generator=generator, dtype=torch.float64)
    residual = torch.relu(x @ W.T).sum(1) - torch.relu(x @ W_star.T).sum(1)
    samples = residual * (x @ e > 0) * (x @ unit(0.3 + math.pi / 2))
    expected = -(collinear.imbalance(e, W_star) @ unit(0.3 + math.pi / 2)) / (2 * math.pi)
    error = samples.std() / math.sqrt(len(x))
    assert abs(expected) > 20 * error
    assert abs(samples.mean() - expected) < 4 * error


def test_imbalance_in_higher_dimensions_is_minus_two_pi_times_the_gradient_across():
    generator = torch.Generator().manual_seed(5)
    W_star = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    e = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    direction = e / e.norm(dim=1, keepdim=True)
    W = torch.stack([0.5 * direction, 2 * direction], dim=1)
    gradient = population.gradient(W, W_star)
    across = gradient - (gradient * direction[:, None]).sum(-1, keepdim=True) * direction[:, None]
    expected = -collinear.imbalance(e, W_star)[:, None] / (2 * math.pi)
    torch.testing.assert_close(across, expected.expand_as(across), rtol=0, atol=1e-14)


def test_total_norm_makes_the_gradient_along_vanish():
    generator = torch.Generator().manual_seed(6)
    W_star = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    e = torch.randn(4, generator=generator, dtype=torch.float64)
    e = e / e.norm()
    gradient = population.gradient(students(e, W_star, [0.1, 0.3, 0.6]), W_star)
    assert (gradient @ e).abs().max() < 1e-14


@pytest.mark.parametrize("dimension", [2, 3, 5])
def test_eigenvalues_against_the_hessian_of_the_risk(dimension):
    generator = torch.Generator().manual_seed(dimension)
    W_star = torch.randn(3, dimension, generator=generator, dtype=torch.float64)
    e = torch.randn(dimension, generator=generator, dtype=torch.float64)
    e = e / e.norm()
    norms = torch.tensor([0.4, 0.9, 1.3], dtype=torch.float64)
    expected = difference_hessian_eigenvalues(norms[:, None] * e, W_star)
    result = collinear.hessian_eigenvalues(norms, e, W_star)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("degrees", [30, 90, 127, 128, 170])
def test_antipodal_student_and_its_eigenvalues(degrees):
    half = math.radians(degrees) / 2
    W, W_star = collinear.antipodal_student(half), teacher(degrees, 1.0)
    assert population.gradient(W, W_star).norm() < 1e-15
    expected = difference_hessian_eigenvalues(W, W_star)
    values = collinear.antipodal_eigenvalues(half)
    torch.testing.assert_close(values, expected, rtol=2e-4, atol=1e-6)
    assert int((values < 0).sum()) == (1 if half < collinear.transition_half_angle() else 2)


def test_transition_angle():
    x = collinear.transition_half_angle()
    assert math.tan(x) == pytest.approx(math.pi - x, rel=1e-13)
    places = torch.linspace(0, math.pi, 200_001, dtype=torch.float64)
    best = ((math.pi - places) * places.sin()).argmax()
    assert places[best].item() == pytest.approx(x, abs=2e-5)
