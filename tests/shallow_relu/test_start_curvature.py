import math

import pytest
import torch

from shallow_relu import curvature, networks
from shallow_relu import start_curvature as at_start


def drawn(K, d, count, seed, law="gaussian"):
    generator = torch.Generator().manual_seed(seed)
    return networks.start(K, d, generator, batch=(count,), law=law)


def test_moments_of_the_start_against_samples():
    for d in (1, 3, 40):
        W, a = drawn(1, d, 200_000, d)
        size = W.square().sum(-1)
        samples = (size, size.square(), a.square(), a.pow(4), a.square() * size)
        for exact, sample in zip(at_start.start_moments(d)[1:], samples, strict=True):
            assert abs(sample.mean() - exact) < 5 * sample.std() / math.sqrt(200_000)
    with pytest.raises(ValueError, match="positive"):
        at_start.start_moments(0)


def test_limit_against_one_wide_network_on_any_inputs():
    generator = torch.Generator().manual_seed(5)
    X = networks.inputs_of_random_direction(3, 6, generator)
    y = networks.labels(6, generator)
    moments = at_start.start_moments(3)
    W, a = networks.start(400_000, 3, generator)
    # The exact spread is about 20 / sqrt(K), so that 0.15 is five times it.
    measured = 6 * curvature.local_curvature(W, a, X, y)
    assert abs(measured - at_start.limit_mean(X, y, moments.w2, moments.a2)) < 0.15


def test_the_two_formulas_for_the_mean_agree_on_orthogonal_inputs():
    generator = torch.Generator().manual_seed(6)
    for n, d in ((1, 1), (4, 4), (5, 9)):
        norms, y = 1 + torch.rand(n, generator=generator).double(), networks.labels(n, generator)
        X = torch.zeros(d, n, dtype=torch.float64)
        X[:n] = torch.diag(norms)
        moments = at_start.start_moments(d)
        mean, _ = at_start.orthogonal_limit(norms, y, moments)
        expected = at_start.limit_mean(X, y, moments.w2, moments.a2)
        assert mean == pytest.approx(float(expected), rel=1e-12)
    with pytest.raises(ValueError, match="do not fit"):
        at_start.orthogonal_limit(torch.ones(3), torch.ones(3), at_start.start_moments(2))


@pytest.mark.parametrize(("size", "outer"), [(1.0, 0.0), (1.0, 1.0), (1.0, 3.0), (0.3, 1.0)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (1, -1, 1)])
def test_spread_against_the_terms_of_single_neurons(signs, size, outer):
    """Norms of both layers fixed, so that each part of the formula counts."""
    generator = torch.Generator().manual_seed(8)
    norms = torch.tensor([1.0, 1.7, 1.2], dtype=torch.float64)
    y = torch.tensor([1.0, 2.0, 1.3], dtype=torch.float64) * torch.tensor(signs)
    moments = at_start.StartMoments(4, size**2, size**4, outer**2, outer**4, (size * outer) ** 2)
    mean, spread = at_start.orthogonal_limit(norms, y, moments)
    W = torch.randn(400_000, 4, generator=generator, dtype=torch.float64)
    active = norms * (size * W / W.norm(dim=1, keepdim=True))[:, :3]
    sign = torch.where(torch.rand(400_000, generator=generator) < 0.5, -1.0, 1.0)
    # The quotient that defines n mu, differentiated by hand in one neuron's weight.
    square = y.square().sum()
    images = active.relu() * (active.relu() @ y)[:, None]
    images = images + outer**2 * (active > 0) * norms.square() * y
    quotient = (images @ y) / square
    outputs = sign[:, None] * outer * active.relu()
    image = images.mean(0)
    first_order = quotient + 2 * (outputs @ (quotient.mean() * y - image)) / square
    assert mean == pytest.approx(float(2 * quotient.mean()), rel=0.01)
    assert spread == pytest.approx(float(2 * first_order.std()), rel=0.01)


def test_spread_against_wide_networks():
    n, K, count = 3, 2000, 800
    norms = torch.tensor([1.0, 1.7, 1.2], dtype=torch.float64)
    y = torch.tensor([1.0, 2.0, 1.3], dtype=torch.float64)
    mean, spread = at_start.orthogonal_limit(norms, y, at_start.start_moments(n))
    W, a = drawn(K, n, count, 7)
    mu = n * curvature.local_curvature(W, a, torch.diag(norms), y)
    score = math.sqrt(K) * (mu - mean) / spread
    # A variance of 800 nearly normal numbers errs by sqrt(2 / 800) = 0.05.
    assert abs(score.var() - 1) < 0.2
    assert abs(score.mean()) < 0.15
