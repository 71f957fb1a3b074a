r"""Two neurons learn a linear function: correlation inequality and contraction [linear2025].

The student is $f(x) = \sigma(w_1 \cdot x) - \sigma(w_2 \cdot x)$, the target $\beta \cdot x$, and
$W^* = (\beta, -\beta)$; `unit_output_weights` reduces other positive output weights to this. With

$$s = \tfrac12 (w_1 + w_2), \qquad p = \tfrac12 (w_1 - w_2), \qquad q = \beta - p,$$

the squared distance is $D = \|W - W^*\|_F^2 = 2 \|s\|^2 + 2 \|q\|^2$, and the gradient of the risk
depends on the one matrix $M = E[x x^T 1(w_1 \cdot x \, w_2 \cdot x > 0)]$, $0 \preceq M \preceq I$:

$$\nabla_s R = (I - M) s, \qquad \nabla_p R = M p - q, \qquad
\langle W - W^*, \nabla R \rangle = s^T (I - M) s + \|q\|^2 - q^T M p .$$

**One inequality for both.** For a step size $\eta$, a rate $a$ and a radius $\rho$ consider

$$E = \langle W - W^*, \nabla R \rangle - \tfrac{\eta}{2} \|\nabla R\|_F^2 - a D \ge 0
\qquad\text{for all } \|w_1 + w_2\| \le \rho \|\beta\| .$$

At $\eta = 0$ this is the correlation inequality with the constant $a$. For $\eta > 0$ it says that
a step of gradient descent multiplies $D$ by at most $1 - 2 \eta a$. As a function of $\beta$, $E$
is a quadratic with a minimum, so the worst $\beta$ is known, and what is left (`reduced_excess`)
depends on the angle $\theta$ of the neurons and on the ratio $r$ of their norms alone. Swapping
the neurons and the sign of $\beta$ changes nothing; hence $r \le 1$.

`certify_contraction` proves the inequality in ball arithmetic on all of
$0 \le \theta \le \pi$, $0 \le r \le 1$. Two corners need an argument:

- *Antipodal neurons.* At $\theta = \pi$, $r = 1$, $D$ can vanish. $M$ averages over the event
  $\{|p \cdot x| < |s \cdot x|\}$, so that $|q^T M p| \le \Lambda \|q\| \|s\|$ and
  $\|M p\| \le \Lambda \|s\|$ with $\Lambda = \|M\|$. This leaves a quadratic form in
  $\|s\|, \|q\|$ whose coefficients depend on $\theta$; $D$ is divided out.
- *One neuron vanishes.* At $\theta = r = 0$ the sharp inequality is an equality. On the edge
  $r = 0$, $\|M s - s/2\| \le \|s\|/2$ shows that $E$ is not below its value at the corner, which is
  at least 0 if and only if $a$ is at most the rational function `collinear_rate`. From there $E$
  increases with $r$, which is a strict inequality for its derivative.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import torch
from flint import arb, fmpq
from jaxtyping import Float
from scipy import optimize
from torch import Tensor

from shallow_relu.certificates import (
    Certificate,
    End,
    Jet,
    prove_positive,
    variables,
)
from shallow_relu.conjecture_one import ENTIRE_BALLS
from shallow_relu.kernels import angle, arc_cosine_profile, norm_and_direction
from shallow_relu.linear_saddles import agreement_matrix, risk_gradient, sum_and_difference

Number = Any
"""A tensor, a ball, a jet of balls, or an exact fraction where no sine is needed."""


def unit_output_weights(
    W: Float[Tensor, "*#batch 2 d"], a: Float[Tensor, "*#batch 2"]
) -> Float[Tensor, "*batch 2 d"]:
    r"""Neurons $a_j w_j$ that have the output weights $1, -1$ [linear2025, App. D].

    A step $\eta a_j^{-2}$ for $w_j$ becomes the step $\eta$ for $a_j w_j$.

    Args:
        W: Neurons of $a_1 \sigma(w_1 \cdot x) - a_2 \sigma(w_2 \cdot x)$.
        a: The positive numbers $a_1, a_2$.

    Returns:
        The rescaled neurons.

    Raises:
        ValueError: If one of the numbers is not positive.
    """
    if not (a > 0).all():
        raise ValueError("the output weights must be positive; the minus sign is not part of them")
    return a[..., None] * W


def squared_distance(
    W: Float[Tensor, "*#batch 2 d"], beta: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Squared distance $\|W - W^*\|_F^2$ to the global minimum $W^* = (\beta, -\beta)$.

    Args:
        W: Neurons.
        beta: Coefficients of the target.

    Returns:
        The squared distances.
    """
    return (W - torch.stack([beta, -beta], dim=-2)).square().sum(dim=(-2, -1))


def correlation(
    W: Float[Tensor, "*#batch 2 d"], beta: Float[Tensor, "*#batch d"]
) -> Float[Tensor, "*batch"]:
    r"""Correlation $\langle W - W^*, \nabla R(W) \rangle$ as printed in [linear2025, App. A.4].

    Args:
        W: Neurons, none of them zero.
        beta: Coefficients of the target.

    Returns:
        The correlations.
    """
    norm, _ = norm_and_direction(W)
    first, second = norm.unbind(-1)
    w1, w2 = W.unbind(-2)
    theta = angle(w1, w2)

    def weight(ratio: Tensor) -> Tensor:
        return (3 * math.pi - theta - torch.sin(theta) * ratio) / (2 * math.pi)

    return (
        (first.square() + second.square()) / 2
        - arc_cosine_profile(theta) / math.pi * first * second
        - weight(second / first) * (w1 * beta).sum(-1)
        + weight(first / second) * (w2 * beta).sum(-1)
        + beta.square().sum(-1)
    )


def gradient_with_gate(
    W: Float[Tensor, "*#batch 2 d"], beta: Float[Tensor, "*#batch d"], gate: float = 0.5
) -> Float[Tensor, "*batch 2 d"]:
    r"""Mean of the sampled gradients with $\sigma'(0)$ set to `gate`, zero neurons included.

    Where no neuron is zero, the gate does not matter and this is the gradient of the risk. Where
    both are zero the risk has the gradient $-\frac12 W^*$, which is that of the gate 1/2. Where
    exactly one is zero the risk has none; with the gate 1/2, this is the mean of the limits of the
    gradient as the neuron tends to zero from opposite sides. Bounds that are convex in the
    gradient, such as those of a contraction, extend to such means.

    Args:
        W: Neurons; zero is admitted.
        beta: Coefficients of the target.
        gate: $\sigma'(0)$; 0 in most software, 1 in [linear2025, App. E.2.1].

    Returns:
        The gradient; that of `risk_gradient` where no neuron is zero.
    """
    mean_residual = (W[..., 0, :] - W[..., 1, :]) / 2 - beta
    signs = W.new_tensor([[1], [-1]])
    zero = torch.linalg.vector_norm(W, dim=-1, keepdim=True) == 0
    at_zero = gate * signs * mean_residual[..., None, :]
    return torch.where(zero, at_zero, risk_gradient(W, beta))


def neurons_in_ball(
    s: Float[Tensor, "*#batch d"], p: Float[Tensor, "*#batch d"], radius: Tensor | float
) -> Float[Tensor, "*batch 2 d"]:
    r"""Neurons $s + p$, $s - p$ with $s$ shortened, if need be, to $\|w_1 + w_2\| \le$ `radius`.

    Args:
        s: Half sums, not zero.
        p: Half differences.
        radius: $\rho \|\beta\|$; broadcast against the batch.

    Returns:
        The neurons.
    """
    longest = torch.as_tensor(radius, dtype=s.dtype, device=s.device)[..., None] / 2
    s = s * (longest / torch.linalg.vector_norm(s, dim=-1, keepdim=True)).clamp(max=1)
    return torch.stack(torch.broadcast_tensors(s + p, s - p), dim=-2)


def smallest_in_ball(
    objective: Callable[[Tensor], Tensor],
    radius: float,
    generator: torch.Generator,
    *,
    rounds: int = 36,
    spread: float = 1.0,
) -> float:
    r"""Smallest value of a function of two neurons in the ball, by a random search that shrinks.

    For $\beta = e_1$ in three dimensions, the general case, and $\|w_1 + w_2\| \le$ `radius`.
    Once from starts near the minimum of the risk, twice from nearly collinear ones, of which one
    neuron may vanish. Weights with a neuron that is zero up to rounding do not count: the risk has
    no gradient there.

    Args:
        objective: Takes neurons `[n, 2, 3]` and returns `n` values.
        radius: $\rho$; may be infinite.
        generator: Source of randomness.
        rounds: Number of times that the search shrinks.
        spread: Standard deviation of the first half sums.

    Returns:
        The smallest value found, an upper bound of the infimum.
    """
    keep, best = 8, math.inf

    def draw(*shape: int, normal: bool = True) -> Tensor:
        kind = torch.randn if normal else torch.rand
        return kind(*shape, generator=generator, dtype=torch.float64)

    def values(W: Tensor) -> Tensor:
        norms = torch.linalg.vector_norm(W, dim=-1)
        return torch.where(norms.amin(-1) < 1e-8 * norms.amax(-1), math.inf, objective(W))

    for collinear in (False, True, True):
        target = torch.eye(3, dtype=torch.float64)[0] + 0.3 * draw(1500, 3)
        W = neurons_in_ball(spread * draw(1500, 3), target, radius)
        if collinear:
            s, _ = sum_and_difference(W)
            W = neurons_in_ball(s, s * (1 + 0.1 * draw(1500, 1)), radius)
        for size in torch.logspace(-0.7, -4.5, rounds).tolist():
            W = W[values(W).argsort()[:keep]]
            scale = torch.linalg.vector_norm(W, dim=-1, keepdim=True).clamp(max=spread)[:, None]
            moved = W[:, None] + size * scale * draw(keep, 50, 2, 3)
            if collinear:
                chosen = draw(keep, 10, 2, 1) > 0
                moved[:, :10] = W[:, None] * 10 ** (
                    -2 * draw(keep, 10, 2, 1, normal=False) * chosen
                )
            W = torch.cat(
                [W, neurons_in_ball(*sum_and_difference(moved.reshape(-1, 2, 3)), radius)]
            )
        best = min(best, float(values(W).min()))
    return best


class Gammas(NamedTuple):
    r"""Coefficients of $\beta$ in $-(\gamma_1 w_1 + \gamma_2 w_2) \cdot \beta$ [linear2025, E.1.2].

    Attributes:
        first: $\gamma_1$.
        second: $\gamma_2$.
    """

    first: Tensor
    second: Tensor


def gammas(
    theta: Float[Tensor, "*#batch"],
    ratio: Float[Tensor, "*#batch"],
    alpha: float,
    *,
    as_printed: bool = False,
) -> Gammas:
    r"""Linear coefficients of correlation minus $\alpha D$ as a function of $\beta$.

    Args:
        theta: Angle between the neurons.
        ratio: $\|w_2\| / \|w_1\| > 0$.
        alpha: Constant of the correlation inequality.
        as_printed: Whether to take $+2\alpha$ in $\gamma_1$, as the paper prints, instead of
            $-2\alpha$, which follows from its definition.

    Returns:
        The two coefficients.
    """

    def half(ratio: Tensor) -> Tensor:
        return (3 * math.pi - theta - torch.sin(theta) * ratio) / (2 * math.pi)

    sign = 1 if as_printed else -1
    return Gammas(half(ratio) + sign * 2 * alpha, -(half(1 / ratio) - 2 * alpha))


def plotted_function(
    theta: Float[Tensor, "*#batch"],
    ratio: Float[Tensor, "*#batch"],
    alpha: float,
    *,
    as_printed: bool = False,
) -> Float[Tensor, "*batch"]:
    r"""The function $\tilde h / \|w_1\|^2$ of [linear2025, Fig. 6].

    The minimum of correlation minus $\alpha D$ over all $\beta$ with
    $\|\beta\| \ge 2 \|w_1 + w_2\|$, by the two cases of the paper.

    Args:
        theta: Angle between the neurons.
        ratio: $r = \|w_2\| / \|w_1\| > 0$.
        alpha: Constant of the correlation inequality, below $1/2$.
        as_printed: Whether to use the sign of $2 \alpha$ in $\gamma_1$ that the paper prints.

    Returns:
        The values.
    """
    first, second = gammas(theta, ratio, alpha, as_printed=as_printed)
    cosine = torch.cos(theta)
    constant = (0.5 - alpha) * (1 + ratio.square()) - arc_cosine_profile(theta) / math.pi * ratio
    w = second * ratio
    linear = (first.square() + w.square() + 2 * first * w * cosine).clamp(min=0).sqrt()
    total = (1 + ratio.square() + 2 * ratio * cosine).clamp(min=0).sqrt()
    curvature = 1 - 2 * alpha
    vertex = linear / (2 * curvature)
    size = torch.maximum(2 * total, vertex)
    return constant - linear * size + curvature * size.square()


def gating_eigenvalues(theta: Number, pi: Number) -> tuple[Number, Number]:
    r"""Eigenvalues of $M = E[x x^T 1(w_1 \cdot x \, w_2 \cdot x > 0)]$ in the neurons' plane.

    Args:
        theta: Angle between the neurons.
        pi: $\pi$ as a number of the same kind.

    Returns:
        $(\pi - \theta \pm \sin\theta) / \pi$: along the bisector of the neurons, and across it.
        Off the plane the eigenvalue is $(\pi - \theta) / \pi$, between the two.
    """
    sine = theta.sin()
    return (pi - theta + sine) / pi, (pi - theta - sine) / pi


def reduced_excess(
    theta: Number, ratio: Number, radius: Number, step: Number, rate: Number, pi: Number = math.pi
) -> Number:
    r"""Minimum of $E / \|w_1\|^2$ over all $\beta$ with $\|w_1 + w_2\| \le \rho \|\beta\|$.

    Written in the eigenbasis of $M$. With $g = \frac12 - \frac\eta4$ and
    $c = 1 - \frac\eta4 - 2 a$, which must be positive, it is

    $$s^T \bigl[(I - M) - \tfrac\eta4 (I - M)^2 - 2 a\bigr] s
    - \bigl(\tfrac\eta4 + \tfrac{g^2}{c}\bigr) \|M p\|^2
    + c \bigl(\tfrac2\rho \|s\| - \tfrac1c \|c p + g M p\|\bigr)_+^2 .$$

    Args:
        theta: Angle between the neurons.
        ratio: $r = \|w_2\| / \|w_1\|$, from 0 on.
        radius: $\rho$.
        step: $\eta$; 0 for the correlation inequality.
        rate: $a$.
        pi: $\pi$ as a number of the same kind.

    Returns:
        The minimum; tensors, or balls, or jets of balls, as the arguments are.
    """
    along, across = gating_eigenvalues(theta, pi)
    cosine, sine = (theta / 2).cos(), (theta / 2).sin()
    sum_along, sum_across = (1 + ratio) * cosine / 2, (1 - ratio) * sine / 2
    difference_along, difference_across = (1 - ratio) * cosine / 2, (1 + ratio) * sine / 2
    quarter = step / 4
    curvature, g = 1 - quarter - 2 * rate, (2 - step) / 4

    def on_sum(eigenvalue: Number) -> Number:
        rest = 1 - eigenvalue
        return rest - quarter * rest * rest - 2 * rate

    def length(first: Number, second: Number) -> Number:
        return _root(_square(first) + _square(second))

    gated = _square(along * difference_along) + _square(across * difference_across)
    pull = length(
        (curvature + g * along) * difference_along, (curvature + g * across) * difference_across
    )
    slack = 2 * length(sum_along, sum_across) / radius - pull / curvature
    return (
        on_sum(along) * _square(sum_along)
        + on_sum(across) * _square(sum_across)
        - (quarter + g * g / curvature) * gated
        + curvature * _square(_positive_part(slack))
    )


def worst_target(
    W: Float[Tensor, "*#batch 2 d"],
    radius: float,
    step: Float[Tensor, "*#batch"] | float,
    rate: Float[Tensor, "*#batch"] | float,
) -> Float[Tensor, "*batch d"]:
    r"""The target $\beta$ at which $E$ is smallest, of all with $\|w_1 + w_2\| \le \rho \|\beta\|$.

    With $g = \frac12 - \frac\eta4$ and $c = 1 - \frac\eta4 - 2 a > 0$ it is
    $p + \frac gc M p$, made longer where that is too short.

    Args:
        W: Neurons, not zero; $p$ must not be zero either.
        radius: $\rho$.
        step: $\eta$.
        rate: $a$.

    Returns:
        The targets.
    """
    s, p = sum_and_difference(W)
    g, c = (
        torch.as_tensor(x, dtype=W.dtype)[..., None]
        for x in (0.5 - step / 4, 1 - step / 4 - 2 * rate)
    )
    centre = p + g / c * (agreement_matrix(W) @ p[..., None])[..., 0]
    length = torch.linalg.vector_norm(centre, dim=-1, keepdim=True)
    least = 2 / radius * torch.linalg.vector_norm(s, dim=-1, keepdim=True)
    return centre * (least / length).clamp(min=1)


def collinear_rate(radius: Number, step: Number = 0) -> Number:
    r"""Value of $a$ at which $E = 0$ in the limit $w_2 \to 0$ along $w_1 = \rho \beta$.

    $$\frac{(1 - \rho)(2 - \rho)}{2 (2 - 2 \rho + \rho^2)}
    - \eta \frac{(1 - \rho)^2}{4 (2 - 2 \rho + \rho^2)}$$

    No larger rate is possible on the ball of radius $\rho$. For $\eta = 0$ and
    $\frac14 \le \rho \le 1$, and for $\rho = \frac12$ and $0 \le \eta \le 2$, it is the best one.

    Args:
        radius: $\rho$.
        step: $\eta$.

    Returns:
        The rate, of the kind of the arguments.
    """
    denominator = 4 * (2 - 2 * radius + radius * radius)
    return (1 - radius) * (2 * (2 - radius) - step * (1 - radius)) / denominator


def perpendicular_constant(radius: float) -> float:
    r"""Smallest ratio of correlation and $D$ at neurons of one norm with $w_1 + w_2 \perp \beta$.

    There $\|s\| = \rho / 2$ for $\|\beta\| = 1$ and $p$ is parallel to $\beta$; one variable is
    left, the angle. For small $\rho$ the value is $\frac12 - \frac\rho\pi + O(\rho^3)$.

    Args:
        radius: $\rho > 0$.

    Returns:
        The local minimum over the angle at which $p$ is closest to $\beta$.
    """

    def ratio(opening: float) -> float:
        s, p = radius / 2, radius / 2 / math.tan(opening / 2)
        q = 1 - p
        along = (opening + math.sin(opening)) / math.pi
        across = (opening - math.sin(opening)) / math.pi
        return ((1 - along) * s * s + q * q - across * q * p) / (2 * (s * s + q * q))

    # The minimum sought is near the angle at which p is beta; far from it there is another one.
    found = optimize.minimize_scalar(
        ratio,
        bounds=(0.5 * radius, min(1.5 * radius, 3.0)),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return float(found.fun)


def sharp_correlation_constant(radius: float) -> float:
    r"""Largest $\alpha$ with $\langle W - W^*, \nabla R\rangle \ge \alpha D$ on the ball.

    The smaller one of two branches: `collinear_rate`, which has its minimum at $\rho = \sqrt2$ and
    counts as constant beyond, and `perpendicular_constant`. They cross at $\rho = 0.2411$. Proved
    for $\frac14 \le \rho \le 1$ (`certify_contraction`), numerical elsewhere.

    Args:
        radius: $\rho > 0$ in $\|w_1 + w_2\| \le \rho \|\beta\|$.

    Returns:
        The constant $\alpha^*(\rho)$.
    """
    return min(collinear_rate(min(radius, math.sqrt(2))), perpendicular_constant(radius))


def sharp_smoothness_constant(radius: float = math.inf) -> float:
    r"""Smallest $\ell^2$ with $\|\nabla R\|_F^2 \le \ell^2 D$ on the ball; $\frac12$ globally.

    Approached at $w_1 = -\rho \beta$, $w_2 \to 0$ in the direction of $w_1$. The global bound is
    proved by Bessel's inequality; the value on a ball is numerical.

    Args:
        radius: $\rho$ in $\|w_1 + w_2\| \le \rho \|\beta\|$.

    Returns:
        The constant.
    """
    if math.isinf(radius):
        return 0.5
    return (1 + radius) ** 2 / (4 + 4 * radius + 2 * radius**2)


def sharp_contraction_factor(
    step: Float[Tensor, "*batch"], radius: float = 0.5
) -> Float[Tensor, "*batch"]:
    r"""Largest factor by which one step can multiply $D$ on the ball.

    The larger one of the factors at $w_1 = \pm \rho \beta$, $w_2 \to 0$. For $\rho = \frac12$,

    $$\kappa(\eta) = \max\Bigl\{\frac{1 + (3 - \eta)^2}{10}, \frac{1 + (5 - 3 \eta)^2}{26}\Bigr\}.$$

    Proved for $\rho = \frac12$ and $0 < \eta \le 2$ (`certify_contraction`), numerical elsewhere.

    Args:
        step: Step sizes $\eta$.
        radius: $\rho$, at least 0.2411.

    Returns:
        The factors.
    """
    towards = 1 - 2 * step * collinear_rate(radius, step)
    far = radius**2 / 4 + (1 + radius / 2) ** 2
    away = (radius**2 / 4 + (1 + radius / 2 - step * (1 + radius) / 2).square()) / far
    return torch.maximum(towards, away)


@dataclass(frozen=True)
class ContractionCertificate:
    """Outcome of an attempt to prove the inequality $E >= 0$ on a ball of starts.

    Attributes:
        corner: Whether the rate is at most `collinear_rate`, in exact arithmetic: then $E >= 0$ on
            the edge $r = 0$.
        rising: $E$ increases with $r$ in the box `rising_to` at the corner; None if `corner` fails.
        rest: $E > 0$ on the rest of the domain; the discarded boxes lie in the box at the corner,
            or are settled by the antipodal argument.
        rising_to: Angle and ratio up to which the second part holds.
    """

    corner: bool
    rising: Certificate | None
    rest: Certificate
    rising_to: tuple[Fraction, Fraction]

    @property
    def proved(self) -> bool:
        """Whether all parts are proved."""
        return self.corner and self.rising is not None and self.rising.proved and self.rest.proved

    @property
    def boxes(self) -> int:
        """Number of boxes of both parts, those that the arguments settle included."""
        first = 0 if self.rising is None else self.rising.boxes
        return first + self.rest.boxes + self.rest.discarded

    @property
    def seconds(self) -> float:
        """Wall-clock time of both parts."""
        return (0.0 if self.rising is None else self.rising.seconds) + self.rest.seconds


def certify_contraction(
    radius: Fraction | tuple[Fraction, Fraction],
    step: Fraction | tuple[Fraction, Fraction] = Fraction(0),
    rate: Fraction | None = None,
    *,
    rising_to: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1, 4)),
    max_boxes: int = 20_000,
    precision: int = 64,
    keep_boxes: bool = False,
) -> ContractionCertificate:
    r"""Try to prove $E \ge 0$ for all $w_1, w_2 \ne 0$ with $\|w_1 + w_2\| \le \rho \|\beta\|$.

    With step 0 this is the correlation inequality with constant `rate`; with a positive step it is
    a contraction of $D$ by the factor $1 - 2 \eta a$.

    Args:
        radius: $\rho$, or an interval of radii that are all to be treated; at most 1.
        step: $\eta$, or an interval of step sizes; from 0 to 2.
        rate: $a$; by default the best conceivable one, `collinear_rate`, at each radius and step.
        rising_to: Angle and ratio of the box at the corner in which $E$ is to increase with $r$.
        max_boxes: Budget of each part.
        precision: Working precision in bits.
        keep_boxes: Whether to keep the boxes of the parts.

    Returns:
        The certificate.

    Raises:
        TypeError: If a number is not exact.
        ValueError: If a radius or step size is outside of the range that the proof covers, or a
            rate is given for an interval.
    """
    numbers = [*_range(radius), *_range(step), *rising_to, 0 if rate is None else rate]
    if not all(isinstance(number, int | Fraction) for number in numbers):
        raise TypeError(f"radii, steps and rates must be exact numbers, not {numbers}")
    intervals = [end for end in (radius, step) if isinstance(end, tuple)]
    if rate is not None and intervals:
        raise ValueError("a given rate needs one radius and one step")
    (smallest, largest), (shortest, longest) = _range(radius), _range(step)
    if not (0 < smallest <= largest <= 1 and 0 <= shortest <= longest <= 2):
        raise ValueError(f"the proof is for 0 < radius <= 1 and 0 <= step <= 2, not {radius, step}")
    corner = rate is None or rate <= collinear_rate(radius, step)

    free = [_exact(low).union(_exact(high)) for low, high in intervals]

    def settings(free: Sequence[Number]) -> tuple[Number, Number, Number]:
        values = iter(free)
        rho, eta = (
            next(values) if isinstance(end, tuple) else _exact(end) for end in (radius, step)
        )
        return rho, eta, collinear_rate(rho, eta) if rate is None else _exact(rate)

    def excess(theta: Number, ratio: Number, *free: Number) -> Number:
        return reduced_excess(theta, ratio, *settings(free), pi=arb.pi())

    def slope(*coordinates: arb) -> arb:
        return excess(*variables([*coordinates, *free])).gradient[1]

    def enclosures(*coordinates: arb) -> Sequence[arb]:
        """As `with_mean_value_form`, but jets only where balls fail, and intervals kept whole."""
        point = [*coordinates, *free]
        natural = excess(*point)
        if natural > 0:
            return (natural,)
        gradient = excess(*variables(point)).gradient
        middle = [x.mid() for x in point]
        offsets = zip(gradient, point, middle, strict=True)
        return natural, excess(*middle) + sum(g * (x - m) for g, x, m in offsets)

    def region(theta: arb, ratio: arb) -> Sequence[arb]:
        _, eta, a = settings(free)
        on_sum, mixed, on_error = antipodal_form(theta, eta, a, arb.pi())
        not_antipodal = mixed * mixed - on_sum * on_error
        if not corner:
            return (not_antipodal,)
        beyond = (theta - _exact(rising_to[0])).max(ratio - _exact(rising_to[1]))
        return beyond, not_antipodal

    prove: dict[str, Any] = {
        "max_boxes": max_boxes,
        "precision": precision,
        "keep_boxes": keep_boxes,
    }
    edge: list[tuple[End, End]] = [(0, rising_to[0]), (0, rising_to[1])]
    rising = prove_positive(slope, edge, statement="E increases with r", **prove)
    rest = prove_positive(
        enclosures, [(0, arb.pi), (0, 1)], statement="E is positive", region=region, **prove
    )
    return ContractionCertificate(corner, rising if corner else None, rest, rising_to)


def antipodal_form(
    theta: Number, step: Number, rate: Number, pi: Number = math.pi
) -> tuple[Number, Number, Number]:
    r"""Coefficients $A, B, C$ with $E \ge A \|s\|^2 - 2 B \|s\| \|q\| + C \|q\|^2$ for all targets.

    With $\Lambda = \|M\|$ and $g = \frac12 - \frac\eta4 \ge 0$,
    $A = (1 - \Lambda) - \frac\eta4 (1 - \Lambda)^2 - \frac\eta4 \Lambda^2 - 2 a$,
    $B = g \Lambda$ and $C = 1 - \frac\eta4 - 2 a$, because $u - \frac\eta4 u^2$ increases on
    $[0, 1]$ for $\eta \le 2$. Where $C > 0$ and $A C > B^2$ the form is positive definite: this
    settles nearly antipodal neurons of any norms.

    Args:
        theta: Angle between the neurons.
        step: $\eta$, from 0 to 2.
        rate: $a$; at most `collinear_rate`, $C$ is positive.
        pi: $\pi$ as a number of the same kind.

    Returns:
        $A$, $B$ and $C$.
    """
    largest, _ = gating_eigenvalues(theta, pi)
    quarter, rest = step / 4, 1 - largest
    on_sum = rest - quarter * (rest * rest + largest * largest) - 2 * rate
    return on_sum, (2 - step) / 4 * largest, 1 - quarter - 2 * rate


def certify_smoothness(square: Fraction, *, precision: int = 64) -> Certificate:
    r"""Try to prove $\|\nabla R\|_F^2 \le \ell^2 D$ for all $W$ and $\beta$, strictly if $s \ne 0$.

    The minimum over $\beta$ of $\ell^2 D - \|\nabla R\|_F^2$ is at least $\|s\|^2$ times
    $2 \ell^2 - \frac12 - \bigl(\frac12 + \frac1{4 c}\bigr) \Lambda^2$ with
    $c = 2 \ell^2 - \frac12$, because $\|M p\| \le \Lambda \|s\|$ and $0 \preceq I - M \preceq I$.

    Args:
        square: $\ell^2$, above $\frac14$.
        precision: Working precision in bits.

    Returns:
        The certificate, on $0 \le \theta \le \pi$.

    Raises:
        ValueError: If $\ell^2 \le \frac14$, where the minimum over $\beta$ does not exist.
    """
    if square <= Fraction(1, 4):
        raise ValueError(f"the square must exceed 1/4, not {square}")
    curvature = 2 * square - Fraction(1, 2)
    weight = Fraction(1, 2) + 1 / (4 * curvature)

    def form(theta: arb) -> arb:
        largest, _ = gating_eigenvalues(theta, arb.pi())
        return _exact(curvature) - _exact(weight) * largest * largest

    return prove_positive(
        form, [(0, arb.pi)], statement=f"squared gradient below {square} D", precision=precision
    )


def _gated_bound_acute(theta: arb) -> arb:
    r"""$\pi^2$ minus the squared left side of Eq. 10 at $\|w_2\| = 1$, over $\theta^3$."""
    sinc, cubic = ENTIRE_BALLS.sinc, ENTIRE_BALLS.cubic_sine
    excess, rest = cubic(theta), sinc(theta) * sinc(theta / 2) ** 2
    return 8 * arb.pi() * cubic(2 * theta) - theta**3 * excess * excess - theta * rest


def _gated_bound_obtuse(opening: arb) -> arb:
    r"""$\pi^2 \sin^2\theta$ minus the same square, over $(\pi - \theta)^2$, in $\pi - \theta$."""
    sinc = ENTIRE_BALLS.sinc(opening)
    return (arb.pi() ** 2 - 1) * sinc**2 + 2 * sinc * opening.cos() - 1


def certify_gated_bound(*, precision: int = 64) -> tuple[Certificate, Certificate]:
    r"""Prove $\|\sin\theta \|w_2\| \hat w_1 + (\pi - \theta) w_2\| \le \pi \|w_1 + w_2\|$.

    [linear2025, Eq. 10], and Eq. 11 by symmetry. For $\theta \le \frac\pi2$ the right side is at
    least $\pi \|w_2\|$, and the difference of squares has the zero $\theta^3$; for
    $\theta \ge \frac\pi2$ it is at least $\pi \|w_2\| \sin\theta$, and the difference of squares
    has the zero $(\pi - \theta)^2$. Both zeros are divided out.

    Args:
        precision: Working precision in bits.

    Returns:
        The certificates for acute and for obtuse angles.
    """

    def right_angle() -> arb:
        return arb.pi() / 2

    return tuple(
        prove_positive(function, [(0, right_angle)], statement=statement, precision=precision)
        for function, statement in (
            (_gated_bound_acute, "Eq. 10 for acute angles, divided by theta^3"),
            (_gated_bound_obtuse, "Eq. 10 for obtuse angles, divided by (pi - theta)^2"),
        )
    )


def _range(end: Fraction | tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction]:
    return end if isinstance(end, tuple) else (end, end)


def _exact(number: Number) -> Number:
    """A fraction as a ball; anything else as it is."""
    if isinstance(number, int | Fraction):
        return arb(fmpq(number.numerator, number.denominator))
    return number


def _square(x: Number) -> Number:
    return x * x


def _positive_part(x: Number) -> Number:
    """The part above 0; its square is continuously differentiable."""
    if isinstance(x, Tensor):
        return x.clamp(min=0)
    if isinstance(x, Jet):
        inside = arb(1) if x.value > 0 else arb(0) if x.value < 0 else arb(0).union(arb(1))
        return Jet(x.value.max(arb(0)), tuple(inside * g for g in x.gradient))
    return x.max(arb(0))


def _root(x: Number) -> Number:
    """Square root of a number that is not negative, though its ball may reach below 0."""
    if isinstance(x, Tensor):
        return x.sqrt()
    if isinstance(x, Jet):
        value = _root(x.value)
        return Jet(value, tuple(g / (2 * value) for g in x.gradient))
    if x > 0:
        return x.sqrt()
    return arb(0).union(x.upper().max(arb(0)).sqrt())
