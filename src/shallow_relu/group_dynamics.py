r"""One neuron per group of orthonormal inputs: the flow in closed form.

Orthonormal inputs are split into $K$ groups $G_j$ whose labels share their sign $s_j$. Neuron $j$
is active on group $j$ only, its output weight has the sign $s_j$, and $|a_j| = \|w_j\|$. Let
$w_j$ lie in the span of its group. With $D = \sum_{i \in G_j} y_i x_i$, $\rho = \|w_j\|^2$ and the
cosine $c$ between $s_j w_j$ and $D$, the flow of `networks` reads [dana2025, App. A, Prop. 2]

$$\dot c = \frac{\|D\|}n (1 - c^2), \qquad
\dot\rho = \frac{2 \rho}n \Bigl(\|D\| c - \frac\rho K\Bigr), \qquad
L_j = \frac1{2n} \Bigl(\|D\|^2 - \frac{2 \rho c}K \|D\| + \frac{\rho^2}{K^2}\Bigr).$$

In the time $\tau = \|D\| t / n$ of the group and with $g = \cosh\tau + c_0 \sinh\tau$ the first
equation gives $c = g'/g$, and the second one is linear in $1/\rho$:

$$\rho = \frac{\rho_0 g^2}{1 + \frac{2 \rho_0}{K \|D\|} \int_0^\tau g^2}, \qquad \int_0^\tau g^2 =
\frac{1 + c_0^2}4 \sinh 2\tau + \frac{c_0}2 (\cosh 2\tau - 1) + \frac{1 - c_0^2}2 \tau .$$

Everything below divides by $e^{2\tau}$ first, so that no time is too late. With
$q = \rho / (K \|D\|)$ the loss of the group is $\frac{\|D\|^2}{2n} [(1 - q)^2 + 2 q (1 - c)]$, a
sum of two positive terms.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class GroupFacts(NamedTuple):
    r"""What the closed form needs to know of each group.

    Attributes:
        size: $\|D\|$.
        c0: Cosine between $s_j w_j$ and $D$ at the start.
        rho0: $\|w_j\|^2$ at the start.
    """

    size: Float[Tensor, " K"]
    c0: Float[Tensor, " K"]
    rho0: Float[Tensor, " K"]


def group_start(
    sizes: Sequence[int], generator: torch.Generator
) -> tuple[
    Float[Tensor, "K n"],
    Float[Tensor, " K"],
    Float[Tensor, "n n"],
    Float[Tensor, " n"],
    GroupFacts,
]:
    r"""Random group initialisation on the canonical basis [dana2025, Eq. 9].

    Labels have sizes uniform on $[1, 2]$ and the sign $+$ in even, $-$ in odd groups. The neuron
    of a group has uniform entries on $[0, 1]$ there and zeros elsewhere.

    Args:
        sizes: Number of points in each group.
        generator: Source of randomness, on the CPU.

    Returns:
        Neurons, output weights, inputs, labels (shapes as in `networks`), and the facts.
    """
    n, K = sum(sizes), len(sizes)
    owner = torch.repeat_interleave(torch.arange(K), torch.tensor(sizes))
    sign = 1 - 2.0 * (torch.arange(K) % 2).double()
    y = 1 + torch.rand(n, generator=generator, dtype=torch.float64)
    mine = torch.arange(K)[:, None] == owner
    entries = torch.rand(n, generator=generator, dtype=torch.float64)
    W = torch.where(mine, entries, 0.0)
    norm = torch.linalg.vector_norm(W, dim=1)
    size = torch.linalg.vector_norm(torch.where(mine, y, 0.0), dim=1)
    facts = GroupFacts(size, W @ y / (norm * size), norm.square())
    return W, sign * norm, torch.eye(n, dtype=torch.float64), y * sign[owner], facts


def alignment(
    tau: Float[Tensor, "*#batch"], c0: Float[Tensor, "*#batch"]
) -> tuple[Float[Tensor, "*#batch"], Float[Tensor, "*#batch"]]:
    r"""Cosine $c = \tanh(\tau + \mathrm{artanh}\, c_0)$, and $1 - c$ without cancellation.

    Args:
        tau: Times $\|D\| t / n$ of the group.
        c0: Cosine at the start, in $(-1, 1]$.
    """
    decay = torch.exp(-2 * tau)
    below = 1 + c0 + (1 - c0) * decay
    return (1 + c0 - (1 - c0) * decay) / below, 2 * (1 - c0) * decay / below


def fit(
    tau: Float[Tensor, "*#batch"], c0: Float[Tensor, "*#batch"], q0: Float[Tensor, "*#batch"]
) -> tuple[Float[Tensor, "*#batch"], Float[Tensor, "*#batch"]]:
    r"""Size $q = \rho / (K \|D\|)$ of the output relative to the labels, and $1 - q$.

    Args:
        tau: Times $\|D\| t / n$ of the group.
        c0: Cosine at the start.
        q0: $\rho_0 / (K \|D\|)$, positive.
    """
    decay = torch.exp(-2 * tau)
    # g^2 and twice its integral, both over e^{2 tau}
    square = (1 + c0 + (1 - c0) * decay).square() / 4
    twice = (
        (1 + c0.square()) / 4 * (1 - decay.square())
        + c0 / 2 * (1 - decay).square()
        + (1 - c0.square()) * tau * decay
    )
    # twice - square, expanded in powers of the decay, where the constant terms cancel
    late = ((1 - c0.square()) * tau - (1 + 2 * c0 - c0.square()) / 2) * decay
    late = late - (1 - c0).square() / 2 * decay.square()
    below = decay + q0 * twice
    return q0 * square / below, (decay + q0 * late) / below


def group_loss(
    t: Float[Tensor, "*#batch"],
    n: float | int,
    K: int,
    size: Float[Tensor, "*#batch"],
    c0: Float[Tensor, "*#batch"],
    rho0: Float[Tensor, "*#batch"],
) -> Float[Tensor, "*#batch"]:
    r"""Part $L_j$ of the loss that comes from one group, at time $t$.

    Args:
        t: Times.
        n: Number of data points in all groups together.
        K: Number of groups, which is the width.
        size: $\|D\|$, the norm of the group's labels.
        c0: Cosine at the start.
        rho0: $\|w_j\|^2$ at the start.
    """
    return size.square() / (2 * n) * _relative_loss(t * size / n, c0, rho0 / (K * size))


def group_decay(
    t: Float[Tensor, "*#batch"],
    n: float | int,
    K: int,
    size: Float[Tensor, "*#batch"],
    c0: Float[Tensor, "*#batch"],
    rho0: Float[Tensor, "*#batch"],
) -> Float[Tensor, "*#batch"]:
    r"""$-\dot L_j$; over the sum of losses, the sum over groups is the local PL curvature $\mu$.

    It is $\frac{q \|D\|^3}{n^2} [\ell + (c - q)^2]$ with the relative loss
    $\ell = 2 n L_j / \|D\|^2$. Arguments as for `group_loss`.
    """
    tau, q0 = t * size / n, rho0 / (K * size)
    q, rest = fit(tau, c0, q0)
    _, apart = alignment(tau, c0)
    relative = rest.square() + 2 * q * apart
    return q * size**3 / n**2 * (relative + (rest - apart).square())


def crossing_time(
    level: Float[Tensor, "*#batch"], c0: Float[Tensor, "*#batch"], q0: Float[Tensor, "*#batch"]
) -> Float[Tensor, "*batch"]:
    r"""Time $\tau$ at which the loss of a group has fallen to `level` times its first value.

    The loss decreases, so that bisection finds the time, to 50 bits.

    Args:
        level: Between 0 and 1.
        c0: Cosine at the start.
        q0: $\rho_0 / (K \|D\|)$, below 1.

    Raises:
        ValueError: A level is not between 0 and 1.
    """
    if not ((level > 0) & (level < 1)).all():
        raise ValueError("levels lie strictly between 0 and 1")
    level, c0, q0 = torch.broadcast_tensors(level, c0, q0)
    target = level * _relative_loss(torch.zeros_like(q0), c0, q0)
    low = torch.zeros_like(q0)
    high = 20 - torch.log(q0.clamp(max=1)) - torch.log(level)
    for _ in range(50):
        middle = (low + high) / 2
        above = _relative_loss(middle, c0, q0) > target
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return (low + high) / 2


def _relative_loss(tau: Tensor, c0: Tensor, q0: Tensor) -> Tensor:
    q, rest = fit(tau, c0, q0)
    _, apart = alignment(tau, c0)
    return rest.square() + 2 * q * apart
