r"""One neuron that learns one neuron: polar dynamics, Lyapunov function, random starts.

The student $f(x) = \sigma(w \cdot x)$ learns $f^*(x) = \sigma(w^* \cdot x)$ by gradient flow of the
population risk. The flow stays in the plane of $w$ and $w^*$, and it commutes with rotations and
with a common scaling of both vectors. All functions therefore take $\|w^*\| = 1$ and describe $w$
by its norm $r = \|w\|$ and its angle $\theta = \angle(w, w^*) \in [0, \pi]$; radii of balls are in
units of $\|w^*\|$. The region of [tian2017, Thm 5] is
$\Omega = \{\|w - w^*\| < \|w^*\|\} = \{\theta < \pi/2,\ 0 < r < 2 \cos\theta\}$.

**Why the Lyapunov function decreases.** With $a = w \cdot x$ and $b = w^* \cdot x$ the gradient is
$E[1(a > 0) (a - b^+) x]$, so for $V = \frac12 \|w - w^*\|^2$

$$-\dot V = E[1(a > 0) (a - b) (a - b^+)],$$

and the product in the expectation is $(a-b)^2$ where $b \ge 0$ and $a^2 + a |b|$ where $b < 0$.
"""

import itertools
import math
from fractions import Fraction

import torch
from flint import arb
from jaxtyping import Float
from scipy import integrate, special, stats
from torch import Tensor

from shallow_relu.certificates import Certificate, TrigonometricField, prove_positive
from shallow_relu.two_neurons import BALLS, Arithmetic, Number, profile


def polar_velocity(
    r: Float[Tensor, "*#batch"], theta: Float[Tensor, "*#batch"]
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""Gradient flow of one neuron in polar coordinates.

    With $h(\theta) = (\pi - \theta)\cos\theta + \sin\theta$ it is [tian2017, Eq. 6 and 15]

    $$\dot r = \frac12 \Bigl(\frac{h(\theta)}{\pi} - r\Bigr), \qquad
    \dot\theta = -\frac{(\pi - \theta) \sin\theta}{2 \pi r}.$$

    Args:
        r: Norms, positive.
        theta: Angles to the teacher in $[0, \pi]$.

    Returns:
        $\dot r$ and $\dot\theta$.
    """
    sine = torch.sin(theta)
    height = (math.pi - theta) * torch.cos(theta) + sine
    return (height / math.pi - r) / 2, -(math.pi - theta) * sine / (2 * math.pi * r)


def flow(
    r: Float[Tensor, "*batch"],
    theta: Float[Tensor, "*batch"],
    step: float,
    steps: int,
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""Gradient flow by the classical Runge-Kutta method in the time $s$ with $dt = r\,ds$.

    In $s$ the equations are $r' = \frac12 r (h(\theta) / \pi - r)$ and
    $\theta' = -(\pi - \theta) \sin\theta / (2 \pi)$: smooth down to $r = 0$, so that one step size
    serves starts of every size.

    Args:
        r: Norms at the start, positive.
        theta: Angles to the teacher at the start.
        step: Step in $s$.
        steps: Number of steps.

    Returns:
        Norms, angles and times $t$ at the end.
    """

    def slope(r: Tensor, theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        radial, angular = polar_velocity(r, theta)
        return r * radial, r * angular, r

    time = torch.zeros_like(r)
    for _ in range(steps):
        first = slope(r, theta)
        second = slope(r + step / 2 * first[0], theta + step / 2 * first[1])
        third = slope(r + step / 2 * second[0], theta + step / 2 * second[1])
        fourth = slope(r + step * third[0], theta + step * third[1])
        change = [
            step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            for k1, k2, k3, k4 in zip(first, second, third, fourth, strict=True)
        ]
        r, theta, time = r + change[0], theta + change[1], time + change[2]
    return r, theta, time


def lyapunov(
    r: Float[Tensor, "*#batch"], theta: Float[Tensor, "*#batch"]
) -> Float[Tensor, "*batch"]:
    r"""Lyapunov function $V = \frac12 \|w - w^*\|^2$ [tian2017, Thm 5].

    Args:
        r: Norms.
        theta: Angles to the teacher.

    Returns:
        $V$, without cancellation near $w^*$.
    """
    return ((r - 1).square() + 4 * r * torch.sin(theta / 2).square()) / 2


def lyapunov_decrease(
    r: Float[Tensor, "*#batch"], theta: Float[Tensor, "*#batch"]
) -> Float[Tensor, "*batch"]:
    r"""The decrease $-\dot V$ of the Lyapunov function along the flow, in closed form.

    $$-\dot V = V - \frac1{2\pi} \bigl[r (\sin\theta - \theta\cos\theta)
    + \theta - \sin\theta\cos\theta\bigr].$$

    Both parts of the bracket are at least 0, so the relative rate $-\dot V / V$ is at most 1.

    Args:
        r: Norms, positive.
        theta: Angles to the teacher in $[0, \pi]$.

    Returns:
        $-\dot V$.
    """
    sine, cosine = torch.sin(theta), torch.cos(theta)
    bracket = r * (sine - theta * cosine) + theta - sine * cosine
    return lyapunov(r, theta) - bracket / (2 * math.pi)


def lyapunov_decrease_by_integration(r: float, theta: float) -> float:
    r"""The decrease as the expectation $E[1(a > 0) (a - b)(a - b^+)]$, by numerical integration.

    In the plane of $w$ and $w^*$ a Gaussian input has a uniform angle and a squared length of
    mean 2. The integrand is nowhere negative.

    Args:
        r: Norm.
        theta: Angle to the teacher in $[0, \pi]$.

    Returns:
        $-\dot V$.
    """

    def integrand(psi: float) -> float:
        a, b = r * math.cos(psi), math.cos(psi - theta)
        return (a - b) * (a - max(b, 0.0)) / math.pi

    kink = theta - math.pi / 2
    parts = [(-math.pi / 2, kink), (kink, math.pi / 2)]
    return sum(integrate.quad(integrand, *part, epsabs=1e-14)[0] for part in parts)


def half_rate_discriminant(theta: Number, arithmetic: Arithmetic = BALLS) -> Number:
    r"""The function $D(\theta) = \pi - 2\theta + \sin 2\theta - h(\theta)^2 / \pi$.

    It is what remains of $4\pi(-\dot V - \frac12 V) = \pi (r - h(\theta)/\pi)^2 + D(\theta)$ at the
    worst norm.

    Args:
        theta: Angle.
        arithmetic: The kind of number.

    Returns:
        $D(\theta)$, with $D(0) = D'(0) = 0$.
    """
    pi, h = arithmetic.pi(), profile(theta, arithmetic)
    return pi - 2 * theta + arithmetic.sin(2 * theta) - h * h / pi


def half_rate_discriminant_curvature(theta: Number, arithmetic: Arithmetic = BALLS) -> Number:
    r"""Second derivative of `half_rate_discriminant`.

    Args:
        theta: Angle.
        arithmetic: The kind of number.

    Returns:
        $D''(\theta) = -4 \sin 2\theta - \frac2\pi (h'^2 + h h'')$ with $h'' = 2\sin\theta - h$.
    """
    pi, h, sine = arithmetic.pi(), profile(theta, arithmetic), arithmetic.sin(theta)
    slope = -(pi - theta) * sine
    return -4 * arithmetic.sin(2 * theta) - 2 / pi * (slope * slope + h * (2 * sine - h))


def norm_excess(theta: arb) -> arb:
    r"""The function $h(\theta) - 2\pi\cos\theta$.

    Where it is at least 0, the norms $r \le 2\cos\theta$ of $\Omega$ all lie below the worst norm
    $h(\theta) / \pi$.

    Args:
        theta: Angle.

    Returns:
        Its value.
    """
    return profile(theta, BALLS) - 2 * arb.pi() * theta.cos()


def half_rate_identities(rate: Fraction = Fraction(1, 2)) -> dict[str, bool]:
    r"""Every equality in the proof of $-\dot V > \frac12 V$, decided in exact algebra.

    The start is Eq. 6 for one neuron, $2\pi E[\nabla J] = \pi w - (\pi - \theta) w^* -
    \sin\theta\, w / r$, in the plane of $w$ and $w^*$.

    Args:
        rate: The rate in place of $\frac12$: with every other one the first identity fails.

    Returns:
        What was compared, and whether both sides are the same function of $r$ and $\theta$.
    """
    field = TrigonometricField("theta", "r")
    theta, r = field.angles
    exact = Arithmetic(field.sin, field.cos, field.pi)
    sine, cosine, pi = field.sin(theta), field.cos(theta), field.pi()
    h, discriminant = profile(theta, exact), half_rate_discriminant(theta, exact)
    slope = discriminant.derivative(theta)
    along = (pi * r * cosine - (pi - theta) - sine * cosine) / (2 * pi)
    across = (pi * r * sine - sine * sine) / (2 * pi)
    decrease = (r * cosine - 1) * along + r * sine * across
    distance = (r * r - 2 * r * cosine + 1) / 2
    excess = decrease - distance * rate.numerator / rate.denominator
    bracket = r * (sine - theta * cosine) + theta - sine * cosine
    edge = 2 * cosine - h / pi
    equal = {
        "-dV/dt - V/2 as a square and D": (
            4 * pi * excess,
            pi * (r - h / pi) * (r - h / pi) + discriminant,
        ),
        "-dV/dt in closed form": (decrease, distance - bracket / (2 * pi)),
        "velocity of the norm": (-(along * cosine + across * sine), (h / pi - r) / 2),
        "velocity of the angle": (
            along * sine - across * cosine,
            -(pi - theta) * sine / (2 * pi),
        ),
        "value at r = 2 cos theta": (
            pi * edge * edge + discriminant,
            4 * theta * cosine * cosine + (pi - 2 * theta) - field.sin(pi - 2 * theta),
        ),
        "D(0) = 0": (discriminant.at(theta, 0), 0),
        "D'(0) = 0": (slope.at(theta, 0), 0),
        "D'' in closed form": (
            slope.derivative(theta),
            half_rate_discriminant_curvature(theta, exact),
        ),
    }
    return {name: left.equals(right) for name, (left, right) in equal.items()}


_NEAR, _MIDDLE, _FAR = Fraction(1, 4), Fraction(7, 5), Fraction(69, 50)


def certify_half_rate(
    last_angle: Fraction = _MIDDLE, max_boxes: int = 2000
) -> tuple[Certificate, Certificate, Certificate]:
    r"""Certificates that $-\dot V > \frac12 V$ everywhere in $\Omega$ but at $w^*$.

    By $4\pi(-\dot V - \frac12 V) = \pi (r - h/\pi)^2 + D(\theta)$ it is enough that $D > 0$. The
    first two certificates show it on $(0, 1.4]$: by $D'' > 0$ on $[0, \frac14]$ together with
    $D(0) = D'(0) = 0$, and directly on the rest. On the ray $\theta = 0$ the square alone is
    positive. The third shows $h \ge 2\pi\cos\theta$ on $[1.38, \frac\pi2]$. There the left side
    decreases in $r \le 2\cos\theta$, and at $r = 2\cos\theta$ it equals
    $4\theta\cos^2\theta + (\pi - 2\theta) - \sin(\pi - 2\theta) > 0$.

    Args:
        last_angle: Where the second certificate ends; the proof needs at least 1.38.
        max_boxes: Budget of each certificate.

    Returns:
        The three certificates, for small, middle and large angles.
    """
    return (
        prove_positive(
            half_rate_discriminant_curvature,
            [(0, _NEAR)],
            statement="D'' > 0 on [0, 1/4]",
            max_boxes=max_boxes,
        ),
        prove_positive(
            half_rate_discriminant,
            [(_NEAR, last_angle)],
            statement=f"D > 0 on [1/4, {float(last_angle):.4g}]",
            max_boxes=max_boxes,
        ),
        prove_positive(
            norm_excess,
            [(_FAR, lambda: arb.pi() / 2)],
            statement="h > 2 pi cos on [1.38, pi/2]",
            max_boxes=max_boxes,
        ),
    )


def _share_of_sphere(radius: float, dimension: int) -> float:
    """Share of the sphere of this radius that lies in Omega: a cap of height cos(theta) > r/2."""
    if dimension == 1:
        return 0.5 if radius < 2 else 0.0
    square = max(0.0, 1 - radius**2 / 4)
    return float(special.betainc((dimension - 1) / 2, 0.5, square)) / 2


def probability_in_region(dimension: int, radius: float) -> float:
    r"""Probability that a uniform start in the ball $\|w\| \le r$ lies in $\Omega$.

    The norm has density $d\,\rho^{d-1} / r^d$, and at norm $\rho$ the direction has to satisfy
    $\cos\theta > \rho / 2$, a spherical cap. The integral over $\rho$ is taken numerically.

    Args:
        dimension: Dimension $d \ge 1$.
        radius: Radius $r > 0$ of the ball, in units of $\|w^*\|$.

    Returns:
        The probability, to about 12 digits.

    Raises:
        ValueError: If the dimension or the radius is not positive.
    """
    if dimension < 1 or radius <= 0:
        raise ValueError(f"no ball of dimension {dimension} and radius {radius}")
    reach = min(1.0, 2 / radius)

    # t^d is uniform, and most of its mass lies within a few 1/d of the end.
    def integrand(t: float) -> float:
        return dimension * t ** (dimension - 1) * _share_of_sphere(t * radius, dimension)

    ends = [0.0, *(reach * (1 - m / (m + dimension)) for m in (30, 10, 3, 1)), reach]
    parts = itertools.pairwise(ends)
    return math.fsum(integrate.quad(integrand, *part, epsabs=0, epsrel=1e-12)[0] for part in parts)


def probability_in_region_gaussian(dimension: int, spread: float) -> float:
    r"""Probability that a start with independent normal entries lies in $\Omega$.

    Args:
        dimension: Dimension $d \ge 1$.
        spread: Standard deviation of each entry, in units of $\|w^*\|$.

    Returns:
        The probability.

    Raises:
        ValueError: If the dimension or the standard deviation is not positive.
    """
    if dimension < 1 or spread <= 0:
        raise ValueError(f"no normal start of dimension {dimension} and spread {spread}")
    norm = stats.chi(dimension, scale=spread)

    def integrand(rho: float) -> float:
        return float(norm.pdf(rho)) * _share_of_sphere(rho, dimension)

    quantiles = [float(norm.ppf(q)) for q in (1e-9, 1e-3, 0.1, 0.5, 0.9, 0.999)]
    ends = [0.0, *(q for q in quantiles if q < 2), 2.0]
    parts = itertools.pairwise(ends)
    return math.fsum(integrate.quad(integrand, *part, epsabs=0, epsrel=1e-10)[0] for part in parts)


def admitted_radius(dimension: int, epsilon: float) -> float:
    r"""The largest radius $\varepsilon \sqrt{2\pi / (d+1)}$ of [tian2017, Thm 6].

    Args:
        dimension: Dimension $d$.
        epsilon: The number $\varepsilon$.

    Returns:
        The radius in units of $\|w^*\|$.
    """
    return epsilon * math.sqrt(2 * math.pi / (dimension + 1))


def entry_spread(dimension: int, radius: float) -> float:
    r"""Standard deviation $r / \sqrt{d+2}$ of an entry of a uniform point of a ball.

    Args:
        dimension: Dimension $d$.
        radius: Radius $r$ of the ball.

    Returns:
        The standard deviation.
    """
    return radius / math.sqrt(dimension + 2)


def uniform_starts(
    dimension: int, radius: float, n: int, generator: torch.Generator
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    r"""Norms and angles of points drawn uniformly from a ball.

    Args:
        dimension: Dimension $d \ge 1$.
        radius: Radius of the ball.
        n: Number of points.
        generator: Source of randomness.

    Returns:
        Norms and angles to the teacher, in float64.
    """
    options = {"generator": generator, "dtype": torch.float64, "device": generator.device}
    direction = torch.randn(n, dimension, **options)
    across = torch.linalg.vector_norm(direction[:, 1:], dim=1)
    size = radius * torch.rand(n, **options) ** (1 / dimension)
    return size, torch.atan2(across, direction[:, 0])
