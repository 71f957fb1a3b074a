"""Two layers with biases: against loops, autograd, and torch's own layers and optimiser."""

import pytest
import torch

from shallow_relu.biased_networks import (
    Network,
    hidden,
    linear_start,
    mean_square_gradient,
    outputs,
    stack,
    train,
)

SETTINGS = {"step": 0.05, "momentum": 0.9, "max_epochs": 400, "tolerance": 1e-4, "patience": 30}


def plain_layers(seed, d, m):
    """Two of torch's layers with their default start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.nn.Sequential(torch.nn.Linear(d, d), torch.nn.ReLU(), torch.nn.Linear(d, m))


def plain_run(model, X, targets, *, step, momentum, max_epochs, tolerance, patience):
    """The loop of one run with autograd and torch's optimiser: first and last cost, epochs."""
    optimiser = torch.optim.SGD(model.parameters(), lr=step, momentum=momentum)
    seen, best, waited = [], float("inf"), 0
    for _ in range(max_epochs):
        loss = (model(X.T) - targets.T).square().sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seen.append(loss.item())
        improved = seen[-1] < best * (1 - tolerance) and len(seen) > 1
        best = seen[0] if len(seen) == 1 else (seen[-1] if improved else best)
        waited = 0 if improved else waited + 1
        if waited == patience:
            break
    return seen[0] ** 0.5, seen[-1] ** 0.5, len(seen)


def sample(d, m, dtype=torch.float32):
    generator = torch.Generator().manual_seed(8)
    X = torch.eye(d)[:, :m].repeat_interleave(10, 1)
    X = X + 0.2 * torch.randn(X.shape, generator=generator)
    return X.to(dtype), torch.eye(m, dtype=dtype).repeat_interleave(10, 1)


def test_outputs_by_a_loop():
    generator = torch.Generator().manual_seed(3)
    X = torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    network = linear_start(4, 5, 2, generator)
    found, inner = outputs(network, X), hidden(network, X)
    W1, b1, W2, b2 = (layer.tolist() for layer in network)

    def layer(W, b, x):
        pairs = zip(W, b, strict=True)
        return [sum(w * v for w, v in zip(row, x, strict=True)) + shift for row, shift in pairs]

    for b in range(2):
        for i in range(6):
            units = [max(value, 0.0) for value in layer(W1, b1, X[b, :, i].tolist())]
            assert inner[b, :, i].tolist() == pytest.approx(units, abs=1e-13)
            assert found[b, :, i].tolist() == pytest.approx(layer(W2, b2, units), abs=1e-13)


def test_the_gradient_by_automatic_differentiation():
    generator = torch.Generator().manual_seed(4)
    network = stack([linear_start(4, 5, 3, generator) for _ in range(2)])
    network = Network(*(part.requires_grad_() for part in network))
    X, targets = sample(4, 3, torch.float64)
    value = (outputs(network, X) - targets).square().sum(-2).mean(-1)
    expected = torch.autograd.grad(value.sum(), list(network))
    found, gradient = mean_square_gradient(network, X, targets)
    torch.testing.assert_close(found, value)
    for ours, theirs in zip(gradient, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_start_has_the_numbers_of_two_linear_layers():
    model = plain_layers(1003, 4, 3)
    start = linear_start(4, 4, 3, torch.Generator().manual_seed(1003), dtype=torch.float32)
    for ours, theirs in zip(start, model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("m", [2, 4])
def test_the_batch_reproduces_single_runs(m):
    X, targets = sample(4, m)
    seeds = range(1000, 1006)
    starts = [
        linear_start(4, 4, m, torch.Generator().manual_seed(s), dtype=torch.float32) for s in seeds
    ]
    found = train(stack(starts), X, targets, **SETTINGS)
    again = (outputs(found.network, X) - targets).square().sum(1).mean(1).sqrt()
    torch.testing.assert_close(again, found.last, rtol=1e-2, atol=0)  # one step later
    for i, seed in enumerate(seeds):
        model = plain_layers(seed, 4, m)
        first, last, epochs = plain_run(model, X, targets, **SETTINGS)
        assert found.first[i].item() == pytest.approx(first, abs=1e-5)
        assert found.last[i].item() == pytest.approx(last, abs=1e-4)
        assert abs(int(found.epochs[i]) - epochs) <= 5
        for ours, theirs in zip(found.network, model.parameters(), strict=True):
            torch.testing.assert_close(ours[i], theirs.detach(), atol=1e-2, rtol=1e-2)
    assert 30 < int(found.epochs.min()) < 400  # some stopped early: the rule was used


def test_training_needs_an_epoch():
    start = stack([linear_start(2, 2, 2, torch.Generator().manual_seed(1))])
    with pytest.raises(ValueError, match="max_epochs 0"):
        train(start, torch.eye(2), torch.eye(2), **{**SETTINGS, "max_epochs": 0})
