import math

import pytest
import torch
from mpmath import betainc, mp

from shallow_relu.intervals import mean_interval, proportion_interval, slope_interval


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (10, 10), (41, 200)])
@pytest.mark.parametrize("level", [0.9, 0.999])
def test_exact_interval_has_the_right_binomial_tails(successes, n, level):
    # By definition: at each end, the tail beyond the count has probability (1 - level) / 2.
    low, high = proportion_interval(successes, n, level)
    tail = (1 - level) / 2
    with mp.workdps(30):
        if successes == 0:
            assert low == 0
        else:
            at_least = betainc(successes, n - successes + 1, 0, low, regularized=True)
            assert float(at_least) == pytest.approx(tail, rel=1e-6)
        if successes == n:
            assert high == 1
        else:
            at_most = 1 - betainc(successes + 1, n - successes, 0, high, regularized=True)
            assert float(at_most) == pytest.approx(tail, rel=1e-6)


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
    for successes, n in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match="is not a proportion"):
            proportion_interval(successes, n)
    with pytest.raises(ValueError, match="at least two values"):
        mean_interval([1.0])
    with pytest.raises(ValueError, match="at least three points"):
        slope_interval([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="not between 0 and 1"):
        mean_interval([1.0, 2.0], level=1.0)
    assert math.isnan(mean_interval([1.0, math.nan])[0])
