r"""Where training on a single-index target gets stuck, against [lightman2026, Cor 6.1].

Two traps for the target with the slopes $s_+, s_-$ (see `single_index`; the width factor of the
paper is inside of the output weights):

- *Locked neurons.* The flow conserves $a_j^2 - \|w_j\|^2$. For a target $\varphi \ge 0$ a start
  with $a_j < -\|w_j\|$ for all $j$ keeps all $a_j$ negative, so $f \le 0 \le f^*$ and
  $R \ge \frac14 (s_+^2 + s_-^2)$ for ever.
- *All neurons on one side.* For $0 < s_- < s_+$ let all neurons point along $w^*$ with positive
  coefficients $c_j$ of sum $s_+$. Then $R = \frac14 s_-^2$, and this is a local minimum if
  $2 \min_j c_j > s_-$.

Shapes: neurons `W` `[*batch, K, d]`, output weights `a` `[*batch, K]`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from scipy import special
from torch import Tensor

from shallow_relu import population
from shallow_relu.both_layers import joint_gradient
from shallow_relu.kernels import arc_cosine_1


@dataclass(frozen=True)
class Descent:
    """A run of subgradient descent.

    Attributes:
        state: The last state.
        steps: After how many steps something was recorded.
        risk: The risk then.
        output_weights: The largest output weight then.
    """

    state: Float[Tensor, "B K columns"]
    steps: list[int]
    risk: Float[Tensor, "records B"]
    output_weights: Float[Tensor, "records B"]


def is_locked(
    W: Float[Tensor, "*batch K d"], a: Float[Tensor, "*batch K"]
) -> Bool[Tensor, "*batch"]:
    r"""Whether $a_j < -\|w_j\|$ for all neurons."""
    return (a < -torch.linalg.vector_norm(W, dim=-1)).all(dim=-1)


def lock_probability(d: int, K: int = 1) -> float:
    r"""Probability of `is_locked` for independent standard normal $a_j$ and $w_j \in R^d$.

    It is $q_d^K$ with $q_d = \frac12 I_{1/2}(\frac d2, \frac12)$: the share $\|w\|^2 / (\|w\|^2 +
    a^2)$ has a beta law, and the sign of $a$ is fair.

    Raises:
        ValueError: A dimension or a width below 1.
    """
    if d < 1 or K < 1:
        raise ValueError(f"dimension {d} and width {K} must be positive")
    return float(special.betainc(d / 2, 0.5, 0.5) / 2) ** K


def misalignment(
    W: Float[Tensor, "*batch K d"], a: Float[Tensor, "*batch K"], w_star: Float[Tensor, "d"]
) -> Float[Tensor, "*batch"]:
    r"""$E\,\mathrm{Var}(f(x) \mid w^* \cdot x)$: zero where $f$ is a function of $w^* \cdot x$.

    It is $\sum_{jl} a_j a_l [\kappa(w_j, w_l) - \kappa(w_j', w_l'')]$, where the primes turn the
    parts across $w^*$ into orthogonal directions: given $w^* \cdot x$ the two are independent. The
    absolute error is that of `population.risk`.

    Args:
        W: Neurons.
        a: Output weights.
        w_star: Unit vector, the direction of the target.
    """
    along = W @ w_star
    across = torch.linalg.vector_norm(W - along[..., None] * w_star, dim=-1)
    none = torch.zeros_like(along)
    first = torch.stack([along, across, none], dim=-1)
    second = torch.stack([along, none, across], dim=-1)
    kernel = arc_cosine_1(W[..., :, None, :], W[..., None, :, :])
    kernel = kernel - arc_cosine_1(first[..., :, None, :], second[..., None, :, :])
    return (a * (kernel @ a[..., None]).squeeze(-1)).sum(dim=-1)


def descend(
    state: Float[Tensor, "B K columns"],
    W_star: Float[Tensor, "B M d"],
    a_star: Float[Tensor, "B M"],
    sizes: Float[Tensor, "steps"] | Float[Tensor, "steps B"],
    *,
    every: int,
) -> Descent:
    """Subgradient descent of both layers with given step sizes, the gate of a zero neuron closed.

    Args:
        state: Neurons, output weights in the last column.
        W_star: Teacher neurons.
        a_star: Output weights of the teacher.
        sizes: Step sizes, one for each step, or for each step and network.
        every: Number of steps from one record to the next.
    """
    steps, risks, largest = [], [], []

    def record(step: int) -> None:
        steps.append(step)
        risks.append(population.risk(state[..., :-1], W_star, state[..., -1], a_star))
        largest.append(state[..., -1].amax(dim=-1))

    for step, size in enumerate(sizes):
        if step % every == 0:
            record(step)
        state = state - size.reshape(-1, 1, 1) * joint_gradient(state, W_star, a_star)
    record(len(sizes))
    return Descent(state, steps, torch.stack(risks), torch.stack(largest))


def diminishing(first: float, n_steps: int, *, delay: float, power: float = 0.75) -> Tensor:
    r"""Step sizes $\eta_0 (1 + \tau / \text{delay})^{-p}$: infinite sum, finite sum of squares.

    Raises:
        ValueError: The power is not in (1/2, 1].
    """
    if not 0.5 < power <= 1:
        raise ValueError(f"power {power} is not in (1/2, 1]")
    return first * (1 + torch.arange(n_steps) / delay) ** -power


def one_sided(
    d: int, coefficients: Sequence[float] | Float[Tensor, "K"], tilts: Float[Tensor, "K m"]
) -> tuple[Float[Tensor, "K d"], Float[Tensor, "K"]]:
    """Balanced network with neurons near the first axis, tilted by angles.

    Args:
        d: Dimension, at least `m + 1`.
        coefficients: Positive coefficients.
        tilts: Vectors orthogonal to the first axis, with the angles as lengths.

    Raises:
        ValueError: The dimension is too small.
    """
    K, m = tilts.shape
    if d < m + 1:
        raise ValueError(f"dimension {d} has no room for tilts in {m} directions")
    size = torch.as_tensor(coefficients, dtype=tilts.dtype).sqrt()
    angle = torch.linalg.vector_norm(tilts, dim=1)
    W = tilts.new_zeros(K, d)
    W[:, 0] = angle.cos()
    W[:, 1 : m + 1] = torch.sinc(angle / math.pi)[:, None] * tilts
    return size[:, None] * W, size


def tilt_bound(
    coefficients: Float[Tensor, "*batch K"], angles: Float[Tensor, "*batch K"], s_minus: float
) -> Float[Tensor, "*batch"]:
    r"""Lower bound of $R - \frac14 s_-^2$ near the one-sided network, to third order in the tilts.

    $\frac1{6 \pi} \sum_j c_j \epsilon_j^3 (2 c_j - s_-)$, for tilts with
    $\sum_j c_j \epsilon_j \tau_j = 0$; equality if only two neurons tilt, in one plane.
    """
    cubes = coefficients * angles**3 * (2 * coefficients - s_minus)
    return cubes.sum(dim=-1) / (6 * math.pi)
