"""Confidence intervals of means and slopes, by Student's t."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from scipy import stats
from torch import Tensor

LEVEL = 0.999


def mean_interval(
    values: Float[Tensor, " n"] | Sequence[float], level: float = LEVEL
) -> tuple[float, float, float]:
    """Mean and its interval (low, high) by Student's t, for independent values.

    Raises:
        ValueError: Fewer than two values, or a level outside of (0, 1).
    """
    _check_level(level)
    numbers = [float(value) for value in values]
    if len(numbers) < 2:
        raise ValueError(f"an interval needs at least two values, not {len(numbers)}")
    mean = math.fsum(numbers) / len(numbers)
    spread = math.fsum((value - mean) ** 2 for value in numbers) / (len(numbers) - 1)
    reach = stats.t.ppf((1 + level) / 2, len(numbers) - 1) * math.sqrt(spread / len(numbers))
    return mean, mean - float(reach), mean + float(reach)


def slope_interval(
    x: Sequence[float], y: Sequence[float], level: float = LEVEL
) -> tuple[float, float, float]:
    """Slope of the least-squares line and its interval (low, high), for equal normal errors.

    Raises:
        ValueError: Fewer than three points, or a level outside of (0, 1).
    """
    _check_level(level)
    if len(x) < 3:
        raise ValueError(f"an interval for a slope needs at least three points, not {len(x)}")
    fit = stats.linregress(x, y)
    reach = stats.t.ppf((1 + level) / 2, len(x) - 2) * fit.stderr
    return float(fit.slope), float(fit.slope - reach), float(fit.slope + reach)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"confidence level {level} is not between 0 and 1")
