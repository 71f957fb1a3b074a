"""Polishing: known minima, and a cost that never rises."""

import pytest
import torch

from shallow_relu import clustered, constructions
from shallow_relu.biased_networks import Network, linear_start, outputs
from shallow_relu.polish import polish


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(6)


def test_from_a_lifted_network_it_reaches_the_best_affine_map(generator):
    sizes = (8, 8, 8)
    X = clustered.clusters(clustered.orthonormal_means(3, 3, generator), sizes, 0.3, generator)
    Y = torch.eye(3, dtype=torch.float64)
    start = constructions.constructed_network(X, Y, sizes)
    end = polish(start, X, clustered.repeat_columns(Y, sizes), max_iterations=4000)
    found = clustered.cost(outputs(end, X), Y, sizes).item()
    affine = constructions.linear_cost(X, Y, sizes, bias=True).item()
    assert found == pytest.approx(affine, rel=1e-5)
    assert found < constructions.construction_bound(X, Y, sizes)


def test_the_cost_never_rises_and_a_minimum_stays(generator):
    X = torch.randn(4, 12, generator=generator, dtype=torch.float64)
    teacher, start = (linear_start(4, 4, 2, generator) for _ in range(2))
    targets = outputs(teacher, X)
    again = polish(teacher, X, targets)
    for ours, theirs in zip(again, teacher, strict=True):
        torch.testing.assert_close(ours, theirs)
    before = (outputs(start, X) - targets).square().sum()
    after = (outputs(polish(start, X, targets), X) - targets).square().sum()
    assert after < before / 10


def test_other_precision_is_refused(generator):
    start = linear_start(4, 4, 2, generator, dtype=torch.float32)
    with pytest.raises(ValueError, match="64 bits"):
        polish(start, torch.eye(4), torch.ones(2, 4))
    assert isinstance(start, Network)
