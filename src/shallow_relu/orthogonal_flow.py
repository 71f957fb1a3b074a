r"""Gradient flow on orthogonal inputs, entry by entry.

On orthogonal inputs the flow of `networks` does not mix data points: with $z_{ji} = w_j \cdot
x_i / \|x_i\|$ and residuals $r_i = f(x_i) - y_i$ it reads [dana2025, Eq. 40]

$$\dot z_{ji} = -\frac1n a_j r_i \|x_i\|\, 1(z_{ji} > 0), \qquad
\dot a_j = -\frac1n \sum_i r_i \|x_i\| \max(z_{ji}, 0).$$

A closed gate stays closed. So a neuron dies at a point at most once, and between two deaths the
equation is polynomial. What lies outside of the span of the inputs never moves.

Shapes: `z` `[B, K, n]`, `a` `[B, K]`, `norms` and `y` `[B, n]`.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu import networks


class OrthogonalPaths(NamedTuple):
    r"""What is seen along the flow; the last axis is the time.

    Attributes:
        times: Times, the same for all networks.
        loss: $L$.
        curvature: $\mu$.
        activity: Largest $E_i$.
        wrong: Number of pairs with $z_{ji} > 0$ and $a_j y_i < 0$.
        moved: Norm of the change of the outputs, over the norm of the labels.
        z: At the end, zero where the gate is closed.
        a: At the end.
    """

    times: Float[Tensor, " T"]
    loss: Float[Tensor, "B T"]
    curvature: Float[Tensor, "B T"]
    activity: Float[Tensor, "B T"]
    wrong: Float[Tensor, "B T"]
    moved: Float[Tensor, "B T"]
    z: Float[Tensor, "B K n"]
    a: Float[Tensor, "B K"]


class Slope(NamedTuple):
    """A velocity in factors: that of `z` is `gate * (a[:, None] * pull)`."""

    a: Float[Tensor, "B K"]
    pull: Float[Tensor, "B n"]
    a_dot: Float[Tensor, "B K"]
    residual: Float[Tensor, "B n"]


def orthogonal_problem(
    n: int, K: int, generator: torch.Generator, *, batch: int, scale: float = 1.0
) -> tuple[
    Float[Tensor, "B K n"], Float[Tensor, "B K"], Float[Tensor, "B n"], Float[Tensor, "B n"]
]:
    """Random networks and data of `networks` on multiples of a basis of $R^n$.

    Args:
        n: Number of inputs, which is the dimension.
        K: Width.
        generator: Source of randomness, on the CPU.
        batch: Number of networks, each with its own data.
        scale: Factor on all weights of both layers.

    Returns:
        `z`, `a`, `norms` and `y`.
    """
    W, a = networks.start(K, n, generator, batch=(batch,))
    norms = 1 + torch.rand(batch, n, generator=generator, dtype=W.dtype)
    return scale * W, scale * a, norms, networks.labels(n, generator, batch=(batch,))


def follow(
    z: Float[Tensor, "B K n"],
    a: Float[Tensor, "B K"],
    norms: Float[Tensor, "B n"],
    y: Float[Tensor, "B n"],
    *,
    until: float,
    accuracy: float = 0.15,
    stop_when_extinct: bool = False,
) -> OrthogonalPaths:
    r"""Follow the flow by the classical Runge-Kutta method of order 4.

    Within a step the gates are kept; a coordinate that ends the step below zero is dead from then
    on. The step is `accuracy` over the largest of two rates: $\frac2n \max_i \|x_i\|^2 E_i$, at
    which residuals decay, and $\frac1n \|X r\|$, at which neurons grow.

    Args:
        z: Neurons in the directions of the inputs.
        a: Output weights.
        norms: Norms of the inputs.
        y: Labels, none of them zero.
        until: Last time.
        accuracy: Step in units of the fastest rate.
        stop_when_extinct: End as soon as no gate of the wrong sign is open in any network.

    Raises:
        ValueError: A label is zero.
    """
    if not (y != 0).all():
        raise ValueError("a label is zero")
    n, K, t, times, seen = z.shape[-1], z.shape[-2], 0.0, [], []
    gate = (z > 0).to(z.dtype)
    z, first = z * gate, None
    while True:
        slope = _slopes(z, a, gate, norms, y, 0.0, None)
        residual, activity = slope.residual, _sum_over_neurons(a.square(), gate) / K
        square = (K * activity * slope.pull.square()).sum(-1) + slope.a_dot.square().sum(-1)
        loss = residual.square().sum(-1) / (2 * n)
        first = residual if first is None else first
        seen.append(
            (
                loss,
                square / (K * loss),
                activity.amax(dim=-1),
                _wrong_gates(gate, a, y),
                torch.linalg.vector_norm(residual - first, dim=-1)
                / torch.linalg.vector_norm(y, dim=-1),
            )
        )
        times.append(t)
        extinct = bool((seen[-1][3] == 0).all())
        if t >= until or (stop_when_extinct and extinct):
            break
        rate = max(
            float((2 * norms.square() * activity).max()),
            float(torch.linalg.vector_norm(norms * residual, dim=-1).max()),
        )
        h = min(accuracy * n / rate, until - t)
        z, a = _step(z, a, gate, norms, y, slope, h)
        gate = (z > 0).to(z.dtype)
        z, t = z * gate, until if math.isclose(t + h, until) else t + h
    columns = (torch.stack(column, dim=-1) for column in zip(*seen, strict=True))
    return OrthogonalPaths(torch.tensor(times, dtype=z.dtype), *columns, z, a)


def late_bound(
    K: int,
    norms: Float[Tensor, "*#batch n"],
    output_norm: Float[Tensor, "*#batch"],
    start: Float[Tensor, "*#batch"],
) -> Float[Tensor, "*batch"]:
    r"""Upper bound on $\mu$ once no gate of the wrong sign is open [dana2025, Prop. 1].

    $$\frac4n (C_x^+)^2 \Bigl[\frac{\sqrt K}{C_x^-} \|(f(x_1), \dots, f(x_n))\|
    + \frac1K \sum_j a_j(0)^2\Bigr]$$

    With right signs alone, the vectors $v_j = (|a_j| \max(z_{ji}, 0))_i$ have entries of one sign,
    so that $\sum_j \|v_j\|^2 \le \|\sum_j v_j\|^2 \le K^2 \|f\|^2 / (C_x^-)^2$. By Lemma 1,
    $a_j^2 - \|\max(z_j, 0)\|^2 \le a_j(0)^2$, hence $a_j^2 \le \|v_j\| + a_j(0)^2$. Sum up, use
    Cauchy-Schwarz, and put it into the upper bound of Lemma 6.

    Args:
        K: Width.
        norms: Norms of the inputs.
        output_norm: Norm of the vector of the outputs.
        start: $\frac1K \sum_j a_j(0)^2$.
    """
    n, low, high = norms.shape[-1], norms.amin(dim=-1), norms.amax(dim=-1)
    return 4 / n * high.square() * (math.sqrt(K) * output_norm / low + start)


def _sum_over_neurons(u: Tensor, matrix: Tensor) -> Tensor:
    """Rows of `matrix` `[B, K, n]` with weights `[B, K]`, summed."""
    return (u[:, None, :] @ matrix).squeeze(1)


def _sum_over_inputs(matrix: Tensor, v: Tensor) -> Tensor:
    """Columns of `matrix` `[B, K, n]` with weights `[B, n]`, summed."""
    return (matrix @ v[..., None]).squeeze(-1)


def _wrong_gates(gate: Tensor, a: Tensor, y: Tensor) -> Tensor:
    """Number of open gates of the wrong sign, for each network."""
    by_positive = _sum_over_neurons((a > 0).to(y.dtype), gate)
    by_negative = gate.sum(dim=-2) - by_positive
    return torch.where(y > 0, by_negative, by_positive).sum(dim=-1)


def _slopes(
    z: Tensor, a: Tensor, gate: Tensor, norms: Tensor, y: Tensor, reach: float, before: Slope | None
) -> Slope:
    """Slopes at the state that is `reach` times the slope `before` away from `z`, `a`.

    There $z$ is `z + reach * gate * (before.a[:, None] * before.pull)`: it is never formed, only
    its products with vectors.
    """
    if before is None:
        now, output = a, _sum_over_neurons(a, z)
    else:
        now = a + reach * before.a_dot
        output = _sum_over_neurons(now, z)
        output = output + reach * before.pull * _sum_over_neurons(now * before.a, gate)
    n, K = z.shape[-1], z.shape[-2]
    residual = output * norms / K - y
    pull = -residual * norms / n
    a_dot = _sum_over_inputs(z, pull)
    if before is not None:
        a_dot = a_dot + reach * before.a * _sum_over_inputs(gate, before.pull * pull)
    return Slope(now, pull, a_dot, residual)


def _step(
    z: Tensor, a: Tensor, gate: Tensor, norms: Tensor, y: Tensor, first: Slope, h: float
) -> tuple[Tensor, Tensor]:
    """One Runge-Kutta step of order 4 with the gates as they are."""
    slopes = [first]
    for reach in (h / 2, h / 2, h):
        slopes.append(_slopes(z, a, gate, norms, y, reach, slopes[-1]))
    weights = (h / 6, h / 3, h / 3, h / 6)
    heads = torch.stack([w * s.a for w, s in zip(weights, slopes, strict=True)], dim=-1)
    pulls = torch.stack([s.pull for s in slopes], dim=-2)
    for w, s in zip(weights, slopes, strict=True):
        a = a + w * s.a_dot
    return z + gate * (heads @ pulls), a
