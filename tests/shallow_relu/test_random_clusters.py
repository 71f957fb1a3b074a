import numpy as np
import pytest
import torch

from shallow_relu.random_clusters import conditioned_matrices, random_clusters


def source(seed=1):
    return torch.Generator().manual_seed(seed)


def test_singular_values_fill_the_interval():
    A = conditioned_matrices(2000, 5, 3, source(), low=1.0, high=3.0)
    values = np.linalg.svd(A.numpy(), compute_uv=False)
    assert A.shape == (2000, 5, 3) and A.dtype == torch.float64
    assert 1 - 1e-12 <= values.min() < 1.01 and 2.99 < values.max() <= 3 + 1e-12
    # Entries are symmetric; 30000 of them have a mean within five standard errors of zero.
    assert abs(A.mean().item()) < 5 * A.std().item() / 30_000**0.5


def test_clusters_have_the_means_that_they_say():
    data = random_clusters((3, 1, 4), 5, source(), d=4, width=(0.5, 2.0))
    X = data.inputs.numpy()
    for q, (start, stop) in enumerate(((0, 3), (3, 4), (4, 8))):
        own = X[..., start:stop].mean(-1)
        np.testing.assert_allclose(own, data.means[..., q], atol=1e-13)
    assert data.means.shape == (5, 4, 3) and data.Y.shape == (5, 3, 3) and data.sizes == (3, 1, 4)
    single = data.one(2)
    assert torch.equal(single.inputs, data.inputs[2]) and torch.equal(single.Y, data.Y[2])
    wide = data.scaled(3.0)
    np.testing.assert_allclose(wide.inputs.numpy() - X, 2 * data.noise.numpy(), atol=1e-13)
    assert random_clusters((2, 2), 1, source()).means.shape == (1, 2, 2)


def test_widths_lie_in_the_interval():
    data = random_clusters((400, 400), 300, source(2), width=(0.1, 10.0))
    widths = data.noise.std(dim=(1, 2)).numpy()
    assert 0.09 < widths.min() < 0.15 and 7 < widths.max() < 11
    # Uniform in the logarithm: the median of 300 is the geometric mean within 40 percent.
    assert 0.6 < np.median(widths) < 1.6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 2), 1), "every class needs an input"),
        (((1, 2, 2), 1, 2), "no 2 x 3 matrices"),
        (((1, 2), 1, None, (0.0, 1.0)), "no clusters of widths"),
        (((1, 2), 1, None, (2.0, 1.0)), "no clusters of widths"),
    ],
)
def test_refusals(arguments, message):
    sizes, count, d, width = (*arguments, None, (0.1, 1.0))[:4]
    if len(arguments) == 3:
        width = (0.1, 1.0)
    with pytest.raises(ValueError, match=message):
        random_clusters(sizes, count, source(), d=d, width=width)


def test_an_impossible_interval_is_refused():
    with pytest.raises(ValueError, match="no 2 x 2 matrices"):
        conditioned_matrices(1, 2, 2, source(), low=-1.0)
