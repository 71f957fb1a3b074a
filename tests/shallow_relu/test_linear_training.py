import math

import pytest
import torch

from shallow_relu import linear_training as training
from shallow_relu import population


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def problem(seed, batch, K, m, d):
    g = torch.Generator().manual_seed(seed)
    return (torch.randn(*batch, n, k, generator=g) for n, k in ((K, d), (K, m), (m, d)))


def orthogonal(seed, m):
    g = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(m, m, generator=g))[0]


def test_gradients_are_those_of_the_risk():
    """The risk comes from the kernel's series; the gradients know only gates and sines."""
    W, A, B = problem(0, (5,), 4, 3, 6)
    W, A = W.requires_grad_(), A.requires_grad_()
    expected = torch.autograd.grad(training.risk(W, A, B).sum(), (W, A))
    for found, wanted in zip(training.gradients(W, A, B), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-13)
    alone = training.neuron_gradient(W, A, B)
    torch.testing.assert_close(alone, expected[0], rtol=0, atol=1e-13)
    joint = training.joint_gradient(torch.cat([W, A], dim=-1), B)
    torch.testing.assert_close(joint, torch.cat(expected, dim=-1), rtol=0, atol=1e-13)


def test_gradients_next_to_collinear_and_antipodal_neurons():
    W, A, B = problem(1, (), 3, 1, 4)
    W[1], W[2] = 2 * W[0], -3 * W[0] + 1e-9
    teacher, weights = torch.cat([B, -B]), torch.tensor([[1.0], [-1.0]])
    along_W, along_A = training.gradients(W, A, B)
    by_pairs = population.gradient(W, teacher, A, weights)
    torch.testing.assert_close(along_W, by_pairs, rtol=0, atol=1e-13)
    by_pairs = population.output_gradient(W, teacher, A, weights)
    torch.testing.assert_close(along_A, by_pairs, rtol=0, atol=1e-13)


def test_a_zero_neuron_stays():
    W, A, B = problem(2, (), 3, 2, 4)
    W[1] = 0
    along_W, along_A = training.gradients(W, A, B)
    assert (along_W[1] == 0).all() and (along_A[1] == 0).all()
    rest = training.gradients(W[[0, 2]], A[[0, 2]], B)
    torch.testing.assert_close(along_W[[0, 2]], rest[0], rtol=0, atol=1e-14)


def test_risk_and_its_odd_part_against_samples():
    W, A, B = problem(3, (), 4, 2, 3)
    g = torch.Generator().manual_seed(4)
    x = torch.randn(400_000, 3, generator=g)
    residual = [torch.relu(s * x @ W.T) @ A - s * x @ B.T for s in (1, -1)]
    odd = (residual[0] - residual[1]) / 2
    for function, values in ((training.risk, residual[0]), (training.odd_risk, odd)):
        sampled = values.square().sum(-1) / 2
        error = sampled.std() / math.sqrt(len(x))
        assert abs(sampled.mean() - function(W, A, B)) < 4.5 * error


def test_descent_commutes_with_the_coordinates_of_the_span():
    W, A, B = problem(5, (), 2, 2, 30)
    W, A = 0.3 * W, 0.3 * A

    def after(W, B):
        start = torch.cat([W, A], dim=-1)
        path = training.descent_path(
            lambda state: training.joint_gradient(state, B), start, step=0.02, times=[0, 7, 60]
        )
        return path[..., : W.shape[-1]], path[..., W.shape[-1] :]

    full, full_outputs = after(W, B)
    small_W, small_B = training.span_coordinates(W, B)
    assert small_W.shape == (2, 4) and small_B.shape == (2, 4)
    small, small_outputs = after(small_W, small_B)
    assert (full[-1] - full[0]).abs().max() > 0.1
    torch.testing.assert_close(small_outputs, full_outputs, rtol=0, atol=1e-12)
    torch.testing.assert_close(small @ small.mT, full @ full.mT, rtol=0, atol=1e-11)
    torch.testing.assert_close(small @ small_B.mT, full @ B.mT, rtol=0, atol=1e-11)


@pytest.mark.parametrize("sign", [1, -1])
def test_orthonormal_targets_become_unit_vectors(sign):
    W, _, _ = problem(6, (7,), 3, 2, 9)
    _, B = training.span_coordinates(W, sign * orthogonal(6, 9)[:2])
    torch.testing.assert_close(B, torch.eye(5)[:2].expand(7, 2, 5), rtol=0, atol=1e-13)


def test_the_antipodal_pattern_splits_into_single_outputs():
    """Each pair has the gradient of two neurons with weights 1, -1, times its squared scale."""
    m, d = 3, 5
    W, _, B = problem(7, (), 2 * m, m, d)
    scales, Q = torch.tensor([0.1, 1.0, 20.0]), orthogonal(8, m)
    A = training.antipodal_output_weights(scales, Q)
    W_star = training.antipodal_minimum(scales, Q, B)
    assert training.risk(W_star, A, B) < 1e-12
    assert training.gradients(W_star, A, B)[0].abs().max() < 1e-12
    gradient = training.gradients(W, A, B)[0]
    for pair in range(m):
        beta = W_star[pair]
        single = population.gradient(
            W[[pair, pair + m]],
            torch.stack([beta, -beta]),
            torch.tensor([1.0, -1.0]),
            torch.tensor([1.0, -1.0]),
        )
        expected = scales[pair] ** 2 * single
        torch.testing.assert_close(gradient[[pair, pair + m]], expected, rtol=1e-10, atol=1e-12)


def test_partners():
    W, _, _ = problem(9, (), 3, 1, 6)
    order = torch.tensor([0, 4, 2, 5, 1, 3])
    shuffled = torch.cat([W, -2 * W])[order]
    partner, paired = training.antipodal_partners(shuffled)
    assert paired
    assert [int(order[p]) for p in partner] == [(int(o) + 3) % 6 for o in order]
    alone = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [-1.0, -0.2]])
    partner, paired = training.antipodal_partners(alone)
    assert not paired and partner.tolist() == [1, 0, 0]


def test_spread_of_the_start():
    g = torch.Generator().manual_seed(10)
    W = training.xavier_normal(2, 100, g, batch=(300,))
    assert W.shape == (300, 2, 100)
    assert abs(W.var() * 51 - 1) < 5 * math.sqrt(2 / W.numel())


def test_sample_gradient_is_that_of_the_loss():
    W, A, B = problem(11, (), 4, 1, 3)
    g = torch.Generator().manual_seed(12)
    x = torch.randn(50, 3, generator=g)
    y = x @ B[0]
    leaf = W.clone().requires_grad_()
    loss = 0.5 * (torch.relu(x @ leaf.T) @ A[:, 0] - y).square().mean()
    (expected,) = torch.autograd.grad(loss, leaf)
    found, gradient = training.sample_loss_and_gradient(W, A[:, 0], x, y)
    torch.testing.assert_close(found, loss.detach(), rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("keep", [2, 5, 1000])
def test_fit_ends_at_the_first_small_loss(keep):
    g = torch.Generator().manual_seed(13)
    x, a = torch.randn(200, 3, generator=g), torch.tensor([1.0, -1.0])
    y, W = x[:, 0], 0.1 * torch.randn(2, 3, generator=g)
    path, count, last = training.fit_sample(
        W, a, x, y, step=0.5, loss=1e-4, n_steps=1000, keep=keep
    )
    losses = [float(training.sample_loss_and_gradient(state, a, x, y)[0]) for state in path]
    assert losses[-1] == last < 1e-4
    assert len(path) <= keep + 2 and torch.equal(path[0], W)
    assert all(loss >= 1e-4 for loss in losses[:-1] if loss != last)
    direct = training.descent_path(
        lambda W: training.sample_loss_and_gradient(W, a, x, y)[1], W, step=0.5, times=[count]
    )
    assert torch.equal(direct[0], path[-1])
    _, capped, _ = training.fit_sample(W, a, x, y, step=0.5, loss=1e-4, n_steps=3, keep=keep)
    assert capped == 3


def test_arguments_that_make_no_sense():
    with pytest.raises(ValueError, match="increase"):
        training.descent_path(lambda w: w, torch.ones(1), step=0.1, times=[3, 3])
    W, A, B = problem(14, (), 2, 1, 3)
    with pytest.raises(ValueError, match="keep"):
        training.fit_sample(W, A[:, 0], W, B[0, :2], step=0.1, loss=0.0, n_steps=1, keep=1)
