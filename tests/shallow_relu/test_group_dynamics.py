import math

import mpmath
import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from shallow_relu import curvature, networks
from shallow_relu import group_dynamics as groups


def test_a_group_start_is_one():
    W, a, X, y, facts = groups.group_start([3, 5], torch.Generator().manual_seed(1))
    assert ((W @ X > 0) == torch.block_diag(torch.ones(1, 3), torch.ones(1, 5)).bool()).all()
    assert (a.sign()[:, None] * y[None] > 0)[W > 0].all()
    torch.testing.assert_close(a.abs(), W.norm(dim=1))
    assert ((y.abs() >= 1) & (y.abs() <= 2)).all() and set(y.sign().tolist()) == {-1.0, 1.0}
    torch.testing.assert_close(facts.rho0, W.square().sum(1))
    direction = torch.stack([torch.where(W[j] > 0, y, 0) for j in range(2)])
    torch.testing.assert_close(facts.size, direction.norm(dim=1))
    cosine = (a[:, None] * W * direction).sum(1) / (a.abs() * W.norm(dim=1) * facts.size)
    torch.testing.assert_close(facts.c0, cosine)


def test_closed_form_against_integration_of_the_network():
    sizes = [3, 5, 8]
    W, a, X, y, (size, c0, rho0) = groups.group_start(sizes, torch.Generator().manual_seed(0))
    n, K = 16, 3
    times = np.linspace(0, 40, 25)

    def right(_, flat):
        state = torch.from_numpy(flat).reshape(K, n + 1)
        return -networks.joint_gradient(state, X, y).reshape(-1).numpy()

    path = solve_ivp(
        right,
        (0, 40),
        networks.join(W, a).reshape(-1).numpy(),
        "DOP853",
        times,
        rtol=1e-11,
        atol=1e-13,
    )
    states = torch.from_numpy(path.y.T.copy()).reshape(-1, K, n + 1)
    errors = (networks.outputs(*networks.split(states), X) - y).square() / (2 * n)
    expected = torch.stack([part.sum(1) for part in errors.split(sizes, dim=1)], dim=1)
    t = torch.from_numpy(times)[:, None]
    found = groups.group_loss(t, n, K, size, c0, rho0)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-12)
    mu = groups.group_decay(t, n, K, size, c0, rho0).sum(1) / found.sum(1)
    early = slice(0, 12)  # later the integrated loss is noise
    exact = curvature.local_curvature(*networks.split(states), X, y)
    torch.testing.assert_close(mu[early], exact[early], rtol=1e-6, atol=0)


@pytest.mark.parametrize("c0, q0", [(0.3, 1e-3), (1.0, 0.2), (-0.5, 0.5), (0.999, 1e-12)])
@pytest.mark.parametrize("tau", [0.0, 0.4, 3.0, 40.0])
def test_closed_form_at_fifty_digits(c0, q0, tau):
    with mpmath.workdps(50):
        c, t, q = mpmath.mpf(c0), mpmath.mpf(tau), mpmath.mpf(q0)
        g = mpmath.cosh(t) + c * mpmath.sinh(t)
        integral = mpmath.quad(lambda s: (mpmath.cosh(s) + c * mpmath.sinh(s)) ** 2, [0, t / 2, t])
        part = q * g**2 / (1 + 2 * q * integral)
        cosine = (mpmath.sinh(t) + c * mpmath.cosh(t)) / g
        expected = [float(x) for x in (part, 1 - part, cosine, 1 - cosine)]
    arguments = [torch.tensor(x, dtype=torch.float64) for x in (tau, c0, q0)]
    found = [*groups.fit(*arguments), *groups.alignment(*arguments[:2])]
    assert [float(x) for x in found] == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_crossing_times_cross():
    level = torch.tensor([0.9, 0.5, 0.1, 1e-6], dtype=torch.float64)
    c0, q0 = torch.tensor(0.4, dtype=torch.float64), torch.tensor(1e-5, dtype=torch.float64)
    tau = groups.crossing_time(level, c0, q0)
    n, K, size = 7, 2, torch.tensor(3.0, dtype=torch.float64)
    rho0 = q0 * K * size
    losses = groups.group_loss(tau * n / size, n, K, size, c0, rho0)
    first = groups.group_loss(0 * tau, n, K, size, c0, rho0)
    torch.testing.assert_close(losses / first, level, rtol=1e-9, atol=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        groups.crossing_time(level * 2, c0, q0)


def test_the_rate_at_the_end_is_twice_or_four_times_the_size():
    one = torch.ones((), dtype=torch.float64)
    for c0, factor in ((0.7, 2), (1.0, 4)):
        arguments = (50 * one, 10, 2, 4 * one, c0 * one, 0.3 * one)
        rate = groups.group_decay(*arguments) / groups.group_loss(*arguments)
        assert float(rate) == pytest.approx(factor * 4 / 10, rel=1e-9)
    assert math.isfinite(rate)
