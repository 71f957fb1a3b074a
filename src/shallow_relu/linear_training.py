r"""Training on a linear target with several outputs: both layers, or the neurons alone.

A network $f(x) = \sum_j a_j \sigma(w_j \cdot x)$ with $K$ neurons and output weights $a_j \in R^m$
learns $f^*(x) = B x$. Because $E[1(w \cdot x > 0) x x^T] = I / 2$ for every $w \ne 0$, the target
enters the gradient of the risk linearly, and only the student's own angles are needed:

$$\nabla_{w_j} R = \sum_k (a_j \cdot a_k) F(\hat w_j, w_k) - \tfrac12 B^T a_j, \qquad
\nabla_{a_j} R = \sum_k \kappa(w_j, w_k) a_k - \tfrac12 B w_j,$$

with the gated mean $F$ and the kernel $\kappa$ of order 1 [linear2025, Eq. 6 and 8]. A zero neuron
has a closed gate, and its gradient is zero.

The gradient is a combination of the rows of $W$ and of $B$. So gradient descent never leaves the
span of the first neurons and the target, and `span_coordinates` removes all other dimensions.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shallow_relu import population
from shallow_relu.kernels import norm_and_direction


def xavier_normal(
    rows: int, columns: int, generator: torch.Generator, *, batch: Sequence[int] = ()
) -> Float[Tensor, "*batch rows columns"]:
    """Independent normal entries of variance `2 / (rows + columns)` [linear2025, Sec. 4].

    Args:
        rows: Number of rows.
        columns: Number of columns.
        generator: Source of randomness.
        batch: Number of matrices, as leading dimensions.

    Returns:
        The matrices, in the default type.
    """
    spread = math.sqrt(2 / (rows + columns))
    return spread * torch.randn(*batch, rows, columns, generator=generator)


def span_coordinates(
    W: Float[Tensor, "*batch K d"], B: Float[Tensor, "*#batch m d"]
) -> tuple[Float[Tensor, "*batch K q"], Float[Tensor, "*batch m q"]]:
    """Neurons and target in an orthonormal basis of the space that they span together.

    Gradient descent on the population risk commutes with this change of coordinates, because
    Gaussian inputs have no preferred basis. The basis begins with that of the target's rows:
    orthonormal rows get the unit vectors as coordinates.

    Args:
        W: Neurons.
        B: Target.

    Returns:
        Neurons and target in `q = min(m + K, d)` dimensions, with the same scalar products.
    """
    vectors = torch.cat([B.expand(*W.shape[:-2], -1, -1), W], dim=-2)
    triangle = torch.linalg.qr(vectors.mT, mode="r")[1]
    sign = torch.where(triangle.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(triangle)
    coordinates = (sign[..., None] * triangle).mT
    m = B.shape[-2]
    return coordinates[..., m:, :], coordinates[..., :m, :]


def risk(
    W: Float[Tensor, "*#batch K d"],
    A: Float[Tensor, "*#batch K m"],
    B: Float[Tensor, "*#batch m d"],
) -> Float[Tensor, "*batch"]:
    r"""Population risk $\frac12 E \|\sum_j a_j \sigma(w_j \cdot x) - B x\|^2$ [linear2025, Eq. 2].

    Args:
        W: Neurons.
        A: Output weights, one row for each neuron.
        B: Target.

    Returns:
        The risks.
    """
    identity = torch.eye(B.shape[-2], dtype=B.dtype, device=B.device)
    A_star = torch.cat([identity, -identity]).expand(*B.shape[:-2], -1, -1)
    return population.risk(W, torch.cat([B, -B], dim=-2), A, A_star)


def odd_risk(
    W: Float[Tensor, "*#batch K d"],
    A: Float[Tensor, "*#batch K m"],
    B: Float[Tensor, "*#batch m d"],
) -> Float[Tensor, "*batch"]:
    r"""Part of the risk from the odd part of the network, $\frac12 \|\frac12 A^T W - B\|_F^2$.

    Odd and even functions of $x$ are orthogonal; the rest of the risk is the mean square of the
    even part $\frac12 \sum_j a_j |w_j \cdot x|$, times one half.

    Args:
        W: Neurons.
        A: Output weights.
        B: Target.

    Returns:
        That part of the risks.
    """
    return (A.mT @ W / 2 - B).square().sum(dim=(-2, -1)) / 2


def neuron_gradient(
    W: Float[Tensor, "*#batch K d"],
    A: Float[Tensor, "*#batch K m"],
    B: Float[Tensor, "*#batch m d"],
) -> Float[Tensor, "*batch K d"]:
    """Gradient of the population risk in the neurons.

    Args:
        W: Neurons.
        A: Output weights.
        B: Target.

    Returns:
        The gradient; zero for zero neurons.
    """
    return _along_neurons(W, A, B, _plane(W))


def gradients(
    W: Float[Tensor, "*#batch K d"],
    A: Float[Tensor, "*#batch K m"],
    B: Float[Tensor, "*#batch m d"],
) -> tuple[Float[Tensor, "*batch K d"], Float[Tensor, "*batch K m"]]:
    """Gradients of the population risk in the neurons and in the output weights.

    Args:
        W: Neurons.
        A: Output weights.
        B: Target.

    Returns:
        Both gradients; zero for zero neurons.
    """
    plane = _plane(W)
    norm, _, cosine, sine, gate = plane
    kernel = norm * norm.mT * (gate * cosine + sine) / (2 * math.pi)
    return _along_neurons(W, A, B, plane), kernel @ A - W @ B.mT / 2


def _plane(W: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    r"""Norms `[*, K, 1]`, directions, and for all pairs cosine, sine and $\pi - \theta$.

    Sine and angle come from one rounded cosine, so its error is not magnified near collinear and
    antipodal neurons (as in `population.gradient`).
    """
    norm = torch.linalg.vector_norm(W, dim=-1, keepdim=True)
    direction = W / torch.where(norm == 0, 1, norm)
    cosine = (direction @ direction.mT).clamp(-1, 1)
    sine = torch.sqrt((1 - cosine) * (1 + cosine))
    return norm, direction, cosine, sine, torch.atan2(sine, -cosine)


def _along_neurons(W: Tensor, A: Tensor, B: Tensor, plane: tuple[Tensor, ...]) -> Tensor:
    norm, direction, _, sine, gate = plane
    weight = A @ A.mT
    learned = (weight * gate) @ W + ((weight * sine) @ norm) * direction
    return torch.where(norm == 0, 0, learned / (2 * math.pi) - A @ B / 2)


def joint_gradient(
    state: Float[Tensor, "*#batch K columns"], B: Float[Tensor, "*#batch m d"]
) -> Float[Tensor, "*batch K columns"]:
    """Gradient of the population risk when both layers learn.

    Args:
        state: Neurons, and in the last `m` columns their output weights.
        B: Target.

    Returns:
        The gradient, arranged like the state.
    """
    d = B.shape[-1]
    return torch.cat(gradients(state[..., :d], state[..., d:], B), dim=-1)


def antipodal_output_weights(
    scales: Float[Tensor, "*#batch m"], Q: Float[Tensor, "*#batch m m"]
) -> Float[Tensor, "*batch K m"]:
    r"""Output weights $A = [I_m, -I_m]^T S Q$ with $S = \mathrm{diag}$ `scales`.

    The pattern that Theorem 6 fixes [linear2025, Thm 6].

    Args:
        scales: Diagonal of $S$.
        Q: Orthogonal matrices.

    Returns:
        The output weights, those of neuron $\ell + m$ opposite to those of neuron $\ell$.
    """
    upper = scales[..., None] * Q
    return torch.cat([upper, -upper], dim=-2)


def antipodal_minimum(
    scales: Float[Tensor, "*#batch m"],
    Q: Float[Tensor, "*#batch m m"],
    B: Float[Tensor, "*#batch m d"],
) -> Float[Tensor, "*batch K d"]:
    r"""The global minimum $W^*$ with rows $S^{-1} Q B$ and $-S^{-1} Q B$ [linear2025, Thm 6].

    Args:
        scales: Diagonal of $S$.
        Q: Orthogonal matrices.
        B: Target.

    Returns:
        The neurons.
    """
    upper = Q @ B / scales[..., None]
    return torch.cat([upper, -upper], dim=-2)


def antipodal_partners(
    W: Float[Tensor, "*batch K d"],
) -> tuple[Int[Tensor, "*batch K"], Bool[Tensor, "*batch"]]:
    """The neuron that points most nearly against each neuron.

    Args:
        W: Neurons.

    Returns:
        Indices of the partners, and whether each neuron is its partner's partner: then the
        neurons fall into pairs.
    """
    direction = norm_and_direction(W)[1]
    # The diagonal would win only if no neuron pointed apart; it must never win.
    own = torch.eye(W.shape[-2], dtype=torch.bool, device=W.device)
    partner = (direction @ direction.mT).masked_fill(own, math.inf).argmin(dim=-1)
    back = partner.gather(-1, partner)
    return partner, (back == torch.arange(W.shape[-2], device=W.device)).all(dim=-1)


def descent_path(
    gradient: Callable[[Tensor], Tensor],
    start: Float[Tensor, "*shape"],
    *,
    step: float,
    times: Sequence[int],
) -> Float[Tensor, "times *shape"]:
    """States of gradient descent after the given numbers of steps.

    Args:
        gradient: Gradient at a state.
        start: First state.
        step: Step size.
        times: Numbers of steps, increasing.

    Returns:
        The states, stacked in front.

    Raises:
        ValueError: The times do not increase from at least 0, or there are none.
    """
    if not times or times[0] < 0 or any(a >= b for a, b in itertools.pairwise(times)):
        raise ValueError(f"times must increase from 0 on, not {list(times)}")
    state, kept, wanted = start, [], set(times)
    for time in range(times[-1] + 1):
        if time in wanted:
            kept.append(state)
        if time < times[-1]:
            state = state - step * gradient(state)
    return torch.stack(kept)


def sample_loss_and_gradient(
    W: Float[Tensor, "K d"], a: Float[Tensor, " K"], x: Float[Tensor, "n d"], y: Float[Tensor, " n"]
) -> tuple[Float[Tensor, ""], Float[Tensor, "K d"]]:
    r"""Empirical loss $\frac1{2n} \sum_i (f(x_i) - y_i)^2$ and its gradient in the neurons.

    Args:
        W: Neurons.
        a: Output weights.
        x: Inputs.
        y: Labels.

    Returns:
        Loss and gradient.
    """
    outputs = torch.relu(x @ W.mT)
    residual = outputs @ a - y
    opened = residual[:, None] * (outputs > 0)
    return residual.square().mean() / 2, a[:, None] * (opened.mT @ x) / len(x)


def fit_sample(
    W: Float[Tensor, "K d"],
    a: Float[Tensor, " K"],
    x: Float[Tensor, "n d"],
    y: Float[Tensor, " n"],
    *,
    step: float,
    loss: float,
    n_steps: int,
    keep: int = 100,
) -> tuple[Float[Tensor, "times K d"], int, float]:
    """Gradient descent on the neurons until the empirical loss is small [linear2025, App. G.2].

    Args:
        W: First neurons.
        a: Output weights, fixed.
        x: Inputs.
        y: Labels.
        step: Step size.
        loss: The descent ends when the empirical loss is below this.
        n_steps: Largest number of steps.
        keep: Largest number of states that are kept, evenly spaced in time, the last one apart.

    Returns:
        The states that were kept (first and last among them), number of steps, and last loss.

    Raises:
        ValueError: `keep` is below 2.
    """
    if keep < 2:
        raise ValueError(
            f"the first and the last state are kept, so keep is at least 2, not {keep}"
        )
    kept, spacing, count = [W], 1, 0
    current, slope = sample_loss_and_gradient(W, a, x, y)
    while count < n_steps and current >= loss:
        W = W - step * slope
        count += 1
        current, slope = sample_loss_and_gradient(W, a, x, y)
        if count % spacing == 0:
            kept.append(W)
        if len(kept) > keep:
            kept, spacing = kept[::2], 2 * spacing
    return torch.stack([*kept, W]), count, float(current)
