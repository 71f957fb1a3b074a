r"""The metric that the constructed network induces, and where it stops [chen2024, Thm 3.3].

With the class means $\bar X$, the projector $P = \bar X \bar X^+$ on their span and the labels $Y$,
put $\tilde W_2 = Y \bar X^+$ and $\mathrm{dist}(x, x') = \|\tilde W_2 P (x - x')\|$. It maps the
class mean $\bar x_q$ to the label $y_q$. The constructed network of Theorem 3.1 has the first
layer $U$ and the shift $\varrho$ on the $Q$ *live* rows $u_k$ of $U$, those that span the range of
$P$. It equals $x \mapsto \tilde W_2 x$ where $u_k \cdot x \ge -\varrho$ for all live rows, and
nowhere else.
"""

import torch
from jaxtyping import Float
from scipy import special
from torch import Tensor

from shallow_relu.clustered import means_pseudoinverse


def induced_map(
    means: Float[Tensor, "*batch d Q"], Y: Float[Tensor, "*#batch m Q"]
) -> Float[Tensor, "*batch m d"]:
    r"""The matrix $\tilde W_2 = Y \bar X^+$ [chen2024, Eq. 3.34].

    Raises:
        ValueError: The class means are linearly dependent, so that there is no such metric.
    """
    return Y @ means_pseudoinverse(means)


def distances(
    W: Float[Tensor, "*#batch Q d"],
    x: Float[Tensor, "*#batch d m"],
    centres: Float[Tensor, "*#batch d c"],
) -> Float[Tensor, "*batch c m"]:
    r"""Distances $\mathrm{dist}(x, x') = \|\tilde W_2 (x - x')\|$ of points from centres.

    As $\tilde W_2 P = \tilde W_2$, the part of the points outside of the range of $P$ drops out.

    Args:
        W: The matrix $\tilde W_2$; the identity gives Euclidean distances.
        x: Points as columns.
        centres: Centres as columns, such as the class means.
    """
    differences = (W @ x)[..., None, :] - (W @ centres)[..., :, None]
    return torch.linalg.vector_norm(differences, dim=-3)


def distances_to_labels(
    outputs: Float[Tensor, "*batch Q m"], Y: Float[Tensor, "*#batch Q c"]
) -> Float[Tensor, "*batch c m"]:
    r"""Distances $\|f(x) - y_q\|$ of outputs of a network from the labels [chen2024, Eq. 3.32]."""
    return torch.linalg.vector_norm(outputs[..., None, :] - Y[..., :, None], dim=-3)


def share_beyond(radius: Float[Tensor, "*batch"], d: int, Q: int) -> Float[Tensor, "*batch"]:
    r"""Share of directions $e$ with $r\, u_k \cdot e < -1$ for some of $Q$ orthonormal rows.

    The direction $e$ is uniform on the sphere in $\mathbb R^d$. One row is passed with probability
    $\frac12 I_{1 - 1/r^2}(\frac{d - 1}2, \frac12)$, and for $r \le \sqrt2$ no two rows at once, so
    that $Q$ times this is the share. For larger radii it is an upper bound, and the value returned
    is at most 1.

    Args:
        radius: Distance $r$ from the origin, in units of the shift.
        d: Dimension, at least 2.
        Q: Number of rows, at most d.

    Raises:
        ValueError: The numbers make no sense.
    """
    if d < 2 or not 1 <= Q <= d:
        raise ValueError(f"{Q} rows in dimension {d}")
    inside = 1 - 1 / radius.clamp(min=1).square()
    cap = special.betainc((d - 1) / 2, 0.5, inside.numpy()) / 2
    return (Q * torch.as_tensor(cap, dtype=radius.dtype)).clamp(max=1)
