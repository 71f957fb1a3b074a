r"""Landscape of two neurons that learn a linear function: parity, stationary points, escape.

The student $f(x) = \sigma(w_1 \cdot x) - \sigma(w_2 \cdot x)$ learns $f^*(x) = \beta \cdot x$
from inputs $x \sim N(0, I_d)$, with risk $R = \frac12 E (f - f^*)^2$. Put

$$s = \tfrac12 (w_1 + w_2), \qquad p = \tfrac12 (w_1 - w_2), \qquad W^* = (\beta, -\beta).$$

The odd part of $f$ is $p \cdot x$, and its even part is $\pm \min(|s \cdot x|, |p \cdot x|)$. Odd
and even functions are orthogonal under every symmetric law, hence

$$R = \tfrac12 \|p - \beta\|^2 + \tfrac12 E \min\{(s \cdot x)^2, (p \cdot x)^2\}.$$

With the arc-cosine kernel $\kappa$ of order 1 the same risk can be written around its minimum and
around its other stationary points,

$$R = \tfrac14 \|W - W^*\|_F^2 - \kappa(w_1, w_2)
    = \tfrac14 \|\beta\|^2 + \|p - \tfrac12 \beta\|^2 - \kappa(w_1, -w_2),$$

and each kernel vanishes to third order where its two arguments are antipodal.

Shapes, the same for all functions: `W` is `[*batch, 2, d]`, `beta` is `[*batch, d]`.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from scipy.integrate import solve_ivp
from torch import Tensor

from shallow_relu import population
from shallow_relu.intervals import LEVEL
from shallow_relu.kernels import angle, arc_cosine_1, norm_and_direction


def sum_and_difference(
    W: Float[Tensor, "*batch 2 d"],
) -> tuple[Float[Tensor, "*batch d"], Float[Tensor, "*batch d"]]:
    r"""Half sum $s = (w_1 + w_2)/2$ and half difference $p = (w_1 - w_2)/2$ of the neurons."""
    w1, w2 = W.unbind(dim=-2)
    return (w1 + w2) / 2, (w1 - w2) / 2


def risk_by_parity(
    W: Float[Tensor, "*#batch 2 d"], beta: Float[Tensor, "*#batch d"]
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""Parts of the risk from the odd and from the even part of the network.

    The even part is computed from the kernel that is small, $\frac12 \|s\|^2 - \kappa(w_1, w_2)$
    where the neurons point apart and $\frac12 \|p\|^2 - \kappa(w_1, -w_2)$ elsewhere. So neither
    part cancels near the minimum, and their sum is accurate far below the unit roundoff.

    Args:
        W: Neurons.
        beta: Coefficients of the linear target.

    Returns:
        $\frac12 \|p - \beta\|^2$ and $\frac12 E \min\{(s \cdot x)^2, (p \cdot x)^2\}$.
    """
    w1, w2 = W.unbind(dim=-2)
    s, p = sum_and_difference(W)
    apart = ((w1 * w2).sum(dim=-1) < 0)[..., None]
    square = torch.where(apart, s, p).square().sum(dim=-1)
    even = square / 2 - arc_cosine_1(w1, torch.where(apart, w2, -w2))
    odd = (p - beta).square().sum(dim=-1) / 2
    return odd, even.expand_as(odd)


def risk_gradient(
    W: Float[Tensor, "*#batch 2 d"], beta: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch 2 d"]:
    r"""Gradient of the risk, $\frac12 (W - W^*)$ minus the gated means of the other neuron.

    Row 1 is $\frac12 (w_1 - \beta) - E[1(w_1 \cdot x > 0)\, \sigma(w_2 \cdot x)\, x]$, and row 2
    follows by exchanging $w_1$ with $w_2$ and $\beta$ with $-\beta$ [linear2025, Eq. 8]. It agrees
    with `population.gradient` and is several times faster for two neurons.

    Args:
        W: Neurons.
        beta: Coefficients of the linear target.

    Returns:
        The gradient; zero in the rows of zero neurons.
    """
    # As in `gated_mean`, with each norm and the angle computed once. A zero neuron drops out of the
    # row of the other one, and its own row is set to zero.
    norm, direction = norm_and_direction(W)
    first, second = direction.unbind(dim=-2)
    difference = torch.linalg.vector_norm(first - second, dim=-1, keepdim=True)
    total = torch.linalg.vector_norm(first + second, dim=-1, keepdim=True)
    gate = torch.atan2(total, difference) / math.pi
    along = norm.flip(-1) * (difference * total / 2) / (2 * math.pi)
    gated = gate[..., None] * W.flip(-2) + along[..., None] * direction
    slope = (W - torch.stack([beta, -beta], dim=-2)) / 2 - gated
    return torch.where(W.any(dim=-1, keepdim=True), slope, 0)


def agreement_matrix(W: Float[Tensor, "*batch 2 d"]) -> Float[Tensor, "*batch d d"]:
    r"""Second moment of the inputs on which the gates agree, $M = E[x x^\top 1(A)]$.

    $A$ is the event $(w_1 \cdot x)(w_2 \cdot x) > 0$, that is $|p \cdot x| < |s \cdot x|$. With
    $\omega = \pi - \angle(w_1, w_2)$, the eigenvalues of $M$ are $(\omega + \sin\omega)/\pi$ along
    $\hat w_1 + \hat w_2$, $(\omega - \sin\omega)/\pi$ along $\hat w_1 - \hat w_2$, and
    $\omega/\pi$ across. The gradient of the risk is $(I - M) s$ in $s$, and $p - \beta + M p$ in
    $p$, where no neuron is zero.

    Args:
        W: Neurons.

    Returns:
        The matrix; zero if a neuron is zero.
    """
    w1, w2 = W.unbind(dim=-2)
    theta = angle(w1, w2)[..., None, None]
    first, second = norm_and_direction(w1)[1], norm_and_direction(w2)[1]
    along = norm_and_direction(first + second)[1]
    across = norm_and_direction(first - second)[1]
    turn = along[..., :, None] * along[..., None, :] - across[..., :, None] * across[..., None, :]
    identity = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device)
    return ((math.pi - theta) * identity + torch.sin(theta) * turn) / math.pi


def sum_growth(step: float) -> float:
    r"""Largest factor by which one step of gradient descent can stretch $w_1 + w_2$.

    A step $\eta \ge 0$ on the risk maps $s$ to $(I - \frac\eta2 (I - M)) s$ with
    $0 \preceq M \preceq I$, whatever the target is. The extremes of $M$ are approached when the
    neurons become parallel ($M = I$) and antipodal ($M = 0$), so the supremum over all pairs of
    neurons is $\max(1, |1 - \eta/2|)$: it exceeds 1 only for $\eta > 4$ (sharpens
    [linear2025, Lemma 3], which has $\eta \le 1$).

    Raises:
        ValueError: The step is negative.
    """
    if step < 0:
        raise ValueError(f"a step of gradient descent is not negative; got {step}")
    return max(1.0, abs(1 - step / 2))


def ray_point(
    c: Float[Tensor, "*#batch"], beta: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch 2 d"]:
    r"""The pair $w_1 = (c + 1) \beta$, $w_2 = c \beta$ of [linear2025, App. C].

    It is stationary for $c > 0$ and for $c < -1$. There are no other stationary points without
    zero neurons, except $W^*$.

    Args:
        c: Position on the line.
        beta: Coefficients of the linear target.
    """
    return torch.stack([c + 1, c], dim=-1)[..., None] * beta[..., None, :]


def distance_to_minimum(
    W: Float[Tensor, "*#batch 2 d"], beta: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Frobenius distance to $W^* = (\beta, -\beta)$."""
    return torch.linalg.vector_norm(W - torch.stack([beta, -beta], dim=-2), dim=(-2, -1))


def distance_to_ray(
    W: Float[Tensor, "*#batch 2 d"], beta: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Frobenius distance to the closed set of pairs `ray_point(c, beta)`, $c \notin (-1, 0)$.

    Args:
        W: Neurons.
        beta: Coefficients of the linear target, not zero.
    """
    s, _ = sum_and_difference(W)
    c = (s * beta).sum(dim=-1) / beta.square().sum(dim=-1) - 0.5
    c = torch.where(c > -0.5, c.clamp(min=0), c.clamp(max=-1))
    return torch.linalg.vector_norm(W - ray_point(c, beta), dim=(-2, -1))


def gradient_roots(
    start: Float[Tensor, "B 2 d"], beta: Float[Tensor, "B d"], *, n_steps: int = 200
) -> Float[Tensor, "B 2 d"]:
    r"""Search for zeros of the gradient by the Levenberg-Marquardt method.

    It minimises $\|\nabla R\|^2$, so it is drawn to saddles and minima alike. A start may end at
    a point that is no zero; look at the gradient there.

    Args:
        start: Where to begin, without zero neurons.
        beta: Coefficients of the linear target.
        n_steps: Number of steps, with their own damping for every start.

    Returns:
        The last points.
    """
    shape, size = start.shape, start[0].numel()
    teacher = population.linear_teacher(beta)
    a = start.new_tensor([1, -1]).expand(len(start), 2)
    identity = torch.eye(size, dtype=start.dtype, device=start.device)
    W, damping = start, torch.full_like(start[:, 0, 0], 1e-2)
    slope = risk_gradient(W, beta).reshape(-1, size)
    for _ in range(n_steps):
        hessian = population.hessian(W, teacher[0], a, teacher[1]).reshape(-1, size, size)
        system = hessian.mT @ hessian + damping[:, None, None] * identity
        move = torch.linalg.solve(system, hessian.mT @ slope[..., None]).reshape(shape)
        new_slope = risk_gradient(W - move, beta).reshape(-1, size)
        better = new_slope.square().sum(dim=-1) < slope.square().sum(dim=-1)
        W = torch.where(better[:, None, None], W - move, W)
        slope = torch.where(better[:, None], new_slope, slope)
        damping = torch.where(better, damping / 3, damping * 4).clamp(1e-16, 1e6)
    return W


def ray_descent(
    c: Float[Tensor, "*#batch"], u: Float[Tensor, "*#batch"], beta_norm: float = 1.0
) -> Float[Tensor, "*batch"]:
    r"""Leading term of the fall of the risk off the ray, $u^3 / (6\pi c^2 (c+1)^2 \|\beta\|)$.

    From `ray_point(c, beta)` both neurons move by the same vector of length $u$ orthogonal to
    $\beta$. The risk has no gradient and no curvature in that direction.

    Args:
        c: Position on the ray, neither 0 nor -1.
        u: Length of the move, not negative.
        beta_norm: Norm of the target.
    """
    return u**3 / (6 * math.pi * (c * (c + 1)) ** 2 * beta_norm)


def escape_law(
    c: Float[Tensor, "*#batch"], u: Float[Tensor, "*#batch"], beta_norm: float = 1.0
) -> Float[Tensor, "*batch"]:
    r"""Leading term of the time that the gradient flow needs to leave the ray.

    `ray_descent` gives $\dot u = u^2 / T_1$ with $T_1 = 4\pi c^2 (c+1)^2 \|\beta\|$, which blows
    up at the time $T_1 / u$. Gradient descent with a small step $\eta$ needs $T_1 / (u \eta)$
    iterations.

    Args:
        c: Position on the ray, neither 0 nor -1.
        u: Length of the part of $(w_1 + w_2) / 2$ orthogonal to $\beta$, positive.
        beta_norm: Norm of the target.
    """
    return 4 * math.pi * (c * (c + 1)) ** 2 * beta_norm / u


def escape_time(
    start: Float[Tensor, "2 d"],
    beta: Float[Tensor, " d"],
    *,
    level: float = 0.125,
    until: float = 1e8,
    accuracy: float = 1e-5,
) -> float:
    r"""Time after which the gradient flow has brought the risk below `level` $\|\beta\|^2$.

    The flow along the ray is slow while the flow towards it is fast, so an implicit method is
    used (Radau, order 5, with the exact Hessian). Its cost grows like the logarithm of the time.

    Args:
        start: Neurons, not zero.
        beta: Coefficients of the linear target.
        level: Share of $\|\beta\|^2$; the ray lies at 1/4, the minimum at 0.
        until: Time at which to stop.
        accuracy: Relative accuracy of each step.

    Returns:
        The time; infinity if the risk was still above the level at `until`.
    """
    shape, size = start.shape, start.numel()
    teacher, teacher_weights = population.linear_teacher(beta)
    a = start.new_tensor([1, -1])
    goal = level * float(beta.square().sum())

    def pair(state: np.ndarray) -> Tensor:
        return torch.as_tensor(state, dtype=start.dtype).reshape(shape)

    def velocity(_: float, state: np.ndarray) -> np.ndarray:
        return -risk_gradient(pair(state), beta).numpy().reshape(size)

    def jacobian(_: float, state: np.ndarray) -> np.ndarray:
        curvature = population.hessian(pair(state), teacher, a, teacher_weights)
        return -curvature.numpy().reshape(size, size)

    def above(_: float, state: np.ndarray) -> float:
        return float(sum(risk_by_parity(pair(state), beta))) - goal

    above.terminal = True
    solution = solve_ivp(
        velocity,
        (0, until),
        start.numpy().reshape(size),
        method="Radau",
        jac=jacobian,
        events=above,
        rtol=accuracy,
        atol=1e-3 * accuracy,
    )
    return float(solution.t_events[0][0]) if solution.t_events[0].size else math.inf


def fit_escape_constant(
    u: Sequence[float] | Float[Tensor, " n"],
    times: Sequence[float] | Float[Tensor, " n"],
    level: float = LEVEL,
) -> tuple[float, float, float]:
    r"""Least-squares fit of $T = C / u + k \log u + m$: the constant $C$ and its interval.

    The next term of the flow, of order $u^3$, contributes the logarithm. Scatter of the start at
    the scale of $u$ shifts $T$ by an amount that does not depend on $u$, so all times have equal
    weight.

    Args:
        u: Sizes of the starts, at least four.
        times: Escape times.
        level: Confidence level.

    Returns:
        $C$ and the ends of its interval.

    Raises:
        ValueError: Fewer than four points, or columns of different lengths.
    """
    size, time = (np.asarray([float(v) for v in values]) for values in (u, times))
    if len(size) != len(time) or len(size) < 4:
        raise ValueError(f"the fit needs four pairs or more, not {len(size)} and {len(time)}")
    design = np.stack([1 / size, np.log(size), np.ones_like(size)], axis=-1)
    scale = np.linalg.norm(design, axis=0)
    fit = np.linalg.lstsq(design / scale, time, rcond=None)[0]
    residual = time - design / scale @ fit
    degrees = len(size) - 3
    covariance = np.linalg.inv((design / scale).T @ (design / scale)) * (residual @ residual)
    reach = stats.t.ppf((1 + level) / 2, degrees) * math.sqrt(covariance[0, 0] / degrees)
    constant = fit[0] / scale[0]
    return float(constant), float(constant - reach / scale[0]), float(constant + reach / scale[0])
