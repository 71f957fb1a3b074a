"""Newton polishing and Hessian signs against points, counts and derivatives known otherwise."""

import math
from functools import partial

import pytest
import torch
from scipy.optimize import brentq

from shallow_relu import population
from shallow_relu.critical_points import (
    count_signs,
    hessian_eigenvalues,
    is_critical,
    polish,
    relative_gradient,
)

PI = math.pi
close = partial(torch.testing.assert_close, rtol=0)


def normal(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def symmetric_saddle(K):
    """[tian2017, Thm 7]: all neurons equal, under an orthonormal teacher."""
    x = (math.sqrt(K - 1) - math.acos(1 / math.sqrt(K)) + PI) / (PI * K)
    return x * torch.ones(K, K, dtype=torch.float64), torch.eye(K, dtype=torch.float64)


def test_polish_returns_to_the_teacher_from_every_student_of_a_batch():
    W_star = normal(3, 4, seed=1)
    W = W_star + 0.05 * normal(6, 3, 4, seed=2)
    polished, gradient_norm = polish(W, W_star)
    close(polished, W_star.expand_as(W), atol=1e-12)
    assert gradient_norm.shape == (6,) and (gradient_norm < 1e-14).all()
    # The start is not touched.
    close(W, W_star + 0.05 * normal(6, 3, 4, seed=2), atol=0)


def test_polish_with_output_weights():
    W_star, a = normal(3, 3, seed=3), torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64)
    polished, gradient_norm = polish(W_star + 0.02 * normal(3, 3, seed=4), W_star, a, a)
    close(polished, W_star, atol=1e-11)
    assert gradient_norm < 1e-14


def test_polish_finds_a_saddle_and_does_not_descend():
    """The saddle outside of the plane of two orthonormal teachers [tian2017, Thm 2]."""
    W_star = torch.tensor([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]], dtype=torch.float64) / math.sqrt(2)
    start = torch.tensor([[0.75, 0.0, 0.4], [0.75, 0.0, -0.4]], dtype=torch.float64)
    # The noise has a part along the direction of descent, along which a minimiser would leave.
    W, gradient_norm = polish(start + 0.02 * normal(2, 3, seed=12), W_star)
    assert gradient_norm < 1e-15
    assert count_signs(hessian_eigenvalues(W, W_star))[0] == 1

    # For w = r (cos b, 0, +-sin b) criticality leaves one equation in b, along the third axis,
    # and the radius, from the projection on w.
    def h(t):
        return (PI - t) * math.cos(t) + math.sin(t)

    def teacher_angle(b):
        return math.acos(math.cos(b) / math.sqrt(2))

    def excess(b):
        theta = teacher_angle(b)
        return h(theta) * (2 * b + math.sin(2 * b)) - math.sin(theta) * (PI + h(2 * b))

    b = brentq(excess, 0.1, 1.0, xtol=1e-15)
    radius = 2 * h(teacher_angle(b)) / (PI + h(2 * b))
    expected = radius * torch.tensor(
        [[math.cos(b), 0, math.sin(b)], [math.cos(b), 0, -math.sin(b)]]
    )
    close(W, expected.double(), atol=1e-7)
    assert W[0].norm().item() == pytest.approx(radius, abs=1e-13)
    assert W[0, 2].item() == pytest.approx(radius * math.sin(b), abs=1e-13)


@pytest.mark.parametrize("K", [2, 3, 5])
def test_polish_converges_onto_a_manifold(K):
    """At the symmetric saddle K - 1 directions are flat: only the sum of the neurons counts."""
    W, W_star = symmetric_saddle(K)
    split = torch.linspace(0.5, 1.5, K, dtype=torch.float64)[:, None]
    polished, gradient_norm = polish(split * W, W_star)
    # Already critical: collinear neurons share their sum as they like.
    close(polished, split * W, atol=1e-13)
    assert gradient_norm < 1e-13
    moved, gradient_norm = polish(split * W * (1 + 1e-3), W_star)
    close(moved.sum(dim=0), W.sum(dim=0), atol=1e-12)
    assert gradient_norm < 1e-14


def test_polish_never_increases_the_gradient():
    W_star, W = normal(3, 5, seed=5), normal(20, 3, 5, seed=6)
    before = population.gradient(W, W_star).flatten(-2).norm(dim=-1)
    for steps in (0, 1, 7):
        polished, after = polish(W, W_star, steps=steps)
        assert (after <= before).all()
        close(population.gradient(polished, W_star).flatten(-2).norm(dim=-1), after, atol=1e-15)
        before = after


def test_one_student_meets_a_batch_of_teachers():
    W_star = normal(4, 2, 3, seed=7)
    polished, gradient_norm = polish(W_star[0] + 1e-3, W_star, steps=3)
    assert polished.shape == (4, 2, 3) and gradient_norm.shape == (4,)
    close(polished[0], polish(W_star[0] + 1e-3, W_star[0], steps=3)[0], atol=1e-13)


@pytest.mark.parametrize("K", [2, 3, 5])
def test_eigenvalues_at_the_symmetric_saddle(K):
    W, W_star = symmetric_saddle(K)
    eigenvalues = hessian_eigenvalues(W, W_star)
    assert eigenvalues.shape == (K * K,)
    assert [int(count) for count in count_signs(eigenvalues)] == [
        (K - 1) ** 2,
        K - 1,
        K * K - (K - 1) ** 2 - (K - 1),
    ]
    # Against automatic differentiation of the gradient, which errs by 1e-6 at equal neurons.
    moved = W + 0.1 * normal(K, K, seed=8)
    jacobian = torch.autograd.functional.jacobian(lambda V: population.gradient(V, W_star), moved)
    expected = torch.linalg.eigvalsh(jacobian.reshape(K * K, K * K))
    close(hessian_eigenvalues(moved, W_star), expected, atol=1e-6)


def test_eigenvalues_of_a_batch_with_output_weights():
    W, W_star, a = normal(2, 3, 2, 4, seed=9), normal(3, 4, seed=10), normal(2, 3, 2, seed=11)
    eigenvalues = hessian_eigenvalues(W, W_star, a)
    assert eigenvalues.shape == (2, 3, 8)
    close(eigenvalues[1, 2], hessian_eigenvalues(W[1, 2], W_star, a[1, 2]), atol=1e-12)


def test_count_signs_is_relative():
    eigenvalues = torch.tensor([[-2.0, -1e-10, 1e-10, 1e-6], [-2e-9, -1e-19, 0, 1e-9]])
    for scale in (1e-100, 1.0, 1e100):
        negative, zero, positive = count_signs(scale * eigenvalues.double())
        assert negative.tolist() == [1, 1]
        assert zero.tolist() == [2, 2]
        assert positive.tolist() == [1, 1]
    assert [int(count) for count in count_signs(eigenvalues[0].double(), 1e-12)] == [2, 0, 2]
    assert [int(count) for count in count_signs(torch.zeros(3))] == [0, 3, 0]


def test_criticality_is_free_of_scale():
    W, W_star = symmetric_saddle(4)
    for scale in (1e-8, 1.0, 1e8):
        assert is_critical(scale * W, scale * W_star)
        assert not is_critical(scale * (W + 1e-8 * torch.eye(4)), scale * W_star)
    close(
        relative_gradient(7 * W + 1, 7 * W_star), relative_gradient(W + 1 / 7, W_star), atol=1e-14
    )
    assert is_critical(torch.stack([W, W + 1]), W_star).tolist() == [True, False]


def test_zero_neurons_are_refused():
    W, W_star = torch.eye(2).double(), torch.eye(2).double()
    W[1] = 0
    with pytest.raises(ValueError, match="zero"):
        polish(W, W_star)
    with pytest.raises(ValueError, match="zero"):
        hessian_eigenvalues(W, W_star)
