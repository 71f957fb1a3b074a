r"""Proofs by machine: inequalities by ball arithmetic, identities by exact algebra.

**Inequalities.** A ball (`flint.arb`) is an interval $[m \pm r]$ whose operations contain every
exact result, so one evaluation of $f$ on a box bounds $f$ on the whole box, rounding included.
Where that bound does not decide the sign, the box is halved. If all pieces are decided the
inequality is proved on the closed domain; if the budget of boxes ends first, or a piece shows the
opposite sign, it is not, and the pieces left open are returned.

Bisection proves strict inequalities only: at a zero of $f$ no box is small enough. Zeros that are
known have to be divided out, or handled by the sign of a derivative, before a certificate is
asked for.

**Identities.** Expressions in angles, $\pi$ and the sines and cosines of these angles are
fractions of polynomials modulo $\sin^2 + \cos^2 = 1$. An `ExactNumber` is such a fraction; two are
equal as functions if and only if one polynomial reduces to 0.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, no_type_check

import numpy as np
from flint import Ordering, arb, ctx, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

End = int | Fraction | arb | Callable[[], arb]
"""An end of an interval: exact, a ball, or a function such as `arb.pi` that gives a ball at the
working precision. A floating point number is none: write a fraction."""

Box = tuple[tuple[Fraction, Fraction], ...]
"""One interval per variable, relative to the domain: $[0, 1]$ is the domain's whole side."""

Enclosures = arb | Sequence[arb]
"""A ball that contains the value, or several such balls; the value lies in all of them."""

# A box inside: (numerator, level) per side, the interval [n, n + 1] / 2^level.
_Dyadic = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Certificate:
    """Outcome of an attempt to prove `function > 0` on a box.

    Attributes:
        statement: What was to be proved, in words or symbols.
        proved: Whether it is proved.
        boxes: Number of boxes on which the function was evaluated.
        leaves: Number of boxes accepted; with the discarded ones they cover the domain if proved.
        discarded: Number of boxes dropped because they lie outside of the region.
        lower_bound: If proved, a positive number that the function nowhere falls below.
        seconds: Wall-clock time.
        precision: Working precision in bits.
        open_boxes: Boxes left undecided, as positions relative to the domain; empty if proved.
        counterexample: A box on which the function is at most 0 everywhere, if one was met.
        proved_boxes: The accepted boxes, if they were asked for.
        domain: The ends of the domain in floating point, for drawing.
    """

    statement: str
    proved: bool
    boxes: int
    leaves: int
    discarded: int
    lower_bound: float | None
    seconds: float
    precision: int
    open_boxes: tuple[Box, ...]
    counterexample: Box | None
    proved_boxes: tuple[Box, ...] | None
    domain: tuple[tuple[float, float], ...]

    def coordinates(self, boxes: Sequence[Box]) -> np.ndarray:
        """Ends of boxes in the coordinates of the domain, rounded, for drawing.

        Args:
            boxes: Boxes of this certificate.

        Returns:
            Array of shape (number of boxes, number of variables, 2).
        """
        relative = np.array(boxes, dtype=np.float64).reshape(len(boxes), len(self.domain), 2)
        lower, upper = np.array(self.domain).T
        return lower[:, None] + (upper - lower)[:, None] * relative


@dataclass(frozen=True)
class JointCertificate:
    """Certificates that count as one.

    Attributes:
        proved: Whether all are proved.
        boxes: Number of boxes of all.
        seconds: Wall-clock time of all.
    """

    proved: bool
    boxes: int
    seconds: float


def join_certificates(parts: Sequence[Any]) -> JointCertificate:
    """Certificates of the parts of one statement as one certificate.

    Args:
        parts: Objects with `proved`, `boxes` and `seconds`.

    Returns:
        The certificate of the whole.

    Raises:
        ValueError: If there are no parts: that would prove anything.
    """
    if not parts:
        raise ValueError("a statement without parts is not proved by proving all of them")
    return JointCertificate(
        proved=all(part.proved for part in parts),
        boxes=sum(part.boxes for part in parts),
        seconds=sum(part.seconds for part in parts),
    )


# Run-time checks of types would cost a multiple of the arithmetic itself here.
@no_type_check
@dataclass(frozen=True)
class Jet:
    """A ball together with balls for its first partial derivatives.

    Arithmetic on jets is forward-mode differentiation in ball arithmetic; numbers count as
    constants.

    Attributes:
        value: Enclosure of the value.
        gradient: Enclosures of the partial derivatives.
    """

    value: arb
    gradient: tuple[arb, ...]

    def _chain(self, value: arb, derivative: arb) -> "Jet":
        return Jet(value, tuple(derivative * g for g in self.gradient))

    def _like(self, other: "Jet | arb | int") -> "Jet":
        if isinstance(other, Jet):
            return other
        return Jet(arb(other), tuple(arb(0) for _ in self.gradient))

    def __add__(self, other: "Jet | arb | int") -> "Jet":
        other = self._like(other)
        pairs = zip(self.gradient, other.gradient, strict=True)
        return Jet(self.value + other.value, tuple(g + k for g, k in pairs))

    __radd__ = __add__

    def __neg__(self) -> "Jet":
        return self._chain(-self.value, arb(-1))

    def __sub__(self, other: "Jet | arb | int") -> "Jet":
        return self + (-self._like(other))

    def __rsub__(self, other: "arb | int") -> "Jet":
        return self._like(other) - self

    def __mul__(self, other: "Jet | arb | int") -> "Jet":
        other = self._like(other)
        pairs = zip(self.gradient, other.gradient, strict=True)
        return Jet(
            self.value * other.value,
            tuple(g * other.value + self.value * k for g, k in pairs),
        )

    __rmul__ = __mul__

    def __truediv__(self, other: "Jet | arb | int") -> "Jet":
        other = self._like(other)
        inverse = 1 / other.value
        return self * other._chain(inverse, -inverse * inverse)

    def __rtruediv__(self, other: "arb | int") -> "Jet":
        return self._like(other) / self

    def sin(self) -> "Jet":
        """Sine."""
        sine, cosine = self.value.sin_cos()
        return self._chain(sine, cosine)

    def cos(self) -> "Jet":
        """Cosine."""
        sine, cosine = self.value.sin_cos()
        return self._chain(cosine, -sine)

    def sqrt(self) -> "Jet":
        """Square root; its derivative is not finite on a ball that contains 0."""
        root = self.value.sqrt()
        return self._chain(root, 1 / (2 * root))


def variables(coordinates: Sequence[arb]) -> tuple[Jet, ...]:
    """The coordinates as jets: partial derivative 1 in the own variable, 0 in the others.

    Args:
        coordinates: One ball per variable.

    Returns:
        One jet per variable.
    """
    count = len(coordinates)
    return tuple(
        Jet(x, tuple(arb(int(i == j)) for j in range(count))) for i, x in enumerate(coordinates)
    )


def with_mean_value_form(function: Callable[..., Jet]) -> Callable[..., tuple[arb, ...]]:
    r"""Two enclosures of a differentiable function on a box: natural and mean-value form.

    The second is $f(m) + \sum_i \partial_i f(\text{box}) (x_i - m_i)$ with $m$ the midpoint. Its
    excess over the range shrinks with the square of the box; that of the first only linearly.

    Args:
        function: Takes jets, one per variable, and uses the arithmetic of jets alone.

    Returns:
        A function of balls, as `prove_positive` takes it.
    """

    def enclosures(*coordinates: arb) -> tuple[arb, ...]:
        on_box = function(*variables(coordinates))
        middle = [x.mid() for x in coordinates]
        at_middle = function(*variables(middle)).value
        offsets = zip(on_box.gradient, coordinates, middle, strict=True)
        return on_box.value, at_middle + sum(g * (x - m) for g, x, m in offsets)

    return enclosures


def prove_positive(
    function: Callable[..., Enclosures],
    domain: Sequence[tuple[End, End]],
    *,
    statement: str,
    region: Callable[..., Enclosures] | None = None,
    max_boxes: int = 100_000,
    precision: int = 64,
    keep_boxes: bool = False,
) -> Certificate:
    r"""Try to prove that a function is positive on a closed box, or on a region of it.

    Boxes are examined largest first. A box is accepted where one of the enclosures is certainly
    positive, and halved across its longest side (relative to the domain) where none is. An
    enclosure that is not finite decides nothing.

    Args:
        function: Takes one ball per variable and returns an enclosure of the value on it, or
            several enclosures of the same value.
        domain: The ends of each variable's interval. Exact numbers stay exact; a ball stands for
            every number in it.
        statement: What is to be proved, for the record.
        region: If given, the claim is about the points of the box where all these values are at
            least 0; boxes on which one of them is certainly negative are discarded.
        max_boxes: Give up after this many evaluations.
        precision: Working precision in bits.
        keep_boxes: Whether to return the accepted boxes.

    Returns:
        The certificate; `proved` is false if the budget ran out, if the function is certainly
        not positive on a whole box that lies in the region, or if the region discards every box:
        a proof about no point would only say that the region is mistaken.

    Raises:
        TypeError: If an end of the domain is a floating point number; write a fraction.
        ValueError: If the domain has no variable, or an interval without interior.
    """
    if not domain:
        raise ValueError("the domain needs at least one variable")
    start = time.perf_counter()
    with ctx.workprec(precision):
        sides = [(_ball(lower), _ball(upper)) for lower, upper in domain]
        if not all(lower < upper for lower, upper in sides):
            raise ValueError(f"each interval needs lower < upper, got {sides}")
        queue: deque[_Dyadic] = deque([((0, 0),) * len(sides)])
        accepted: list[_Dyadic] = []
        boxes = leaves = discarded = 0
        bound = arb.pos_inf()
        counterexample = None
        while queue and boxes < max_boxes and counterexample is None:
            box = queue.popleft()
            coordinates = [_side(side, place) for side, place in zip(sides, box, strict=True)]
            limits = () if region is None else _several(region(*coordinates))
            if any(limit < 0 for limit in limits):
                discarded += 1
                continue
            boxes += 1
            values = [value for value in _several(function(*coordinates)) if value.is_finite()]
            if any(value > 0 for value in values):
                leaves += 1
                bound = bound.min(max((value.lower() for value in values), key=float))
                if keep_boxes:
                    accepted.append(box)
            elif any(value <= 0 for value in values) and all(limit >= 0 for limit in limits):
                counterexample = box
                queue.appendleft(box)
            else:
                queue.extend(_halves(box))
        lower_bound = math.nextafter(float(bound), 0) if leaves and not queue else None
        ends = tuple((float(lower), float(upper)) for lower, upper in sides)
    return Certificate(
        statement=statement,
        proved=not queue and leaves > 0,
        boxes=boxes,
        leaves=leaves,
        discarded=discarded,
        lower_bound=lower_bound,
        seconds=time.perf_counter() - start,
        precision=precision,
        open_boxes=tuple(_relative(box) for box in queue),
        counterexample=None if counterexample is None else _relative(counterexample),
        proved_boxes=tuple(_relative(box) for box in accepted) if keep_boxes else None,
        domain=ends,
    )


def _ball(end: End) -> arb:
    if isinstance(end, arb):
        return end
    if isinstance(end, Fraction):
        return arb(fmpq(end.numerator, end.denominator))
    if isinstance(end, int):
        return arb(end)
    if callable(end):
        return end()
    raise TypeError(f"an end of the domain must be exact or a ball, not {end!r}")


def _several(enclosures: Enclosures) -> Sequence[arb]:
    return (enclosures,) if isinstance(enclosures, arb) else enclosures


def _side(side: tuple[arb, arb], place: tuple[int, int]) -> arb:
    """The ball over one side of a box."""
    (lower, upper), (numerator, level) = side, place
    half = arb((1, -level - 1))
    return lower + (upper - lower) * arb(arb((2 * numerator + 1, -level - 1)), half)


def _halves(box: _Dyadic) -> tuple[_Dyadic, _Dyadic]:
    """The two halves across the longest side, the first of equal ones."""
    axis = min(range(len(box)), key=lambda i: box[i][1])
    numerator, level = box[axis]
    before, after = box[:axis], box[axis + 1 :]
    return (
        (*before, (2 * numerator, level + 1), *after),
        (*before, (2 * numerator + 1, level + 1), *after),
    )


def _relative(box: _Dyadic) -> Box:
    return tuple((Fraction(n, 2**level), Fraction(n + 1, 2**level)) for n, level in box)


class TrigonometricField:
    r"""Exact arithmetic with angles, $\pi$, and sines and cosines of their halves.

    The elements are fractions of polynomials over the rational numbers in the named angles, in
    $\pi$ and in $\sin\frac z2, \cos\frac z2$ for every named angle $z$, modulo
    $\sin^2\frac z2 + \cos^2\frac z2 = 1$. The angles count as independent of each other and of
    $\pi$; an equality that holds here therefore holds for all real values of the angles at which
    no denominator vanishes.

    Attributes:
        angles: The named angles as elements, in the order of the names.
    """

    def __init__(self, *names: str):
        functions = [f"{kind}_{name}" for name in names for kind in ("sin", "cos")]
        self._context = fmpq_mpoly_ctx.get((*functions, *names, "pi"), Ordering.lex)
        self._generators = self._context.gens()
        count = len(names)
        self._halves = [
            (self._generators[2 * k], self._generators[2 * k + 1]) for k in range(count)
        ]
        self._relations = [sine**2 + cosine**2 - 1 for sine, cosine in self._halves]
        self._one = self._context.constant(1)
        # A right angle closes the list: it is the half of pi.
        self._halves.append((self._context.constant(1), self._context.constant(0)))
        self._linear = self._generators[2 * count :]
        self.angles = tuple(self._element(g, self._one) for g in self._linear[:-1])

    def pi(self) -> "ExactNumber":
        r"""The element $\pi$."""
        return self._element(self._linear[-1], self._one)

    def sin(self, angle: "ExactNumber") -> "ExactNumber":
        """Sine of a sum of halves of the named angles and of pi.

        Raises:
            ValueError: If the element is not such a sum.
        """
        return self._element(self._sine_and_cosine(angle)[0], self._one)

    def cos(self, angle: "ExactNumber") -> "ExactNumber":
        """Cosine of a sum of halves of the named angles and of pi.

        Raises:
            ValueError: If the element is not such a sum.
        """
        return self._element(self._sine_and_cosine(angle)[1], self._one)

    def constant(self, number: int) -> "ExactNumber":
        """An integer as an element."""
        return self._element(self._context.constant(number), self._one)

    def _reduce(self, polynomial: fmpq_mpoly) -> fmpq_mpoly:
        for relation in self._relations:
            polynomial = polynomial % relation
        return polynomial

    def _element(self, numerator: fmpq_mpoly, denominator: fmpq_mpoly) -> "ExactNumber":
        numerator, denominator = self._reduce(numerator), self._reduce(denominator)
        if denominator == 0:
            raise ZeroDivisionError("division by an expression that is identically zero")
        common = numerator.gcd(denominator)
        return ExactNumber(self, numerator / common, denominator / common)

    def _polynomial(self, element: "ExactNumber") -> fmpq_mpoly:
        if not element.denominator.is_constant():
            raise ValueError(f"not a sum of halves of angles: {element}")
        return element.numerator / element.denominator

    def _sine_and_cosine(self, angle: "ExactNumber") -> tuple[fmpq_mpoly, fmpq_mpoly]:
        half_units = []
        rest = self._polynomial(angle)
        for generator in self._linear:
            slope = rest.derivative(self._generators.index(generator))
            double = 2 * slope.leading_coefficient() if slope.is_constant() and slope != 0 else 0
            half_units.append(int(double))
            rest = rest - self._context.constant(fmpq(half_units[-1], 2)) * generator
        if rest != 0:
            raise ValueError(f"not a sum of halves of angles: {angle}")
        sine, cosine = self._context.constant(0), self._one
        for units, (half_sine, half_cosine) in zip(half_units, self._halves, strict=True):
            step = half_sine if units > 0 else -half_sine
            for _ in range(abs(units)):
                sine, cosine = (
                    self._reduce(sine * half_cosine + cosine * step),
                    self._reduce(cosine * half_cosine - sine * step),
                )
        return sine, cosine


@dataclass(frozen=True, eq=False)
class ExactNumber:
    """An element of a `TrigonometricField`; integers count as constants.

    Attributes:
        field: The field.
        numerator: Reduced numerator.
        denominator: Reduced denominator.
    """

    field: TrigonometricField
    numerator: fmpq_mpoly
    denominator: fmpq_mpoly

    def _like(self, other: "ExactNumber | int") -> "ExactNumber":
        return other if isinstance(other, ExactNumber) else self.field.constant(other)

    def __add__(self, other: "ExactNumber | int") -> "ExactNumber":
        other = self._like(other)
        return self.field._element(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )

    __radd__ = __add__

    def __neg__(self) -> "ExactNumber":
        return ExactNumber(self.field, -self.numerator, self.denominator)

    def __sub__(self, other: "ExactNumber | int") -> "ExactNumber":
        return self + (-self._like(other))

    def __rsub__(self, other: int) -> "ExactNumber":
        return self._like(other) - self

    def __mul__(self, other: "ExactNumber | int") -> "ExactNumber":
        other = self._like(other)
        return self.field._element(
            self.numerator * other.numerator, self.denominator * other.denominator
        )

    __rmul__ = __mul__

    def __truediv__(self, other: "ExactNumber | int") -> "ExactNumber":
        other = self._like(other)
        return self.field._element(
            self.numerator * other.denominator, self.denominator * other.numerator
        )

    def __rtruediv__(self, other: int) -> "ExactNumber":
        return self._like(other) / self

    def equals(self, other: "ExactNumber | int") -> bool:
        """Whether two elements are the same function of the angles."""
        return (self - other).numerator == 0

    def derivative(self, angle: "ExactNumber") -> "ExactNumber":
        """Derivative with respect to a named angle.

        Args:
            angle: One of the `angles` of the field.

        Returns:
            The partial derivative.
        """
        index = self.field._generators.index(angle.numerator)
        sine, cosine = self.field._halves[self.field._linear.index(angle.numerator)]
        sine_index = self.field._generators.index(sine)

        def along(polynomial: fmpq_mpoly) -> fmpq_mpoly:
            by_sine = polynomial.derivative(sine_index) * cosine
            by_cosine = polynomial.derivative(sine_index + 1) * sine
            return polynomial.derivative(index) + (by_sine - by_cosine) / 2

        top, bottom = self.numerator, self.denominator
        return self.field._element(along(top) * bottom - top * along(bottom), bottom * bottom)

    def at(self, angle: "ExactNumber", value: "ExactNumber | int") -> "ExactNumber":
        """The element with a named angle replaced by a sum of named angles and multiples of pi.

        Args:
            angle: One of the `angles` of the field.
            value: The angle to put in its place.

        Returns:
            The element after the substitution.
        """
        field, value = self.field, self._like(value)
        sine, _ = field._halves[field._linear.index(angle.numerator)]
        first = field._generators.index(sine)
        images = list(field._generators)
        images[first] = field.sin(value / 2).numerator
        images[first + 1] = field.cos(value / 2).numerator
        images[field._generators.index(angle.numerator)] = field._polynomial(value)
        return field._element(self.numerator.compose(*images), self.denominator.compose(*images))
