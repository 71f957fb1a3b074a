"""Angular integration against the population risk and against known moments."""

import pytest
import torch

from shallow_relu import population
from shallow_relu.plane_quadrature import mean_in_the_plane


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(8)


def test_second_moments(generator):
    u, v = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    mean = mean_in_the_plane(lambda x: (x @ u) * (x @ v), torch.stack([u, v]))
    assert float(mean) == pytest.approx(float(u @ v), abs=1e-14)
    positive = mean_in_the_plane(lambda x: torch.relu(x @ u) ** 2, u[None])
    assert float(positive) == pytest.approx(float(u @ u) / 2, rel=1e-13)


def test_risk_of_a_network(generator):
    for _ in range(10):
        W, W_star = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64)

        def square(x, W=W, W_star=W_star):
            gap = torch.relu(x @ W.mT).sum(-1) - torch.relu(x @ W_star.mT).sum(-1)
            return gap**2 / 2

        mean = mean_in_the_plane(square, torch.cat([W, W_star]))
        assert float(mean) == pytest.approx(float(population.risk(W, W_star)), rel=1e-12)
        # Without the kinks the rule is not exact.
        assert abs(float(mean_in_the_plane(square, W[:1]) - mean)) > 1e-9 * float(mean)
