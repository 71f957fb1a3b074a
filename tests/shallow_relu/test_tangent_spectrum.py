"""Spectra of Jacobians: exact levels against samples, integration and automatic differentiation."""

import pytest
import torch

from shallow_relu import tangent_spectrum as tangent


@pytest.fixture
def aligned():
    generator = torch.Generator().manual_seed(1)
    size = 0.5 + torch.rand(6, generator=generator, dtype=torch.float64)
    sign = torch.tensor([1.0, 1, 1, -1, -1, -1], dtype=torch.float64)
    w_star = torch.tensor([0.6, 0.8, 0, 0], dtype=torch.float64)
    a = torch.randn(6, generator=generator, dtype=torch.float64)
    return (sign * size)[:, None] * w_star, a, w_star


def test_levels_of_an_aligned_network(aligned):
    W, a, w_star = aligned
    expected = tangent.level_spectrum(*tangent.aligned_levels(W, a, w_star), 4)
    found = tangent.spectrum(W, a)
    assert torch.allclose(found[:8], expected, atol=1e-14)
    assert found[8:].abs().max() < 1e-14


def test_spectrum_by_the_jacobian_on_samples(aligned):
    W, a = aligned[0] + 0.3, aligned[1]
    X = torch.randn(200_000, 4, generator=torch.Generator().manual_seed(2), dtype=W.dtype)
    rows = tangent.jacobian(W, a, X)
    by_samples = torch.linalg.eigvalsh(rows.T @ rows).flip(0)
    assert torch.allclose(by_samples, tangent.spectrum(W, a), rtol=0.03, atol=2e-3)


def test_jacobian_by_automatic_differentiation(aligned):
    W, a = aligned[0] + 0.2, aligned[1]
    X = torch.randn(5, 4, generator=torch.Generator().manual_seed(3), dtype=W.dtype)

    def outputs(state):
        return (X @ state[:, :-1].T).relu() @ state[:, -1] / 5**0.5

    state = torch.cat([W, a[:, None]], dim=1)
    expected = torch.autograd.functional.jacobian(outputs, state).flatten(1)
    assert torch.allclose(tangent.jacobian(W, a, X), expected)


def test_overlaps_by_samples(aligned):
    W, a, w_star = aligned
    W = W + 0.1
    X = torch.randn(400_000, 4, generator=torch.Generator().manual_seed(4), dtype=W.dtype)
    rows = tangent.jacobian(W, a, X)
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    functions = rows @ vectors.flip(1)[:, :3] / values.flip(0)[:3].sqrt()
    relu = (X @ w_star).relu()
    relu = relu / relu.norm()
    expected = (functions * relu[:, None]).sum(0).square()
    assert torch.allclose(tangent.overlaps(W, a, w_star, 3), expected, atol=0.02)


def test_input_gradients_by_samples(aligned):
    W, a = aligned[0] + 0.3, aligned[1]
    X = torch.randn(400_000, 4, generator=torch.Generator().manual_seed(5), dtype=W.dtype)
    slopes = ((X @ W.T > 0) * a) @ W
    expected = slopes.T @ slopes / len(X)
    assert torch.allclose(tangent.input_gradient_covariance(W, a), expected, atol=0.02)


def test_participation_ratio_counts_equal_eigenvalues():
    values = torch.tensor([[2.0, 2, 2, 0], [1, 0, 0, 0]], dtype=torch.float64)
    assert tangent.participation_ratio(values).tolist() == [3, 1]
