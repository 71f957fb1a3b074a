r"""Symmetric starts for an orthonormal teacher: two coordinates for $K$ neurons [tian2017, Thm 7].

The teacher neurons are the unit vectors of $\mathbb R^K$. Student neuron $j$ has the entry $x$ in
place $j$ and $y$ everywhere else, $w_j = y \mathbf 1 + (x - y) e_j$. Gradient flow of the
population risk keeps this form and becomes a system for $(x, y)$.

Angles: $\theta = \angle(w_1, w^*_1)$, $\theta' = \angle(w_1, w^*_2)$, $\phi = \angle(w_1, w_2)$.

**The two curves.** In the half $x > y \ge 0$ put $u = y / x \in [0, 1)$. The angles depend on $u$
alone, and $\dot u = 0$, $\dot x = 0$ hold on the graphs $x = x_1(u)$ and $x = x_2(u)$ of two
functions (`nullclines`): $\dot u < 0$ to the right of the first, $\dot x < 0$ to the right of the
second. If $x_1 < x_2$ for $0 < u \le 1$, there is no equilibrium but $(1, 0)$ off the diagonal.

**All widths at once.** With $p = (K-1)^{-1/2}$ and polar coordinates
$(p, u) = \rho\,(\cos\theta, \sin\theta)$ - the polar angle is the angle $\theta$ above -
$x_1 < x_2$ becomes $H(\theta, \rho) > 0$ on a compact region without singular points
(`separation`), which `certify_separation` proves for every $K \ge 2$.
"""

import math
from fractions import Fraction

import numpy as np
import torch
from flint import arb, fmpq
from jaxtyping import Float
from scipy import optimize
from torch import Tensor

from shallow_relu.certificates import Certificate, Jet, prove_positive, variables


def embed(
    x: Float[Tensor, "*#batch"], y: Float[Tensor, "*#batch"], width: int
) -> Float[Tensor, "*batch K K"]:
    r"""The student of $K$ neurons with coordinates $(x, y)$.

    Args:
        x: Entry of neuron $j$ in place $j$.
        y: The other entries.
        width: Number $K$ of neurons and dimensions.

    Returns:
        The neurons as rows.
    """
    identity = torch.eye(width, dtype=x.dtype, device=x.device)
    x, y = torch.broadcast_tensors(x, y)
    return y[..., None, None] + (x - y)[..., None, None] * identity


def velocity(
    x: Float[Tensor, "*#batch"], y: Float[Tensor, "*#batch"], width: int
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""Gradient flow in the two coordinates [tian2017, Thm 7].

    With $\alpha = 1 / \|w_1\|$, $S = x - 1 + (K-1) y$ and
    $R = \alpha\sin\theta + (K-1)(\alpha\sin\theta' - \sin\phi)$,

    $$2\pi\dot x = -(\pi - \phi) S - \phi (x - 1) - \theta + R x, \qquad
    2\pi\dot y = -(\pi - \phi) S - \phi y - (\theta' - \phi) + R y.$$

    Args:
        x: First coordinate.
        y: Second coordinate; not both may be 0, where the flow is discontinuous.
        width: Number $K \ge 2$ of neurons.

    Returns:
        $\dot x$ and $\dot y$; NaN at the origin.
    """
    others = width - 1
    square = x.square() + others * y.square()
    across = math.sqrt(others) * y.abs()
    across_other = torch.sqrt(x.square() + (others - 1) * y.square())
    theta = torch.atan2(across, x)
    theta_other = torch.atan2(across_other, y)
    # Half the lengths of w_1 - w_2 and w_1 + w_2, up to the factor sqrt(2).
    difference = (x - y).abs()
    total = torch.sqrt((x + y).square() + 2 * (others - 1) * y.square())
    phi = 2 * torch.atan2(difference, total)
    turning = (across + others * across_other - others * difference * total) / square
    common = -(math.pi - phi) * (x - 1 + others * y)
    x_part = common - phi * (x - 1) - theta + turning * x
    y_part = common - phi * y - (theta_other - phi) + turning * y
    return x_part / (2 * math.pi), y_part / (2 * math.pi)


def flow(
    x: Float[Tensor, "*batch"], y: Float[Tensor, "*batch"], width: int, duration: float, steps: int
) -> tuple[Float[Tensor, "times *batch"], Float[Tensor, "times *batch"]]:
    """Gradient flow by the classical Runge-Kutta method with equal steps.

    Args:
        x: First coordinate of the starts.
        y: Second coordinate of the starts.
        width: Number of neurons. Rates grow with it: choose steps of at most about `1 / width`.
        duration: Time at the end.
        steps: Number of steps.

    Returns:
        The coordinates after every step, the start included.
    """
    step = duration / steps
    xs, ys = [x], [y]
    for _ in range(steps):
        first = velocity(x, y, width)
        second = velocity(x + step / 2 * first[0], y + step / 2 * first[1], width)
        third = velocity(x + step / 2 * second[0], y + step / 2 * second[1], width)
        fourth = velocity(x + step * third[0], y + step * third[1], width)
        x = x + step / 6 * (first[0] + 2 * second[0] + 2 * third[0] + fourth[0])
        y = y + step / 6 * (first[1] + 2 * second[1] + 2 * third[1] + fourth[1])
        xs.append(x)
        ys.append(y)
    return torch.stack(xs), torch.stack(ys)


def descend(
    x: Float[Tensor, "*batch"], y: Float[Tensor, "*batch"], width: int, step: float, steps: int
) -> tuple[Float[Tensor, "times *batch"], Float[Tensor, "times *batch"]]:
    r"""Gradient descent $(x, y) \leftarrow (x, y) + \eta (\dot x, \dot y)$, as in Figure 8.

    Args:
        x: First coordinate of the starts.
        y: Second coordinate of the starts.
        width: Number of neurons.
        step: Step size $\eta$.
        steps: Number of steps.

    Returns:
        The coordinates after every step, the start included.
    """
    xs, ys = [x], [y]
    for _ in range(steps):
        x_rate, y_rate = velocity(x, y, width)
        x, y = x + step * x_rate, y + step * y_rate
        xs.append(x)
        ys.append(y)
    return torch.stack(xs), torch.stack(ys)


def diagonal_saddle(width: int) -> float:
    r"""The saddle $x = y = (\sqrt{K-1} - \arccos(1/\sqrt K) + \pi) / (\pi K)$ [tian2017, Thm 7].

    Args:
        width: Number $K \ge 2$ of neurons.

    Returns:
        The coordinate $x_s$.
    """
    root = math.sqrt(width - 1)
    return (root - math.atan(root) + math.pi) / (math.pi * width)


def saddle_rates(width: int) -> tuple[float, float]:
    r"""Eigenvalues of the two-dimensional flow at the saddle.

    Along the diagonal the flow is linear, $\dot x = -\frac K2 (x - x_s)$.

    Args:
        width: Number $K \ge 2$ of neurons.

    Returns:
        $-K/2$ along the diagonal, and $K / (2\pi x_s \sqrt{K-1})$ off it.
    """
    escape = width / (2 * math.pi * diagonal_saddle(width) * math.sqrt(width - 1))
    return -width / 2, escape


def lower_critical_point(width: int) -> tuple[float, float]:
    r"""The critical point in the half $x < y$, near $(2/K - 1, 2/K)$, for $K \ge 3$.

    Args:
        width: Number $K \ge 3$ of neurons.

    Returns:
        Its coordinates.

    Raises:
        ValueError: If the width is below 3; for $K = 2$ the point is the teacher, $(0, 1)$.
        RuntimeError: If the equations are not solved to 1e-12.
    """
    if width < 3:
        raise ValueError(f"no such point at width {width}: coordinates swap to the teacher")

    def rates(point: Float[np.ndarray, "2"]) -> list[float]:
        x, y = torch.from_numpy(point)
        return [float(rate) for rate in velocity(x, y, width)]

    solution = optimize.root(rates, np.array([2 / width - 1, 2 / width]), tol=1e-14)
    x, y = solution.x.tolist()
    if max(abs(rate) for rate in rates(solution.x)) > 1e-12 or x >= y:
        raise RuntimeError(f"no critical point found at width {width}: {solution.message}")
    return x, y


def nullclines(
    u: Float[Tensor, "*batch"], width: int
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""The functions $x_1(u)$ and $x_2(u)$ with $\dot u = 0$ and $\dot x = 0$.

    $$\dot u = -\frac{(\pi - \phi)(1 + (K-1) u)(1 - u)}{2\pi} \Bigl(1 - \frac{x_1}x\Bigr), \qquad
    \dot x = \frac{|A|}{2\pi} (x_2 - x).$$

    Args:
        u: Ratios $y / x$ in $[0, 1]$.
        width: Number $K \ge 2$ of neurons.

    Returns:
        $x_1$ and $x_2$. At $u = 1$ the first is a limit, the second is the saddle.
    """
    others = width - 1
    theta = torch.atan(math.sqrt(others) * u)
    cosine, sine = torch.cos(theta), torch.sin(theta)
    theta_other = torch.acos(u * cosine)
    phi = 2 * torch.asin((1 - u) * cosine / math.sqrt(2))
    # (theta' - theta) / (1 - u), by which both the zeros at u = 1 cancel.
    middle_sine = torch.sin((theta + theta_other) / 2)
    z = (1 - u) * cosine / (2 * middle_sine)
    safe = torch.where(z < 1e-4, 1, z)
    ratio = torch.where(z < 1e-4, 1 + z.square() / 6, torch.asin(safe) / safe)
    lead = math.pi - theta - ratio * cosine / middle_sine
    x1 = lead / ((math.pi - phi) * (1 + others * u))
    slope = (math.pi - phi) * (1 + others * u) + phi + others * torch.sin(phi)
    height = sine + others * torch.sin(theta_other)
    return x1, (math.pi - theta + cosine * height) / slope


def separation(theta: arb | Jet, rho: arb | Jet) -> arb | Jet:
    r"""The function $H(\theta, \rho)$ that has the sign of $x_2 - x_1$, for every width.

    With $p = \rho\cos\theta = (K-1)^{-1/2}$ and $u = \rho\sin\theta$,

    $$H = \beta\,(\pi - \phi)(\rho\cos^2\theta + \sin\theta) - \rho\cos\theta\; \lambda\, \mu
    = \frac{(-A)(\pi - \phi)(1 + (K-1) u)}{(K-1)^{3/2}}\,(x_2 - x_1),$$

    $$\beta = \rho^2\cos\theta\,(\pi - \theta + \sin\theta\cos\theta) + \sin\theta', \quad
    \lambda = \pi - \theta - \frac{\theta' - \theta}{1 - u}, \quad
    \mu = (\pi - \phi)\,\rho\,(\rho\cos^2\theta + \sin\theta) + p^2\phi + \sin\phi.$$

    Nothing is divided by a number that vanishes: $(\theta' - \theta)/(1 - u)$ is evaluated as
    $\frac{\arcsin z}z \cdot \frac{\cos\theta}{\sin((\theta + \theta')/2)}$ with
    $z = (1 - u)\cos\theta / (2\sin((\theta + \theta')/2))$. $H = 0$ at $\theta = 0$.

    Args:
        theta: Angle in $[0, \pi/2]$.
        rho: Radius, with $\rho\sin\theta \le 1$ and $\rho\cos\theta \le 1$.

    Returns:
        Its enclosure, for points of the box that satisfy the two conditions.
    """
    sine, cosine, pi = theta.sin(), theta.cos(), arb.pi()
    p = rho * cosine
    rest = _at_least_zero(1 - rho * sine)
    theta_other = pi / 2 - _arcsin(p * sine)
    phi = 2 * _arcsin(rest * cosine * _HALF.sqrt())
    middle_sine = ((theta + theta_other) * _HALF).sin()
    quotient = _arcsin_quotient(rest * cosine * _HALF / middle_sine) * cosine / middle_sine
    factor = p * cosine + sine
    beta = p * rho * (pi - theta + sine * cosine) + theta_other.sin()
    mu = (pi - phi) * rho * factor + p * p * phi + phi.sin()
    return beta * (pi - phi) * factor - p * (pi - theta - quotient) * mu


_HALF = arb(0.5)
_FIRST_ANGLE = Fraction(1, 2)
_RADIUS_NEAR = Fraction(8, 7)  # more than 1 / cos(1/2), the largest radius at these angles
_RADIUS = Fraction(3, 2)  # more than sqrt(2), where u = p = 1


def certify_separation(
    margin: Fraction = Fraction(3, 2), max_boxes: int = 20_000
) -> tuple[Certificate, Certificate]:
    r"""Certificates that $H \ge c\sin\theta$ on the whole region: $x_1 < x_2$ for all $K \ge 2$.

    The region is $0 \le \theta \le \frac\pi2$, $\rho \ge 0$, $p = \rho\cos\theta \le 1$,
    $u = \rho\sin\theta \le 1$. It is compact and includes the limits $K \to \infty$ and $u \to 1$;
    where $\theta \to 0$ both sides vanish. The first certificate shows
    $\partial_\theta (H - c\sin\theta) > 0$ on the rectangle $\theta \le \frac12$,
    $\rho \le \frac87$. It holds the region's points with $\theta \le \frac12$ together with the
    segments from them to $\theta = 0$, although $p > 1$ on some of these. The second shows
    $H - c\sin\theta > 0$ on the region for $\theta \ge \frac12$.

    Args:
        margin: The number $c$. The infimum of $H / \sin\theta$ is at most $\pi/2$.
        max_boxes: Budget of each certificate.

    Returns:
        The two certificates.
    """

    def excess(theta: arb | Jet, rho: arb | Jet) -> arb | Jet:
        return (
            separation(theta, rho) - arb(fmpq(margin.numerator, margin.denominator)) * theta.sin()
        )

    def slope(theta: arb, rho: arb) -> arb:
        return excess(*variables((theta, rho))).gradient[0]

    near = prove_positive(
        slope,
        [(0, _FIRST_ANGLE), (0, _RADIUS_NEAR)],
        statement=f"d/dtheta (H - c sin theta) > 0 for theta <= 1/2, c = {float(margin):.4g}",
        max_boxes=max_boxes,
    )
    far = prove_positive(
        excess,
        [(_FIRST_ANGLE, lambda: arb.pi() / 2), (0, _RADIUS)],
        statement=f"H > c sin theta for theta >= 1/2, c = {float(margin):.4g}",
        region=lambda theta, rho: (1 - rho * theta.sin(), 1 - rho * theta.cos()),
        max_boxes=max_boxes,
    )
    return near, far


def _arcsin(x: arb | Jet) -> arb | Jet:
    if isinstance(x, Jet):
        derivative = 1 / (1 - x.value * x.value).sqrt()
        return Jet(x.value.asin(), tuple(derivative * g for g in x.gradient))
    return x.asin()


def _arcsin_quotient(z: arb | Jet) -> arb | Jet:
    """Arcsin(z) / z for z in [0, 1], where it increases; as a jet only away from 0."""
    if isinstance(z, Jet):
        return _arcsin(z) / z
    low, high = z.lower(), z.upper().min(arb(1))
    at_low = low.asin() / low if low > 0 else arb(1)
    at_high = high.asin() / high if high > 0 else arb(1)
    return at_low.union(at_high)


def _at_least_zero(x: arb | Jet) -> arb | Jet:
    """The part of a ball that lies in [0, infinity); jets are left alone."""
    return x if isinstance(x, Jet) else x.max(arb(0))
