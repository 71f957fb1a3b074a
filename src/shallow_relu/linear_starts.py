r"""Which starts on the line are trapped, for two neurons that learn $f^*(x) = \beta x$, $d = 1$.

On the line the flow of the population risk is linear in each quadrant of $(w_1, w_2)$, so the
limit of every start is known. The stationary points $w_1 = (c + 1) \beta$, $w_2 = c \beta$ of
[linear2025, App. C] are local minima there and attract open sets.
"""

import math

from jaxtyping import Bool, Float
from scipy import stats
from scipy.integrate import quad
from torch import Tensor


def is_trapped(W: Float[Tensor, "*batch 2"], beta: float = 1.0) -> Bool[Tensor, "*batch"]:
    r"""Whether the flow on the line ends at a point of the ray instead of $(\beta, -\beta)$.

    For $\beta > 0$: neurons of one sign keep their sum while $w_1 - w_2$ tends to $\beta$, and
    are trapped if $|w_1 + w_2| > \beta$; otherwise one of them changes its sign and they are free.
    From $w_1 > 0 > w_2$ both reach their targets. From $w_1 < 0 < w_2$ both shrink towards zero,
    and the smaller one changes its sign first; the pair is trapped if then the other one exceeds
    $\beta$, that is, if the larger one exceeds $\beta$ plus twice the smaller one at the start.

    Args:
        W: Starts, no entry zero.
        beta: Slope of the target, not zero.
    """
    first, second = (W / beta).unbind(dim=-1)
    low, high = first.abs().minimum(second.abs()), first.abs().maximum(second.abs())
    same_sign = first * second > 0
    crossed = (first < 0) & (second > 0)
    return (same_sign & (low + high > 1)) | (crossed & (high > 1 + 2 * low))


def trapping_probability(size: float) -> float:
    r"""Probability of `is_trapped` for independent $w_j \sim N(0, \mathrm{size}^2)$, $|\beta| = 1$.

    Raises:
        ValueError: The size is not positive.
    """
    if not size > 0:
        raise ValueError(f"a standard deviation must be positive, not {size}")
    law = stats.norm(scale=size)

    def same_sign(w: float) -> float:
        return law.pdf(w) * law.sf(max(0.0, 1 - w))

    def crossed(w: float) -> float:
        return law.pdf(w) * law.sf(1 + 2 * w)

    # The bend at 1 must be an end of an interval; either case has a mirror image.
    pieces = quad(same_sign, 0, 1)[0] + quad(same_sign, 1, math.inf)[0]
    return 2 * (pieces + quad(crossed, 0, math.inf)[0])
