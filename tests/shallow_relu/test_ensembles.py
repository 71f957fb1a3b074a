import math

import pytest
import torch

from shallow_relu import ensembles, networks


def ensemble(B=5, K=7, d=4, n=9, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    W, a = networks.start(K, d, generator, batch=(B,))
    X = networks.inputs_of_random_direction(d, n, generator, batch=(B,))
    y = networks.labels(n, generator, batch=(B,))
    return tuple(part.to(dtype) for part in (W, a, X, y))


def plain_loop(W, a, X, y, step, n_steps, target=0.0):
    """One network by automatic differentiation of its definition."""
    W, a = W.clone().requires_grad_(), a.clone().requires_grad_()
    losses = []
    for k in range(n_steps + 1):
        loss = ((torch.relu(X.T @ W.T) @ a / len(a) - y) ** 2).mean() / 2
        losses.append(loss.item())
        if loss < target or k == n_steps:
            break
        dW, da = torch.autograd.grad(len(a) * loss, (W, a))
        with torch.no_grad():
            W -= step * dW
            a -= step * da
    return W.detach(), a.detach(), losses


@pytest.mark.parametrize("stack", [1, 2, 5, None])
def test_an_ensemble_is_trained_as_by_automatic_differentiation(stack):
    W, a, X, y = ensemble()
    target = 0.06
    found = ensembles.train(W, a, X, y, step=0.5, n_steps=60, target=target, stack=stack)
    lengths = set()
    for b in range(len(W)):
        end_W, end_a, losses = plain_loop(W[b], a[b], X[b], y[b], 0.5, 60, target)
        torch.testing.assert_close(found.W[b], end_W)
        torch.testing.assert_close(found.a[b], end_a)
        assert found.first_loss[b].item() == pytest.approx(losses[0], rel=1e-12)
        assert found.loss[b].item() == pytest.approx(losses[-1], rel=1e-9)
        assert found.steps[b] == len(losses) - 1
        assert found.reached[b] == (losses[-1] < target)
        lengths.add(len(losses))
    # Some finish, at different times, and some do not.
    assert len(lengths) > 2 and 61 in lengths


def test_the_velocity_of_the_flow_is_the_limit():
    W, a, X, y = ensemble()
    W_dot, a_dot = networks.velocity(W, a, X, y)
    found = ensembles.train(W, a, X, y, step=1e-6, n_steps=1)
    torch.testing.assert_close((found.W - W) / 1e-6, W_dot, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close((found.a - a) / 1e-6, a_dot, rtol=1e-6, atol=1e-8)


def test_the_arguments_are_left_alone():
    parts = ensemble()
    before = [part.clone() for part in parts]
    for stack in (1, 5):
        ensembles.train(*parts, step=0.5, n_steps=3, stack=stack)
    assert all(torch.equal(part, old) for part, old in zip(parts, before, strict=True))


def test_a_network_that_begins_below_the_target_makes_no_step():
    W, a, X, y = ensemble()
    found = ensembles.train(W, a, X, y, step=0.5, n_steps=5, target=1e9)
    assert found.reached.all() and (found.steps == 0).all()
    torch.testing.assert_close(found.loss, networks.loss(W, a, X, y))


def test_single_precision_agrees_as_long_as_rounding_errors_stay_small():
    double = ensembles.train(*ensemble(), step=0.5, n_steps=30)
    single = ensembles.train(*ensemble(dtype=torch.float32), step=0.5, n_steps=30)
    torch.testing.assert_close(single.loss.double(), double.loss, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("step", "n_steps"), [(0.0, 3), (-1.0, 3), (math.nan, 3), (1.0, 0)])
def test_steps_are_positive(step, n_steps):
    with pytest.raises(ValueError, match="steps of positive size"):
        ensembles.train(*ensemble(), step=step, n_steps=n_steps)


def test_large_networks_go_alone_and_small_ones_together():
    assert ensembles.stack_size(37, 100, 1700, 4) == 1
    assert ensembles.stack_size(30, 10, 30, 4) > 64
    assert ensembles.stack_size(37, 100, 1700, 4, "cuda") > 10**6
    assert ensembles.stack_size(1, 1, 1, 4) >= 1


@pytest.mark.parametrize("processes", [1, 2])
def test_orders_are_carried_out_in_processes(processes):
    orders = [(float(k), 2.0) for k in range(5)]
    found = dict(ensembles.in_processes(math.pow, iter(orders), processes))
    assert found == {order: math.pow(*order) for order in orders}
