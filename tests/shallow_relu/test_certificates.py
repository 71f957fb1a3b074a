"""Inequalities by bisection in ball arithmetic, and identities by exact algebra."""

from fractions import Fraction

import mpmath
import pytest
from flint import arb, ctx

from shallow_relu.certificates import (
    Jet,
    TrigonometricField,
    join_certificates,
    prove_positive,
    variables,
    with_mean_value_form,
)


def parabola(excess):
    """`(x - 1/3)^2 + excess`, multiplied out so that its natural enclosure is wide."""

    def function(x):
        return x * x - 2 * x / arb(3) + arb(1) / 9 + excess

    return function


def test_a_positive_function_is_proved_with_a_valid_lower_bound():
    certificate = prove_positive(parabola(arb(1) / 100), [(0, 1)], statement="parabola > 0")
    assert certificate.proved
    assert certificate.statement == "parabola > 0"
    assert certificate.boxes > 1
    assert certificate.open_boxes == ()
    assert certificate.counterexample is None
    assert 0 < certificate.lower_bound <= 0.01


def test_a_joint_certificate_needs_all_of_its_parts():
    proved = prove_positive(parabola(arb(1)), [(0, 1)], statement="true")
    refused = prove_positive(parabola(-arb(1)), [(0, 1)], statement="false")
    assert join_certificates([proved, proved]).proved
    both = join_certificates([proved, refused])
    assert not both.proved
    assert both.boxes == proved.boxes + refused.boxes
    with pytest.raises(ValueError, match="without parts"):
        join_certificates([])


def test_a_zero_is_refused_and_located():
    certificate = prove_positive(parabola(0), [(0, 1)], statement="touches 0", max_boxes=2000)
    assert not certificate.proved
    assert certificate.boxes == 2000
    assert certificate.lower_bound is None
    assert any(lower <= Fraction(1, 3) <= upper for ((lower, upper),) in certificate.open_boxes)


def test_a_negative_value_ends_the_search_with_a_counterexample():
    certificate = prove_positive(parabola(-arb(1) / 1000), [(0, 1)], statement="false")
    assert not certificate.proved
    ((lower, upper),) = certificate.counterexample
    assert abs((lower + upper) / 2 - Fraction(1, 3)) < Fraction(1, 25)
    assert certificate.counterexample in certificate.open_boxes


def test_a_margin_below_the_working_precision_is_not_proved_but_a_finer_one_proves_it():
    margin = arb((1, -80))

    def function(x):
        return x * x + (1 - x) * (1 + x) - 1 + margin

    def cancelled(x):
        return (arb.pi() * 1000).sin() - (arb.pi() * 1000).sin() + margin + 0 * x

    coarse = prove_positive(cancelled, [(0, 1)], statement="2^-80 > 0", max_boxes=50)
    fine = prove_positive(cancelled, [(0, 1)], statement="2^-80 > 0", precision=160)
    assert not coarse.proved
    assert fine.proved and fine.precision == 160
    assert not prove_positive(function, [(0, 1)], statement="wide", max_boxes=50).proved


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_accepted_boxes_tile_the_domain(dimension):
    def function(*x):
        return sum((c * c - c for c in x), arb(dimension) / 4 + arb(1) / 8)

    certificate = prove_positive(
        function, [(0, 1)] * dimension, statement="separable", keep_boxes=True
    )
    assert certificate.proved
    assert len(certificate.proved_boxes) == certificate.leaves
    volume = Fraction(0)
    for box in certificate.proved_boxes:
        piece = Fraction(1)
        for lower, upper in box:
            piece *= upper - lower
        volume += piece
    assert volume == 1


def test_the_domain_may_end_at_pi_and_coordinates_are_scaled_for_drawing():
    certificate = prove_positive(
        lambda t, u: t.sin() + u, [(0, arb.pi), (Fraction(1, 7), 2)], statement="", keep_boxes=True
    )
    assert certificate.proved
    corners = certificate.coordinates(certificate.proved_boxes)
    assert corners.shape == (certificate.leaves, 2, 2)
    assert corners[:, 0].min() == 0
    assert corners[:, 0].max() == pytest.approx(float(mpmath.pi))
    assert corners[:, 1].min() == pytest.approx(1 / 7)
    # One step beyond pi the sine is negative.
    beyond = [(0, Fraction(16, 5)), (0, 2)]
    assert not prove_positive(lambda t, u: t.sin() + u, beyond, statement="", max_boxes=500).proved


def test_a_region_leaves_out_the_points_where_the_claim_is_false():
    def function(x, y):
        return x - y + arb(1) / 10

    def region(x, y):
        return (x - y,)

    domain = [(0, 1), (0, 1)]
    inside = prove_positive(function, domain, statement="x >= y", region=region)
    assert inside.proved and inside.discarded > 0
    whole = prove_positive(function, domain, statement="everywhere")
    assert not whole.proved and whole.counterexample is not None
    false = prove_positive(
        lambda x, y: function(x, y) - arb(1) / 5, domain, statement="", region=region, max_boxes=999
    )
    assert not false.proved


def test_a_region_without_points_proves_nothing():
    """Every box is discarded, so that the claim would hold for want of points."""
    certificate = prove_positive(
        lambda x: x + 1, [(0, 1)], statement="x > -1 for x >= 5", region=lambda x: x - 5
    )
    assert not certificate.proved
    assert certificate.boxes == certificate.leaves == 0 and certificate.discarded > 0
    assert certificate.lower_bound is None and certificate.counterexample is None


def test_a_counterexample_is_claimed_only_inside_the_region():
    certificate = prove_positive(
        lambda x: x - arb(1) / 2,
        [(0, 1)],
        statement="x > 1/2 for x >= 3/5",
        region=lambda x: x - arb(3) / 5,
    )
    assert certificate.proved


def test_a_box_that_the_region_only_touches_is_not_discarded():
    """False on [3/10, 7/20], a part of the region in a box whose midpoint lies outside of it."""
    certificate = prove_positive(
        lambda x: x - arb(7) / 20,
        [(0, 1)],
        statement="x > 7/20 for x >= 3/10",
        region=lambda x: x - arb(3) / 10,
    )
    assert not certificate.proved
    assert certificate.counterexample is not None


def test_balls_contain_their_boxes_to_the_ends():
    seen = []

    def function(x):
        seen.append(x)
        # Undecided on the domain itself, decided on its halves.
        return arb.nan() if len(seen) == 1 else arb(1)

    domain = [(Fraction(1, 3), arb.pi)]
    assert prove_positive(function, domain, statement="").proved
    lower, upper = arb(1) / 3, arb.pi()
    middle = (lower + upper) / 2
    for ball, ends in zip(seen, [(lower, upper), (lower, middle), (middle, upper)], strict=True):
        assert all(ball.lower() <= end.upper() and ball.upper() >= end.lower() for end in ends)
        assert ball.rad() < 1.01 * (ends[1] - ends[0]) / 2


def test_an_enclosure_that_is_not_finite_decides_nothing():
    certificate = prove_positive(
        lambda x: (1 / x, 1 + x), [(0, 1)], statement="second enclosure decides"
    )
    assert certificate.proved
    never = prove_positive(lambda x: 1 / (x - x), [(0, 1)], statement="", max_boxes=20)
    assert not never.proved and never.counterexample is None


def test_bad_domains_are_rejected():
    with pytest.raises(TypeError, match="domain"):
        prove_positive(lambda x: x, [(0, 0.5)], statement="")
    with pytest.raises(ValueError, match="lower < upper"):
        prove_positive(lambda x: x, [(1, 1)], statement="")
    with pytest.raises(ValueError, match="at least one variable"):
        prove_positive(lambda: arb(1), [], statement="")


def test_the_mean_value_form_needs_fewer_boxes():
    def function(x, y):
        return x * x - x * y + y * y - x + arb(34) / 100

    domain = [(0, 1), (0, 1)]
    natural = prove_positive(function, domain, statement="natural")
    refined = prove_positive(with_mean_value_form(function), domain, statement="mean value")
    assert natural.proved and refined.proved
    assert refined.boxes < natural.boxes / 2


def test_both_forms_contain_every_value_on_the_box():
    def function(x, y):
        return x * x * y - (x - y).sin() / (1 + y)

    box = [arb(0.5, 0.25), arb(1.25, 0.5)]
    for enclosure in with_mean_value_form(function)(*box):
        for x in (0.25, 0.4, 0.5, 0.75):
            for y in (0.75, 1.0, 1.25, 1.75):
                assert enclosure.contains(function(arb(x), arb(y)))


def expression(x, y, sin, cos, sqrt):
    return sin(x * y) / (2 + cos(x)) - sqrt(3 + x - y) * (1 - y) / x + 1 / (1 + y * y) - -x + 2 * y


def test_jets_agree_with_derivatives_at_many_digits():
    with mpmath.workdps(30):
        point = (mpmath.mpf("0.7"), mpmath.mpf("1.3"))

        def function(x, y):
            return expression(x, y, mpmath.sin, mpmath.cos, mpmath.sqrt)

        value = function(*point)
        slopes = [mpmath.diff(function, point, order) for order in ((1, 0), (0, 1))]
    with ctx.workprec(80):
        jet = expression(
            *variables([arb("0.7"), arb("1.3")]),
            lambda z: z.sin(),
            lambda z: z.cos(),
            lambda z: z.sqrt(),
        )
        assert isinstance(jet, Jet)
        assert float(jet.value) == pytest.approx(float(value), abs=1e-15)
        for ball, slope in zip(jet.gradient, slopes, strict=True):
            assert float(ball) == pytest.approx(float(slope), abs=1e-14)


def test_exact_algebra_decides_identities():
    field = TrigonometricField("t", "x")
    t, x = field.angles
    sin, cos, pi = field.sin, field.cos, field.pi()
    assert sin(t + x).equals(sin(t) * cos(x) + cos(t) * sin(x))
    assert cos(pi / 2 - t / 2).equals(sin(t / 2))
    assert sin(2 * pi - x).equals(-sin(x))
    assert ((1 - cos(t)) / sin(t)).equals(sin(t / 2) / cos(t / 2))
    assert not sin(t + x).equals(sin(t) * cos(x) - cos(t) * sin(x))
    assert not (sin(t) * sin(t) + cos(t) * cos(t)).equals(1 + t / 1000 - t)
    assert not sin(t).equals(t)


def test_exact_derivative_and_substitution():
    field = TrigonometricField("t", "x")
    t, x = field.angles
    sin, cos, pi = field.sin, field.cos, field.pi()
    product = x * sin(x - t) / (2 + cos(x))
    slope = (sin(x - t) + x * cos(x - t)) / (2 + cos(x)) + x * sin(x - t) * sin(x) / (
        (2 + cos(x)) * (2 + cos(x))
    )
    assert product.derivative(x).equals(slope)
    assert not product.derivative(t).equals(slope)
    assert product.at(x, t).equals(0)
    assert product.at(x, pi - t).equals((pi - t) * sin(2 * t) / (2 - cos(t)))
    assert product.at(x, 0).equals(0)


def test_exact_algebra_rejects_what_it_cannot_express():
    field = TrigonometricField("t")
    (t,) = field.angles
    for bad in (t * t, t / 3, 1 / t, field.sin(t), t + 1):
        with pytest.raises(ValueError, match="not a sum of halves"):
            field.sin(bad)
    with pytest.raises(ZeroDivisionError, match="identically zero"):
        t / (field.sin(t) * field.sin(t) + field.cos(t) * field.cos(t) - 1)
