r"""Critical points of the population risk for single-index targets [lightman2026, Section 5].

The target has the neurons $w^*, -w^*$ and the output weights $s_+, s_-$; see `single_index`. A unit
ReLU at the angle $\theta$ from $w^*$ has the correlation
$t(\theta) = [s_+ h(\theta) + s_- h(\pi - \theta)] / (2 \pi)$ with it, $h$ the arc-cosine profile.

The functions that return single numbers work with `math` and `mpmath` numbers alike; the digits
of the result are those of the `mpmath` context, 15 by default.
"""

import math
from dataclasses import dataclass

import mpmath
import torch
from jaxtyping import Float
from mpmath import mpf
from torch import Tensor

from shallow_relu.kernels import angle

Number = float | int | mpf


@dataclass(frozen=True)
class IsolatedNeuron:
    """The critical point with one active neuron off the line of the target.

    Attributes:
        angle: Angle between the neuron and the target's direction.
        coefficient: Output weight times norm.
        risk: Population risk there, with its factor one half.
        curvature: Second derivative of the risk along the rotation of the neuron.
    """

    angle: float
    coefficient: float
    risk: float
    curvature: float


def rotation_derivatives(
    w_hat: Float[Tensor, "*#batch d"],
    w_tilde: Float[Tensor, "*#batch d"],
    v: Float[Tensor, "*#batch d"],
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""First two derivatives at $t = 0$ of $\kappa(\cos(t) \hat w + \sin(t) \tilde w, v)$.

    [lightman2026, Lem 5.1]; where $\sin\theta_0 = 0$ the second one has its limit, since
    $(\tilde w \cdot v)^2 \le \sin^2\theta_0$.

    Args:
        w_hat: Unit vectors.
        w_tilde: Unit vectors orthogonal to `w_hat`.
        v: Unit vectors.
    """
    theta = angle(w_hat, v)
    sine, across = theta.sin(), (w_tilde * v).sum(dim=-1)
    first = (math.pi - theta) * across / (2 * math.pi)
    bend = torch.where(sine > 1e-15, across.square() / sine.clamp(min=1e-15), 0)
    along = (w_hat * v).sum(dim=-1)
    return first, (bend - (math.pi - theta) * along) / (2 * math.pi)


def isolated_neuron(s_plus: float, s_minus: float) -> IsolatedNeuron:
    r"""The only kind of critical point that [lightman2026, Thm 5.2] speaks of.

    An aligned active neuron would feel a force across the target that nothing can balance. So the
    neuron off the line is the only active one, and it sits at $\varphi_0 = \pi s_+ / (s_+ + s_-)$
    with the coefficient $c = (s_+ + s_-) \sin(\varphi_0) / \pi$. The curvature is $-c^2 / 2$.

    Raises:
        ValueError: $s_+ s_- \le 0$: there is no such point.
    """
    if s_plus * s_minus <= 0:
        raise ValueError(f"no isolated neuron is critical for s = ({s_plus}, {s_minus})")
    total = s_plus + s_minus
    place = math.pi * s_plus / total
    c = total * math.sin(place) / math.pi
    return IsolatedNeuron(place, c, (s_plus**2 + s_minus**2 - c**2) / 4, -(c**2) / 2)


def force_across(
    coefficient: Float[Tensor, "*#batch"], phi: Float[Tensor, "*#batch"], side: int
) -> Float[Tensor, "*batch"]:
    r"""Part of $q(\pm w^*)$ across the target, for one neuron off the line.

    Target and aligned neurons give none. A neuron at the angle $\varphi$ gives
    $c (\pi - \varphi) \sin(\varphi) / (2 \pi)$ at $w^*$ and $c\, \varphi \sin(\varphi) / (2 \pi)$
    at $-w^*$: never zero for $0 < \varphi < \pi$.

    Args:
        coefficient: Output weight times norm of the neuron off the line.
        phi: Its angle with the target.
        side: 1 for $w^*$, -1 for $-w^*$.

    Raises:
        ValueError: The side is neither.
    """
    if side not in (1, -1):
        raise ValueError(f"side {side} is neither 1 nor -1")
    opening = math.pi - phi if side == 1 else phi
    return coefficient * opening * phi.sin() / (2 * math.pi)


def profile(theta: Number) -> mpf:
    r"""The arc-cosine profile $h(\theta) = (\pi - \theta) \cos\theta + \sin\theta$."""
    return (mpmath.pi - theta) * mpmath.cos(theta) + mpmath.sin(theta)


def cone_angle(s_plus: Number, s_minus: Number) -> mpf:
    r"""Angle at which a ReLU is uncorrelated with the target: $t(\theta_c) = 0$.

    $t$ is monotone between $s_+ / 2$ and $s_- / 2$, so there is exactly one if $s_+ s_- < 0$.

    Raises:
        ValueError: $s_+ s_- \ge 0$: there is none, or more than a cone.
    """
    if s_plus * s_minus >= 0:
        raise ValueError(f"no cone of uncorrelated neurons for s = ({s_plus}, {s_minus})")

    def correlation(theta: Number) -> mpf:
        return s_plus * profile(theta) + s_minus * profile(mpmath.pi - theta)

    return mpmath.findroot(
        correlation, (mpf("1e-9"), mpmath.pi - mpf("1e-9")), solver="anderson", maxsteps=400
    )


def _between(theta: Number, azimuth: mpf) -> mpf:
    """Angle between two directions of one ring, from its chord."""
    half = mpmath.sin(theta) * mpmath.sin(azimuth / 2)
    return 2 * mpmath.asin(min(abs(half), mpf(1)))


def ring_defect(theta: Number, count: int, s_plus: Number, s_minus: Number) -> tuple[mpf, mpf]:
    r"""Coefficient that makes $G = 0$ on a ring of equal neurons, and the force that is left.

    The `count` neurons have the polar angle $\theta$ and equally spaced azimuths in a space of
    three dimensions. Their coefficient is such that the output weights feel no force; the force
    along the meridian, up to $2 \pi$, is the second value. A zero of it is a critical point.
    """
    steps = [2 * mpmath.pi * k / count for k in range(count)]
    angles = [_between(theta, step) for step in steps]
    target = s_plus * profile(theta) + s_minus * profile(mpmath.pi - theta)
    coefficient = target / mpmath.fsum(profile(between) for between in angles)
    # across the neuron, a unit vector at the angle psi pulls with (pi - psi) times its part
    sine, cosine = mpmath.sin(theta), mpmath.cos(theta)
    along_meridian = [sine * cosine * (mpmath.cos(step) - 1) for step in steps]
    ring = coefficient * mpmath.fsum(
        (mpmath.pi - between) * part for between, part in zip(angles, along_meridian, strict=True)
    )
    teacher = -sine * (s_plus * (mpmath.pi - theta) - s_minus * theta)
    return coefficient, ring - teacher


def ring(count: int, s_plus: Number, s_minus: Number, near: float) -> tuple[mpf, mpf]:
    """Polar angle and coefficient of a critical ring of equal neurons; see `ring_defect`.

    Args:
        count: Number of neurons on the ring, at least 2.
        s_plus: Slope of the link for positive arguments.
        s_minus: Slope for negative arguments.
        near: Polar angle at which the search for the root begins.

    Raises:
        ValueError: The iteration finds no root (raised by `mpmath`), or fewer than two neurons.
    """
    if count < 2:
        raise ValueError(f"a ring needs at least two neurons, not {count}")
    theta = mpmath.findroot(
        lambda place: ring_defect(place, count, s_plus, s_minus)[1], (near, near + 0.01)
    )
    return theta, ring_defect(theta, count, s_plus, s_minus)[0]


def ring_directions(theta: Number, count: int) -> list[list[mpf]]:
    """Unit vectors at the angle `theta` from the first axis, with equally spaced azimuths."""
    steps = [2 * mpmath.pi * k / count for k in range(count)]
    sine, cosine = mpmath.sin(theta), mpmath.cos(theta)
    return [[cosine, sine * mpmath.cos(step), sine * mpmath.sin(step)] for step in steps]
