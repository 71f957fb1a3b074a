r"""Conjecture 1 of [tian2017], proved and certified by machine.

*Let $0 < t < \pi$. Then $L_{12} > 0$ if $e^*$ is in the interior of the cone of $e_1, e_2$, and
$L_{12} < 0$ if it is in the exterior.* The circle of the possible $e^*$ splits into four arcs, on
which the local variable $x$ measures the way from one end:

| arc | $\varphi$ | length | sign |
|---|---|---|---|
| I, the cone | $x$ | $t$ | $+$ |
| II | $t + x$ | $\tau = \pi - t$ | $-$ |
| III, opposite to the cone | $\pi + x$ | $t$ | $-$ |
| IV | $2\pi - x$ | $\tau$ | $-$ |

There are three ways to the sign here. Each is compared with the definition by itself.

1. `positive_terms`: on each arc $\pm L_{12}$ is a sum of products of factors that are positive by
   $\sin t < t$, $t \cos t < \sin t$ and the growth of $x / \sin x$. These are the proof; the
   identities behind it are verified exactly by `exact_identities`.
2. `wronskian_data`: the equation $f'' + f = 2G$ along the circle, for the proof by comparison.
3. `quotient`: $L_{12}$ with every known zero divided out, an expression in entire functions whose
   parts `certify_conjecture` shows to be positive on the closed square $[0, \pi] \times [0, 1]$,
   corners included, by bisection in ball arithmetic. `certify_directly` does the same for
   $\delta \le t \le \pi - \delta$ from the definition of $L_{12}$, with no formula in between.

Throughout $s = \sin t$, $c = \cos t$, $\tau = \pi - t$, $b = h(t)$, $D = \pi^2 - b^2$.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from flint import arb, arb_poly, fmpq

from shallow_relu.certificates import (
    Certificate,
    Jet,
    TrigonometricField,
    prove_positive,
    variables,
    with_mean_value_form,
)
from shallow_relu.two_neurons import (
    BALLS,
    Arithmetic,
    Number,
    profile,
    separable,
    separable_coefficients,
)

Arc = Literal["I", "II", "III", "IV"]
"""One of the four arcs; see the table above."""

ARCS: tuple[Arc, ...] = ("I", "II", "III", "IV")
"""The arcs in the order of the circle."""

SIGNS: dict[Arc, int] = {"I": 1, "II": -1, "III": -1, "IV": -1}
"""The conjectured sign of $L_{12}$ on each arc."""


def arc_length(arc: Arc, t: Number, arithmetic: Arithmetic) -> Number:
    r"""Length of an arc: $t$ for I and III, $\pi - t$ for II and IV."""
    return t if arc in ("I", "III") else arithmetic.pi() - t


def angles_on_arc(arc: Arc, x: Number, t: Number, arithmetic: Arithmetic) -> tuple[Number, Number]:
    r"""The angles $\theta_1, \theta_2$ between $e^*$ and the neurons.

    Args:
        arc: The arc.
        x: Local variable, from 0 to the arc's length.
        t: Angle between the neurons.
        arithmetic: The kind of number.

    Returns:
        The two angles, in $[0, \pi]$.
    """
    pi = arithmetic.pi()
    if arc == "I":
        return x, t - x
    if arc == "II":
        return t + x, x
    if arc == "III":
        return pi - x, pi - (t - x)
    return x, t + x


def separable_on_arc(arc: Arc, x: Number, t: Number, arithmetic: Arithmetic) -> Number:
    r"""$L_{12}$ from its definition, as a function of the local variable.

    Args:
        arc: The arc.
        x: Local variable, from 0 to the arc's length.
        t: Angle between the neurons.
        arithmetic: The kind of number.

    Returns:
        $L_{12}$ [tian2017, Eq. 14].
    """
    return separable(*angles_on_arc(arc, x, t, arithmetic), t, arithmetic)


def positive_terms(arc: Arc, x: Number, t: Number, arithmetic: Arithmetic) -> tuple[Number, ...]:
    r"""The terms of the proof: each is positive, and they add up to $\pm L_{12}$.

    Args:
        arc: The arc.
        x: Local variable, strictly between 0 and the arc's length; on III the ends belong to it
            (and there terms may vanish, but not all).
        t: Angle between the neurons, in $(0, \pi)$.
        arithmetic: The kind of number.

    Returns:
        Terms with sum $L_{12}$ on arc I and $-L_{12}$ on the others.
    """
    sin, cos, pi = arithmetic.sin, arithmetic.cos, arithmetic.pi()
    s, c, tau, b = sin(t), cos(t), pi - t, profile(t, arithmetic)
    y = arc_length(arc, t, arithmetic) - x
    determinant = (pi - b) * (pi + b)
    if arc == "I":
        even = 2 * pi * tau * (s - t * c) + b * (t * t - s * s)
        return (
            s * even * (x * sin(y) + y * sin(x)) / ((t + s) * determinant),
            s * (pi + tau - s) * (t * y * sin(x) - s * x * sin(y)) / ((t + s) * (pi - b)),
        )
    if arc == "III":
        a1, a2 = separable_coefficients(t, arithmetic)
        half = cos(t / 2)
        return (
            a2 * (sin(y) - y * cos(y)),
            (1 + a1) * (sin(x) - x * cos(x)),
            4 * half * x * sin(x / 2) * sin(y / 2),
            2 * half * half * (x - sin(x)),
        )
    even = s * tau * (s - t * c) * (x * sin(y) + y * sin(x)) / determinant
    if arc == "II":
        return (
            even,
            s * (t - s) * x * sin(y) / (pi - b),
            pi * s * tau * (s - t * c) * sin(x) / determinant,
        )
    return (
        even,
        s * (t - s) * y * sin(x) / (pi - b),
        pi * s * (pi * t - s * b) * sin(x) / determinant,
    )


class WronskianData(NamedTuple):
    r"""What the proof by comparison knows about $f = L_{12}$ on one arc.

    Attributes:
        source: $G / \sin x$ in $f'' + f = 2 G$.
        start: $f$ and $df/dx$ at $x = 0$.
        end: $f$ and $df/dx$ at the other end.
    """

    source: Number
    start: tuple[Number, Number]
    end: tuple[Number, Number]


def wronskian_data(arc: Arc, x: Number, t: Number, arithmetic: Arithmetic) -> WronskianData:
    r"""Source term and end values for the comparison of $f = L_{12}$ with $\sin x$.

    With $w = f' \sin x - f \cos x$ (derivatives in the local variable), $w' = 2 G \sin x$ and
    $(f / \sin x)' = w / \sin^2 x$; the sign changes of $G / \sin x$, a monotone function, say
    where $f / \sin x$ rises and falls.

    Args:
        arc: I, II or IV; on III a direct estimate is shorter.
        x: Local variable, strictly between 0 and the arc's length.
        t: Angle between the neurons, in $(0, \pi)$.
        arithmetic: The kind of number.

    Returns:
        The data.

    Raises:
        ValueError: If the arc is III.
    """
    sin, cos, pi = arithmetic.sin, arithmetic.cos, arithmetic.pi()
    s, c, tau = sin(t), cos(t), pi - t
    a1, a2 = separable_coefficients(t, arithmetic)
    cot = cos(x) / sin(x)
    zero = 0 * t
    slope_at_e1 = s * (pi - a2 * tau)
    slope_at_e2 = -s * (s - a1 * tau)
    if arc == "I":
        return WronskianData(
            -(1 + a2) * (s * cot - c) - a1, (zero, slope_at_e1), (zero, slope_at_e2)
        )
    if arc == "II":
        return WronskianData(
            (1 - a2) - a1 * (c + s * cot), (zero, slope_at_e2), (-a2 * (s - t * c), a2 * t * s)
        )
    if arc == "IV":
        return WronskianData(
            (1 - a2) * (c + s * cot) - a1,
            (zero, -slope_at_e1),
            (-(t - s * c) - a1 * (s - t * c), s * s + a1 * t * s),
        )
    raise ValueError("arc III has no comparison: estimate the terms of positive_terms instead")


# --- Entire functions: the zeros of L_12 divided out ---------------------------------------------


@dataclass(frozen=True)
class EntireFunctions:
    r"""Quotients of sines whose zeros have been divided out.

    All are positive on the ranges that occur, and the first four decrease there in each argument:
    $\operatorname{sinc}$ decreases on $[0, \pi]$, hence so do
    $K(x) = \int_0^1 v^2 \operatorname{sinc}(x v) dv$, $P(x) = \int_0^1 v K(x v) dv$ and
    $W(x, y) = \frac12 \int_0^1 v^2 \operatorname{sinc}(x v) \operatorname{sinc}(y v) dv$.

    Attributes:
        arithmetic: The kind of number.
        sinc: $\sin x / x$.
        cubic_cosine: $K(x) = (\sin x - x \cos x) / x^3$.
        cubic_sine: $P(x) = (x - \sin x) / x^3$.
        pair: $W(x, y) = [\operatorname{sinc}(x - y) - \operatorname{sinc}(x + y)] / (4 x y)$.
        two_zeros: $r(x) = \sin x / (x (\pi - x))$.
    """

    arithmetic: Arithmetic
    sinc: Callable[[Number], Number]
    cubic_cosine: Callable[[Number], Number]
    cubic_sine: Callable[[Number], Number]
    pair: Callable[[Number, Number], Number]
    two_zeros: Callable[[Number], Number]


def entire_functions(arithmetic: Arithmetic) -> EntireFunctions:
    """The quotients as they are written, for arguments that are not removable zeros.

    Args:
        arithmetic: The kind of number.

    Returns:
        The functions.
    """
    sin, cos, pi = arithmetic.sin, arithmetic.cos, arithmetic.pi

    def sinc(x: Number) -> Number:
        return sin(x) / x

    return EntireFunctions(
        arithmetic=arithmetic,
        sinc=sinc,
        cubic_cosine=lambda x: (sin(x) - x * cos(x)) / (x * x * x),
        cubic_sine=lambda x: (x - sin(x)) / (x * x * x),
        pair=lambda x, y: (sinc(x - y) - sinc(x + y)) / (4 * x * y),
        two_zeros=lambda x: sin(x) / (x * (pi() - x)),
    )


# Number of terms of the power series in balls, and their coefficients. All arguments are at most
# 2 pi in absolute value, where consecutive terms beyond these shrink by more than 1/2.
_TERMS = 24
_FACTORIAL = [1]
for _n in range(1, 2 * _TERMS + 6):
    _FACTORIAL.append(_n * _FACTORIAL[-1])
_COSINE_SERIES = [fmpq((-1) ** n * (2 * n + 2), _FACTORIAL[2 * n + 3]) for n in range(_TERMS + 1)]
_SINE_SERIES = [fmpq((-1) ** n, _FACTORIAL[2 * n + 3]) for n in range(_TERMS + 1)]


def _even_series(coefficients: Sequence[fmpq], x: arb) -> arb:
    """Sum of `coefficients[n] x^(2n)` over all `n`, the last given term bounding the tail.

    The terms shrink by more than 1/2 from the last one on, so the sum of the omitted ones, the
    last one included, is at most twice the last one.
    """
    square = x * x
    tail = 2 * abs(arb(coefficients[-1])) * square ** (len(coefficients) - 1)
    return arb_poly(list(coefficients[:-1]))(square) + arb(0, tail.abs_upper())


def _pair_series(x: arb, y: arb) -> arb:
    r"""$W(x, y)$ by the series of `sinc`.

    With $p = (x + y)^2$ and $m = (x - y)^2$,
    $W = \sum_{n \ge 1} \frac{(-1)^{n+1}}{(2n + 1)!} \sum_{j < n} p^j m^{n - 1 - j}$, where the
    inner sum is at most $n p^{n - 1}$ and so obeys the bound of `_even_series`.
    """
    p, m = (x + y) * (x + y), (x - y) * (x - y)
    total, inner, power = arb(0), arb(1), arb(1)
    for n in range(1, _TERMS):
        total += (inner if n % 2 else -inner) / _FACTORIAL[2 * n + 1]
        power = power * m
        inner = inner * p + power
    tail = 2 * _TERMS * p ** (_TERMS - 1) / _FACTORIAL[2 * _TERMS + 1]
    return total + arb(0, tail.abs_upper())


def _pair_at(x: arb, y: arb) -> arb:
    """`W` at thin balls: the quotient where its denominator is not small, else the series."""
    if x * y > 1:
        return ((x - y).sinc() - (x + y).sinc()) / (4 * x * y)
    return _pair_series(x, y)


def _ends(x: arb) -> tuple[arb, arb]:
    r"""Smallest and largest $|x|$ on a ball of points of $[-\pi, \pi]$.

    The ball may reach beyond $\pi$ by its rounding; the points that are meant do not.
    """
    return x.abs_lower(), x.abs_upper().min(arb.pi())


def _decreasing(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    r"""Enclosure of an even function that decreases on $[0, \pi]$, by its values at the ends."""

    def enclosure(x: arb) -> arb:
        low, high = _ends(x)
        return function(high).union(function(low))

    return enclosure


def _pair(x: arb, y: arb) -> arb:
    (x_low, x_high), (y_low, y_high) = _ends(x), _ends(y)
    return _pair_at(x_high, y_high).union(_pair_at(x_low, y_low))


_sinc = _decreasing(lambda x: x.sinc())


def _two_zeros(x: arb) -> arb:
    other = arb.pi() - x
    return _sinc(x) / other if x.mid() < other.mid() else _sinc(other) / x


ENTIRE_BALLS = EntireFunctions(
    arithmetic=BALLS,
    sinc=_sinc,
    cubic_cosine=_decreasing(lambda x: _even_series(_COSINE_SERIES, x)),
    cubic_sine=_decreasing(lambda x: _even_series(_SINE_SERIES, x)),
    pair=_pair,
    two_zeros=_two_zeros,
)
"""The quotients on balls of points of $[0, \\pi]$, defined at their removable zeros too."""


class Quotient(NamedTuple):
    r"""$\pm L_{12}$ as a product: `weight * sum(multipliers * blocks)`.

    Attributes:
        weight: Positive for $0 < t < \pi$ and positions inside the arc; carries all zeros of
            $L_{12}$ on the edges of the square, to their orders.
        multipliers: Not negative, not all zero except at isolated corners of the square.
        blocks: The functions whose positivity on the closed square is to be certified.
    """

    weight: Number
    multipliers: tuple[Number, ...]
    blocks: tuple[Number, ...]

    def value(self) -> Number:
        r"""The product, $L_{12}$ on arc I and $-L_{12}$ on the others."""
        terms = zip(self.multipliers, self.blocks, strict=True)
        return self.weight * sum(multiplier * block for multiplier, block in terms)


class _Angle(NamedTuple):
    r"""Quotients that depend on $t$ alone; each is positive on $[0, \pi]$.

    Attributes:
        tau: $\pi - t$.
        half: $\operatorname{sinc}(t / 2)$.
        whole: $\operatorname{sinc}(t)$.
        cosine: $\cos(t / 2) / \tau$.
        K: $(\sin t - t \cos t) / t^3$.
        P: $(t - \sin t) / t^3$.
        r: $\sin t / (t \tau)$.
        tail: $h(t) / \tau = \tau^2 K(\tau)$.
        H: $(\pi - h(t)) / t^2$.
        D: $(\pi^2 - h(t)^2) / t^2$.
        A: $(1 - a_2) D / t$ with the `D` of this list.
        B: $(1 + a_1) D / (1 + \cos t)$ with the `D` of this list.
    """

    tau: Number
    half: Number
    whole: Number
    cosine: Number
    K: Number
    P: Number
    r: Number
    tail: Number
    H: Number
    D: Number
    A: Number
    B: Number


def _angle(t: Number, entire: EntireFunctions) -> _Angle:
    pi = entire.arithmetic.pi()
    tau = pi - t
    half, whole = entire.sinc(t / 2), entire.sinc(t)
    K, P = entire.cubic_cosine(t), entire.cubic_sine(t)
    tail = tau * tau * entire.cubic_cosine(tau)
    H = pi * half * half / 2 - t * K
    profile_value = tau * tail
    return _Angle(
        tau=tau,
        half=half,
        whole=whole,
        cosine=entire.sinc(tau / 2) / 2,
        K=K,
        P=P,
        r=entire.two_zeros(t),
        tail=tail,
        H=H,
        D=H * (pi + profile_value),
        A=tau * t * t * K * K + pi * P * (1 + whole),
        B=pi * H + t * P * profile_value,
    )


class Factored(NamedTuple):
    r"""A function of $t$ as `zeros * quotient`.

    Attributes:
        zeros: A product of powers of $t$ and $\pi - t$.
        quotient: The rest, without zeros on $[0, \pi]$.
    """

    zeros: Number
    quotient: Number


def inequality_quotients(t: Number, entire: EntireFunctions) -> dict[str, Factored]:
    r"""The quantities that the proofs need to be positive, their zeros at 0 and $\pi$ factored out.

    Args:
        t: Angle between the neurons, in $[0, \pi]$.
        entire: The quotients of sines in the arithmetic in use.

    Returns:
        By inequality, the quantity on its larger side minus that on its smaller side (multiplied
        by the positive $D$ where $a_1$, $a_2$ or $L_{12}$ itself occurs).
    """
    pi = entire.arithmetic.pi()
    a = _angle(t, entire)
    tau, b = a.tau, a.tau * a.tail
    cone = 2 * pi * a.K + a.tail * t * a.P * (1 + a.whole)
    t2, tau2 = t * t, tau * tau
    t3, t4, tau3 = t2 * t, t2 * t2, tau2 * tau
    return {
        "0 < sin t": Factored(t * tau, a.r),
        "0 < sin(t/2)": Factored(t, a.half / 2),
        "0 < cos(t/2)": Factored(tau, a.cosine),
        "sin t < t": Factored(t3, a.P),
        "t cos t < sin t": Factored(t3, a.K),
        "0 < h(t)": Factored(tau3, entire.cubic_cosine(tau)),
        "h(t) < pi": Factored(t2, a.H),
        "t h(t) < pi sin t": Factored(t3 * tau, a.K),
        "0 < D": Factored(t2, a.D),
        "0 < a_2": Factored(t2 * tau3, pi * a.r * a.r),
        "a_2 < 1": Factored(t3, a.A),
        "-1 < a_1": Factored(t2 * tau2, 2 * a.cosine * a.cosine * a.B),
        "a_1 + a_2 < 1": Factored(t4 * t, a.half * a.half * (1 + a.whole) * a.H / 2),
        "a_2 - a_1 < 1": Factored(t3 * tau2, 2 * a.cosine * a.cosine * a.P * (pi + b)),
        "0 < slope of L12 at e_1": Factored(
            t4 * tau, a.r * (tau * cone + (pi + tau * (1 - t * a.r)) * a.P * (pi + b))
        ),
        "slope of L12 at e_2 < 0": Factored(t4 * tau2, a.r * cone),
        "L12 < 0 at -e_1": Factored(t4 * t * tau3, pi * a.r * a.r * a.K),
        "L12 < 0 at -e_2": Factored(t4 * t * tau2, pi * a.r * a.r * (pi * a.P + a.whole * a.H)),
    }


def quotient(arc: Arc, t: Number, position: Number, entire: EntireFunctions) -> Quotient:
    r"""$L_{12}$ with its zeros divided out.

    The formulas come from $L_{12} = (1 + a_2) \kappa(t - x) + a_1 \kappa(x)$ with
    $\kappa(x) = x \cos x - t \cot t \sin x$ on arc I and from its analogues on II and IV, from the
    half-angle identity $\kappa(x) - \kappa(t - x) = 2 \cos\frac t2 [\delta \cos\delta -
    \frac t2 \cot\frac t2 \sin\delta]$, $\delta = x - \frac t2$, and from
    $x \cos x \sin y - y \cos y \sin x = 2 x y (y^2 - x^2) W(x, y)$.

    Args:
        arc: The arc.
        t: Angle between the neurons, in $[0, \pi]$.
        position: Local variable divided by the arc's length, in $[0, 1]$.
        entire: The quotients of sines in the arithmetic in use.

    Returns:
        The factors.
    """
    pi, q, W, r = entire.arithmetic.pi(), entire.sinc, entire.pair, entire.two_zeros
    a = _angle(t, entire)
    tau, u, v = a.tau, position, 1 - position
    if arc == "I":
        x, y = u * t, v * t
        weight = 2 * a.cosine * tau * t * t * t * u * v / (a.half * a.D)
        centred = (u - v) * W(t / 2, (u - v) * t / 2)
        cone = pi * a.half * a.half * (1 + v) * W(t, y) + a.tail * (
            2 * t * a.P * (1 + u) * W(t, x) - a.H * centred
        )
        return Quotient(
            weight,
            (tau + y, tau),
            (pi * a.H * a.half * a.half * r(x) / 2, cone),
        )
    if arc == "III":
        x, y = u * t, v * t
        return Quotient(
            2 * a.cosine * tau * t * t * t / a.D,
            (u * u * v, tau * u * u * u, tau * tau * v * v * v),
            (
                a.D * q(x / 2) * q(y / 2) / 2,
                a.cosine * (a.D * entire.cubic_sine(x) + a.B * entire.cubic_cosine(x)),
                pi * a.half * a.half * a.cosine * entire.cubic_cosine(y) / 2,
            ),
        )
    # Arcs II and IV are mirror images up to the term that does not vanish at their far end.
    near, far = (v, u) if arc == "II" else (u, v)
    centred = (far - near) * W(tau / 2, (far - near) * tau / 2)
    exterior = (a.half * a.half) * (
        a.A * centred / 2 + (1 + near) * (1 + a.whole) * a.H * W(tau, near * tau)
    )
    edge = t * t * tau * tau * u / (a.r * a.D)
    last = pi * a.r * a.r * r(u * tau)
    if arc == "II":
        return Quotient(edge * tau, (t + v * tau, v), (last * a.K, exterior))
    return Quotient(edge, (t + v * tau, v * tau), (last * (pi * a.P + a.whole * a.H), exterior))


# --- Exact identities ----------------------------------------------------------------------------


def exact_identities(coefficient_error: Fraction = Fraction(0)) -> dict[str, bool]:
    """Every identity of the proofs, decided in exact algebra on the functions of this module.

    Args:
        coefficient_error: Replace $a_2$ by this much more: most identities then fail, for control.

    Returns:
        What was compared, and whether both sides are the same function.
    """
    field = TrigonometricField("t", "x")
    t, x = field.angles
    exact = Arithmetic(field.sin, field.cos, field.pi)
    pi, s, c = field.pi(), field.sin(t), field.cos(t)
    tau, b = pi - t, profile(t, exact)
    determinant = pi * pi - b * b
    a1, a2 = separable_coefficients(t, exact)
    error = field.constant(coefficient_error.numerator) / coefficient_error.denominator
    a2 = a2 + error
    entire = entire_functions(exact)
    function = {
        arc: separable_on_arc(arc, x, t, exact)
        - error * profile(angles_on_arc(arc, x, t, exact)[1], exact)
        for arc in ARCS
    }
    slope = {arc: function[arc].derivative(x) for arc in ARCS}
    slope_at_e1, slope_at_e2 = s * (pi - a2 * tau), -s * (s - a1 * tau)
    plain = {
        "0 < sin t": s,
        "0 < sin(t/2)": field.sin(t / 2),
        "0 < cos(t/2)": field.cos(t / 2),
        "sin t < t": t - s,
        "t cos t < sin t": s - t * c,
        "0 < h(t)": b,
        "h(t) < pi": pi - b,
        "t h(t) < pi sin t": pi * s - t * b,
        "0 < D": determinant,
        "0 < a_2": a2 * determinant,
        "a_2 < 1": (1 - a2) * determinant,
        "-1 < a_1": (1 + a1) * determinant,
        "a_1 + a_2 < 1": (1 - a1 - a2) * determinant,
        "a_2 - a_1 < 1": (1 + a1 - a2) * determinant,
        "0 < slope of L12 at e_1": slope_at_e1 * determinant,
        "slope of L12 at e_2 < 0": -slope_at_e2 * determinant,
        "L12 < 0 at -e_1": -function["II"].at(x, tau) * determinant,
        "L12 < 0 at -e_2": -function["IV"].at(x, tau) * determinant,
    }
    equal = {
        "M_r a = m_12, first row": (pi * a1 + b * a2, pi * c),
        "M_r a = m_12, second row": (b * a1 + pi * a2, tau + s * c),
        "a_2 by Cramer's rule": (a2, pi * tau * s * s / determinant),
        "1 + a_1 + a_2": (1 + a1 + a2, (1 + c) * (pi + tau + s) / (pi + b)),
        "1 - a_1 + a_2": (1 - a1 + a2, (1 - c) * (pi + tau - s) / (pi - b)),
        "1 - a_1 - a_2": (1 - a1 - a2, (1 - c) * (t + s) / (pi + b)),
        "1 + a_1 - a_2": (1 + a1 - a2, (1 + c) * (t - s) / (pi - b)),
        "pi s - t b": (pi * s - t * b, tau * (s - t * c)),
        "(1 + a_1) D": ((1 + a1) * determinant, (1 + c) * (pi * pi - b * (tau + s))),
        "(1 - a_2) D": (
            (1 - a2) * determinant,
            pi * t - s * s + tau * (t * c * c - 2 * s * c),
        ),
        "two forms of the slope at e_2": (
            s * s * (s - a1 * tau),
            ((1 + a2) * (s - t * c) + a1 * (t - s * c)),
        ),
    }
    for name, (zeros, rest) in inequality_quotients(t, entire).items():
        equal[f"{name}: zeros and quotient"] = (zeros * rest, plain[name])
    for arc in ARCS:
        length = arc_length(arc, t, exact)
        signed = SIGNS[arc] * function[arc]
        equal[f"arc {arc}: sum of positive terms"] = (
            sum(positive_terms(arc, x, t, exact)),
            signed,
        )
        equal[f"arc {arc}: product form"] = (
            quotient(arc, t, x / length, entire).value(),
            signed,
        )
        if arc != "III":
            data = wronskian_data(arc, x, t, exact)
            equal[f"arc {arc}: f'' + f = 2 G"] = (
                slope[arc].derivative(x) + function[arc],
                2 * data.source * field.sin(x),
            )
            for place, at, (value, derivative) in (
                ("start", 0, data.start),
                ("end", length, data.end),
            ):
                equal[f"arc {arc}: value at the {place}"] = (function[arc].at(x, at), value)
                equal[f"arc {arc}: slope at the {place}"] = (slope[arc].at(x, at), derivative)
    for before, at, after, place, direction in (
        ("I", 0, "IV", 0, -1),
        ("I", t, "II", 0, 1),
        ("II", tau, "III", 0, 1),
        ("III", t, "IV", tau, -1),
    ):
        one, other = function[before].at(x, at), function[after].at(x, place)
        equal[f"arcs {before} and {after} meet"] = (one, other)
        one, other = slope[before].at(x, at), slope[after].at(x, place)
        equal[f"arcs {before} and {after} meet smoothly"] = (one, direction * other)
    return {name: left.equals(right) for name, (left, right) in equal.items()}


# --- Certificates --------------------------------------------------------------------------------

_SQUARE = ((0, arb.pi), (0, 1))


def certify_conjecture(
    *, max_boxes: int = 10_000, precision: int = 64, keep_boxes: bool = False
) -> dict[Arc, tuple[Certificate, ...]]:
    r"""Conjecture 1 on its whole domain: the blocks of `quotient` are positive on a closed square.

    Together with the signs of the weight and of the multipliers, which `certify_inequalities`
    covers, this decides the sign of $L_{12}$ for all $0 < t < \pi$ and all $e^*$ off the rays of
    $e_1$ and $e_2$.

    Args:
        max_boxes: Budget of each certificate.
        precision: Working precision in bits.
        keep_boxes: Whether to keep the accepted boxes, in $(t, \text{position})$.

    Returns:
        One certificate per block, by arc.
    """

    def certify(arc: Arc, index: int) -> Certificate:
        return prove_positive(
            lambda t, position: quotient(arc, t, position, ENTIRE_BALLS).blocks[index],
            _SQUARE,
            statement=f"arc {arc}, block {index + 1} > 0 on [0, pi] x [0, 1]",
            max_boxes=max_boxes,
            precision=precision,
            keep_boxes=keep_boxes,
        )

    counts: dict[Arc, int] = {"I": 2, "II": 2, "III": 3, "IV": 2}
    return {arc: tuple(certify(arc, index) for index in range(counts[arc])) for arc in ARCS}


def certify_inequalities(
    *, max_boxes: int = 10_000, precision: int = 64
) -> tuple[Certificate, ...]:
    r"""The one-variable inequalities of the proofs, on all of $0 < t < \pi$.

    The powers of $t$ and of $\tau = \pi - t$ at which each side vanishes are divided out, so that
    what is certified is positive on the closed interval $[0, \pi]$.

    Args:
        max_boxes: Budget of each certificate.
        precision: Working precision in bits.

    Returns:
        One certificate per inequality.
    """
    names = list(inequality_quotients(arb(1), ENTIRE_BALLS))
    return tuple(
        prove_positive(
            lambda t, name=name: inequality_quotients(t, ENTIRE_BALLS)[name].quotient,
            _SQUARE[:1],
            statement=f"{name}, on all of 0 < t < pi",
            max_boxes=max_boxes,
            precision=precision,
        )
        for name in names
    )


def certify_altered(
    arc: Arc,
    *,
    sign: int | None = None,
    offset: Fraction = Fraction(0),
    coefficient_error: Fraction = Fraction(0),
    max_boxes: int = 10_000,
    precision: int = 64,
) -> Certificate:
    r"""Attempt to prove an altered, false statement on the whole closed square, for control.

    The function is $L_{12}$ in the product form of `quotient`. It vanishes on edges, so that even
    the true statement is beyond this attempt; what counts is whether a counterexample is met.

    Args:
        arc: The arc.
        sign: The sign to prove, by default the conjectured one.
        offset: Claim that $\text{sign} \cdot L_{12}$ exceeds this.
        coefficient_error: Replace $a_2$ by this much more.
        max_boxes: Budget.
        precision: Working precision in bits.

    Returns:
        The certificate; `counterexample` is a box on which the altered statement is false
        everywhere.
    """
    chosen = SIGNS[arc] if sign is None else sign

    def altered(t: arb, position: arb) -> arb:
        value = SIGNS[arc] * quotient(arc, t, position, ENTIRE_BALLS).value()
        theta2 = angles_on_arc(arc, position * arc_length(arc, t, BALLS), t, BALLS)[1]
        value = value - _exact(coefficient_error) * profile(theta2, BALLS)
        return chosen * value - _exact(offset)

    return prove_positive(
        altered,
        _SQUARE,
        statement=f"an altered statement on arc {arc}",
        max_boxes=max_boxes,
        precision=precision,
    )


def certify_directly(
    arc: Arc,
    margin: Fraction,
    *,
    sign: int | None = None,
    offset: Fraction = Fraction(0),
    coefficient_error: Fraction = Fraction(0),
    max_boxes: int = 100_000,
    precision: int = 64,
    keep_boxes: bool = False,
) -> Certificate:
    r"""Sign of $L_{12}$ on an arc for $t$ away from 0 and $\pi$, from the definition alone.

    Nothing but the definition, its derivatives in ball arithmetic and $L_{12} = 0$ at
    $e^* = e_1, e_2$ [tian2017, Prop. 1] enter. At these edges the sign is that of the derivative.

    Args:
        arc: The arc.
        margin: The range of $t$ is $[\text{margin}, 3 - \text{margin}]$.
        sign: The sign to prove, by default the conjectured one.
        offset: Claim that $\text{sign} \cdot L_{12}$ exceeds this: false, for control.
        coefficient_error: Replace $a_2$ by this much more: a wrong $L_{12}$, for control.
        max_boxes: Budget.
        precision: Working precision in bits.
        keep_boxes: Whether to keep the accepted boxes.

    Returns:
        The certificate; its function is $\text{sign} \cdot L_{12}$ divided by the distance
        (relative to the arc's length) to the nearest end of the arc where $L_{12} = 0$.
    """
    chosen = SIGNS[arc] if sign is None else sign

    def signed(t: Jet, position: Jet) -> Jet:
        x = position * arc_length(arc, t, BALLS)
        value = separable_on_arc(arc, x, t, BALLS)
        if coefficient_error:
            theta2 = angles_on_arc(arc, x, t, BALLS)[1]
            value = value - _exact(coefficient_error) * profile(theta2, BALLS)
        return chosen * value - _exact(offset)

    def enclosures(t: arb, position: arb) -> tuple[arb, ...]:
        values = with_mean_value_form(signed)(t, position)
        if arc == "III":
            return values
        at_end = arc == "I" and position.mid() > arb(0.5)
        edge = arb(int(at_end))
        distance = abs(position - edge)
        quotients = tuple(value / distance for value in values)
        if any(value > 0 for value in quotients):
            return quotients
        # The mean value theorem from the edge needs the value 0 there. That it is 0 is one of the
        # exact identities; a perturbed function is recognised at a single t.
        if not signed(*variables((t.mid(), edge))).value.contains(0):
            return quotients
        slope = signed(*variables((t, edge.union(position)))).gradient[1]
        return (*quotients, -slope if at_end else slope)

    return prove_positive(
        enclosures,
        ((margin, 3 - margin), (0, 1)),
        statement=f"{'+' if chosen > 0 else '-'}L12 > {offset} on arc {arc}, "
        f"{margin} <= t <= {3 - margin}",
        max_boxes=max_boxes,
        precision=precision,
        keep_boxes=keep_boxes,
    )


def _exact(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator))
