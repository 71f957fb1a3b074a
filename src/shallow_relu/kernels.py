r"""Angles and arc-cosine kernels of Gaussian inputs.

For $x \sim N(0, I_d)$ and vectors $u, v$ at angle $\theta$, the expectations behind every closed
form of this package depend on the plane of $u$ and $v$ alone:

- order 0: $P(u \cdot x > 0, v \cdot x > 0) = (\pi - \theta) / (2 \pi)$,
- order 1: $E[\sigma(u \cdot x) \sigma(v \cdot x)] = \|u\| \|v\| h(\theta) / (2 \pi)$ with the
  profile $h(\theta) = (\pi - \theta) \cos\theta + \sin\theta$ and $\sigma(t) = \max(t, 0)$.

All functions of two vectors act on the last dimension and broadcast over the others. All pairs of
two families come from `u[..., :, None, :]` and `v[..., None, :, :]`; this pattern is recognised
and needs no memory beyond its result.

Everything is computed from the two chords $\|\hat u - \hat v\| = 2 \sin(\theta / 2)$ and
$\|\hat u + \hat v\| = 2 \cos(\theta / 2)$ between the directions. Each is accurate where it is
small, so nothing cancels near collinear or antipodal vectors; what remains is the rounding of the
directions, an absolute error of a few units in the last place in $\theta$ and $\pi - \theta$.

Convention for zero vectors: their gate $1(0 > 0)$ is closed. So a zero vector makes the angle
$\pi$ with every vector, itself included, and every expectation that it enters is 0.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

# sin(x) - x cos(x) = x^3 sum_k c_k x^(2k) with these c_k, for |x| <= 1 to below one unit in the
# last place of float64.
_PROFILE_SERIES = tuple((-1) ** k * 2 * (k + 1) / math.factorial(2 * k + 3) for k in range(10))


def norm_and_direction(
    u: Float[Tensor, "*batch d"],
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch d"]]:
    """Euclidean norm and unit direction, without overflow or underflow of the squares.

    Args:
        u: Vectors.

    Returns:
        The norms, and `u` divided by its norm; the direction of a zero vector is zero.
    """
    # Both results are exactly invariant to the choice of the scale, so autograd need not see it.
    scale = u.detach().abs().amax(dim=-1, keepdim=True)
    scaled = u / torch.where(scale == 0, 1, scale)
    scaled_norm = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    direction = scaled / torch.where(scaled_norm == 0, 1, scaled_norm)
    return (scale * scaled_norm).squeeze(-1), direction


def _chords(
    u: Float[Tensor, "*#batch d"], v: Float[Tensor, "*#batch d"]
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """`2 sin(theta / 2)` and `2 cos(theta / 2)` for the angle between two directions.

    A zero vector counts as antipodal to every vector.
    """
    if u.ndim >= 3 and v.ndim >= 3 and u.shape[-2] == 1 and v.shape[-3] == 1:
        # All pairs of two families. The mode that computes distances by matrix products would
        # lose half of the digits of small ones.
        first, second = u.squeeze(-2), v.squeeze(-3)
        exact = "donot_use_mm_for_euclid_dist"
        difference = torch.cdist(first, second, compute_mode=exact)
        total = torch.cdist(first, -second, compute_mode=exact)
    else:
        difference = torch.linalg.vector_norm(u - v, dim=-1)
        total = torch.linalg.vector_norm(u + v, dim=-1)
    closed = ~(u.any(dim=-1) & v.any(dim=-1))
    return torch.where(closed, 2, difference), torch.where(closed, 0, total)


def _complement(difference: Float[Tensor, "*batch"], total: Float[Tensor, "*batch"]) -> Tensor:
    """The angle `pi - theta` from the two chords."""
    return 2 * torch.atan2(total, difference)


def _profile(complement: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """The profile `h(theta) = sin(x) - x cos(x)` as a function of `x = pi - theta`."""
    # The series takes over where the difference would cancel; the clamp keeps the branch that is
    # not used, and its derivative, from overflowing.
    small = complement.clamp(max=1)
    square = small * small
    series = torch.full_like(square, _PROFILE_SERIES[-1])
    for coefficient in reversed(_PROFILE_SERIES[:-1]):
        series = series * square + coefficient
    plain = torch.sin(complement) - complement * torch.cos(complement)
    return torch.where(complement < 1, small * square * series, plain)


def angle(u: Float[Tensor, "*#batch d"], v: Float[Tensor, "*#batch d"]) -> Float[Tensor, "*batch"]:
    r"""Angle between two vectors, in $[0, \pi]$.

    The absolute error is a few units in the last place at every angle and every scale.

    Args:
        u: First vectors.
        v: Second vectors, broadcast against `u`.

    Returns:
        The angles; $\pi$ where one of the vectors is zero (see the module's convention).
    """
    difference, total = _chords(norm_and_direction(u)[1], norm_and_direction(v)[1])
    return 2 * torch.atan2(difference, total)


def arc_cosine_profile(theta: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""Profile $h(\theta) = (\pi - \theta) \cos\theta + \sin\theta$ of the order-1 kernel.

    It decreases from $h(0) = \pi$ to $h(\pi) = 0$, where it behaves as $(\pi - \theta)^3 / 3$. The
    relative error is a few units in the last place on all of $[0, \pi]$: the nearest floating
    point number to $\pi$ is not $\pi$, and the difference is taken into account.

    Args:
        theta: Angles in $[0, \pi]$. The floating point number nearest to $\pi$ is admitted even
            where it exceeds $\pi$ (float32), and then gives 0.

    Returns:
        The profile; [lightman2026, Eq. 13] and [linear2025, Eq. 5] are $h / (2 \pi)$.
    """
    rounded = torch.tensor(math.pi, dtype=theta.dtype).item()
    remainder = (math.pi - rounded) + math.sin(math.pi)
    return _profile(((rounded - theta) + remainder).clamp(min=0))


def arc_cosine_0(
    u: Float[Tensor, "*#batch d"], v: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Arc-cosine kernel of order 0: $P(u \cdot x > 0, v \cdot x > 0) = (\pi-\theta)/(2\pi)$.

    Args:
        u: First vectors.
        v: Second vectors, broadcast against `u`.

    Returns:
        Probabilities in $[0, 1/2]$; 0 where one of the vectors is zero.
    """
    return gated_mean_coefficients(u, v)[0]


def arc_cosine_1(
    u: Float[Tensor, "*#batch d"], v: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Arc-cosine kernel of order 1: $E[\sigma(u \cdot x) \sigma(v \cdot x)]$.

    It equals $\|u\| \|v\| h(\theta) / (2 \pi)$ [lightman2026, Eq. 13], [linear2025, Eq. 5], and
    is computed to full relative accuracy in $\pi - \theta$.

    Args:
        u: First vectors.
        v: Second vectors, broadcast against `u`.

    Returns:
        Kernel values; never negative.
    """
    u_norm, u_direction = norm_and_direction(u)
    v_norm, v_direction = norm_and_direction(v)
    profile = _profile(_complement(*_chords(u_direction, v_direction)))
    return u_norm * v_norm * profile / (2 * math.pi)


def gated_mean_coefficients(
    e: Float[Tensor, "*#batch d"], w: Float[Tensor, "*#batch d"]
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""Coefficients of $w$ and of $\hat e = e / \|e\|$ in the gated mean.

    Args:
        e: Gating vectors.
        w: Vectors of the gated neurons, broadcast against `e`.

    Returns:
        $(\pi - \theta) / (2 \pi)$ and $\|w\| \sin\theta / (2 \pi)$, $\theta$ the angle between
        `e` and `w`; see `gated_mean`.
    """
    w_norm, w_direction = norm_and_direction(w)
    difference, total = _chords(norm_and_direction(e)[1], w_direction)
    sine = difference * total / 2
    return _complement(difference, total) / (2 * math.pi), w_norm * sine / (2 * math.pi)


def gated_mean(
    e: Float[Tensor, "*#batch d"], w: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch d"]:
    r"""Population gating function $E[1(e \cdot x > 0)\, \sigma(w \cdot x)\, x]$.

    It equals $[(\pi - \theta) w + \|w\| \sin\theta\, \hat e] / (2 \pi)$, the mean per sample of
    [tian2017, Thm 1], where the gate of `w` is written $D(w) X w$.

    Args:
        e: Gating vectors; only their direction matters.
        w: Vectors of the gated neurons, broadcast against `e`.

    Returns:
        The gated means; zero where `e` or `w` is zero.
    """
    along_w, along_e = gated_mean_coefficients(e, w)
    return along_w[..., None] * w + along_e[..., None] * norm_and_direction(e)[1]
