import math

import pytest
import torch

from companion.verdicts import proportion_interval
from shallow_relu.intervals import mean_interval, slope_interval


def test_mean_interval_covers_as_often_as_it_says():
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(4000, 6, generator=generator, dtype=torch.float64)
    hits = sum(low <= 0 <= high for _, low, high in (mean_interval(row, 0.9) for row in samples))
    low, high = proportion_interval(hits, len(samples))
    assert low <= 0.9 <= high


def test_slope_interval_covers_as_often_as_it_says():
    generator = torch.Generator().manual_seed(1)
    x = [0.0, 1.0, 2.0, 4.0, 7.0]
    noise = torch.randn(2000, 5, generator=generator, dtype=torch.float64)
    hits = 0
    for row in noise.tolist():
        y = [3 - 0.5 * a + e for a, e in zip(x, row, strict=True)]
        slope, low, high = slope_interval(x, y, 0.9)
        assert low <= slope <= high
        hits += low <= -0.5 <= high
    low, high = proportion_interval(hits, len(noise))
    assert low <= 0.9 <= high


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="at least two values"):
        mean_interval([1.0])
    with pytest.raises(ValueError, match="at least three points"):
        slope_interval([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="not between 0 and 1"):
        mean_interval([1.0, 2.0], level=1.0)
    assert math.isnan(mean_interval([1.0, math.nan])[0])
