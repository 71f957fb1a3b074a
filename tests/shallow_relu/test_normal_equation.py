"""The normal equation against autograd, samples, integration and the formula of the plane."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from shallow_relu import population
from shallow_relu.normal_equation import (
    eliminated_norms,
    functional_norms,
    normal_equation,
    one_signed_margin,
    projected_matrix,
    reduced_matrix,
    separating_functions,
    smallest_gradient,
)
from shallow_relu.two_neurons import separable_on_circle

PI = math.pi
EPS = torch.finfo(torch.float64).eps
close = partial(torch.testing.assert_close, rtol=0)


def normal(*shape, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def unit(*shape, seed):
    return torch.nn.functional.normalize(normal(*shape, seed=seed), dim=-1)


def circle(*angles):
    angles = torch.tensor(angles, dtype=torch.float64)
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


def risk_gradient(W, W_star):
    leaf = W.clone().requires_grad_()
    return torch.autograd.grad(population.risk(leaf, W_star).sum(), leaf)[0]


def separating_by_integration(W, v, points=20_000):
    """L from its meaning as a projection: least squares on a fine grid of the circle.

    Second order in the step for directions at multiples of pi / 50: all kinks and jumps then lie
    between cells.
    """
    phi = (np.arange(points) + 0.5) * 2 * PI / points
    x = np.stack([np.cos(phi), np.sin(phi)], axis=-1)
    directions = W.numpy() / np.linalg.norm(W.numpy(), axis=-1, keepdims=True)
    features = np.maximum(x @ directions.T, 0)
    target = np.maximum(x @ v.numpy() / np.linalg.norm(v.numpy()), 0)
    rest = target - features @ np.linalg.lstsq(features, target, rcond=1e-9)[0]
    gates = (x @ directions.T > 0) * rest[:, None]
    # The square of the radius has mean 2.
    return torch.from_numpy(2 * PI * 2 * gates.T @ (x @ directions.T) / points)


@pytest.mark.parametrize("K, M, d", [(1, 1, 2), (2, 2, 2), (3, 3, 5), (4, 2, 3)])
def test_normal_equation_is_the_gradient(K, M, d):
    W, W_star = normal(3, K, d, seed=K), normal(M, d, seed=10 + K)
    Y, B_star = normal_equation(W, W_star)
    assert Y.shape == (3, K, K) and B_star.shape == (3, K, M)
    E = torch.nn.functional.normalize(W, dim=-1)
    close(Y @ E - B_star @ W_star, 2 * PI * risk_gradient(W, W_star), atol=1e-12)


@pytest.mark.parametrize("K, M, d", [(1, 2, 2), (2, 2, 3), (3, 3, 3), (4, 2, 6)])
def test_projections_of_the_gradient(K, M, d):
    W, W_star = normal(2, K, d, seed=20 + K), normal(2, M, d, seed=30 + K)
    E = torch.nn.functional.normalize(W, dim=-1)
    expected = 2 * PI * risk_gradient(W, W_star) @ E.mT
    norms, norms_star = W.norm(dim=-1)[..., None], W_star.norm(dim=-1)[..., None]
    left = (
        projected_matrix(W, W) @ norms[:, None] - projected_matrix(W, W_star) @ norms_star[:, None]
    )
    close(left.squeeze(-1), expected, atol=1e-12)
    left = reduced_matrix(W, W) @ norms - reduced_matrix(W, W_star) @ norms_star
    close(left.squeeze(-1), expected.diagonal(dim1=-2, dim2=-1), atol=1e-12)


@pytest.mark.parametrize("K", [1, 2, 3, 5])
def test_zeros_of_the_separating_functions(K):
    """[tian2017, Prop 1]."""
    W = normal(4, K, K + 1, seed=40 + K)
    close(separating_functions(W, W), torch.zeros(4, K, K, K).double(), atol=1e-12)
    own = separating_functions(W, normal(4, 6, K + 1, seed=50)).diagonal(dim1=1, dim2=2)
    close(own, torch.zeros_like(own), atol=1e-12)


def test_separability():
    """With norms that solve Eq. 13 the equations left are sums over the teacher neurons."""
    W, W_star = normal(3, 4, seed=60), normal(3, 4, seed=61)
    E, norms_star = torch.nn.functional.normalize(W, dim=-1), W_star.norm(dim=-1)
    # Start from norms, and choose the teacher's that fit them, so that all are positive.
    W_star = W_star + 2 * W
    norms_star = W_star.norm(dim=-1)
    norms = eliminated_norms(W, W_star) @ norms_star
    assert (norms > 0).all()
    gradient = risk_gradient(norms[:, None] * E, W_star)
    close(2 * PI * gradient @ E.mT, -separating_functions(W, W_star) @ norms_star, atol=1e-12)


@pytest.mark.parametrize("t", [0.01, 0.4, 1.5, 3.0])
def test_two_neurons_in_the_plane(t):
    phi = torch.linspace(0, 2 * PI, 41, dtype=torch.float64)
    L = separating_functions(circle(0.0, t), circle(*phi.tolist()))
    theta12 = torch.tensor(t, dtype=torch.float64)
    accuracy = 20 * EPS * torch.linalg.cond(reduced_matrix(circle(0.0, t), circle(0.0, t))).item()
    close(L[0, 1], separable_on_circle(phi, theta12), atol=accuracy)
    mirrored = torch.remainder(t - phi, 2 * PI)
    close(L[1, 0], separable_on_circle(mirrored, theta12), atol=accuracy)


@pytest.mark.parametrize(
    "W",
    [
        circle(0.3 * PI),
        circle(0.0, 0.3 * PI, 0.8 * PI),
        circle(0.1 * PI, 0.1 * PI, 0.64 * PI),
        circle(0.06 * PI, 1.06 * PI, 0.3 * PI),
        circle(*(i * PI + offset * PI for i in range(2) for offset in (0, 0.2, 0.7))),
    ],
    ids=["one", "generic", "coincident", "antipodal", "three antipodal pairs"],
)
def test_meaning_as_a_projection(W):
    """Also where the reduced matrix is singular: then any generalised inverse would do."""
    v = circle(1.4 * PI)
    L = separating_functions(W, v)[..., 0]
    close(L, separating_by_integration(W, v[0]), atol=1e-6)
    assert L.numel() == 1 or L.abs().max() > 1e-3


def test_samples_outside_of_the_plane():
    W, v = unit(3, 4, seed=70), unit(1, 4, seed=71)
    x = normal(400_000, 4, seed=72)
    coefficients = eliminated_norms(W, v)[:, 0]
    rest = torch.relu(x @ v[0]) - torch.relu(x @ W.mT) @ coefficients
    values = 2 * PI * (x @ W.mT > 0)[:, :, None] * (x @ W.mT)[:, None, :] * rest[:, None, None]
    error = values.std(dim=0) / math.sqrt(len(x))
    score = (values.mean(dim=0) - separating_functions(W, v)[..., 0]) / error
    assert score.abs().max() < 4.5


@pytest.mark.parametrize(
    "W, singular",
    [
        (circle(0.0, 1.0, 2.0), False),
        (circle(0.0, 1.0, 1.0), True),
        (circle(0.0, PI), False),
        (circle(0.0, PI, 1.0, 1 + PI), False),
        (circle(*(PI / 3 * i for i in range(6))), True),
    ],
)
def test_when_the_reduced_matrix_is_singular(W, singular):
    smallest = torch.linalg.eigvalsh(reduced_matrix(W, W))[0].item()
    assert smallest > -1e-14
    assert (smallest < 1e-14) == singular
    assert singular or smallest > 0.01


def test_margin():
    L = torch.zeros(2, 2, 2, 3, dtype=torch.float64)
    L[0, 0, 1], L[0, 1, 0] = torch.tensor([0.5, 2.0, 3.0]), torch.tensor([-1.0, -4.0, -0.7])
    L[1, 0, 1], L[1, 1, 0] = torch.tensor([0.5, -2.0, 3.0]), torch.tensor([1.0, 0.0, 2.0])
    L[:, 0, 0] = 9.0
    close(one_signed_margin(L), torch.tensor([0.7, 0.0]).double(), atol=0)
    assert one_signed_margin(torch.ones(1, 1, 2)) == -math.inf


def test_critical_points_are_never_one_signed():
    """The saddle of two neurons on the antipodal line, [tian2017, Sec 5.3] turned outwards."""
    half = 0.7
    W_star = circle(half, -half)

    def h(t):
        return (PI - t) * math.cos(t) + math.sin(t)

    W = torch.tensor([[2 * h(half) / PI, 0], [-2 * h(PI - half) / PI, 0]], dtype=torch.float64)
    assert risk_gradient(W, W_star).abs().max() < 1e-15
    L = separating_functions(W, W_star)
    close(L.sum(dim=-1), torch.zeros(2, 2).double(), atol=1e-13)
    assert one_signed_margin(L).abs() < 1e-13
    # Both teachers on one side of a neuron: ruled out.
    assert one_signed_margin(separating_functions(circle(0.2, 2.0), circle(0.5, 1.4))) > 0.05


@pytest.mark.parametrize("K, d", [(2, 2), (3, 3), (3, 5)])
def test_smallest_gradient_over_the_norms(K, d):
    W, W_star = normal(5, K, d, seed=80 + d), normal(5, 2, d, seed=90 + d)
    smallest = smallest_gradient(W, W_star)
    # A lower bound of the gradient at these directions and all norms.
    scales = torch.rand(200, 1, K, 1, generator=torch.Generator().manual_seed(81)).double() * 3
    norms = risk_gradient(scales * W, W_star).flatten(-2).norm(dim=-1)
    assert (norms >= smallest * (1 - 1e-12)).all() and (smallest > 1e-3).all()
    # The gradient is linear in the norms: columns from differences, solved by other software.
    E = torch.nn.functional.normalize(W, dim=-1)
    start = risk_gradient(W, W_star)
    for b in range(5):
        columns = [
            risk_gradient(W[b] + E[b] * (torch.arange(K) == i)[:, None], W_star[b]) - start[b]
            for i in range(K)
        ]
        columns = torch.stack(columns).flatten(1).T.numpy()
        rest = np.linalg.lstsq(columns, start[b].flatten().numpy(), rcond=None)[1]
        assert smallest[b].item() == pytest.approx(math.sqrt(rest[0]), abs=1e-12)


@pytest.mark.parametrize("K, d", [(2, 2), (3, 3), (4, 6)])
def test_functional_norms(K, d):
    """The functionals see no norm of the student; rebuilt here by a loop over the pairs."""
    W, W_star = normal(2, K, d, seed=100 + d), normal(2, 3, d, seed=110 + d)
    size = functional_norms(W)
    E = torch.nn.functional.normalize(W, dim=-1)
    value = -(separating_functions(W, W_star) @ W_star.norm(dim=-1)[:, None, :, None]).squeeze(-1)
    for b in range(2):
        columns = torch.stack(
            [
                risk_gradient(W[b] + E[b] * (torch.arange(K) == i)[:, None], W_star[b])
                for i in range(K)
            ]
        )
        columns = columns - risk_gradient(W[b], W_star[b])
        for j in range(K):
            for i in range(K):
                # Subtract rows along themselves until no norm matters.
                rows = torch.zeros(K, d, dtype=torch.float64)
                rows[j] = E[b, i]
                system = torch.einsum("lrx,rx->lr", columns, E[b])
                rows = (
                    rows - torch.linalg.solve(system, (columns * rows).sum((1, 2)))[:, None] * E[b]
                )
                result = (risk_gradient(W[b], W_star[b]) * rows).sum() * 2 * PI
                assert result.item() == pytest.approx(value[b, j, i].item(), abs=1e-11)
                assert rows.norm().item() == pytest.approx(size[b, j, i].item(), abs=1e-11)
