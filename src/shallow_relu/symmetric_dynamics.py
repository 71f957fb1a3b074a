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
(`separation`), which `certify_separation` proves for every $K \ge 2$. That $x_2 < 1$ is proved by
`certify_below_one`, and the equalities in between are decided by `reduction_identities`.
"""

import math
from fractions import Fraction

import numpy as np
import torch
from flint import arb, fmpq
from jaxtyping import Float
from scipy import optimize
from torch import Tensor

from shallow_relu.certificates import (
    Certificate,
    ExactNumber,
    Jet,
    TrigonometricField,
    prove_positive,
    variables,
)
from shallow_relu.two_neurons import BALLS, Arithmetic, Number


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
    sine, cosine = theta.sin(), theta.cos()
    rest = _at_least_zero(1 - rho * sine)
    theta_other = arb.pi() / 2 - _arcsin(rho * cosine * sine)
    phi = 2 * _arcsin(rest * cosine * _HALF.sqrt())
    middle_sine = ((theta + theta_other) * _HALF).sin()
    quotient = _arcsin_quotient(rest * cosine * _HALF / middle_sine) * cosine / middle_sine
    return _separation_of_angles(theta, theta_other, phi, rho, quotient, BALLS)


def _separation_of_angles(
    theta: Number,
    theta_other: Number,
    phi: Number,
    rho: Number,
    quotient: Number,
    arithmetic: Arithmetic,
    weight: int = 1,
) -> Number:
    r"""$H$ from its three angles, $\rho$ and $(\theta' - \theta) / (1 - u)$.

    The same lines serve the certificates, in balls, and the identities, in exact algebra.
    """
    sine, cosine, pi = arithmetic.sin(theta), arithmetic.cos(theta), arithmetic.pi()
    p = rho * cosine
    factor = p * cosine + sine
    beta = p * rho * (pi - theta + sine * cosine) + arithmetic.sin(theta_other)
    mu = (pi - phi) * rho * factor + weight * p * p * phi + arithmetic.sin(phi)
    return beta * (pi - phi) * factor - p * (pi - theta - quotient) * mu


def reduction_identities(weight: int = 1) -> dict[str, bool]:
    r"""Every equality between the flow of all neurons and the certified inequalities, exactly.

    The angles $\theta, \theta', \phi$ and $x$ count as independent, with
    $u = \cos\theta' / \cos\theta$ and $p = (K-1)^{-1/2} = \cos\theta' / \sin\theta$: what holds
    here holds for every real $K > 1$. Of the last three, about the bracket
    $u(\pi - \phi) + \sin\phi - c\sin\theta'$ of $1 - x_2$ with $c = \cos\theta$, the variables are
    $\theta'$, $\psi = \phi/2$, $u$ and $c$.

    Args:
        weight: Replace $p^2\phi$ in $H$ by this multiple of it: every number but 1 is wrong, for
            control.

    Returns:
        What was compared, and whether both sides are the same function.
    """
    field = TrigonometricField("theta", "theta_other", "phi", "x")
    theta, theta_other, phi, x = field.angles
    pi, sine, cosine = field.pi(), field.sin(theta), field.cos(theta)
    other_sine, phi_sine = field.sin(theta_other), field.sin(phi)
    u, p = field.cos(theta_other) / cosine, field.cos(theta_other) / sine
    others, y, norm = 1 / (p * p), u * x, x / cosine
    # Eq. 8 for neuron 1, times -2 pi, entry by entry: students, then teachers.
    turning = sine + others * other_sine
    along = norm * others * phi_sine
    flow_x = -(pi * x + (pi - phi) * others * y + along * x / norm)
    flow_x = flow_x + pi - theta + turning * x / norm
    flow_y = -(pi * y + (pi - phi) * (x + (others - 1) * y) + along * y / norm)
    flow_y = flow_y + pi - theta_other + turning * y / norm
    total = x - 1 + others * y
    pull = sine / norm + others * (other_sine / norm - phi_sine)
    system_x = -(pi - phi) * total - phi * (x - 1) - theta + pull * x
    system_y = -(pi - phi) * total - phi * y - (theta_other - phi) + pull * y
    slope = (pi - phi) * (1 + others * u)
    size = slope + phi + others * phi_sine
    x_1 = (pi - theta_other - u * (pi - theta)) / (slope * (1 - u))
    x_2 = (pi - theta + cosine * turning) / size
    exact = Arithmetic(field.sin, field.cos, field.pi)
    quotient = (theta_other - theta) / (1 - u)
    h = _separation_of_angles(theta, theta_other, phi, p / cosine, quotient, exact, weight)
    bracket = u * (pi - phi) + phi_sine - cosine * other_sine
    equal = {
        "tan theta = u / p": (sine / cosine, u / p),
        "norm of a student": (x * x + others * y * y, norm * norm),
        "inner product of two students": (
            2 * x * y + (others - 1) * y * y,
            norm * norm * (1 - (1 - u) * (1 - u) * cosine * cosine),
        ),
        "Eq. 8 in the first entry": (flow_x, system_x),
        "Eq. 8 in another entry": (flow_y, system_y),
        "flow of x": (system_x, size * (x_2 - x)),
        "flow of u": ((system_y - u * system_x) / x, -slope * (1 - u) * (1 - x_1 / x)),
        "H": (h, p * p * p * size * slope * (x_2 - x_1)),
        "quotient in H": (
            (1 - u) * cosine,
            2 * field.sin((theta + theta_other) / 2) * field.sin((theta_other - theta) / 2),
        ),
        "1 - x_2": (p * p * size * (1 - x_2), bracket + p * p * (theta - sine * cosine)),
    }
    field = TrigonometricField("theta_other", "psi", "u", "c")
    theta_other, psi, u, c = field.angles
    pi, tangent = field.pi(), field.sin(psi) / field.cos(psi)
    product = 2 * field.sin(psi) * field.sin(psi) / (1 - u)  # (1 - u) c^2
    slopes = {theta_other: -c / field.sin(theta_other), psi: -tangent / (1 - u), u: 1}

    def along_u(element: ExactNumber) -> ExactNumber:
        return sum(rate * element.derivative(angle) for angle, rate in slopes.items())

    bracket = u * (pi - 2 * psi) + field.sin(2 * psi) - c * field.sin(theta_other)
    equal |= {
        "theta' and psi at fixed c, I": (along_u(field.cos(theta_other)), c),
        "theta' and psi at fixed c, II": (along_u(product / (1 - u)), 0),
        "slope of the bracket": (
            along_u(bracket),
            pi
            - 2 * psi
            - 2 * tangent * (1 - product)
            + c * c * field.cos(theta_other) / field.sin(theta_other),
        ),
    }
    return {name: left.equals(right) for name, (left, right) in equal.items()}


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


def certify_below_one(margin: Fraction = Fraction(0), max_boxes: int = 2000) -> Certificate:
    r"""Certificate for $x_2(u) < 1$, for $0 < u \le 1$ and all $K \ge 2$.

    With $c = \cos\theta$ and $p = (K-1)^{-1/2}$,

    $$p^2 |A|\,(1 - x_2) = \bigl[u(\pi - \phi) + \sin\phi - c\sin\theta'\bigr]
    + p^2 (\theta - \sin\theta\cos\theta).$$

    At fixed $c$ the bracket is $c\sqrt{2 - c^2} - c \ge 0$ at $u = 0$, and its slope in $u$ is at
    least $\pi - 2\psi - 2\tan\psi\,(1 - (1-u)c^2)$, where $\sqrt2\sin\psi = (1-u)c$. This lower
    bound is what is certified, for all $c$ and $u$ in $[0, 1]$.

    Args:
        margin: The number that the slope is to exceed; the proof needs 0.
        max_boxes: Budget.

    Returns:
        The certificate.
    """
    floor = arb(fmpq(margin.numerator, margin.denominator))

    def slope(c: arb, u: arb) -> arb:
        sine = (1 - u) * c * _HALF.sqrt()
        tangent = sine / (1 - sine * sine).sqrt()
        return arb.pi() - 2 * sine.asin() - 2 * tangent * (1 - (1 - u) * c * c) - floor

    return prove_positive(
        slope,
        [(0, 1), (0, 1)],
        statement=f"slope of the bracket of 1 - x_2 above {float(margin):.4g}",
        max_boxes=max_boxes,
    )


def _arcsin(x: arb | Jet) -> arb | Jet:
    if isinstance(x, Jet):
        derivative = 1 / (1 - x.value * x.value).sqrt()
        return Jet(x.value.asin(), tuple(derivative * g for g in x.gradient))
    return x.asin()


def _arcsin_quotient(z: arb | Jet) -> arb | Jet:
    """Arcsin(z) / z for z in [0, 1], where it increases; as a jet only away from 0."""
    if isinstance(z, Jet):
        return _arcsin(z) / z
    if not z.is_finite():
        return z
    low, high = z.lower(), z.upper().min(arb(1))
    at_low = low.asin() / low if low > 0 else arb(1)
    at_high = high.asin() / high if high > 0 else arb(1)
    return at_low.union(at_high)


def _at_least_zero(x: arb | Jet) -> arb | Jet:
    """The part of a ball that lies in [0, infinity); jets are left alone."""
    return x if isinstance(x, Jet) else x.max(arb(0))
