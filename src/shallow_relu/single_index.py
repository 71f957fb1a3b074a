r"""Networks that learn a single-index target with a homogeneous link [lightman2026, Section 2].

The target is $f^*(x) = \varphi(w^* \cdot x)$ with
$\varphi(t) = s_+ \sigma(t) + s_- \sigma(-t)$ and $\|w^*\| = 1$: a teacher with the neurons $w^*$
and $-w^*$ and the output weights $s_+$ and $s_-$, so that `population` gives risk, gradient and
Hessian. The width factor $K^{-1/2}$ of the paper belongs to the output weights `a` here.

Since $\sigma(t) = \frac12 |t| + \frac12 t$, and even and odd functions are orthogonal,

$$R = \tfrac18 E \Big(\sum_k \gamma_k |v_k \cdot x|\Big)^2
    + \tfrac18 \Big\|\sum_j c_j \hat w_j - (s_+ - s_-) w^*\Big\|^2,$$

where $c_j = a_j \|w_j\|$, the first sum runs over lines with unit vectors $v_k$, and $\gamma_k$ is
the sum of the $c_j$ on the line, less $s_+ + s_-$ on the line of $w^*$. Kinks are in the even part
alone; the odd part is linear.

Shapes, the same for all functions: neurons `W` `[*batch, K, d]`, output weights `a` `[*batch, K]`,
target direction `w_star` `[*batch, d]`.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shallow_relu.kernels import angle, arc_cosine_1, norm_and_direction


class Groups(NamedTuple):
    """Neurons that share a direction, or a line.

    Attributes:
        leader: For every neuron, the index of the first neuron of its group.
        coefficient: For every leader, the net coefficient of its group; zero for other neurons.
    """

    leader: Int[Tensor, "*batch K"]
    coefficient: Float[Tensor, "*batch K"]


def link(t: Float[Tensor, "*batch"], s_plus: float, s_minus: float) -> Float[Tensor, "*batch"]:
    r"""The link function $\varphi(t) = s_+ \sigma(t) + s_- \sigma(-t)$ [lightman2026, Eq. 3]."""
    return s_plus * torch.relu(t) + s_minus * torch.relu(-t)


def teacher(
    w_star: Float[Tensor, "*batch d"], s_plus: float, s_minus: float
) -> tuple[Float[Tensor, "*batch 2 d"], Float[Tensor, "*batch 2"]]:
    r"""The target as a network: neurons $w^*, -w^*$ and output weights $s_+, s_-$."""
    a_star = w_star.new_tensor([s_plus, s_minus]).expand(*w_star.shape[:-1], 2)
    return torch.stack([w_star, -w_star], dim=-2), a_star


def coefficients(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"]
) -> Float[Tensor, "*batch K"]:
    r"""Coefficients $c_j = a_j \|w_j\|$ of the network as a sum of ReLUs of unit vectors."""
    return a * norm_and_direction(W)[0]


def risk_by_parity(
    W: Float[Tensor, "*#batch K d"],
    a: Float[Tensor, "*#batch K"],
    w_star: Float[Tensor, "*#batch d"],
    s_plus: float,
    s_minus: float,
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """Even and odd part of the population risk; their sum is `population.risk`.

    Returns:
        The even part, which only the sums of the coefficients on lines determine, and the odd
        part, which only the sum of all vectors `a_j w_j` determines.
    """
    W_star, a_star = teacher(w_star, s_plus, s_minus)
    batch = torch.broadcast_tensors(W[..., 0, 0], a[..., 0], w_star[..., 0])[0].shape
    V = torch.cat([W.expand(*batch, -1, -1), W_star.expand(*batch, -1, -1)], dim=-2)
    c = torch.cat([a.expand(*batch, -1), -a_star.expand(*batch, -1)], dim=-1)
    first, second = V[..., :, None, :], V[..., None, :, :]
    kernel = arc_cosine_1(first, second) + arc_cosine_1(first, -second)
    even = (c * (kernel @ c[..., None]).squeeze(-1)).sum(dim=-1) / 4
    odd = (c[..., None] * V).sum(dim=-2).square().sum(dim=-1) / 8
    return even, odd


def angle_to_line(
    W: Float[Tensor, "*#batch d"], v: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Angle between vectors and the line of `v`, in $[0, \pi/2]$."""
    theta = angle(W, v)
    return torch.minimum(theta, math.pi - theta)


def groups(
    W: Float[Tensor, "*batch K d"],
    a: Float[Tensor, "*batch K"],
    *,
    tolerance: float,
    lines: bool = False,
) -> Groups:
    """Net coefficients of the network, direction by direction or line by line.

    Two active neurons belong together if their angle is at most the tolerance, or if a chain of
    such neurons joins them. Inactive ones (zero neuron or zero output weight) are alone.

    Args:
        W: Neurons.
        a: Output weights.
        tolerance: Angle in radians. At 1e-7 the neurons are equal up to rounding.
        lines: Whether opposite directions belong together.
    """
    c = coefficients(W, a)
    first, second = W[..., :, None, :], W[..., None, :, :]
    apart = angle_to_line(first, second) if lines else angle(first, second)
    active = c != 0
    together = (apart <= tolerance) & active[..., :, None] & active[..., None, :]
    together = together | torch.eye(W.shape[-2], dtype=torch.bool, device=W.device)
    for _ in range(W.shape[-2].bit_length()):  # each product doubles the length of the chains
        together = (together.to(c.dtype) @ together.to(c.dtype)) > 0
    leader = together.to(torch.uint8).argmax(dim=-1)
    coefficient = torch.zeros_like(c).scatter_add(-1, leader, c)
    return Groups(leader, coefficient)


def net_off_the_line(
    W: Float[Tensor, "*batch K d"],
    a: Float[Tensor, "*batch K"],
    w_star: Float[Tensor, "*batch d"],
    *,
    tolerance: float,
    lines: bool = False,
) -> Float[Tensor, "*batch K"]:
    """Net coefficients of the groups that are not on the line of `w_star`; zero elsewhere.

    [lightman2026, Thm 4.1] says that by direction they all vanish at zero risk. By line they do.

    Args:
        W: Neurons.
        a: Output weights.
        w_star: Direction of the target.
        tolerance: Angle in radians, as in `groups`, also for what counts as on the line.
        lines: Whether opposite directions belong together.
    """
    found = groups(W, a, tolerance=tolerance, lines=lines)
    off = angle_to_line(W, w_star[..., None, :]) > tolerance
    return torch.where(off, found.coefficient, 0)


def zero_risk_defects(
    W: Float[Tensor, "*batch K d"],
    a: Float[Tensor, "*batch K"],
    w_star: Float[Tensor, "*batch d"],
    s_plus: float,
    s_minus: float,
    *,
    tolerance: float,
) -> Float[Tensor, "*batch 3"]:
    r"""How far a network is from each of the three conditions for zero risk.

    The risk is zero if and only if (1) on every line but that of $w^*$ the coefficients sum to
    zero, (2) on the line of $w^*$ they sum to $s_+ + s_-$, and (3)
    $\sum_j a_j w_j = (s_+ - s_-) w^*$.

    Returns:
        The largest absolute sum of (1), the absolute defect of (2), the norm of the defect of (3).
    """
    off = net_off_the_line(W, a, w_star, tolerance=tolerance, lines=True).abs().amax(dim=-1)
    on_line = angle_to_line(W, w_star[..., None, :]) <= tolerance
    on = torch.where(on_line, coefficients(W, a), 0).sum(dim=-1) - (s_plus + s_minus)
    odd = (a[..., None] * W).sum(dim=-2) - (s_plus - s_minus) * w_star
    return torch.stack([off, on.abs(), torch.linalg.vector_norm(odd, dim=-1)], dim=-1)


def weighted_alignment(
    W: Float[Tensor, "*batch K d"], a: Float[Tensor, "*batch K"], w_star: Float[Tensor, "*batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Mean of $|\cos\angle(w_j, w^*)|$ with the weights $|c_j|$: 1 if and only if aligned."""
    weight = coefficients(W, a).abs()
    cosine = (norm_and_direction(W)[1] * w_star[..., None, :]).sum(dim=-1).abs()
    return (weight * cosine).sum(dim=-1) / weight.sum(dim=-1)


def random_zero_risk_network(
    w_star: Float[Tensor, " d"],
    s_plus: float,
    s_minus: float,
    n_pairs: int,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "K d"], Float[Tensor, "K"]]:
    r"""A network of risk zero with `n_pairs` antipodal pairs that do not cancel in themselves.

    The pairs have the coefficients $\beta_k, -\beta_k$, where the vector $\sum_k 2 \beta_k e_k$ has
    no part across $w^*$; neurons at $w^*$ and $-w^*$ do the rest. Every coefficient is spread over
    two neurons of random lengths, and two more neurons of one direction cancel each other.

    Args:
        w_star: Direction of the target.
        s_plus: Slope of the link for positive arguments.
        s_minus: Slope for negative ones.
        n_pairs: Number of pairs, at least `d`.
        generator: Source of random numbers.

    Returns:
        Neurons and output weights, `K = 4 * n_pairs + 6`.

    Raises:
        ValueError: Fewer than `d` pairs: in general directions they can only vanish.
    """
    d, dtype = len(w_star), w_star.dtype
    if n_pairs < d:
        raise ValueError(f"{n_pairs} pairs in dimension {d}: at least {d} are needed")

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    e = norm_and_direction(normal(n_pairs + 1, d))[1]
    across = e[:-1] - (e[:-1] @ w_star)[:, None] * w_star
    beta = normal(n_pairs)
    # The part of a random vector that the pairs' components across the target do not see.
    beta = beta - across @ torch.linalg.lstsq(across, beta[:, None], driver="gelsd").solution[:, 0]
    linear = (s_plus - s_minus) - 2 * beta @ (e[:-1] @ w_star)
    aligned = torch.stack([s_plus + s_minus + linear, s_plus + s_minus - linear]) / 2
    direction = torch.cat([e[:-1], -e[:-1], w_star[None], -w_star[None], e[-1:]])
    c = torch.cat([beta, -beta, aligned, torch.zeros(1, dtype=dtype)])
    share = normal(len(c))
    length = torch.rand(2, len(c), generator=generator, dtype=dtype) + 0.5
    W = length[..., None] * direction
    a = torch.stack([c / 2 + share, c / 2 - share]) / length
    return W.flatten(0, 1), a.flatten()


def flow_gradient(
    state: Float[Tensor, "B K columns"],
    W_star: Float[Tensor, "B M d"],
    a_star: Float[Tensor, "B M"],
) -> Float[Tensor, "B K columns"]:
    """`flows.joint_gradient` from one matrix of cosines, several times as fast.

    The absolute error is of the order of the unit roundoff times the sizes of the terms. Neurons
    must not be zero.

    Args:
        state: Neurons, and in the last column their output weights.
        W_star: Teacher neurons.
        a_star: Output weights of the teacher.
    """
    K = state.shape[-2]
    V = torch.cat([state[..., :-1], W_star], dim=-2)
    c = torch.cat([state[..., -1], -a_star], dim=-1)
    norm = torch.linalg.vector_norm(V, dim=-1)
    e = V / norm[..., None]
    cosine = (e[..., :K, :] @ e.mT).clamp(-1, 1)
    sine = torch.sqrt((1 - cosine) * (1 + cosine))
    gate = torch.atan2(sine, -cosine)
    size = c * norm
    along_e = (sine @ size[..., None]) * e[..., :K, :]
    along_w = c[..., :K, None] * ((gate * c[..., None, :]) @ V + along_e)
    along_a = norm[..., :K] * ((sine + gate * cosine) @ size[..., None]).squeeze(-1)
    return torch.cat([along_w, along_a[..., None]], dim=-1) / (2 * math.pi)


def nearest_zero_risk(
    W: Float[Tensor, "K d"],
    a: Float[Tensor, "K"],
    w_star: Float[Tensor, " d"],
    s_plus: float,
    s_minus: float,
    *,
    tolerance: float,
) -> tuple[Float[Tensor, "K d"], Float[Tensor, "K"]]:
    """A network near the given one that meets the conditions for zero risk.

    Neurons whose lines are closer than the tolerance are turned to their common axis, or to the
    line of the target if this axis is closer to it. Then the coefficients move as little as the
    three conditions of `zero_risk_defects` allow. Where they cannot be met the result has positive
    risk. Norms of neurons stay.

    Args:
        W: Neurons.
        a: Output weights.
        w_star: Direction of the target.
        s_plus: Slope of the link for positive arguments.
        s_minus: Slope for negative ones.
        tolerance: Angle in radians.
    """
    norm, e = norm_and_direction(W)
    c = a * norm
    leader = groups(W, a, tolerance=tolerance, lines=True).leader
    axes, rows, targets = torch.zeros_like(W), [], []
    on_target = torch.zeros_like(c)
    for index in leader.unique():
        members = leader == index
        spread = torch.einsum("k,ki,kj->ij", (members * c).abs(), e, e)
        axis = torch.linalg.eigh(spread).eigenvectors[:, -1]
        if angle_to_line(axis, w_star) <= tolerance:
            axis, on_target = w_star, on_target + members
        else:
            rows.append(members.to(c))
            targets.append(0.0)
        sign = torch.where(e @ axis < 0, -1.0, 1.0).to(c)
        axes = torch.where(members[:, None], sign[:, None] * axis, axes)
    A = torch.stack([*rows, on_target, *axes.mT])
    odd = (s_plus - s_minus) * w_star
    b = torch.cat([c.new_tensor([*targets, s_plus + s_minus]), odd])
    step = torch.linalg.lstsq(A, (b - A @ c)[:, None], driver="gelsd", rcond=1e-9).solution[:, 0]
    return norm[:, None] * axes, (c + step) / norm
