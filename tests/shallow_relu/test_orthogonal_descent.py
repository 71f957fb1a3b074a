import torch

from shallow_relu import curvature, networks
from shallow_relu import orthogonal_descent as descent


def problem(batch=3, n=6, K=5):
    generator = torch.Generator().manual_seed(1)
    W, a = networks.start(K, n, generator, batch=(batch,))
    norms = 1 + torch.rand(batch, n, generator=generator, dtype=W.dtype)
    return W.relu(), a, norms, networks.labels(n, generator, batch=(batch,))


def network(h, a, norms, y):
    """The same as neurons, output weights, inputs as columns, labels."""
    return h, a, torch.diag_embed(norms), y


def test_steps_are_those_of_the_network():
    h, a, norms, y = problem(batch=60, K=4)
    end = descent.descend(h, a, norms, y, step=0.8, n_steps=80)
    W, s, X, _ = network(h, a, norms, y)
    torch.testing.assert_close(end.first_loss, networks.loss(W, s, X, y))
    for _ in range(80):
        W_dot, a_dot = networks.velocity(W, s, X, y)
        W, s = W + 0.8 * W_dot, s + 0.8 * a_dot
    torch.testing.assert_close(end.h, W.relu())
    torch.testing.assert_close(end.a, s)
    torch.testing.assert_close(end.loss, networks.loss(W, s, X, y))
    assert (end.steps == 80).all() and (end.h == 0).any()


def test_a_network_ends_below_its_target_and_not_before():
    h, a, norms, y = problem(batch=4, K=12)
    whole = descent.descend(h, a, norms, y, step=0.5, n_steps=60)
    target = 1e3 * float(whole.loss.min())
    end = descent.descend(h, a, norms, y, step=0.5, n_steps=60, target=target)
    early = end.steps < 60
    assert early.any() and (end.loss[early] < target).all()
    for b in early.nonzero().flatten().tolist():
        one = [part[b : b + 1] for part in (h, a, norms, y)]
        before = descent.descend(*one, step=0.5, n_steps=int(end.steps[b]) - 1)
        assert before.loss[0] >= target


def test_measures_against_the_general_formulas():
    h, a, norms, y = problem(batch=20)
    found = descent.measures(h, a, norms, y)
    W, s, X, _ = network(h, a, norms, y)
    torch.testing.assert_close(found.curvature, curvature.local_curvature(W, s, X, y))
    torch.testing.assert_close(found.lower, curvature.lower_bound(W, s, X))
    torch.testing.assert_close(found.upper, curvature.upper_bound(W, s, X))
    right = [
        min(sum(bool(h[b, j, i] > 0 and a[b, j] * y[b, i] > 0) for j in range(5)) for i in range(6))
        for b in range(20)
    ]
    assert found.fewest.tolist() == right
