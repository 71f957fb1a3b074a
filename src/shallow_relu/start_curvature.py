r"""The local PL curvature at a random start, for a growing width.

Shapes as in `networks`. At a start with fair signs of the output weights the network tends to zero
as $K \to \infty$, and the residuals to $-y$. With one term per neuron,

$$n \mu(0) = \frac{2\, r^\top M r}{\|r\|^2}, \qquad M = \frac1K \sum_j M_j, \qquad
(M_j)_{ik} = \sigma(w_j \cdot x_i)\, \sigma(w_j \cdot x_k)
+ a_j^2\, 1(w_j \cdot x_i > 0)\, 1(w_j \cdot x_k > 0)\, x_i \cdot x_k ,$$

the law of large numbers gives $n \mu(0) \to C = 2\, y^\top E[M_1] y / \|y\|^2$, and the central
limit theorem $\sqrt K (n \mu(0) - C) \to N(0, \varsigma^2)$ [dana2025, Lemma 4]. To first order
$n \mu(0) - C$ is the mean over the neurons of

$$\frac{2}{\|y\|^2} \bigl[ y^\top (M_j - E M_j)\, y + 2\, v \cdot \varphi_j \bigr], \qquad
\varphi_j = a_j\, \sigma(X^\top w_j), \qquad v = \tfrac C2 y - E[M_1]\, y :$$

the second term comes from the residuals $-y + \frac1K \sum_j \varphi_j$. It is odd in the sign of
$a_j$ and the first is even, so that they are uncorrelated, and

$$\varsigma^2 = \frac4{\|y\|^4} \bigl[ \mathrm{Var}(y^\top M_1 y) + 4\, E (v \cdot \varphi_1)^2
\bigr] .$$

It needs fourth moments of $w_1$ and $a_1$.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu.kernels import arc_cosine_0, arc_cosine_1

# Moments of max(g, 0) for a standard normal g, and its cumulants.
_M1, _M2, _M3, _M4 = 1 / math.sqrt(2 * math.pi), 0.5, math.sqrt(2 / math.pi), 1.5
_CUMULANTS = (
    _M1,
    _M2 - _M1**2,
    _M3 - 3 * _M2 * _M1 + 2 * _M1**3,
    _M4 - 4 * _M3 * _M1 - 3 * _M2**2 + 12 * _M2 * _M1**2 - 6 * _M1**4,
)


class StartMoments(NamedTuple):
    r"""Moments of one neuron at the start; its direction is uniform and independent of them.

    Attributes:
        d: Dimension.
        w2: $E \|w\|^2$.
        w4: $E \|w\|^4$.
        a2: $E a^2$.
        a4: $E a^4$.
        a2w2: $E a^2 \|w\|^2$.
    """

    d: int
    w2: float
    w4: float
    a2: float
    a4: float
    a2w2: float


def start_moments(d: int) -> StartMoments:
    r"""Moments of `networks.start` with Gaussian neurons: $|a| = \|w\| + b$, $b$ exponential.

    Raises:
        ValueError: The dimension is not positive.
    """
    if d < 1:
        raise ValueError(f"dimension {d} is not positive")

    def norm_moment(k: int) -> float:
        log = math.lgamma((d + k) / 2) - math.lgamma(d / 2) + k / 2 * math.log(2 / (3 * d))
        return math.exp(log)

    w1, w2, w3, w4 = (norm_moment(k) for k in (1, 2, 3, 4))
    # E b^k = k!
    a2, a4 = w2 + 2 * w1 + 2, w4 + 4 * w3 + 12 * w2 + 24 * w1 + 24
    return StartMoments(d, w2, w4, a2, a4, w4 + 2 * w3 + 2 * w2)


def limit_mean(
    X: Float[Tensor, "*#batch d n"], y: Float[Tensor, "*#batch n"], w2: float, a2: float
) -> Float[Tensor, "*batch"]:
    r"""$C = \lim_K n \mu(0)$ for any inputs, by arc-cosine kernels.

    Args:
        X: Inputs as columns.
        y: Labels, not all zero.
        w2: $E \|w\|^2$; the direction of $w$ is uniform and independent of $a$ and $\|w\|$.
        a2: $E a^2$; signs are fair.
    """
    rows = X.mT
    one, other = rows[..., :, None, :], rows[..., None, :, :]
    both_open = arc_cosine_0(one, other)
    mean = w2 / X.shape[-2] * arc_cosine_1(one, other) + a2 * both_open * (rows @ X)
    square = y.square().sum(dim=-1)
    return 2 * (y[..., None, :] @ mean @ y[..., None])[..., 0, 0] / square


def orthogonal_limit(
    norms: Float[Tensor, " n"], y: Float[Tensor, " n"], moments: StartMoments
) -> tuple[float, float]:
    r"""$C$ and $\varsigma$ in closed form for orthogonal inputs.

    The signs and sizes of the $w \cdot x_i$ are those of independent normal numbers $g_i$, up to a
    common factor. With $c_i = y_i \|x_i\|$ only moments of $\sum_i c_i \max(g_i, 0)$ are needed.

    Args:
        norms: Norms of the inputs.
        y: Labels, not all zero.
        moments: Of the start, with `d` at least the number of inputs.

    Raises:
        ValueError: More orthogonal inputs than dimensions.
    """
    d, w2, w4, a2, a4, a2w2 = moments
    if len(norms) > d:
        raise ValueError(f"{len(norms)} orthogonal inputs do not fit into dimension {d}")
    c, square = norms * y, y.square().sum()

    def cumulant(k: int) -> Tensor:
        return c.pow(k).sum() * _CUMULANTS[k - 1]

    def bilinear(u: Tensor) -> Tensor:
        """E (sum of u_i max(g_i, 0))^2."""
        return u.square().sum() / 2 + (u.sum().square() - u.square().sum()) / (2 * math.pi)

    c2 = c.square().sum()
    mean_q, mean_s = w2 / d * bilinear(c), a2 * c2 / 2
    half = (mean_q + mean_s) / square
    k1, k2, k3, k4 = (cumulant(k) for k in (1, 2, 3, 4))
    fourth = k4 + 3 * k2**2 + 4 * k1 * k3 + 6 * k1**2 * k2 + k1**4
    # Given g_k > 0, it is the absolute value of a normal number; the others are as before.
    rest_mean, rest_variance = k1 - c * _CUMULANTS[0], k2 - c.square() * _CUMULANTS[1]
    given = c.square() + 2 * c * math.sqrt(2 / math.pi) * rest_mean
    given = (given + rest_variance + rest_mean.square()) / 2
    variance = (
        w4 / (d * (d + 2)) * fourth
        + 2 * a2w2 / d * (c.square() * given).sum()
        + a4 / 4 * (c2.square() + c.pow(4).sum())
        - (mean_q + mean_s).square()
    )
    image = norms * (c * (w2 / d + a2) / 2 + w2 / d * (c.sum() - c) / (2 * math.pi))
    residual = a2w2 / d * bilinear((half * y - image) * norms)
    spread = 2 * torch.sqrt(variance + 4 * residual) / square
    return float(2 * half), float(spread)
