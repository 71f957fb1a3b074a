from fractions import Fraction

import numpy as np
import pytest
import torch

from shallow_relu import exact_clusters, truncation
from shallow_relu.biased_networks import outputs


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def draw(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_truncation_point_by_point():
    W1, b1, X = draw(1, 3, 2, 2), draw(2, 3, 2), draw(3, 2, 7)
    found = truncation.truncate(W1, b1, X)
    assert found.shape == (3, 2, 7)
    for b in range(3):
        for i in range(7):
            h = np.maximum(W1[b].numpy() @ X[:, i].numpy() + b1[b].numpy(), 0) - b1[b].numpy()
            expected = np.linalg.inv(W1[b].numpy()) @ h
            np.testing.assert_allclose(found[b, :, i], expected, rtol=0, atol=1e-12)
            feature = truncation.features(W1, b1, X)[b, :, i]
            np.testing.assert_allclose(feature, h, rtol=0, atol=1e-14)


def test_truncation_against_exact_numbers():
    W1, b1 = [[1, -2], [3, 1]], [Fraction(-1, 2), -1]
    X = [[3, 1, 2, 0, -1], [1, 2, -1, 3, 4]]
    exact = exact_clusters.truncate(W1, b1, X)
    found = truncation.truncate(
        torch.tensor(W1).double(), torch.tensor([-0.5, -1.0]), torch.tensor(X).double()
    )
    np.testing.assert_allclose(found, np.array(exact, dtype=float), rtol=0, atol=1e-14)


def test_ranks():
    X = torch.tensor([[2.0, 3.0, -2.0, -3.0], [1.0, 2.0, 2.0, 1.0]])
    sizes, eye = (2, 2), torch.eye(2)
    assert truncation.is_rank_preserving(eye, torch.tensor([9.0, 9.0]), X, sizes)
    # Everything is dead: all inputs go to one point.
    assert not truncation.is_rank_preserving(eye, torch.tensor([-9.0, -9.0]), X, sizes)
    # The second coordinate becomes 0, so that the inputs lie on a line through the origin.
    assert not truncation.is_rank_preserving(
        torch.tensor([[1.0, 0.0], [0.0, -1.0]]), torch.tensor([9.0, 0.0]), X, sizes
    )
    # Dependent class means that become independent are not preserved either.
    balanced = torch.tensor([[1.0, 1.0, 2.0, 2.0], [0.0, 1.0, 0.0, 2.0]])
    assert not truncation.is_rank_preserving(eye, torch.tensor([9.0, -1.5]), balanced, sizes)


@pytest.mark.parametrize("d", [2, 4])
def test_step(d):
    direction, Y = draw(5, d), draw(6, 3, 2)
    network = truncation.step_network(direction, torch.tensor(-0.5), torch.tensor(1.0), Y)
    unit = direction / direction.square().sum()
    across = draw(7, d, 5)
    across = across - torch.outer(unit, direction @ across)
    X = unit[:, None] * torch.tensor([-3.0, -0.5, 0.25, 1.0, 4.0]) + across
    expected = torch.stack([Y[:, 1], Y[:, 1], Y.mean(1), Y[:, 0], Y[:, 0]], dim=1)
    torch.testing.assert_close(outputs(network, X), expected, rtol=0, atol=1e-12)
    assert network.W1.shape == (d, d) and np.linalg.matrix_rank(network.W1.numpy()) == 1


def test_descent_finds_what_exact_numbers_say():
    """Two blocks of nine inputs: the infimum is the root of 2/29, which a path approaches."""
    block = [(a, b) for a in (2, 3, 4) for b in (-1, 0, 1)]
    points = [*block, *[(b, a) for a, b in block]]
    X = torch.tensor(points).double().T
    lowest = truncation.descend_linear_cost(
        X, torch.eye(2), (9, 9), starts=30, steps=200, generator=torch.Generator().manual_seed(0)
    )
    far = [[*[p[k] for p in block], *([-k * 10**4] * 9)] for k in range(2)]
    path = float(exact_clusters.squared_distance(far, (9, 9), [[1, 0], [0, 1]]))
    assert path == pytest.approx(2 / 29, rel=1e-5)
    assert lowest.shape == (30,) and 0.2626 < lowest.min().item() < 0.27


def test_refusals():
    with pytest.raises(ValueError, match="invertible first layer"):
        truncation.truncate(torch.ones(2, 2), torch.zeros(2), draw(8, 2, 3))
    for d, high in ((1, 1.0), (2, 0.0)):
        with pytest.raises(ValueError, match="a step needs"):
            truncation.step_network(
                torch.ones(d), torch.tensor(0.0), torch.tensor(high), draw(9, 2, 2)
            )
