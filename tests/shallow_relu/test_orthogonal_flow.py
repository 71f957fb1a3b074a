import math

import pytest
import torch

from shallow_relu import curvature, networks
from shallow_relu import orthogonal_flow as orthogonal


def problem(n=7, K=5, batch=3, seed=2, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return orthogonal.orthogonal_problem(n, K, generator, batch=batch, scale=scale)


def test_path_against_the_accurate_flow_of_the_whole_network():
    z, a, norms, y = problem(n=5, K=6, batch=2)
    path = orthogonal.follow(z, a, norms, y, until=4.0, accuracy=0.01)
    assert path.times[-1] == 4
    for b in range(2):
        X = torch.diag(norms[b])
        chosen = path.times[:: len(path.times) // 5]
        W, outer = networks.accurate_flow(z[b], a[b], X, y[b], chosen)
        loss = path.loss[b, :: len(path.times) // 5]
        torch.testing.assert_close(networks.loss(W, outer, X, y[b]), loss, rtol=2e-3, atol=0)
        mu = curvature.local_curvature(W, outer, X, y[b])
        torch.testing.assert_close(
            mu, path.curvature[b, :: len(path.times) // 5], rtol=2e-2, atol=0
        )
        active = curvature.activity(W, outer, X).amax(-1)
        found = path.activity[b, :: len(path.times) // 5]
        assert (found > 0).all()
        assert (active / found - 1).abs().median() < 0.01


def test_no_deaths_no_error():
    # All gates open for ever: labels far above the outputs, output weights positive.
    z, a, norms, y = problem()
    z, a, y = z.abs() + 0.1, a.abs(), 5 * y.abs()
    path = orthogonal.follow(z, a, norms, y, until=1.0, accuracy=0.05)
    for b in range(3):
        times = torch.tensor([0.0, 1.0]).double()
        W, outer = networks.accurate_flow(z[b], a[b], torch.diag(norms[b]), y[b], times)
        torch.testing.assert_close(path.z[b], W[-1], rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(path.a[b], outer[-1], rtol=1e-6, atol=1e-8)
    assert (path.wrong == 0).all()


def test_counts_and_changes_by_loops():
    z, a, norms, y = problem()
    path = orthogonal.follow(z, a, norms, y, until=2.0)
    for b in range(3):
        for column, (layer, outer) in ((0, (z, a)), (-1, (path.z, path.a))):
            wrong = sum(
                bool(layer[b, j, i] > 0) and bool(outer[b, j] * y[b, i] < 0)
                for j in range(5)
                for i in range(7)
            )
            assert path.wrong[b, column] == wrong
        X = torch.diag(norms[b])
        change = networks.outputs(path.z[b], path.a[b], X) - networks.outputs(z[b], a[b], X)
        assert path.moved[b, -1] == pytest.approx(float(change.norm() / y[b].norm()))
        assert (path.wrong[b].diff() <= 0).all()


def test_it_stops_when_all_wrong_gates_are_closed():
    z, a, norms, y = problem(n=60, K=20, batch=2, seed=3)
    path = orthogonal.follow(z, a, norms, y, until=60.0, stop_when_extinct=True)
    assert (path.wrong[:, -1] == 0).all() and (path.wrong[:, -2] > 0).any()
    assert path.times[-1] < 60


def test_zero_labels_are_refused():
    z, a, norms, y = problem()
    with pytest.raises(ValueError, match="zero"):
        orthogonal.follow(z, a, norms, 0 * y, until=1.0)


def test_scale_multiplies_both_layers():
    (z, a, *_), (big_z, big_a, *_) = problem(), problem(scale=3.0)
    torch.testing.assert_close(big_z, 3 * z)
    torch.testing.assert_close(big_a, 3 * a)


def test_late_bound_on_networks_of_right_signs():
    # Random networks that could have come from small starts: a^2 - |max(z, 0)|^2 <= a(0)^2.
    generator = torch.Generator().manual_seed(4)
    slack = []
    for K in (1, 3, 20):
        z, _, norms, y = problem(n=6, K=K, batch=400, seed=K)
        size = 10 ** (3 * torch.rand(400, 1, 1, generator=generator) - 1)
        sign = y[:, torch.randint(6, (K,), generator=generator)].sign()
        right = sign[..., None] * y[:, None] > 0
        z = torch.where(right, size * z, -z.abs())
        start = torch.rand(400, K, generator=generator)
        a = sign * (z.relu().square().sum(-1) + start.square()).sqrt()
        X = torch.diag_embed(norms)
        mu = curvature.local_curvature(z, a, X, y + 0.1 * norms)
        output = networks.outputs(z, a, X).norm(dim=-1)
        bound = orthogonal.late_bound(K, norms, output, start.square().mean(-1))
        slack.append((mu / bound).max())
        assert (mu <= bound).all()
    assert max(slack) > 0.02  # not far off for a single neuron


def test_late_bound_by_hand():
    norms = torch.tensor([1.0, 2.0])
    found = orthogonal.late_bound(9, norms, torch.tensor(5.0), torch.tensor(0.5))
    assert float(found) == pytest.approx(4 / 2 * 4 * (3 * 5 / 1 + 0.5))
    assert math.isfinite(float(found))
