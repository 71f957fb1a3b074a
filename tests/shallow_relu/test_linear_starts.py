import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from shallow_relu.linear_starts import is_trapped, trapping_probability


def velocity(_, w):
    """Flow on the line from one-dimensional integrals: half of the inputs have either sign."""
    pull = [0.0, 0.0]
    for x in (1.0, -1.0):
        residual = max(w[0] * x, 0) - max(w[1] * x, 0) - x
        pull[0] -= residual * x * (w[0] * x > 0) / 2
        pull[1] += residual * x * (w[1] * x > 0) / 2
    return pull


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_trapped_starts_against_an_integrator(beta):
    starts = np.random.default_rng(1).normal(scale=2.0, size=(40, 2))
    ends = [solve_ivp(velocity, (0, 60), w, max_step=0.05).y[:, -1] for w in starts]
    stuck = [abs(w[0] - 1) + abs(w[1] + 1) > 0.1 for w in ends]
    assert is_trapped(torch.tensor(starts * beta), beta).tolist() == stuck
    assert 5 < sum(stuck) < 35


@pytest.mark.parametrize("size", [0.3, 1.0, 4.0])
def test_probability_by_counting(size):
    generator = torch.Generator().manual_seed(2)
    W = size * torch.randn(200_000, 2, generator=generator, dtype=torch.float64)
    p, share = trapping_probability(size), is_trapped(W).to(torch.float64).mean().item()
    assert abs(share - p) < 4 * math.sqrt(p * (1 - p) / len(W)) + 1e-9


def test_size_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        trapping_probability(0.0)
