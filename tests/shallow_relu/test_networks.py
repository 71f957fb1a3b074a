import math

import pytest
import torch

from shallow_relu import curvature, networks


def problem(seed=0, K=6, d=5, n=7, batch=(3,)):
    generator = torch.Generator().manual_seed(seed)
    W, a = networks.start(K, d, generator, batch=batch)
    X = networks.inputs_of_random_direction(d, n, generator, batch=batch)
    return W, a, X, networks.labels(n, generator, batch=batch)


def plain_loss(W, a, X, y):
    """One network, one input at a time."""
    total = 0.0
    for i in range(len(y)):
        f = sum(a[j] * torch.clamp(W[j] @ X[:, i], min=0) for j in range(len(a))) / len(a)
        total = total + (f - y[i]) ** 2
    return total / (2 * len(y))


def test_loss_and_velocity_against_autograd_of_plain_loops():
    W, a, X, y = problem()
    W_dot, a_dot = networks.velocity(W, a, X, y)
    for b in range(3):
        w, s = W[b].clone().requires_grad_(), a[b].clone().requires_grad_()
        value = plain_loss(w, s, X[b], y[b])
        dw, ds = torch.autograd.grad(value, (w, s))
        torch.testing.assert_close(networks.loss(W, a, X, y)[b], value.detach())
        torch.testing.assert_close(W_dot[b], -6 * dw)
        torch.testing.assert_close(a_dot[b], -6 * ds)
        expected = 6 * (dw.square().sum() + ds.square().sum()) / value.detach()
        torch.testing.assert_close(curvature.local_curvature(W, a, X, y)[b], expected)


def test_the_gate_is_closed_at_a_kink():
    X, y = torch.eye(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    W, a = torch.tensor([[0.0, 1.0]], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    W_dot, _ = networks.velocity(W, a, X, 3 * y)
    assert W_dot[0, 0] == 0 and W_dot[0, 1] != 0


def test_a_batch_is_a_loop_and_one_sample_serves_many_networks():
    W, a, X, y = problem()
    together = networks.velocity(W, a, X[0], y[0])
    alone = [networks.velocity(W[b], a[b], X[0], y[0]) for b in range(3)]
    torch.testing.assert_close(together[0], torch.stack([w for w, _ in alone]))
    torch.testing.assert_close(together[1], torch.stack([s for _, s in alone]))


def test_states_are_joined_and_split():
    W, a, X, y = problem()
    state = networks.join(W, a)
    assert state.shape == (3, 6, 6)
    torch.testing.assert_close(networks.split(state), (W, a))
    W_dot, a_dot = networks.velocity(W, a, X, y)
    torch.testing.assert_close(
        networks.joint_gradient(state, X, y), -torch.cat([W_dot, a_dot[..., None]], dim=-1)
    )


def test_small_steps_keep_the_balance_to_first_order_and_lower_the_loss():
    W, a, X, y = problem(K=20, d=40, n=4)

    def drift(step):
        state = networks.join(W, a)
        for _ in range(round(1 / step)):
            state = state - step * networks.joint_gradient(state, X, y)
        after = networks.split(state)
        assert (networks.loss(*after, X, y) < 0.9 * networks.loss(W, a, X, y)).all()
        return (networks.balance(*after) - networks.balance(W, a)).abs().max()

    coarse, fine = drift(0.02), drift(0.01)
    assert 1e-4 < coarse < 1
    assert 1.7 < coarse / fine < 2.3


@pytest.mark.parametrize("law", ["gaussian", "uniform"])
def test_starts_obey_their_law(law):
    generator = torch.Generator().manual_seed(1)
    W, a = networks.start(2000, 10, generator, law=law)
    excess = a.abs() - torch.linalg.vector_norm(W, dim=-1)
    assert (excess >= 0).all()
    assert abs(excess.mean() - 1) < 5 / math.sqrt(2000)
    assert abs(W.square().mean() - 1 / 30) < 5 * W.square().std() / math.sqrt(20000)
    assert abs((a > 0).double().mean() - 0.5) < 2.5 / math.sqrt(2000)
    assert (W.abs().max() <= 10**-0.5) == (law == "uniform")
    with pytest.raises(ValueError, match="cauchy"):
        networks.start(2, 2, generator, law="cauchy")


def test_data_obey_their_law():
    generator = torch.Generator().manual_seed(1)
    X = networks.inputs_of_random_direction(30, 500, generator)
    norm = torch.linalg.vector_norm(X, dim=0)
    assert (norm >= 1).all() and (norm <= 2).all() and abs(norm.mean() - 1.5) < 0.07
    assert (X / norm).mean(dim=1).abs().max() < 5 / math.sqrt(30 * 500)
    y = networks.labels(500, generator)
    assert (
        (y.abs() >= 1).all() and (y.abs() <= 2).all() and abs((y > 0).double().mean() - 0.5) < 0.12
    )
    assert curvature.interaction(networks.orthogonal_inputs(5, generator, batch=(2,))).max() == 0


def test_interaction_is_an_operator_norm():
    _, _, X, _ = problem(n=4)
    gram = X[0].T @ X[0]
    off = gram - torch.diag(torch.diag(gram))
    expected = torch.linalg.svdvals(off).max()
    torch.testing.assert_close(curvature.interaction(X)[0], expected)


def test_curvature_lies_between_its_bounds_and_one_hypothesis_is_needed():
    generator = torch.Generator().manual_seed(3)
    W, a, X, _ = problem(seed=4, K=4, d=8, n=3, batch=(3000,))
    y = networks.labels(3, generator, batch=(3000,)) * torch.logspace(-2, 2, 3000)[:, None].double()
    mu = curvature.local_curvature(W, a, X, y)
    assert (mu >= curvature.lower_bound(W, a, X) * (1 - 1e-12)).all()
    assert (mu <= curvature.upper_bound(W, a, X) * (1 + 1e-12)).all()
    weak = 0.05 * a  # |a| < |w| for most neurons
    mu = curvature.local_curvature(W, weak, X, y)
    assert (mu >= curvature.lower_bound(W, weak, X) * (1 - 1e-12)).all()
    assert (mu <= curvature.general_upper_bound(W, weak, X) * (1 + 1e-12)).all()
    assert (mu > curvature.upper_bound(W, weak, X)).any()


def test_activity_by_counting():
    W, a, X, _ = problem(batch=())
    counted = [
        sum(float(a[j]) ** 2 for j in range(6) if float(W[j] @ X[:, i]) > 0) / 6 for i in range(7)
    ]
    torch.testing.assert_close(curvature.activity(W, a, X), torch.tensor(counted).double())


def test_accurate_flow_against_one_neuron_that_can_be_solved():
    # One input, one neuron with a = |w|: q = a |w| / y obeys q' = 2 (y / n) q (1 - q).
    y = torch.tensor([2.0], dtype=torch.float64)
    half = torch.tensor([0.5], dtype=torch.float64)
    times = torch.linspace(0, 5, 6, dtype=torch.float64)
    W, a = networks.accurate_flow(half[:, None], half, torch.ones(1, 1).double(), y, times)
    growth = torch.exp(4 * times)
    expected = 0.125 * growth / (1 + 0.125 * (growth - 1))
    torch.testing.assert_close((W[:, 0, 0] * a[:, 0]) / 2, expected, rtol=1e-9, atol=0)


def test_accurate_flow_lets_a_neuron_die():
    one = torch.ones(1, dtype=torch.float64)
    times = torch.linspace(0, 40, 3, dtype=torch.float64)
    W, a = networks.accurate_flow(one[:, None], 2 * one, one[:, None], -one, times)
    assert W[-1, 0, 0] <= 0 and networks.loss(W[-1], a[-1], one[:, None], -one) == 0.5
    drift = networks.balance(W, a) - networks.balance(W[0], a[0])
    assert drift.abs().max() < 1e-8


def test_the_integral_of_the_curvature_against_a_flow_that_can_be_solved():
    W, a, X, y = problem(K=3, d=6, n=2, batch=())
    times = torch.linspace(0, 1, 3, dtype=torch.float64)
    V, b, integral = curvature.flow_with_integral(W, a, X, y, times)
    for accurate, plain in zip((V, b), networks.accurate_flow(W, a, X, y, times), strict=True):
        torch.testing.assert_close(accurate, plain, rtol=1e-9, atol=1e-9)
    # one neuron on one input, a = w = 1, y = 3: f = w^2 = 3 q with q' = 6 q (1 - q), r = f - y
    one = torch.ones(1, dtype=torch.float64)
    q = [1 / 3 * math.exp(6 * t) / (1 + 1 / 3 * (math.exp(6 * t) - 1)) for t in (0, 0.5, 1)]
    two = torch.ones(2, dtype=torch.float64)  # two equal neurons with the width in front
    _, _, integral = curvature.flow_with_integral(two[:, None], two, one[:, None], 3 * one, times)
    expected = [2 * math.log((1 - q[0]) / (1 - value)) for value in q]
    torch.testing.assert_close(
        integral, torch.tensor(expected, dtype=torch.float64), rtol=1e-8, atol=1e-9
    )


def test_integrate_says_so_when_it_fails():
    with pytest.raises(RuntimeError, match="step size"):
        networks.integrate(
            lambda x: x * x, torch.ones(1).double(), torch.tensor([0.0, 2.0]).double()
        )


def test_coordinates_in_the_span_keep_all_that_training_sees():
    W, a, X, y = problem(K=4, d=9, n=3)
    V, Z = networks.in_span(W, X)
    assert V.shape == (3, 4, 4) and Z.shape == (3, 4, 3)
    torch.testing.assert_close(V @ Z, W @ X)
    torch.testing.assert_close(Z.mT @ Z, X.mT @ X)
    torch.testing.assert_close(V.norm(dim=-1), W.norm(dim=-1))
    for _ in range(20):
        W, a_high = (
            w + 0.1 * v for w, v in zip((W, a), networks.velocity(W, a, X, y), strict=True)
        )
        V, a = (w + 0.1 * v for w, v in zip((V, a), networks.velocity(V, a, Z, y), strict=True))
        torch.testing.assert_close(a, a_high)
    torch.testing.assert_close(networks.loss(V, a, Z, y), networks.loss(W, a, X, y))
    torch.testing.assert_close(V.norm(dim=-1), W.norm(dim=-1))
    with pytest.raises(ValueError, match="leave no room"):
        networks.in_span(W[..., :2], X[..., :2, :])


def test_the_residual_matrix_by_the_motion_of_the_residuals():
    W, a, X, y = problem(K=5, d=4, n=6)  # more inputs than dimensions
    W_dot, a_dot = networks.velocity(W, a, X, y)
    h = 1e-6
    ahead, behind = (networks.outputs(W + s * W_dot, a + s * a_dot, X) for s in (h, -h))
    residual = networks.outputs(W, a, X) - y
    M = curvature.residual_matrix(W, a, X)
    moved = -(M @ residual[..., None]).squeeze(-1) / 6
    torch.testing.assert_close((ahead - behind) / (2 * h), moved, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(M, M.mT)


def test_the_curvature_of_the_worst_labels_is_an_eigenvalue():
    W, a, X, _ = problem(K=5, d=4, n=6)
    values, vectors = torch.linalg.eigh(curvature.residual_matrix(W, a, X))
    for k in (0, -1):
        y = networks.outputs(W, a, X) - vectors[..., k]
        mu = curvature.local_curvature(W, a, X, y)
        torch.testing.assert_close(mu, values[..., k] / 3, rtol=1e-8, atol=1e-12)


def test_correlation_ratio_by_hand():
    X = torch.tensor([[1.0, 0.6], [0.0, 2.0]], dtype=torch.float64)
    y = torch.tensor([3.0, -0.5], dtype=torch.float64)
    found = curvature.correlation_ratio(X, y, torch.tensor(4.0).double())
    # inner product 0.6, smallest norm 1, smallest label 0.5
    assert float(found) == pytest.approx(0.6 * math.sqrt(2) * 4 / 0.5)


@pytest.mark.parametrize("d", [2, 3, 40])
def test_starts_in_the_span_have_the_law_of_full_starts(d):
    generator = torch.Generator().manual_seed(d)
    X = networks.inputs_of_random_direction(d, 3, generator)
    W, a = networks.start(40_000, d, generator)
    small, b, R = networks.start_in_span(40_000, X, generator)
    assert small.shape[-1] == R.shape[-2] == min(d, 3) + 1
    torch.testing.assert_close(R.T @ R, X.T @ X)

    def statistics(W, a, X):
        active = (W @ X).relu()
        size = W.square().sum(-1, keepdim=True)
        return torch.cat(
            [active, active * active.roll(1, 1), size, size.square(), a.abs()[:, None]], dim=1
        )

    full, drawn = statistics(W, a, X), statistics(small, b, R)
    error = (full.var(0) / 40_000 + drawn.var(0) / 40_000).sqrt()
    assert ((full.mean(0) - drawn.mean(0)).abs() < 4.5 * error + 1e-12).all()
    assert (b.abs() >= small.norm(dim=-1)).all() and abs(b.sign().mean()) < 0.025
