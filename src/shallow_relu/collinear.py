r"""Critical points with all student neurons on one line, under a teacher with neurons $w^*_k$.

Let all students point in the direction $e$, $w_j = c_j e$ with $c_j > 0$, and let $\theta_k$ be
the angle between $e$ and $w^*_k$. The normal equation [tian2017, Eq. 9] then splits into its part
along $e$ and its part orthogonal to $e$. The student is critical if and only if

$$\sum_j c_j = \frac1\pi \sum_k \|w^*_k\| h(\theta_k), \qquad
\sum_k (\pi - \theta_k) \left(w^*_k - (w^*_k \cdot e)\, e\right) = 0,$$

with $h(\theta) = (\pi - \theta) \cos\theta + \sin\theta$. The second condition concerns the
direction alone; the first leaves a family of critical points, on which only the sum of the norms
is fixed. The bisector of two teacher neurons is such a direction only if they have equal norms.

Shapes: teacher `W_star` `[M, d]`, directions `e` `[*batch, d]`; output weights are 1.
"""

import math

import torch
from jaxtyping import Float
from scipy.optimize import brentq
from torch import Tensor

from shallow_relu.kernels import angle, arc_cosine_profile, norm_and_direction


def imbalance(
    e: Float[Tensor, "*batch d"], W_star: Float[Tensor, "M d"]
) -> Float[Tensor, "*batch d"]:
    r"""Left side of the condition on the direction: zero if and only if $e$ is critical.

    For students $c_j e$ of any norms, the part of each row of the gradient that is orthogonal to
    $e$ is this vector times $-1 / (2 \pi)$.

    Args:
        e: Directions, of any length.
        W_star: Teacher neurons.
    """
    e = norm_and_direction(e)[1][..., None, :]
    theta = angle(e, W_star)[..., None]
    across = W_star - (W_star * e).sum(dim=-1, keepdim=True) * e
    return ((math.pi - theta) * across).sum(dim=-2)


def total_norm(
    e: Float[Tensor, "*batch d"], W_star: Float[Tensor, "M d"]
) -> Float[Tensor, "*batch"]:
    r"""Sum of the students' norms, $\frac1\pi \sum_k \|w^*_k\| h(\theta_k)$, at a critical point.

    Args:
        e: Directions, of any length.
        W_star: Teacher neurons.
    """
    profile = arc_cosine_profile(angle(e[..., None, :], W_star))
    return (profile * W_star.norm(dim=-1)).sum(dim=-1) / math.pi


def critical_directions(W_star: Float[Tensor, "M 2"], resolution: int = 720) -> Float[Tensor, "n"]:
    r"""Angles of all critical directions in the plane, found by sign changes of the imbalance.

    Two directions that are closer than the resolution can be missed.

    Args:
        W_star: Teacher neurons in the plane.
        resolution: Number of intervals of the circle that are searched.

    Returns:
        The angles in $[0, 2\pi)$, in increasing order.
    """

    def across(place: Tensor) -> Tensor:
        e = torch.stack([place.cos(), place.sin()], dim=-1)
        normal = torch.stack([-place.sin(), place.cos()], dim=-1)
        return (imbalance(e, W_star) * normal).sum(dim=-1)

    # The offset keeps symmetry axes off the grid.
    steps = torch.arange(resolution + 1, dtype=W_star.dtype, device=W_star.device)
    places = 2 * math.pi * (steps + 0.377) / resolution
    positive = across(places) > 0
    before = (positive[:-1] != positive[1:]).nonzero().squeeze(-1)
    roots = [
        brentq(lambda z: float(across(places.new_tensor(z))), *ends, xtol=1e-15) % (2 * math.pi)
        for ends in zip(places[before].tolist(), places[before + 1].tolist(), strict=True)
    ]
    return W_star.new_tensor(sorted(roots))


def hessian_eigenvalues(
    norms: Float[Tensor, "K"], e: Float[Tensor, "d"], W_star: Float[Tensor, "M d"]
) -> Float[Tensor, "K*d"]:
    r"""Eigenvalues of the Hessian of the risk at students of one direction, in closed form.

    Write $T = \sum_k \|w^*_k\| \sin\theta_k (I - e e^T + n_k n_k^T)$, where $n_k$ is the direction
    of $w^*_k - (w^*_k \cdot e) e$. Each eigenvalue $\tau$ of $T$ belongs to a $K \times K$ block
    $\frac12 \mathbf 1 \mathbf 1^T - \frac{\tau}{2\pi} \operatorname{diag}(1 / c_j)$. For $e$
    itself $\tau = 0$: one positive eigenvalue, and zeros along the family. Every $\tau > 0$ gives
    at least $K - 1$ negative eigenvalues, so students of one direction are saddles unless all
    teacher neurons lie on their line.

    Args:
        norms: Norms $c_j$ of the students, positive.
        e: Their direction.
        W_star: Teacher neurons.

    Returns:
        The eigenvalues in ascending order.
    """
    e = norm_and_direction(e)[1]
    across = W_star - (W_star @ e)[:, None] * e
    size, n = norm_and_direction(across)
    identity = torch.eye(len(e), dtype=e.dtype, device=e.device)
    T = size.sum() * (identity - torch.outer(e, e)) + (size[:, None] * n).mT @ n
    turning = torch.linalg.eigvalsh(T)[:, None, None] * torch.diag(1 / norms)
    blocks = 0.5 * torch.ones_like(turning) - turning / (2 * math.pi)
    return torch.linalg.eigvalsh(blocks).flatten().sort().values


def antipodal_student(half_angle: float) -> Float[Tensor, "2 2"]:
    r"""The critical point with antipodal neurons under two teacher neurons of norm 1.

    With $u$ the bisector of the teachers and $g$ half of their angle, it is
    $w_1 = \frac2\pi h(g)\, u$, $w_2 = -\frac2\pi h(\pi - g)\, u$.

    Args:
        half_angle: $g$ in $(0, \pi / 2]$; the bisector is the first axis.
    """
    g = torch.tensor([half_angle, math.pi - half_angle], dtype=torch.float64)
    first, second = (2 * arc_cosine_profile(g) / math.pi).tolist()
    return torch.tensor([[first, 0.0], [-second, 0.0]], dtype=torch.float64)


def antipodal_eigenvalues(half_angle: float) -> Float[Tensor, "4"]:
    r"""Eigenvalues of the Hessian in the plane at `antipodal_student`, in closed form.

    They are $\frac12, \frac12, \frac12 - \sin g / h(g)$ and $\frac12 - \sin g / h(\pi - g)$. The
    last is always negative; the third changes sign at `transition_half_angle`.

    Args:
        half_angle: $g$ in $(0, \pi / 2]$.
    """
    g = torch.tensor([half_angle, math.pi - half_angle], dtype=torch.float64)
    turned = 0.5 - math.sin(half_angle) / arc_cosine_profile(g)
    return torch.cat([turned.new_full((2,), 0.5), turned]).sort().values


def transition_half_angle() -> float:
    r"""The angle $x_c \in (0, \pi / 2)$ with $\tan x_c = \pi - x_c$, about 63.76 degrees.

    It is where $(\pi - x) \sin x$ is largest, and where $h(x) = 2 \sin x$. Beyond teacher angle
    $2 x_c$ the bisector of equal teachers is no longer the only critical direction in their cone,
    and `antipodal_student` has a second negative direction.
    """
    return brentq(lambda x: math.sin(x) - (math.pi - x) * math.cos(x), 0.5, 1.5, xtol=1e-15)
