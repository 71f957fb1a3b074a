import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from shallow_relu import linear_samples as samples


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def neurons_near(seed, beta, radius, batch):
    """Pairs at random distances below the radius from (beta, -beta)."""
    h = draw(seed, batch, 2, beta.shape[-1])
    size = torch.rand(batch, 2, 1, generator=torch.Generator().manual_seed(seed + 1))
    h = radius * size * h / torch.linalg.vector_norm(h, dim=-1, keepdim=True)
    return torch.stack([beta, -beta], dim=-2) + h


def test_loss_by_a_plain_loop():
    W, X, beta = draw(1, 2, 3), draw(2, 5, 3), draw(3, 3)
    a = torch.tensor([2.0, -0.5])
    total = 0.0
    for x in X.tolist():
        f = sum(
            a[j].item() * max(0.0, sum(p * q for p, q in zip(W[j].tolist(), x, strict=True)))
            for j in range(2)
        )
        total += (f - sum(p * q for p, q in zip(beta.tolist(), x, strict=True))) ** 2
    assert samples.loss(W, X, samples.labels(X, beta), a).item() == pytest.approx(total / 10)


def test_gradient_against_autograd():
    W, X, beta = draw(4, 6, 2, 4), draw(5, 6, 9, 4), draw(6, 6, 4)
    a = torch.tensor([1.5, -0.3]).expand(6, 2)
    y = samples.labels(X, beta)
    leaf = W.clone().requires_grad_()
    samples.loss(leaf, X, y, a).sum().backward()
    torch.testing.assert_close(samples.gradient(W, X, y, a), leaf.grad, rtol=0, atol=1e-13)
    scaled = leaf.grad / a.square()[..., None]
    torch.testing.assert_close(samples.scaled_gradient(W, X, y, a), scaled, rtol=0, atol=1e-13)


def test_zero_of_the_loss_and_of_the_error():
    X, beta, a = draw(7, 30, 4), draw(8, 4), torch.tensor([2.0, -0.5])
    target = torch.stack([beta / 2, -2 * beta])
    assert samples.loss(target, X, samples.labels(X, beta), a).item() < 1e-30
    assert samples.squared_error(target, beta, a).item() < 1e-30
    shifted = target + torch.ones(2, 4)
    assert samples.squared_error(shifted, beta, a).item() == pytest.approx(8)


def test_padded_samples_have_the_loss_of_the_short_ones():
    X, beta, W = draw(9, 3, 12, 4), draw(10, 4), draw(11, 3, 2, 4)
    sizes = torch.tensor([5.0, 12.0, 1.0])
    padded = samples.pad_inputs(X, sizes)
    y = samples.labels(padded, beta)
    for b, n in enumerate([5, 12, 1]):
        short = X[b, :n]
        target = samples.labels(short, beta)
        torch.testing.assert_close(
            samples.loss(W[b], padded[b], y[b]), samples.loss(W[b], short, target)
        )
        torch.testing.assert_close(
            samples.gradient(W[b], padded[b], y[b]), samples.gradient(W[b], short, target)
        )
    with pytest.raises(ValueError, match="sizes"):
        samples.pad_inputs(X, torch.tensor([0.0, 1.0, 2.0]))


def test_first_step_error_by_monte_carlo():
    d, n, trials = 6, 15, 4000
    X, W = draw(12, trials, n, d), 1e-9 * draw(13, trials, 2, d)
    beta = draw(14, d)
    y = samples.labels(X, beta)
    after = W - 2 * samples.gradient(W, X, y)
    error = samples.squared_error(after, beta) / 2 / beta.square().sum()
    score = (error.mean() - samples.first_step_error(d, n)) / (error.std() / math.sqrt(trials))
    assert abs(score) < 4


def test_identifiability_by_counting():
    X, beta = draw(15, 4000, 11, 4), torch.eye(4)[0]
    rate = samples.is_identifiable(X, beta).to(torch.float64).mean().item()
    p = samples.identifiability_probability(4, 11)
    assert abs(rate - p) < 4 * math.sqrt(p * (1 - p) / 4000)
    assert samples.identifiability_probability(4, 7) == 0
    assert samples.identifiability_probability(1, 2) == pytest.approx(0.5)


def test_local_rate_is_the_smallest_eigenvalue_of_the_hessian():
    X, beta = draw(16, 25, 3), draw(17, 3)
    y = samples.labels(X, beta)

    def value(w):
        return samples.loss(w.reshape(2, 3), X, y)

    hessian = torch.autograd.functional.hessian(value, torch.stack([beta, -beta]).flatten())
    smallest = torch.linalg.eigvalsh(hessian)[0]
    torch.testing.assert_close(samples.local_rate(X, beta), smallest)


def test_correlation_parts_sum_to_the_correlation():
    W, X, beta = draw(18, 50, 2, 5), draw(19, 50, 17, 5), draw(20, 50, 5)
    y = samples.labels(X, beta)
    target = torch.stack([beta, -beta], dim=-2)
    left = ((W - target) * samples.gradient(W, X, y)).sum((-2, -1))
    torch.testing.assert_close(samples.correlation_parts(W, X, beta).mean(-1), left)


@pytest.mark.parametrize("radius", [0.1, 1.0, 5.0])
def test_pointwise_bound_holds_on_every_sample(radius):
    beta = torch.eye(3)[0]
    W, X = neurons_near(21, beta, radius, 300), draw(22, 300, 40, 3)
    parts = samples.correlation_parts(W, X, beta)
    bound = samples.pointwise_bound(W, X, beta)
    lower = bound.own / 2 - bound.missed / 2 - 2 * bound.false
    assert (parts >= lower - 1e-12).all()
    r, gates = samples.residual(W, X, samples.labels(X, beta)), (X @ W.mT > 0).sum(-1)
    target = torch.stack([beta, -beta])
    energy = (X @ (W - target).mT).square().sum(-1)
    assert (r.square() * gates <= 2 * energy + 1e-12).all()


def test_pointwise_energies_by_a_plain_loop():
    beta = torch.tensor([1.0, 0.0])
    W, X = draw(23, 2, 2), draw(24, 20, 2)
    bound = samples.pointwise_bound(W, X, beta)
    for i, x in enumerate(X):
        right, other = (0, 1) if x[0] > 0 else (1, 0)
        sign = {0: 1, 1: -1}
        h = {j: (W[j] - sign[j] * beta) @ x for j in (0, 1)}
        assert bound.own[i].item() == pytest.approx(h[right].item() ** 2)
        missed = 0.0 if W[right] @ x > 0 else h[right].item() ** 2
        false = h[other].item() ** 2 if W[other] @ x > 0 else 0.0
        assert bound.missed[i].item() == pytest.approx(missed)
        assert bound.false[i].item() == pytest.approx(false)


def test_certified_constants_bound_what_random_search_finds():
    radius, beta = 0.2, torch.eye(3)[1]
    X = draw(25, 60, 3)
    lower_bound, correlation = samples.certified_constants(X, beta, radius)
    assert lower_bound > 0 and correlation > 0
    W = neurons_near(26, beta, radius, 4000)
    ratio = samples.correlation_parts(W, X, beta).mean(-1) / samples.squared_error(W, beta)
    assert ratio.min() >= correlation
    inner, h = X @ W[:, 0].mT, W[:, 0] - beta
    gated = torch.where((X @ beta >= 0)[:, None] & (inner >= 0), (X @ h.mT).square(), 0)
    assert (gated.mean(0) / h.square().sum(-1)).min() >= lower_bound


def test_smoothness_bounds_and_the_pair_that_attains_one():
    X, beta = draw(27, 200, 6, 6), draw(28, 6)
    scale = samples.largest_eigenvalue(X)
    eigenvalue = np.linalg.eigvalsh((X[0].T @ X[0] / 6).numpy())[-1]
    assert scale[0].item() == pytest.approx(eigenvalue)
    y = samples.labels(X, beta)
    for W in (draw(29, 200, 2, 6), samples.all_gates_open(X, beta)):
        square = samples.gradient(W, X, y).square().sum((-2, -1))
        residuals = samples.residual(W, X, y).square().mean(-1)
        assert (square <= 2 * scale * residuals * (1 + 1e-9)).all()
        assert (square <= 2 * scale.square() * samples.squared_error(W, beta) * (1 + 1e-9)).all()
    assert (X @ W.mT > 0).all()
    torch.testing.assert_close(square, 2 * scale * residuals, rtol=1e-6, atol=0)


def test_energies_of_lemma_nine_by_monte_carlo():
    X = draw(30, 400_000, 2)
    beta, u = torch.eye(2)
    for ratio in (0.05, 0.4, 1.5):
        values = torch.where(X[:, 0].abs() <= ratio * X[:, 1].abs(), X[:, 1].square(), 0)
        score = (values.mean() - samples.wedge_energy(torch.tensor(ratio))) / values.std()
        assert abs(score) < 4 / math.sqrt(len(X))
        measured = samples.sample_wedge_energy(u, X, beta, ratio)
        torch.testing.assert_close(measured, values.mean())
        w, angle = beta + ratio * u, torch.tensor(math.atan(ratio))
        values = 2 * X[:, 0].square() * ((X[:, 0] > 0) != (X @ w > 0))
        score = (values.mean() - samples.sign_energy(angle)) / values.std()
        assert abs(score) < 4 / math.sqrt(len(X))
        torch.testing.assert_close(samples.sample_sign_energy(w, X, beta), values.mean())


def test_search_for_the_largest_wedge_energy_against_a_grid():
    X, beta = draw(31, 500, 3), torch.eye(3)[0]
    best, where = samples.largest_wedge_energy(X, beta, 0.2, draw(32, 30, 3), rounds=40)
    turn = torch.linspace(0, math.pi, 3000)
    grid = torch.stack([torch.zeros_like(turn), turn.cos(), turn.sin()], dim=-1)
    values = samples.sample_wedge_energy(grid, X, beta, 0.2)
    assert best >= 0.97 * values.max()
    torch.testing.assert_close(samples.sample_wedge_energy(where, X, beta, 0.2), best)
    assert abs(where @ beta) < 1e-12


@pytest.mark.parametrize("ratio", [0.05, 0.3, 2.0])
def test_certified_wedge_energy_bounds_every_direction(ratio):
    X, beta = draw(33, 6, 400, 4), draw(34, 6, 4)
    beta = beta / torch.linalg.vector_norm(beta, dim=-1, keepdim=True)
    bound = samples.certified_wedge_energy(X, beta, ratio)
    for sample, direction, value in zip(X, beta, bound, strict=True):
        u = draw(35, 300, 4)
        u = u - (u @ direction)[:, None] * direction
        u = u / torch.linalg.vector_norm(u, dim=-1, keepdim=True)
        assert samples.sample_wedge_energy(u, sample, direction, ratio).max() <= value + 1e-12
    # In the plane there is one direction up to sign, and the bound is its energy.
    X, beta, u = draw(36, 400, 2), torch.tensor([0.6, 0.8]), torch.tensor([0.8, -0.6])
    exact = samples.sample_wedge_energy(u, X, beta, ratio)
    torch.testing.assert_close(samples.certified_wedge_energy(X, beta, ratio), exact)


@pytest.mark.parametrize("psi", [0.0, 0.4, math.pi / 2, 3 * math.pi / 4])
def test_gated_square_by_quadrature(psi):
    def along(angle):
        return max(math.cos(angle - psi), 0.0) ** 2

    # In polar coordinates the mean square of the radius is 2.
    oracle = quad(along, -math.pi / 2, math.pi / 2, points=[psi - math.pi / 2])[0] / math.pi
    formula = samples.gated_square(torch.tensor(math.cos(psi)))
    assert formula.item() == pytest.approx(oracle, abs=1e-9)


def test_gated_quadratic_and_tent_mean_by_monte_carlo():
    X = draw(33, 400_000, 2)
    reach = 4 / math.sqrt(len(X))
    for psi in (0.0, 0.7, 2.0, 3.0):
        u = torch.tensor([math.cos(psi), math.sin(psi)])
        for radius in (0.05, 0.5, 0.95):
            w = torch.tensor([1.0, 0.0]) + radius * u
            values = (X @ u).square() * ((X[:, 0] >= 0) & (X @ w >= 0))
            formula = samples.gated_quadratic(torch.tensor(psi), radius)
            assert abs(values.mean() - formula) < reach * values.std()
            v, b = X @ u, X[:, 0] / radius
            tent = torch.minimum(v, b - v).clamp(min=0) * (X[:, 0] >= 0)
            formula = samples.tent_mean(torch.tensor(math.cos(psi)), radius)
            assert abs(tent.mean() - formula) < reach * tent.std() + 1e-12


def test_newton_descent_goes_downhill_and_finds_the_minimum():
    X, beta = draw(34, 20, 40, 4), draw(35, 4)
    y = samples.labels(X, beta)
    W = neurons_near(36, beta, 0.5, 20)
    before = samples.loss(W, X, y)
    one = samples.newton_descent(W, X, y, rounds=1)
    assert (samples.loss(one, X, y) <= before).all()
    done = samples.newton_descent(W, X, y, rounds=20)
    assert samples.squared_error(done, beta).max() < 1e-16


def test_a_newton_step_with_fixed_gates_solves_least_squares():
    X, beta = draw(37, 1, 30, 3), torch.eye(3)[0]
    W = torch.stack([beta, -beta])[None] * torch.tensor([1.3, 0.7])[:, None]
    y = samples.labels(X, beta) + 0.1 * draw(38, 1, 30)
    inner = (X @ W.mT)[0]
    design = torch.cat([X[0] * (inner[:, :1] > 0), -X[0] * (inner[:, 1:] > 0)], dim=-1)
    solution = np.linalg.lstsq(design.numpy(), y[0].numpy(), rcond=None)[0].reshape(2, 3)
    stepped = samples.newton_descent(W, X, y, rounds=1, ridge=0.0)[0].numpy()
    step, full = stepped - W[0].numpy(), solution - W[0].numpy()
    share = np.vdot(step, full) / np.vdot(full, full)
    np.testing.assert_allclose(step, share * full, atol=1e-10)
    assert min(abs(share - 0.5**k) for k in range(12)) < 1e-9
