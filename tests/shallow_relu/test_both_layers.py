"""Both layers at once, against differences, samples and integration over the angle."""

import math

import mpmath
import pytest
import torch

from shallow_relu import both_layers, flows, population
from shallow_relu.plane_quadrature import mean_in_the_plane


@pytest.fixture
def networks():
    generator = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return normal(4, 3, 5), normal(2, 5), normal(4, 3), normal(2)


def test_hessian_against_differences_of_the_gradient(networks):
    W, W_star, a, a_star = networks
    state = torch.cat([W, a[..., None]], dim=-1)
    steps = 1e-5 * torch.eye(18, dtype=state.dtype).reshape(18, 1, 3, 6)

    def slope(s):
        s = s.reshape(-1, 3, 6)
        many = flows.joint_gradient(s, W_star.expand(len(s), 2, 5), a_star.expand(len(s), 2))
        return many.reshape(18, 4, 18)

    expected = (slope(state + steps) - slope(state - steps)).movedim(0, -1) / 2e-5
    found = both_layers.joint_hessian(W, W_star, a, a_star)
    assert torch.allclose(found, expected, atol=1e-9)


def test_hessian_at_a_dead_neuron_that_is_zero(networks):
    W, W_star, a, a_star = (t[0] if t.ndim > 2 else t for t in networks)
    W, a = W.clone(), networks[2][0].clone()
    W[1], a[1] = 0, 0
    found = both_layers.joint_hessian(W, W_star, a, a_star)
    assert torch.isfinite(found).all()
    assert (found[6:12] == 0).all()


def test_error_correlation_and_gated_error_by_samples(networks):
    W, W_star, a, a_star = networks[0][0], networks[1], networks[2][0], networks[3]
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(400_000, 5, generator=generator, dtype=torch.float64)
    v = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    error = (x @ W.T).relu() @ a - (x @ W_star.T).relu() @ a_star
    G = error[:, None] * (x @ v.T).relu()
    score = (G.mean(0) - both_layers.error_correlation(v, W, W_star, a, a_star)) / G.std(0)
    assert (score.abs() * math.sqrt(len(x)) < 4.5).all()
    q = error[:, None, None] * (x @ v.T > 0)[..., None] * x[:, None]
    score = (q.mean(0) - both_layers.gated_error(v, W, W_star, a, a_star)) / q.std(0)
    assert (score.abs() * math.sqrt(len(x)) < 4.5).all()


def test_what_a_new_neuron_changes(networks):
    W, W_star, a, a_star = networks[0][0], networks[1], networks[2][0], networks[3]
    v, eta = W_star[:1] + 0.3, torch.tensor([0.7], dtype=W.dtype)
    wider = population.risk(torch.cat([W, v]), W_star, torch.cat([a, eta]), a_star)
    G = both_layers.error_correlation(v, W, W_star, a, a_star)
    expected = eta * G + eta**2 * v.square().sum() / 4
    assert torch.allclose(wider - population.risk(W, W_star, a, a_star), expected)


def test_tangent_matrix_by_integration():
    generator = torch.Generator().manual_seed(3)
    W = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    a = torch.randn(3, generator=generator, dtype=torch.float64)

    def features(x):
        pre = x @ W.T
        in_neurons = a[:, None] * (pre > 0)[..., None] * x[:, None]
        return torch.cat([in_neurons, pre.relu()[..., None]], dim=-1).flatten(1)

    found = both_layers.tangent_matrix(W, a)
    for i in range(9):
        for j in range(9):
            mean = mean_in_the_plane(lambda x, i=i, j=j: features(x)[:, i] * features(x)[:, j], W)
            assert abs(found[i, j] - mean) < 1e-13


def test_precise_gradient_is_the_gradient(networks):
    W, W_star, a, a_star = networks[0][0], networks[1], networks[2][0], networks[3]
    W = torch.cat([W, -W_star[:1], W[:1]])  # an antipodal and a parallel pair
    a = torch.cat([a, a[:2]])
    with mpmath.workdps(40):
        in_neurons, in_outputs = both_layers.precise_gradient(
            W.tolist(), W_star.tolist(), a.tolist(), a_star.tolist()
        )
    found = torch.tensor([[float(x) for x in row] for row in in_neurons], dtype=W.dtype)
    assert torch.allclose(found, population.gradient(W, W_star, a, a_star), atol=1e-13)
    found = torch.tensor([float(x) for x in in_outputs], dtype=W.dtype)
    assert torch.allclose(found, population.output_gradient(W, W_star, a, a_star), atol=1e-13)


def test_gradient_in_one_pass(networks):
    W, W_star, a, a_star = networks
    W = W.clone()
    W[0, 1], W[1, 2], W[2, 0], W[3, 0] = 0, W[1, 0], -W_star[0], 3 * W_star[1]
    state = torch.cat([W, a[..., None]], dim=-1)
    teacher = W_star.expand(4, 2, 5), a_star.expand(4, 2)
    found = both_layers.joint_gradient(state, *teacher)
    assert torch.allclose(found, flows.joint_gradient(state, *teacher), atol=1e-13)
    assert (found[0, 1] == 0).all()
