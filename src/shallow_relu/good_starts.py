r"""The event that every data point starts with an active neuron of the right sign.

For a network and a sample as in `networks`, the event of [dana2025, Lemma 5] is

$$\mathcal E = \{\text{for every } i \text{ some } j \text{ has } w_j \cdot x_i > 0
\text{ and } a_j y_i > 0\}.$$

Let $a_j$ and $w_j$ be independent with symmetric, rotation-invariant laws without atoms at zero.

- Any inputs: neuron $j$ serves point $i$ with probability $\frac14$, so that
  $P(\mathcal E) \ge 1 - n (3/4)^K$.
- Orthogonal inputs: turning over one coordinate changes the sign of one $w_j \cdot x_i$ and no
  law, so all these signs are independent and fair. Given that $k$ neurons have $a_j > 0$, a point
  with a positive label is missed with probability $2^{-k}$, and the points are independent.
  Hence, for $n_+$ positive and $n_-$ negative labels,
  $P(\mathcal E) = \sum_k \binom Kk 2^{-K} (1 - 2^{-k})^{n_+} (1 - 2^{-(K-k)})^{n_-}$.
- The points are *not* independent without the condition on $k$: they share the signs of the
  output weights.
"""

import math

from jaxtyping import Bool, Float
from torch import Tensor


def is_covered(
    W: Float[Tensor, "*#batch K d"],
    a: Float[Tensor, "*#batch K"],
    X: Float[Tensor, "*#batch d n"],
    y: Float[Tensor, "*#batch n"],
) -> Bool[Tensor, "*#batch"]:
    r"""Whether the event $\mathcal E$ happens; shapes as in `networks`."""
    served = (W @ X > 0) & (a[..., :, None] * y[..., None, :] > 0)
    return served.any(dim=-2).all(dim=-1)


def cover_probability(K: int, n_plus: float | int, n_minus: float | int) -> float:
    r"""$P(\mathcal E)$ for orthogonal inputs, exact up to rounding.

    Args:
        K: Width.
        n_plus: Number of positive labels; may be as large as a float can be.
        n_minus: Number of negative labels.

    Raises:
        ValueError: A count is negative, or the width is not positive.
    """
    if K < 1 or n_plus < 0 or n_minus < 0:
        raise ValueError(f"width {K} and counts {n_plus}, {n_minus} make no sense")

    def all_served(neurons: int, points: float | int) -> float:
        if points == 0:
            return 1.0
        return math.exp(points * math.log1p(-(2.0**-neurons))) if neurons else 0.0

    return math.fsum(
        math.comb(K, k) / 2**K * all_served(k, n_plus) * all_served(K - k, n_minus)
        for k in range(K + 1)
    )


def union_bound(K: int, n: float | int) -> float:
    r"""$1 - n (3/4)^K$, below $P(\mathcal E)$ for any inputs [dana2025, Eq. 13]."""
    return 1 - n * 0.75**K


def independent_points(K: int, n: float | int) -> float:
    r"""$(1 - (3/4)^K)^n$: what $P(\mathcal E)$ would be if the points were independent."""
    return math.exp(n * math.log1p(-(0.75**K)))


def sufficient_width(n: float | int, epsilon: float) -> int:
    r"""Smallest integer $K \ge 4 \log(n/\varepsilon)$ [dana2025, Thm 1].

    Raises:
        ValueError: `epsilon` is not in (0, 1), or there is no data.
    """
    if not 0 < epsilon < 1 or n < 1:
        raise ValueError(f"n = {n} and epsilon = {epsilon} make no sense")
    return math.ceil(4 * (math.log(n) - math.log(epsilon)))


def smallest_width(n: float | int, epsilon: float) -> int:
    r"""Smallest $K$ with $P(\mathcal E) \ge 1 - \varepsilon$: orthogonal inputs, half of each sign.

    Raises:
        ValueError: as for `sufficient_width`.
    """
    low, high = 0, sufficient_width(n, epsilon)
    while high - low > 1:
        middle = (low + high) // 2
        good = cover_probability(middle, n / 2, n / 2) >= 1 - epsilon
        low, high = (low, middle) if good else (middle, high)
    return high


def fewest_right_neurons(K: int, n: float | int) -> int:
    r"""Median of the smallest number of active neurons of the right sign at a point.

    For orthogonal inputs, $K/2$ output weights of each sign: the numbers at the points are then
    independent and binomial with $\lfloor K/2 \rfloor$ fair trials.

    Args:
        K: Width.
        n: Number of points; may be as large as a float can be.

    Raises:
        ValueError: The width is below 2, or there is no data.
    """
    if K < 2 or n < 1:
        raise ValueError(f"width {K} and n = {n} make no sense")
    trials, below = K // 2, 0
    for fewest in range(trials):
        below += math.comb(trials, fewest)
        share = below / 2**trials
        # All points have more than this with probability (1 - share)^n.
        if share >= 1 or n * math.log1p(-share) <= -math.log(2):
            return fewest
    return trials


def fewest_share(factor: float) -> float:
    r"""Limit of the smallest number over the width for $K = c \log n$.

    It is $q/2$, where $\frac c2 \mathrm{KL}(q \| \frac12) = 1$ and $q < \frac12$; zero for
    $c \le 2/\log 2$, where good starts become rare.

    Args:
        factor: $c > 0$.
    """
    if factor * math.log(2) <= 2:
        return 0.0

    def surplus(q: float) -> float:
        entropy = -q * math.log(q) - (1 - q) * math.log(1 - q)
        return factor / 2 * (math.log(2) - entropy) - 1

    low, high = 1e-300, 0.5
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if surplus(middle) > 0 else (low, middle)
    return low / 2
