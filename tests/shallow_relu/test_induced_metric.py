import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from shallow_relu import induced_metric
from shallow_relu.biased_networks import outputs
from shallow_relu.constructions import constructed_network
from shallow_relu.random_clusters import random_clusters


def source(seed=1):
    return torch.Generator().manual_seed(seed)


def test_distances_by_a_loop():
    data = random_clusters((2, 3), 3, source(), d=4)
    x = torch.randn(4, 5, generator=source(2), dtype=torch.float64)
    W = induced_metric.induced_map(data.means, data.Y)
    found = induced_metric.distances(W, x, data.means)
    assert found.shape == (3, 2, 5)
    for b in range(3):
        map_ = data.Y[b].numpy() @ np.linalg.pinv(data.means[b].numpy())
        P = data.means[b].numpy() @ np.linalg.pinv(data.means[b].numpy())
        for q in range(2):
            for i in range(5):
                difference = P @ (x[:, i].numpy() - data.means[b, :, q].numpy())
                expected = np.linalg.norm(map_ @ difference)
                assert found[b, q, i].item() == pytest.approx(expected, rel=1e-11)


def test_labels_and_means_are_isometric():
    data = random_clusters((2, 3, 4), 2, source(3), d=5)
    W = induced_metric.induced_map(data.means, data.Y)
    found = induced_metric.distances(W, data.means, data.means)
    expected = induced_metric.distances_to_labels(data.Y, data.Y)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    square = (data.Y[1, :, 0] - data.Y[1, :, 2]).square().sum().item()
    assert expected[1, 0, 2].item() == pytest.approx(math.sqrt(square))


def cap(height, d):
    """Share of the sphere above a height, by integration over the polar angle."""
    inside = quad(lambda t: math.sin(t) ** (d - 2), 0, math.acos(height))[0]
    return inside / quad(lambda t: math.sin(t) ** (d - 2), 0, math.pi)[0]


@pytest.mark.parametrize(("d", "Q"), [(2, 1), (3, 2), (6, 3), (20, 20)])
def test_share_of_directions(d, Q):
    radii = torch.tensor([0.5, 1.0, 1.2, 1.4, 5.0], dtype=torch.float64)
    found = induced_metric.share_beyond(radii, d, Q).tolist()
    for radius, share in zip(radii.tolist(), found, strict=True):
        expected = min(1.0, Q * cap(1 / radius, d)) if radius > 1 else 0.0
        assert share == pytest.approx(expected, abs=1e-12)


def test_the_network_leaves_the_metric_on_that_share():
    data = random_clusters((3, 3), 1, source(5), d=4, width=(0.2, 0.3)).one(0)
    network = constructed_network(data.inputs, data.Y, data.sizes)
    shift = 2 * data.inputs.norm(dim=0).max()
    e = torch.randn(4, 20_000, generator=source(6), dtype=torch.float64)
    x = 1.35 * shift * e / e.norm(dim=0)
    W = induced_metric.induced_map(data.means, data.Y)
    by_network = induced_metric.distances_to_labels(outputs(network, x), data.Y)
    wrong = (by_network - induced_metric.distances(W, x, data.means)).abs().amax(0) > 1e-9
    share = induced_metric.share_beyond(torch.tensor([1.35], dtype=torch.float64), 4, 2).item()
    error = math.sqrt(share * (1 - share) / 20_000)
    assert abs(wrong.double().mean().item() - share) < 5 * error


def test_refusals():
    with pytest.raises(ValueError, match="linearly dependent"):
        induced_metric.induced_map(torch.ones(3, 2), torch.eye(2))
    radius = torch.ones(1)
    for d, Q in ((1, 1), (3, 0), (3, 4)):
        with pytest.raises(ValueError, match="rows in dimension"):
            induced_metric.share_beyond(radius, d, Q)
