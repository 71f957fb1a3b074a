r"""Two neurons in their plane: the separable function $L_{12}$ of [tian2017, Sec. 5.3].

Place the neurons' directions $e_1$ at angle 0 and $e_2$ at angle $t = \theta_{12} \in (0, \pi)$,
and a teacher's direction $e^*$ at angle $\varphi \in [0, 2\pi)$ of the same plane. With the
profile $h(\theta) = (\pi - \theta)\cos\theta + \sin\theta$ and $\theta_k = \angle(e^*, e_k)$,

$$L_{12} = (\pi - \theta_1) \cos\theta_2 + \cos t \sin\theta_1 - a_1 h(\theta_1) - a_2 h(\theta_2),
\qquad \begin{pmatrix} \pi & h(t) \\ h(t) & \pi \end{pmatrix} \begin{pmatrix} a_1 \\ a_2
\end{pmatrix} = \begin{pmatrix} \pi \cos t \\ \pi - t + \sin t \cos t \end{pmatrix}.$$

The formulas are written once, for any kind of number: tensors, `mpmath` at many digits, and balls
(`flint.arb`) that contain the exact result. What differs is the `Arithmetic`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import mpmath
import torch
from flint import arb
from jaxtyping import Float, Int
from torch import Tensor

from shallow_relu import population
from shallow_relu.critical_points import is_critical, polish
from shallow_relu.kernels import angle
from shallow_relu.normal_equation import eliminated_norms

Number = Any
"""A number of the arithmetic in use: a tensor, an `mpmath.mpf`, an `arb` or a jet of them."""


@dataclass(frozen=True)
class Arithmetic:
    r"""Elementary functions of one kind of number.

    Attributes:
        sin: Sine.
        cos: Cosine.
        pi: Gives $\pi$ at the precision in force when it is called.
    """

    sin: Callable[[Number], Number]
    cos: Callable[[Number], Number]
    pi: Callable[[], Number]


TENSORS = Arithmetic(torch.sin, torch.cos, lambda: math.pi)
"""Tensors, in their own floating point type."""

DIGITS = Arithmetic(mpmath.sin, mpmath.cos, lambda: +mpmath.pi)
"""Numbers of `mpmath`, at its working precision."""

BALLS = Arithmetic(lambda x: x.sin(), lambda x: x.cos(), arb.pi)
"""Balls, and jets of balls."""


def profile(theta: Number, arithmetic: Arithmetic) -> Number:
    r"""Profile $h(\theta) = (\pi - \theta) \cos\theta + \sin\theta$ of the arc-cosine kernel.

    Args:
        theta: Angle in $[0, \pi]$.
        arithmetic: The kind of number.

    Returns:
        The profile.
    """
    return (arithmetic.pi() - theta) * arithmetic.cos(theta) + arithmetic.sin(theta)


def separable_coefficients(theta12: Number, arithmetic: Arithmetic) -> tuple[Number, Number]:
    r"""The vector $a = M_r^{-1} m_{12}$ of [tian2017, Eq. 14] for two neurons.

    $M_r$ has the eigenvectors $(1, \pm 1)$, so $a_1 \pm a_2$ come without elimination:

    $$1 - a_1 - a_2 = \frac{(1 - \cos t)(t + \sin t)}{\pi + h(t)}, \qquad
    1 + a_1 - a_2 = \frac{(1 + \cos t)(t - \sin t)}{\pi - h(t)}.$$

    Args:
        theta12: Angle $t$ between the neurons, in $(0, \pi)$.
        arithmetic: The kind of number.

    Returns:
        $a_1$ and $a_2$.
    """
    t, sine, cosine = theta12, arithmetic.sin(theta12), arithmetic.cos(theta12)
    half_sine = arithmetic.sin(t / 2)
    # pi - h(t) without the difference of two numbers near pi.
    lack = 2 * arithmetic.pi() * half_sine * half_sine - (sine - t * cosine)
    minus_sum = 2 * half_sine * half_sine * (t + sine) / (2 * arithmetic.pi() - lack)
    minus_difference = (1 + cosine) * (t - sine) / lack
    return (minus_difference - minus_sum) / 2, 1 - (minus_sum + minus_difference) / 2


def separable(
    theta1: Number, theta2: Number, theta12: Number, arithmetic: Arithmetic = TENSORS
) -> Number:
    r"""Separable function $L_{12}(\theta_1, \theta_2, \theta_{12})$ of [tian2017, Eq. 14].

    Args:
        theta1: Angle $\angle(e^*, e_1)$ in $[0, \pi]$.
        theta2: Angle $\angle(e^*, e_2)$ in $[0, \pi]$.
        theta12: Angle $\angle(e_1, e_2)$ in $(0, \pi)$.
        arithmetic: The kind of number.

    Returns:
        $L_{12}$; tensors broadcast.
    """
    a1, a2 = separable_coefficients(theta12, arithmetic)
    return (
        (arithmetic.pi() - theta1) * arithmetic.cos(theta2)
        + arithmetic.cos(theta12) * arithmetic.sin(theta1)
        - a1 * profile(theta1, arithmetic)
        - a2 * profile(theta2, arithmetic)
    )


def angles_to_neurons(
    phi: Float[Tensor, "*#batch"], theta12: Float[Tensor, "*#batch"]
) -> tuple[Float[Tensor, "*#batch"], Float[Tensor, "*batch"]]:
    r"""Angles between $e^*$ and the two neurons.

    Args:
        phi: Angle of $e^*$ in $[0, 2\pi]$.
        theta12: Angle of $e_2$ in $[0, \pi]$; $e_1$ is at 0.

    Returns:
        $\theta_1$ and $\theta_2$ in $[0, \pi]$.
    """
    return math.pi - (math.pi - phi).abs(), math.pi - (math.pi - (phi - theta12).abs()).abs()


def separable_on_circle(
    phi: Float[Tensor, "*#batch"], theta12: Float[Tensor, "*#batch"]
) -> Float[Tensor, "*batch"]:
    r"""$L_{12}$ as a function of the position of $e^*$ on the circle.

    $L_{21}$ is the mirror image: $L_{21}(\varphi) = L_{12}(t - \varphi)$, the argument taken
    modulo $2 \pi$.

    Args:
        phi: Angle of $e^*$ in $[0, 2\pi]$.
        theta12: Angle of $e_2$ in $(0, \pi)$.

    Returns:
        $L_{12}$, in float64 with an absolute error of a few $10^{-15}$ for $t \ge 10^{-4}$.
    """
    return separable(*angles_to_neurons(phi, theta12), theta12)


def rounding_error(theta12: Float[Tensor, "n"], phi: Float[Tensor, "n"], digits: int = 50) -> float:
    r"""Largest absolute error of `separable_on_circle` at some points, against many digits.

    Args:
        theta12: Angles between the neurons, in $(0, \pi)$.
        phi: Angles of $e^*$ in $[0, 2\pi]$.
        digits: Decimal digits of the comparison.
    """
    values = separable_on_circle(phi, theta12).tolist()
    largest = 0.0
    with mpmath.workdps(digits):
        for t, place, value in zip(theta12.tolist(), phi.tolist(), values, strict=True):
            pi, t, place = mpmath.pi, mpmath.mpf(t), mpmath.mpf(place)
            theta1, theta2 = pi - abs(pi - place), pi - abs(pi - abs(place - t))
            largest = max(largest, float(abs(separable(theta1, theta2, t, DIGITS) - value)))
    return largest


class SignCount(NamedTuple):
    """Signs of $L_{12}$ on a grid, against [tian2017, Conj. 1].

    Attributes:
        inside: Number of grid points with $e^*$ in the interior of the cone.
        outside: Number of grid points in the exterior of the cone.
        violations: Number of these with $L_{12}$ not positive inside or not negative outside.
        smallest: Smallest absolute value of $L_{12}$ on them.
    """

    inside: int
    outside: int
    violations: int
    smallest: float


def count_sign_violations(
    theta12: Float[Tensor, "rows"],
    phi: Float[Tensor, "columns"],
    *,
    other: bool = False,
    rounding: float = 0.0,
    coefficient_error: float = 0.0,
    rows_per_block: int = 64,
) -> SignCount:
    r"""Signs of $L_{12}$ or $L_{21}$ on a grid, counted against [tian2017, Conj. 1].

    Points with $e^*$ on the ray of $e_1$ or $e_2$, where both are 0, are left out.

    Args:
        theta12: Angles between the neurons, in $(0, \pi)$.
        phi: Angles of $e^*$ in $[0, 2\pi]$.
        other: Whether to take $L_{21}$ instead of $L_{12}$.
        rounding: A wrong sign counts only if the absolute value exceeds this.
        coefficient_error: Replace $a_2$ by this much more: a wrong function, for control.
        rows_per_block: Number of `theta12` per block; memory is a few blocks.

    Returns:
        The counts.
    """
    inside = outside = violations = 0
    smallest = math.inf
    on_first_ray = (phi == 0) | (phi == 2 * math.pi)
    for t in theta12.split(rows_per_block):
        t = t[:, None]
        place = torch.remainder(t - phi, 2 * math.pi) if other else phi
        theta1, theta2 = angles_to_neurons(place, t)
        value = separable(theta1, theta2, t)
        if coefficient_error:
            value = value - coefficient_error * profile(theta2, TENSORS)
        within = (phi > 0) & (phi < t)
        beyond = (phi > t) & ~on_first_ray
        counted = within | beyond
        inside += int(within.sum())
        outside += int(beyond.sum())
        wrong = (within & ~(value > 0)) | (beyond & ~(value < 0))
        violations += int((wrong & (value.abs() >= rounding)).sum())
        smallest = min(smallest, value.abs().masked_fill(~counted, math.inf).min().item())
    return SignCount(inside, outside, violations, smallest)


def teachers_inside(
    W: Float[Tensor, "*batch 2 2"], W_star: Float[Tensor, "*#batch M 2"]
) -> Int[Tensor, "*batch"]:
    r"""Number of teacher neurons in the interior of the cone of two students in the plane.

    Args:
        W: Two students, not collinear.
        W_star: Teacher neurons.
    """
    coefficients = torch.linalg.solve(W.mT, W_star.mT)
    return (coefficients > 0).all(dim=-2).sum(dim=-1)


def separating_sums(
    first: Float[Tensor, "*#batch"],
    theta12: Float[Tensor, "*#batch"],
    W_star: Float[Tensor, "*#batch M 2"],
) -> Float[Tensor, "*batch 2"]:
    r"""The sums $\sum_k \|w^*_k\| L_{12}(e^*_k)$ and $\sum_k \|w^*_k\| L_{21}(e^*_k)$.

    Students with directions at the angles `first` and `first + theta12` are critical, for the
    norms that solve [tian2017, Eq. 13], if and only if both sums are zero.

    Args:
        first: Angle of $e_1$.
        theta12: Angle from $e_1$ to $e_2$, in $(0, \pi)$, counterclockwise.
        W_star: Teacher neurons in the plane.
    """
    place = torch.atan2(W_star[..., 1], W_star[..., 0])
    phi = torch.remainder(place - first[..., None], 2 * math.pi)
    t = theta12[..., None]
    mirrored = torch.remainder(t - phi, 2 * math.pi)
    values = torch.stack([separable_on_circle(phi, t), separable_on_circle(mirrored, t)], dim=-2)
    return (values @ W_star.norm(dim=-1)[..., None]).squeeze(-1)


# Students closer than this to collinear are left to `shallow_relu.collinear`.
_SMALLEST_ANGLE = 1e-5


def in_plane_critical_points(
    W_star: Float[Tensor, "teachers 2 2"], cells: int = 90
) -> tuple[Float[Tensor, "n 2 2"], Int[Tensor, "n"]]:
    r"""Critical points with two non-collinear students in the plane, the teacher itself left out.

    Both `separating_sums` vanish there. Cells of a grid of student directions in which both
    change sign give the starts of Newton's method. A cell may hide zeros of even number, so the
    list is complete only numerically.

    Args:
        W_star: Pairs of teacher neurons in the plane, none of them collinear.
        cells: Number of cells around the circle; half as many for the angle between the students,
            finer towards 0 and $\pi$.

    Returns:
        The critical points of positive risk, with $e_2$ less than half a turn counterclockwise
        from $e_1$, and the index of the teacher of each; sorted by teacher, then by risk, and where
        risks agree to $10^{-9}$ (mirror images) by the direction of the first student.
    """
    steps = torch.arange(cells + 1, dtype=W_star.dtype, device=W_star.device)
    # The offset keeps symmetry axes of the teacher off the grid.
    first = 2 * math.pi * (steps + 0.377) / cells
    half = cells // 2 + 1
    t = math.pi / 2 * (1 - torch.cos(math.pi * (steps[:half] + 0.5) / half))
    starts, owners = [], []
    for index, teacher in enumerate(W_star):
        positive = separating_sums(first[:, None], t, teacher) > 0
        corners = torch.stack(
            [positive[:-1, :-1], positive[1:, :-1], positive[:-1, 1:], positive[1:, 1:]]
        )
        row, column = (corners.any(dim=0) & ~corners.all(dim=0)).all(dim=-1).nonzero().T
        middle = (first[row] + first[row + 1]) / 2
        places = torch.stack([middle, middle + (t[column] + t[column + 1]) / 2], dim=-1)
        E = torch.stack([places.cos(), places.sin()], dim=-1)
        norms = eliminated_norms(E, teacher) @ teacher.norm(dim=-1)
        starts.append(norms.clamp(min=1e-3)[..., None] * E)
        owners.append(row.new_full(row.shape, index))
    owner = torch.cat(owners)
    W, _ = polish(torch.cat(starts), W_star[owner])
    apart = angle(W[:, 0], W[:, 1])
    risk = population.risk(W, W_star[owner])
    kept = is_critical(W, W_star[owner]) & (risk > 1e-9)
    kept &= (apart > _SMALLEST_ANGLE) & (apart < math.pi - _SMALLEST_ANGLE)
    W, owner, risk = W[kept], owner[kept], risk[kept]
    clockwise = W[:, 0, 0] * W[:, 1, 1] - W[:, 0, 1] * W[:, 1, 0] < 0
    W = torch.where(clockwise[:, None, None], W.flip(-2), W)
    order = torch.arange(len(W), device=W.device)
    # Mirror images have one risk; left to rounding, their order would depend on the machine.
    for key in (torch.atan2(W[:, 0, 1], W[:, 0, 0]), risk.round(decimals=9), owner):
        order = order[key[order].argsort(stable=True)]
    W, owner = W[order], owner[order]
    near = torch.cdist(W.flatten(1), W.flatten(1)) < 1e-6
    repeated = (near & (owner[:, None] == owner)).tril(diagonal=-1).any(dim=-1)
    return W[~repeated], owner[~repeated]
